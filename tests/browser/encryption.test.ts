/** Encrypted datasets in the browser: made with a passphrase, locked, unlocked; given a key file, of which a copy is taken and confirmed. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { PASSWORD } from '../daemon/daemon.ts';
import { accessible, adasBox, LIMIT } from './browser.ts';

const box = adasBox();
const PASS = 'violet hammer lagoon';

const apply = async (): Promise<void> => {
  const { page } = box.ada;
  await page.getByRole('button', { name: 'See what will happen' }).click();
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.getByText('Done', { exact: true }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
};
const section = () => box.ada.page.locator('section').filter({ has: box.ada.page.getByRole('heading', { name: 'Encryption' }) });

test('made with a passphrase: what losing it means is said, and the plan does not show it', { timeout: 4 * LIMIT }, async () => {
  const { page } = box.ada;
  await page.goto(`${box.daemon.url}/storage/datasets?do=create`);
  const dialog = page.getByRole('dialog', { name: 'Create a dataset' });
  await dialog.getByLabel('Name').fill('tank/diary');
  await dialog.getByLabel('Encrypt it').check();
  await dialog.getByText('Nobody can read the data without it').waitFor();
  await dialog.getByLabel('Passphrase').fill('short');
  await dialog.getByRole('button', { name: 'See what will happen' }).click();
  await dialog.getByText('at least 12 characters').last().waitFor();
  await dialog.getByLabel('Passphrase').fill(PASS);
  await dialog.getByText('The two are not the same.').waitFor();
  await dialog.getByLabel('The same again').fill(PASS);
  await accessible(page, 'create an encrypted dataset');
  await dialog.getByRole('button', { name: 'See what will happen' }).click();
  await page.getByRole('button', { name: 'Apply' }).waitFor();
  expect(await page.content()).not.toContain(PASS);
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.getByText('Done', { exact: true }).waitFor();
});

test('locked and unlocked; a wrong passphrase is told where it was typed', { timeout: 4 * LIMIT }, async () => {
  const { page } = box.ada;
  await page.goto(`${box.daemon.url}/storage/datasets/tank/diary`);
  await section().getByText('open', { exact: true }).waitFor();
  await section().getByRole('button', { name: 'Lock' }).click();
  await apply();
  await section().getByText('locked', { exact: true }).waitFor();
  await accessible(page, 'a locked dataset');
  await section().getByRole('button', { name: 'Unlock' }).click();
  await page.getByRole('dialog').getByLabel('Passphrase').fill('violet hammer lagoom');
  await page.getByRole('button', { name: 'See what will happen' }).click();
  await page.getByText('this is not its key').waitFor();
  await page.getByRole('dialog').getByLabel('Passphrase').fill(PASS);
  await apply();
  await section().getByText('open', { exact: true }).waitFor();
});

test('a key file: nobody keeps a copy, until one is taken and said to be kept', { timeout: 4 * LIMIT }, async () => {
  const { page } = box.ada;
  await section().getByRole('button', { name: 'Change key' }).click();
  await page.getByRole('dialog').getByLabel('Opened by').selectOption('hex-file');
  await page.getByText('The key stays on this machine').waitFor();
  await apply();
  await section().getByText('Nobody keeps a copy of its key file').waitFor();
  await section().getByRole('button', { name: 'Copy key' }).click();
  const dialog = page.getByRole('dialog', { name: 'Copy the key of tank/diary' });
  await dialog.getByLabel('Your own password').fill('not mine at all');
  await dialog.getByRole('button', { name: 'Download the key file' }).click();
  await dialog.getByText('this is not your current password').waitFor();
  await dialog.getByLabel('Your own password').fill(PASSWORD);
  const coming = page.waitForEvent('download');
  await dialog.getByRole('button', { name: 'Download the key file' }).click();
  const download = await coming;
  expect(download.suggestedFilename()).toBe('tank-diary.key');
  expect(readFileSync(await download.path(), 'utf8')).toMatch(/^[0-9a-f]{64}\n$/);
  await accessible(page, 'a copy of a key was taken');
  await dialog.getByRole('button', { name: 'It is kept elsewhere' }).click();
  await section().getByText('A copy of its key file is kept elsewhere.').waitFor();
  expect(box.ada.errors).toEqual([]);
});
