/** Snapshots, however many: sorted, filtered and counted by the box, shown as far as they are looked at. */
import { A, useSearchParams } from '@solidjs/router';
import { createMemo, createSignal, type JSX, Show } from 'solid-js';
import type { Snapshot } from '../../../control/src/domain/snapshot/snapshot.ts';
import { usePages } from '../data/pages.ts';
import { useQuery } from '../data/query.ts';
import { whyNot } from '../data/session.ts';
import { isPhone } from '../data/settings.ts';
import { trpc } from '../data/trpc.ts';
import { Button, Bytes, Page, ProblemBox, Time } from '../parts/basic.tsx';
import { Calendar } from '../parts/Calendar.tsx';
import { type Sorting, VirtualTable } from '../parts/VirtualTable.tsx';
import { pageOf, plural } from '../parts/words.ts';
import { browseHref } from './protection/links.ts';
import { Clones, CloneSnapshot } from './protection/Clones.tsx';
import { DestroyRange, Rollback } from './protection/SnapshotDeeds.tsx';
import { PROTECTION_TABS } from './protection/tabs.ts';
import { DestroySnapshots, HoldSnapshots, TakeSnapshot } from './SnapshotForms.tsx';

type SortName = 'createdAt' | 'name' | 'used' | 'referenced';
/** Half a year, as columns. */
const WEEKS = 26;
const isSort = (v: string): v is SortName => ['createdAt', 'name', 'used', 'referenced'].includes(v);

export const Protection = (): JSX.Element => {
  const [params, setParams] = useSearchParams<{ do?: string; dataset?: string }>();
  const [text, setText] = createSignal('');
  const [held, setHeld] = createSignal(false);
  const [sorting, setSorting] = createSignal<Sorting>({ by: 'createdAt', descending: true });
  const [chosen, setChosen] = createSignal<ReadonlyMap<string, Snapshot>>(new Map());
  const [doing, setDoing] = createSignal<'destroy' | 'hold' | 'release' | 'rollback' | 'clone' | null>(null);
  const input = createMemo(() => ({
    ...(params.dataset !== undefined && { dataset: params.dataset, recursive: true }),
    ...(text().trim() !== '' && { text: text().trim() }),
    ...(held() && { heldOnly: true }),
    sort: isSort(sorting().by) ? (sorting().by as SortName) : ('createdAt' as const),
    descending: sorting().descending,
  }));
  const pages = usePages(input, (i, offset, limit) => trpc.snapshots.list.query({ ...i, offset, limit }), 'snapshot');
  const days = useQuery(
    'snapshot-days',
    () => ({
      ...(params.dataset !== undefined && { dataset: params.dataset }),
      days: WEEKS * 7,
      offsetMinutes: -new Date().getTimezoneOffset(),
    }),
    (i) => trpc.snapshots.days.query(i),
    { topics: ['snapshot'], by: 'day' },
  );
  const keyOf = (s: Snapshot): string => `${s.dataset}@${s.tag}`;
  const toggle = (s: Snapshot): void =>
    void setChosen((was) => {
      const next = new Map(was);
      if (!next.delete(keyOf(s))) next.set(keyOf(s), s);
      return next;
    });
  const picked = createMemo(() => [...chosen().values()]);
  const stop = (): void => {
    setDoing(null);
    setChosen(new Map());
  };
  const whyNotAct = (): string | undefined => whyNot('storage.write') ?? (picked().length === 0 ? 'Choose snapshots first.' : undefined);
  const whyNotOne = (): string | undefined => whyNot('storage.write') ?? (picked().length === 1 ? undefined : 'Choose one snapshot.');
  /** Two or more of one dataset: their ends name a range. */
  const range = createMemo(() => {
    const list = [...picked()].sort((a, b) => a.createTxg - b.createTxg);
    const [first, last] = [list[0], list.at(-1)];
    return list.length === 2 && first && last && first.dataset === last.dataset
      ? { dataset: first.dataset, from: first.tag, to: last.tag }
      : null;
  });
  return (
    <Page
      title="Protection"
      tabs={PROTECTION_TABS}
      lead={
        <Show when={params.dataset} fallback="Snapshots of all datasets.">
          Snapshots of <A href={pageOf(`dataset:${params.dataset}`) ?? '/'}>{params.dataset}</A> and below.{' '}
          <A href="/protection">Show all</A>
        </Show>
      }
      actions={
        <Button look="main" icon="plus" why={whyNot('storage.write')} onClick={() => setParams({ do: 'create' })}>
          Take snapshot
        </Button>
      }
    >
      <Clones />
      <Show when={days.data()}>
        {(d) => <Calendar label="Snapshots by day" of="snapshot" days={d().days} today={d().today} weeks={isPhone() ? 16 : WEEKS} />}
      </Show>
      <div class="tools">
        <input
          class="search"
          type="search"
          aria-label="Search snapshots by name"
          placeholder="Search by dataset or name"
          value={text()}
          onInput={(e) => setText(e.currentTarget.value)}
        />
        <label class="inline">
          <input type="checkbox" checked={held()} onChange={(e) => setHeld(e.currentTarget.checked)} />
          Held only
        </label>
        <Show when={!isPhone() || picked().length > 0}>
          <Button why={whyNotAct()} onClick={() => setDoing('hold')}>
            Hold
          </Button>
          <Button why={whyNotAct()} onClick={() => setDoing('release')}>
            Release
          </Button>
          <Button why={whyNotOne()} onClick={() => setDoing('clone')}>
            Clone
          </Button>
          <Button why={whyNotOne()} onClick={() => setDoing('rollback')}>
            Roll back
          </Button>
          <Button look="danger" why={whyNotAct()} onClick={() => setDoing('destroy')}>
            Destroy
          </Button>
        </Show>
        <span class="total num" role="status">
          {chosen().size > 0 ? `${chosen().size.toLocaleString('en')} chosen of ` : ''}
          {pages.total() === undefined ? 'Counting …' : plural(pages.total() ?? 0, 'snapshot')}
        </span>
      </div>
      <Show when={pages.problem()}>{(p) => <ProblemBox problem={p()} />}</Show>
      <VirtualTable
        label="Snapshots"
        count={pages.total() ?? 0}
        row={pages.row}
        keyOf={keyOf}
        sorting={sorting()}
        onSort={setSorting}
        onRange={pages.look}
        selected={new Set(chosen().keys())}
        onSelect={toggle}
        empty={
          pages.total() === undefined
            ? 'Asking the box …'
            : text() === ''
              ? 'No snapshot yet. Take one: it costs nothing until something changes.'
              : 'No snapshot has this in its name.'
        }
        columns={[
          {
            id: 'd',
            head: 'Dataset',
            width: 'minmax(100px, 1fr)',
            cell: (s) => <A href={pageOf(`dataset:${s.dataset}`) ?? '/'}>{s.dataset}</A>,
          },
          {
            id: 't',
            head: 'Name',
            width: 'minmax(174px, 1fr)',
            sort: 'name',
            cell: (s) => (
              <A class="mono" href={browseHref(s.dataset, s.tag)}>
                {s.tag}
              </A>
            ),
            wide: true,
          },
          {
            id: 'c',
            head: 'Taken',
            width: '120px',
            sort: 'createdAt',
            cell: (s) => (
              <A href={browseHref(s.dataset, s.tag)}>
                <Time at={s.createdAt} />
              </A>
            ),
          },
          { id: 'u', head: 'Own space', width: '110px', align: 'end', sort: 'used', cell: (s) => <Bytes of={s.used} />, wide: true },
          {
            id: 'r',
            head: 'Refers to',
            width: '110px',
            align: 'end',
            sort: 'referenced',
            cell: (s) => <Bytes of={s.referenced} />,
            wide: true,
          },
          {
            id: 'h',
            head: 'Holds',
            width: '76px',
            align: 'end',
            cell: (s) => (s.holds > 0 ? <span class="tag">{s.holds} held</span> : <span class="dim">none</span>),
            wide: true,
          },
        ]}
      />
      <Show when={params.do === 'create'}>
        <TakeSnapshot {...(params.dataset !== undefined && { dataset: params.dataset })} onClose={() => setParams({ do: undefined })} />
      </Show>
      <Show when={doing() === 'destroy'}>
        <Show when={range()} fallback={<DestroySnapshots snapshots={picked()} onClose={stop} />} keyed>
          {(r) => <DestroyRange {...r} two={picked()} onClose={stop} />}
        </Show>
      </Show>
      <Show when={doing() === 'rollback' ? picked()[0] : undefined} keyed>
        {(s) => <Rollback snapshot={s} onClose={stop} />}
      </Show>
      <Show when={doing() === 'clone' ? picked()[0] : undefined} keyed>
        {(s) => <CloneSnapshot snapshot={s} onClose={stop} />}
      </Show>
      <Show when={doing() === 'hold' || doing() === 'release'}>
        <HoldSnapshots snapshots={picked()} release={doing() === 'release'} onClose={stop} />
      </Show>
    </Page>
  );
};
