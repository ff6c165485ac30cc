/**
 * The claim code: how a fresh box gets its first admin. 100 bits, shown once on the console and kept in a file that only root and
 * the daemon can read; the store has its hash. Used once, then gone. A second file has it in words, for the login prompt of a screen:
 * a machine without a serial port, or with one that nobody looks at, shows it too (agetty reads it, docs/lab.md).
 */
import { timingSafeEqual } from 'node:crypto';
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Store } from '../../store/types.ts';
import type { Random } from '../context.ts';
import { sha256 } from './access.ts';

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const KEY = 'claim.hash';

/** What people type: any case, O for 0, I and L for 1, dashes or not. */
export const readCode = (typed: string): string => typed.toUpperCase().replace(/[\s-]/g, '').replace(/O/g, '0').replace(/[IL]/g, '1');

export type Claim = {
  /** A code is waiting to be used. */
  open(): boolean;
  matches(typed: string): boolean;
  /** Makes a new code; an older one is worth nothing from now on. */
  issue(): string;
  /** Inside the transaction that makes the admin: false when somebody was faster. */
  use(typed: string): boolean;
  /** After that transaction. */
  forget(): void;
};

export const createClaim = (store: Store, stateFolder: string, random: Random): Claim & { current: string | null } => {
  const file = join(stateFolder, 'claim-code');
  const prompt = join(stateFolder, 'claim-code.issue');
  const keep = (path: string, text: string): void => {
    writeFileSync(path, text, { mode: 0o600 });
    chmodSync(path, 0o600); // the mode above holds only for a file that is new
  };
  const matches = (typed: string): boolean => {
    const hash = store.settings.get(KEY);
    return hash !== null && timingSafeEqual(Buffer.from(sha256(readCode(typed))), Buffer.from(hash));
  };
  const issue = (): string => {
    const letters = Array.from(random(20), (b) => CROCKFORD[b & 31]).join('');
    const code = letters.match(/.{5}/g)?.join('-') ?? letters;
    store.settings.set(KEY, sha256(readCode(code)));
    keep(file, `${code}\n`);
    keep(prompt, `Claim code: ${code}  (makes you its administrator, once)\n\n`);
    return code;
  };
  const forget = (): void => {
    for (const path of [file, prompt]) rmSync(path, { force: true });
  };
  const read = (): string | null => {
    try {
      return readFileSync(file, 'utf8').trim();
    } catch {
      return null;
    }
  };
  let current: string | null = null;
  if (store.access.users().length === 0) {
    const kept = read();
    current = kept !== null && matches(kept) ? kept : issue();
  } else if (store.settings.get(KEY) === null) forget();
  return {
    current,
    open: () => store.settings.get(KEY) !== null,
    matches,
    issue,
    use(typed) {
      if (!matches(typed)) return false;
      store.settings.remove(KEY);
      return true;
    },
    forget,
  };
};
