/** Everything that is stored and on what, as one tree: pools, in each its vdevs and disks, and its datasets. */
import { A, useNavigate } from '@solidjs/router';
import { createMemo, createSignal, type JSX, Match, Switch } from 'solid-js';
import { nothing, useQuery } from '../../data/query.ts';
import { isPhone } from '../../data/settings.ts';
import { trpc } from '../../data/trpc.ts';
import { Answer, Bytes, Page } from '../../parts/basic.tsx';
import { Status, toneOfHealth } from '../../parts/Status.tsx';
import { type Tree, TreeName, VirtualTable } from '../../parts/VirtualTable.tsx';
import { pageOf, plural, shortDisk } from '../../parts/words.ts';
import { STORAGE_TABS } from './tabs.ts';
import { type Node, rowsOf } from './tree.ts';
import '../../style/storage.css';

const nameOf = (n: Node): string => {
  switch (n.kind) {
    case 'pool':
      return n.pool.name;
    case 'vdev':
      return n.vdev.role === 'data' ? n.vdev.name : `${n.vdev.name} (${n.vdev.role})`;
    case 'disk':
      return shortDisk(n.disk.path);
    case 'dataset':
      return n.dataset.name.slice(n.dataset.name.lastIndexOf('/') + 1);
  }
};
const hrefOf = (n: Node): string | null =>
  n.kind === 'pool'
    ? pageOf(`pool:${n.pool.name}`)
    : n.kind === 'dataset'
      ? pageOf(`dataset:${n.dataset.name}`)
      : n.kind === 'disk'
        ? pageOf(`disk:${n.disk.path}`)
        : null;
const KINDS: Readonly<Record<Node['kind'], string>> = { pool: 'pool', vdev: 'vdev', disk: 'disk', dataset: 'filesystem' };

const State = (props: { of: Node }): JSX.Element => {
  const n = props.of;
  if (n.kind === 'dataset')
    return (
      <span class="dim">{n.dataset.mounted ? n.dataset.mountpoint : n.dataset.kind === 'volume' ? 'block device' : 'not mounted'}</span>
    );
  const health = n.kind === 'pool' ? n.pool.health : n.kind === 'vdev' ? n.vdev.state : n.disk.state;
  return <Status tone={toneOfHealth(health)}>{health.toLowerCase()}</Status>;
};

export const StorageTree = (): JSX.Element => {
  const navigate = useNavigate();
  const pools = useQuery('pools', nothing, () => trpc.pools.list.query(), { topics: ['pool'] });
  const datasets = useQuery('datasets', nothing, () => trpc.datasets.list.query(), { topics: ['dataset'] });
  const [closed, setClosed] = createSignal<ReadonlySet<string>>(new Set());
  const rows = createMemo(() => rowsOf(pools.data()?.pools ?? [], datasets.data()?.datasets ?? [], closed()));
  const tree: Tree<Node> = {
    level: (n) => n.level,
    open: (n) => (n.parent ? !closed().has(n.id) : null),
    toggle: (n) =>
      void setClosed((was) => {
        const next = new Set(was);
        if (!next.delete(n.id)) next.add(n.id);
        return next;
      }),
  };
  return (
    <Page title="Storage" tabs={STORAGE_TABS}>
      <Answer query={pools}>
        {(_) => (
          <VirtualTable
            label="Pools, disks and datasets"
            count={rows().length}
            row={(i) => rows()[i]}
            keyOf={(n) => n.id}
            tree={tree}
            onOpen={(n) => {
              const href = hrefOf(n);
              if (href !== null) navigate(href);
            }}
            empty="No pool yet."
            columns={[
              {
                id: 'n',
                head: 'Name',
                width: 'minmax(200px, 1fr)',
                cell: (n) => (
                  <TreeName tree={tree} row={n} name={nameOf(n)}>
                    <Switch fallback={<span>{nameOf(n)}</span>}>
                      <Match when={hrefOf(n)}>{(href) => <A href={href()}>{nameOf(n)}</A>}</Match>
                    </Switch>
                  </TreeName>
                ),
              },
              {
                id: 'k',
                head: 'Kind',
                width: '110px',
                wide: true,
                cell: (n) => <span class="dim">{n.kind === 'dataset' ? n.dataset.kind : KINDS[n.kind]}</span>,
              },
              {
                id: 'u',
                head: 'Used',
                width: '100px',
                align: 'end',
                cell: (n) =>
                  n.kind === 'pool' ? (
                    <Bytes of={n.pool.allocated} />
                  ) : n.kind === 'dataset' ? (
                    <Bytes of={n.dataset.used} />
                  ) : isPhone() ? (
                    <State of={n} />
                  ) : (
                    ''
                  ),
              },
              {
                id: 'f',
                head: 'Free',
                width: '100px',
                align: 'end',
                wide: true,
                cell: (n) =>
                  n.kind === 'pool' ? <Bytes of={n.pool.free} /> : n.kind === 'dataset' ? <Bytes of={n.dataset.available} /> : '',
              },
              { id: 's', head: 'State', width: 'minmax(140px, 0.7fr)', wide: true, cell: (n) => <State of={n} /> },
              {
                id: 'm',
                head: 'What it means',
                width: 'minmax(160px, 1fr)',
                wide: true,
                cell: (n) => {
                  if (n.kind === 'pool') return <span title={n.pool.meaning}>{n.pool.meaning}</span>;
                  if (n.kind !== 'disk') return '';
                  const errors = n.disk.readErrors + n.disk.writeErrors + n.disk.checksumErrors;
                  return errors > 0 ? plural(errors, 'error') : '';
                },
              },
            ]}
          />
        )}
      </Answer>
    </Page>
  );
};
