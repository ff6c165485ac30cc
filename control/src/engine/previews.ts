/** Previews of destructions and new names: asked of ZFS itself (`zfs destroy -nvp`, which changes nothing), and of what else knows the dataset. */
import { isWithin, parentOf, poolOf } from '../domain/names.ts';
import type { Observed } from '../domain/observed/observed.ts';
import type { DestroyPreview, RenamePreview } from '../domain/plan/preview.ts';
import { ok, refuse, type Result } from '../domain/refusal.ts';
import { shareKey } from '../domain/share/share.ts';
import type { DesiredState } from '../domain/state/state.ts';
import type { Host } from '../host/host.ts';
import { count, guid, reading, unreadable } from '../host/parse.ts';
import { zfsError } from '../host/zfs/error.ts';
import type { Observer } from './observer.ts';

const READ_MS = 60_000;
/** Names in one argv. */
const BATCH = 200;
const COLUMNS = 'name,type,guid,used,userrefs,clones,encryptionroot,keystatus';

export type Previews = {
  /** A dataset with all below it, or some of its snapshots. */
  destroy(dataset: string, tags: readonly string[] | null): Promise<Result<DestroyPreview>>;
  rename(from: string, to: string): Promise<Result<RenamePreview>>;
};

type Line = { name: string; type: string; guid: string; used: number; held: boolean; clones: string[]; root: string; locked: boolean };
const parse = (stdout: string, what: string): Result<Line[]> =>
  reading(what, () =>
    stdout
      .split('\n')
      .filter((l) => l !== '')
      .map((line) => {
        const parts = line.split('\t');
        const [name = '', type = '', id, used, userrefs = '', clones = '-', root = '-', status] = parts;
        if (parts.length !== 8) unreadable(`"${line.slice(0, 80)}" has ${parts.length} fields`);
        return {
          ...{ name, type, root, locked: status === 'unavailable' },
          guid: guid(id, `guid of ${name}`),
          used: count(used, `used of ${name}`),
          held: !['0', '-', ''].includes(userrefs),
          clones: clones === '-' || clones === '' ? [] : clones.split(','),
        };
      }),
  );

const touching = (o: Observed, state: DesiredState | null, isMeant: (dataset: string) => boolean) => ({
  shares: o.shares
    .filter((s) => isMeant(s.spec.dataset))
    .map((s) => ({ share: shareKey(s.spec), dataset: s.spec.dataset, clients: s.clients })),
  schedules: (o.schedules ?? []).filter((s) => isMeant(s.dataset)).map((s) => s.name),
  replication: (state?.replication ?? []).filter((r) => isMeant(r.source)).map((r) => r.name),
});

export const createPreviews = (deps: { host: Host; observer: Observer; state: () => Promise<DesiredState | null> }): Previews => {
  const { host, observer } = deps;
  const list = async (args: readonly string[], what: string): Promise<Result<Line[]>> => {
    const r = await host.run(['zfs', 'list', '-Hp', '-o', COLUMNS, ...args], { timeoutMs: READ_MS });
    return r.failure === null && r.exit === 0 ? parse(r.stdout, what) : { ok: false, refusal: zfsError(r) };
  };
  const holdsOf = async (held: readonly Line[]): Promise<Result<DestroyPreview['holds']>> => {
    const tags = new Map<string, string[]>(held.map((s) => [s.name, []]));
    for (let i = 0; i < held.length; i += BATCH) {
      const names = held.slice(i, i + BATCH).map((s) => s.name);
      const r = await host.run(['zfs', 'holds', '-H', ...names], { timeoutMs: READ_MS });
      if (r.failure !== null || r.exit !== 0) return { ok: false, refusal: zfsError(r) };
      for (const line of r.stdout.split('\n')) {
        const [name = '', tag = ''] = line.split('\t');
        tags.get(name)?.push(tag);
      }
    }
    return ok([...tags].map(([snapshot, all]) => ({ snapshot, tags: all })));
  };
  /** Without root, and without an effect. */
  const reclaimed = async (args: readonly string[]): Promise<{ bytes: number | null; why: string | null }> => {
    const r = await host.run(['zfs', 'destroy', '-nvp', ...args], { timeoutMs: READ_MS });
    const bytes = /^reclaim\t([0-9]+)$/m.exec(r.stdout)?.[1];
    const failed = r.failure !== null || r.exit !== 0;
    return { bytes: failed || bytes === undefined ? null : Number(bytes), why: failed ? zfsError(r).why : null };
  };

  return {
    destroy: async (dataset, tags) => {
      const { observed } = await observer.get(0, { clients: true });
      const names = tags?.map((t) => `${dataset}@${t}`) ?? null;
      const what = `destroying ${dataset}`;
      const all =
        names === null
          ? await list(['-t', 'filesystem,volume,snapshot', '-r', dataset], what)
          : await list(['-t', 'snapshot', ...names], what);
      if (!all.ok) return all;
      const gone = all.value.filter((l) => l.type !== 'snapshot');
      const snapshots = all.value.filter((l) => l.type === 'snapshot');
      const inside = new Set(gone.map((l) => l.name));
      const holds = await holdsOf(snapshots.filter((s) => s.held));
      if (!holds.ok) return holds;
      const clones = snapshots.flatMap((s) => s.clones.filter((c) => !inside.has(c)).map((clone) => ({ clone, of: s.name })));
      const space = await reclaimed(names === null ? ['-r', dataset] : [`${dataset}@${(tags ?? []).join(',')}`]);
      const isMeant = (d: string): boolean => inside.has(d);
      const obstacles = [
        ...(names === null && !dataset.includes('/') ? ['it is the root of its pool, and no operation destroys a pool'] : []),
        ...holds.value.map((h) => `${h.snapshot} is held by ${h.tags.join(', ')}: release it first`),
        ...clones.map((c) => `${c.clone} is a clone of ${c.of}: destroy or promote it first`),
      ];
      return ok({
        at: observed.at,
        datasets: gone
          .map((l) => ({
            name: l.name,
            guid: l.guid,
            kind: l.type === 'volume' ? ('volume' as const) : ('filesystem' as const),
            used: l.used,
            locked: l.locked,
          }))
          .reverse(),
        snapshots: snapshots.length,
        // for a dataset ZFS says no number: what it uses, with all below it, is what is given back
        reclaims: names === null && space.why === null ? (gone.find((l) => l.name === dataset)?.used ?? null) : space.bytes,
        holds: holds.value,
        clones,
        ...touching(observed, await deps.state(), isMeant),
        keys: gone
          .filter((l) => l.root === l.name)
          .map((l) => ({ dataset: l.name, keyFile: observed.datasets.find((d) => d.guid === l.guid)?.keyFile ?? null })),
        obstacles: obstacles.length > 0 || space.why === null ? obstacles : [space.why],
      });
    },
    rename: async (from, to) => {
      const { observed } = await observer.get(0, { clients: true });
      const moving = observed.datasets.filter((d) => isWithin(d.name, from));
      if (moving[0] === undefined)
        return refuse('not-found', `dataset ${from}`, 'there is nothing of this name', 'look at the list of datasets');
      const there = (name: string): string => to + name.slice(from.length);
      const above = observed.datasets.find((d) => d.name === parentOf(to));
      const top = observed.datasets.find((d) => d.name === from);
      const inherits = (name: string): boolean => {
        for (let up: string | null = name; up !== null && isWithin(up, from); up = parentOf(up))
          if (observed.datasets.find((d) => d.name === up)?.properties.mountpoint?.source === 'local') return false;
        return true;
      };
      const base = above?.properties.mountpoint?.value ?? '-';
      const longest = Math.max(...moving.map((d) => there(d.name).length));
      return ok({
        at: observed.at,
        datasets: moving.map((d) => ({ from: d.name, to: there(d.name) })),
        mountpoints: moving.flatMap((d) => {
          if (d.mountpoint === null || !base.startsWith('/') || !inherits(d.name)) return [];
          const next = `${base === '/' ? '' : base}/${there(d.name).slice((parentOf(to) ?? '').length + 1)}`;
          return next === d.mountpoint ? [] : [{ from: d.mountpoint, to: next }];
        }),
        ...touching(observed, await deps.state(), (d) => isWithin(d, from)),
        obstacles: [
          ...(top && !from.includes('/') ? ['it is the root of its pool and keeps its name'] : []),
          ...(poolOf(from) === poolOf(to) ? [] : ['a dataset stays in its pool']),
          ...(from !== to && isWithin(to, from) ? ['a dataset is not moved into itself'] : []),
          ...(from !== to && observed.datasets.some((d) => d.name === to) ? [`there is a dataset ${to} already`] : []),
          ...(above || parentOf(to) === null ? [] : [`there is no dataset ${parentOf(to)}`]),
          ...(longest > 255 ? [`a name below it would have ${longest} bytes, and ZFS takes 255`] : []),
        ],
      });
    },
  };
};
