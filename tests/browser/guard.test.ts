/** What guards a pool in the browser: its heartbeat, the reserve, and what its disks do, live. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../repo/files.ts';
import { accessible, adasBox, LIMIT } from './browser.ts';

const box = adasBox();

test('the heartbeat is shown, what the disks do moves, and arrow keys walk along it', { timeout: 4 * LIMIT }, async () => {
  const { page } = box.ada;
  await page.goto(`${box.daemon.url}/storage/pools/tank`);
  await page.getByRole('heading', { name: 'Guarded' }).waitFor();
  await page.getByText('beating', { exact: true }).waitFor({ timeout: 3 * LIMIT });
  const chart = page.getByRole('slider', { name: 'Bandwidth of tank over the last five minutes' });
  await expect.poll(async () => Number(await chart.getAttribute('aria-valuemax')), { timeout: LIMIT }).toBeGreaterThan(3);
  const first = await chart.getAttribute('aria-valuetext');
  expect(first).toMatch(/^\d\d:\d\d:\d\d: read [\d.]+ MiB\/s, written [\d.]+ \w+\/s$/);
  await expect.poll(() => chart.getAttribute('aria-valuetext'), { timeout: LIMIT }).not.toBe(first);
  await chart.focus();
  await page.keyboard.press('Home');
  await expect.poll(() => chart.getAttribute('aria-valuenow')).toBe('0');
  await page.getByRole('radio', { name: 'Latency' }).check({ force: true });
  await page.getByRole('slider', { name: 'Latency of tank over the last five minutes' }).waitFor();
  await page.getByRole('combobox', { name: 'Of what' }).selectOption({ index: 1 });
  await page.getByRole('slider', { name: /^Latency of (?!tank)/ }).waitFor();
  expect(await page.getByRole('table', { name: 'What the disks of tank do now' }).getByRole('row').count()).toBeGreaterThan(2);
  await accessible(page, 'a pool with its heartbeat and its disks at work');
  await page.getByRole('radio', { name: 'Bandwidth' }).check({ force: true });
  await page.getByRole('combobox', { name: 'Of what' }).selectOption({ index: 0 });
  const folder = join(ROOT, 'artifacts/shots');
  mkdirSync(folder, { recursive: true });
  for (const [name, width, colorScheme] of [
    ['light', 1280, 'light'],
    ['dark', 1280, 'dark'],
    ['narrow', 360, 'light'],
  ] as const) {
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme });
    await page.getByRole('heading', { name: 'Guarded' }).evaluate('(e) => e.scrollIntoView()');
    await page.getByRole('slider', { name: 'Bandwidth of tank over the last five minutes' }).waitFor();
    await page.screenshot({ path: join(folder, `pool-guard-${name}.png`) });
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  expect(box.ada.errors).toEqual([]);
});

test('a reserve is held back and given free', { timeout: 4 * LIMIT }, async () => {
  const { page } = box.ada;
  await page.goto(`${box.daemon.url}/storage/pools/fast`);
  await page.getByRole('button', { name: /^Hold back/ }).click();
  await page.getByText(/held back; given free at 95%/).waitFor();
  await page.getByRole('button', { name: 'Give the reserve free' }).click();
  await page.getByRole('button', { name: /^Hold back/ }).waitFor();
  await page.getByRole('button', { name: 'Switch the heartbeat off' }).click();
  await page.getByRole('button', { name: 'Switch the heartbeat on' }).waitFor();
  await accessible(page, 'a pool without a heartbeat');
});
