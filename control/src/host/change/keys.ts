/**
 * Keys of encrypted datasets: loaded, taken away, changed, read for a copy. A passphrase comes sealed and goes to zfs on its standard input, never in an
 * argv. A key file is made here and lies where only root reads; it is on the disk, and proved to open the dataset, before anything is reported. None is
 * ever removed after it was one: a replica, an exported pool or a checkpoint may need it.
 */
import { randomBytes } from 'node:crypto';
import { isKeyFile, KEY_FOLDER, keyFileOf, type KeyKind, keyPath, kindOfKey, NewPassphrase, type SealedKey } from '../../domain/key/key.ts';
import type { CreateEncryption, KeyOperation } from '../../domain/key/operation.ts';
import { isWithin, poolOf } from '../../domain/names.ts';
import { ok, refuse, type Result } from '../../domain/refusal.ts';
import type { Host } from '../host.ts';
import { openKeySealer } from '../keys/seal.ts';
import { some } from './destroy.ts';
import { type ChangeContext, type Changed, change, identify, read, rows, type SeenProperties, shown, unverified } from './host.ts';
import { mountables, mountAll, type Mountable } from './mounting.ts';
import { refreshShares } from './gate.ts';
import { usersOfShares } from './sessions.ts';

type Op<K extends KeyOperation['kind']> = Extract<KeyOperation, { kind: K }>;
const KEY_PROPERTIES = ['encryption', 'encryptionroot', 'keystatus', 'keyformat', 'keylocation'];
/** For the key that is only tried: the service's own folder, in memory. */
const TRIED = '/run/dplane-exec';

const kindOf = (seen: SeenProperties): KeyKind | 'other' => kindOfKey(shown(seen, 'keyformat'), shown(seen, 'keylocation'));

const identifyRoot = async (host: Host, what: string, op: { name: string; guid: string }): Promise<Result<SeenProperties>> => {
  const seen = await identify(host, op.name, op.guid, KEY_PROPERTIES);
  if (!seen.ok) return seen;
  const root = shown(seen.value, 'encryptionroot');
  if (shown(seen.value, 'encryption') === 'off') return refuse('invalid', what, 'it is not encrypted', 'choose one that is');
  return root === op.name ? seen : refuse('invalid', what, `it takes its key from ${root}`, `ask for ${root}`);
};

/** Words of ZFS about keys that people meet. */
const told = <T>(what: string, done: Result<T>): Result<T> => {
  if (done.ok) return done;
  const { why } = done.refusal;
  if (
    /Incorrect key provided|Passphrase too (?:short|long)|Raw key too|Hex key too|Invalid hex|key material/i.test(why) &&
    !/open/i.test(why)
  )
    return refuse('invalid', what, 'this is not its key', 'type it again; upper and lower case count');
  if (/No such file|Failed to open|does not exist/i.test(why) && /key/i.test(why))
    return refuse('not-found', what, 'its key file is not on this machine', 'give the copy that was kept of it');
  return { ok: false, refusal: { ...done.refusal, what } };
};

const bytesOf = (hex: string, kind: 'hex-file' | 'raw-file'): string | Buffer =>
  kind === 'hex-file' ? `${hex}\n` : Buffer.from(hex, 'hex');
const isHexKey = (text: string): boolean => /^[0-9a-fA-F]{64}$/.test(text);
const notHex = (what: string) =>
  refuse('invalid', what, 'it opens with a key file, and this is not what such a file holds', 'give the 64 letters of the copy');

const unlink = (host: Host, path: string): Promise<Result<string>> => change(host, ['unlink', path]);

/** Whether the key that it says it has opens it: also when it is loaded already. */
const opensWithItsFile = async (host: Host, name: string): Promise<Result<unknown>> => change(host, ['zfs', 'load-key', '-n', name]);

export type WithKey = {
  options: string[];
  input?: string;
  undo: () => Promise<unknown>;
  verify: (name: string) => Promise<Result<unknown>>;
};
/** What zfs takes to give a dataset a key of this kind. */
export const withKey = async ({ host, clock, id }: ChangeContext, key: KeyKind, passphrase: SealedKey | null): Promise<Result<WithKey>> => {
  if (isKeyFile(key)) {
    const path = keyPath(id);
    await host.writeText(path, bytesOf(randomBytes(32).toString('hex'), key), 0o600);
    const format = key === 'hex-file' ? 'hex' : 'raw';
    return ok({
      options: ['-o', `keyformat=${format}`, '-o', `keylocation=file://${path}`],
      undo: () => unlink(host, path),
      verify: (name) => opensWithItsFile(host, name),
    });
  }
  if (passphrase === null) return refuse('invalid', 'the passphrase', 'it was not given', 'type it');
  const secret = (await openKeySealer(host)).open(passphrase, null, clock());
  if (!secret.ok) return secret;
  const input = `${secret.value}\n`;
  return ok({
    options: ['-o', 'keyformat=passphrase', '-o', 'keylocation=prompt'],
    input,
    undo: () => Promise.resolve(),
    verify: async (name) => change(host, ['zfs', 'load-key', '-n', name], undefined, input),
  });
};

export const encryptionOptions = async (context: ChangeContext, e: CreateEncryption): Promise<Result<WithKey>> => {
  const key = await withKey(context, e.key, e.passphrase);
  return key.ok ? ok({ ...key.value, options: ['-o', `encryption=${e.algorithm}`, ...key.value.options] }) : key;
};

/** What a root keeps locked: all below it, and clones elsewhere that have its key. Parents first. */
const keptBy = async (host: Host, name: string): Promise<Result<Mountable[]>> => {
  const all = await mountables(host, poolOf(name));
  return all.ok ? ok(all.value.filter((d) => d.root === name || isWithin(d.name, name))) : all;
};

const loadWith = async (
  { host, clock, id }: ChangeContext,
  op: Op<'dataset.unlock'>,
  kind: KeyKind | 'other',
  secret: SealedKey,
): Promise<Result<unknown>> => {
  const what = `unlocking ${op.name}`;
  const opened = (await openKeySealer(host)).open(secret, op.guid, clock());
  if (!opened.ok) return opened;
  if (kind === 'passphrase') return told(what, await change(host, ['zfs', 'load-key', op.name], undefined, `${opened.value}\n`));
  if (!isKeyFile(kind)) return told(what, await change(host, ['zfs', 'load-key', '-L', 'prompt', op.name], undefined, `${opened.value}\n`));
  if (!isHexKey(opened.value)) return notHex(what);
  const path = keyPath(id);
  await host.writeText(path, bytesOf(opened.value, kind), 0o600);
  const loaded = told(what, await change(host, ['zfs', 'load-key', '-L', `file://${path}`, op.name]));
  if (loaded.ok) return change(host, ['zfs', 'set', `keylocation=file://${path}`, op.name]);
  await unlink(host, path);
  return loaded;
};

export const unlockDataset = async (context: ChangeContext, op: Op<'dataset.unlock'>): Promise<Changed> => {
  const { host } = context;
  const what = `unlocking ${op.name}`;
  const seen = await identifyRoot(host, what, op);
  if (!seen.ok) return seen;
  // loaded already by whoever was faster: what is left to do is mounted all the same
  if (shown(seen.value, 'keystatus') !== 'available') {
    const kind = kindOf(seen.value);
    if (op.secret === null && kind === 'passphrase') return refuse('invalid', what, 'its passphrase was not given', 'type its passphrase');
    const loaded =
      op.secret === null ? told(what, await change(host, ['zfs', 'load-key', op.name])) : await loadWith(context, op, kind, op.secret);
    if (!loaded.ok) return loaded;
  }
  const kept = await keptBy(host, op.name);
  if (!kept.ok) return kept;
  const { mounted, problems } = await mountAll(host, kept.value);
  const served = await refreshShares(host);
  const after = await identify(host, op.name, op.guid, ['keystatus']);
  if (!after.ok) return after;
  if (shown(after.value, 'keystatus') !== 'available') return unverified(what, 'its key is not loaded');
  if (problems.length > 0)
    return refuse(
      'failed',
      what,
      `its key is loaded, but not all is mounted: ${some(problems)}`,
      'see to these folders, then unlock it again',
    );
  return served.ok ? ok({ guid: op.guid, mounted }) : served;
};

export const lockDataset = async ({ host }: ChangeContext, op: Op<'dataset.lock'>): Promise<Changed> => {
  const what = `locking ${op.name}`;
  const seen = await identifyRoot(host, what, op);
  if (!seen.ok) return seen;
  const kept = await keptBy(host, op.name);
  if (!kept.ok) return kept;
  const names = new Set(kept.value.map((d) => d.name));
  const isHidden = (dataset: string): boolean => names.has(dataset);
  const users = await usersOfShares(host, isHidden);
  if (!users.ok) return users;
  if (users.value.smb.length > 0)
    return refuse('busy', what, `it is in use by ${some(users.value.smb)}`, 'wait until they are gone, or remove the shares first');
  const mounted = kept.value.filter((d) => d.mounted).sort((a, b) => b.mountpoint.length - a.mountpoint.length);
  const back = async (refusal: Extract<Changed, { ok: false }>): Promise<Changed> => {
    const off = mounted.map((d) => ({ ...d, mounted: false })).reverse();
    for (const d of off) await change(host, ['zfs', 'mount', d.name]);
    await refreshShares(host);
    return refusal;
  };
  // nobody comes in from here on; an exported folder could not be unmounted
  const closed = await refreshShares(host, { isHidden });
  if (!closed.ok) return back(closed);
  for (const d of mounted) {
    const off = await change(host, ['zfs', 'unmount', d.name]);
    if (off.ok) continue;
    const nfs = users.value.nfs.length === 0 ? '' : `; clients connected by NFS: ${some(users.value.nfs)}`;
    return back(
      refuse(off.refusal.code, what, `${d.name} can't be unmounted: ${off.refusal.why}${nfs}`, 'end what uses it; nothing was changed'),
    );
  }
  const unloaded = await change(host, ['zfs', 'unload-key', op.name]);
  if (!unloaded.ok)
    return back(
      refuse(unloaded.refusal.code, what, unloaded.refusal.why, 'end what uses it (a volume that is open?); nothing was changed'),
    );
  const after = await identify(host, op.name, op.guid, ['keystatus']);
  if (!after.ok) return after;
  return shown(after.value, 'keystatus') === 'unavailable'
    ? ok({ guid: op.guid, unmounted: mounted.length })
    : unverified(what, 'its key is still loaded');
};

export const changeKey = async (context: ChangeContext, op: Op<'dataset.changeKey'>): Promise<Changed> => {
  const { host } = context;
  const what = `the key of ${op.name}`;
  const seen = await identify(host, op.name, op.guid, KEY_PROPERTIES);
  if (!seen.ok) return seen;
  if (shown(seen.value, 'encryption') === 'off') return refuse('invalid', what, 'it is not encrypted', 'choose one that is');
  if (shown(seen.value, 'keystatus') !== 'available') return refuse('conflict', what, 'it is locked', 'unlock it first');
  const key = await withKey(context, op.key, op.passphrase);
  if (!key.ok) return key;
  const done = await change(host, ['zfs', 'change-key', ...key.value.options, op.name], undefined, key.value.input);
  if (!done.ok) {
    // one that did not answer may have taken the new key: then its file has to stay
    if (done.refusal.code !== 'timeout') await key.value.undo();
    return done;
  }
  const after = await identify(host, op.name, op.guid, KEY_PROPERTIES);
  if (!after.ok) return after;
  if (shown(after.value, 'encryptionroot') !== op.name || kindOf(after.value) !== op.key)
    return unverified(what, `it shows ${shown(after.value, 'keyformat')} at ${shown(after.value, 'keylocation')}`);
  const opens = await key.value.verify(op.name);
  return opens.ok
    ? ok({ guid: op.guid, keyFile: keyFileOf(shown(after.value, 'keylocation')) })
    : unverified(what, `the new key does not open it: ${opens.refusal.why}`);
};

/** What was typed is tried on the dataset before it is sealed: a wrong one is told here, and goes no further. */
const sealKey = async ({ host, clock }: ChangeContext, op: Op<'key.seal'>): Promise<Changed> => {
  const sealer = await openKeySealer(host);
  if (op.opens === null) {
    const fit = NewPassphrase.safeParse(op.secret);
    return fit.success
      ? ok({ sealed: sealer.seal(op.secret, null, clock()) })
      : refuse('invalid', 'the passphrase', fit.error.issues[0]?.message ?? 'it is none', 'choose another');
  }
  const { name, guid } = op.opens;
  const what = `unlocking ${name}`;
  const seen = await identifyRoot(host, what, op.opens);
  if (!seen.ok) return seen;
  const kind = kindOf(seen.value);
  if (isKeyFile(kind) && !isHexKey(op.secret)) return notHex(what);
  const tried = isKeyFile(kind)
    ? await triedFile(host, name, bytesOf(op.secret, kind))
    : await change(host, ['zfs', 'load-key', '-n', '-L', 'prompt', name], undefined, `${op.secret}\n`);
  const right = told(what, tried);
  return right.ok ? ok({ sealed: sealer.seal(op.secret, guid, clock()) }) : right;
};
const triedFile = async (host: Host, name: string, bytes: string | Buffer): Promise<Result<unknown>> => {
  const path = `${TRIED}/tried-${randomBytes(8).toString('hex')}.key`;
  await host.writeText(path, bytes, 0o600);
  try {
    return await change(host, ['zfs', 'load-key', '-n', '-L', `file://${path}`, name]);
  } finally {
    await unlink(host, path);
  }
};

const readKey = async ({ host }: ChangeContext, op: Op<'key.read'>): Promise<Changed> => {
  const what = `the key of ${op.name}`;
  const seen = await identifyRoot(host, what, op);
  if (!seen.ok) return seen;
  const location = shown(seen.value, 'keylocation');
  const id = keyFileOf(location);
  if (id === null) return refuse('conflict', what, 'it has no key file on this machine', 'only key files can be copied');
  // as hexadecimal whatever it holds: a text survives what people do to files
  const out =
    shown(seen.value, 'keyformat') === 'raw'
      ? await read(host, ['od', '-An', '-v', '-tx1', keyPath(id)])
      : ok((await host.readText(keyPath(id))) ?? '');
  if (!out.ok) return out;
  const hex = out.value.replace(/\s+/g, '').toLowerCase();
  return isHexKey(hex)
    ? ok({ hex, keyFile: id })
    : refuse('failed', what, 'its key file is not there, or damaged', 'unlock it with the copy that was kept');
};

const listKeys = async ({ host }: ChangeContext): Promise<Changed> => {
  const out = await read(host, ['zfs', 'list', '-H', '-o', 'name,keylocation', '-t', 'filesystem,volume']);
  if (!out.ok) return out;
  const used = new Map(rows(out.value).map(([name = '', location = '']) => [keyFileOf(location), name]));
  const files = ((await host.list(KEY_FOLDER)) ?? []).flatMap((f) => keyFileOf(`file://${KEY_FOLDER}/${f}`) ?? []);
  return ok({ files: files.map((id) => ({ id, dataset: used.get(id) ?? null })) });
};

export const changeKeys = (context: ChangeContext, op: KeyOperation): Promise<Changed> => {
  switch (op.kind) {
    case 'dataset.unlock':
      return unlockDataset(context, op);
    case 'dataset.lock':
      return lockDataset(context, op);
    case 'dataset.changeKey':
      return changeKey(context, op);
    case 'key.seal':
      return sealKey(context, op);
    case 'key.read':
      return readKey(context, op);
    case 'key.list':
      return listKeys(context);
  }
};

/** Roots of a pool that was just imported, whose key files are here. What stays locked is no failure. */
export const loadKeyFiles = async (host: Host, pool: string): Promise<string[]> => {
  const out = await read(host, [
    'zfs',
    'list',
    '-H',
    '-o',
    'name,encryptionroot,keystatus,keylocation',
    '-t',
    'filesystem,volume',
    '-r',
    pool,
  ]);
  if (!out.ok) return [];
  const loaded: string[] = [];
  for (const [name = '', root, status, location = ''] of rows(out.value))
    if (name === root && status === 'unavailable' && location.startsWith('file:///') && (await change(host, ['zfs', 'load-key', name])).ok)
      loaded.push(name);
  return loaded;
};
