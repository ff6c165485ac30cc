/**
 * What a failed `zfs` or `zpool` said, as a refusal. The tools have no error codes, only words (LC_ALL=C keeps them
 * English); the words are those of OpenZFS 2.3. What is not recognised stays `failed`, with what the tool said.
 */
import type { Refusal, RefusalCode } from '../../domain/refusal.ts';
import type { RunResult } from '../host.ts';

type Known = readonly [pattern: RegExp, code: RefusalCode, todo: string];
/** The first that matches counts: special words before general ones. */
const KNOWN: readonly Known[] = [
  [/it's being held\b|dataset is busy\b.*hold/, 'blocked', 'release its holds first; a hold is there for a reason'],
  [/tag already exists on this dataset/, 'conflict', 'it is held under this name already'],
  [/no such tag on this dataset/, 'not-found', 'look at the holds it has'],
  [/has dependent clones|clones of previous snapshots exist|snapshot is cloned/, 'blocked', 'destroy or promote the clones first'],
  [/has children\b|more recent snapshots or bookmarks exist|has dependents/, 'conflict', 'deal with what depends on it first, one by one'],
  [/no valid replicas/, 'blocked', 'without it the pool would lose data: replace or repair another disk first'],
  [/operation does not apply to pools/, 'blocked', 'pools are never destroyed from here'],
  [
    /I\/O is currently suspended|pool is suspended|pool is unavailable|Cannot open.*I\/O error/i,
    'unavailable',
    'connect its disks again, then clear the pool (zpool clear)',
  ],
  [/one or more devices is currently unavailable/, 'unavailable', 'look whether the disk still answers, then try again'],
  [/could not find any snapshots to destroy/, 'not-found', 'look at the snapshots that are there'],
  [
    /no such pool\b|is not a pool\b|dataset does not exist|no such device in pool|parent does not exist|no such pool or dataset|pool\/dataset does not exist/,
    'not-found',
    'look at what is there now',
  ],
  [
    /already exists\b|already has a snapshot|already mounted|pool or dataset exists|already loaded|exists and is not empty|not currently mounted|there is no active scrub/,
    'conflict',
    'look at what is there now',
  ],
  [/currently (?:error )?scrubbing|currently resilvering|scrub is paused|device removal in progress/, 'busy', 'wait until it has ended'],
  [
    /(?:pool or )?dataset is busy|target is busy|is in use\b|is busy\b|is part of active pool/,
    'busy',
    'close what uses it, then try again',
  ],
  [/out of space|No space left|size is greater than available space/, 'failed', 'free some space, or choose a smaller size'],
  [/size is less than current used/, 'conflict', 'choose a size above what is used now'],
  [/permission denied|must be (?:super-?user|root)|Insufficient privileges/i, 'forbidden', 'this needs root: it goes through the executor'],
  [
    /contains a .*filesystem|part of (?:exported|potentially active) pool|use '-f' to override/,
    'blocked',
    'look at what is on the disk; nothing is overwritten by force',
  ],
  [/encryption key not loaded|Keyformat required|Key (?:un)?load error|Passphrase too short/i, 'failed', 'load its key first'],
  [
    /invalid property|is readonly\b|read-only property|must be one of|bad numeric value|must be power of 2|must be a multiple|must be an absolute path|does not apply to datasets|cannot be inherited|invalid character|invalid option|invalid type|usage:|name is reserved|must begin with a letter|is too long|tag too long|delimiter .* is not expected|empty component|leading slash|trailing slash|found in name|missing dataset name|is not a snapshot|must be within same pool|cannot be a descendant|requires at least|invalid vdev|not a cloned filesystem|parent is not a filesystem|must not exceed|is invalid, only values|cannot resolve path|mismatched replication/,
    'invalid',
    'correct the request',
  ],
];

/** One line of what a tool said, short enough to show. */
export const firstWords = (text: string): string => {
  const lines = text.split('\n').map((l) => l.trim());
  const usage = lines.findIndex((l) => l.startsWith('usage:'));
  return (usage >= 0 ? lines.slice(0, usage) : lines)
    .filter((l) => l !== '')
    .join(' ')
    .replace(/[\p{Cc}\ufffd]+/gu, ' ')
    .slice(0, 400);
};

const commandOf = (argv: readonly string[]): string =>
  argv
    .filter((a) => !a.startsWith('-'))
    .slice(0, 2)
    .join(' ');

/** Why a process came to no answer, whatever the tool. */
export const runRefusal = (r: RunResult): Refusal | null => {
  const what = commandOf(r.argv);
  const tool = r.argv[0] ?? 'the tool';
  switch (r.failure) {
    case null:
      return null;
    case 'timeout':
      return {
        code: 'timeout',
        what,
        why: `${what} did not answer in time`,
        todo: 'look at the pool and its disks: one that hangs makes the tools hang',
      };
    case 'missing':
      return { code: 'unavailable', what, why: `${tool} is not installed`, todo: `install ${tool}` };
    case 'aborted':
      return { code: 'unavailable', what, why: 'it was stopped before it ended', todo: '' };
    case 'too-large':
      return { code: 'too-large', what, why: 'it said more than is taken', todo: 'ask for less at a time' };
    case 'spawn':
    case 'killed':
      return {
        code: 'failed',
        what,
        why: r.stderr === '' ? 'the process was killed or did not start' : firstWords(r.stderr),
        todo: 'look at the log of the host',
      };
  }
};

/** For a run that did not succeed. */
export const zfsError = (r: RunResult): Refusal => {
  const run = runRefusal(r);
  if (run !== null) return run;
  const what = commandOf(r.argv);
  const said = firstWords(r.stderr) || firstWords(r.stdout);
  const why =
    said === ''
      ? /usage:/.test(r.stderr)
        ? 'it did not understand what it was asked'
        : `it failed with exit code ${r.exit} and said nothing`
      : said;
  const known = KNOWN.find(([pattern]) => pattern.test(r.stderr));
  return known
    ? { code: known[1], what, why, todo: known[2] }
    : { code: 'failed', what, why, todo: 'look at what the tool says on the host' };
};
