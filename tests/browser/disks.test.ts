/** The health of disks in the browser: found in the list, explained on the page of the disk, tested, and where it leads to a replacement. */
import { expect, test } from 'vitest';
import { accessible, adasBox, LIMIT } from './browser.ts';

const box = adasBox();
const FAILING = 'ata-ST4000VN006-3CW104_ZW654168737';
const ASLEEP = 'ata-TOSHIBA_HDWG21C_X112417481';
const GROWING = 'ata-WDC_WD80EFZZ-68BTXN0_WD-CA12127313';

test('the list says of each disk how it is, and that one sleeps', { timeout: 4 * LIMIT }, async () => {
  const { page } = box.ada;
  await page.goto(`${box.daemon.url}/storage/disks`);
  const row = (name: string) => page.getByRole('row').filter({ hasText: name });
  await row('ST4000VN006 ·168737').getByText('failing').waitFor();
  await row('WD80EFZZ ·127313').getByText('watch it').waitFor();
  await row('HDWG21C ·417481').getByText('asleep').waitFor();
  await row('25A2 ·196818').getByText('unknown').waitFor();
  await page.getByText('one that sleeps is not woken').waitFor();
  await accessible(page, 'the list of disks');
});

test('the page of a disk gives the reasons, what grew, and the way to replace it', { timeout: 4 * LIMIT }, async () => {
  const { page } = box.ada;
  await page.goto(`${box.daemon.url}/storage/disks/${FAILING}`);
  const reasons = page.getByRole('list', { name: 'Reasons' });
  await reasons.getByText('It says itself that it is failing.').waitFor();
  await reasons.getByText('1,832 sectors had to be moved.').waitFor();
  await accessible(page, 'a disk that is failing');
  await page.getByRole('link', { name: 'Replace it in backup' }).click();
  await page.getByRole('heading', { name: 'Which disk takes its place?' }).waitFor();
  await page.getByRole('list', { name: 'Reasons' }).getByText('It says itself that it is failing.').waitFor();
  // the one that is known to be good is chosen, not the one that sleeps
  await page.getByRole('listitem').filter({ hasText: 'nothing is known of its health' }).filter({ hasText: 'HDWG21C ·417481' }).waitFor();
  expect(await page.getByRole('radio', { name: /HDWG21C ·703944/ }).isChecked()).toBe(true);
  await page.goto(`${box.daemon.url}/storage/disks/${GROWING}`);
  await page.getByText('8 new moved sectors this week.').waitFor();
  await page.getByRole('row', { name: /Moved sectors 16 \+8/ }).waitFor();
});

test('a self-test is begun, its progress is shown, and it is stopped', { timeout: 4 * LIMIT }, async () => {
  const { page } = box.ada;
  await page.getByRole('button', { name: /^Long self-test/ }).click();
  await page.getByRole('progressbar', { name: 'Self-test' }).waitFor();
  await page.getByRole('button', { name: 'Stop the self-test' }).click();
  await page
    .getByRole('table', { name: 'Self-tests' })
    .or(page.getByRole('grid', { name: 'Self-tests' }))
    .getByText('stopped')
    .waitFor();
});

test('a disk that sleeps says so, and is woken only by a test that someone asks for', { timeout: 4 * LIMIT }, async () => {
  const { page } = box.ada;
  await page.goto(`${box.daemon.url}/storage/disks/${ASLEEP}`);
  await page.getByText(/^It sleeps, and is not woken to be asked/).waitFor();
  await page.getByRole('button', { name: 'Ask it now' }).click();
  await page.getByText(/^It sleeps, and is not woken to be asked/).waitFor();
  await page.getByText('A self-test wakes it.').waitFor();
  await accessible(page, 'a disk that sleeps');
  await page.getByRole('button', { name: 'Short self-test' }).click();
  await page.getByRole('progressbar', { name: 'Self-test' }).waitFor();
});

test('how often disks are asked and test themselves is changed', { timeout: 4 * LIMIT }, async () => {
  const { page } = box.ada;
  await page.goto(`${box.daemon.url}/storage/disks`);
  await page.getByRole('button', { name: 'Change', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: 'How disks look after themselves' });
  await dialog.getByLabel('Long self-test').selectOption('0 3 15 * *');
  await accessible(page, 'how disks look after themselves');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'hidden' });
  await page.getByRole('definition').filter({ hasText: 'On the 15th of each month at 03:00' }).waitFor();
});
