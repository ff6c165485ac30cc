/** Rolling back, destroying a range: each shows first what the box says it would take. */
import { createSignal, For, type JSX, Show } from 'solid-js';
import { formatBytes } from '../../../../control/src/domain/units.ts';
import type { Snapshot } from '../../../../control/src/domain/snapshot/snapshot.ts';
import { useQuery } from '../../data/query.ts';
import { trpc } from '../../data/trpc.ts';
import { SelectField } from '../../forms/Field.tsx';
import { Note, ProblemBox } from '../../parts/basic.tsx';
import { exact, plural } from '../../parts/words.ts';
import { ChangeDialog } from '../../plan/ChangeDialog.tsx';

const SHOWN = 8;
const Tags = (props: { list: readonly { tag: string; at: number }[] }): JSX.Element => (
  <ul>
    <For each={props.list.slice(0, SHOWN)}>
      {(s) => (
        <li>
          <span class="mono">{s.tag}</span> <span class="dim">{exact(s.at)}</span>
        </li>
      )}
    </For>
    <Show when={props.list.length > SHOWN}>
      <li>and {plural(props.list.length - SHOWN, 'more', 'more')}</li>
    </Show>
  </ul>
);
const Obstacles = (props: { list: readonly string[] }): JSX.Element => (
  <Show when={props.list.length > 0}>
    <Note tone="warn" title="Something stands in the way">
      <ul>
        <For each={props.list.slice(0, SHOWN)}>{(o) => <li>{o}</li>}</For>
      </ul>
    </Note>
  </Show>
);

export const Rollback = (props: { snapshot: Snapshot; onClose: () => void }): JSX.Element => {
  const { dataset, tag } = props.snapshot;
  const view = useQuery(
    'rollback',
    () => ({ dataset, tag }),
    (i) => trpc.snapshots.rollback.query(i),
    { topics: ['snapshot'], by: 'guid' },
  );
  const changes = () => {
    const v = view.data();
    if (!v || v.obstacles.length > 0) return null;
    return [
      {
        kind: 'snapshot.rollback' as const,
        dataset,
        tag,
        guid: v.guid,
        loses: v.loses.map((s) => ({ tag: s.tag, guid: s.guid })),
        bookmarks: [...v.bookmarks],
      },
    ];
  };
  return (
    <ChangeDialog
      title={`Roll ${dataset} back`}
      about={`It becomes what it was at ${exact(props.snapshot.createdAt)}. Everything written since is lost. To get single files back, open the snapshot instead.`}
      onClose={props.onClose}
      changes={changes}
    >
      <Show when={view.problem()}>{(p) => <ProblemBox problem={p()} />}</Show>
      <Show when={view.data()} fallback={<p class="waiting">Looking at what is newer …</p>}>
        {(v) => (
          <>
            <Show when={v().loses.length > 0} fallback={<p>No snapshot is newer.</p>}>
              <p>{v().loses.length === 1 ? 'This newer snapshot goes' : `These ${v().loses.length} newer snapshots go`} with it:</p>
              <Tags list={v().loses} />
            </Show>
            <Show when={v().bookmarks.length > 0}>
              <p>Bookmarks that go: {v().bookmarks.join(', ')}</p>
            </Show>
            <Obstacles list={v().obstacles} />
          </>
        )}
      </Show>
    </ChangeDialog>
  );
};

export const DestroyRange = (props: {
  dataset: string;
  from: string;
  to: string;
  two: readonly Snapshot[];
  onClose: () => void;
}): JSX.Element => {
  const [all, setAll] = createSignal(false);
  const view = useQuery(
    'range',
    () => ({ dataset: props.dataset, from: props.from, to: props.to }),
    (i) => trpc.snapshots.range.query(i),
    { topics: ['snapshot'], by: 'guid' },
  );
  const between = () => view.data()?.snapshots ?? [];
  return (
    <ChangeDialog
      title="Destroy snapshots"
      about="What only they hold is gone for good."
      onClose={props.onClose}
      changes={() =>
        all()
          ? [{ kind: 'snapshot.destroyMany', dataset: props.dataset, snapshots: between().map((s) => ({ tag: s.tag, guid: s.guid })) }]
          : props.two.map((s) => ({ kind: 'snapshot.destroy', dataset: s.dataset, tag: s.tag, guid: s.guid }))
      }
    >
      <Show when={between().length > 2}>
        <SelectField
          label="Which"
          value={all() ? 'all' : 'two'}
          onChange={(v) => setAll(v === 'all')}
          choices={[
            { value: 'two', label: 'Only these two' },
            { value: 'all', label: `All ${between().length} from one to the other` },
          ]}
        />
      </Show>
      <Show when={all()}>
        <Tags list={between()} />
        <Show when={view.data()?.reclaims}>{(n) => <p>Destroying them gives back {formatBytes(n())}.</p>}</Show>
        <Obstacles list={view.data()?.obstacles ?? []} />
      </Show>
    </ChangeDialog>
  );
};
