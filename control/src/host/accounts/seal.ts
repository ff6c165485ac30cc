/**
 * Password hashes under a key that only root reads: `sealed1.<key>.<nonce, AES-256-GCM of the 16 bytes, tag>`. What is sealed may stand
 * in plans, in state.yaml and in the database; it is worth nothing without this machine's key.
 */
import { randomBytes } from 'node:crypto';
import { ok, type Result, refuse } from '../../domain/refusal.ts';
import { keyOf, type SealedPassword } from '../../domain/share-user/share-user.ts';
import type { Host } from '../host.ts';
import { sealWith } from '../seal.ts';

/** In the executor's own folder, which survives a restart and an update. */
const KEY_FILE = '/var/lib/dplane-exec/accounts.key';
const PURPOSE = 'dplaneos sharing password v1';

export type Sealer = { readonly key: string; seal(hash: Buffer): SealedPassword; open(sealed: SealedPassword): Result<Buffer> };

const sealerOf = (secret: Buffer): Sealer => {
  const { id: key, seal, open } = sealWith(secret);
  return {
    key,
    seal: (hash) => `sealed1.${key}.${seal(hash, PURPOSE)}`,
    open: (sealed) => {
      const no = (why: string) => refuse('invalid', 'a sealed password', why, 'set a new password');
      if (keyOf(sealed) !== key) return no('it was sealed by another machine');
      const hash = open(sealed.slice('sealed1.00000000.'.length), PURPOSE);
      return hash === null ? no('it was changed, or does not belong to this machine') : ok(hash);
    },
  };
};

/** Null as long as there is no key. A key that can't be read is a refusal: another one would make every sealed password worthless. */
const readKey = async (host: Host): Promise<Result<Sealer | null>> => {
  const text = await host.readText(KEY_FILE);
  if (text === null) return ok(null);
  const secret = Buffer.from(text.trim(), 'hex');
  return secret.length === 32
    ? ok(sealerOf(secret))
    : refuse(
        'unavailable',
        'the key of sealed passwords',
        `${KEY_FILE} is damaged`,
        'bring it back from a copy; or move it away, and set every password anew',
      );
};

/** With the key of this machine, made when it is first needed. */
export const openSealer = async (host: Host): Promise<Result<Sealer>> => {
  const there = await readKey(host);
  if (!there.ok) return there;
  if (there.value !== null) return ok(there.value);
  const secret = randomBytes(32);
  await host.writeText(KEY_FILE, `${secret.toString('hex')}\n`, 0o600);
  return ok(sealerOf(secret));
};
