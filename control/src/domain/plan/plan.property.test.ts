import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DatasetSpec } from '../dataset/dataset.ts';
import { isWithin, parentOf } from '../names.ts';
import type { Observed } from '../observed/observed.ts';
import { Operation } from '../operation/operation.ts';
import { ShareSpec } from '../share/share.ts';
import { DesiredState } from '../state/state.ts';
import { capture, identitiesOf } from './capture.ts';
import { applyPlan, emptyHost, observedDataset, observedDisk as disk, observedPool } from './model.test-support.ts';
import { plan, type PlanInput } from './plan.ts';
import { Action } from './types.ts';

const A = '/dev/disk/by-id/ata-A';
const B = '/dev/disk/by-id/ata-B';

const names = fc.constantFrom('a', 'b', 'c', 'd');
const paths = fc.array(names, { minLength: 1, maxLength: 3 }).map((parts) => `tank/${parts.join('/')}`);
const property = fc.record(
  {
    compression: fc.constantFrom('on', 'lz4', 'zstd', 'inherit'),
    atime: fc.constantFrom('on', 'off', 'inherit'),
    quota: fc.constantFrom('none', '1M', '10G', '10737418240'),
    acltype: fc.constantFrom('posix', 'posixacl', 'off'),
    readonly: fc.constantFrom('on', 'off'),
  },
  { requiredKeys: [] },
);

/** A host: whatever paths come, with the parents they need. */
const host = fc
  .record({
    tree: fc.uniqueArray(
      fc.record({
        path: paths,
        big: fc.boolean(),
        snapshots: fc.constantFrom(0, 0, 3),
        own: fc.boolean(),
        property,
        cloneOf: fc.option(paths, { freq: 8 }),
      }),
      { selector: (x) => x.path, maxLength: 9 },
    ),
    shares: fc.array(
      fc.record({ at: fc.nat(20), name: fc.constantFrom('s', 't', 'u'), kind: fc.constantFrom('smb', 'nfs'), client: fc.boolean() }),
      { maxLength: 4 },
    ),
  })
  .map(({ tree, shares }): Observed => {
    const o = emptyHost();
    o.pools.push(observedPool('tank', '1', [A, B]));
    o.disks.push(disk(A, 'tank'), disk(B, 'tank'), disk('/dev/disk/by-id/ata-C', null));
    const all = new Map(tree.map((t) => [t.path, t]));
    const want = new Set(['tank']);
    for (const t of tree) for (let p: string | null = t.path; p !== null; p = parentOf(p)) want.add(p);
    let guid = 100;
    for (const name of [...want].sort()) {
      const t = all.get(name);
      guid += 1;
      const d = observedDataset(
        name,
        String(guid),
        t ? { snapshots: t.snapshots, used: t.big ? 5e9 : 1e5, referenced: t.big ? 4e9 : 1e5 } : {},
      );
      if (t?.cloneOf && want.has(t.cloneOf) && t.cloneOf !== name) d.origin = `${t.cloneOf}@x`;
      for (const [key, value] of Object.entries(t?.property ?? {}))
        if (value !== 'inherit' && key !== 'quota') d.properties[key as 'atime'] = { value, source: t?.own ? 'local' : 'inherited' };
      o.datasets.push(d);
    }
    const seen = new Set<string>();
    for (const s of shares) {
      const dataset = [...want][s.at % want.size] ?? 'tank';
      if (seen.has(s.kind + s.name)) continue;
      seen.add(s.kind + s.name);
      const spec = ShareSpec.parse({ kind: s.kind, name: s.name, dataset, ...(s.kind === 'nfs' ? { clients: [{ host: '*' }] } : {}) });
      o.shares.push({
        spec,
        serving: true,
        note: null,
        clients: s.client ? [{ share: s.name, user: 'eva', machine: 'laptop', openFiles: 1 }] : [],
      });
    }
    return o;
  });

const edit = fc.oneof(
  fc.record({ kind: fc.constant('drop' as const), at: fc.nat(20) }),
  fc.record({ kind: fc.constant('move' as const), at: fc.nat(20), to: paths, subtree: fc.boolean() }),
  fc.record({ kind: fc.constant('swap' as const), at: fc.nat(20), with: fc.nat(20) }),
  fc.record({ kind: fc.constant('add' as const), to: paths }),
  fc.record({ kind: fc.constant('set' as const), at: fc.nat(20), property }),
  fc.record({ kind: fc.constant('forget' as const), at: fc.nat(20) }),
  fc.record({ kind: fc.constant('unshare' as const), at: fc.nat(5) }),
  fc.record({ kind: fc.constant('share' as const), at: fc.nat(20), name: fc.constantFrom('s', 'x') }),
);

/** A valid state some edits away from what is there. */
const input = fc
  .record({ observed: host, edits: fc.array(edit, { maxLength: 7 }), remember: fc.boolean(), ignore: fc.boolean(), newPool: fc.boolean() })
  .map(({ observed, edits, remember, ignore, newPool }): PlanInput => {
    const desired = structuredClone(capture(observed));
    desired.ignore_extraneous = ignore;
    let { datasets } = desired;
    const pick = (at: number): DatasetSpec | undefined => datasets[at % Math.max(1, datasets.length)];
    for (const e of edits) {
      if (e.kind === 'add') datasets.push({ name: e.to, kind: 'filesystem', properties: {} });
      else if (e.kind === 'unshare') desired.shares.splice(e.at, 1);
      else {
        const d = pick(e.at);
        if (!d) continue;
        if (e.kind === 'drop') datasets = datasets.filter((x) => !isWithin(x.name, d.name));
        else if (e.kind === 'set') d.properties = { ...d.properties, ...e.property };
        else if (e.kind === 'forget') delete d.guid;
        else if (e.kind === 'share') desired.shares.push(ShareSpec.parse({ kind: 'smb', name: e.name, dataset: d.name, readOnly: true }));
        else if (e.kind === 'swap') {
          const other = pick(e.with);
          if (other) [d.name, other.name] = [other.name, d.name];
        } else {
          const from = d.name;
          for (const x of datasets) if (x === d || (e.subtree && isWithin(x.name, from))) x.name = e.to + x.name.slice(from.length);
        }
      }
    }
    const unique = new Map(datasets.map((d) => [d.name, d]));
    const whole = (name: string): boolean => name === 'tank' || (unique.has(name) && whole(parentOf(name) ?? 'tank'));
    desired.datasets = [...unique.values()].filter((d) => whole(d.name));
    const shares = new Map(desired.shares.filter((s) => whole(s.dataset)).map((s) => [s.kind + s.name, s]));
    desired.shares = [...shares.values()];
    if (newPool)
      desired.pools.push({
        name: 'two',
        vdevs: [{ kind: 'stripe', role: 'data', disks: ['/dev/disk/by-id/ata-C'] }],
        options: { autotrim: 'on' },
        properties: { atime: 'off' },
      });
    return { desired: DesiredState.parse(desired), observed, identities: remember ? identitiesOf(observed) : new Map() };
  });

const freeze = <T>(value: T): T => {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(freeze);
  }
  return value;
};
const RUNS = { numRuns: Number(process.env.FC_RUNS ?? 250) };

describe('every plan', { timeout: 60_000 }, () => {
  test('is valid: unique ids, an order that can be executed, operations the executor takes', () => {
    fc.assert(
      fc.property(input, (i) => {
        const { actions, summary } = plan(freeze(i));
        const done = new Set<string>();
        for (const a of actions) {
          Action.parse(a);
          if (a.operation) Operation.parse(a.operation);
          expect(done.has(a.id), a.id).toBe(false);
          for (const before of a.after) expect(done.has(before), `${a.id} after ${before}`).toBe(true);
          done.add(a.id);
        }
        expect(summary.create + summary.modify + summary.delete + summary.blocked).toBe(actions.length);
      }),
      RUNS,
    );
  });

  test('destroys nothing without an approval that names it, and no pool at all', () => {
    fc.assert(
      fc.property(input, (i) => {
        for (const a of plan(i).actions) {
          if (a.risk === 'destructive') expect(a).toMatchObject({ verb: 'BLOCKED', approval: 'required', target: { name: a.name } });
          if (a.approval === 'impossible') expect(a).toMatchObject({ verb: 'BLOCKED', risk: 'blocked', operation: null });
          if (a.operation?.kind === 'dataset.destroy') {
            const seen = i.observed.datasets.find((d) => d.guid === a.target?.guid);
            const data = seen === undefined || seen.snapshots > 0 || seen.referenced > 512 * 1024;
            expect(a.approval).toBe(data ? 'required' : 'none');
            expect(a.operation.withSnapshots).toBe(data);
            expect(a.name.includes('/')).toBe(true);
          }
        }
      }),
      RUNS,
    );
  });

  test('never makes a dataset anew and deletes the one with its guid', () => {
    fc.assert(
      fc.property(input, (i) => {
        const { actions } = plan(i);
        const wanted = new Set(i.desired.datasets.flatMap((d) => (d.guid === undefined ? [] : [d.guid])));
        for (const a of actions) if (a.operation?.kind === 'dataset.destroy') expect(wanted.has(a.operation.guid), a.id).toBe(false);
      }),
      RUNS,
    );
  });

  test('carried out, leaves nothing to do but what is impossible', () => {
    fc.assert(
      fc.property(input, (i) => {
        let now = i.observed;
        let identities = i.identities;
        let left = plan(i).actions;
        const clean = left.every((a) => a.approval !== 'impossible');
        for (let round = 0; round < (clean ? 1 : 6) && left.some((a) => a.operation !== null); round += 1) {
          now = applyPlan(now, left);
          if (clean) identities = identitiesOf(now);
          left = plan({ desired: i.desired, observed: now, identities }).actions;
        }
        expect(left.filter((a) => a.operation !== null)).toEqual([]);
        if (clean) expect(left).toEqual([]);
      }),
      RUNS,
    );
  });

  test('is a function of what goes in, not of its order', () => {
    const shuffled = <T>(list: readonly T[], seed: number): T[] =>
      list
        .map((x, i) => ({ x, k: ((i + 1) * 7919 * (seed + 1)) % 1009 }))
        .sort((a, b) => a.k - b.k)
        .map(({ x }) => x);
    fc.assert(
      fc.property(input, fc.nat(1000), ({ desired, observed, identities }, seed) => {
        const other: PlanInput = {
          desired: {
            ...desired,
            pools: shuffled(desired.pools, seed),
            datasets: shuffled(desired.datasets, seed),
            shares: shuffled(desired.shares, seed),
          },
          observed: {
            ...observed,
            datasets: shuffled(observed.datasets, seed + 1),
            shares: shuffled(observed.shares, seed),
            disks: shuffled(observed.disks, seed),
          },
          identities: new Map([...identities].reverse()),
        };
        expect(plan(other)).toEqual(plan({ desired, observed, identities }));
      }),
      RUNS,
    );
  });

  test('of what was captured is empty', () => {
    fc.assert(
      fc.property(host, fc.boolean(), (observed, remember) => {
        const desired = capture(freeze(observed));
        expect(DesiredState.safeParse(desired).error).toBeUndefined();
        const { actions, summary } = plan({ desired, observed, identities: remember ? identitiesOf(observed) : new Map() });
        expect(actions).toEqual([]);
        expect(summary.nop).toBe(observed.datasets.length + observed.shares.length);
      }),
      RUNS,
    );
  });
});
