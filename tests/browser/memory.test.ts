/** The memory of ZFS's cache in the browser: explained, changed through a plan, given back. */
import { test } from 'vitest';
import { accessible, adasBox, LIMIT } from './browser.ts';

const box = adasBox();

test('the limit is explained, chosen, refused beyond what there is, and automatic again', { timeout: 6 * LIMIT }, async () => {
  const { page } = box.ada;
  await page.goto(`${box.daemon.url}/system`);
  const section = page
    .getByRole('region', { name: "Memory for ZFS's cache" })
    .or(page.locator('section').filter({ hasText: "Memory for ZFS's cache" }))
    .first();
  await section.getByText(/^8 GiB memory; kept: 1 GiB for the system/).waitFor();
  await section.getByText('without ECC').waitFor();
  await accessible(page, 'the system page');

  const choose = async (size: string): Promise<void> => {
    await section.getByRole('button', { name: 'Change' }).click();
    const dialog = page.getByRole('dialog', { name: "How much memory ZFS's cache may take" });
    await dialog.getByLabel('Limit').selectOption('own');
    await dialog.getByLabel('Size').fill(size);
    await dialog.getByRole('button', { name: 'See what will happen' }).click();
  };
  const dialog = page.getByRole('dialog', { name: "How much memory ZFS's cache may take" });
  await choose('lots');
  await dialog.getByText('A size such as 2048M or 4G is needed.').waitFor();
  await accessible(page, 'a limit that is no size');
  await dialog.getByLabel('Size').fill('3G');
  await dialog.getByRole('button', { name: 'See what will happen' }).click();
  await dialog.getByRole('definition').filter({ hasText: '3G' }).waitFor();
  await dialog.getByRole('button', { name: 'Apply', exact: true }).click();
  await dialog.getByRole('button', { name: 'Close' }).last().click();
  await section.getByText(/chosen; automatic would be/).waitFor();
  await choose('8G');
  await dialog
    .getByText(/on this machine it lies between/)
    .first()
    .waitFor();
});
