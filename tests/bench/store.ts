/** The store: verifying the audit chain, and the snapshot index at 100,000. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Snapshot } from '../../control/src/domain/snapshot/snapshot.ts';
import { openStore } from '../../control/src/store/store.ts';
import type { SnapshotQuery, Store } from '../../control/src/store/types.ts';
import { type Bench, type Figure, figure, median } from './bench.ts';

const withStore = async <T>(work: (store: Store) => Promise<T>): Promise<T> => {
  const folder = mkdtempSync(join(tmpdir(), 'dplane-bench-'));
  const store = openStore({
    path: join(folder, 'dplane.db'),
    auditKey: Buffer.alloc(32, 1),
    sealPath: join(folder, 'seal'),
    clock: Date.now,
  });
  try {
    return await work(store);
  } finally {
    store.close();
    rmSync(folder, { recursive: true, force: true });
  }
};

/** Highest resident memory and longest wait for a turn of the event loop while `work` runs, and how long it took. */
const watched = async (work: () => Promise<unknown>): Promise<{ ms: number; grownMb: number; longestTurnMs: number }> => {
  const before = process.memoryUsage.rss();
  let highest = before;
  let longest = 0;
  const began = performance.now();
  let last = began;
  const look = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    highest = Math.max(highest, process.memoryUsage.rss());
    next = setImmediate(look);
  };
  let next = setImmediate(look);
  await work();
  clearImmediate(next);
  return { ms: performance.now() - began, grownMb: (highest - before) / 1e6, longestTurnMs: longest };
};

const appendUpTo = (store: Store, count: number): void => {
  for (let done = store.audit.count(); done < count; done += 1000)
    store.transact(() => {
      for (let i = done; i < done + 1000; i += 1)
        store.audit.append({
          actor: { kind: 'user', name: 'alice', via: 'web 192.0.2.7' },
          action: 'dataset.set',
          subject: `dataset:tank/media/films${i % 1000}`,
          outcome: 'succeeded',
          reason: 'permission storage.write',
          detail: { planDigest: 'a'.repeat(64), property: 'compression', from: 'lz4', to: 'zstd' },
        });
    });
};

const audit = async (): Promise<Figure[]> =>
  withStore(async (store) => {
    const figures: Figure[] = [];
    // The baseline is the original's faster version.
    for (const [count, label, baseline] of [
      [10_000, '10,000', 54],
      [100_000, '100,000', 495],
      [1_000_000, '1,000,000', null],
    ] as const) {
      appendUpTo(store, count);
      const took: number[] = [];
      let grown = 0;
      let turn = 0;
      for (let i = 0; i < (count > 100_000 ? 1 : 5); i += 1) {
        const seen = await watched(async () => {
          const verdict = await store.audit.verify();
          if (!verdict.intact || verdict.entries !== count)
            throw new Error(`the chain of ${label} entries does not verify: ${verdict.problem}`);
        });
        took.push(seen.ms);
        grown = Math.max(grown, seen.grownMb);
        turn = Math.max(turn, seen.longestTurnMs);
      }
      figures.push(figure(`audit verify, ${label} entries`, median(took), 'ms', baseline, `longest turn ${turn.toFixed(1)} ms`));
      if (count > 100_000) figures.push(figure(`audit verify, ${label} entries: memory growth`, grown, 'MB'));
    }
    return figures;
  });

const SNAPSHOTS = 100_000;
const DATASETS = 200;
async function* listing(): AsyncGenerator<Snapshot> {
  const each = SNAPSHOTS / DATASETS;
  for (let i = 0; i < SNAPSHOTS; i += 1) {
    const k = i % each;
    yield {
      guid: String(9_000_000_000_000_000_000n + ((BigInt(i) * 2_654_435_761n) % 4_294_967_296n)),
      dataset: `tank/home/user${Math.floor(i / each)}`,
      tag: `autosnap_2026-11-${String((k % 30) + 1).padStart(2, '0')}_${k}_${k % 24 === 0 ? 'daily' : 'hourly'}`,
      createTxg: 1_000_000 + i,
      createdAt: 1_795_200_000_000 + k * 3_600_000,
      used: ((i * 7919) % 1_000_003) * 512,
      referenced: ((i * 104_729) % 1_000_003) * 4096,
      holds: i % 50 === 0 ? 1 : 0,
      mark: null,
    };
  }
}

/** Numbers that look random and are the same in every run. */
const random = (seed: number) => (): number => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return seed / 2 ** 32;
};

const pick = <T>(list: readonly T[], at: number): T => {
  const item = list[Math.floor(at * list.length)];
  if (item === undefined) throw new RangeError('an empty list');
  return item;
};

const index = async (): Promise<Figure[]> =>
  withStore(async ({ snapshots }) => {
    const built = await watched(async () => snapshots.replacePool('tank', listing()));
    const again = await watched(async () => snapshots.replacePool('tank', listing()));
    const next = random(7);
    const pages: number[] = [];
    for (let i = 0; i < 400; i += 1) {
      const filter = pick<Partial<SnapshotQuery>>(
        [
          {},
          { dataset: `tank/home/user${Math.floor(next() * DATASETS)}` },
          { dataset: 'tank', recursive: true },
          { heldOnly: true },
          { text: pick(['daily', 'hourly', '7', 'user1', '2026-11-1', `user${i % 200}@auto`, '_42_'], next()) },
          { dataset: 'tank/home', recursive: true, text: pick(['daily', 'user7', '11-2'], next()), heldOnly: next() < 0.5 },
        ],
        next(),
      );
      const query = {
        ...filter,
        sort: pick(['createdAt', 'name', 'used', 'referenced'] as const, next()),
        descending: next() < 0.5,
        limit: 50,
      };
      // Anywhere in what the filter leaves; the first question pays for counting it.
      const began = performance.now();
      const { total } = snapshots.page({ ...query, offset: 0 });
      pages.push(performance.now() - began);
      const offset = Math.floor(next() * total);
      const turned = performance.now();
      snapshots.page({ ...query, offset });
      pages.push(performance.now() - turned);
    }
    pages.sort((a, b) => a - b);
    const large: number[] = [];
    for (let i = 0; i < 15; i += 1) {
      const began = performance.now();
      snapshots.pageJson({ offset: i * 1000, limit: 10_000 });
      large.push(performance.now() - began);
    }
    return [
      figure('snapshot index, 100,000: any page, p50', median(pages), 'ms'),
      figure('snapshot index, 100,000: any page, p99', pages[Math.floor(pages.length * 0.99)] ?? Number.NaN, 'ms', null, 'limit 50 ms'),
      figure('snapshot index, 100,000: 10,000 rows as JSON', median(large), 'ms'),
      figure('snapshot index, 100,000: building', built.ms, 'ms', null, `longest turn ${built.longestTurnMs.toFixed(0)} ms`),
      figure('snapshot index, 100,000: building, memory growth', built.grownMb, 'MB', null, 'limit 60 MB'),
      figure(
        'snapshot index, 100,000: a listing without a change',
        again.ms,
        'ms',
        null,
        `longest turn ${again.longestTurnMs.toFixed(0)} ms`,
      ),
    ];
  });

export const benches: Bench[] = [
  { name: 'audit chain', run: audit },
  { name: 'snapshot index', run: index },
];
