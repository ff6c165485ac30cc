import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isWithin } from '../domain/names.ts';
import type { Snapshot } from '../domain/snapshot/snapshot.ts';
import { openStore } from './store.ts';
import { storeLab } from './store.testing.ts';
import type { SnapshotQuery } from './types.ts';

const DATASETS = ['tank', 'tank/a', 'tank/a/b', 'tank/a-b', 'tank/a.c', 'tank/A', 'tank/media films', 'tank2/a'];
const snapshot = (i: number, change: Partial<Snapshot> = {}): Snapshot => ({
  guid: String(18_446_744_073_709_551_615n - BigInt(i)),
  dataset: DATASETS[i % 7] ?? 'tank',
  tag: `${['auto', 'GMT-2026.11.20', 'x_y'][i % 3]}-${i % 40}`,
  createTxg: 1000 + i,
  createdAt: 1_800_000_000_000 + (i % 50) * 1000,
  used: (i * 7919) % 1009,
  referenced: (i * 104_729) % 997,
  holds: i % 9 === 0 ? 1 : 0,
  mark: i % 4 === 0 ? 'hourly@17' : null,
  ...change,
});
const some = (n: number): Snapshot[] => Array.from({ length: n }, (_, i) => snapshot(i));
async function* stream(rows: readonly Snapshot[]): AsyncGenerator<Snapshot> {
  for (const row of rows) yield row;
}

/** What a query means, said again without SQL. */
const model = (rows: readonly Snapshot[], q: SnapshotQuery): Snapshot[] => {
  const text = (q.text ?? '').trim().toLowerCase();
  const [left, right] = text.split(/@(.*)/s);
  const matches = (s: Snapshot): boolean => {
    const dataset = s.dataset.toLowerCase();
    const tag = s.tag.toLowerCase();
    return right === undefined ? dataset.includes(text) || tag.includes(text) : dataset.endsWith(left ?? '') && tag.startsWith(right);
  };
  return rows.filter(
    (s) =>
      (q.dataset === undefined || (q.recursive === true ? isWithin(s.dataset, q.dataset) : s.dataset === q.dataset)) &&
      (q.heldOnly !== true || s.holds > 0) &&
      (text === '' || matches(s)),
  );
};
const keyOf = (s: Snapshot, sort: SnapshotQuery['sort']): string | number =>
  sort === 'name' ? `${s.dataset}\0${s.tag}` : s[sort ?? 'createdAt'];

const query = fc.record(
  {
    dataset: fc.constantFrom(...DATASETS, 'nowhere'),
    recursive: fc.boolean(),
    text: fc.oneof(
      fc.constantFrom(
        'auto',
        'a',
        'to-1',
        '_',
        'x_y',
        '-',
        'a@',
        '@auto',
        'b@auto-1',
        'a@GMT',
        'TANK',
        'films',
        '%',
        'tank/a',
        '.11.',
        '@',
        ' auto ',
        'zzz',
      ),
      fc.string({ unit: 'binary', maxLength: 12 }),
    ),
    heldOnly: fc.boolean(),
    sort: fc.constantFrom('createdAt' as const, 'name' as const, 'used' as const, 'referenced' as const),
    descending: fc.boolean(),
    offset: fc.nat(450),
    limit: fc.nat(60),
  },
  { requiredKeys: ['offset', 'limit'] },
);

describe('a page', () => {
  it('is what the query means: total, order, every row once', async () => {
    const { snapshots } = storeLab().open();
    const rows = some(400);
    await snapshots.replacePool('tank', stream(rows));
    fc.assert(
      fc.property(query, (q) => {
        const expected = model(rows, q);
        const page = snapshots.page(q);
        expect(page.total).toBe(expected.length);
        const keys = expected.map((s) => keyOf(s, q.sort)).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
        if (q.descending === true) keys.reverse();
        expect(page.rows.map((s) => keyOf(s, q.sort))).toEqual(keys.slice(q.offset, q.offset + q.limit));
        for (const row of page.rows) expect(expected).toContainEqual(row);
        expect(JSON.parse(snapshots.pageJson(q))).toEqual(page);
      }),
      { numRuns: 400 },
    );
  });

  it('shows every row once when it is turned, though many have the same time', async () => {
    const { snapshots } = storeLab().open();
    await snapshots.replacePool('tank', stream(some(400)));
    for (const descending of [false, true]) {
      const guids = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((i) =>
        snapshots.page({ offset: i * 41, limit: 41, descending }).rows.map((s) => s.guid),
      );
      expect(guids).toHaveLength(400);
      expect(new Set(guids).size).toBe(400);
    }
  });

  it('is the same when few are sorted and when many are picked out of the order', async () => {
    const { snapshots } = storeLab().open();
    const rows = Array.from({ length: 2600 }, (_, i) => snapshot(i, { dataset: i < 2300 ? 'tank/big' : 'tank/small', tag: `t${i}` }));
    await snapshots.replacePool('tank', stream(rows));
    for (const dataset of ['tank/big', 'tank/small']) {
      const used = snapshots.page({ dataset, sort: 'used', offset: 0, limit: 5000 }).rows.map((s) => s.used);
      expect(used).toEqual(
        rows
          .filter((s) => s.dataset === dataset)
          .map((s) => s.used)
          .sort((a, b) => a - b),
      );
    }
  });
});

describe('replacing a pool', () => {
  it('tells what changed, and the next time that nothing did', async () => {
    const { snapshots } = storeLab().open();
    const rows = some(300);
    expect(await snapshots.replacePool('tank', stream(rows))).toEqual({ added: 300, removed: 0, changed: 0, total: 300 });
    const version = snapshots.version();
    expect(await snapshots.replacePool('tank', stream(rows))).toEqual({ added: 0, removed: 0, changed: 0, total: 300 });
    expect(snapshots.version()).toBe(version);
    const next = [...rows.slice(10), snapshot(1000)].map((s, i) => (i < 5 ? { ...s, used: s.used + 1, tag: `renamed-${i}`, holds: 2 } : s));
    expect(await snapshots.replacePool('tank', stream(next))).toEqual({ added: 1, removed: 10, changed: 5, total: 291 });
    expect(snapshots.version()).toBeGreaterThan(version);
    const all = snapshots.page({ offset: 0, limit: 1000 });
    expect(new Map(all.rows.map((s) => [s.guid, s]))).toEqual(new Map(next.map((s) => [s.guid, s])));
    expect(snapshots.page({ text: 'renamed', offset: 0, limit: 10 }).total).toBe(5);
  });

  it('ends in the listing, whatever was there before', async () => {
    const rows = fc.uniqueArray(
      fc
        .record({ i: fc.nat(30), tag: fc.constantFrom('a', 'bcd', 'bcde'), used: fc.nat(2), holds: fc.nat(1) })
        .map(({ i, ...change }) => snapshot(i, change)),
      { selector: (s) => s.guid, maxLength: 25 },
    );
    const store = storeLab().open();
    const { snapshots } = store;
    await fc.assert(
      fc.asyncProperty(fc.array(rows, { minLength: 1, maxLength: 4 }), async (listings) => {
        for (const listing of listings) {
          await snapshots.replacePool('tank', stream(listing));
          const all = snapshots.page({ offset: 0, limit: 100 });
          expect(new Map(all.rows.map((s) => [s.guid, s]))).toEqual(new Map(listing.map((s) => [s.guid, s])));
          const counts = new Map<string, number>();
          for (const s of listing) counts.set(s.dataset, (counts.get(s.dataset) ?? 0) + 1);
          expect(new Map([...snapshots.countByDataset()].sort())).toEqual(new Map([...counts].sort()));
          expect(snapshots.page({ text: 'bcd', offset: 0, limit: 0 }).total).toBe(listing.filter((s) => s.tag.startsWith('bcd')).length);
        }
        expect(store.check()).toEqual([]);
      }),
      { numRuns: 25 },
    );
  });

  it('shows the old pool whole until the new one is', async () => {
    const { snapshots } = storeLab().open();
    await snapshots.replacePool('tank', stream(some(1500)));
    const before = snapshots.version();
    const views: string[] = [];
    let next = setImmediate(() => undefined);
    const look = (): void => {
      const { total } = snapshots.page({ offset: 0, limit: 1 });
      const held = snapshots.page({ offset: 0, limit: 5000, heldOnly: true });
      views.push(`${total} ${held.total} ${held.rows.length} ${snapshots.version() - before}`);
      next = setImmediate(look);
    };
    look();
    await snapshots.replacePool('tank', stream(Array.from({ length: 3000 }, (_, i) => snapshot(i + 1000, { holds: 1 }))));
    clearImmediate(next);
    look();
    clearImmediate(next);
    expect([...new Set(views)]).toEqual(['1500 167 167 0', '3000 3000 3000 1']);
    expect(views.filter((v) => v.startsWith('1500')).length).toBeGreaterThan(3);
  });

  it('changes nothing when the listing fails, or lists another pool', async () => {
    const { snapshots } = storeLab().open();
    await snapshots.replacePool('tank', stream(some(20)));
    const version = snapshots.version();
    async function* failing(): AsyncGenerator<Snapshot> {
      for (let i = 0; i < 1200; i += 1) yield snapshot(i + 5000);
      throw new Error('the pool stopped answering');
    }
    await expect(snapshots.replacePool('tank', failing())).rejects.toThrow('stopped answering');
    await expect(snapshots.replacePool('tank', stream([snapshot(0, { dataset: 'tank2/a' })]))).rejects.toThrow(
      'listed as one of pool tank',
    );
    expect(snapshots.page({ offset: 0, limit: 1 }).total).toBe(20);
    expect(snapshots.version()).toBe(version);
  });

  it('leaves other pools alone, also when they are replaced at the same time', async () => {
    const { snapshots } = storeLab().open();
    const other = some(900).map((s) => ({ ...s, dataset: 'tank2/a' }));
    const results = await Promise.all([snapshots.replacePool('tank', stream(some(700))), snapshots.replacePool('tank2', stream(other))]);
    expect(results.map((r) => r.added)).toEqual([700, 900]);
    await snapshots.replacePool('tank', stream([]));
    expect([...snapshots.countByDataset()]).toEqual([['tank2/a', 900]]);
    snapshots.forgetPool('tank2');
    expect(snapshots.page({ offset: 0, limit: 1 }).total).toBe(0);
  });

  it('keeps what was added while it was being listed', async () => {
    const { snapshots } = storeLab().open();
    async function* slow(): AsyncGenerator<Snapshot> {
      yield snapshot(1);
      snapshots.upsert([snapshot(2, { tag: 'just-made' })]);
      yield snapshot(3);
    }
    await snapshots.replacePool('tank', slow());
    expect(snapshots.page({ text: 'just-made', offset: 0, limit: 1 }).total).toBe(1);
    expect(snapshots.page({ offset: 0, limit: 1 }).total).toBe(3);
  });
});

describe('single changes', () => {
  it('are seen at once, and a received snapshot is one of each dataset', () => {
    const { snapshots } = storeLab().open();
    snapshots.upsert([snapshot(1, { dataset: 'tank/a', tag: 'x' }), snapshot(1, { dataset: 'backup/a', tag: 'x' })]);
    expect(snapshots.page({ offset: 0, limit: 5 }).total).toBe(2);
    const version = snapshots.version();
    snapshots.upsert([snapshot(1, { dataset: 'tank/a', tag: 'x', used: 77 })]);
    expect(snapshots.page({ dataset: 'tank/a', offset: 0, limit: 5 }).rows[0]?.used).toBe(77);
    expect(snapshots.version()).toBe(version + 1);
    snapshots.remove(snapshot(1).guid, 'tank/a');
    expect(snapshots.page({ offset: 0, limit: 5 }).rows.map((s) => s.dataset)).toEqual(['backup/a']);
    snapshots.remove(snapshot(1).guid);
    expect(snapshots.page({ offset: 0, limit: 5 }).total).toBe(0);
  });

  it('replace a snapshot whose name another one took', () => {
    const { snapshots } = storeLab().open();
    snapshots.upsert([snapshot(1, { dataset: 'tank/a', tag: 'x' })]);
    snapshots.upsert([snapshot(2, { dataset: 'tank/a', tag: 'x' })]);
    expect(snapshots.page({ offset: 0, limit: 5 }).rows.map((s) => s.guid)).toEqual([snapshot(2).guid]);
  });

  it('stay over a restart, with the version', () => {
    const lab = storeLab();
    const store = openStore(lab.options);
    store.snapshots.upsert(some(5));
    const version = store.snapshots.version();
    store.close();
    const again = lab.open();
    expect(again.snapshots.page({ offset: 0, limit: 9 }).total).toBe(5);
    expect(again.snapshots.version()).toBe(version);
  });
});

it('counts by day, in the days of whoever asks', async () => {
  const store = storeLab().open();
  const DAY = 86_400_000;
  const at = (day: number, hour: number): number => day * DAY + hour * 3_600_000;
  await store.snapshots.replacePool(
    'tank',
    stream([
      snapshot(1, { dataset: 'tank/a', createdAt: at(20_000, 1) }),
      snapshot(2, { dataset: 'tank/a/b', createdAt: at(20_000, 23) }),
      snapshot(3, { dataset: 'tank/a-b', createdAt: at(20_002, 12) }),
    ]),
  );
  expect(store.snapshots.perDay(0, 0)).toEqual([
    { day: 20_000, count: 2 },
    { day: 20_002, count: 1 },
  ]);
  // two hours east of UTC the late one is of the next day
  expect(store.snapshots.perDay(0, 2 * 3_600_000, 'tank/a')).toEqual([
    { day: 20_000, count: 1 },
    { day: 20_001, count: 1 },
  ]);
  expect(store.snapshots.perDay(at(20_001, 0), 0)).toEqual([{ day: 20_002, count: 1 }]);
});
