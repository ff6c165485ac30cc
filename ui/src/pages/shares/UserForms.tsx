/** Forms for accounts that log in to shares. A password goes to the box once, to be sealed; what is planned holds only the sealed text. */
import { createMemo, createSignal, For, type JSX, Show } from 'solid-js';
import { createStore } from 'solid-js/store';
import { AccountName, SharePassword, ShareUser } from '../../../../control/src/domain/share-user/share-user.ts';
import { whyWeak } from '../../../../control/src/domain/user/user.ts';
import { useQuery } from '../../data/query.ts';
import { ask } from '../../data/session.ts';
import { type Outputs, trpc } from '../../data/trpc.ts';
import { CheckField, TextField } from '../../forms/Field.tsx';
import { NewPassword } from '../../forms/NewPassword.tsx';
import { problemWith } from '../../forms/schema.ts';
import { Bytes, Note } from '../../parts/basic.tsx';
import { ChangeDialog, type Wanted } from '../../plan/ChangeDialog.tsx';

export type Accounts = Outputs['shareUsers']['list'];
export type User = Accounts['users'][number];
export type Group = Accounts['groups'][number];
type Done = { onClose: () => void };

const whyNoPassword = (password: string, name: string): string | undefined =>
  whyWeak(password, name) ?? problemWith(SharePassword, password);
const seal = async (password: string): Promise<string> => (await ask(() => trpc.shareUsers.seal.mutate({ password }))).sealed;

/** Which of the groups, or which of the users. */
export const Choose = (props: {
  legend: string;
  none: string;
  among: readonly string[];
  chosen: readonly string[];
  onChange: (chosen: string[]) => void;
}): JSX.Element => (
  <fieldset class="choose">
    <legend>{props.legend}</legend>
    <Show when={props.among.length > 0} fallback={<p class="dim">{props.none}</p>}>
      <For each={props.among}>
        {(name) => (
          <CheckField
            label={name}
            checked={props.chosen.includes(name)}
            onChange={(on) => props.onChange(on ? [...props.chosen, name].sort() : props.chosen.filter((n) => n !== name))}
          />
        )}
      </For>
    </Show>
  </fieldset>
);

const nameProblem = (name: string, accounts: Accounts | undefined): string | undefined =>
  problemWith(AccountName, name) ??
  ([...(accounts?.users ?? []), ...(accounts?.groups ?? [])].some((a) => a.name === name) ? `The name ${name} is in use.` : undefined);

export const UserForm = (props: Done & { accounts: Accounts | undefined; user?: User }): JSX.Element => {
  const was = props.user; // the form keeps what it began with
  const [text, setText] = createStore({ name: was?.name ?? '', fullName: was?.fullName ?? '', password: '' });
  const [groups, setGroups] = createSignal<string[]>(was?.groups ?? []);
  const [shown, setShown] = createSignal(false);
  const problems = createMemo(() => ({
    name: was ? undefined : nameProblem(text.name, props.accounts),
    fullName: problemWith(ShareUser.shape.fullName, text.fullName),
    password: was ? undefined : whyNoPassword(text.password, text.name),
  }));
  const changes = async (): Promise<Wanted[] | null> => {
    if (Object.values(problems()).some((p) => p !== undefined)) return null;
    const common = { fullName: text.fullName, groups: groups() };
    return was
      ? [{ kind: 'share-user.change', name: was.name, user: common }]
      : [{ kind: 'share-user.create', user: { name: text.name, ...common, password: await seal(text.password) } }];
  };
  return (
    <ChangeDialog
      title={was ? `Change ${was.name}` : 'Add a user for shares'}
      about="An account for shares and for nothing else: no shell, no home, no access to this page."
      onClose={props.onClose}
      onWrong={() => setShown(true)}
      changes={changes}
    >
      <Show when={!was}>
        <TextField
          label="Name"
          value={text.name}
          onInput={(v) => setText('name', v)}
          autofocus
          help="What is typed when the share is opened."
          problem={shown() ? problems().name : undefined}
        />
      </Show>
      <TextField label="Full name" optional value={text.fullName} onInput={(v) => setText('fullName', v)} problem={problems().fullName} />
      <Show when={!was}>
        <NewPassword label="Password" value={text.password} user={text.name} onInput={(v) => setText('password', v)} shown={shown()} />
      </Show>
      <Choose
        legend="Groups"
        none="There is no group yet."
        among={(props.accounts?.groups ?? []).map((g) => g.name)}
        chosen={groups()}
        onChange={setGroups}
      />
    </ChangeDialog>
  );
};

export const PasswordForm = (props: Done & { user: User }): JSX.Element => {
  const [password, setPassword] = createSignal('');
  const [shown, setShown] = createSignal(false);
  const changes = async (): Promise<Wanted[] | null> =>
    whyNoPassword(password(), props.user.name)
      ? null
      : [{ kind: 'share-user.change', name: props.user.name, user: { password: await seal(password()) } }];
  return (
    <ChangeDialog
      title={`New password for ${props.user.name}`}
      about="Open sessions end; what was being written is not finished."
      onClose={props.onClose}
      onWrong={() => setShown(true)}
      changes={changes}
    >
      <NewPassword label="Password" value={password()} user={props.user.name} onInput={setPassword} shown={shown()} />
    </ChangeDialog>
  );
};

export const RenameForm = (
  props: Done & { accounts: Accounts | undefined; kind: 'share-user' | 'share-group'; name: string },
): JSX.Element => {
  const [to, setTo] = createSignal(props.name);
  const [shown, setShown] = createSignal(false);
  const problem = (): string | undefined => (to() === props.name ? 'This is its name now.' : nameProblem(to(), props.accounts));
  return (
    <ChangeDialog
      title={`Rename ${props.name}`}
      about="Files, password and number stay; shares that name it follow."
      onClose={props.onClose}
      onWrong={() => setShown(true)}
      changes={() => (problem() ? null : [{ kind: `${props.kind}.rename`, name: props.name, to: to() }])}
    >
      <TextField label="New name" value={to()} onInput={setTo} autofocus problem={shown() ? problem() : undefined} />
    </ChangeDialog>
  );
};

export const RemoveUser = (props: Done & { user: User }): JSX.Element => {
  const owned = useQuery(
    'share-user-owned',
    () => ({ name: props.user.name }),
    (input) => trpc.shareUsers.owned.query(input),
    { topics: [] },
  );
  return (
    <ChangeDialog
      title={`Remove ${props.user.name}`}
      about={`The password is lost. Files keep the number ${props.user.id}, which no other account gets.`}
      onClose={props.onClose}
      changes={() => [{ kind: 'share-user.remove', name: props.user.name }]}
    >
      <Show when={owned.data()} fallback={<p class="dim">Looking what {props.user.name} owns …</p>}>
        {(found) => (
          <Show
            when={found().owned.length > 0}
            fallback={
              <Note>
                <p>
                  {props.user.name} owns nothing in the {found().lookedAt} datasets that are shared.
                </p>
              </Note>
            }
          >
            <Note tone="warn" title={`${props.user.name} owns data that stays`}>
              <ul>
                <For each={found().owned}>
                  {(o) => (
                    <li>
                      <Bytes of={o.bytes} /> in {o.files} files of {o.dataset}
                    </li>
                  )}
                </For>
              </ul>
            </Note>
          </Show>
        )}
      </Show>
    </ChangeDialog>
  );
};

export const SwitchUser = (props: Done & { user: User }): JSX.Element => (
  <ChangeDialog
    title={`${props.user.disabled ? 'Enable' : 'Disable'} ${props.user.name}`}
    about={
      props.user.disabled
        ? 'May log in again, with the password there was.'
        : 'Can no longer log in; open sessions end. Files and password stay.'
    }
    onClose={props.onClose}
    changes={() => [{ kind: 'share-user.change', name: props.user.name, user: { disabled: !props.user.disabled } }]}
  />
);

export const GroupForm = (props: Done & { accounts: Accounts | undefined; group?: Group }): JSX.Element => {
  const was = props.group;
  const users = (): readonly User[] => props.accounts?.users ?? [];
  const [name, setName] = createSignal(was?.name ?? '');
  const [members, setMembers] = createSignal(
    was === undefined
      ? []
      : users()
          .filter((u) => u.groups.includes(was.name))
          .map((u) => u.name),
  );
  const [shown, setShown] = createSignal(false);
  const problem = (): string | undefined => (was ? undefined : nameProblem(name(), props.accounts));
  return (
    <ChangeDialog
      title={was ? `Members of ${was.name}` : 'Add a group'}
      about={`In the lists of a share it stands as @${was?.name ?? 'name'}.`}
      onClose={props.onClose}
      onWrong={() => setShown(true)}
      changes={() =>
        problem() ? null : [{ kind: was ? 'share-group.members' : 'share-group.create', name: was?.name ?? name(), members: members() }]
      }
    >
      <Show when={!was}>
        <TextField label="Name" value={name()} onInput={setName} autofocus problem={shown() ? problem() : undefined} />
      </Show>
      <Choose legend="Members" none="There is no user yet." among={users().map((u) => u.name)} chosen={members()} onChange={setMembers} />
    </ChangeDialog>
  );
};

export const RemoveGroup = (props: Done & { group: Group }): JSX.Element => (
  <ChangeDialog
    title={`Remove group ${props.group.name}`}
    about="Its members stay. Files that belong to it keep its number, which no other group gets."
    onClose={props.onClose}
    changes={() => [{ kind: 'share-group.remove', name: props.group.name }]}
  />
);
