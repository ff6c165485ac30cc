/** Mounting what ZFS would mount at a start: after an unlock, an import, and after an operation that was cut off between taking down and putting up. */
import { isWithin, poolOf } from '../../domain/names.ts';
import type { Operation } from '../../domain/operation/operation.ts';
import { isOwn } from '../../domain/pool/own.ts';
import { ok, type Result } from '../../domain/refusal.ts';
import type { Host } from '../host.ts';
import { refreshShares } from './gate.ts';
import { type ChangeContext, type Changed, change, read, rows } from './host.ts';
import { mayMountAt, mayTake } from './mountpoint.ts';

export type Mountable = {
  name: string;
  guid: string;
  type: string;
  root: string;
  mounted: boolean;
  canmount: string;
  mountpoint: string;
  open: boolean;
};
/** Of a whole pool, parents first; the heartbeat mounts its own. */
export const mountables = async (host: Host, pool: string): Promise<Result<Mountable[]>> => {
  const columns = 'name,guid,type,encryptionroot,mounted,canmount,mountpoint,keystatus';
  const out = await read(host, ['zfs', 'list', '-Hp', '-o', columns, '-t', 'filesystem,volume', '-r', pool]);
  if (!out.ok) return out;
  const all = rows(out.value).map(
    ([n = '', guid = '', type = '', root = '', mounted = '', canmount = '', mountpoint = '', status = '']) => ({
      ...{ name: n, guid, type, root, mounted: mounted === 'yes', canmount, mountpoint, open: status !== 'unavailable' },
    }),
  );
  return ok(all.filter((d) => !isOwn(d.name)));
};

/** What can't be mounted is told, and the rest is. `over`: also over files, as ZFS does at an import. */
export const mountAll = async (host: Host, list: readonly Mountable[], over = false): Promise<{ mounted: number; problems: string[] }> => {
  const problems: string[] = [];
  const failed: string[] = [];
  let mounted = 0;
  for (const d of list) {
    if (d.type !== 'filesystem' || d.mounted || d.canmount !== 'on' || !d.mountpoint.startsWith('/') || !d.open) continue;
    if (failed.some((f) => d.mountpoint.startsWith(`${f}/`))) continue;
    const may = over ? mayMountAt(d.name, d.mountpoint) : await mayTake(host, d.name, d.mountpoint, null);
    const done = may.ok ? await change(host, ['zfs', 'mount', d.name]) : may;
    if (done.ok) mounted += 1;
    else {
      failed.push(d.mountpoint);
      problems.push(`${d.name} at ${d.mountpoint}: ${done.refusal.why}`);
    }
  }
  return { mounted, problems };
};

/** After one that was cut off: `zfs` unmounts first and mounts last, and whoever is killed in between leaves folders empty. */
export const settleDataset = async ({ host }: ChangeContext, op: Extract<Operation, { kind: 'dataset.settle' }>): Promise<Changed> => {
  const all = await mountables(host, poolOf(op.name));
  if (!all.ok) return all;
  const at = all.value.find((d) => (op.guid === null ? d.name === op.name : d.guid === op.guid));
  if (at === undefined) return ok({ mounted: 0, problems: [] });
  const done = await mountAll(
    host,
    all.value.filter((d) => d === at || isWithin(d.name, at.name)),
  );
  const served = await refreshShares(host);
  return served.ok ? ok(done) : served;
};
