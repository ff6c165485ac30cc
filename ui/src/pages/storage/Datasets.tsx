/** All datasets as one tree; a search shows what it finds as a flat list. */
import { A, useNavigate, useSearchParams } from '@solidjs/router';
import { createMemo, createSignal, type JSX, Show } from 'solid-js';
import { isWithin, parentOf } from '../../../../control/src/domain/names.ts';
import { nothing, useQuery } from '../../data/query.ts';
import { whyNot } from '../../data/session.ts';
import type { Outputs } from '../../data/trpc.ts';
import { trpc } from '../../data/trpc.ts';
import { Answer, Button, Bytes, Page } from '../../parts/basic.tsx';
import { type Sorting, type Tree, TreeName, VirtualTable } from '../../parts/VirtualTable.tsx';
import { pageOf, plural } from '../../parts/words.ts';
import { CreateDataset } from './DatasetForms.tsx';
import { STORAGE_TABS } from './tabs.ts';
import '../../style/storage.css';

type Row = Outputs['datasets']['list']['datasets'][number];

const BY: Record<string, (a: Row, b: Row) => number> = {
  used: (a, b) => a.used - b.used,
  available: (a, b) => a.available - b.available,
  snapshots: (a, b) => a.snapshots - b.snapshots,
};

export const Datasets = (): JSX.Element => {
  const navigate = useNavigate();
  const [params, setParams] = useSearchParams<{ do?: string; q?: string }>();
  const datasets = useQuery('datasets', nothing, () => trpc.datasets.list.query(), { topics: ['dataset'] });
  const [text, setText] = createSignal(params.q ?? '');
  const [sorting, setSorting] = createSignal<Sorting>({ by: 'name', descending: false });
  const [closed, setClosed] = createSignal<ReadonlySet<string>>(new Set());

  const all = createMemo(() => (datasets.data()?.datasets ?? []).toSorted((a, b) => (a.name < b.name ? -1 : 1)));
  const parents = createMemo(() => new Set(all().flatMap((d) => parentOf(d.name) ?? [])));
  const isTree = (): boolean => text() === '' && sorting().by === 'name' && !sorting().descending;
  const shown = createMemo((): Row[] => {
    const asked = text().toLowerCase();
    if (isTree()) {
      const hidden = [...closed()];
      return all().filter((d) => !hidden.some((h) => d.name !== h && isWithin(d.name, h)));
    }
    const found = all().filter((d) => d.name.toLowerCase().includes(asked));
    const compare = BY[sorting().by];
    if (compare) found.sort(compare);
    return sorting().descending ? found.toReversed() : found;
  });
  const fold = (name: string): void =>
    void setClosed((was) => {
      const next = new Set(was);
      if (!next.delete(name)) next.add(name);
      return next;
    });
  const open = (d: Row): void => navigate(pageOf(`dataset:${d.name}`) ?? '/');

  const tree: Tree<Row> = {
    level: (d) => d.name.split('/').length - 1,
    open: (d) => (parents().has(d.name) ? !closed().has(d.name) : null),
    toggle: (d) => fold(d.name),
  };
  const Name = (props: { of: Row; text: string }): JSX.Element => (
    <>
      <A href={pageOf(`dataset:${props.of.name}`) ?? '/'}>{props.text}</A>
      <Show when={props.of.kind === 'volume'}>
        <span class="tag">volume</span>
      </Show>
      <Show when={props.of.keyStatus === 'unavailable'}>
        <span class="tag">locked</span>
      </Show>
    </>
  );
  const nameCell = (d: Row): JSX.Element => (
    <Show
      when={isTree()}
      fallback={
        <span class="tree-name">
          <Name of={d} text={d.name} />
        </span>
      }
    >
      <TreeName tree={tree} row={d} name={d.name}>
        <Name of={d} text={d.name.slice(d.name.lastIndexOf('/') + 1)} />
      </TreeName>
    </Show>
  );

  return (
    <Page
      title="Storage"
      tabs={STORAGE_TABS}
      actions={
        <Button look="main" icon="plus" why={whyNot('storage.write')} onClick={() => setParams({ do: 'create' })}>
          Create dataset
        </Button>
      }
    >
      <Answer query={datasets}>
        {(_) => (
          <>
            <div class="tools">
              <input
                class="search"
                type="search"
                aria-label="Search datasets by name"
                placeholder="Search by name"
                value={text()}
                onInput={(e) => setText(e.currentTarget.value)}
              />
              <span class="total num" role="status">
                {shown().length === all().length
                  ? plural(all().length, 'dataset')
                  : `${shown().length} of ${plural(all().length, 'dataset')}`}
              </span>
            </div>
            <VirtualTable
              label="Datasets"
              tree={isTree() ? tree : undefined}
              count={shown().length}
              row={(i) => shown()[i]}
              keyOf={(d) => d.name}
              sorting={sorting()}
              onSort={setSorting}
              onOpen={open}
              empty={text() === '' ? 'No dataset yet.' : `No dataset has “${text()}” in its name.`}
              columns={[
                { id: 'name', head: 'Name', width: 'minmax(180px, 1fr)', sort: 'name', cell: nameCell },
                { id: 'used', head: 'Used', width: '110px', align: 'end', sort: 'used', cell: (d) => <Bytes of={d.used} /> },
                {
                  id: 'avail',
                  head: 'Available',
                  width: '110px',
                  align: 'end',
                  sort: 'available',
                  wide: true,
                  cell: (d) => <Bytes of={d.available} />,
                },
                {
                  id: 'snap',
                  head: 'Snapshots',
                  width: '104px',
                  align: 'end',
                  sort: 'snapshots',
                  wide: true,
                  cell: (d) => <span class="num">{d.snapshots.toLocaleString('en')}</span>,
                },
                {
                  id: 'ratio',
                  head: 'Ratio',
                  width: '80px',
                  align: 'end',
                  wide: true,
                  cell: (d) => <span class="num">{d.compressRatio.toFixed(2)}×</span>,
                },
                {
                  id: 'at',
                  head: 'Mounted at',
                  width: 'minmax(140px, 0.6fr)',
                  wide: true,
                  cell: (d) => <span class="dim">{d.mounted ? d.mountpoint : d.kind === 'volume' ? 'block device' : 'not mounted'}</span>,
                },
              ]}
            />
          </>
        )}
      </Answer>
      <Show when={params.do === 'create'}>
        <CreateDataset onClose={() => setParams({ do: undefined })} />
      </Show>
    </Page>
  );
};
