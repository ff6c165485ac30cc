/** Whose signatures this machine accepts, changed by root at the machine: never through the network, because a key is as good as root. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Result, ok, refuse } from '../../../control/src/domain/refusal.ts';
import { KeyId, type UpdateEvent } from '../../../control/src/domain/slot/slot.ts';
import { appendLine, readOptional, replaceFile } from '../slots/files.ts';
import { appendHistory } from '../slots/history.ts';
import type { Places } from '../slots/places.ts';
import { parsePublicKey, renderPublicKey } from './public.ts';
import { parseRevoked, readTrust } from './trust.ts';

const tell = (places: Places, at: number, kind: UpdateEvent['kind'], reason: string): Promise<void> =>
  appendHistory(places, { at, kind, slot: null, system: null, bootId: null, reason });

export const enrollKey = async (
  places: Places,
  file: string,
  at: number,
): Promise<Result<{ id: string; comment: string; already: boolean }>> => {
  const what = `enrolling ${file}`;
  const text = await readFile(file, 'utf8').catch((error: unknown) => String(error));
  if (text.startsWith('Error')) return refuse('not-found', what, text, 'Give the path of a public key (.pem).');
  if (text.includes('signing key') && text.includes('"box"'))
    return refuse(
      'invalid',
      what,
      'this is the private half of a key',
      'Enroll the public half, the .pem beside it; the private one belongs on no NAS.',
    );
  const key = parsePublicKey(text);
  if (!key.ok) return refuse('invalid', what, key.refusal.why, key.refusal.todo);
  const trust = await readTrust(places);
  if (!trust.ok) return trust;
  const { id, comment, bytes } = key.value;
  const there = trust.value.keys.find((k) => k.id === id);
  const revoked = [...(parsedIds(await readOptional(places.revoked)) ?? []), ...(parsedIds(await readOptional(places.imageRevoked)) ?? [])];
  if (revoked.includes(id)) return refuse('blocked', what, `the key ${id} was revoked`, 'A revoked key never comes back: make a new one.');
  if (there !== undefined) return ok({ id, comment: there.comment, already: true });
  await replaceFile(join(places.keys, `${id}.pem`), renderPublicKey(bytes, comment));
  await tell(places, at, 'key-enrolled', `${id} ${comment}`.trim());
  return ok({ id, comment, already: false });
};

const parsedIds = (text: string | null): string[] | null => {
  const ids = parseRevoked(text ?? '');
  return ids.ok ? ids.value : null;
};

export const revokeKey = async (
  places: Places,
  id: string,
  at: number,
  force: boolean,
): Promise<Result<{ id: string; already: boolean; left: number }>> => {
  const what = `revoking ${id.slice(0, 40)}`;
  if (!KeyId.safeParse(id).success)
    return refuse('invalid', what, 'that is not a key id: 16 hex digits', 'The ids of all trusted keys: dplane-ota status');
  const trust = await readTrust(places);
  if (!trust.ok) return trust;
  const key = trust.value.keys.find((k) => k.id === id);
  const left = trust.value.keys.filter((k) => !k.revoked && k.id !== id).length;
  if (key?.revoked) return ok({ id, already: true, left });
  if (key !== undefined && left === 0 && !force)
    return refuse(
      'needs-approval',
      what,
      'it is the last key this machine trusts: no update could be installed any more',
      'Enroll its successor first, or repeat with --force.',
    );
  await appendLine(places.revoked, id);
  await tell(places, at, 'key-revoked', `${id} ${key?.comment ?? ''}`.trim());
  return ok({ id, already: false, left });
};
