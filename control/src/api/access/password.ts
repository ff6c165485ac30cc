/**
 * argon2id with OWASP's parameters (19 MiB, 2 passes, 1 lane), by Node's own OpenSSL. At most two at a time, and a short queue:
 * a flood of logins can't take the memory of a small board.
 */
import { argon2, timingSafeEqual } from 'node:crypto';
import type { Random } from '../context.ts';
import { refusal } from '../errors.ts';

const MEMORY_KIB = 19_456;
const PASSES = 2;
const LANES = 1;
const TAG = 32;
const AT_ONCE = 2;
const WAITING = 32;

export type Passwords = {
  hash(password: string): Promise<string>;
  /** `hash` null (nobody of that name) takes as long as a wrong password does. */
  verify(password: string, hash: string | null): Promise<boolean>;
};

const B64 = (b: Buffer): string => b.toString('base64').replace(/=+$/, '');

type Parsed = { memory: number; passes: number; lanes: number; salt: Buffer; tag: Buffer };
const parse = (hash: string): Parsed | null => {
  const m = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d)\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/.exec(hash);
  if (!m) return null;
  const [, memory, passes, lanes, salt, tag] = m;
  return {
    memory: Number(memory),
    passes: Number(passes),
    lanes: Number(lanes),
    salt: Buffer.from(salt ?? '', 'base64'),
    tag: Buffer.from(tag ?? '', 'base64'),
  };
};

const derive = (password: string, p: Omit<Parsed, 'tag'>, tagLength: number): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    argon2(
      'argon2id',
      { message: password.normalize('NFC'), nonce: p.salt, parallelism: p.lanes, tagLength, memory: p.memory, passes: p.passes },
      (error, key) => (error ? reject(error) : resolve(key)),
    );
  });

export const createPasswords = (random: Random): Passwords => {
  let running = 0;
  const queue: (() => void)[] = [];
  const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
    if (running >= AT_ONCE) {
      if (queue.length >= WAITING)
        throw refusal('busy', 'Not now', 'too many passwords are being checked at the same moment', 'Try again in a few seconds.');
      await new Promise<void>((go) => queue.push(go));
    } else running += 1;
    try {
      return await work();
    } finally {
      const next = queue.shift();
      if (next) next();
      else running -= 1;
    }
  };
  const nobody: Parsed = { memory: MEMORY_KIB, passes: PASSES, lanes: LANES, salt: random(16), tag: random(TAG) };
  return {
    hash: (password) =>
      inTurn(async () => {
        const salt = random(16);
        const key = await derive(password, { memory: MEMORY_KIB, passes: PASSES, lanes: LANES, salt }, TAG);
        return `$argon2id$v=19$m=${MEMORY_KIB},t=${PASSES},p=${LANES}$${B64(salt)}$${B64(key)}`;
      }),
    verify: (password, hash) =>
      inTurn(async () => {
        const known = hash === null ? nobody : (parse(hash) ?? nobody);
        const key = await derive(password, known, known.tag.length);
        return timingSafeEqual(key, known.tag) && known !== nobody;
      }),
  };
};
