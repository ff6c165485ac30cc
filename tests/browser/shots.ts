/**
 * `npm run shots [-- NAME...]`: every page in light and dark, wide and narrow, in the states empty, healthy, degraded, failing,
 * disconnected (and all of them simulated), as PNG in `artifacts/shots`. To be looked at before a change of the interface is done.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page, Route } from 'playwright-core';
import { asAdmin, type Running, startDemo, temporaryState } from '../daemon/daemon.ts';
import { ROOT } from '../repo/files.ts';
import { launch, login, person, type Person } from './browser.ts';

const FOLDER = join(ROOT, 'artifacts/shots');
const SIZES = [
  { name: '1280', width: 1280, height: 860 },
  { name: '360', width: 360, height: 740 },
] as const;
const PAGES: readonly [name: string, path: string][] = [
  ['overview', '/'],
  ['pools', '/storage'],
  ['tree', '/storage/tree'],
  ['import', '/storage/import'],
  ['datasets', '/storage/datasets'],
  ['disks', '/storage/disks'],
  ['disk', '/storage/disks/ata-ST4000VN006-3CW104_ZW654168737'],
  ['pool', '/storage/pools/tank'],
  ['pool-backup', '/storage/pools/backup'],
  ['replace', '/storage/pools/backup/replace/ata-ST4000VN006-3CW104_ZW654168737'],
  ['dataset', '/storage/datasets/tank/media'],
  ['create-dataset', '/storage/datasets?do=create'],
  ['shares', '/shares'],
  ['share-sessions', '/shares/sessions'],
  ['share', '/shares/smb/media'],
  ['share-users', '/shares/users'],
  ['create-share', '/shares?do=create'],
  ['create-pool', '/storage?do=create'],
  ['protection', '/protection'],
  ['schedules', '/protection/schedules'],
  ['browse', '/protection/browse?dataset=tank/photos'],
  ['schedule-form', '/protection/schedules?do=create'],
  ['changes', '/changes'],
  ['state', '/changes/state'],
  ['drift', '/changes/drift'],
  ['history', '/changes/history'],
  ['events', '/activity'],
  ['alerts', '/activity/alerts'],
  ['audit', '/activity/audit'],
  ['people', '/access'],
  ['roles', '/access/roles'],
  ['tokens', '/access/tokens'],
  ['sessions', '/access/sessions'],
  ['me', '/access/me'],
  ['system', '/system'],
  ['updates', '/system/updates'],
  ['generations', '/system/generations'],
  ['living', '/living'],
];
const OF_POOLS = new Set(['overview', 'pools', 'pool-backup', 'alerts']);
const asked = process.argv.slice(2);
const wanted = (name: string): boolean => asked.length === 0 || asked.some((a) => name.includes(a));

/** Answers of the daemon with each pool in another state: what a simulated host cannot be told to be. */
const withHealth = (health: 'ONLINE' | 'FAULTED') => async (route: Route) => {
  const answer = await route.fetch();
  const meaning = health === 'ONLINE' ? 'healthy' : 'not available: the data cannot be read now';
  const change = (v: unknown): unknown => {
    if (Array.isArray(v)) return v.map(change);
    if (typeof v !== 'object' || v === null) return v;
    const o: Record<string, unknown> = Object.fromEntries(Object.entries(v).map(([k, x]) => [k, change(x)]));
    if ('meaning' in o && 'health' in o && (health === 'ONLINE' || o.name === 'backup')) {
      o.health = health;
      o.meaning = meaning;
    }
    if (health === 'ONLINE') {
      if ('readErrors' in o) Object.assign(o, { state: 'ONLINE', readErrors: 0, writeErrors: 0, checksumErrors: 0 });
      if ('disks' in o && 'role' in o) o.state = 'ONLINE';
      if ('alerts' in o) o.alerts = [];
    }
    return o;
  };
  await route.fulfill({ response: answer, json: change(await answer.json()) });
};

/** Everything that was asked for is there. */
const settled = async (page: Page): Promise<void> => {
  await page.locator('.page, .door').first().waitFor();
  await page.waitForLoadState('networkidle').catch(() => undefined);
  for (let i = 0; i < 50 && (await page.locator('.waiting').count()) > 0; i += 1) await page.waitForTimeout(100);
};

const shoot = async (
  browser: Browser,
  url: string,
  state: string,
  change?: (page: Page) => Promise<void>,
  only?: (name: string) => boolean,
): Promise<void> => {
  for (const size of SIZES)
    for (const scheme of ['light', 'dark'] as const) {
      const p = await person(browser, {
        viewport: { width: size.width, height: size.height },
        colorScheme: scheme,
        reducedMotion: 'reduce',
      });
      await change?.(p.page);
      await login(p.page, url);
      for (const [name, path] of PAGES) {
        if (!wanted(`${state}-${name}`) || !(only?.(name) ?? true)) continue;
        await p.page.goto(`${url}${path}`);
        await settled(p.page);
        await p.page.screenshot({ path: join(FOLDER, `${state}-${name}-${scheme}-${size.name}.png`) });
      }
      if (p.errors.length > 0) console.log(`${state} ${scheme} ${size.name}: ${p.errors.join('\n')}`);
      await p.page.unrouteAll({ behavior: 'ignoreErrors' });
      await p.context.close();
    }
};

/** Before anybody is in: claim and login. */
const doors = async (browser: Browser, daemon: Running, name: string): Promise<void> => {
  if (!wanted(name)) return;
  for (const size of SIZES)
    for (const scheme of ['light', 'dark'] as const) {
      const p = await person(browser, {
        viewport: { width: size.width, height: size.height },
        colorScheme: scheme,
        reducedMotion: 'reduce',
      });
      await p.page.goto(daemon.url);
      await settled(p.page);
      await p.page.screenshot({ path: join(FOLDER, `${name}-${scheme}-${size.name}.png`) });
      await p.context.close();
    }
};

/** A destroy that waits for its approval, and a page whose daemon is gone. */
const moments = async (browser: Browser, daemon: Running): Promise<void> => {
  for (const size of SIZES)
    for (const scheme of ['light', 'dark'] as const) {
      const p = await person(browser, {
        viewport: { width: size.width, height: size.height },
        colorScheme: scheme,
        reducedMotion: 'reduce',
      });
      await login(p.page, daemon.url);
      if (wanted('plan')) {
        await p.page.goto(`${daemon.url}/storage/datasets/tank/home`);
        await p.page.getByRole('button', { name: 'More', exact: true }).first().click();
        if ((await p.page.getByRole('menuitem', { name: 'Destroy' }).count()) === 0) {
          await p.page.keyboard.press('Escape');
          await p.page.locator('.actions').getByRole('button', { name: 'More' }).click();
        }
        await p.page.getByRole('menuitem', { name: 'Destroy' }).click();
        await p.page.getByRole('button', { name: 'See what will happen' }).click();
        await p.page.locator('.approve').first().waitFor();
        await p.page.screenshot({ path: join(FOLDER, `demo-plan-${scheme}-${size.name}.png`) });
        await p.page.keyboard.press('Escape');
      }
      if (wanted('palette')) {
        await p.page.goto(daemon.url);
        await settled(p.page);
        await p.page.keyboard.press('Control+k');
        await p.page.getByPlaceholder('A pool, dataset, page or action').fill('tank/me');
        await p.page.getByRole('option').first().waitFor();
        await p.page.screenshot({ path: join(FOLDER, `demo-palette-${scheme}-${size.name}.png`) });
        await p.page.keyboard.press('Escape');
      }
      await p.context.close();
    }
};
/** An update on its way: looked at, being installed, waiting for its restart, with the dialog before it. */
const update = async (browser: Browser, url: string): Promise<void> => {
  if (!wanted('update')) return;
  for (const size of SIZES) {
    const people: Person[] = [];
    const both = async (name: string, ready: (page: Page) => Promise<void>): Promise<void> => {
      for (const [i, scheme] of (['light', 'dark'] as const).entries()) {
        const p = people[i];
        if (!p) continue;
        await ready(p.page);
        await p.page.screenshot({ path: join(FOLDER, `demo-update-${name}-${scheme}-${size.name}.png`) });
      }
    };
    for (const scheme of ['light', 'dark'] as const) {
      const p = await person(browser, {
        viewport: { width: size.width, height: size.height },
        colorScheme: scheme,
        reducedMotion: 'reduce',
      });
      await login(p.page, url);
      await p.page.goto(`${url}/system/updates`);
      people.push(p);
    }
    const [first] = people;
    if (!first) continue;
    const looked = async (page: Page): Promise<void> => {
      await page.getByLabel('Address, or path').fill('https://releases.example/dplaneos-0.3.0-slow-broken.bundle');
      await page.getByRole('button', { name: 'Look at it' }).click();
      const card = page.getByRole('article', { name: 'What it would change' });
      await card.waitFor();
      await card.scrollIntoViewIfNeeded();
    };
    await both('looked-at', looked);
    await first.page.getByRole('button', { name: 'Install into the other slot' }).click();
    await both('installing', async (page) => {
      await page.getByText(/\/s, about .* left\./).waitFor();
      await page.evaluate("document.querySelector('main').scrollTo(0, 0)");
    });
    await first.page.getByRole('button', { name: 'Cancel' }).click();
    await both('cancelled', (page) => page.getByText('the running system was not touched').waitFor());
    await both('restart', async (page) => {
      await page.getByRole('button', { name: 'Restart', exact: true }).click();
      await page
        .getByRole('dialog')
        .getByLabel(/^To restart/)
        .waitFor();
    });
    for (const p of people) await p.context.close();
  }
};
const disconnected = async (browser: Browser, daemon: Running): Promise<void> => {
  const people: { p: Person; name: string }[] = [];
  for (const size of SIZES)
    for (const scheme of ['light', 'dark'] as const) {
      const p = await person(browser, {
        viewport: { width: size.width, height: size.height },
        colorScheme: scheme,
        reducedMotion: 'reduce',
      });
      await login(p.page, daemon.url);
      await settled(p.page);
      people.push({ p, name: `disconnected-overview-${scheme}-${size.name}.png` });
    }
  await daemon.kill('SIGKILL');
  for (const { p, name } of people) {
    await p.page.getByText('Connection lost.').waitFor();
    await p.page.screenshot({ path: join(FOLDER, name) });
    await p.context.close();
  }
};

if (asked.length === 0) rmSync(FOLDER, { recursive: true, force: true });
mkdirSync(FOLDER, { recursive: true });
const { browser, close } = await launch();
const states = [temporaryState(), temporaryState(), temporaryState()] as const;
const demo = await startDemo(states[0].path);
const empty = await startDemo(states[1].path, { DPLANE_DEMO: 'empty' });
const reverted = await startDemo(states[2].path, { DPLANE_DEMO: 'reverted' });
try {
  await doors(browser, demo, 'claim');
  const [call] = await Promise.all([asAdmin(demo), asAdmin(empty), asAdmin(reverted)]);
  await doors(browser, demo, 'login');
  const captured = await call('POST', '/api/gitops/capture', {});
  await call('PUT', '/api/gitops/state', { yaml: captured.body.yaml, basedOn: null });
  await call('POST', '/api/access/users', { name: 'grace', role: 'operator', password: 'another long sentence here' });
  await call('POST', '/api/access/tokens', { name: 'backup script', scopes: ['storage.read', 'events.read'], days: 90 });
  await call('POST', '/api/plans', {
    changes: [{ kind: 'dataset.create', dataset: { name: 'tank/scans', properties: { quota: '50G' } } }],
  });
  await shoot(browser, demo.url, 'degraded');
  await shoot(
    browser,
    empty.url,
    'empty',
    undefined,
    (n) => !['pool', 'disk', 'pool-backup', 'share', 'create-share', 'dataset', 'living', 'create-dataset'].includes(n),
  );
  await shoot(
    browser,
    demo.url,
    'healthy',
    async (p) => void (await p.route('**/trpc/**', withHealth('ONLINE'))),
    (n) => OF_POOLS.has(n),
  );
  await shoot(
    browser,
    demo.url,
    'failing',
    async (p) => void (await p.route('**/trpc/**', withHealth('FAULTED'))),
    (n) => OF_POOLS.has(n),
  );
  await shoot(browser, reverted.url, 'reverted', undefined, (n) => ['overview', 'system', 'updates'].includes(n));
  await update(browser, reverted.url);
  await moments(browser, demo);
  if (wanted('disconnected')) await disconnected(browser, demo);
} finally {
  await close();
  await Promise.all([demo.kill('SIGTERM'), empty.kill('SIGTERM'), reverted.kill('SIGTERM')]);
  for (const s of states) s.remove();
}
console.log(`Written to ${FOLDER}`);
