/** Who owns what a share serves, and who may do what with it: what is there now, and a form that says what it would become. */
import { createSignal, type JSX, onCleanup, Show } from 'solid-js';
import { Access, accessOf, MODES } from '../../../../control/src/domain/permission/permission.ts';
import { nothing, useQuery } from '../../data/query.ts';
import { whyNot } from '../../data/session.ts';
import { trpc } from '../../data/trpc.ts';
import { CheckField, SelectField } from '../../forms/Field.tsx';
import { Button, Note, Progress, Section } from '../../parts/basic.tsx';
import { ChangeDialog } from '../../plan/ChangeDialog.tsx';

const ROOT = '';
const LOOK_MS = 2_000;

const PermissionsForm = (props: { dataset: string; owner: string; group: string; access: Access; onClose: () => void }): JSX.Element => {
  const accounts = useQuery('share-users', nothing, () => trpc.shareUsers.list.query(), { topics: ['share'] });
  const [owner, setOwner] = createSignal(props.owner);
  const [group, setGroup] = createSignal(props.group);
  const [access, setAccess] = createSignal<Access>(props.access);
  const [recursive, setRecursive] = createSignal(false);
  const choices = (names: readonly string[]) => [
    { value: ROOT, label: 'root (nobody who logs in)' },
    ...names.map((n) => ({ value: n, label: n })),
  ];
  return (
    <ChangeDialog
      title={`Permissions of ${props.dataset}`}
      onClose={props.onClose}
      changes={() => [
        {
          kind: 'dataset.permit',
          name: props.dataset,
          access: access(),
          recursive: recursive(),
          ...(owner() !== ROOT && { owner: owner() }),
          ...(group() !== ROOT && { group: group() }),
        },
      ]}
    >
      <div class="pair">
        <SelectField
          label="Owner"
          value={owner()}
          onChange={setOwner}
          choices={choices((accounts.data()?.users ?? []).map((u) => u.name))}
        />
        <SelectField
          label="Group"
          value={group()}
          onChange={setGroup}
          choices={choices((accounts.data()?.groups ?? []).map((g) => g.name))}
        />
      </div>
      <SelectField
        label="Who may do what"
        value={access()}
        onChange={(v) => setAccess(Access.parse(v))}
        choices={Access.options.map((a) => ({ value: a, label: `${MODES[a].words} (${MODES[a].folder})` }))}
      />
      <CheckField
        label="Also everything that is in it"
        help="Files and folders of this dataset, not of datasets below. A snapshot is taken before, to go back to."
        checked={recursive()}
        onChange={setRecursive}
      />
    </ChangeDialog>
  );
};

export const Permissions = (props: { dataset: string }): JSX.Element => {
  const accounts = useQuery('share-users', nothing, () => trpc.shareUsers.list.query(), { topics: ['share'] });
  const seen = useQuery(
    'permissions',
    () => ({ dataset: props.dataset }),
    (input) => trpc.shareUsers.permissions.query(input),
    { topics: ['dataset'] },
  );
  // while everything in it is changed, one looks how far it is
  const timer = setInterval(() => seen.data()?.progress && seen.refetch(), LOOK_MS);
  onCleanup(() => clearInterval(timer));
  const [changing, setChanging] = createSignal(false);
  const nameOf = (id: number): string => {
    const all = [...(accounts.data()?.groups ?? []), ...(accounts.data()?.users ?? [])];
    return id === 0 ? 'root' : (all.find((a) => a.id === id)?.name ?? `number ${id}`);
  };
  const known = (id: number): string => (nameOf(id) === 'root' || nameOf(id).startsWith('number ') ? ROOT : nameOf(id));
  return (
    <Section
      title="Permissions"
      aside={
        <Button why={whyNot('share.write') ?? whyNot('storage.write')} onClick={() => setChanging(true)}>
          Set permissions
        </Button>
      }
    >
      <Show when={seen.data()} fallback={<p class="dim">{seen.problem()?.why ?? 'Looking …'}</p>}>
        {(p) => (
          <>
            <Show when={p().progress}>
              {(now) => (
                <Note title="Permissions are being changed">
                  <Progress label="Permissions" share={now().total > 0 ? Math.min(1, now().done / now().total) : 0} />
                  <p>
                    {now().done.toLocaleString('en')} of about {now().total.toLocaleString('en')} files and folders.
                  </p>
                </Note>
              )}
            </Show>
            <Show when={p().owner === 0 && p().group === 0}>
              <Note tone="warn" title="The folder belongs to root">
                <p>Whoever logs in can read it at best. Give it to a user or a group, so that they can write.</p>
              </Note>
            </Show>
            <dl class="facts">
              <div>
                <dt>Owner</dt>
                <dd>{nameOf(p().owner)}</dd>
              </div>
              <div>
                <dt>Group</dt>
                <dd>{nameOf(p().group)}</dd>
              </div>
              <div>
                <dt>Mode</dt>
                <dd>
                  {p().mode}
                  <Show when={accessOf(p().mode)}>{(a) => `: ${MODES[a()].words}`}</Show>
                </dd>
              </div>
            </dl>
          </>
        )}
      </Show>
      <Show when={changing() && seen.data()}>
        {(p) => (
          <PermissionsForm
            dataset={props.dataset}
            owner={known(p().owner)}
            group={known(p().group)}
            access={accessOf(p().mode) ?? 'group'}
            onClose={() => setChanging(false)}
          />
        )}
      </Show>
    </Section>
  );
};
