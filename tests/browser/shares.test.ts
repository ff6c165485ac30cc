/** Shares in the browser: made, changed and removed through plans, with the schema's own messages. */
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

test('an NFS share is made from a dataset, with what is wrong said beside it', { timeout: 4 * LIMIT }, async () => {
  const { page } = box.ada;
  await page.goto(`${box.daemon.url}/storage/datasets/tank/media/audiobooks`);
  await page.locator('.actions').getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: 'Share it' }).click();
  const dialog = page.getByRole('dialog', { name: 'Create a share' });
  await expect.poll(() => dialog.getByLabel('Dataset').inputValue(), { timeout: LIMIT }).toBe('tank/media/audiobooks');
  await dialog.getByLabel('Kind').selectOption('nfs');
  await dialog.getByLabel('Name').fill('con');
  await dialog.getByLabel('Host or network 1').fill('not a host!');
  await dialog.getByRole('button', { name: 'See what will happen' }).click();
  await dialog.getByText('this name has a meaning of its own to Windows or Samba').waitFor();
  await dialog.getByText('expected a host, an address, a network such as 192.168.1.0/24, or *').waitFor();
  await accessible(page, 'create an NFS share');
  await dialog.getByLabel('Name').fill('films');
  await dialog.getByText('There is a share films already.').waitFor();
  await dialog.getByLabel('Name').fill('stories');
  await dialog.getByLabel('Host or network 1').fill('192.168.1.0/24');
  await dialog.getByLabel('May', { exact: true }).selectOption('ro');
  await apply();
  await page.getByRole('link', { name: 'stories' }).click();
  await page.getByRole('heading', { level: 1, name: 'stories' }).waitFor();
  await page.getByText('reads, squash root, sync').waitFor();
});

test('an SMB share is changed; what people feel is said before', { timeout: 4 * LIMIT }, async () => {
  const { page } = box.ada;
  await page.goto(`${box.daemon.url}/shares/smb/photos`);
  await page.getByRole('button', { name: 'Change' }).click();
  const dialog = page.getByRole('dialog', { name: 'Change share photos' });
  await dialog.getByLabel('Read only', { exact: true }).check();
  await dialog.getByLabel('Only for').fill('@family, Not A Name');
  await dialog.getByRole('button', { name: 'See what will happen' }).click();
  await dialog.getByText('expected a user name or @group').waitFor();
  await dialog.getByLabel('Only for').fill('@family, anna');
  await accessible(page, 'change an SMB share');
  await apply();
  await page.getByText('@family, anna, read only').waitFor();
});

test('the page of a share says how each client gets to it, and which Previous Versions they are offered', {
  timeout: 4 * LIMIT,
}, async () => {
  const { page } = box.ada;
  await page.goto(`${box.daemon.url}/shares/smb/photos`);
  await page.getByText('\\\\127.0.0.1\\photos').waitFor();
  await page.getByText('smb://127.0.0.1/photos').waitFor();
  await page.getByText('mount -t cifs //127.0.0.1/photos /mnt').waitFor();
  await page.getByRole('heading', { name: 'Previous Versions' }).waitFor();
  await page.locator('.versions li').first().waitFor();
  await page.getByText('General: files for people').waitFor();
  await accessible(page, 'what clients get of a share');
  await page.goto(`${box.daemon.url}/shares/nfs/films`);
  await page.getByText(/^mount -t nfs 127\.0\.0\.1:\/mnt\//).waitFor();
  expect(await page.getByRole('heading', { name: 'Previous Versions' }).count()).toBe(0);
  expect(box.ada.errors).toEqual([]);
});

test('a share is removed, and its page says so', { timeout: 4 * LIMIT }, async () => {
  const { page } = box.ada;
  await page.goto(`${box.daemon.url}/shares/nfs/stories`);
  await page.getByRole('button', { name: 'Remove' }).click();
  await apply();
  await page.getByText('There is no share stories').waitFor();
  await page.getByRole('link', { name: 'All shares' }).click();
  await page.getByRole('link', { name: 'films', exact: true }).waitFor();
  expect(await page.getByRole('link', { name: 'stories' }).count()).toBe(0);
  expect(box.ada.errors).toEqual([]);
});
