/**
 * Debian's Chromium, driven against a real daemon on the simulated host. One browser a file, one context (cookies, storage) a person.
 * Whatever a page writes to its console as an error fails the test, but for what the network itself reports (a refused call, a socket
 * that closes because a test stopped the daemon).
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { axe } from './axe.ts';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { asAdmin, PASSWORD, type Running, startDemo, temporaryState } from '../daemon/daemon.ts';
import { ROOT } from '../repo/files.ts';

const CHROMIUM = '/usr/bin/chromium';
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
/** Four times what a quiet machine needs. */
export const LIMIT = 30_000;

export const launch = async (): Promise<{ browser: Browser; close: () => Promise<void> }> => {
  if (!existsSync(CHROMIUM))
    throw new Error('The browser tests need Chromium. Install it: apt-get install -y --no-install-recommends chromium');
  if (!existsSync(join(ROOT, 'ui', 'dist', 'index.html'))) throw new Error('The interface is not built. Build it: npm run build -w ui');
  const profile = mkdtempSync(join(tmpdir(), 'dplaneos-browser-'));
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: [...FLAGS, `--disk-cache-dir=${profile}`], timeout: LIMIT * 2 });
  return {
    browser,
    close: async () => {
      await browser.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
};

/** What everybody was looking at when a test failed, in artifacts/browser. */
const open = new Set<Page>();
// screenshots and benches use these parts, too, where there are no tests
if (process.env.VITEST !== undefined)
  afterEach(async ({ task }) => {
    if (task.result?.state !== 'fail') return;
    const folder = join(ROOT, 'artifacts/browser');
    mkdirSync(folder, { recursive: true });
    const name = `${task.file.name} ${task.name}`.replaceAll(/[^\w.-]+/g, '-').slice(0, 150);
    for (const [n, page] of [...open].entries())
      await page.screenshot({ path: join(folder, `${name}-${n + 1}.png`), timeout: LIMIT }).catch(() => undefined);
  });

const NETWORK = /^(?:Failed to load resource|WebSocket connection to)/;

export type Person = { context: BrowserContext; page: Page; errors: string[] };
export const person = async (browser: Browser, options: Parameters<Browser['newContext']>[0] = {}): Promise<Person> => {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1280, height: 800 }, ...options });
  context.setDefaultTimeout(LIMIT);
  const page = await context.newPage();
  open.add(page);
  page.once('close', () => open.delete(page));
  const errors: string[] = [];
  page.on('console', (m) => {
    if (m.type() === 'error' && !NETWORK.test(m.text())) errors.push(m.text());
  });
  page.on('pageerror', (e) => errors.push(String(e)));
  return { context, page, errors };
};

export const login = async (page: Page, url: string, user = 'ada', password = PASSWORD): Promise<void> => {
  await page.goto(url);
  await page.getByLabel('User').fill(user);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('navigation', { name: 'Places' }).waitFor();
};

/** Demo daemon, claimed by ada, and a browser: what most files begin with. */
export const stage = async (
  state: string,
  env: Record<string, string> = {},
): Promise<{ daemon: Running; browser: Browser; close: () => Promise<void> }> => {
  const [daemon, started] = await Promise.all([startDemo(state, env), launch()]);
  return {
    daemon,
    browser: started.browser,
    close: async () => {
      await started.close();
      await daemon.kill('SIGTERM');
    },
  };
};

/** For a whole file: the demo, claimed by ada, who is logged in. Filled when the first test begins. */
export const adasBox = (): { daemon: Running; browser: Browser; ada: Person } => {
  const state = temporaryState();
  // nothing reads it before the hook has run
  const box = {} as { daemon: Running; browser: Browser; ada: Person };
  let close = async (): Promise<void> => {};
  beforeAll(async () => {
    const staged = await stage(state.path);
    close = staged.close;
    await asAdmin(staged.daemon);
    const ada = await person(staged.browser, { reducedMotion: 'reduce' });
    await login(ada.page, staged.daemon.url);
    Object.assign(box, { daemon: staged.daemon, browser: staged.browser, ada });
  }, 4 * LIMIT);
  afterAll(async () => {
    await close();
    state.remove();
  });
  return box;
};

/** No violation of WCAG A and AA, and none of the best practices. */
export const accessible = async (page: Page, what: string): Promise<void> => {
  // While something fades in, its colours are not what they will be.
  await page.evaluate('Promise.all(document.getAnimations().map((a) => a.finished.catch(() => null)))');
  const found = await axe(page);
  expect(found, what).toEqual([]);
};
