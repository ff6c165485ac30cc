/** Pools, their disks and their datasets as one tree, flattened to the rows that are shown. Pure. */
import type { Outputs } from '../../data/trpc.ts';

type Pool = Outputs['pools']['list']['pools'][number];
type Dataset = Outputs['datasets']['list']['datasets'][number];
type Vdev = Pool['vdevs'][number];
type Disk = Vdev['disks'][number];

export type Node = { id: string; level: number; parent: boolean } & (
  | { kind: 'pool'; pool: Pool }
  | { kind: 'vdev'; vdev: Vdev }
  | { kind: 'disk'; disk: Disk }
  | { kind: 'dataset'; dataset: Dataset }
);

/** Closed ones hide what is below them. Each pool has its vdevs first, then its root dataset with all below it. */
export const rowsOf = (pools: readonly Pool[], datasets: readonly Dataset[], closed: ReadonlySet<string>): Node[] => {
  const sorted = datasets.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const parents = new Set(sorted.flatMap((d) => (d.name.includes('/') ? [d.name.slice(0, d.name.lastIndexOf('/'))] : [])));
  const rows: Node[] = [];
  const vdevs = (pool: Pool): void => {
    for (const vdev of pool.vdevs) {
      const id = `vdev ${vdev.guid}`;
      rows.push({ id, level: 1, parent: vdev.disks.length > 0, kind: 'vdev', vdev });
      if (!closed.has(id))
        for (const disk of vdev.disks) rows.push({ id: `disk ${disk.guid}`, level: 2, parent: false, kind: 'disk', disk });
    }
  };
  const below = (pool: Pool): void => {
    let hidden: string | null = null;
    for (const dataset of sorted) {
      if (dataset.name !== pool.name && !dataset.name.startsWith(`${pool.name}/`)) continue;
      if (hidden !== null && dataset.name.startsWith(`${hidden}/`)) continue;
      const id = `dataset ${dataset.name}`;
      hidden = closed.has(id) ? dataset.name : null;
      rows.push({ id, level: dataset.name.split('/').length, parent: parents.has(dataset.name), kind: 'dataset', dataset });
    }
  };
  for (const pool of pools) {
    const id = `pool ${pool.name}`;
    rows.push({ id, level: 0, parent: true, kind: 'pool', pool });
    if (closed.has(id)) continue;
    vdevs(pool);
    below(pool);
  }
  return rows;
};
