/** A snapshot as a dataset of its own, for a while or for good; and those that are there for a while, with the time that is left. */
import { A } from '@solidjs/router';
import { createMemo, createSignal, For, type JSX, Match, Show, Switch } from 'solid-js';
import { DatasetName } from '../../../../control/src/domain/names.ts';
import { ShareName } from '../../../../control/src/domain/share/share.ts';
import { suggestedClone, suggestedShare } from '../../../../control/src/domain/snapshot/clone.ts';
import { now } from '../../data/clock.ts';
import { nothing, useQuery } from '../../data/query.ts';
import { may, whyNot } from '../../data/session.ts';
import type { Outputs } from '../../data/trpc.ts';
import { trpc } from '../../data/trpc.ts';
import { CheckField, type Choice, SelectField, TextField } from '../../forms/Field.tsx';
import { problemWith } from '../../forms/schema.ts';
import { Note, Section, Time } from '../../parts/basic.tsx';
import { Menu } from '../../parts/Menu.tsx';
import { Status } from '../../parts/Status.tsx';
import { Table } from '../../parts/VirtualTable.tsx';
import { Choose } from '../shares/UserForms.tsx';
import { duration, pageOf, plural } from '../../parts/words.ts';
import { ChangeDialog, type Wanted } from '../../plan/ChangeDialog.tsx';
import '../../style/protection.css';
import '../../style/shares.css';

const FOR_GOOD = '0';
const TIMES: readonly Choice[] = [
  { value: '4', label: '4 hours' },
  { value: '24', label: '24 hours' },
  { value: '72', label: '3 days' },
  { value: '168', label: 'a week' },
];

export const CloneSnapshot = (props: { snapshot: { dataset: string; tag: string; guid: string }; onClose: () => void }): JSX.Element => {
  const { dataset, tag, guid } = props.snapshot;
  const datasets = useQuery('datasets', nothing, () => trpc.datasets.list.query(), { topics: ['dataset'] });
  const accounts = useQuery(
    'share-users',
    () => (may('share.write') ? nothing() : null),
    () => trpc.shareUsers.list.query(),
    { topics: ['share'] },
  );
  const isTaken = (name: string): boolean => (datasets.data()?.datasets ?? []).some((d) => d.name === name);
  const [typed, setTyped] = createSignal<string | null>(null);
  const to = createMemo(() => typed() ?? suggestedClone(dataset, tag, isTaken));
  const [hours, setHours] = createSignal('24');
  const [shared, setShared] = createSignal(false);
  const [typedShare, setTypedShare] = createSignal<string | null>(null);
  const share = (): string => typedShare() ?? suggestedShare(to());
  const [users, setUsers] = createSignal<readonly string[]>([]);
  const [writable, setWritable] = createSignal(false);
  const [shown, setShown] = createSignal(false);
  const isVolume = (): boolean => datasets.data()?.datasets.find((d) => d.name === dataset)?.kind === 'volume';
  const wrong = () => ({
    name: problemWith(DatasetName, to()) ?? (isTaken(to()) ? `There is a dataset ${to()} already.` : undefined),
    share: shared() ? problemWith(ShareName, share()) : undefined,
    users: shared() && users().length === 0 ? 'Choose who may open it.' : undefined,
  });
  const changes = (): Wanted[] | null => {
    if (Object.values(wrong()).some((w) => w !== undefined)) return null;
    if (hours() === FOR_GOOD) return [{ kind: 'snapshot.clone', dataset, tag, guid, to: to() }];
    const smb = {
      kind: 'smb' as const,
      name: share(),
      dataset: to(),
      comment: 'for a while',
      readOnly: !writable(),
      validUsers: [...users()],
      previousVersions: false,
    };
    return [{ kind: 'clone.make', dataset, tag, guid, to: to(), hours: Number(hours()), share: shared() ? smb : null }];
  };
  return (
    <ChangeDialog
      title="Clone a snapshot"
      about={`A dataset of its own that begins as ${dataset}@${tag} was. It takes space only for what changes; while it is there the snapshot cannot be destroyed.`}
      onClose={props.onClose}
      onWrong={() => setShown(true)}
      changes={changes}
    >
      <TextField label="Name" value={to()} onInput={setTyped} mono autofocus problem={wrong().name} />
      <SelectField
        label="How long"
        value={hours()}
        onChange={(v) => {
          setHours(v);
          if (v === FOR_GOOD) setShared(false);
        }}
        choices={[...TIMES, { value: FOR_GOOD, label: 'for good' }]}
        help={
          hours() === FOR_GOOD
            ? 'It stays until it is destroyed.'
            : 'Then it goes by itself, with its share. What was written to stays, and an alert says so; while somebody is connected nothing goes.'
        }
      />
      <Show when={hours() !== FOR_GOOD && !isVolume()}>
        <CheckField label="Share it for as long" help="Over SMB, beside the shares there are." checked={shared()} onChange={setShared} />
      </Show>
      <Show when={shared()}>
        <TextField label="Name of the share" value={share()} onInput={setTypedShare} problem={wrong().share} />
        <Choose
          legend="Who may open it"
          none="There is no user for shares yet."
          among={[...(accounts.data()?.users ?? []).map((u) => u.name), ...(accounts.data()?.groups ?? []).map((g) => `@${g.name}`)]}
          chosen={users()}
          onChange={setUsers}
        />
        <p class="problem" aria-live="polite">
          {shown() ? wrong().users : undefined}
        </p>
        <CheckField
          label="May be written to"
          help="Then it does not go by itself once it was."
          checked={writable()}
          onChange={setWritable}
        />
      </Show>
    </ChangeDialog>
  );
};

type Clone = Outputs['clones']['list']['clones'][number];
type Doing = { what: 'extend' | 'keep' | 'end'; clone: Clone };

const Extend = (props: { clone: Clone; onClose: () => void }): JSX.Element => {
  const [hours, setHours] = createSignal('24');
  return (
    <ChangeDialog
      title={`More time for ${props.clone.name}`}
      onClose={props.onClose}
      changes={() => [{ kind: 'clone.extend', clone: props.clone.name, hours: Number(hours()) }]}
    >
      <SelectField label="From now" value={hours()} onChange={setHours} choices={TIMES} />
    </ChangeDialog>
  );
};

/** Nothing when there is none. */
export const Clones = (): JSX.Element => {
  const query = useQuery('clones', nothing, () => trpc.clones.list.query(), { topics: ['dataset', 'share', 'alert'] });
  const [doing, setDoing] = createSignal<Doing | null>(null);
  const stop = (): void => void setDoing(null);
  const list = (): readonly Clone[] => query.data()?.clones ?? [];
  return (
    <>
      <Show when={list().length > 0}>
        <Section title="Clones for a while" aside={plural(list().length, 'clone')}>
          <Table
            label="Clones for a while"
            rows={list()}
            columns={[
              {
                id: 'n',
                head: 'Clone',
                cell: (c) => (c.dataset === null ? c.name : <A href={pageOf(`dataset:${c.dataset}`) ?? '/'}>{c.dataset}</A>),
              },
              {
                id: 's',
                head: 'Share',
                cell: (c) =>
                  c.share === null ? (
                    <span class="dim">none</span>
                  ) : (
                    <A href={pageOf(`share:${c.share.kind}:${c.share.name}`) ?? '/shares'}>{c.share.name}</A>
                  ),
              },
              {
                id: 'l',
                head: 'Time left',
                cell: (c) =>
                  c.note === null ? (
                    <span class="num">{c.expiresAt > now() ? duration(c.expiresAt - now()) : 'ending …'}</span>
                  ) : (
                    <Status tone="warn">over</Status>
                  ),
              },
              {
                id: 'b',
                head: 'Made',
                wide: true,
                cell: (c) => (
                  <>
                    <Time at={c.madeAt} /> <span class="dim">by {c.by}</span>
                  </>
                ),
              },
              {
                id: 'x',
                head: 'Actions',
                bare: true,
                align: 'end',
                cell: (c) => (
                  <Menu
                    label={`Change ${c.name}`}
                    look="quiet"
                    items={[
                      { label: 'More time', onSelect: () => setDoing({ what: 'extend', clone: c }), why: whyNot('storage.write') },
                      { label: 'Keep it', onSelect: () => setDoing({ what: 'keep', clone: c }), why: whyNot('storage.write') },
                      {
                        label: 'End it now',
                        danger: true,
                        onSelect: () => setDoing({ what: 'end', clone: c }),
                        why: whyNot('storage.write'),
                      },
                    ]}
                  >
                    Change<span class="sr"> {c.name}</span>
                  </Menu>
                ),
              },
            ]}
          />
          <For each={list().filter((c) => c.note !== null)}>
            {(c) => (
              <Note tone="warn" title={c.name}>
                <p>{c.note}</p>
              </Note>
            )}
          </For>
        </Section>
      </Show>
      {/* also when the last one has just gone: what became of it is still to be read */}
      <Show when={doing()} keyed>
        {({ what, clone }) => (
          <Switch>
            <Match when={what === 'extend'}>
              <Extend clone={clone} onClose={stop} />
            </Match>
            <Match when={what === 'keep'}>
              <ChangeDialog
                title={`Keep ${clone.name}`}
                about="It has no end any more, and neither has its share. It no longer depends on what it was made from."
                onClose={stop}
                changes={() => [{ kind: 'clone.keep', clone: clone.name }]}
              />
            </Match>
            <Match when={what === 'end'}>
              <ChangeDialog
                title={`End ${clone.name}`}
                about="Its share goes, then the clone, if nothing was written to it. What was written to is destroyed only by its name."
                onClose={stop}
                changes={() => [{ kind: 'clone.end', clone: clone.name }]}
              />
            </Match>
          </Switch>
        )}
      </Show>
    </>
  );
};
