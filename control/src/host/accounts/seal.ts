/**
 * Password hashes under a key that only root reads: `sealed1.<key>.<nonce, AES-256-GCM of the 16 bytes, tag>`. What is sealed may stand
 * in plans, in state.yaml and in the database; it is worth nothing without this machine's key.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { ok, type Result, refuse } from '../../domain/refusal.ts';
import { keyOf, type SealedPassword } from '../../domain/share-user/share-user.ts';
import type { Host } from '../host.ts';

/** In the executor's own folder, which survives a restart and an update. */
const KEY_FILE = '/var/lib/dplane-exec/accounts.key';
const PURPOSE = Buffer.from('dplaneos sharing password v1');

export type Sealer = { readonly key: string; seal(hash: Buffer): SealedPassword; open(sealed: SealedPassword): Result<Buffer> };

const sealerOf = (secret: Buffer): Sealer => {
  const key = createHash('sha256').update('dplaneos key id\0').update(secret).digest('hex').slice(0, 8);
  return {
    key,
    seal: (hash) => {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', secret, nonce).setAAD(PURPOSE);
      return `sealed1.${key}.${Buffer.concat([nonce, cipher.update(hash), cipher.final(), cipher.getAuthTag()]).toString('base64url')}`;
    },
    open: (sealed) => {
      const no = (why: string) => refuse('invalid', 'a sealed password', why, 'set a new password');
      if (keyOf(sealed) !== key) return no('it was sealed by another machine');
      const bytes = Buffer.from(sealed.slice('sealed1.00000000.'.length), 'base64url');
      try {
        const cipher = createDecipheriv('aes-256-gcm', secret, bytes.subarray(0, 12), { authTagLength: 16 }).setAAD(PURPOSE);
        cipher.setAuthTag(bytes.subarray(28));
        return ok(Buffer.concat([cipher.update(bytes.subarray(12, 28)), cipher.final()]));
      } catch {
        return no('it was changed, or does not belong to this machine');
      }
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
