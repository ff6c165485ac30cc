/**
 * What the executor remembers across restarts: which operations it began, how they ended, and which approvals are
 * spent. One append-only file in a folder that only root can enter; each line carries a checksum and is on the disk
 * before the operation starts (`begin`) and before its answer is given (`end`).
 *
 * A torn last line is what a crash leaves: it is cut off, nothing depended on it yet. Damage anywhere else means that
 * something else wrote here or the disk lies: then nothing is executed until a person has looked.
 */
import { createHash } from 'node:crypto';
import { closeSync, fdatasyncSync, fsyncSync, ftruncateSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { canonical } from '../../domain/canonical.ts';
import type { ExecRequest } from '../../domain/operation/operation.ts';
import { type Result, RefusalError, ok, refuse } from '../../domain/refusal.ts';
import type { Clock } from '../../domain/clock.ts';
import type { ExecAnswer, ExecOutcome } from '../executor.ts';
import { Answer } from './answer.ts';

const Line = z.discriminatedUnion('t', [
  z.object({ t: z.literal('begun'), id: z.string(), at: z.number(), digest: z.string(), approval: z.string().nullable() }),
  z.object({ t: z.literal('ended'), id: z.string(), at: z.number(), answer: Answer }),
]);
type Line = z.infer<typeof Line>;

export type LedgerLimits = {
  /** Operations remembered by count; the oldest go first. */
  operations: number;
  /** Spent approvals are remembered at least this long, far beyond the minutes they live. */
  approvalMs: number;
  /** Spent approvals within `approvalMs`; beyond it nothing that needs one is executed. */
  approvals: number;
};
export const LEDGER_LIMITS: LedgerLimits = { operations: 2000, approvalMs: 7 * 86_400_000, approvals: 10_000 };

type Entry = { at: number; digest: string; approval: string | null; answer: ExecAnswer | null };
export type Ledger = {
  /** What became of an id. */
  outcome(id: string): ExecOutcome;
  /**
   * Writes that the operation starts and spends its approval, or says why it can't. `null` when it may run;
   * an answer when the same request had ended before.
   */
  begin(request: ExecRequest): Result<ExecAnswer | null>;
  end(id: string, answer: ExecAnswer): void;
  close(): void;
};

const encode = (line: Line): string => {
  const json = JSON.stringify(line);
  return `${checksum(json)} ${json}\n`;
};
const checksum = (json: string): string => createHash('sha256').update(json).digest('hex').slice(0, 16);

const decode = (text: string): Line | undefined => {
  const json = text.slice(17);
  if (text[16] !== ' ' || checksum(json) !== text.slice(0, 16)) return undefined;
  return Line.parse(JSON.parse(json));
};

const damaged = (path: string, line: number): RefusalError =>
  new RefusalError({
    code: 'unavailable',
    what: 'no operation is executed',
    why: `line ${line} of ${path} is damaged, so it is not certain which operations and approvals were used already`,
    todo: `look at the disk below it; then move the file away as root: operations that the daemon has not seen the end of must be looked at by hand`,
  });

/** What the operation was: the same id with another content is another request. */
const digestOf = (request: ExecRequest): string => createHash('sha256').update(canonical(request)).digest('hex');

export const openLedger = (folder: string, clock: Clock, limits: LedgerLimits = LEDGER_LIMITS): Ledger => {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, 'ledger');
  const entries = new Map<string, Entry>();
  /** Spent approvals and when. */
  const spent = new Map<string, number>();
  let lines = 0;

  const take = (line: Line): void => {
    lines += 1;
    if (line.t === 'begun') {
      entries.set(line.id, { at: line.at, digest: line.digest, approval: line.approval, answer: null });
      if (line.approval !== null) spent.set(line.approval, line.at);
      return;
    }
    const entry = entries.get(line.id);
    if (entry) entry.answer = line.answer;
  };

  /** Length of the sound part. */
  const load = (bytes: Buffer): number => {
    let from = 0;
    while (from < bytes.length) {
      const end = bytes.indexOf(0x0a, from);
      if (end < 0) break;
      const line = decode(bytes.toString('utf8', from, end));
      if (!line) {
        if (end === bytes.length - 1) break;
        throw damaged(path, lines + 1);
      }
      take(line);
      from = end + 1;
    }
    return from;
  };

  const syncFolder = (): void => {
    const fd = openSync(folder, 'r');
    fsyncSync(fd);
    closeSync(fd);
  };

  let fd = openSync(path, 'a+', 0o600);
  const before = readFileSync(fd);
  let size = load(before);
  if (size < before.length) {
    ftruncateSync(fd, size);
    fsyncSync(fd);
  }
  // its name has to last before its lines can
  if (size === 0) syncFolder();
  let broken: unknown;

  const append = (line: Line): void => {
    if (broken !== undefined) throw new Error('the ledger could not be written earlier', { cause: broken });
    const bytes = Buffer.from(encode(line));
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
      fdatasyncSync(fd);
    } catch (cause) {
      // Half a line followed by whole ones would read as damage: cut it off, or write nothing more.
      broken = cause;
      ftruncateSync(fd, size);
      fdatasyncSync(fd);
      broken = undefined;
      throw cause;
    }
    size += bytes.length;
    take(line);
  };

  /** Drops what is beyond the limits, by writing the rest anew beside it. */
  const prune = (): void => {
    const now = clock();
    for (const [id, at] of spent) if (now - at > limits.approvalMs) spent.delete(id);
    let excess = entries.size - limits.operations;
    for (const [id, entry] of entries) {
      if (excess <= 0) break;
      if (entry.approval !== null && spent.has(entry.approval)) continue;
      entries.delete(id);
      excess -= 1;
    }
    const kept: Line[] = [];
    for (const [id, { at, digest, approval, answer }] of entries) {
      kept.push({ t: 'begun', id, at, digest, approval });
      if (answer) kept.push({ t: 'ended', id, at, answer });
    }
    const bytes = Buffer.from(kept.map(encode).join(''));
    const beside = openSync(`${path}.new`, 'w', 0o600);
    for (let done = 0; done < bytes.length; ) done += writeSync(beside, bytes, done);
    fsyncSync(beside);
    closeSync(beside);
    renameSync(`${path}.new`, path);
    syncFolder();
    closeSync(fd);
    fd = openSync(path, 'a+', 0o600);
    size = bytes.length;
    lines = kept.length;
  };
  /** Room to grow by half before the next time, so that it stays rare. */
  const pruneAt = (): number => 3 * (limits.operations + spent.size);
  if (lines > pruneAt()) prune();

  return {
    outcome: (id) => {
      const entry = entries.get(id);
      if (!entry) return { state: 'unknown' };
      return entry.answer ? { state: 'ended', answer: entry.answer } : { state: 'begun' };
    },
    begin: (request) => {
      const what = `operation ${request.id}`;
      const digest = digestOf(request);
      const known = entries.get(request.id);
      if (known) {
        if (known.digest !== digest)
          return refuse('conflict', what, 'this id was used for another request', 'choose an id of its own for each operation');
        if (known.answer) return ok(known.answer.ok ? { ...known.answer, replayed: true } : known.answer);
        return refuse('conflict', what, 'it was begun before and no end is recorded', 'look at its target; it is not repeated');
      }
      const { approval } = request;
      if (approval && spent.has(approval.id))
        return refuse('stale', what, `approval ${approval.id} has been used`, 'approve the action again');
      if (lines >= pruneAt() || spent.size >= limits.approvals) prune();
      if (approval && spent.size >= limits.approvals)
        return refuse(
          'busy',
          what,
          `${spent.size} approvals were used within ${Math.round(limits.approvalMs / 86_400_000)} days`,
          'wait, and look for what uses them',
        );
      append({ t: 'begun', id: request.id, at: clock(), digest, approval: approval?.id ?? null });
      return ok(null);
    },
    end: (id, answer) => append({ t: 'ended', id, at: clock(), answer }),
    close: () => closeSync(fd),
  };
};
