/** Permissions of what a share serves, in the browser: what is there now, what it will be, and that a snapshot comes first. */
import { expect, test } from 'vitest';
import { accessible, adasBox, LIMIT } from './browser.ts';

const box = adasBox();

test('a folder that belongs to root is given to a group, with all that is in it', { timeout: 4 * LIMIT }, async () => {
  const { page } = box.ada;
  await page.goto(`${box.daemon.url}/shares/smb/photos`);
  await page.getByText('The folder belongs to root').waitFor();
  await page.getByRole('button', { name: 'Set permissions' }).click();
  const dialog = page.getByRole('dialog', { name: 'Permissions of tank/photos' });
  await dialog.getByLabel('Owner').selectOption('anna');
  await dialog.getByLabel('Group').selectOption('family');
  await dialog.getByLabel('Also everything that is in it').check();
  await accessible(page, 'set permissions');
  await dialog.getByRole('button', { name: 'See what will happen' }).click();
  await page.getByText('a snapshot is taken before').first().waitFor();
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.getByText('Done', { exact: true }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByText('2770: owner and group read and write').waitFor();
  expect(await page.getByText('The folder belongs to root').count()).toBe(0);
  expect(box.ada.errors).toEqual([]);
});
