import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { otherSlot, type SlotName } from '../../../control/src/domain/slot/slot.ts';
import { type Box, contentsOf, initrdOf, kernelOf, makeBox, sha512, systemInfo } from '../testing/box.ts';
import { type Booted, readBooted } from './booted.ts';
import type { Tries } from './entry.ts';
import { type Esp, readEsp } from './esp.ts';
import {
  after,
  beginApply,
  bootOrder,
  confirmCleanup,
  missingSpace,
  nextEntry,
  rollback,
  runningEntry,
  slotsOf,
  stage,
  type Step,
} from './plan.ts';
import { noContents, perStep } from './write.ts';

const boxes: Box[] = [];
afterEach(() => {
  for (const box of boxes.splice(0)) box.drop();
});
const fresh = (): Box => {
  const box = makeBox();
  boxes.push(box);
  return box;
};
const look = async (box: Box): Promise<{ esp: Esp; booted: Booted }> => {
  const [esp, booted] = [await readEsp(box.places), await readBooted(box.places)];
  if (!esp.ok) throw new Error(esp.refusal.why);
  if (!booted.ok) throw new Error(booted.refusal.why);
  return { esp: esp.value, booted: booted.value };
};
const payload = (text: string) => ({ size: text.length, sha512: sha512(text) });
const staged = (slot: SlotName, index: number) => ({
  slot,
  system: systemInfo(index),
  kernel: payload(kernelOf(slot, index)),
  initrd: payload(initrdOf(slot, index)),
  options: ['panic=10'],
});
const steps = (r: { ok: boolean; value?: Step[]; refusal?: { why: string } }): Step[] => {
  if (!r.ok || !r.value) throw new Error(r.refusal?.why);
  return r.value;
};
const why = (r: { ok: boolean; refusal?: { why: string } }): string => r.refusal?.why ?? 'allowed';

describe('which entry is next', () => {
  test('the newest; exhausted ones last', async () => {
    const box = fresh();
    box.entry('a', 4, null, 3);
    box.entry('b', 9, { left: 0, done: 3 }, 4);
    box.booted('a', 4);
    let seen = await look(box);
    let { esp, booted } = seen;
    expect(bootOrder(esp.entries).map((e) => e.number)).toEqual([4, 9]);
    box.entry('b', 10, { left: 3, done: 0 }, 5);
    seen = await look(box);
    esp = seen.esp;
    booted = seen.booted;
    expect(nextEntry(esp, booted)?.number).toBe(10);
    expect(slotsOf(esp, booted).map((s) => [s.name, s.state, s.running, s.next, s.triesLeft])).toEqual([
      ['a', 'confirmed', true, false, null],
      ['b', 'staged', false, true, 3],
    ]);
    box.variable('LoaderEntryDefault', 'dplane-a-4.conf');
    seen = await look(box);
    esp = seen.esp;
    booted = seen.booted;
    expect(nextEntry(esp, booted)?.number).toBe(4);
    expect(why(beginApply(esp, booted))).toMatch(/was told to start dplane-a-4\.conf/);
  });
  test.each<[Tries, boolean, string]>([
    [null, false, 'confirmed'],
    [{ left: 3, done: 0 }, false, 'staged'],
    [{ left: 2, done: 1 }, false, 'trying'],
    [{ left: 0, done: 3 }, false, 'failed'],
    [{ left: 2, done: 1 }, true, 'trying'],
    // its last try is the one that runs
    [{ left: 0, done: 3 }, true, 'trying'],
  ])('%j, running %j: %s', async (tries, running, state) => {
    const box = fresh();
    box.entry('a', 4, null, 3);
    box.entry('b', 9, tries, 4);
    box.booted(running ? 'b' : 'a', running ? 9 : 4, running);
    const { esp, booted } = await look(box);
    expect(slotsOf(esp, booted)[1].state).toBe(state);
  });
  test('an empty slot', async () => {
    const box = fresh();
    box.entry('a', 4, null, 3);
    box.booted('a', 4);
    const { esp, booted } = await look(box);
    expect(slotsOf(esp, booted)[1]).toEqual({
      name: 'b',
      running: false,
      next: false,
      state: 'empty',
      triesLeft: null,
      triesDone: null,
      system: null,
    });
    expect(why(rollback(esp, booted))).toBe('slot b is empty');
  });
});

describe('what is planned', () => {
  test('an apply takes the other slot apart, then builds it up; the entry goes first and comes last', async () => {
    const box = fresh();
    box.entry('a', 4, null, 3);
    box.entry('b', 2, null, 2);
    box.entry('b', 5, { left: 0, done: 3 }, 4);
    box.booted('a', 4);
    const { esp, booted } = await look(box);
    const first = steps(beginApply(esp, booted));
    expect(first.map((s) => s.kind)).toEqual([...Array(2).fill('remove entry'), ...Array(4).fill('remove file')]);
    const then = steps(stage(after(esp, first), staged('b', 6)));
    expect(then.map((s) => s.kind)).toEqual(['write file', 'write file', 'write entry']);
    // what is there keeps its number for ever
    expect(then[2]).toMatchObject({ file: 'dplane-b-5+3.conf' });
  });
  test('not from a system on trial, nor from one whose entry is gone', async () => {
    const box = fresh();
    box.entry('a', 4, { left: 2, done: 1 }, 3);
    box.booted('a', 4, true);
    let seen = await look(box);
    let { esp, booted } = seen;
    expect(why(beginApply(esp, booted))).toBe('the running system in slot a is not confirmed yet');
    box.booted('a', 3);
    seen = await look(box);
    esp = seen.esp;
    booted = seen.booted;
    expect(why(beginApply(esp, booted))).toMatch(/dplane-a-3\) is gone/);
  });
  test('space: what goes is counted, what comes is rounded up to blocks', async () => {
    const box = fresh();
    box.entry('a', 4, null, 3);
    box.entry('b', 5, null, 2);
    box.booted('a', 4);
    const { esp: real, booted } = await look(box);
    const esp = { ...real, free: 2 * 1024 * 1024, block: 4096 };
    const first = steps(beginApply(esp, booted));
    const big = (size: number) => [
      ...first,
      ...steps(stage(after(esp, first), { ...staged('b', 6), kernel: { size, sha512: 'a'.repeat(128) } })),
    ];
    expect(missingSpace(esp, big(1024 * 1024))).toBe(0);
    expect(missingSpace(esp, big(1024 * 1024 + 2 * 4096))).toBeGreaterThan(0);
  });
  test('rolling back tries what was confirmed once more, under a new number; asking twice is asking once', async () => {
    const box = fresh();
    box.entry('a', 6, null, 5);
    box.entry('b', 5, null, 4);
    box.booted('a', 6);
    const { esp, booted } = await look(box);
    const back = steps(rollback(esp, booted));
    expect(back).toMatchObject([{ kind: 'write entry', file: 'dplane-b-7+3.conf' }]);
    expect(await perStep({ places: box.places, syncAll: async () => {}, contents: noContents }, back)).toEqual({ ok: true, value: null });
    const now = await look(box);
    expect(nextEntry(now.esp, now.booted)?.number).toBe(7);
    expect(rollback(now.esp, now.booted)).toEqual({ ok: true, value: [] });
  });
  test('not back to a system that was never confirmed, or did not come up', async () => {
    const box = fresh();
    box.entry('a', 6, null, 5);
    box.entry('b', 7, { left: 3, done: 0 }, 6);
    box.booted('a', 6);
    const { esp, booted } = await look(box);
    expect(why(rollback(esp, booted))).toMatch(/never confirmed/);
    const failed = { ...esp, entries: esp.entries.map((e) => (e.slot === 'b' ? { ...e, tries: { left: 0, done: 3 } } : e)) };
    expect(why(rollback(failed, booted))).toMatch(/did not come up/);
  });
  test('cleaning up after a confirmation leaves the other slot alone', async () => {
    const box = fresh();
    box.entry('a', 6, null, 5);
    box.entry('b', 5, null, 4);
    box.entry('b', 7, null, 4);
    box.booted('b', 7);
    const { esp } = await look(box);
    expect(confirmCleanup(esp, 'b')).toEqual([{ kind: 'remove entry', file: 'dplane-b-5.conf' }]);
    expect(confirmCleanup(esp, 'a')).toEqual([]);
  });
});

/** The power goes. */
class Cut extends Error {}

/** What a boot partition of ours can look like: `running` confirmed, the other slot with anything, older entries, leftovers. */
const machine = fc.record({
  running: fc.constantFrom<SlotName>('a', 'b'),
  older: fc.boolean(),
  other: fc.array(fc.constantFrom<Tries>(null, { left: 3, done: 0 }, { left: 1, done: 2 }, { left: 0, done: 3 }), { maxLength: 3 }),
  otherFirst: fc.boolean(),
  loose: fc.boolean(),
  temporary: fc.boolean(),
  empty: fc.boolean(),
});
const build = (m: typeof machine extends fc.Arbitrary<infer T> ? T : never): Box => {
  const box = fresh();
  const other = otherSlot(m.running);
  let number = 0;
  const next = (): number => {
    number += 1;
    return number;
  };
  const others = (): void => {
    for (const tries of m.other) box.entry(other, next(), tries, 1 + (number % 2));
  };
  if (m.otherFirst) others();
  if (m.older) box.entry(m.running, next(), null, 1);
  const running = next();
  box.entry(m.running, running, null, 2);
  if (!m.otherFirst) others();
  if (m.loose) box.write(join(box.places.esp, 'dplane', other, '0123456789abcdef-vmlinuz'), 'half');
  if (m.temporary) box.write(join(box.places.esp, 'loader/entries', `dplane-${other}-${number + 1}+3.conf.tmp`), 'ha');
  if (m.empty) box.write(join(box.places.esp, 'loader/entries', `dplane-${other}-${number + 2}+3.conf`), '');
  box.booted(m.running, running);
  return box;
};

type Job = (box: Box, at: (point: string) => void) => Promise<void>;
const writer = (box: Box, at: (point: string) => void, index: number, slot: SlotName) => ({
  places: box.places,
  syncAll: async () => at('sync'),
  contents: contentsOf(kernelOf(slot, index), initrdOf(slot, index)),
  at,
});
const apply: Job = async (box, at) => {
  const { esp, booted } = await look(box);
  const slot = otherSlot(booted.slot);
  const first = steps(beginApply(esp, booted));
  const then = steps(stage(after(esp, first), staged(slot, 9)));
  const done = await perStep(writer(box, at, 9, slot), [...first, ...then]);
  if (!done.ok) throw new Error(done.refusal.why);
};
const goBack: Job = async (box, at) => {
  const { esp, booted } = await look(box);
  const plan = rollback(esp, booted);
  if (plan.ok) await perStep(writer(box, at, 9, booted.slot), plan.value);
};
const confirm: Job = async (box, at) => {
  const { esp, booted } = await look(box);
  await perStep(writer(box, at, 9, booted.slot), confirmCleanup(esp, booted.slot));
};
/** As the install hook of a running NixOS does it. */
const hook: Job = async (box, at) => {
  const { esp, booted } = await look(box);
  const done = await perStep(writer(box, at, 9, booted.slot), steps(stage(esp, staged(booted.slot, 9))));
  if (!done.ok) throw new Error(done.refusal.why);
};

describe('the power can go at any moment', () => {
  test.each<[string, Job]>([
    ['apply', apply],
    ['rollback', goBack],
    ['confirm', confirm],
    ['install hook', hook],
  ])('%s', async (_, job) => {
    await fc.assert(
      fc.asyncProperty(machine, async (m) => {
        const count = async (): Promise<number> => {
          let points = 0;
          await job(build(m), () => {
            points += 1;
          });
          return points;
        };
        const points = await count();
        for (let cut = 0; cut <= points; cut += 1) {
          const box = build(m);
          const before = await look(box);
          const confirmed = runningEntry(before.esp, before.booted);
          if (!confirmed) throw new Error('no running entry');
          const content = (e: { slot: string; entry: { kernel: string; initrd: string }; file: string }): string[] => [
            readFileSync(join(box.places.esp, 'loader/entries', e.file), 'latin1'),
            ...[e.entry.kernel, e.entry.initrd].map((f) => readFileSync(join(box.places.esp, 'dplane', e.slot, f), 'latin1')),
          ];
          const kept = content(confirmed);
          let left = cut;
          await job(box, () => {
            if (left === 0) throw new Cut();
            left -= 1;
          }).catch((error: unknown) => {
            if (!(error instanceof Cut)) throw error;
          });
          // the boot partition is still understood, the running entry and its files are as they were
          const { esp, booted } = await look(box);
          const still = runningEntry(esp, booted);
          if (!still)
            throw new Error(`cut ${cut}: the running entry is gone: ${readdirSync(join(box.places.esp, 'loader/entries')).join(' ')}`);
          expect(content(still)).toEqual(kept);
          expect(still.file).toBe(confirmed.file);
          // what is taken next was there before, or is complete: readEsp found its files, and their content is what their names say
          const next = nextEntry(esp, booted);
          if (!next) throw new Error('nothing to start');
          if (!before.esp.entries.some((e) => e.file === next.file)) {
            const [, kernel = '', initrd = ''] = content(next);
            expect(next.entry.kernel.slice(0, 16)).toBe(sha512(kernel).slice(0, 16));
            expect(next.entry.initrd.slice(0, 16)).toBe(sha512(initrd).slice(0, 16));
            expect(next.tries).toEqual({ left: 3, done: 0 });
          }
          // and the next apply goes through
          await apply(box, () => {});
          const end = await look(box);
          expect(nextEntry(end.esp, end.booted)?.entry.system.index).toBe(9);
          expect(nextEntry(end.esp, end.booted)?.slot).toBe(otherSlot(booted.slot));
        }
      }),
      { numRuns: Number(process.env.FC_RUNS ?? 5) },
    );
  });
});
