/** A failing disk in the browser: seen, replaced step by step, filled, done; and what else a pool's menus offer. */
import type { Locator } from 'playwright-core';
import { expect, test } from 'vitest';
import { asAdmin } from '../daemon/daemon.ts';
import { accessible, adasBox, LIMIT } from './browser.ts';

const box = adasBox();
const FAILED = 'ata-ST4000VN006-3CW104_ZW654168737';

test('the pool says which disk is failing, and leads to its replacement', { timeout: 4 * LIMIT }, async () => {
  const { page } = box.ada;
  await page.goto(`${box.daemon.url}/storage/pools/backup`);
  await page.getByRole('heading', { name: 'backup' }).waitFor();
  await accessible(page, 'a pool with a failing disk');
  await page.getByRole('link', { name: 'Replace it' }).click();
  await page.getByRole('heading', { name: 'Which disk takes its place?' }).waitFor();
  expect(page.url()).toContain('/storage/pools/backup/replace/ata-ST4000VN006');
});

test('disks that do not fit stay in the list and say why; one that does is chosen', { timeout: 4 * LIMIT }, async () => {
  const { page } = box.ada;
  const list = page.getByRole('list', { name: 'Disks to choose from' });
  await list
    .getByText(/too small/)
    .first()
    .waitFor();
  expect(await list.getByRole('radio', { disabled: true }).count()).toBeGreaterThan(1);
  expect(await list.getByRole('radio', { checked: true }).count()).toBe(1);
  await accessible(page, 'choosing a disk');
});

test('the plan is shown before anything happens, then the disk is filled, and the page finds its step again', {
  timeout: 6 * LIMIT,
}, async () => {
  const { page } = box.ada;
  await page.getByRole('button', { name: 'See what will happen' }).click();
  await page.getByRole('button', { name: 'Apply', exact: true }).click();
  await page.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('progressbar', { name: 'Resilver' }).waitFor();
  await page.getByText(/left at this pace|Too early to say/).waitFor();
  await page.goto(`${box.daemon.url}/storage/pools/backup`);
  await page.getByRole('progressbar', { name: 'Resilver' }).waitFor();
  await page.getByRole('link', { name: 'How far its replacement is' }).click();
  await page.getByRole('list', { name: 'Steps' }).getByText('Filling it').waitFor();
  await accessible(page, 'a disk that is being filled');
});

test('switching a disk off asks for its name', { timeout: 4 * LIMIT }, async () => {
  const { page } = box.ada;
  await page.goto(`${box.daemon.url}/storage/pools/fast`);
  await page
    .getByRole('button', { name: /^Actions for/ })
    .first()
    .click();
  await page.getByRole('menuitem', { name: 'Switch off …' }).click();
  const dialog = page.getByRole('dialog', { name: /^Switch off/ });
  await dialog.getByRole('button', { name: 'See what will happen' }).click();
  await dialog
    .getByText(/the next disk that mirror-0 loses takes the pool with it/)
    .first()
    .waitFor();
  const name = (await dialog.locator('code.exact').textContent()) ?? '';
  await dialog.getByLabel(/^To approve, type/).fill('something else');
  await dialog.getByRole('button', { name: 'Approve' }).click();
  await dialog.getByText('That is not the exact name').waitFor();
  await dialog.getByLabel(/^To approve, type/).fill(name);
  await dialog.getByRole('button', { name: 'Approve' }).click();
  await dialog.getByText('Approved, for this plan and once.').waitFor();
  await accessible(page, 'an approval that names a disk');
});

test('disks are added: what is weaker than the rest says so before it is planned', { timeout: 4 * LIMIT }, async () => {
  const { page } = box.ada;
  await page.goto(`${box.daemon.url}/storage/pools/tank`);
  await page.getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: 'Add disks …' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add disks to tank' });
  await dialog.locator('.disk-use select').first().selectOption('data');
  await dialog.getByLabel('Data layout').selectOption('stripe');
  await dialog.getByText(/survives no loss/).waitFor();
  await accessible(page, 'adding disks');
});

test('when it has ended, the page says that the pool is whole', { timeout: 6 * LIMIT }, async () => {
  const { page } = box.ada;
  // a simulated day
  box.daemon.process.kill('SIGUSR2');
  await page.goto(`${box.daemon.url}/storage/pools/backup/replace/${FAILED}`);
  await page.getByText('the pool is whole').waitFor({ timeout: 4 * LIMIT });
  await accessible(page, 'a replaced disk');
});

test('a pool is exported, found again on its disks, and imported under another name, read-only', { timeout: 6 * LIMIT }, async () => {
  const { page } = box.ada;
  const run = async (dialog: Locator): Promise<void> => {
    await dialog.getByRole('button', { name: 'See what will happen' }).click();
    await dialog.getByRole('button', { name: 'Apply', exact: true }).click();
    await dialog.getByRole('button', { name: 'Close' }).click();
  };
  await page.goto(`${box.daemon.url}/storage/pools/backup`);
  await page.getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: 'Export …' }).click();
  // what is shared is not given up
  const exporting = page.getByRole('dialog');
  await exporting.getByRole('button', { name: 'See what will happen' }).click();
  await exporting.getByText('it is shared: laptops').waitFor();
  const call = await asAdmin({ ...box.daemon, claim: null });
  const plan = await call('POST', '/api/plans', { changes: [{ kind: 'share.remove', share: 'smb', name: 'laptops' }] });
  const { body } = await call('POST', '/api/gitops/apply', { digest: plan.body.digest });
  await expect.poll(async () => (await call('GET', `/api/runs/${String(body.id)}`)).body.state, { timeout: LIMIT }).toBe('succeeded');
  await run(exporting);
  await page.goto(`${box.daemon.url}/storage/import`);
  const found = page.getByRole('article').filter({ has: page.getByRole('heading', { name: 'backup' }) });
  await found.getByText('online', { exact: true }).first().waitFor();
  await accessible(page, 'pools to import');
  await found.getByRole('button', { name: 'Look at it read-only …' }).click();
  const dialog = page.getByRole('dialog', { name: 'Import backup read-only' });
  await dialog.getByLabel('Name here').fill('-backup');
  await dialog.getByRole('button', { name: 'See what will happen' }).click();
  await dialog.getByText(/a pool name begins with a letter/).waitFor();
  await dialog.getByLabel('Name here').fill('attic');
  await run(dialog);
  await found.waitFor({ state: 'detached' });
  await page.goto(`${box.daemon.url}/storage/pools/attic`);
  await page.getByRole('heading', { name: 'attic' }).waitFor();
  expect(box.ada.errors).toEqual([]);
});
