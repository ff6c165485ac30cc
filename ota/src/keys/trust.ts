/**
 * Which keys may sign an update for this machine: those of the running image and those an admin enrolled, without those that
 * either revoked. Two may be valid at once: that is how a key is replaced.
 */
import { readdir } from 'node:fs/promises';
import { type Result, ok, refuse } from '../../../control/src/domain/refusal.ts';
import { KeyId, type TrustedKey } from '../../../control/src/domain/slot/slot.ts';
import { readOptional } from '../slots/files.ts';
import type { Places } from '../slots/places.ts';
import { type PublicKey, parsePublicKey } from './public.ts';

export type Trust = { keys: readonly (TrustedKey & { bytes: Uint8Array })[] };

const pemsIn = async (folder: string): Promise<string[]> => {
  try {
    return (await readdir(folder)).filter((name) => name.endsWith('.pem')).sort();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
};

/** A file that can't be read as a key is a refusal: which key it was can't be known, and a revocation may be among what is lost. */
const keysIn = async (folder: string): Promise<Result<PublicKey[]>> => {
  const keys: PublicKey[] = [];
  for (const name of await pemsIn(folder)) {
    const key = parsePublicKey((await readOptional(`${folder}/${name}`)) ?? '');
    if (!key.ok)
      return refuse('conflict', `reading the trusted key ${folder}/${name}`, key.refusal.why, 'Remove the file, or enroll the key again.');
    keys.push(key.value);
  }
  return ok(keys);
};

/** One id a line, then what anybody wants to say about it. */
export const parseRevoked = (text: string): Result<string[]> => {
  const ids: string[] = [];
  for (const line of text.split('\n').map((l) => l.trim())) {
    if (line === '' || line.startsWith('#')) continue;
    const id = KeyId.safeParse(line.split(/\s/)[0]);
    if (!id.success)
      return refuse('conflict', 'reading the revoked keys', `"${line.slice(0, 40)}" does not begin with a key id`, 'Put that line right.');
    ids.push(id.data);
  }
  return ok(ids);
};

export const readTrust = async (places: Places): Promise<Result<Trust>> => {
  const revoked = new Set<string>();
  for (const path of [places.imageRevoked, places.revoked]) {
    const ids = parseRevoked((await readOptional(path)) ?? '');
    if (!ids.ok) return ids;
    for (const id of ids.value) revoked.add(id);
  }
  const image = await keysIn(places.imageKeys);
  if (!image.ok) return image;
  const enrolled = await keysIn(places.keys);
  if (!enrolled.ok) return enrolled;
  const keys = new Map<string, TrustedKey & { bytes: Uint8Array }>();
  const add = (source: TrustedKey['source']) => (k: PublicKey) => {
    if (!keys.has(k.id)) keys.set(k.id, { ...k, source, revoked: revoked.has(k.id) });
  };
  image.value.forEach(add('image'));
  enrolled.value.forEach(add('enrolled'));
  return ok({ keys: [...keys.values()] });
};

/** Without the bytes, as everybody may see it. */
export const shown = (trust: Trust): TrustedKey[] =>
  trust.keys.map(({ id, comment, source, revoked }) => ({ id, comment, source, revoked }));
