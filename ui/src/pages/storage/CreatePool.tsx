/** A pool of free disks: a layout, the disks, and what that survives, said before anything is planned. */
import { createMemo, createSignal, For, type JSX, Show } from 'solid-js';
import { whyNotFree } from '../../../../control/src/domain/disk/disk.ts';
import { PoolSpec, redundancyOf, type VdevKind } from '../../../../control/src/domain/pool/pool.ts';
import { formatBytes } from '../../../../control/src/domain/units.ts';
import { nothing, useQuery } from '../../data/query.ts';
import { trpc } from '../../data/trpc.ts';
import { SelectField, TextField } from '../../forms/Field.tsx';
import { problemsOf } from '../../forms/schema.ts';
import { plural, shortDisk } from '../../parts/words.ts';
import { ChangeDialog } from '../../plan/ChangeDialog.tsx';

type Layout = Extract<VdevKind, 'mirror' | 'raidz1' | 'raidz2' | 'raidz3' | 'stripe'>;
const LAYOUTS: readonly { value: Layout; label: string }[] = [
  { value: 'mirror', label: 'Mirror: every disk holds the same' },
  { value: 'raidz1', label: 'RAID-Z1: one disk may fail' },
  { value: 'raidz2', label: 'RAID-Z2: two disks may fail' },
  { value: 'raidz3', label: 'RAID-Z3: three disks may fail' },
  { value: 'stripe', label: 'Stripe: no disk may fail' },
];
const isLayout = (v: string): v is Layout => LAYOUTS.some((l) => l.value === v);

export const CreatePool = (props: { onClose: () => void }): JSX.Element => {
  const disks = useQuery('disks', nothing, () => trpc.disks.list.query(), { topics: ['pool'], by: 'path' });
  const free = createMemo(() => (disks.data()?.disks ?? []).filter((d) => whyNotFree(d) === undefined));
  const [name, setName] = createSignal('');
  const [layout, setLayout] = createSignal<Layout>('mirror');
  const [chosen, setChosen] = createSignal<ReadonlySet<string>>(new Set());
  const [shown, setShown] = createSignal(false);
  const picked = createMemo(() => free().filter((d) => chosen().has(d.path)));
  const spec = () => ({ name: name(), vdevs: [{ kind: layout(), disks: picked().map((d) => d.path) }], options: { ashift: 12 } });
  const problems = createMemo(() => problemsOf(PoolSpec, spec()));
  const spare = (): number => redundancyOf(layout(), picked().length);
  /** Before metadata: what the layout leaves of the smallest disk times the disks that hold data. */
  const space = (): number => Math.min(...picked().map((d) => d.size)) * (picked().length - spare());
  const mixed = (): boolean => new Set(picked().map((d) => d.size)).size > 1;
  return (
    <ChangeDialog
      title="Create a pool"
      about="The disks are written to; what is on them is gone. The plan names each before anything happens."
      onClose={props.onClose}
      onWrong={() => setShown(true)}
      changes={() => (Object.keys(problems()).length > 0 ? null : [{ kind: 'pool.create', pool: spec() }])}
    >
      <TextField
        label="Name"
        value={name()}
        onInput={setName}
        mono
        autofocus
        placeholder="tank"
        problem={shown() ? problems().name : undefined}
      />
      <SelectField label="Layout" value={layout()} onChange={(v) => isLayout(v) && setLayout(v)} choices={LAYOUTS} />
      <fieldset class="disk-choice">
        <legend>Disks</legend>
        <For each={free()} fallback={<p class="dim">No disk is free.</p>}>
          {(d) => (
            <label class="row">
              <input
                type="checkbox"
                checked={chosen().has(d.path)}
                onChange={() =>
                  setChosen((was) => {
                    const next = new Set(was);
                    if (!next.delete(d.path)) next.add(d.path);
                    return next;
                  })
                }
              />
              <span title={d.path}>{shortDisk(d.path)}</span>
              <span class="dim">
                {formatBytes(d.size)}, {d.rotational ? 'hard disk' : 'solid state'}
              </span>
            </label>
          )}
        </For>
        <p class="problem" aria-live="polite">
          {shown() ? (problems()['vdevs.0.disks'] ?? problems().vdevs) : ''}
        </p>
      </fieldset>
      <Show when={picked().length > 0 && problems()['vdevs.0.disks'] === undefined}>
        <p role="status">
          About {formatBytes(space())} for data.{' '}
          {spare() > 0 ? `${plural(spare(), 'disk')} may fail before data is lost.` : 'The first disk that fails takes all data with it.'}
          {mixed() ? ' The disks differ in size; each counts as the smallest.' : ''}
        </p>
      </Show>
    </ChangeDialog>
  );
};
