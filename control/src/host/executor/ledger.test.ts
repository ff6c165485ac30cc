import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import type { ExecRequest } from '../../domain/operation/operation.ts';
import type { ExecAnswer } from '../executor.ts';
import { type Ledger, type LedgerLimits, openLedger } from './ledger.ts';

const folders: string[] = [];
const opened: Ledger[] = [];
const folder = (): string => {
  const made = mkdtempSync(join(tmpdir(), 'dplane-ledger-'));
  folders.push(made);
  return made;
};
let now = 1_000_000;
const open = (at: string, limits?: LedgerLimits): Ledger => {
  const ledger = openLedger(at, () => now, limits);
  opened.push(ledger);
  return ledger;
};
afterEach(() => {
  for (const l of opened.splice(0)) l.close();
  for (const f of folders.splice(0)) rmSync(f, { recursive: true });
});

const request = (id: string, approval: string | null = null, name = 'tank/a'): ExecRequest => ({
  v: 1,
  id,
  actor: { kind: 'user', name: 'anna', via: 'api' },
  operation: { kind: 'dataset.destroy', name, guid: '42', withSnapshots: false },
  approval:
    approval === null
      ? null
      : {
          id: approval,
          actor: { kind: 'user', name: 'anna', via: 'api' },
          planDigest: 'a'.repeat(64),
          actionId: 'x',
          operation: 'dataset.destroy',
          target: { kind: 'dataset', name, guid: '42' },
          issuedAt: now,
          expiresAt: now + 900_000,
        },
});
const approval = (n: number): string => `approval-${String(n).padStart(16, '0')}`;
const done = (guid: string): ExecAnswer => ({ ok: true, result: { guid }, replayed: false });
const code = (r: ReturnType<Ledger['begin']>): string => (r.ok ? 'ok' : r.refusal.code);

describe('ledger', () => {
  test('an operation is begun once, and its answer comes back for the same request', () => {
    const at = folder();
    const ledger = open(at);
    expect(ledger.outcome('operation-1')).toEqual({ state: 'unknown' });
    expect(ledger.begin(request('operation-1'))).toEqual({ ok: true, value: null });
    expect(ledger.outcome('operation-1')).toEqual({ state: 'begun' });
    expect(code(ledger.begin(request('operation-1')))).toBe('conflict');
    ledger.end('operation-1', done('7'));
    expect(ledger.begin(request('operation-1'))).toEqual({ ok: true, value: { ok: true, result: { guid: '7' }, replayed: true } });
    expect(code(ledger.begin(request('operation-1', null, 'tank/other')))).toBe('conflict');
    expect(open(at).outcome('operation-1')).toEqual({ state: 'ended', answer: done('7') });
  });

  test('a refusal is an end too', () => {
    const ledger = open(folder());
    ledger.begin(request('operation-1'));
    const refused: ExecAnswer = { ok: false, refusal: { code: 'blocked', what: 'w', why: 'y', todo: 't' } };
    ledger.end('operation-1', refused);
    expect(ledger.begin(request('operation-1'))).toEqual({ ok: true, value: refused });
  });

  test('an approval is spent by the first operation that begins with it, across restarts', () => {
    const at = folder();
    expect(open(at).begin(request('operation-1', approval(1))).ok).toBe(true);
    const again = open(at);
    expect(code(again.begin(request('operation-2', approval(1))))).toBe('stale');
    expect(again.outcome('operation-2')).toEqual({ state: 'unknown' });
    expect(code(again.begin(request('operation-2', approval(2))))).toBe('ok');
  });

  test('nobody but its owner can read it', () => {
    const at = folder();
    open(join(at, 'below')).begin(request('operation-1'));
    expect(statSync(join(at, 'below')).mode & 0o777).toBe(0o700);
    expect(statSync(join(at, 'below', 'ledger')).mode & 0o777).toBe(0o600);
  });

  test('cut at every byte: what was whole is still known, and it can be written on', () => {
    const at = folder();
    const ledger = open(at);
    for (let i = 1; i <= 3; i += 1) {
      ledger.begin(request(`operation-${i}`, approval(i)));
      if (i < 3) ledger.end(`operation-${i}`, done(String(i)));
    }
    const whole = readFileSync(join(at, 'ledger'));
    const ends = [...whole.entries()].filter(([, byte]) => byte === 0x0a).map(([index]) => index + 1);
    for (let length = 0; length <= whole.length; length += 1) {
      writeFileSync(join(at, 'ledger'), whole.subarray(0, length));
      const cut = openLedger(at, () => now);
      const lines = ends.filter((e) => e <= length).length;
      const states = [1, 2, 3].map((i) => cut.outcome(`operation-${i}`).state);
      const expected = [1, 2, 3].map((i) => (lines >= 2 * i ? 'ended' : lines >= 2 * i - 1 ? 'begun' : 'unknown'));
      expect(states, `cut at ${length}`).toEqual(expected);
      for (let i = 1; 2 * i - 1 <= lines; i += 1)
        expect(code(cut.begin(request('operation-9', approval(i)))), `approval ${i} cut at ${length}`).toBe('stale');
      cut.close();
      // what is written after the cut is readable
      if (length % 29 !== 0) continue;
      truncateSync(join(at, 'ledger'), length);
      const more = openLedger(at, () => now);
      more.begin(request('operation-8'));
      more.close();
      const last = openLedger(at, () => now);
      expect(last.outcome('operation-8').state, `cut at ${length}`).toBe('begun');
      last.close();
    }
  });

  // the newline between the last two is left out: without it they are one torn last line
  test('a damaged line before the last stops everything, whatever the damage', () => {
    const at = folder();
    const ledger = open(at);
    for (let i = 1; i <= 3; i += 1) ledger.begin(request(`operation-${i}`, approval(i)));
    const whole = readFileSync(join(at, 'ledger'));
    const lastLine = whole.lastIndexOf(0x0a, whole.length - 2) + 1;
    fc.assert(
      fc.property(fc.integer({ min: 0, max: lastLine - 2 }), fc.integer({ min: 1, max: 255 }), (index, change) => {
        const bad = Buffer.from(whole);
        bad[index] = (whole[index] ?? 0) ^ change;
        writeFileSync(join(at, 'ledger'), bad);
        expect(() => openLedger(at, () => now)).toThrow(/damaged/);
      }),
    );
  });

  test('rubbish behind the last line is cut off', () => {
    const at = folder();
    open(at).begin(request('operation-1'));
    appendFileSync(join(at, 'ledger'), Buffer.alloc(4096));
    const ledger = open(at);
    expect(ledger.outcome('operation-1').state).toBe('begun');
    ledger.end('operation-1', done('1'));
    expect(open(at).outcome('operation-1').state).toBe('ended');
  });

  test('stays within its bounds: the oldest operations go, spent approvals stay as long as they could matter', () => {
    const at = folder();
    const limits: LedgerLimits = { operations: 10, approvalMs: 1000, approvals: 20 };
    const ledger = open(at, limits);
    ledger.begin(request('operation-approved', approval(1)));
    for (let i = 0; i < 60; i += 1) {
      ledger.begin(request(`operation-${i}`));
      ledger.end(`operation-${i}`, done(String(i)));
    }
    const lines = readFileSync(join(at, 'ledger'), 'utf8').split('\n').length;
    expect(lines).toBeLessThan(50);
    expect(ledger.outcome('operation-0').state).toBe('unknown');
    expect(ledger.outcome('operation-59').state).toBe('ended');
    const again = open(at, limits);
    expect(again.outcome('operation-55').state).toBe('ended');
    expect(code(again.begin(request('operation-x', approval(1))))).toBe('stale');
  });

  test('refuses further approvals rather than forgetting spent ones, until they are old', () => {
    const limits: LedgerLimits = { operations: 10, approvalMs: 1000, approvals: 20 };
    const ledger = open(folder(), limits);
    for (let i = 0; i < 20; i += 1) expect(code(ledger.begin(request(`operation-${i}`, approval(i))))).toBe('ok');
    expect(code(ledger.begin(request('operation-20', approval(20))))).toBe('busy');
    expect(code(ledger.begin(request('operation-without')))).toBe('ok');
    now += 1001;
    expect(code(ledger.begin(request('operation-20', approval(20))))).toBe('ok');
  });
});
