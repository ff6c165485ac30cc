/** The limit of ZFS's cache over the simulated host: set by itself, chosen through a plan, given back, kept for the next start. */
import { expect, it } from 'vitest';
import { orThrow } from '../domain/refusal.ts';
import { ARC_FILE } from '../host/change/arc.ts';
import { ARC_MAX } from '../host/memory.ts';
import { emptyModel } from '../host/sim/seeds.ts';
import { ADA, engineOn } from './stage.testing.ts';

const GiB = 1024 ** 3;
const stage = async () => {
  const { host, store, engine, scheduler, skip } = await engineOn(emptyModel(2));
  await engine.observe(0);
  const minute = async (): Promise<void> => {
    skip(60_000);
    await scheduler.runDue();
  };
  await minute();
  const set = async (limit: number | 'auto'): Promise<string> => {
    await engine.observe(0);
    const plan = orThrow(await engine.planChange(ADA, [{ kind: 'memory.arc', limit }]));
    if (plan.actions.length === 0) return 'nothing to do';
    const [action] = plan.actions;
    if (action?.approval === 'impossible') return action.blocked ?? '';
    return (await orThrow(await engine.apply(ADA, plan.digest)).settled).state;
  };
  const told = (): string[] =>
    store.events
      .before(null, 50)
      .filter((e) => e.kind === 'memory.arc-set')
      .map((e) => e.message);
  const file = (path: string): Promise<string | null> => host.readText(path);
  return { engine, host, set, minute, told, file };
};

it('is set by itself once, kept for the next start, and explained', async () => {
  const s = await stage();
  const a = await s.engine.arc();
  expect(a).toMatchObject({ whyNot: null, memory: 8 * GiB, ecc: null, chosen: null, limit: a.advised });
  expect(a.words).toMatch(
    /^8 GiB memory; kept: 1 GiB for the system, 192 MiB for the control plane\. The cache may take 5\.\d GiB: three quarters/,
  );
  expect(await s.file(ARC_MAX)).toBe(`${a.advised}\n`);
  expect(await s.file(ARC_FILE)).toBe(`${a.advised}\n`);
  expect(a.ratio).toBeGreaterThan(0.9);
  await s.minute();
  await s.minute();
  expect(s.told()).toHaveLength(1);
});

it('is chosen through a plan, refused beyond what the machine has, and automatic again', async () => {
  const s = await stage();
  const { advised } = await s.engine.arc();
  expect(await s.set(2 * GiB)).toBe('succeeded');
  expect(await s.engine.arc()).toMatchObject({ chosen: 2 * GiB, limit: 2 * GiB, advised });
  expect(await s.file(ARC_FILE)).toBe(`${2 * GiB}\n`);
  expect(await s.set(2 * GiB)).toBe('nothing to do');
  expect(await s.set(8 * GiB)).toMatch(/^on this machine it lies between 272 MiB and 7 GiB/);
  // changed behind our back, it is set again
  await s.host.run(['tee', ARC_MAX], { timeoutMs: 1_000, input: `${3 * GiB}\n` });
  await s.minute();
  expect(await s.engine.arc()).toMatchObject({ limit: 2 * GiB });
  expect(await s.set('auto')).toBe('succeeded');
  expect(await s.engine.arc()).toMatchObject({ chosen: null, limit: advised });
});

it('is declared in state.yaml, captured into it, and left alone where it is not', async () => {
  const s = await stage();
  const yaml = (memory: string): string => `version: 1\nignore_extraneous: true\n${memory}`;
  const plan = orThrow(await s.engine.planState(ADA, yaml('memory:\n  arc: 2G\n')));
  expect(plan.actions.map((a) => [a.verb, a.noun, a.name, a.risk])).toEqual([['MODIFY', 'memory', 'arc', 'safe']]);
  expect((await orThrow(await s.engine.apply(ADA, plan.digest)).settled).state).toBe('succeeded');
  expect(orThrow(await s.engine.captureState(ADA)).yaml).toContain('memory:\n  arc: 2G\n');
  expect(orThrow(await s.engine.planState(ADA, yaml('memory:\n  arc: 2G\n'))).actions).toEqual([]);
  expect(orThrow(await s.engine.planState(ADA, yaml(''))).actions).toEqual([]);
  expect(orThrow(await s.engine.planState(ADA, yaml('memory:\n  arc: auto\n'))).actions).toHaveLength(1);
  expect(await s.engine.checkState(yaml('memory:\n  arc: 3 bananas\n'))).toMatchObject({ ok: false });
});

it('is said not to be taken when ZFS does not take it', async () => {
  const s = await stage();
  const before = (await s.engine.arc()).limit;
  s.host.fault({ match: ['tee'], kind: 'exit', exit: 1, stderr: 'tee: Invalid argument\n' });
  expect(await s.set(2 * GiB)).toBe('failed');
  expect(await s.engine.arc()).toMatchObject({ chosen: null, limit: before });
  expect(s.told()).toHaveLength(1); // what was set by itself at the start; this one is the run's to tell
});
