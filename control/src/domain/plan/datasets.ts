/** Declared datasets against what is there: made, changed, or said why not. */
import type { DatasetKind, DatasetSpec, ObservedDataset } from '../dataset/dataset.ts';
import { cipherOf, isKeyFile, KEY_WORDS } from '../key/key.ts';
import { formatBytes, parentOf, parseSize, poolOf } from '../names.ts';
import { type Properties, type PropertyName, ruleOf } from '../property/property.ts';
import type { Moved } from './renames.ts';
import { bytesOf, isOwn, isSatisfied, settable, wholeBlocks } from './values.ts';
import type { Change } from './types.ts';
import { add, byText, type Gate, impossible, once, runnable, type World } from './world.ts';

type Wanted = Pick<DatasetSpec, 'name' | 'encryption'> & { kind: DatasetKind; properties: Properties };

/** What keeps everything below a name from being done. */
export const gateOf = (w: World, name: string): Gate | undefined => {
  const pool = w.gates.size === 0 ? undefined : w.gates.get(poolOf(name));
  if (pool || w.lost.size === 0) return pool;
  for (let up: string | null = name; up !== null; up = parentOf(up)) {
    const lost = w.lost.get(up);
    if (lost) return lost;
  }
  return undefined;
};

/** Datasets that are served, and all above them: what changes there, someone may notice. */
const servedOf = (w: World, moved: Moved): Set<string> => {
  const served = new Set<string>();
  for (const { spec } of w.observed.shares) {
    const seen = w.datasets().get(spec.dataset);
    for (let up: string | null = seen ? moved.nameOf(seen) : spec.dataset; up !== null && !served.has(up); up = parentOf(up))
      served.add(up);
  }
  return served;
};

const noticed = (name: PropertyName, to: string): boolean =>
  name === 'mountpoint' || (name === 'readonly' && to !== 'off') || (name === 'canmount' && to !== 'on');

const POOL_ACTIONS = ['pool.create', 'pool.set', 'BLOCKED pool'];

export const planDatasets = (w: World, moved: Moved): void => {
  const served = once(() => servedOf(w, moved));
  for (const pool of w.desired.pools) {
    const seen = w.gates.get(pool.name)?.readable === false ? undefined : w.roots.get(pool.name);
    const root = { name: pool.name, kind: 'filesystem', properties: pool.properties } as const;
    const same = seen === undefined || compare(w, moved, root, seen, served);
    if (same && !POOL_ACTIONS.some((a) => w.actions.has(`${a} ${pool.name}`))) w.nop += 1;
  }
  const made: DatasetSpec[] = [];
  for (const [i, spec] of w.desired.datasets.entries()) {
    const gate = gateOf(w, spec.name);
    const seen = moved.any ? moved.at().get(spec.name) : w.standing[i];
    if (gate?.readable === false) {
      if (!w.lost.has(spec.name)) blockBelow(w, spec.name, gate);
    } else if (seen) {
      const carrier = moved.carrierOf(seen);
      if (carrier !== undefined && !w.makes.has(spec.name)) w.makes.set(spec.name, carrier);
      if (compare(w, moved, spec, seen, served)) w.nop += 1;
    } else if (gate) blockBelow(w, spec.name, gate);
    else made.push(spec);
  }
  for (const spec of made) w.makes.set(spec.name, create(w, spec));
  // parents are known only now
  for (const spec of made) {
    const action = w.actions.get(`dataset.create ${spec.name}`);
    const above = w.makes.get(parentOf(spec.name) ?? '');
    const freed = moved.leaves(spec.name);
    if (above !== undefined) action?.after.push(above);
    if (freed !== undefined) action?.after.push(freed);
  }
  for (const action of w.actions.values()) {
    if (action.operation?.kind !== 'dataset.rename') continue;
    const above = w.makes.get(parentOf(action.operation.to) ?? '');
    if (above !== undefined) action.after.push(above);
  }
};

export const whyOf = (gate: Gate): string =>
  gate.id === null ? gate.why : `it can only follow "${gate.id}", which can't be done: ${gate.why}`;

const blockBelow = (w: World, name: string, gate: Gate): void => {
  const id = add(
    w,
    impossible({ noun: 'dataset', name, reason: 'it is declared', why: whyOf(gate), after: gate.id === null ? [] : [gate.id] }),
  );
  w.makes.set(name, id);
};

const create = (w: World, spec: DatasetSpec): string => {
  const properties = settable(spec.properties);
  const remembered = spec.guid ?? w.identities.get(`dataset ${spec.name}`);
  const { encryption } = spec;
  const passphrase = w.secrets.get(spec.name) ?? null;
  if (encryption && (encryption.key === 'passphrase') !== (passphrase !== null))
    return add(
      w,
      impossible({
        noun: 'dataset',
        name: spec.name,
        reason: 'it is declared, encrypted',
        why: isKeyFile(encryption.key)
          ? 'its key file is made here: no passphrase is taken for it'
          : `its passphrase is in no file: make it by hand, with dplane dataset create ${spec.name} --encrypt passphrase`,
      }),
    );
  const made = encryption && { ...encryption, passphrase };
  return add(
    w,
    runnable({
      verb: 'CREATE',
      noun: 'dataset',
      name: spec.name,
      risk: 'safe',
      reason:
        remembered === undefined
          ? w.words.missing
          : `the dataset with guid ${remembered} is no longer on the host: a new, empty one is made`,
      operation: { kind: 'dataset.create', name: spec.name, type: spec.kind, properties, ...(made && { encryption: made }) },
      changes: [
        ...Object.entries(properties).map(([property, to]) => ({ property, from: null, to })),
        ...(encryption
          ? [
              { property: 'encryption', from: null, to: cipherOf(encryption.algorithm) },
              { property: 'key', from: null, to: KEY_WORDS[encryption.key] },
            ]
          : []),
      ],
    }),
  );
};

/** True when there is nothing to do. */
const compare = (w: World, moved: Moved, spec: Wanted, seen: ObservedDataset, served: () => ReadonlySet<string>): boolean => {
  const { name } = spec;
  if (spec.kind !== seen.kind) {
    const why = `a ${seen.kind} can't be turned into a ${spec.kind}`;
    w.makes.set(name, add(w, impossible({ noun: 'dataset', name, reason: `it is a ${seen.kind} and is declared as a ${spec.kind}`, why })));
    return false;
  }
  const fixed = spec.encryption === undefined ? null : whyNotAsEncrypted(spec.name, spec.encryption, seen);
  if (fixed !== null) {
    add(w, impossible({ noun: 'dataset', name, reason: `its encryption ${w.words.differs}`, why: fixed }));
    return false;
  }
  let differing: PropertyName[] | undefined;
  // the keys of Properties are PropertyNames; Object.keys forgets it
  for (const property of Object.keys(spec.properties) as PropertyName[]) {
    const declared = spec.properties[property];
    if (declared !== undefined && !isSatisfied(property, declared, seen.properties)) {
      differing ??= [];
      differing.push(property);
    }
  }
  if (!differing) return true;
  differing.sort(byText);

  const set: Properties = {};
  const inherit: PropertyName[] = [];
  const changes: Change[] = [];
  const never: Change[] = [];
  const whys: string[] = [];
  let shrinks: string | null = null;
  let disturbs = false;
  for (const property of differing) {
    const to = spec.properties[property] as string; // it differs, so it is declared
    const before = seen.properties[property];
    const change: Change = { property, from: before?.value ?? null, to };
    const why = whyNever(property, to, seen);
    if (why !== null) {
      never.push(change);
      whys.push(why);
      continue;
    }
    if (before && !isOwn(before) && before.value === to) change.from = `${to} (${before.source})`;
    changes.push(change);
    disturbs ||= noticed(property, to) && served().has(name);
    if (to === 'inherit') inherit.push(property);
    else set[property] = property === 'volsize' ? wholeBlocks(to, seen.properties) : to;
    if (property === 'volsize' && parseSize(to) < bytesOf(before?.value))
      shrinks = `the volume would shrink from ${formatBytes(bytesOf(before?.value))} to ${formatBytes(parseSize(to))}: what lies beyond is lost`;
  }
  if (never.length > 0)
    add(w, impossible({ noun: 'dataset', name, reason: `a property ${w.words.differs}`, why: whys.join('; '), changes: never }));
  if (changes.length === 0) return false;
  const gate = w.gates.get(poolOf(name));
  const carrier = moved.carrierOf(seen);
  const base = {
    noun: 'dataset',
    name,
    reason: `a property ${w.words.differs}`,
    changes,
    after: carrier === undefined ? [] : [carrier],
  } as const;
  const operation = { kind: 'dataset.set', name, guid: seen.guid, set, inherit } as const;
  if (gate) add(w, impossible({ ...base, after: [], id: `dataset.set ${name}`, why: gate.why }));
  else if (shrinks !== null)
    add(
      w,
      runnable({
        ...base,
        after: [...base.after],
        operation,
        verb: 'BLOCKED',
        risk: 'destructive',
        approval: 'required',
        blocked: shrinks,
      }),
    );
  else add(w, runnable({ ...base, after: [...base.after], operation, verb: 'MODIFY', risk: disturbs ? 'disruptive' : 'safe' }));
  return false;
};

/** Null when it is encrypted as declared. Nothing encrypts, or decrypts, what is there: only the kind of key can become another, and not from a file. */
const whyNotAsEncrypted = (name: string, wanted: NonNullable<DatasetSpec['encryption']>, seen: ObservedDataset): string | null => {
  const fixed = 'encryption is chosen when a dataset is made: make a new one and copy the data';
  if (seen.encryption === 'off') return `it is not encrypted, and can't become so; ${fixed}`;
  if (seen.encryption !== cipherOf(wanted.algorithm)) return `it is encrypted with ${seen.encryption}; ${fixed}`;
  if (seen.encryptionRoot !== undefined && seen.encryptionRoot !== seen.name)
    return `it takes its key from ${seen.encryptionRoot}: dplane dataset change-key ${name} gives it one of its own`;
  if (seen.keyKind !== undefined && seen.keyKind !== wanted.key)
    return `its key is ${KEY_WORDS[seen.keyKind ?? 'other']} (${seen.keyKind}): dplane dataset change-key ${name} makes it another`;
  return null;
};

/** Why no change can bring this value about. */
const whyNever = (property: PropertyName, to: string, seen: ObservedDataset): string | null => {
  if (ruleOf(property).fixed === true)
    return `${property} is fixed when the dataset is made (it is ${seen.properties[property]?.value ?? 'not known'})`;
  const used = property === 'quota' ? seen.used : property === 'refquota' ? seen.referenced : null;
  if (used !== null && bytesOf(to) > 0 && bytesOf(to) < used)
    return `a ${property} of ${formatBytes(bytesOf(to))} is below the ${formatBytes(used)} in use`;
  return null;
};
