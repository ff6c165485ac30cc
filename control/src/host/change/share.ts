/** Shares, put and removed: one entry of a file that belongs to D-PlaneOS is changed; serving.ts makes the server take it. */
import type { Operation } from '../../domain/operation/operation.ts';
import { refuse } from '../../domain/refusal.ts';
import { type ShareSpec, shareKey } from '../../domain/share/share.ts';
import { canonical } from '../../domain/canonical.ts';
import type { Host } from '../host.ts';
import { pathOf } from '../managed.ts';
import { closeShareArgv } from '../samba/conf.ts';
import { type ChangeContext, type Changed, change, properties, shown } from './host.ts';
import { makeHomes } from './homes.ts';
import { connected } from './sessions.ts';
import { withoutFolder } from './real-folder.ts';
import { current, type Kind, type Mountpoints, NFS, rewrite, SMB } from './serving.ts';

type Op<K extends Operation['kind']> = Extract<Operation, { kind: K }>;

const put = async <S extends ShareSpec>(host: Host, kind: Kind<S>, spec: S): Promise<Changed> => {
  const what = `sharing ${spec.dataset} as ${spec.name}`;
  const seen = await properties(host, spec.dataset, ['type', 'mountpoint', 'mounted', 'keystatus']);
  if (!seen.ok) return seen;
  if (shown(seen.value, 'type') !== 'filesystem')
    return refuse('invalid', what, 'only filesystems are shared as files', 'choose a filesystem');
  if (shown(seen.value, 'keystatus') === 'unavailable') return refuse('conflict', what, 'it is locked', 'unlock it first');
  const mountpoint = shown(seen.value, 'mountpoint');
  const path = pathOf(spec, new Map([[spec.dataset, mountpoint.startsWith('/') ? mountpoint : null]]));
  if (path === null)
    return refuse(
      'conflict',
      what,
      `its mount point is ${mountpoint}, which can't be served`,
      'give the dataset a mount point of plain characters',
    );
  const inside =
    shown(seen.value, 'mounted') === 'yes' ? (await withoutFolder(host, [spec], new Map([[spec.dataset, mountpoint]]))).size === 0 : true;
  if (!inside)
    return refuse(
      'not-found',
      what,
      `there is no folder ${spec.folder} in it; links are not followed`,
      'make the folder first, or share all of it',
    );
  // declared, and served as soon as it is mounted: gate.ts
  const mounted = shown(seen.value, 'mounted') === 'yes';
  const fresh: Mountpoints = new Map([[spec.dataset, mounted ? mountpoint : null]]);
  const edit = (shares: S[]): S[] =>
    [...shares.filter((s) => shareKey(s) !== shareKey(spec)), spec].sort((a, b) => (shareKey(a) < shareKey(b) ? -1 : 1));
  return rewrite(host, kind, edit, fresh, mounted ? [path] : [], (after) => after.some((s) => canonical(s) === canonical(spec)), spec.name);
};

export const putShare = async ({ host }: ChangeContext, { share }: Op<'share.put'>): Promise<Changed> => {
  if (share.kind === 'nfs') return put(host, NFS, share);
  const done = await put(host, SMB, share);
  if (!done.ok || share.preset !== 'homes') return done;
  const notes = [...(typeof done.value.note === 'string' ? [done.value.note] : []), ...(await makeHomes(host))];
  return { ok: true, value: { ...done.value, note: notes.length === 0 ? null : notes.join('; ') } };
};

const remove = async <S extends ShareSpec>(host: Host, kind: Kind<S>, key: string): Promise<Changed> => {
  const there = (await current(host, kind)).shares.some((s) => shareKey(s) === key);
  if (!there) return refuse('not-found', `removing share ${key}`, 'there is no such share', 'look at the shares that are there');
  return rewrite(
    host,
    kind,
    (shares) => shares.filter((s) => shareKey(s) !== key),
    new Map(),
    [],
    (after) => !after.some((s) => shareKey(s) === key),
  );
};

/** With clients connected only by an approval: someone would lose what is open. */
export const removeShare = async ({ host, approval }: ChangeContext, op: Op<'share.remove'>): Promise<Changed> => {
  const key = shareKey({ kind: op.share, name: op.name });
  const clients = await connected(host);
  const mine = clients.ok ? clients.value.filter((c) => shareKey({ kind: c.kind ?? 'smb', name: c.share }) === key) : [];
  if (mine.length > 0 && approval === null)
    return refuse(
      'needs-approval',
      `removing share ${op.name}`,
      `${mine.length} connected: ${[...new Set(mine.map((c) => c.user || c.machine))].slice(0, 5).join(', ')}`,
      'wait until they are gone, or approve the action',
    );
  if (op.share === 'nfs') return remove(host, NFS, key);
  const removed = await remove(host, SMB, key);
  if (removed.ok && mine.length > 0) await change(host, closeShareArgv(op.name));
  return removed;
};
