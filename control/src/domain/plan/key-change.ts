/** Unlocking, locking and changing keys as deeds: what is asked for, against what is there. */
import { z } from 'zod';
import type { ObservedDataset } from '../dataset/dataset.ts';
import { isKeyFile, KEY_WORDS, KeyKind, SealedKey } from '../key/key.ts';
import { DatasetName, isWithin } from '../names.ts';
import type { Observed } from '../observed/observed.ts';
import { ok, type Refusal, refuse, type Result } from '../refusal.ts';
import { describeClients } from './shares.ts';
import type { Action } from './types.ts';
import { runnable } from './world.ts';

export const KEY_CHANGES = [
  /** `secret`: the passphrase, or what is in the copy of a key file, sealed for this dataset. Left out: from its key file. */
  z.strictObject({ kind: z.literal('dataset.unlock'), name: DatasetName, secret: SealedKey.nullable().default(null) }),
  z.strictObject({ kind: z.literal('dataset.lock'), name: DatasetName }),
  z.strictObject({
    kind: z.literal('dataset.changeKey'),
    name: DatasetName,
    key: KeyKind,
    /** Sealed for something new; of a passphrase only. */
    passphrase: SealedKey.nullable().default(null),
  }),
] as const;
const KeyChange = z.discriminatedUnion('kind', KEY_CHANGES);
export type KeyChange = z.infer<typeof KeyChange>;
export const isKeyChange = (c: { kind: string }): c is KeyChange => /^dataset\.(?:unlock|lock|changeKey)$/.test(c.kind);

/** The encryption root of this name, or why there is none. */
export const rootOf = (datasets: readonly ObservedDataset[], name: string): Result<ObservedDataset> => {
  const what = `dataset ${name}`;
  const seen = datasets.find((d) => d.name === name);
  if (!seen) return refuse('not-found', what, 'there is nothing of this name', 'look at the list of datasets; names are case-sensitive');
  if (seen.encryption === 'off') return refuse('invalid', what, 'it is not encrypted', 'encryption is chosen when a dataset is made');
  if (seen.encryptionRoot !== name)
    return refuse('invalid', what, `it takes its key from ${seen.encryptionRoot ?? 'another dataset'}`, `ask for ${seen.encryptionRoot}`);
  return ok(seen);
};

/** Shares that are in use on a dataset or below it; null when nobody is connected. */
export const usersOf = (o: Observed, name: string): Refusal | null => {
  const used = o.shares.filter((s) => isWithin(s.spec.dataset, name) && s.clients.length > 0);
  if (used.length === 0) return null;
  return refuse(
    'busy',
    `locking ${name}`,
    used.map((s) => `share ${s.spec.name}: ${describeClients(s.clients)}`).join('; '),
    'wait until they are gone, or remove the shares first',
  ).refusal;
};

export const planKeys = (o: Observed, c: KeyChange): Result<Action[]> => {
  const root = rootOf(o.datasets, c.name);
  if (!root.ok) return root;
  const { guid, keyStatus, keyKind } = root.value;
  const kind = keyKind ?? 'other';
  const base = { verb: 'MODIFY', noun: 'dataset', name: c.name } as const;
  const below = o.datasets.filter((d) => d.encryptionRoot === c.name && d.name !== c.name).length;
  const with_ = below === 0 ? '' : `, with ${below} ${below === 1 ? 'dataset' : 'datasets'} below it`;
  switch (c.kind) {
    case 'dataset.unlock':
      if (keyStatus === 'available') return ok([]);
      if (c.secret === null && kind === 'passphrase')
        return refuse('invalid', `unlocking ${c.name}`, 'its passphrase was not given', 'type its passphrase');
      return ok([
        runnable({
          ...base,
          risk: 'safe',
          reason: `its key is loaded${c.secret === null ? ' from its file' : ''}; it is mounted${with_}, and its shares are served again`,
          changes: [{ property: 'key', from: 'not loaded', to: 'loaded' }],
          operation: { kind: c.kind, name: c.name, guid, secret: c.secret },
        }),
      ]);
    case 'dataset.lock': {
      if (keyStatus !== 'available') return ok([]);
      const users = usersOf(o, c.name);
      if (users) return { ok: false, refusal: users };
      const shares = o.shares.filter((s) => isWithin(s.spec.dataset, c.name)).map((s) => `${s.spec.kind}:${s.spec.name}`);
      return ok([
        runnable({
          ...base,
          risk: 'disruptive',
          reason: `it is unmounted${with_}, and its key leaves the memory${shares.length === 0 ? '' : `; not served until it is unlocked: ${shares.join(', ')}`}`,
          changes: [{ property: 'key', from: 'loaded', to: 'not loaded' }],
          operation: { kind: c.kind, name: c.name, guid },
        }),
      ]);
    }
    case 'dataset.changeKey':
      if (keyStatus !== 'available')
        return refuse('conflict', `the key of ${c.name}`, 'it is locked, and who changes a key has to have it', 'unlock it first');
      if ((c.key === 'passphrase') !== (c.passphrase !== null))
        return refuse(
          'invalid',
          `the key of ${c.name}`,
          c.key === 'passphrase' ? 'the new passphrase was not given' : 'a key file is made here, it is not given',
          c.key === 'passphrase' ? 'type the new passphrase' : 'leave the passphrase out',
        );
      return ok([
        runnable({
          ...base,
          risk: 'disruptive',
          reason: isKeyFile(c.key)
            ? 'a new key file is made; whoever loses it loses the data: keep a copy elsewhere'
            : 'from now on it opens with the new passphrase alone; whoever forgets it loses the data',
          changes: [{ property: 'key', from: KEY_WORDS[kind], to: KEY_WORDS[c.key] }],
          operation: { kind: c.kind, name: c.name, guid, key: c.key, passphrase: c.passphrase },
        }),
      ]);
  }
};
