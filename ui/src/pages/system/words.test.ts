import { describe, expect, it } from 'vitest';
import type { Slot, SystemInfo, UpdateEvent } from '../../../../control/src/domain/slot/slot.ts';
import type { UpdateView } from '../../../../control/src/domain/update/update.ts';
import { openRevert, paceOf, slotWords, standingOf } from './words.ts';

const NOW = new Date(2026, 10, 21, 14).getTime();
const system = (version: string): SystemInfo => ({ product: 'dplaneos', version, index: 1, arch: 'x86_64', kernel: 'k', zfs: 'z' });
const slot = (name: 'a' | 'b', more: Partial<Slot>): Slot => ({
  name,
  running: false,
  next: false,
  state: 'confirmed',
  triesLeft: null,
  triesDone: null,
  system: null,
  ...more,
});
const event = (kind: UpdateEvent['kind'], at: number, reason = ''): UpdateEvent => ({
  kind,
  at,
  slot: 'b',
  system: system('0.2.0'),
  bootId: null,
  reason,
});
const view = (a: Partial<Slot>, b: Partial<Slot>, more: Partial<UpdateView> = {}): UpdateView => ({
  at: NOW,
  slots: {
    available: true,
    at: NOW,
    bootId: '00000000-0000-4000-8000-000000000000',
    running: 'a',
    chosenByHand: false,
    slots: [slot('a', { running: true, next: true, system: system('0.1.0'), ...a }), slot('b', b)],
    starts: [],
    instead: null,
    highestIndex: 1,
    keys: [],
    verdict: null,
  },
  progress: null,
  running: false,
  recent: [],
  whyNo: { install: null, cancel: null, rollback: null, confirm: null, restart: null },
  problems: [],
  ...more,
});

describe('what has to be known first', () => {
  it('is why an update was given up, and where one is since when', () => {
    const at = new Date(2026, 10, 21, 12, 3).getTime();
    const s = standingOf(
      view({}, { state: 'failed', system: system('0.2.0') }, { recent: [event('reverted', at, 'pool tank missing')] }),
      NOW,
    );
    expect(s).toMatchObject({ kind: 'reverted', tone: 'bad', title: '0.2.0 did not come up' });
    expect(s.meaning).toBe('Slot b: pool tank missing. Back on 0.1.0 in slot a since 12:03.');
  });
  it('is why a generation was given up, which ran in the slot that runs', () => {
    const s = standingOf(view({}, {}, { recent: [{ ...event('reverted', NOW, 'dplaned is not running'), slot: 'a', entry: 7 }] }), NOW);
    expect(s).toMatchObject({ kind: 'reverted', title: 'A generation did not come up' });
    expect(s.meaning).toMatch(/^dplaned is not running\. The one before it is back\. Back on 0\.1\.0 in slot a/);
  });
  it('is not an old revert that something has followed', () => {
    expect(openRevert([event('staged', 3), event('reverted', 2)])).toBeNull();
    expect(openRevert([event('key-enrolled', 3), event('reverted', 2)])?.at).toBe(2);
    expect(
      standingOf(
        view(
          { next: false },
          { next: true, state: 'staged', system: system('0.3.0') },
          { recent: [event('staged', 3), event('reverted', 2)] },
        ),
        NOW,
      ),
    ).toMatchObject({
      kind: 'waiting',
      title: '0.3.0 in slot b waits for a restart',
    });
  });
  it('says how a trial ends', () => {
    const s = standingOf(view({ state: 'trying', triesLeft: 2 }, { system: system('0.0.9') }), NOW);
    expect(s).toMatchObject({ kind: 'trial', title: '0.1.0 in slot a is on trial' });
    expect(s.meaning).toContain('goes back to 0.0.9 in slot b by itself');
  });
  it('is calm otherwise', () => {
    expect(standingOf(view({}, { state: 'empty' }), NOW)).toMatchObject({ kind: 'calm', tone: 'ok' });
  });
});
it('names every state of a slot', () => {
  expect(slotWords(slot('a', { state: 'trying', triesLeft: 1 })).text).toBe('on trial, 1 more try');
  expect(slotWords(slot('a', { state: 'failed' }))).toEqual({ tone: 'bad', text: 'did not come up' });
});
it('makes no estimate too early', () => {
  expect(paceOf({ startedAt: 0, updatedAt: 500, done: 50, total: 100 })).toBeNull();
  expect(paceOf({ startedAt: 0, updatedAt: 10_000, done: 0, total: 100 })).toBeNull();
  expect(paceOf({ startedAt: 0, updatedAt: 10_000, done: 25, total: 100 })).toEqual({ perSecond: 2.5, leftMs: 30_000 });
});
