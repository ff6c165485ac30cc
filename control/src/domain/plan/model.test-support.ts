/** A host as far as a plan sees it: carries out a plan's operations on an observation, and objects where ZFS would. */
import { holdsData, type ObservedDataset } from '../dataset/dataset.ts';
import { isWithin, parentOf, parseSize } from '../names.ts';
import type { Observed } from '../observed/observed.ts';
import type { Operation } from '../operation/operation.ts';
import type { ObservedPool } from '../pool/pool.ts';
import { type Properties, PROPERTIES, type PropertyName } from '../property/property.ts';
import { shareKey } from '../share/share.ts';
import type { Action } from './types.ts';

export const observedPool = (name: string, guid: string, disks: readonly string[]): ObservedPool => ({
  name,
  guid,
  health: 'ONLINE',
  size: 1e12,
  allocated: 1e9,
  free: 9e11,
  fragmentation: 0,
  dataErrors: 0,
  status: null,
  vdevs: [
    {
      name: 'mirror-0',
      kind: disks.length > 1 ? 'mirror' : 'stripe',
      role: 'data',
      guid: `${guid}1`,
      state: 'ONLINE',
      disks: disks.map((path, i) => ({ path, guid: `${guid}2${i}`, state: 'ONLINE', readErrors: 0, writeErrors: 0, checksumErrors: 0 })),
    },
  ],
  scan: { kind: 'none', state: 'none', startedAt: null, endedAt: null, progress: 0, errors: 0 },
  options: { ashift: 12, autotrim: 'off', autoexpand: 'off', comment: '' },
});

export const observedDataset = (name: string, guid: string, more: Partial<ObservedDataset> = {}): ObservedDataset => ({
  name,
  guid,
  kind: 'filesystem',
  createdAt: 0,
  used: 100_000,
  available: 1e9,
  referenced: 100_000,
  usedBySnapshots: 0,
  compressRatio: 1,
  mounted: true,
  mountpoint: `/${name}`,
  origin: null,
  encryption: 'off',
  keyStatus: 'none',
  snapshots: 0,
  properties: {},
  ...more,
});

export const observedDisk = (path: string, pool: string | null) => ({
  path,
  size: 1e12,
  model: 'm',
  serial: 's',
  logicalSector: 512,
  physicalSector: 4096,
  rotational: true,
  transport: 'sata',
  pool,
  foreign: null,
  system: false,
});

export const emptyHost = (): Observed => ({ at: 0, pools: [], datasets: [], shares: [], disks: [], stuck: [], problems: [] });

export const applyPlan = (before: Observed, actions: readonly Action[]): Observed => {
  const host = structuredClone(before);
  let made = 0;
  for (const { operation } of actions) {
    if (operation === null) continue;
    made += 1;
    perform(host, operation, `9${String(host.datasets.length)}${made}${host.at}`);
  }
  host.at += 1;
  return host;
};

const find = (host: Observed, name: string, guid: string): ObservedDataset => {
  const seen = host.datasets.find((d) => d.name === name);
  if (seen?.guid !== guid) throw new Error(`${name} is not the dataset with guid ${guid}`);
  return seen;
};

const place = (host: Observed, name: string): void => {
  if (host.datasets.some((d) => d.name === name)) throw new Error(`${name} exists`);
  const parent = host.datasets.find((d) => d.name === parentOf(name));
  if (parent?.kind !== 'filesystem') throw new Error(`the parent of ${name} does not exist`);
};

const setAll = (seen: ObservedDataset, set: Properties): void => {
  for (const [key, value] of Object.entries(set)) {
    const name = key as PropertyName; // the keys of Properties
    // ZFS calls a quota of none a default, whoever set it
    const unset = !PROPERTIES[name].inheritable && (value === 'none' || value === '0');
    seen.properties[name] = { value: unset ? '0' : value, source: unset ? 'default' : 'local' };
  }
};

const perform = (host: Observed, op: Operation, guid: string): void => {
  switch (op.kind) {
    case 'pool.create': {
      for (const path of op.vdevs.flatMap((v) => v.disks)) {
        const disk = host.disks.find((d) => d.path === path);
        if (!disk || disk.pool !== null) throw new Error(`${path} is not free`);
        disk.pool = op.name;
      }
      const pool = observedPool(op.name, `7${guid}`, []);
      host.pools.push({
        ...pool,
        options: { ...pool.options, ...op.options },
        vdevs: op.vdevs.map((v) => ({
          ...v,
          name: v.kind,
          guid: `5${guid}`,
          state: 'ONLINE',
          disks: v.disks.map((path) => ({ path, guid: `4${guid}`, state: 'ONLINE', readErrors: 0, writeErrors: 0, checksumErrors: 0 })),
        })),
      });
      const root = observedDataset(op.name, `6${guid}`);
      setAll(root, op.properties);
      host.datasets.push(root);
      return;
    }
    case 'pool.set': {
      const pool = host.pools.find((p) => p.name === op.name && p.guid === op.guid);
      if (!pool) throw new Error(`no pool ${op.name}`);
      Object.assign(pool.options, op.options);
      return;
    }
    case 'dataset.create': {
      place(host, op.name);
      const made = observedDataset(op.name, guid, { kind: op.type });
      setAll(made, op.properties);
      host.datasets.push(made);
      return;
    }
    case 'dataset.set': {
      const seen = find(host, op.name, op.guid);
      if (op.set.quota !== undefined && op.set.quota !== 'none' && parseSize(op.set.quota) > 0 && parseSize(op.set.quota) < seen.used)
        throw new Error('quota below use');
      setAll(seen, op.set);
      for (const name of op.inherit) seen.properties[name] = { value: 'on', source: 'default' };
      return;
    }
    case 'dataset.rename': {
      find(host, op.name, op.guid);
      place(host, op.to);
      if (isWithin(op.to, op.name)) throw new Error('into itself');
      for (const d of host.datasets) if (isWithin(d.name, op.name)) d.name = op.to + d.name.slice(op.name.length);
      return;
    }
    case 'dataset.destroy': {
      const seen = find(host, op.name, op.guid);
      if (host.datasets.some((d) => parentOf(d.name) === op.name)) throw new Error(`${op.name} has children`);
      if (!op.withSnapshots && holdsData(seen)) throw new Error(`${op.name} holds data`);
      if (host.datasets.some((d) => d.origin?.startsWith(`${op.name}@`))) throw new Error(`${op.name} has clones`);
      if (host.shares.some((s) => s.spec.dataset === op.name)) throw new Error(`${op.name} is shared`);
      host.datasets.splice(host.datasets.indexOf(seen), 1);
      return;
    }
    case 'share.put': {
      if (!host.datasets.some((d) => d.name === op.share.dataset)) throw new Error(`${op.share.dataset} is not there to share`);
      const key = shareKey(op.share);
      host.shares = [
        ...host.shares.filter((s) => shareKey(s.spec) !== key),
        { spec: structuredClone(op.share), serving: true, note: null, clients: [] },
      ];
      return;
    }
    case 'share.remove': {
      const key = shareKey({ kind: op.share, name: op.name });
      if (!host.shares.some((s) => shareKey(s.spec) === key)) throw new Error(`no share ${key}`);
      host.shares = host.shares.filter((s) => shareKey(s.spec) !== key);
      return;
    }
    default:
      throw new Error(`a plan of declared state holds no ${op.kind}`);
  }
};
