/** From a fresh box to a changed one, with the keyboard alone; then what destroys: wrong name, right name. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PASSWORD, type Running, temporaryState } from '../daemon/daemon.ts';
import { accessible, LIMIT, login, person, type Person, stage } from './browser.ts';

const state = temporaryState();
let daemon: Running;
let browser: Browser;
let close: () => Promise<void>;
let ada: Person;

beforeAll(async () => {
  ({ daemon, browser, close } = await stage(state.path));
  ada = await person(browser);
}, 4 * LIMIT);
afterAll(async () => {
  await close();
  state.remove();
});

/** Presses Tab until what has the focus is called so: what somebody without a mouse does. */
const tabTo = async (page: Page, name: string | RegExp): Promise<void> => {
  for (let i = 0; i < 80; i += 1) {
    const here = String(
      await page.evaluate(
        `(() => { const e = document.activeElement; return e?.getAttribute('aria-label') ?? e?.labels?.[0]?.textContent ?? e?.textContent ?? ''; })()`,
      ),
    );
    if (typeof name === 'string' ? here.trim().startsWith(name) : name.test(here)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`the keyboard does not reach ${String(name)}`);
};
const type = (page: Page, text: string): Promise<void> => page.keyboard.type(text);

test('keyboard only: claim, find, plan, apply', { timeout: 4 * LIMIT }, async () => {
  const { page } = ada;
  await page.goto(daemon.url);
  await page.getByRole('heading', { name: 'Claim this box' }).waitFor();
  await accessible(page, 'claim');
  await tabTo(page, 'Claim code');
  await type(page, daemon.claim ?? '');
  await tabTo(page, 'User');
  await type(page, 'ada');
  await tabTo(page, 'Password');
  await type(page, 'short');
  await tabTo(page, 'Password again');
  await type(page, 'short');
  await page.keyboard.press('Enter');
  await page.getByText('it has 5 characters; at least 12 are needed').waitFor();
  // The same field again: what stands in it is replaced.
  for (const label of ['Password', 'Password again']) {
    await page.getByLabel(label, { exact: true }).focus();
    await page.keyboard.press('Control+a');
    await type(page, PASSWORD);
  }
  await page.keyboard.press('Enter');
  await page.getByText('It is yours.').waitFor();
  await tabTo(page, 'Not now');
  await page.keyboard.press('Enter');
  await page.getByRole('navigation', { name: 'Places' }).waitFor();

  await page.keyboard.press('Control+k');
  await page.getByRole('combobox').waitFor();
  await accessible(page, 'palette');
  await type(page, 'create a dataset');
  await page.getByRole('option', { name: 'Create a dataset' }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'Create a dataset' }).waitFor();
  await accessible(page, 'create a dataset');
  await tabTo(page, 'Name');
  await type(page, 'tank/by keyboard');
  await tabTo(page, 'compression');
  await type(page, 'zstd');
  await tabTo(page, 'See what will happen');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Apply' }).waitFor();
  await accessible(page, 'plan');
  await tabTo(page, /^What happens/);
  await page.keyboard.press('ArrowRight');
  await page.getByText("dplane dataset create 'tank/by keyboard' compression=zstd").waitFor();
  await tabTo(page, 'Apply');
  await page.keyboard.press('Enter');
  await page.locator('.flow-foot').getByRole('button', { name: 'Close' }).waitFor();
  await page.getByText('Done', { exact: true }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await tabTo(page, 'Search datasets by name');
  await type(page, 'by keyb');
  await page.getByRole('grid', { name: 'Datasets' }).getByRole('link', { name: 'tank/by keyboard' }).waitFor();
});

test('a destroy waits for the exact name; a wrong one is refused', { timeout: 4 * LIMIT }, async () => {
  const { page } = ada;
  await page.goto(`${daemon.url}/storage/datasets/tank/media/music`);
  await page.locator('.actions').getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: 'Destroy' }).click();
  await page.getByRole('button', { name: 'See what will happen' }).click();
  const action = page.locator('.action.destructive').first();
  await action.waitFor();
  const apply = page.getByRole('button', { name: /^Apply/ });
  expect(await apply.getAttribute('aria-disabled')).toBe('true');

  const typed = action.getByLabel(/To approve/);
  await typed.fill('tank/media/musi');
  await action.getByRole('button', { name: 'Approve' }).click();
  await action.getByText('That is not the exact name.').waitFor();
  expect(await apply.getAttribute('aria-disabled')).toBe('true');
  // The daemon says the same to whoever goes around the page.
  const digest = await page.getByRole('link', { name: 'Open as a page' }).getAttribute('href');
  const refused = await page.evaluate(
    `fetch('/api/gitops/approve', { method: 'POST', headers: { 'content-type': 'application/json', 'x-dplane': '1' }, body: JSON.stringify({ digest: ${JSON.stringify(digest?.split('/').at(-1))}, actionId: 'dataset.destroy tank/media/music', typed: 'tank/media/musi' }) }).then((r) => r.status)`,
  );
  expect(refused).toBeGreaterThanOrEqual(400);

  await typed.fill('tank/media/music');
  await action.getByRole('button', { name: 'Approve' }).click();
  await action.getByText('Approved').waitFor();
  await expect.poll(() => apply.getAttribute('aria-disabled'), { timeout: LIMIT }).not.toBe('true');
  await apply.click();
  await page.getByText('Done', { exact: true }).waitFor();
  await page.goto(`${daemon.url}/storage/datasets/tank/media/music`);
  await page.getByText('There is no dataset tank/media/music').waitFor();
});

test('a second factor is set up with its recovery codes, and asked for', { timeout: 4 * LIMIT }, async () => {
  const { page } = ada;
  await page.goto(`${daemon.url}/access/me`);
  await page.getByRole('heading', { name: 'Second factor' }).waitFor();
  const section = page.locator('.section', { hasText: 'Second factor' }).last();
  await section.getByLabel('Current password').fill(PASSWORD);
  await section.getByRole('button', { name: 'Set it up' }).click();
  const secret = (await page.locator('.secret').textContent()) ?? '';
  await page.getByRole('img', { name: 'QR code of the secret' }).waitFor();
  const { codeAt } = await import('./totp.ts');
  await page.getByLabel('The code it shows now').fill(codeAt(secret.replaceAll(' ', ''), Date.now()));
  await page.getByRole('button', { name: 'Turn it on' }).click();
  await page.getByText('Keep these recovery codes').waitFor();
  const codes = await page.locator('.recovery li').allTextContents();
  expect(codes).toHaveLength(10);
  await page.getByRole('button', { name: 'I have kept them' }).click();
  await page.getByText('On: a code is asked for at each login').waitFor();

  const again = await person(browser);
  await again.page.goto(daemon.url);
  await again.page.getByLabel('User').fill('ada');
  await again.page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await again.page.getByRole('button', { name: 'Log in' }).click();
  await again.page.getByLabel('Code').fill(codes[0] ?? '');
  await again.page.getByRole('button', { name: 'Log in' }).click();
  await again.page.getByRole('navigation', { name: 'Places' }).waitFor();
  expect(again.errors).toEqual([]);
  await again.context.close();
});

test('whoever may not is told why, by a button that can be reached', { timeout: 4 * LIMIT }, async () => {
  const { page } = ada;
  await page.goto(`${daemon.url}/access`);
  await page.getByRole('button', { name: 'Add person' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add a person' });
  await dialog.getByLabel('User').fill('vera');
  await dialog.getByLabel('First password').fill('another long sentence of hers');
  await dialog.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByRole('cell', { name: 'vera', exact: true }).waitFor();

  const vera = await person(browser);
  await login(vera.page, daemon.url, 'vera', 'another long sentence of hers');
  await vera.page.goto(`${daemon.url}/storage/datasets`);
  const button = vera.page.getByRole('button', { name: 'Create dataset' });
  await button.focus();
  await vera.page.getByRole('tooltip').getByText('The role viewer does not have the permission storage.write.').waitFor();
  await button.click({ force: true });
  expect(await vera.page.getByRole('dialog').count()).toBe(0);
  expect(vera.errors).toEqual([]);
  await vera.context.close();
});

test('nothing in the console', () => {
  expect(ada.errors).toEqual([]);
});
