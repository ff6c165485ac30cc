/** Out of a snapshot by a clone for a while, in the browser; and what a destruction would take, before it is planned. */
import { expect, test } from 'vitest';
import { accessible, adasBox, LIMIT } from './browser.ts';

const box = adasBox();

const apply = async (): Promise<void> => {
  const { page } = box.ada;
  await page.getByRole('button', { name: 'See what will happen' }).click();
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.getByText('Done', { exact: true }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
};
const clones = () => box.ada.page.getByRole('table', { name: 'Clones for a while' });
const menu = async (item: string): Promise<void> => {
  await box.ada.page.getByRole('button', { name: /^Change tank\/photos-/ }).click();
  await box.ada.page.getByRole('menuitem', { name: item }).click();
};

test('a snapshot is cloned for a day with a share; the time that is left is seen', { timeout: 4 * LIMIT }, async () => {
  const { page } = box.ada;
  await page.goto(`${box.daemon.url}/protection?dataset=tank/photos`);
  await page
    .getByRole('checkbox', { name: /^Choose|^Select/ })
    .nth(1)
    .check();
  await page.getByRole('button', { name: 'Clone', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: 'Clone a snapshot' });
  await dialog.getByLabel('Share it for as long').check();
  await dialog.getByRole('button', { name: 'See what will happen' }).click();
  await dialog.getByText('Choose who may open it.').waitFor();
  await dialog.getByLabel('Name of the share').fill('found photos');
  await dialog.getByLabel('anna').check();
  await accessible(page, 'clone a snapshot for a while');
  await apply();
  await clones().getByText('found photos').waitFor();
  await clones()
    .getByText(/2[34] h/)
    .waitFor();
  await accessible(page, 'clones for a while');
});

test('it gets more time, and is ended', { timeout: 4 * LIMIT }, async () => {
  const { page } = box.ada;
  await menu('More time');
  await page.getByRole('dialog').getByLabel('From now').selectOption('72');
  await apply();
  await clones()
    .getByText(/[23] days/)
    .waitFor();
  await menu('End it now');
  await apply();
  await clones().waitFor({ state: 'detached' });
  await page.goto(`${box.daemon.url}/shares`);
  await page.getByRole('link', { name: 'photos', exact: true }).first().waitFor();
  expect(await page.getByText('found photos').count()).toBe(0);
});

test('before a dataset is destroyed, what would go is said: snapshots, space, shares', { timeout: 4 * LIMIT }, async () => {
  const { page } = box.ada;
  await page.goto(`${box.daemon.url}/storage/datasets/tank/photos`);
  await page.getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: 'Destroy' }).click();
  const what = page.getByRole('region', { name: 'What would go' });
  await what.getByText(/snapshots would go/).waitFor();
  await what.getByText('Shares that end with it').waitFor();
  await accessible(page, 'what a destruction would take');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: 'Rename' }).click();
  await page.getByRole('dialog').getByLabel('New name').fill('tank/pictures');
  const moves = page.getByRole('region', { name: 'What would move' });
  await moves.getByText('/mnt/tank/photos becomes /mnt/tank/pictures').waitFor();
  await moves.getByText(/Shares that follow/).waitFor();
  await page.getByRole('dialog').getByLabel('New name').fill('tank/ümlaut');
  await page
    .getByRole('dialog')
    .getByText(/ZFS takes no other letters/)
    .waitFor();
  expect(box.ada.errors).toEqual([]);
});
