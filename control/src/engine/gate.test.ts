/** When the gate is asked to look: at what changed, and, where folders are shared, at what nothing tells of. */
import { expect, test } from 'vitest';
import type { NewEvent } from '../domain/event/event.ts';
import type { Observed } from '../domain/observed/observed.ts';
import { createGate } from './gate.ts';

const MINUTE = 60_000;
/** As much of an observation as the gate reads. */
const seen = (folder: string, unsettled: string[] = []): Observed =>
  ({ shares: [{ spec: { kind: 'smb', name: 'part', folder }, serving: true }], unsettled }) as unknown as Observed;

const gate = (result: Record<string, unknown> = {}) => {
  let now = 1_000_000;
  const asked: number[] = [];
  const told: NewEvent[] = [];
  const { look } = createGate({
    clock: () => now,
    execute: async () => {
      asked.push(now);
      return { ok: true, result, replayed: false };
    },
    tell: (event) => told.push(event),
    busy: () => false,
  });
  return { asked, told, look, later: (ms: number) => (now += ms) };
};

test('what is settled is left alone; a share of a folder is looked at every five minutes', async () => {
  const whole = gate();
  const part = gate();
  for (let minute = 0; minute <= 11; minute += 1) {
    await whole.look(seen(''));
    await part.look(seen('/letters'));
    whole.later(MINUTE);
    part.later(MINUTE);
  }
  expect(whole.asked).toEqual([]);
  expect(part.asked.map((at) => (at - 1_000_000) / MINUTE)).toEqual([5, 10]);
});

test('a folder that is none any more is told, by its own words', async () => {
  const g = gate({ bent: ['smb:part'], shut: [], opened: [], restored: [] });
  expect(await g.look(seen('/letters', ['share part']))).toBe(true);
  expect(g.told).toMatchObject([
    { severity: 'warning', subject: 'share:smb:part', message: expect.stringContaining('a link stands in its place') },
  ]);
  // the same again only after a while
  expect(await g.look(seen('/letters', ['share part']))).toBe(false);
});
