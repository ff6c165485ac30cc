/** Generations in the browser: compared, one let start next, the way back, one deleted; and one that was chosen and did not come up. */
import { expect, test } from 'vitest';
import { accessible, adasBox, LIMIT } from './browser.ts';

const box = adasBox();
const open = async (): Promise<void> => {
  await box.ada.page.goto(`${box.daemon.url}/system/generations`);
  await box.ada.page.getByRole('button', { name: 'Start next: generation 2' }).waitFor();
};
const row = (number: number) => box.ada.page.getByRole('row').filter({ hasText: new RegExp(`^${number}\\D`) });

test('compared, and let start next: snapshots first, and what runs is not touched', { timeout: 2 * LIMIT }, async () => {
  const { page } = box.ada;
  await open();
  await row(3).getByText('runs, and starts next').waitFor();
  await page.getByRole('button', { name: 'Compare generation 2 with the one that runs' }).click();
  await page.getByRole('heading', { name: 'From generation 2 to 3' }).waitFor();
  await page.getByRole('row').filter({ hasText: 'zfs-user' }).getByText('2.3.7').waitFor();
  await accessible(page, 'two generations compared');

  await page.getByRole('button', { name: 'Start next: generation 2' }).click();
  const dialog = page.getByRole('dialog', { name: 'Let generation 2 start next' });
  await dialog.getByText('Snapshots of all pools are taken first.').waitFor();
  await dialog.getByRole('button', { name: 'Start it next' }).click();
  await page.getByText('Generation 2 starts next', { exact: true }).waitFor();
  await row(2).getByText('starts next').waitFor();
  await row(3).getByText('runs', { exact: true }).waitFor();
  for (const number of [2, 3])
    expect(await page.getByRole('button', { name: `Delete generation ${number}` }).getAttribute('aria-disabled')).toBe('true');
  await accessible(page, 'a generation that starts next');
  await page.getByRole('button', { name: 'Restart into it' }).click();
  await page
    .getByRole('dialog')
    .getByText(/^D-PlaneOS generation 2 is tried; if it does not come up well, the system that runs now comes back/)
    .waitFor();
});

test('the way back, and one deleted', { timeout: 2 * LIMIT }, async () => {
  const { page } = box.ada;
  await open();
  await page.getByRole('button', { name: 'Start next: generation 3' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Start it next' }).click();
  await row(3).getByText('runs, and starts next').waitFor();
  await page.getByRole('button', { name: 'Delete generation 1' }).click();
  await page.getByRole('dialog', { name: 'Delete generation 1' }).getByRole('button', { name: 'Delete it' }).click();
  await page.getByRole('button', { name: 'Delete generation 1' }).waitFor({ state: 'detached' });
});

test('one that was chosen and did not come up says so, and what starts instead', { timeout: 2 * LIMIT }, async () => {
  const { page } = box.ada;
  // as a machine tells it after a start that was given up: the simulated one has none of these
  await page.route('**/trpc/**', async (route) => {
    const answer = await route.fetch();
    const text = await answer.text();
    const given = text.includes('"generations":[')
      ? text
          .replace('"current":true', '"current":false')
          .replace('"current":false,"running":false,"booted":false', '"current":true,"running":false,"booted":false')
      : text;
    await route.fulfill({ response: answer, body: given });
  });
  await open();
  await page.getByText('Generation 2 does not start').waitFor();
  await page.getByText(/Generation 2 was chosen, but generation 3 starts next: 2 did not come up/).waitFor();
  await row(2).getByText('chosen, does not start').waitFor();
  expect(await page.getByRole('button', { name: 'Start next: generation 2' }).getAttribute('aria-disabled')).not.toBe('true');
  await accessible(page, 'a generation that is passed over');
  await page.unrouteAll({ behavior: 'ignoreErrors' });
});
