import { createSignal, For, type JSX } from 'solid-js';
import { DatasetName, SnapshotTag } from '../../../control/src/domain/names.ts';
import { gmtTag, type Snapshot } from '../../../control/src/domain/snapshot/snapshot.ts';
import { nothing, useQuery } from '../data/query.ts';
import { trpc } from '../data/trpc.ts';
import { CheckField, TextField } from '../forms/Field.tsx';
import { problemWith } from '../forms/schema.ts';
import { plural } from '../parts/words.ts';
import { DestroyedView } from './storage/Previews.tsx';
import { ChangeDialog } from '../plan/ChangeDialog.tsx';

const NONE = '';
export const TakeSnapshot = (props: { dataset?: string; onClose: () => void }): JSX.Element => {
  const datasets = useQuery(
    'datasets',
    () => (props.dataset === undefined ? nothing() : null),
    () => trpc.datasets.list.query(),
    { topics: ['dataset'] },
  );
  const [dataset, setDataset] = createSignal(props.dataset ?? NONE);
  const [tag, setTag] = createSignal(gmtTag(new Date()));
  const [recursive, setRecursive] = createSignal(false);
  const [shown, setShown] = createSignal(false);
  const wrongName = (): string | undefined => (dataset() === NONE ? 'Which dataset?' : problemWith(DatasetName, dataset()));
  const wrongTag = (): string | undefined => problemWith(SnapshotTag, tag());
  return (
    <ChangeDialog
      title="Take a snapshot"
      onClose={props.onClose}
      onWrong={() => setShown(true)}
      changes={() =>
        wrongName() || wrongTag() ? null : [{ kind: 'snapshot.create', dataset: dataset(), tag: tag(), recursive: recursive() }]
      }
    >
      <TextField
        label="Dataset"
        value={dataset()}
        onInput={setDataset}
        mono
        autofocus={props.dataset === undefined}
        list={(datasets.data()?.datasets ?? []).map((d) => d.name)}
        problem={shown() ? wrongName() : undefined}
      />
      <TextField
        label="Name"
        value={tag()}
        onInput={setTag}
        mono
        problem={wrongTag()}
        help="As suggested, Windows finds it among the previous versions."
      />
      <CheckField label="With all datasets below it" checked={recursive()} onChange={setRecursive} help="All at the same moment." />
    </ChangeDialog>
  );
};

const Preview = (props: { dataset: string; tags: readonly string[] }): JSX.Element => {
  const view = useQuery(
    'preview-destroy',
    () => ({ dataset: props.dataset, tags: props.tags.join(',') }),
    (i) => trpc.preview.destroy.query(i),
    { topics: ['snapshot'] },
  );
  return <DestroyedView query={view} />;
};
/** What is asked at once; the plan names the rest. */
const PREVIEWED = 500;

export const DestroySnapshots = (props: { snapshots: readonly Snapshot[]; onClose: () => void }): JSX.Element => (
  <ChangeDialog
    title={`Destroy ${plural(props.snapshots.length, 'snapshot')}`}
    about="What only they hold is gone for good. Each waits for your approval by its exact name."
    onClose={props.onClose}
    changes={() => props.snapshots.map((s) => ({ kind: 'snapshot.destroy', dataset: s.dataset, tag: s.tag, guid: s.guid }))}
  >
    <For each={[...new Set(props.snapshots.map((s) => s.dataset))]}>
      {(dataset) => (
        <Preview
          dataset={dataset}
          tags={props.snapshots
            .filter((s) => s.dataset === dataset)
            .slice(0, PREVIEWED)
            .map((s) => s.tag)}
        />
      )}
    </For>
  </ChangeDialog>
);

export const HoldSnapshots = (props: { snapshots: readonly Snapshot[]; release: boolean; onClose: () => void }): JSX.Element => {
  const [hold, setHold] = createSignal('keep');
  const wrong = (): string | undefined => problemWith(SnapshotTag, hold());
  return (
    <ChangeDialog
      title={`${props.release ? 'Release' : 'Hold'} ${plural(props.snapshots.length, 'snapshot')}`}
      about={
        props.release
          ? 'Without a hold it can be destroyed again.'
          : 'A held snapshot cannot be destroyed, by nobody and no schedule, until the hold is released.'
      }
      onClose={props.onClose}
      changes={() =>
        wrong()
          ? null
          : props.snapshots.map((s) => ({
              kind: props.release ? ('snapshot.release' as const) : ('snapshot.hold' as const),
              dataset: s.dataset,
              tag: s.tag,
              guid: s.guid,
              hold: hold(),
            }))
      }
    >
      <TextField label="Name of the hold" value={hold()} onInput={setHold} mono autofocus problem={wrong()} />
    </ChangeDialog>
  );
};
