/**
 * Passphrases of datasets between the moment they are typed and the moment they are used. Unlike those of sharing users they have to open
 * something, so what seals them must not lie beside it: the key is in the memory of the machine (/run) and gone with the power, and a sealed text is
 * good for an hour. It says what it may be used for: to open one dataset, on which it was tried, or to become the key of a new one.
 */
import { randomBytes } from 'node:crypto';
import type { SealedKey } from '../../domain/key/key.ts';
import { ok, refuse, type Result } from '../../domain/refusal.ts';
import type { Host } from '../host.ts';
import { sealWith } from '../seal.ts';

const KEY_FILE = '/run/dplane/passphrases.key';
const LIFE_S = 3600;

export type KeySealer = {
  /** `guid` null: for something new. */
  seal(secret: string, guid: string | null, now: number): SealedKey;
  open(sealed: SealedKey, guid: string | null, now: number): Result<string>;
};

/** Two at once must not make two keys. */
const opening = new WeakMap<Host, Promise<KeySealer>>();
export const openKeySealer = (host: Host): Promise<KeySealer> => {
  const sealer = opening.get(host) ?? open(host);
  opening.set(host, sealer);
  sealer.catch(() => opening.delete(host));
  return sealer;
};

const open = async (host: Host): Promise<KeySealer> => {
  let key = Buffer.from((await host.readText(KEY_FILE)) ?? '', 'hex');
  if (key.length !== 32) {
    key = randomBytes(32);
    await host.writeText(KEY_FILE, key.toString('hex'), 0o600);
  }
  const { id, ...sealed } = sealWith(key);
  const purpose = (guid: string | null, time: string): string => `dplaneos dataset key v1 ${guid ?? 'new'} ${time}`;
  return {
    seal: (secret, guid, now) => {
      const time = Math.trunc(now / 1000).toString(36);
      return `sealed-key1.${id}.${time}.${sealed.seal(Buffer.from(secret), purpose(guid, time))}`;
    },
    open: (text, guid, now) => {
      const [, by, time = '', bytes = ''] = text.split('.');
      const no = (why: string) => refuse('stale', 'the passphrase', why, 'type it again');
      if (by !== id) return no('it was typed before the last start of this machine, or at another one');
      const age = Math.trunc(now / 1000) - Number.parseInt(time, 36);
      if (age > LIFE_S || age < -60) return no('it was typed more than an hour ago');
      const secret = sealed.open(bytes, purpose(guid, time));
      return secret === null ? no('it was typed for another dataset') : ok(secret.toString());
    },
  };
};
