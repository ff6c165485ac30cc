/** Does the host show the effect of an operation? `null` when looking can't tell. Asked after a crash only. */
import type { Observed } from '../domain/observed/observed.ts';
import type { Operation } from '../domain/operation/operation.ts';
import { canonical } from '../domain/canonical.ts';
import { findDisk, findVdev, works } from '../domain/pool/redundancy.ts';
import { parseSize } from '../domain/names.ts';
import { PROPERTIES, type PropertyName } from '../domain/property/property.ts';
import { modeIs } from '../domain/permission/permission.ts';
import { shareKey } from '../domain/share/share.ts';

const equal = (name: PropertyName, a: string, b: string): boolean => {
  if (a === b) return true;
  const bytes = (t: string): number => (t === 'none' ? 0 : /^[0-9]/.test(t) ? parseSize(t) : Number.NaN);
  return 'size' in PROPERTIES[name] && bytes(a) === bytes(b);
};

/** What an operation takes down and puts up again, or puts up at last: cut off in between, a folder would stay empty. */
export const remounted = (op: Operation): { name: string; guid: string | null } | null => {
  switch (op.kind) {
    case 'dataset.create':
      return { name: op.name, guid: null };
    case 'snapshot.clone':
      return { name: op.to, guid: null };
    case 'snapshot.rollback':
      return { name: op.dataset, guid: op.guid };
    case 'dataset.rename':
    case 'dataset.set':
    case 'dataset.unlock':
      return { name: op.name, guid: op.guid };
    default:
      return null;
  }
};

export const effectSeen = (op: Operation, o: Observed): boolean | null => {
  const byName = (name: string) => o.datasets.find((d) => d.name === name);
  const byGuid = (guid: string) => o.datasets.find((d) => d.guid === guid);
  const pool = (guid: string) => o.pools.find((p) => p.guid === guid);
  switch (op.kind) {
    case 'pool.create':
      return o.pools.some((p) => p.name === op.name);
    case 'pool.replace':
    case 'pool.attach':
      return (
        pool(op.guid)?.vdevs.some((v) => v.disks.some((d) => d.path === op.with || d.standIns?.some((s) => s.path === op.with))) ?? null
      );
    case 'pool.detach': {
      const p = pool(op.guid);
      return p === undefined ? null : findDisk(p, op.disk) === undefined;
    }
    case 'pool.online':
    case 'pool.offline': {
      const p = pool(op.guid);
      const state = p === undefined ? undefined : findDisk(p, op.disk)?.disk.state;
      return state === undefined ? null : op.kind === 'pool.offline' ? state === 'OFFLINE' : works(state);
    }
    case 'pool.add':
      return pool(op.guid) === undefined
        ? null
        : op.vdevs.every((v) => v.disks.every((path) => o.disks.some((d) => d.path === path && d.pool === op.name)));
    case 'pool.remove': {
      const p = pool(op.guid);
      return p === undefined ? null : findVdev(p, op.vdev) === undefined;
    }
    case 'pool.import':
      return pool(op.guid)?.name === (op.as ?? op.name);
    case 'pool.export':
      return pool(op.guid) === undefined;
    case 'pool.forget':
      return !o.stuck.some((s) => s.guid === op.guid);
    case 'disk.erase':
      return o.disks.find((d) => d.path === op.path)?.foreign === null;
    case 'dataset.create':
      return byName(op.name) !== undefined;
    case 'snapshot.clone':
      return byName(op.to)?.origin === `${op.dataset}@${op.tag}`;
    case 'clone.watch':
      return (o.clones ?? []).some((c) => c.name === op.clone);
    case 'clone.expire':
      return byGuid(op.guid) === undefined;
    case 'dataset.promote': {
      const d = byGuid(op.guid);
      return d === undefined ? null : d.origin === null;
    }
    case 'dataset.rename':
      return byGuid(op.guid)?.name === op.to;
    case 'dataset.destroy':
      return byGuid(op.guid) === undefined;
    case 'dataset.unlock':
    case 'dataset.lock': {
      const d = byGuid(op.guid);
      return d === undefined ? null : (d.keyStatus === 'available') === (op.kind === 'dataset.unlock');
    }
    case 'dataset.changeKey': {
      // a new key of the same kind looks like the old one
      const d = byGuid(op.guid);
      return d?.keyKind === undefined || d.keyKind === op.key ? null : false;
    }
    case 'dataset.set': {
      const d = byGuid(op.guid);
      if (d === undefined) return null;
      const set = Object.entries(op.set) as [PropertyName, string][];
      return (
        set.every(([n, v]) => d.properties[n]?.source === 'local' && equal(n, d.properties[n]?.value ?? '', v)) &&
        op.inherit.every((n) => d.properties[n]?.source !== 'local')
      );
    }
    case 'dataset.permit': {
      const p = byGuid(op.guid)?.permissions;
      // of all that is in it nothing can be seen from here
      return p === undefined || op.recursive ? null : p.owner === op.owner && p.group === op.group && modeIs(p.mode, op.access);
    }
    case 'share.put':
      return o.shares.some((s) => canonical(s.spec) === canonical(op.share));
    case 'share.remove':
      return !o.shares.some((s) => shareKey(s.spec) === (op.share === 'smb' ? `smb:${op.name.toLowerCase()}` : `nfs:${op.name}`));
    case 'memory.arc':
      return o.arc === undefined ? null : o.arc.limit === op.limit;
    case 'schedule.put':
      return (o.schedules ?? []).some((s) => canonical(s) === canonical(op.schedule));
    case 'schedule.remove':
      return !(o.schedules ?? []).some((s) => s.name === op.name);
    case 'share-user.put': {
      const u = o.accounts?.users.find((x) => x.name === op.name);
      return (
        u !== undefined &&
        (op.id ?? u.id) === u.id &&
        u.disabled === op.disabled &&
        u.fullName === op.fullName &&
        (op.password === null || op.password === u.password) &&
        canonical([...u.groups].sort()) === canonical([...op.groups].sort())
      );
    }
    case 'share-group.put':
      return o.accounts?.groups.some((g) => g.name === op.name) === true;
    case 'share-user.rename':
    case 'share-group.rename':
      return o.accounts?.[op.kind === 'share-user.rename' ? 'users' : 'groups'].some((a) => a.id === op.id && a.name === op.to) === true;
    case 'share-user.remove':
    case 'share-group.remove':
      return o.accounts === undefined
        ? null
        : !o.accounts[op.kind === 'share-user.remove' ? 'users' : 'groups'].some((a) => a.id === op.id);
    default:
      return null;
  }
};
