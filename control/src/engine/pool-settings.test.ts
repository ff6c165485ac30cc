/** How a pool is looked after, declared: planned, kept, found again, and left alone where nothing is said. */
import { expect, test } from 'vitest';
import { orThrow } from '../domain/refusal.ts';
import { USUAL_SETTINGS } from '../domain/pool/settings.ts';
import { ADA, stage } from './pools.testing.ts';

type Stage = Awaited<ReturnType<typeof stage>>;
const yaml = (s: Stage, name: string, first: number, more: string): string => `version: 1
ignore_extraneous: true
pools:
  - name: ${name}
    vdevs:
      - kind: mirror
        disks: [${s.path(first)}, ${s.path(first + 1)}]
${more}`;
const CARE = `    care: { scrub: "0 3 * * 0", trim: "30 4 * * *", timezone: Europe/Vienna }
    capacity: { warn: 70, high: 85, full: 95 }
    heartbeat: { on: false, limit: 30000 }
`;
const planned = async (s: Stage, text: string) => orThrow(await s.engine.planState(ADA, text));

test('care, thresholds and heartbeat of a pool are planned, kept, and the second plan is empty', async () => {
  const s = await stage();
  const text = yaml(s, 'tank', 0, CARE);
  const p = await planned(s, text);
  expect(p.actions.map((a) => [a.id, a.verb, a.risk])).toEqual([['pool.keep tank', 'MODIFY', 'safe']]);
  expect(p.actions[0]?.changes).toContainEqual({ property: 'care scrub', from: '0 2 1 * *', to: '0 3 * * 0' });
  expect(p.actions[0]?.changes).toContainEqual({ property: 'heartbeat on', from: 'true', to: 'false' });
  expect(await s.apply(p)).toMatchObject({ state: 'succeeded' });
  expect((await s.pool())?.settings).toEqual({
    care: { scrub: '0 3 * * 0', trim: '30 4 * * *', timezone: 'Europe/Vienna' },
    capacity: { warn: 70, high: 85, full: 95 },
    heartbeat: { on: false, limit: 30_000 },
  });
  expect(orThrow(await s.engine.poolCare('tank')).care.scrub).toBe('0 3 * * 0');
  expect((await planned(s, text)).actions).toEqual([]);
  // what nothing is said of stays
  expect((await planned(s, yaml(s, 'tank', 0, ''))).actions).toEqual([]);
  // and it is captured
  const captured = orThrow(await s.engine.captureState(ADA)).yaml;
  expect(captured).toContain('Europe/Vienna');
  expect((await planned(s, captured)).actions).toEqual([]);
});

test('a pool that is made with them gets them; one without is as usual', async () => {
  const s = await stage();
  const p = await planned(s, yaml(s, 'vault', 2, CARE));
  expect(p.actions.map((a) => [a.id, a.after])).toEqual([
    ['pool.create vault', []],
    ['pool.keep vault', ['pool.create vault']],
  ]);
  expect(await s.apply(p)).toMatchObject({ state: 'succeeded' });
  expect((await s.pool('vault'))?.settings?.capacity.warn).toBe(70);
  expect((await s.pool('tank'))?.settings).toEqual(USUAL_SETTINGS);
});

test('nonsense is refused with its place', async () => {
  const s = await stage();
  for (const [line, why] of [
    ['    care: { scrub: "often", trim: null, timezone: UTC }', /scrub/],
    ['    care: { scrub: null, trim: null, timezone: Mars/Olympus }', /timezone/],
    ['    care: { scrub: null, trim: null, timezone: UTC, srub: x }', /srub/],
    ['    capacity: { warn: 95, high: 90, full: 80 }', /rise/],
    ['    heartbeat: { on: true, limit: 5 }', /limit|10000|too small/i],
  ] as const) {
    const checked = await s.engine.checkState(yaml(s, 'tank', 0, `${line}\n`));
    expect(checked.ok ? 'accepted' : JSON.stringify(checked.problems)).toMatch(why);
  }
});
