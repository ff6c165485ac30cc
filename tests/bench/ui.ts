/** The face: what it costs to load, to scroll through 100,000 snapshots, to stay open, and to be told of much. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { CDPSession, Page } from 'playwright-core';
import { launch, login, person } from '../browser/browser.ts';
import { asAdmin, type Running, startDemo, temporaryState } from '../daemon/daemon.ts';
import { ROOT } from '../repo/files.ts';
import { type Bench, type Figure, figure, median } from './bench.ts';

const SNAPSHOTS = 100_000;
const SLOWER = 4;
const LIMIT = 120_000;
const NAVIGATIONS = 1_000;
const UPDATES_A_SECOND = 50;
const UPDATE_SECONDS = 10;

/** Numbers from the page; everything asked there answers one. */
const ask = async (page: Page, script: string): Promise<number> => Number(await page.evaluate(script));

const busy = async (cdp: CDPSession): Promise<number> => {
  const { metrics } = await cdp.send('Performance.getMetrics');
  return metrics.find((m) => m.name === 'TaskDuration')?.value ?? Number.NaN;
};
const heap = async (cdp: CDPSession): Promise<number> => {
  await cdp.send('HeapProfiler.collectGarbage');
  await cdp.send('HeapProfiler.collectGarbage');
  return (await cdp.send('Runtime.getHeapUsage')).usedSize;
};

const firstLoad = async (page: Page, daemon: Running): Promise<Figure[]> => {
  const cdp = await page.context().newCDPSession(page);
  const loaded = new Set<string>();
  page.on('response', (r) => {
    if (r.url().endsWith('.js')) loaded.add(new URL(r.url()).pathname);
  });
  const times: number[] = [];
  await cdp.send('Network.enable');
  await cdp.send('Network.setCacheDisabled', { cacheDisabled: true });
  await cdp.send('Emulation.setCPUThrottlingRate', { rate: SLOWER });
  for (let i = 0; i < 5; i += 1) {
    loaded.clear();
    await page.goto(daemon.url);
    await page.locator('.verdict-title').waitFor({ timeout: LIMIT });
    // Interactive: the answer is drawn and the thread is free again.
    times.push(await ask(page, 'new Promise((resolve) => requestAnimationFrame(() => setTimeout(() => resolve(performance.now()), 0)))'));
  }
  await cdp.send('Emulation.setCPUThrottlingRate', { rate: 1 });
  const bytes = [...loaded].reduce((n, path) => n + gzipSync(readFileSync(join(ROOT, 'ui', 'dist', path)), { level: 9 }).length, 0);
  return [
    figure('ui: script of the first load, gzip', bytes / 1024, 'KiB', 120, `${loaded.size} files`),
    figure(`ui: interactive, CPU ${SLOWER}x slower`, median(times), 'ms', 1500),
  ];
};

/** Frames while a script scrolls: by the wheel's steps, then in leaps. */
const SCROLL = `new Promise((resolve) => {
  const el = document.querySelector('.vtable');
  let last = performance.now(), longest = 0, frames = 0, total = 0;
  const step = (now) => {
    const took = now - last;
    last = now;
    if (frames > 2) { longest = Math.max(longest, took); total += took; }
    frames += 1;
    if (frames > 400) return resolve(JSON.stringify({ longest, mean: total / (frames - 3) }));
    el.scrollTop += frames < 300 ? 120 : 40000;
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
})`;
const FILTER = (text: string) => `new Promise((resolve, reject) => {
  setTimeout(() => reject(new Error('no other count')), 20000);
  const input = document.querySelector('input[type=search]');
  const total = document.querySelector('.tools .total');
  const before = total.textContent;
  const began = performance.now();
  const seen = new MutationObserver(() => {
    if (total.textContent === before) return;
    seen.disconnect();
    requestAnimationFrame(() => resolve(performance.now() - began));
  });
  seen.observe(total, { childList: true, characterData: true, subtree: true });
  input.value = ${JSON.stringify(text)};
  input.dispatchEvent(new InputEvent('input', { bubbles: true }));
})`;

const snapshots = async (page: Page, daemon: Running): Promise<Figure[]> => {
  await page.goto(`${daemon.url}/protection`);
  await page.getByText(`${SNAPSHOTS.toLocaleString('en')} snapshots`).waitFor({ timeout: LIMIT });
  const worst: number[] = [];
  const means: number[] = [];
  for (let i = 0; i < 3; i += 1) {
    await page.evaluate("document.querySelector('.vtable').scrollTop = 0");
    // The page answers what the script above puts together.
    const { longest, mean } = JSON.parse(String(await page.evaluate(SCROLL))) as { longest: number; mean: number };
    worst.push(longest);
    means.push(mean);
  }
  const filters: number[] = [];
  for (const text of ['set-00123', 'set-0012', 'set-001', 'group-0007', 'group-000', 'group-001'])
    filters.push(await ask(page, FILTER(text)));
  return [
    figure('ui: 100,000 snapshots, longest frame of a scroll', median(worst), 'ms', 50),
    figure('ui: 100,000 snapshots, mean frame of a scroll', median(means), 'ms', 16.7),
    figure('ui: 100,000 snapshots, keystroke to result', median(filters), 'ms', 100, `worst ${Math.round(Math.max(...filters))} ms`),
  ];
};

const WALK = [
  '/',
  '/storage',
  '/storage/datasets',
  '/shares',
  '/protection',
  '/changes',
  '/activity',
  '/access',
  '/system',
  '/storage/pools/big',
];
const walk = async (page: Page, times: number): Promise<void> => {
  for (let i = 0; i < times; i += 1) {
    const path = WALK[i % WALK.length] ?? '/';
    // By the router, as a click does it: an own link, because not every page links to every other.
    await page.evaluate(`(() => {
      const a = document.createElement('a');
      a.href = ${JSON.stringify(path)};
      document.querySelector('main').append(a);
      a.click();
      a.remove();
      return new Promise((r) => requestAnimationFrame(() => setTimeout(r, 0)));
    })()`);
  }
};
const navigations = async (page: Page, daemon: Running): Promise<Figure[]> => {
  await page.goto(daemon.url);
  await page.locator('.verdict-title').waitFor({ timeout: LIMIT });
  const cdp = await page.context().newCDPSession(page);
  await walk(page, 500);
  const before = await heap(cdp);
  await walk(page, NAVIGATIONS);
  const after = await heap(cdp);
  return [
    figure(
      'ui: heap growth over 1,000 navigations',
      (100 * (after - before)) / before,
      '%',
      5,
      `${(after / 1024 ** 2).toFixed(1)} MiB after`,
    ),
  ];
};

/** From the click to the drawn tree of 1,000 datasets, answers of the daemon and all; each time in a page that has loaded nothing of it yet. */
const TREE = `new Promise((resolve) => {
  const began = performance.now();
  const a = document.createElement('a');
  a.href = '/storage/tree';
  document.querySelector('main').append(a);
  a.click();
  a.remove();
  const look = () => {
    const rows = Number(document.querySelector('[role=treegrid]')?.getAttribute('aria-rowcount') ?? 0);
    if (rows < 1000) requestAnimationFrame(look);
    else requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - began), 0));
  };
  look();
})`;
const storageTree = async (page: Page, daemon: Running): Promise<Figure[]> => {
  const times: number[] = [];
  for (let i = 0; i < 5; i += 1) {
    await page.goto(daemon.url);
    await page.locator('.verdict-title').waitFor({ timeout: LIMIT });
    times.push(await ask(page, TREE));
  }
  return [figure('ui: storage tree of 1,000 datasets, from the click', median(times), 'ms', 500)];
};

/** Events at a steady rate, of the kind that makes the overview old; put into the follow stream by a script of the page's own socket. */
const live = async (page: Page, daemon: Running, call: Running['call']): Promise<Figure[]> => {
  await page.goto(`${daemon.url}/activity`);
  await page.getByRole('grid', { name: 'Events' }).waitFor({ timeout: LIMIT });
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Performance.enable');
  await page.waitForTimeout(2_000);
  const before = await busy(cdp);
  const began = performance.now();
  let sent = 0;
  let done = 0;
  while (performance.now() - began < UPDATE_SECONDS * 1000 && sent < UPDATES_A_SECOND * UPDATE_SECONDS) {
    const due = ((performance.now() - began) / 1000) * UPDATES_A_SECOND;
    for (; sent < due; sent += 1)
      // A user that is changed to what it is: an event and an audit entry, and nothing else.
      void call('PUT', '/api/access/users/grace', { role: sent % 2 === 0 ? 'viewer' : 'auditor' }).then(() => {
        done += 1;
      });
    await page.waitForTimeout(20);
  }
  const seconds = (performance.now() - began) / 1000;
  const used = (await busy(cdp)) - before;
  return [
    figure('ui: CPU of the page at live updates', (100 * used) / seconds, '% of a core', 10, `${(done / seconds).toFixed(0)} events/s`),
  ];
};

export const benches: Bench[] = [
  {
    name: 'ui',
    run: async () => {
      const state = temporaryState();
      const daemon = await startDemo(state.path, { DPLANE_DEMO: 'big', DPLANE_DEMO_SNAPSHOTS: String(SNAPSHOTS) });
      const { browser, close } = await launch();
      try {
        const call = await asAdmin(daemon);
        await call('POST', '/api/access/users', { name: 'grace', role: 'viewer', password: 'another long sentence here' });
        const p = await person(browser);
        await login(p.page, daemon.url);
        const figures: Figure[] = [];
        for (const part of [firstLoad, storageTree, snapshots, navigations, live]) figures.push(...(await part(p.page, daemon, call)));
        if (p.errors.length > 0) throw new Error(`the page said: ${p.errors.join('; ')}`);
        return figures;
      } finally {
        await close();
        await daemon.kill('SIGTERM');
        state.remove();
      }
    },
  },
];
