/** A pool of free disks: what each disk is for, how they stand together, and what that gives and survives, said before anything is planned. */
import { createMemo, createSignal, For, type JSX, Show } from 'solid-js';
import { whyNotFree } from '../../../../control/src/domain/disk/disk.ts';
import { groupsFor, previewOf, whyUneven } from '../../../../control/src/domain/pool/layout.ts';
import { type ObservedPool, PoolSpec, type VdevKind, VdevRole } from '../../../../control/src/domain/pool/pool.ts';
import { whyWeaker } from '../../../../control/src/domain/pool/redundancy.ts';
import { formatBytes } from '../../../../control/src/domain/units.ts';
import { nothing, useQuery } from '../../data/query.ts';
import { trpc } from '../../data/trpc.ts';
import { SelectField, TextField } from '../../forms/Field.tsx';
import { problemsOf } from '../../forms/schema.ts';
import { PlannedPool } from '../../parts/PoolDrawing.tsx';
import { Shape } from '../../parts/Status.tsx';
import { plural, shortDisk } from '../../parts/words.ts';
import { ChangeDialog } from '../../plan/ChangeDialog.tsx';
import { KINDS, type Kinds, ROLE_ORDER, vdevsOf } from './poolForm.ts';

const KIND_WORDS: Readonly<Partial<Record<VdevKind, string>>> = {
  mirror: 'Mirror: every disk holds the same',
  raidz1: 'RAID-Z1: one disk may fail',
  raidz2: 'RAID-Z2: two disks may fail',
  raidz3: 'RAID-Z3: three disks may fail',
  stripe: 'Single disks: none may fail',
};
const ROLE_WORDS: Readonly<Record<VdevRole, string>> = {
  data: 'data',
  special: 'special: metadata and small files',
  dedup: 'dedup: the table of duplicates',
  log: 'log: synchronous writes',
  cache: 'cache: copies for reading',
  spare: 'spare: stands in by itself',
};
const TITLES: Readonly<Record<VdevRole, string>> = {
  data: 'Data',
  special: 'Special',
  dedup: 'Dedup',
  log: 'Log',
  cache: 'Cache',
  spare: 'Spare',
};
const isRole = (v: string): v is VdevRole => VdevRole.options.some((r) => r === v);
const isKind = (v: string): v is VdevKind => v in KIND_WORDS;

/** `to`: an existing pool that the disks join, instead of a new one. */
export const CreatePool = (props: { onClose: () => void; to?: ObservedPool }): JSX.Element => {
  const disks = useQuery('disks', nothing, () => trpc.disks.list.query(), { topics: ['pool'], by: 'path' });
  const free = createMemo(() => (disks.data()?.disks ?? []).filter((d) => whyNotFree(d) === undefined));
  const [name, setName] = createSignal(props.to?.name ?? '');
  const [use, setUse] = createSignal<ReadonlyMap<string, VdevRole>>(new Map());
  const [kinds, setKinds] = createSignal<Kinds>({});
  const [groups, setGroups] = createSignal(1);
  const [shown, setShown] = createSignal(false);
  const vdevs = createMemo(() => vdevsOf(free(), use(), kinds(), groups()).filter((v) => props.to === undefined || v.disks.length > 0));
  const roles = createMemo(() => ROLE_ORDER.filter((r) => r === 'data' || [...use().values()].includes(r)));
  const kindOf = (role: VdevRole): VdevKind => kinds()[role] ?? KINDS[role][0] ?? 'stripe';
  const countOf = (role: VdevRole): number => free().filter((d) => use().get(d.path) === role).length;
  const splits = createMemo(() => groupsFor(kindOf('data'), countOf('data')));
  const spec = () => ({
    name: name(),
    vdevs: vdevs().map((v) => ({ kind: v.kind, role: v.role, disks: v.disks.map((d) => d.path) })),
    options: {},
  });
  const problems = createMemo(() => problemsOf(PoolSpec, spec()));
  const layoutProblem = createMemo(() => {
    const at = Object.keys(problems()).find((path) => path.startsWith('vdevs'));
    return at === undefined ? (props.to === undefined ? (whyUneven(vdevs()) ?? undefined) : undefined) : problems()[at];
  });
  const weaker = createMemo(() => (props.to && use().size > 0 ? whyWeaker(props.to, spec().vdevs) : null));
  const preview = createMemo(() => previewOf(vdevs()));
  const wrong = (): boolean => Object.keys(problems()).length > 0 || layoutProblem() !== undefined;
  const setRole = (path: string, value: string): void =>
    void setUse((was) => {
      const next = new Map(was);
      if (isRole(value)) next.set(path, value);
      else next.delete(path);
      return next;
    });
  return (
    <ChangeDialog
      title={props.to ? `Add disks to ${props.to.name}` : 'Create a pool'}
      about="The disks are written to; what is on them is gone. The plan names each before anything happens."
      wide
      onClose={props.onClose}
      onWrong={() => setShown(true)}
      changes={() =>
        wrong()
          ? null
          : props.to
            ? [{ kind: 'pool.add', name: props.to.name, vdevs: spec().vdevs }]
            : [{ kind: 'pool.create', pool: spec() }]
      }
    >
      <Show when={props.to === undefined}>
        <TextField
          label="Name"
          value={name()}
          onInput={setName}
          mono
          autofocus
          placeholder="tank"
          problem={shown() ? problems().name : undefined}
        />
      </Show>
      <fieldset class="disk-choice">
        <legend>Disks, and what each is for</legend>
        <For each={free()} fallback={<p class="dim">No disk is free.</p>}>
          {(d) => (
            <label class="disk-use" classList={{ used: use().has(d.path) }}>
              <span class="disk-name" title={d.path}>
                {shortDisk(d.path)}
              </span>
              <span class="dim num">
                {formatBytes(d.size)}, {d.rotational ? 'hard disk' : 'solid state'}
              </span>
              <select onChange={(e) => setRole(d.path, e.currentTarget.value)}>
                <option value="">not used</option>
                <For each={ROLE_ORDER}>
                  {(r) => (
                    <option value={r} selected={use().get(d.path) === r}>
                      {ROLE_WORDS[r]}
                    </option>
                  )}
                </For>
              </select>
            </label>
          )}
        </For>
      </fieldset>
      <div class="two">
        <For each={roles().filter((r) => KINDS[r].length > 1)}>
          {(role) => (
            <SelectField
              label={`${TITLES[role]} layout`}
              value={kindOf(role)}
              onChange={(v) => isKind(v) && setKinds((was) => ({ ...was, [role]: v }))}
              choices={KINDS[role].map((k) => ({ value: k, label: KIND_WORDS[k] ?? k }))}
            />
          )}
        </For>
        <Show when={splits().length > 1}>
          <SelectField
            label="Data groups"
            value={String(groups())}
            onChange={(v) => setGroups(Number(v))}
            help="More groups are faster; each has to lose more than it may before data is lost."
            choices={splits().map((n) => ({
              value: String(n),
              label: n === 1 ? `One of ${plural(countOf('data'), 'disk')}` : `${n} of ${plural(countOf('data') / n, 'disk')}`,
            }))}
          />
        </Show>
      </div>
      <p class="problem" aria-live="polite">
        {shown() || countOf('data') > 0 ? layoutProblem() : ''}
      </p>
      <Show when={weaker()}>
        {(why) => (
          <p class="row">
            <Shape tone="bad" />
            <span>{why()}. It needs an approval that names the pool.</span>
          </p>
        )}
      </Show>
      <Show when={countOf('data') > 0 && layoutProblem() === undefined}>
        <div class="pool-preview" role="status">
          <p>
            <strong>About {formatBytes(preview().usable)} for data.</strong>{' '}
            {preview().mayFail > 0
              ? `Any ${preview().mayFail === 1 ? 'one disk' : `${preview().mayFail} disks`} may fail before data is lost.`
              : 'The first disk that fails takes all data with it.'}
          </p>
          <PlannedPool vdevs={vdevs()} />
          <ul class="notes">
            <For each={preview().notes}>
              {(n) => (
                <li>
                  <Shape tone={n.tone === 'plain' ? 'idle' : n.tone} />
                  <span>{n.text}</span>
                </li>
              )}
            </For>
          </ul>
        </div>
      </Show>
    </ChangeDialog>
  );
};
