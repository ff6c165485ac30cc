/** Clones for a while as deeds: made with a share and an end, extended, kept, ended. */
import { z } from 'zod';
import { DatasetName, Guid, SnapshotTag } from '../names.ts';
import { type Refusal, refuse } from '../refusal.ts';
import { shareKey, ShareSpec } from '../share/share.ts';
import { CloneHours, type TemporaryClone } from '../snapshot/clone.ts';
import type { Observed } from '../observed/observed.ts';
import type { ObservedDataset } from '../dataset/dataset.ts';
import type { Action } from './types.ts';
import { runnable } from './world.ts';

export const CLONE_CHANGES = [
  z.strictObject({
    kind: z.literal('clone.make'),
    dataset: DatasetName,
    tag: SnapshotTag,
    guid: Guid,
    to: DatasetName,
    hours: CloneHours,
    /** Of the clone: it is read-only unless that is said otherwise. */
    share: ShareSpec.nullable().default(null),
  }),
  z.strictObject({ kind: z.literal('clone.extend'), clone: DatasetName, hours: CloneHours }),
  /** It stays; promoted, it no longer depends on what it was made from. */
  z.strictObject({ kind: z.literal('clone.keep'), clone: DatasetName, promote: z.boolean().default(true) }),
  /** Now instead of at its end, and by the same rules. */
  z.strictObject({ kind: z.literal('clone.end'), clone: DatasetName }),
] as const;
const CloneChange = z.discriminatedUnion('kind', CLONE_CHANGES);
export type CloneChange = z.infer<typeof CloneChange>;
export const isCloneChange = (c: { kind: string }): c is CloneChange => c.kind.startsWith('clone.');

/** Guids of those that are there for a while: no part of what is declared. */
export const temporaryOf = (o: Pick<Observed, 'clones' | 'datasets'>): ReadonlySet<string> => {
  if (o.clones === undefined || o.clones.length === 0) return new Set();
  const guids = new Set(o.clones.flatMap((c) => c.guid ?? []));
  const waited = new Map(o.clones.filter((c) => c.guid === null).map((c) => [c.name, `${c.snapshot.dataset}@${c.snapshot.tag}`]));
  return new Set(o.datasets.filter((d) => guids.has(d.guid) || (d.origin !== null && waited.get(d.name) === d.origin)).map((d) => d.name));
};

export const hoursInWords = (hours: number): string =>
  hours % 24 === 0 ? `${hours / 24} ${hours === 24 ? 'day' : 'days'}` : `${hours} ${hours === 1 ? 'hour' : 'hours'}`;

export const makeClone = (c: Extract<CloneChange, { kind: 'clone.make' }>): Action[] => {
  const { dataset, tag, guid, to, hours, share } = c;
  const watch = `clone.watch ${to}`;
  const made = `snapshot.clone ${to}`;
  return [
    runnable({
      id: watch,
      verb: 'MODIFY',
      noun: 'dataset',
      name: to,
      risk: 'safe',
      reason: `its end is written down: ${hoursInWords(hours)} after it is made it goes by itself, with its share, if nothing was written to it`,
      changes: [{ property: 'ends after', from: null, to: hoursInWords(hours) }],
      operation: { kind: 'clone.watch', clone: to, dataset, tag, guid, hours, share: share && { kind: share.kind, name: share.name } },
    }),
    runnable({
      id: made,
      verb: 'CREATE',
      noun: 'dataset',
      name: to,
      risk: 'safe',
      reason: `it begins as ${dataset}@${tag} was, and takes space only for what changes; while it is there the snapshot cannot be destroyed`,
      after: [watch],
      operation: { kind: 'snapshot.clone', dataset, tag, guid, to, temporary: true },
    }),
    ...(share === null
      ? []
      : [
          runnable({
            id: `share.put ${shareKey(share)}`,
            verb: 'CREATE',
            noun: 'share',
            name: `${share.kind}:${share.name}`,
            risk: 'safe',
            reason: 'it serves the clone, and ends with it',
            after: [made],
            operation: { kind: 'share.put', share },
          }),
        ]),
  ];
};

/** The record and the dataset that it is about, or why there is none. */
export const recorded = (o: Observed, name: string): { clone: TemporaryClone; dataset: ObservedDataset } | Refusal => {
  const clone = o.clones?.find((c) => c.name === name);
  if (!clone) return refuse('not-found', `clone ${name}`, 'nothing of this name was made for a while', 'see `dplane clone list`').refusal;
  const dataset = o.datasets.find((d) => d.guid === clone.guid);
  return dataset ? { clone, dataset } : refuse('not-found', `clone ${name}`, 'it is not there', 'look at the list of datasets').refusal;
};

export const extendClone = (clone: string, hours: number): Action =>
  runnable({
    id: `clone.extend ${clone}`,
    verb: 'MODIFY',
    noun: 'dataset',
    name: clone,
    risk: 'safe',
    reason: `it ends ${hoursInWords(hours)} from now`,
    changes: [{ property: 'ends after', from: null, to: hoursInWords(hours) }],
    operation: { kind: 'clone.extend', clone, hours },
  });

export const keepClone = (clone: TemporaryClone, { name, guid, origin }: ObservedDataset, promote: boolean): Action[] => {
  const kept = runnable({
    id: `clone.keep ${name}`,
    verb: 'MODIFY',
    noun: 'dataset',
    name,
    risk: 'safe',
    reason: 'it has no end any more, and neither has its share',
    changes: [{ property: 'ends', from: 'by itself', to: 'never' }],
    operation: { kind: 'clone.keep', clone: clone.name, name, guid },
  });
  if (!promote || origin === null) return [kept];
  const promoted = runnable({
    verb: 'MODIFY',
    noun: 'dataset',
    name,
    risk: 'disruptive',
    reason: `it no longer depends on ${origin}: the snapshots up to there become its own, and ${origin.split('@')[0]} becomes its clone`,
    changes: [{ property: 'origin', from: origin, to: null }],
    after: [kept.id],
    operation: { kind: 'dataset.promote', name, guid },
  });
  return [kept, promoted];
};

export const endClone = (clone: TemporaryClone, { name, guid }: ObservedDataset): Action =>
  runnable({
    id: `clone.expire ${name}`,
    verb: 'DELETE',
    noun: 'dataset',
    name,
    risk: 'disruptive',
    reason: `it goes if nothing was written to it since it was made; the executor proves that before it destroys it`,
    after: clone.share === null ? [] : [`share.remove ${shareKey(clone.share)}`],
    operation: { kind: 'clone.expire', clone: clone.name, name, guid, snapshot: clone.snapshot.guid },
  });
