import { expect, test } from 'vitest';
import type { Slot, SystemInfo, UpdateEvent } from '../../../control/src/domain/slot/slot.ts';
import { type Facts, openAttempt, settle } from './settle.ts';

const system: SystemInfo = { product: 'dplaneos', version: '0.2.0', index: 20, arch: 'x86_64', kernel: '6.12', zfs: '2.3.9' };
const event = (kind: UpdateEvent['kind'], at: number, more: Partial<UpdateEvent> = {}): UpdateEvent => ({
  at,
  kind,
  slot: 'b',
  system,
  bootId: null,
  reason: '',
  ...more,
});
const slot = (name: 'a' | 'b', state: Slot['state'], running: boolean): Slot => ({
  name,
  running,
  next: running,
  state,
  triesLeft: null,
  triesDone: null,
  system,
});
const facts = (running: 'a' | 'b', b: Slot['state'], history: UpdateEvent[]): Facts => ({
  at: 1000,
  bootId: '12345678-1234-1234-1234-123456789abc',
  running,
  slots: [slot('a', 'confirmed', running === 'a'), slot('b', b, running === 'b')],
  history,
  entry: running === 'a' ? 6 : 5,
  entries: new Map(),
});

test('nothing was attempted: nothing to say', () => {
  expect(settle(facts('a', 'empty', []))).toBeNull();
  expect(settle(facts('a', 'confirmed', [event('staged', 1), event('confirmed', 2)]))).toBeNull();
  expect(settle(facts('a', 'failed', [event('staged', 1), event('reverted', 2)]))).toBeNull();
});

test('staged and not restarted yet, or on trial: still open', () => {
  expect(settle(facts('a', 'staged', [event('staged', 1)]))).toBeNull();
  expect(settle(facts('b', 'trying', [event('staged', 1)]))).toBeNull();
  // the power went while it started: the boot loader has tries left and takes it again
  expect(settle(facts('a', 'trying', [event('staged', 1)]))).toBeNull();
});

test('confirmed only when its boot entry is no longer counted', () => {
  expect(settle(facts('b', 'confirmed', [event('staged', 1)]))).toMatchObject({ kind: 'confirmed', slot: 'b', system });
});

test('reverted: with the words of the verdict when there are some', () => {
  const history = [event('staged', 1), event('verdict-failed', 2, { reason: 'pool tank missing' })];
  expect(settle(facts('a', 'failed', history))).toMatchObject({ kind: 'reverted', slot: 'b', reason: 'pool tank missing' });
  // the entry could not be marked bad; the verdict was no all the same
  expect(settle(facts('a', 'trying', history))).toMatchObject({ kind: 'reverted', reason: 'pool tank missing' });
});

test('reverted without a word from it: panic, hang or power', () => {
  expect(settle(facts('a', 'failed', [event('staged', 1)]))?.reason).toMatch(/panicked, hung, or lost its power/);
});

test('words of an earlier attempt are not taken for those of this one', () => {
  const history = [event('staged', 1), event('verdict-failed', 2, { reason: 'old' }), event('reverted', 3), event('staged', 4)];
  expect(settle(facts('a', 'failed', history))?.reason).not.toBe('old');
  expect(settle(facts('a', 'staged', history))).toBeNull();
});

test('written down, but without its entry: the power was lost in between, said once', () => {
  const history = [event('staged', 1)];
  const fact = settle(facts('a', 'empty', history));
  expect(fact).toMatchObject({ kind: 'apply-failed', slot: 'b' });
  expect(settle(facts('a', 'empty', [...history, fact as UpdateEvent]))).toBeNull();
});

test('an update that was refused while another waits for its start does not end that one', () => {
  const history = [event('staged', 1), event('apply-failed', 2, { reason: 'it is older' })];
  expect(settle(facts('a', 'staged', history))).toBeNull();
  expect(settle(facts('b', 'confirmed', history))).toMatchObject({ kind: 'confirmed', slot: 'b' });
  expect(settle(facts('a', 'failed', history))).toMatchObject({ kind: 'reverted', slot: 'b' });
});

test('going back by hand is an attempt like any other', () => {
  const history = [event('staged', 1), event('confirmed', 2), event('rolled-back', 3, { slot: 'a' })];
  expect(openAttempt(history)).toMatchObject({ kind: 'rolled-back', slot: 'a' });
  const back = facts('a', 'confirmed', history);
  expect(settle(back)).toMatchObject({ kind: 'confirmed', slot: 'a' });
});

test('a generation, tried in the slot that runs: what became of its entry is what counts', () => {
  const staged = event('staged', 1, { slot: 'a', entry: 7 });
  const at = (entry: number, left: [number, number | null][], ...more: UpdateEvent[]): UpdateEvent | null =>
    settle({ ...facts('a', 'empty', [staged, ...more]), entry, entries: new Map(left) });
  // not restarted yet; on trial; tried again after the power went
  expect(
    at(6, [
      [6, null],
      [7, 3],
    ]),
  ).toBeNull();
  expect(
    at(7, [
      [6, null],
      [7, 2],
    ]),
  ).toBeNull();
  expect(
    at(6, [
      [6, null],
      [7, 2],
    ]),
  ).toBeNull();
  // systemd took the counter off
  expect(
    at(7, [
      [6, null],
      [7, null],
    ]),
  ).toMatchObject({ kind: 'confirmed', slot: 'a', entry: 7 });
  expect(
    at(6, [
      [6, null],
      [7, 0],
    ]),
  ).toMatchObject({ kind: 'reverted', slot: 'a', entry: 7, reason: expect.stringMatching(/panicked/) });
  const failed = event('verdict-failed', 2, { slot: 'a', reason: 'dplaned is not running' });
  expect(
    at(
      6,
      [
        [6, null],
        [7, 2],
      ],
      failed,
    ),
  ).toMatchObject({ kind: 'reverted', reason: 'dplaned is not running' });
  // written down, and then the power went
  expect(at(6, [[6, null]])).toMatchObject({ kind: 'apply-failed', reason: expect.stringMatching(/power was lost/) });
  // told once
  expect(
    at(
      6,
      [
        [6, null],
        [7, 0],
      ],
      event('reverted', 3, { slot: 'a', entry: 7 }),
    ),
  ).toBeNull();
});
