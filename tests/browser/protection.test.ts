/** Schedules and files out of snapshots, as a person does it. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { asAdmin, type Running, temporaryState } from '../daemon/daemon.ts';
import { accessible, LIMIT, login, person, stage } from './browser.ts';

const state = temporaryState();
let daemon: Running;
let browser: Browser;
let close: () => Promise<void>;
let page: Page;
let errors: string[];

beforeAll(async () => {
  ({ daemon, browser, close } = await stage(state.path));
  await asAdmin(daemon);
  const p = await person(browser, { viewport: { width: 1280, height: 860 }, reducedMotion: 'reduce' });
  page = p.page;
  errors = p.errors;
  await login(page, daemon.url);
}, 4 * LIMIT);
afterAll(async () => {
  await close();
  state.remove();
});

const applied = async (): Promise<void> => {
  await page.getByRole('button', { name: 'See what will happen' }).click();
  await page.getByRole('button', { name: /^Apply/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).first().waitFor();
  await page
    .getByText(/1 step of 1 done|Done/)
    .first()
    .waitFor();
  await page.keyboard.press('Escape');
};

test('a schedule is made with a look at its year, and stands in the list', { timeout: 4 * LIMIT }, async () => {
  await page.goto(`${daemon.url}/protection/schedules`);
  await page.getByRole('button', { name: 'Make a schedule' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('hourly');
  await dialog.getByLabel('Dataset', { exact: true }).fill('tank/photos');
  await dialog.getByText(/Takes 8,7\d\d snapshots a year/).waitFor();
  await dialog.getByLabel('Months').fill('x');
  await dialog.getByText('a whole number').waitFor();
  await dialog.getByLabel('Months').fill('6');
  await dialog.getByText(/snapshots: 24 from the last 24 hours/).waitFor();
  await accessible(page, 'protection');
  await applied();
  await page.getByRole('link', { name: 'hourly' }).waitFor();
  await page.getByText('24 hourly, 14 daily, 8 weekly, 6 monthly').waitFor();
});

test('a folder is opened as it was, a file is restored beside what is there', { timeout: 4 * LIMIT }, async () => {
  await page.goto(`${daemon.url}/protection/browse?dataset=tank/photos`);
  const table = page.getByRole('region', { name: 'Files' });
  await table.waitFor();
  await accessible(page, 'protection');
  const restore = table.getByRole('button', { name: /^Restore / }).first();
  const named = (await restore.getAttribute('aria-label'))?.replace('Restore ', '') ?? '';
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    table
      .getByRole('link', { name: /^Download / })
      .first()
      .click(),
  ]);
  expect(download.suggestedFilename()).toContain(named.split('.')[0] ?? '');
  await table
    .getByRole('button', { name: /^Versions of / })
    .first()
    .click();
  await page.getByRole('region', { name: 'Versions' }).getByRole('row').nth(1).waitFor();
  await accessible(page, 'protection');
  await page.keyboard.press('Escape');
  await restore.click();
  await page.getByText('It is compared byte by byte').waitFor();
  await applied();
  await page.goto(`${daemon.url}/activity`);
  await page
    .getByText(/was restored to tank\/photos:/)
    .first()
    .waitFor();
  expect(errors).toEqual([]);
});
