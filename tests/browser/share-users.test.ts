/** Users and groups for shares in the browser: the password goes in once and stands nowhere after. */
import { expect, test } from 'vitest';
import { accessible, adasBox, LIMIT } from './browser.ts';

const box = adasBox();
const SECRET = 'somebody hides the biscuits';

const apply = async (): Promise<void> => {
  const { page } = box.ada;
  await page.getByRole('button', { name: 'See what will happen' }).click();
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.getByText('Done', { exact: true }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
};
const choose = async (name: string, item: string): Promise<void> => {
  const { page } = box.ada;
  await page.getByRole('button', { name: `Change ${name}` }).click();
  await page.getByRole('menuitem', { name: item }).click();
};
const row = (name: string) =>
  box.ada.page
    .getByRole('row')
    .filter({ has: box.ada.page.getByText(name, { exact: true }) })
    .first();

test('a user is made with a password, which the plan does not show', { timeout: 4 * LIMIT }, async () => {
  const { page } = box.ada;
  await page.goto(`${box.daemon.url}/shares`);
  await page.getByRole('link', { name: 'Users and groups' }).click();
  await accessible(page, 'users and groups for shares');
  await page.getByRole('button', { name: 'Add user' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add a user for shares' });
  await dialog.getByRole('button', { name: 'See what will happen' }).click();
  await dialog.getByText('a name begins with a small letter').waitFor();
  await dialog.getByLabel('Name', { exact: true }).fill('anna');
  await dialog.getByText('The name anna is in use.').waitFor();
  await dialog.getByLabel('Name', { exact: true }).fill('root');
  await dialog.getByText('the system has a use of its own for this name').waitFor();
  await dialog.getByLabel('Name', { exact: true }).fill('dora');
  await dialog.getByLabel('Password').fill('short');
  await dialog.getByText('at least 12 are needed').waitFor();
  await dialog.getByLabel('Password').fill(SECRET);
  await dialog.getByLabel('family').check();
  await accessible(page, 'add a user for shares');
  await dialog.getByRole('button', { name: 'See what will happen' }).click();
  await page.getByRole('button', { name: 'Apply' }).waitFor();
  expect(await page.content()).not.toContain(SECRET);
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.getByText('Done', { exact: true }).waitFor();
  await page.keyboard.press('Escape');
  await row('dora').getByText('may log in').waitFor();
});

test('disabled, renamed and removed; who owns what is said before, and its name has to be typed', { timeout: 4 * LIMIT }, async () => {
  const { page } = box.ada;
  await choose('dora', 'Disable');
  await apply();
  await row('dora').getByText('disabled').waitFor();
  await choose('dora', 'Rename');
  await page.getByRole('dialog').getByLabel('New name').fill('doris');
  await apply();
  await row('doris').waitFor();
  await choose('doris', 'Remove');
  await page.getByText('doris owns nothing in the').waitFor();
  await accessible(page, 'remove a user for shares');
  await page.getByRole('button', { name: 'See what will happen' }).click();
  await page.getByText('which no other account gets').first().waitFor();
  await page.getByRole('textbox').last().fill('doris');
  await page.getByRole('button', { name: 'Approve' }).click();
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.getByText('Done', { exact: true }).waitFor();
  await page.keyboard.press('Escape');
  await expect.poll(() => row('doris').count(), { timeout: LIMIT }).toBe(0);
});

test('a group gets members; one that a share names can not be removed', { timeout: 4 * LIMIT }, async () => {
  const { page } = box.ada;
  await page.getByRole('button', { name: 'Add group' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add a group' });
  await dialog.getByLabel('Name', { exact: true }).fill('kids');
  await dialog.getByLabel('clara').check();
  await accessible(page, 'add a group for shares');
  await apply();
  await row('@kids').getByText('clara').waitFor();
  await page.getByRole('button', { name: 'Change family' }).click();
  await page.getByRole('menuitem', { name: 'Remove' }).getByText('Shares name it:').waitFor();
  await page.keyboard.press('Escape');
  expect(box.ada.errors).toEqual([]);
});
