/** Every page in both themes and on a phone: no violation of the accessibility rules, no error, nothing refused by the content policy. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { asAdmin, type Running, temporaryState } from '../daemon/daemon.ts';
import { accessible, LIMIT, login, person, stage } from './browser.ts';

const state = temporaryState();
let daemon: Running;
let browser: Browser;
let close: () => Promise<void>;

const PAGES: readonly [path: string, heading: string][] = [
  ['/', 'Overview'],
  ['/storage', 'Storage'],
  ['/storage/tree', 'Storage'],
  ['/storage/datasets', 'Storage'],
  ['/storage/disks', 'Storage'],
  ['/storage/disks/nothing-of-this-name', 'nothing-of-this-name'],
  ['/storage/pools/tank', 'tank'],
  ['/storage/datasets/tank/media', 'media'],
  ['/shares', 'Shares'],
  ['/shares/smb/media', 'media'],
  ['/protection', 'Protection'],
  ['/protection/schedules', 'Protection'],
  ['/protection/browse?dataset=tank/photos', 'Files as they were'],
  ['/protection/schedules?do=create', 'Protection'],
  ['/changes', 'Changes'],
  ['/changes/state', 'Changes'],
  ['/changes/drift', 'Changes'],
  ['/changes/history', 'Changes'],
  ['/activity', 'Activity'],
  ['/activity/alerts', 'Activity'],
  ['/activity/audit', 'Activity'],
  ['/access', 'Access'],
  ['/access/roles', 'Access'],
  ['/access/tokens', 'Access'],
  ['/access/sessions', 'Access'],
  ['/access/me', 'Access'],
  ['/system', 'System'],
  ['/system/updates', 'System'],
  ['/system/generations', 'System'],
  ['/living', 'Parts and states'],
  ['/no/such/page', 'There is nothing here'],
];

beforeAll(async () => {
  ({ daemon, browser, close } = await stage(state.path));
  const call = await asAdmin(daemon);
  await call('POST', '/api/gitops/capture', {});
  await call('POST', '/api/plans', { changes: [{ kind: 'dataset.create', dataset: { name: 'tank/scans' } }] });
}, 4 * LIMIT);
afterAll(async () => {
  await close();
  state.remove();
});

test.each([
  ['light', 1280],
  ['dark', 1280],
  ['light', 360],
] as const)('%s, %d px wide', { timeout: 6 * LIMIT }, async (colorScheme, width) => {
  const p = await person(browser, { colorScheme, viewport: { width, height: 800 }, reducedMotion: 'reduce' });
  await p.page.goto(daemon.url);
  await p.page.getByRole('heading', { name: 'Log in' }).waitFor();
  await accessible(p.page, 'login');
  await login(p.page, daemon.url);
  for (const [path, heading] of PAGES) {
    await p.page.goto(`${daemon.url}${path}`);
    // hidden ones too: a dialog that is open takes the page behind it out of the tree of roles
    await p.page.getByRole('heading', { level: 1, name: heading, includeHidden: true }).waitFor();
    await expect.poll(() => p.page.locator('.waiting').count(), { timeout: LIMIT }).toBe(0);
    await accessible(p.page, `${path} ${colorScheme} ${width}`);
    // Nothing makes the page itself scroll sideways.
    expect(
      await p.page.evaluate(
        'document.documentElement.scrollWidth <= innerWidth && (document.querySelector("main").scrollWidth <= document.querySelector("main").clientWidth + 1)',
      ),
      path,
    ).toBe(true);
  }
  expect(p.errors).toEqual([]);
  await p.context.close();
});

test('the policy is strict, and nothing inline is served', async () => {
  const answer = await daemon.call('GET', '/');
  expect(String(answer.headers['content-security-policy'])).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
  const html = String(answer.body.text);
  expect(html).toContain('<script type="module"');
  expect(html).not.toMatch(/<script(?![^>]*\bsrc=)[^>]*>|<style|\sstyle=|\son[a-z]+=/);
});

test('an empty box teaches what to do first', { timeout: 4 * LIMIT }, async () => {
  const other = temporaryState();
  const { startDemo } = await import('../daemon/daemon.ts');
  const empty = await startDemo(other.path, { DPLANE_DEMO: 'empty' });
  await asAdmin(empty);
  const p = await person(browser);
  await login(p.page, empty.url);
  await p.page.getByText('There is no pool yet').waitFor();
  await p.page.getByRole('link', { name: 'See which disks are free' }).click();
  await p.page.getByText('6 disks are free:').waitFor();
  await accessible(p.page, 'empty storage');
  await p.page.getByRole('button', { name: 'Create a pool' }).click();
  const dialog = p.page.getByRole('dialog', { name: 'Create a pool' });
  await dialog.getByLabel('Name').fill('mirror-of-mine');
  const disks = dialog.getByRole('group', { name: 'Disks, and what each is for' }).getByRole('combobox');
  await disks.first().selectOption('data');
  await dialog.getByRole('button', { name: 'See what will happen' }).click();
  await dialog.getByText('a pool name cannot begin with mirror').waitFor();
  await dialog.getByText('a mirror needs at least 2 disks').waitFor();
  await accessible(p.page, 'create a pool');
  await dialog.getByLabel('Name').fill('first');
  await disks.nth(1).selectOption('data');
  await dialog.getByText('Any one disk may fail before data is lost.').waitFor();
  // A single special disk would take the pool with it; zpool would refuse, so it is said here, and nothing is planned.
  await disks.nth(2).selectOption('special');
  await dialog.getByLabel('Special layout').selectOption('stripe');
  await dialog.getByText('ZFS wants them to survive equally many losses').waitFor();
  await disks.nth(3).selectOption('special');
  await dialog.getByLabel('Special layout').selectOption('mirror');
  await dialog.getByText('The special vdev holds a part of the pool itself').waitFor();
  await disks.nth(4).selectOption('log');
  await dialog.getByLabel('Log layout').selectOption('stripe');
  await dialog.getByText('mirror it to be safe from that').waitFor();
  await disks.nth(5).selectOption('spare');
  await dialog.getByText('The spare takes over by itself').waitFor();
  await accessible(p.page, 'create a pool, with special, log and spare');
  await dialog.getByRole('button', { name: 'See what will happen' }).click();
  await p.page.getByRole('button', { name: 'Apply' }).click();
  await p.page.getByText('Done', { exact: true }).waitFor();
  await p.page.keyboard.press('Escape');
  await p.page.getByRole('heading', { name: 'first' }).waitFor();
  expect(p.errors).toEqual([]);
  await p.context.close();
  await empty.kill('SIGTERM');
  other.remove();
});
