/** Parts that are used by hand: the chart and the tree, with the keyboard alone. */
import { expect, test } from 'vitest';
import { accessible, adasBox, LIMIT } from './browser.ts';

const box = adasBox();

test('a pool says how it fills, to eyes, to the keyboard and as a table', { timeout: 4 * LIMIT }, async () => {
  const { page } = box.ada;
  const history = await box.ada.page.request.get(`${box.daemon.url}/api/zfs/pools/tank/history?days=365`);
  const { points, forecast } = (await history.json()) as { points: { allocated: number }[]; forecast: { fullAt: number } };
  expect(points.length).toBeGreaterThan(300);
  expect(forecast.fullAt).toBeGreaterThan(Date.now());

  await page.goto(`${box.daemon.url}/storage/pools/tank`);
  const chart = page.getByRole('slider', { name: 'Space used in tank over time' });
  await chart.locator('canvas').waitFor();
  await page.getByText(/^It grows by about .* At this pace it is full in/).waitFor();
  const newest = await chart.getAttribute('aria-valuetext');
  await chart.focus();
  await page.keyboard.press('ArrowLeft');
  await expect.poll(() => chart.getAttribute('aria-valuetext'), { timeout: LIMIT }).not.toBe(newest);
  await page.keyboard.press('End');
  await expect.poll(() => chart.getAttribute('aria-valuetext'), { timeout: LIMIT }).toContain('if it goes on like this');
  await page.keyboard.press('Home');
  await expect.poll(() => chart.getAttribute('aria-valuenow'), { timeout: LIMIT }).toBe('0');
  await chart.hover();
  await expect.poll(() => chart.getAttribute('aria-valuenow'), { timeout: LIMIT }).not.toBe('0');

  await page.getByRole('radio', { name: '2 days' }).check();
  await page.getByText('drawn close up: the axis does not begin at zero').waitFor();
  await page.getByText('As a table', { exact: true }).click();
  await page.getByRole('table', { name: 'Space used in tank over time, as a table' }).waitFor();
  await accessible(page, 'a chart and its table');
  // In the other theme it is drawn with that theme's colours.
  await page.emulateMedia({ colorScheme: 'dark' });
  await expect.poll(() => chart.locator('canvas').count(), { timeout: LIMIT }).toBe(1);
  await page.emulateMedia({ colorScheme: 'light' });
});

test('the tree opens and closes with the arrows, and Enter goes there', { timeout: 4 * LIMIT }, async () => {
  const { page } = box.ada;
  await page.goto(`${box.daemon.url}/storage/tree`);
  const tree = page.getByRole('treegrid', { name: 'Pools, disks and datasets' });
  await tree.getByRole('link', { name: 'laptops' }).waitFor();
  const pool = tree.getByRole('row', { name: /backup pool 1/ });
  expect([await pool.getAttribute('aria-level'), await pool.getAttribute('aria-expanded')]).toEqual(['1', 'true']);
  await tree.focus();
  await page.keyboard.press('ArrowLeft');
  await expect.poll(() => pool.getAttribute('aria-expanded'), { timeout: LIMIT }).toBe('false');
  expect(await tree.getByRole('link', { name: 'laptops' }).count()).toBe(0);
  await page.keyboard.press('ArrowRight');
  await tree.getByRole('link', { name: 'laptops' }).waitFor();
  // in: the vdev, its first disk; out again: the vdev, the pool
  for (const key of ['ArrowRight', 'ArrowRight', 'ArrowLeft', 'ArrowLeft', 'ArrowLeft']) await page.keyboard.press(key);
  expect(await tree.getAttribute('aria-activedescendant')).toBe(await pool.getAttribute('id'));
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'backup' }).waitFor();
});

test('from a pool to the disk that fails: its serial, what it is part of, what was told of it', { timeout: 4 * LIMIT }, async () => {
  const { page } = box.ada;
  await page.goto(`${box.daemon.url}/storage/pools/backup`);
  await page
    .getByRole('row', { name: /faulted/ })
    .getByRole('link')
    .click();
  await page.getByText('Serial, as on its label').waitFor();
  await page.getByText(/^One of 2 disks of mirror-0 in pool/).waitFor();
  await page.getByRole('cell', { name: /3 read, 114 write, 27 checksum errors/ }).waitFor();
  expect(await page.title()).toMatch(/^ST4000VN006 ·\w{6} · .+ · D-PlaneOS$/);
  await accessible(page, 'a disk');
});

test('half a year of snapshots as a calendar, and as a table', { timeout: 4 * LIMIT }, async () => {
  const { page } = box.ada;
  await page.goto(`${box.daemon.url}/protection`);
  await page.getByText(/of the last 30/).waitFor();
  await page.locator('.calendar').getByText('As a table', { exact: true }).click();
  const table = page.getByRole('table', { name: 'Snapshots by day, as a table' });
  await expect.poll(() => table.getByRole('row').count(), { timeout: LIMIT }).toBe(27);
  await accessible(page, 'the calendar and its table');
  expect(box.ada.errors).toEqual([]);
});
