/** An update in the browser: looked at, installed, tried, given up, explained; then a good one, kept, and the way back. */
import { expect, test } from 'vitest';
import { asAdmin, startDemo, temporaryState } from '../daemon/daemon.ts';
import { accessible, adasBox, LIMIT, login, person } from './browser.ts';

const box = adasBox();

const open = async (): Promise<void> => {
  await box.ada.page.goto(`${box.daemon.url}/system/updates`);
  await box.ada.page.getByRole('heading', { name: 'Install an update' }).waitFor();
};
const lookAt = async (name: string): Promise<void> => {
  await box.ada.page.getByLabel('Address, or path').fill(`https://releases.example/${name}`);
  await box.ada.page.getByRole('button', { name: 'Look at it' }).click();
};
const install = async (name: string, version: string): Promise<void> => {
  const { page } = box.ada;
  await lookAt(name);
  const card = page.getByRole('article', { name: 'What it would change' });
  await card.getByRole('heading', { name: `Version ${version}` }).waitFor();
  await card.getByRole('button', { name: 'Install into the other slot' }).click();
  await page.getByRole('progressbar', { name: 'Installed so far' }).waitFor();
};
const restart = async (): Promise<void> => {
  const { page } = box.ada;
  await page.getByRole('button', { name: 'Restart into it' }).click();
  const dialog = page.getByRole('dialog', { name: 'Restart the machine' });
  await dialog.getByLabel(/^To restart, type/).fill('restart');
  await dialog.getByRole('button', { name: 'Restart now' }).click();
  await dialog.waitFor({ state: 'detached' });
};

test('a bundle is looked at before anything is written', { timeout: 4 * LIMIT }, async () => {
  const { page } = box.ada;
  await open();
  await lookAt('dplaneos-0.2.0-tampered.bundle');
  await page.getByText('its signature was not made with a key this machine trusts').waitFor();
  await lookAt('dplaneos-old.bundle');
  const card = page.getByRole('article', { name: 'What it would change' });
  await card.getByText("It can't be installed here").waitFor();
  const button = card.getByRole('button', { name: 'Install into the other slot' });
  expect(await button.getAttribute('aria-disabled')).toBe('true');
  await accessible(page, 'a bundle that is too old');
});

test('an update that does not come up is given up, and why is said', { timeout: 6 * LIMIT }, async () => {
  const { page } = box.ada;
  await open();
  await install('dplaneos-0.2.0-broken.bundle', '0.2.0');
  // It can be left and found again, by another person too.
  await page.goto(box.daemon.url);
  await page.getByRole('main').getByRole('link', { name: 'An update is being installed' }).click();
  await page.getByRole('progressbar', { name: 'Installed so far' }).waitFor();
  await page.getByText(/\/s, about .* left\./).waitFor();
  await accessible(page, 'an update that is being installed');
  await page.getByRole('main').getByText('0.2.0 in slot b waits for a restart').waitFor();
  await page.goto(box.daemon.url);
  await page.getByRole('main').getByRole('link', { name: '0.2.0 in slot b waits for a restart' }).click();

  await page.getByRole('button', { name: 'Restart into it' }).click();
  const dialog = page.getByRole('dialog', { name: 'Restart the machine' });
  await dialog.getByText('people are connected').waitFor();
  await dialog.getByText('ben on 192.168.1.41: 2 files open on share office').waitFor();
  await dialog.getByText(/^0\.2\.0 in slot b is tried; if it does not come up well/).waitFor();
  await dialog.getByLabel(/^To restart, type/).fill('something else');
  await dialog.getByRole('button', { name: 'Restart now' }).click();
  await dialog.getByText('That is neither its name nor the word restart.').waitFor();
  await accessible(page, 'restart');
  await dialog.getByLabel(/^To restart, type/).fill('restart');
  await dialog.getByRole('button', { name: 'Restart now' }).click();

  await page.getByRole('main').getByText('0.2.0 in slot b is on trial').waitFor();
  await page.getByText('pools are being imported').waitFor();
  await page.getByRole('main').getByText('0.2.0 did not come up').waitFor();
  await page.getByText(/^Slot b: pool tank missing\. Back on .* in slot a since \d\d:\d\d\.$/).waitFor();
  const back = page.getByRole('button', { name: 'Go back to 0.2.0' });
  await back.focus();
  await page.getByRole('tooltip').getByText('slot b did not come up when it was tried').waitFor();
  await back.blur();
  await page.getByRole('tooltip').waitFor({ state: 'detached' });
  await page.getByRole('cell', { name: 'Given up, the system before it came back' }).waitFor();
  await accessible(page, 'an update that was given up');
  await page.goto(box.daemon.url);
  await page.getByRole('link', { name: /did not come up: pool tank missing/ }).waitFor();
});

test('a good one is tried, kept, and can be gone back from', { timeout: 6 * LIMIT }, async () => {
  const { page } = box.ada;
  await open();
  await install('dplaneos-0.3.0.bundle', '0.3.0');
  await page.getByRole('main').getByText('0.3.0 in slot b waits for a restart').waitFor();
  await restart();
  await page.getByRole('main').getByText('0.3.0 in slot b is on trial').waitFor();
  await page.getByRole('button', { name: 'Keep this version' }).click();
  await page.getByRole('main').getByText('0.3.0 runs, and came up well').waitFor();
  await page.getByRole('button', { name: /^Go back to/ }).click();
  await page
    .getByRole('main')
    .getByText(/in slot a waits for a restart/)
    .waitFor();
  expect(box.ada.errors).toEqual([]);
});

test('a file is sent from this computer, with a bar', { timeout: 6 * LIMIT }, async () => {
  const other = temporaryState();
  const fresh = await startDemo(other.path);
  await asAdmin(fresh);
  const p = await person(box.browser, { reducedMotion: 'reduce' });
  await login(p.page, fresh.url);
  await p.page.goto(`${fresh.url}/system/updates`);
  await p.page
    .getByLabel(/^Or a file from this computer/)
    .setInputFiles({ name: 'dplaneos-0.4.0.bundle', mimeType: 'application/octet-stream', buffer: Buffer.alloc(3_000_000, 1) });
  await p.page.getByText('dplaneos-0.4.0.bundle, 2.9 MiB.').waitFor();
  await accessible(p.page, 'a file to send');
  await p.page.getByRole('button', { name: 'Send and install' }).click();
  await p.page.getByRole('main').getByText('0.4.0 in slot b waits for a restart').waitFor();
  await p.page.getByText('Installed', { exact: true }).first().waitFor();
  // One that is not signed is refused as its beginning arrives, in the updater's words.
  await p.page
    .getByLabel(/^Or a file from this computer/)
    .setInputFiles({ name: 'unsigned.bundle', mimeType: 'application/octet-stream', buffer: Buffer.alloc(1_000_000, 1) });
  await p.page.getByRole('button', { name: 'Send and install' }).click();
  await p.page.getByText('its signature was not made with a key this machine trusts').first().waitFor();
  expect(p.errors).toEqual([]);
  await p.context.close();
  await fresh.kill('SIGTERM');
  other.remove();
});
