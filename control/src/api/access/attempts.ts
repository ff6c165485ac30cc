/**
 * Brakes for guessing: wrong attempts are counted per address and per account, and each one beyond the free ones makes the next wait
 * twice as long, up to a limit. An account's wait is short enough that nobody can lock its owner out, and an address that has logged in
 * to it before is not slowed by what others try. An attempt counts from its beginning, so that many at once are not one.
 */
import type { Clock } from '../../store/types.ts';

export type Brake = {
  /** Milliseconds to wait; 0 when it may go on, and then the attempt has been counted. */
  begin(address: string, account: string): number;
  /** It was right: takes the attempt back and remembers the address as one of the account's own. */
  succeeded(address: string, account: string): void;
  /** It was neither right nor wrong (an error, or a question back): takes the attempt back. */
  void(address: string, account: string): void;
  size(): number;
};

type Entry = { wrong: number; until: number; last: number };
type Rule = { free: number; firstMs: number; maxMs: number; forgetMs: number };
const ADDRESS: Rule = { free: 10, firstMs: 1_000, maxMs: 15 * 60_000, forgetMs: 60 * 60_000 };
const ACCOUNT: Rule = { free: 5, firstMs: 1_000, maxMs: 30_000, forgetMs: 15 * 60_000 };
const ENTRIES = 5_000;

const table = (rule: Rule) => {
  const entries = new Map<string, Entry>();
  const get = (key: string, now: number): Entry => {
    const known = entries.get(key);
    const entry = known && now - known.last < rule.forgetMs ? known : { wrong: 0, until: 0, last: now };
    return entry;
  };
  return {
    wait: (key: string, now: number): number => Math.max(0, get(key, now).until - now),
    count: (key: string, now: number): void => {
      const entry = get(key, now);
      entry.wrong += 1;
      entry.last = now;
      if (entry.wrong >= rule.free) entry.until = now + Math.min(rule.maxMs, rule.firstMs * 2 ** Math.min(30, entry.wrong - rule.free));
      entries.delete(key);
      entries.set(key, entry);
      if (entries.size > ENTRIES) {
        const oldest = entries.keys().next();
        if (!oldest.done) entries.delete(oldest.value);
      }
    },
    takeBack: (key: string): void => {
      const entry = entries.get(key);
      if (!entry) return;
      entry.wrong -= 1;
      if (entry.wrong < rule.free) entry.until = 0;
      if (entry.wrong <= 0) entries.delete(key);
    },
    forget: (key: string): void => {
      entries.delete(key);
    },
    size: () => entries.size,
  };
};

/** `accountMaxMs`: longer for second factors, where only someone who knows the password can make others wait. */
export const createBrake = (clock: Clock, accountMaxMs = ACCOUNT.maxMs): Brake => {
  const addresses = table(ADDRESS);
  const accounts = table({ ...ACCOUNT, maxMs: accountMaxMs, forgetMs: Math.max(ACCOUNT.forgetMs, 4 * accountMaxMs) });
  const own = new Set<string>();
  const pair = (address: string, account: string): string => `${address} ${account}`;
  return {
    begin(address, account) {
      const now = clock();
      const known = own.has(pair(address, account));
      const wait = Math.max(addresses.wait(address, now), known ? 0 : accounts.wait(account, now));
      if (wait > 0) return wait;
      addresses.count(address, now);
      if (!known) accounts.count(account, now);
      return 0;
    },
    succeeded(address, account) {
      addresses.takeBack(address);
      accounts.forget(account);
      own.delete(pair(address, account));
      own.add(pair(address, account));
      if (own.size > ENTRIES) {
        const oldest = own.values().next();
        if (!oldest.done) own.delete(oldest.value);
      }
    },
    void(address, account) {
      addresses.takeBack(address);
      if (!own.has(pair(address, account))) accounts.takeBack(account);
    },
    size: () => addresses.size() + accounts.size() + own.size,
  };
};

/** What counts as one address: an IPv4 address, or the /64 that one IPv6 customer gets. Never the port. */
export const addressKey = (remote: string | undefined): string => {
  if (!remote) return 'local';
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(remote);
  if (mapped) return mapped[1] ?? remote;
  if (!remote.includes(':')) return remote;
  const [bare = ''] = remote.split('%');
  const [head = '', tail] = bare.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const all =
    tail === undefined ? left : [...left, ...Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0'), ...right];
  return `${all
    .slice(0, 4)
    .map((g) => Number.parseInt(g || '0', 16).toString(16))
    .join(':')}::/64`;
};
