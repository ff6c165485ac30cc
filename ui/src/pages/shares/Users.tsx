/** Who may log in to SMB shares, and in which groups. */
import { A } from '@solidjs/router';
import { createMemo, createSignal, type JSX, Match, Show, Switch } from 'solid-js';
import { nothing, useQuery } from '../../data/query.ts';
import { whyNot } from '../../data/session.ts';
import { trpc } from '../../data/trpc.ts';
import { Answer, Button, Empty, Page, Section } from '../../parts/basic.tsx';
import { Menu } from '../../parts/Menu.tsx';
import { Status } from '../../parts/Status.tsx';
import { Table } from '../../parts/VirtualTable.tsx';
import { plural } from '../../parts/words.ts';
import { SHARES_TABS } from './tabs.ts';
import { type Group, GroupForm, PasswordForm, RemoveGroup, RemoveUser, RenameForm, SwitchUser, type User, UserForm } from './UserForms.tsx';
import '../../style/shares.css';

type Doing =
  | { what: 'add-user' | 'add-group' }
  | { what: 'change' | 'password' | 'switch' | 'rename' | 'remove'; user: User }
  | { what: 'members' | 'rename-group' | 'remove-group'; group: Group };

export const ShareUsers = (): JSX.Element => {
  const accounts = useQuery('share-users', nothing, () => trpc.shareUsers.list.query(), { topics: ['share'] });
  const shares = useQuery('shares', nothing, () => trpc.shares.list.query(), { topics: ['share'] });
  const [doing, setDoing] = createSignal<Doing | null>(null);
  const stop = (): void => void setDoing(null);
  const users = (): readonly User[] => accounts.data()?.users ?? [];
  const groups = (): readonly Group[] => accounts.data()?.groups ?? [];
  const members = (g: Group): string[] =>
    users()
      .filter((u) => u.groups.includes(g.name))
      .map((u) => u.name);
  /** Shares whose lists name it. */
  const named = createMemo(() => {
    const map = new Map<string, string[]>();
    for (const { spec } of shares.data()?.shares ?? [])
      if (spec.kind === 'smb')
        for (const n of new Set([...spec.validUsers, ...spec.writeUsers])) map.set(n, [...(map.get(n) ?? []), spec.name]);
    return map;
  });
  const why = (): string | undefined => whyNot('share.write');
  const ofUser = (user: User) => {
    const inShares = named().get(user.name);
    const item = (label: string, what: 'change' | 'password' | 'switch' | 'rename') => ({
      label,
      why: why(),
      onSelect: () => setDoing({ what, user }),
    });
    return [
      item('Groups and full name', 'change'),
      item('New password', 'password'),
      item(user.disabled ? 'Enable' : 'Disable', 'switch'),
      item('Rename', 'rename'),
      {
        label: 'Remove',
        danger: true,
        why: why() ?? (inShares && `Shares name it: ${inShares.join(', ')}.`),
        onSelect: () => setDoing({ what: 'remove', user }),
      },
    ];
  };
  const ofGroup = (group: Group) => {
    const inShares = named().get(`@${group.name}`);
    return [
      { label: 'Members', why: why(), onSelect: () => setDoing({ what: 'members', group }) },
      { label: 'Rename', why: why(), onSelect: () => setDoing({ what: 'rename-group', group }) },
      {
        label: 'Remove',
        danger: true,
        why: why() ?? (inShares && `Shares name it: ${inShares.join(', ')}.`),
        onSelect: () => setDoing({ what: 'remove-group', group }),
      },
    ];
  };
  const now = (): Doing | null => doing();
  const forUser = (what: string): User | undefined => {
    const d = now();
    return d && 'user' in d && d.what === what ? d.user : undefined;
  };
  const forGroup = (what: string): Group | undefined => {
    const d = now();
    return d && 'group' in d && d.what === what ? d.group : undefined;
  };
  return (
    <Page
      title="Shares"
      lead="Who may log in to SMB shares. These accounts can do nothing else; people who manage this box are under Access."
      tabs={SHARES_TABS}
      actions={
        <>
          <Button why={why()} onClick={() => setDoing({ what: 'add-group' })}>
            Add group
          </Button>
          <Button look="main" icon="plus" why={why()} onClick={() => setDoing({ what: 'add-user' })}>
            Add user
          </Button>
        </>
      }
    >
      <Answer query={accounts}>
        {(_) => (
          <Show
            when={users().length + groups().length > 0}
            fallback={
              <Empty title="Nobody can log in to a share yet">
                <p>
                  A share asks for a name and a password, unless it takes guests. Add whoever uses them, one account a person, and groups to
                  name several at once.
                </p>
                <Button look="main" why={why()} onClick={() => setDoing({ what: 'add-user' })}>
                  Add the first user
                </Button>
                <p>
                  Or declare them in <A href="/changes/state">state.yaml</A>.
                </p>
              </Empty>
            }
          >
            <Section title="Users" aside={plural(users().length, 'user')}>
              <Table
                label="Users for shares"
                rows={users()}
                empty="No user yet."
                columns={[
                  { id: 'n', head: 'User', cell: (u) => <strong>{u.name}</strong> },
                  { id: 'f', head: 'Full name', wide: true, cell: (u) => u.fullName || <span class="dim">none</span> },
                  {
                    id: 's',
                    head: 'State',
                    cell: (u) => (
                      <Status tone={u.note === null ? 'ok' : u.disabled ? 'never' : 'warn'}>
                        {u.disabled ? 'disabled' : u.hasPassword ? 'may log in' : 'no password yet'}
                      </Status>
                    ),
                  },
                  { id: 'g', head: 'Groups', wide: true, cell: (u) => u.groups.join(', ') || <span class="dim">none</span> },
                  { id: 'i', head: 'Number', wide: true, align: 'end', cell: (u) => <span class="num">{u.id}</span> },
                  {
                    id: 'm',
                    head: 'Actions',
                    bare: true,
                    align: 'end',
                    cell: (u) => <Menu label={`Change ${u.name}`} look="quiet" items={ofUser(u)} />,
                  },
                ]}
              />
            </Section>
            <Section title="Groups" aside={plural(groups().length, 'group')}>
              <Table
                label="Groups for shares"
                rows={groups()}
                empty="No group yet. A group names several users at once, as @name in a share."
                columns={[
                  { id: 'n', head: 'Group', cell: (g) => <strong>@{g.name}</strong> },
                  { id: 'm', head: 'Members', wrap: true, cell: (g) => members(g).join(', ') || <span class="dim">nobody</span> },
                  {
                    id: 's',
                    head: 'In shares',
                    wide: true,
                    cell: (g) => named().get(`@${g.name}`)?.join(', ') ?? <span class="dim">none</span>,
                  },
                  { id: 'i', head: 'Number', wide: true, align: 'end', cell: (g) => <span class="num">{g.id}</span> },
                  {
                    id: 'x',
                    head: 'Actions',
                    bare: true,
                    align: 'end',
                    cell: (g) => <Menu label={`Change ${g.name}`} look="quiet" items={ofGroup(g)} />,
                  },
                ]}
              />
            </Section>
          </Show>
        )}
      </Answer>
      <Switch>
        <Match when={now()?.what === 'add-user'}>
          <UserForm accounts={accounts.data()} onClose={stop} />
        </Match>
        <Match when={now()?.what === 'add-group'}>
          <GroupForm accounts={accounts.data()} onClose={stop} />
        </Match>
        <Match when={forUser('change')}>{(u) => <UserForm accounts={accounts.data()} user={u()} onClose={stop} />}</Match>
        <Match when={forUser('password')}>{(u) => <PasswordForm user={u()} onClose={stop} />}</Match>
        <Match when={forUser('switch')}>{(u) => <SwitchUser user={u()} onClose={stop} />}</Match>
        <Match when={forUser('rename')}>
          {(u) => <RenameForm accounts={accounts.data()} kind="share-user" name={u().name} onClose={stop} />}
        </Match>
        <Match when={forUser('remove')}>{(u) => <RemoveUser user={u()} onClose={stop} />}</Match>
        <Match when={forGroup('members')}>{(g) => <GroupForm accounts={accounts.data()} group={g()} onClose={stop} />}</Match>
        <Match when={forGroup('rename-group')}>
          {(g) => <RenameForm accounts={accounts.data()} kind="share-group" name={g().name} onClose={stop} />}
        </Match>
        <Match when={forGroup('remove-group')}>{(g) => <RemoveGroup group={g()} onClose={stop} />}</Match>
      </Switch>
    </Page>
  );
};
