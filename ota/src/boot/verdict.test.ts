import { expect, test } from 'vitest';
import { realHost } from '../../../control/src/host/exec.ts';
import type { Verdict } from '../../../control/src/domain/slot/slot.ts';
import { type CHECKS, type Subject, whyPoolsDiffer } from './checks.ts';
import { inWords, judge } from './verdict.ts';

const subject: Subject = { host: realHost(), slot: 'b', misled: null, system: null, baseline: null, persist: '/persist', port: 1 };

/** Time passes only when the verdict waits. */
const run = async (checks: typeof CHECKS, more: { trial?: boolean; deadlineMs?: number } = {}) => {
  let now = 5_000;
  const told: Verdict[] = [];
  const verdict = await judge({
    subject,
    bootId: '12345678-1234-1234-1234-123456789abc',
    trial: more.trial ?? true,
    deadlineMs: more.deadlineMs ?? 90_000,
    clock: () => 1_000_000 + now,
    uptime: () => now,
    pause: (ms) => {
      now += ms;
      return Promise.resolve();
    },
    tell: (v) => Promise.resolve(void told.push(v)),
    checks,
  });
  return { verdict, told, waited: now - 5_000 };
};

test('all yes at once: passed without waiting', async () => {
  const { verdict, waited } = await run([
    ['slot', async () => null],
    ['zfs', async () => null],
  ]);
  expect(verdict).toMatchObject({ outcome: 'passed', slot: 'b', trial: true, uptimeMs: 5_000 });
  expect(verdict.checks).toEqual([
    { name: 'slot', ok: true, why: '' },
    { name: 'zfs', ok: true, why: '' },
  ]);
  expect(waited).toBe(0);
});

test('what comes up late is waited for, and what said yes before is asked once more at the end', async () => {
  let late = 0;
  let early = 0;
  const { verdict, waited, told } = await run([
    ['shares', async () => (++late < 4 ? 'the SMB server does not answer' : null)],
    [
      'pools',
      async () => {
        early += 1;
        return null;
      },
    ],
  ]);
  expect(verdict.outcome).toBe('passed');
  expect(waited).toBe(3_000);
  expect(early).toBe(2);
  expect(told.map((v) => inWords(v))).toContain('the SMB server does not answer');
});

test('one that says no again when all are asked once more: no, however often each has said yes by itself', async () => {
  let pools = 0;
  let shares = 0;
  const { verdict } = await run(
    [
      // yes when asked alone, no in the round after it
      ['pools', async () => (++pools % 2 === 1 ? null : 'pool tank missing')],
      ['shares', async () => (++shares === 1 ? 'down' : null)],
    ],
    { deadlineMs: 1_000 },
  );
  expect(verdict.outcome).toBe('failed');
  expect(inWords(verdict)).toBe('pool tank missing');
});

test('one no until the deadline: failed, in its own words, after exactly the time that was given', async () => {
  const { verdict, waited } = await run([
    ['pools', async () => 'pool tank missing'],
    ['zfs', async () => null],
  ]);
  expect(verdict.outcome).toBe('failed');
  expect(inWords(verdict)).toBe('pool tank missing');
  expect(waited).toBe(90_000);
});

test('a check that throws says no with what it threw', async () => {
  const { verdict } = await run(
    [
      [
        'network',
        async () => {
          throw new Error('no such file');
        },
      ],
    ],
    { deadlineMs: 0 },
  );
  expect(verdict.outcome).toBe('failed');
  expect(inWords(verdict)).toBe('no such file');
});

const tank = { guid: '1', name: 'tank', health: 'ONLINE', readonly: false };
const media = { guid: '2', name: 'media', health: 'DEGRADED', readonly: false };
test.for([
  ['the same', [tank, media], [tank, media], null],
  ['more than before', [tank], [tank, media], null],
  ['better than before', [media], [{ ...media, health: 'ONLINE' }], null],
  ['renamed, the same guid', [tank], [{ ...tank, name: 'safe' }], null],
  ['missing', [tank, media], [media], 'pool tank missing'],
  ['all missing, which is not the same as having none', [tank, media], [], 'pool tank missing; pool media missing'],
  ['another one of the same name', [tank], [{ ...tank, guid: '9' }], 'pool tank missing'],
  ['worse', [tank], [{ ...tank, health: 'DEGRADED' }], 'pool tank is DEGRADED, it was ONLINE'],
  ['suspended', [media], [{ ...media, health: 'SUSPENDED' }], 'pool media is SUSPENDED, it was DEGRADED'],
  ['read-only', [tank], [{ ...tank, readonly: true }], 'pool tank is read-only'],
] as const)('pools compared with what was there: %s', ([, before, now, why]) => {
  expect(whyPoolsDiffer(before, now)).toBe(why);
});
