/** Who is connected to shares, in the browser: seen, with what is open; and disconnected. */
import { expect, test } from 'vitest';
import { accessible, adasBox, LIMIT } from './browser.ts';

const box = adasBox();

test('sessions say who, from where, how safely and what is open; one is ended, and is gone', { timeout: 4 * LIMIT }, async () => {
  const { page } = box.ada;
  await page.goto(`${box.daemon.url}/shares`);
  await page.getByRole('link', { name: 'Sessions' }).click();
  const row = page.getByRole('row').filter({ hasText: '192.168.1.41' }).first();
  await row.getByText('SMB 3.1.1').waitFor();
  await row.getByText('office').waitFor();
  await page.getByText('/mnt/tank/office/projects/plan.docx').waitFor();
  // ben writes: the second look says how much comes in
  await row
    .getByText(/^[0-9.]+ [KM]iB\/s$/)
    .first()
    .waitFor();
  await accessible(page, 'sessions of shares');
  await page.getByRole('button', { name: 'Disconnect ben at 192.168.1.41' }).click();
  const dialog = page.getByRole('dialog', { name: 'Disconnect ben at 192.168.1.41' });
  await dialog.getByText('2 files are open').waitFor();
  await accessible(page, 'disconnect somebody');
  await dialog.getByRole('button', { name: 'Disconnect' }).click();
  await dialog.waitFor({ state: 'detached' });
  await row.waitFor({ state: 'detached' });
  // the others stay
  await page.getByRole('row').filter({ hasText: '192.168.1.34' }).first().waitFor();
  expect(box.ada.errors).toEqual([]);
});
