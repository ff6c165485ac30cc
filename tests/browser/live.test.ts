/** Several people, a daemon that goes and comes, sessions that end: what is shown stays honest and nothing typed is lost. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { asAdmin, PASSWORD, type Running, startDemo, temporaryState } from '../daemon/daemon.ts';
import { LIMIT, login, person, type Person, stage } from './browser.ts';

const state = temporaryState();
let daemon: Running;
let browser: Browser;
let close: () => Promise<void>;
let call: Running['call'];
let ada: Person;
let ben: Person;

beforeAll(async () => {
  ({ daemon, browser, close } = await stage(state.path));
  call = await asAdmin(daemon);
  await call('POST', '/api/access/users', { name: 'ben', role: 'admin', password: PASSWORD });
  [ada, ben] = await Promise.all([person(browser), person(browser)]);
  await Promise.all([login(ada.page, daemon.url), login(ben.page, daemon.url, 'ben')]);
}, 4 * LIMIT);
afterAll(async () => {
  await close();
  await daemon.kill('SIGTERM');
  state.remove();
});

test('what one creates appears in the browser of the other by itself', { timeout: 4 * LIMIT }, async () => {
  await ben.page.goto(`${daemon.url}/storage/datasets`);
  await ben.page.getByText('40 datasets').waitFor();
  await ada.page.goto(`${daemon.url}/storage/datasets?do=create`);
  const dialog = ada.page.getByRole('dialog', { name: 'Create a dataset' });
  await dialog.getByLabel('Name').fill('tank/aaa-shared');
  await dialog.getByLabel('quota', { exact: true }).fill('12 apples');
  await dialog.getByText('expected a size such as 512M, 10G or 1.5T').waitFor();
  await dialog.getByLabel('quota', { exact: true }).fill('10G');
  await dialog.getByRole('button', { name: 'See what will happen' }).click();
  await ada.page.getByRole('button', { name: 'Apply' }).click();
  await ada.page.getByText('Done', { exact: true }).waitFor();
  await ben.page.getByText('41 datasets').waitFor();
  await ben.page.getByLabel('Search datasets by name').fill('aaa-sh');
  await ben.page.getByRole('link', { name: 'tank/aaa-shared' }).waitFor();
});

test('two people edit state.yaml: the second is told, nothing is overwritten', { timeout: 4 * LIMIT }, async () => {
  await call('POST', '/api/gitops/capture', {});
  const captured = await call('GET', '/api/gitops/history');
  const yaml = String((captured.body.states as { yaml: string }[])[0]?.yaml);
  expect((await call('PUT', '/api/gitops/state', { yaml, basedOn: null })).status).toBe(200);
  for (const p of [ada, ben]) {
    await p.page.goto(`${daemon.url}/changes/state`);
    await p.page.getByText('No problem found.').waitFor();
  }
  const editor = (p: Person) => p.page.getByLabel('state.yaml', { exact: true });
  await editor(ada).fill(`# by ada\n${yaml}`);
  await editor(ben).fill(`# by ben\n${yaml}`);
  await ada.page.getByText('No problem found. Not saved.').waitFor();
  await ada.page.getByRole('button', { name: 'Save', exact: true }).click();
  await ben.page.getByText('ada saved another version while you were editing').waitFor();
  expect(await editor(ben).inputValue()).toContain('# by ben');
  expect(await ben.page.getByRole('button', { name: 'Save', exact: true }).getAttribute('aria-disabled')).toBe('true');
  const kept = await call('GET', '/api/gitops/state');
  expect((kept.body.state as { yaml: string }).yaml).toContain('# by ada');
  await ben.page.getByRole('button', { name: 'Compare with mine' }).click();
  await ben.page.getByRole('dialog').getByText('# by ada').waitFor();
  await ben.page.keyboard.press('Escape');
  await ben.page.getByRole('button', { name: 'Keep mine' }).click();
  await ben.page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect
    .poll(async () => ((await call('GET', '/api/gitops/state')).body.state as { yaml: string }).yaml, { timeout: LIMIT })
    .toContain('# by ben');
});

test('problems of state.yaml stand where they are, and completion knows the schema', { timeout: 4 * LIMIT }, async () => {
  const { page } = ada;
  await page.goto(`${daemon.url}/changes/state`);
  const editor = page.getByLabel('state.yaml', { exact: true });
  await editor.fill('version: 1\npools: []\ndatasets:\n  - name: tank/x\n    colour: red\n');
  await page.locator('.editor-problems').getByText('Line 5').waitFor();
  expect(await page.getByRole('button', { name: 'See what will happen' }).getAttribute('aria-disabled')).toBe('true');
  await editor.fill('version: 1\n');
  await editor.press('Control+End');
  await editor.pressSequentially('ignore');
  await page.getByRole('option', { name: /ignore_extraneous/ }).waitFor();
  await editor.press('Enter');
  expect(await editor.inputValue()).toBe('version: 1\nignore_extraneous: ');
});

test('a session that ends under a form leaves the form, asks, and goes on', { timeout: 4 * LIMIT }, async () => {
  const { page } = ada;
  await page.goto(`${daemon.url}/storage/datasets?do=create`);
  const form = page.locator('.dialog', { hasText: 'Create a dataset' });
  await form.getByLabel('Name').fill('tank/typed-before');
  const { body } = await call('GET', '/api/access/sessions');
  const mine = (body.sessions as { id: string; user: string; current: boolean }[]).filter((s) => s.user === 'ada' && !s.current);
  for (const s of mine) await call('DELETE', `/api/access/sessions/${s.id}`);
  await page.getByText('Your session has ended.').waitFor();
  expect(await form.getByLabel('Name').inputValue()).toBe('tank/typed-before');
  const over = page.getByRole('dialog', { name: 'Log in again' });
  await over.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await over.getByRole('button', { name: 'Log in' }).click();
  await over.waitFor({ state: 'hidden' });
  expect(await form.getByLabel('Name').inputValue()).toBe('tank/typed-before');
  await form.getByRole('button', { name: 'See what will happen' }).click();
  await page.getByRole('button', { name: 'Apply' }).waitFor();
});

test('the daemon is killed and started again under an open page: stale, then back, without a reload', { timeout: 6 * LIMIT }, async () => {
  const { page } = ada;
  await page.goto(`${daemon.url}/storage/datasets?do=create`);
  const form = page.locator('.dialog', { hasText: 'Create a dataset' });
  await form.getByLabel('Name').fill('tank/kept');
  await ben.page.goto(`${daemon.url}/activity`);
  await ben.page.getByRole('grid', { name: 'Events' }).getByText('ada').first().waitFor();
  await page.evaluate('window.notReloaded = true');
  await ben.page.evaluate('window.notReloaded = true');
  const { port } = new URL(daemon.url);
  await daemon.kill('SIGKILL');
  for (const p of [ada, ben]) await p.page.getByText('Connection lost.').waitFor();
  expect(await ben.page.locator('.page.stale').count()).toBe(1);
  daemon = await startDemo(state.path, { DPLANE_PORT: port });
  for (const p of [ada, ben]) await p.page.getByText('Connection lost.').waitFor({ state: 'detached' });
  expect(await page.evaluate('window.notReloaded')).toBe(true);
  expect(await ben.page.evaluate('window.notReloaded')).toBe(true);
  expect(await form.getByLabel('Name').inputValue()).toBe('tank/kept');
  // What happened meanwhile is there, and what happens now arrives.
  await ben.page.getByRole('grid', { name: 'Events' }).getByText('the control plane started').first().waitFor();
  const seen = await ben.page.locator('.vbody .num.dim').allTextContents();
  expect(new Set(seen).size).toBe(seen.length);
  await form.getByRole('button', { name: 'See what will happen' }).click();
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.getByText('Done', { exact: true }).waitFor();
  await ben.page.getByRole('grid', { name: 'Events' }).getByText('tank/kept').first().waitFor();
});

test('nothing in the consoles', () => {
  expect(ada.errors).toEqual([]);
  expect(ben.errors).toEqual([]);
});
