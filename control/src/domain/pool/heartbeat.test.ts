import { expect, test } from 'vitest';
import { alertOf, type Beat, heartbeatOf, isFailed, type Signs, slowInARow, type Told, USUAL_HEARTBEAT } from './heartbeat.ts';

const beat = (more: Partial<Beat> = {}): Beat => ({
  n: 7,
  began: 100_000,
  ended: 100_040,
  outcome: 'ok',
  write: 2,
  flush: 30,
  read: 1,
  note: '',
  ...more,
});
const told = (more: Partial<Told> = {}): Told => ({ now: null, last: beat(), slowInARow: 0, ...more });
const signs = (more: Partial<Signs> = {}): Signs => ({
  settings: USUAL_HEARTBEAT,
  kernel: 'ONLINE',
  told: told(),
  uptime: 110_000,
  moving: false,
  refused: null,
  ...more,
});

test('a beat that ended well: beating, with its latency and its age', () => {
  expect(heartbeatOf(signs())).toMatchObject({
    state: 'beating',
    why: 'written, on disk and read back in 33 ms',
    latency: { write: 2, flush: 30, read: 1 },
    lastGood: 9_960,
    underWay: null,
  });
});

test('a beat that does not end: stuck from its limit on, not before; disks that work make it late, up to a point', () => {
  const now = { n: 8, began: 130_000 };
  const at = (uptime: number, moving = false) => heartbeatOf(signs({ told: told({ now }), uptime, moving })).state;
  expect([at(131_000), at(159_999), at(160_000), at(900_000)]).toEqual(['beating', 'beating', 'stuck', 'stuck']);
  expect([at(160_000, true), at(249_000, true), at(250_000, true)]).toEqual(['slow', 'slow', 'stuck']);
  expect(heartbeatOf(signs({ told: told({ now }), uptime: 190_000 }))).toMatchObject({
    underWay: 60_000,
    why: 'a write of 4 KiB has not ended for 60 s',
  });
});

test.each([
  ['suspended', { kernel: 'SUSPENDED' }],
  ['suspended', { kernel: 'UNAVAIL', settings: { on: false, limit: 30_000 } }],
  ['off', { settings: { on: false, limit: 30_000 } }],
  ['read-only', { refused: { state: 'read-only', why: 'imported so' } }],
  ['read-only', { told: told({ last: beat({ outcome: 'read-only' }) }) }],
  ['failing', { told: told({ last: beat({ outcome: 'write-failed', note: 'Input/output error' }) }) }],
  ['failing', { told: told({ last: beat({ outcome: 'differs' }) }) }],
  ['unknown', { told: null }],
  ['unknown', { uptime: 500_000 }],
  ['slow', { told: told({ slowInARow: 2 }) }],
  ['beating', { told: told({ slowInARow: 1 }) }],
] as const)('%s', (state, more) => {
  const h = heartbeatOf(signs(more as Partial<Signs>));
  expect(h.state).toBe(state);
  expect(h.why).not.toBe('');
  expect(isFailed(h.state)).toBe(state === 'suspended');
});

test('one slow beat is nothing; the second in a row counts, once', () => {
  const slow = (n: number): Beat => beat({ n, ended: 106_000 });
  const first = slowInARow(null, slow(1));
  expect(first).toBe(1);
  const after = told({ last: slow(1), slowInARow: first });
  expect(slowInARow(after, slow(1))).toBe(1);
  expect(slowInARow(after, slow(2))).toBe(2);
  expect(slowInARow(after, beat({ n: 2 }))).toBe(0);
});

test('an alert says the same as long as its state lasts', () => {
  const now = { n: 8, began: 130_000 };
  const text = (uptime: number) => alertOf('tank', heartbeatOf(signs({ told: told({ now }), uptime })), 30_000);
  expect(text(165_000)).toEqual(text(300_000));
  expect(text(165_000)).toMatchObject({ severity: 'critical' });
  expect(alertOf('tank', heartbeatOf(signs()), 30_000)).toBeNull();
});
