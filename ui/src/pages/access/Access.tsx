/** Who can log in and what each may do. A change takes effect at once. */
import { createSignal, type JSX, Show } from 'solid-js';
import { can, Permission, Role } from '../../../../control/src/domain/user/role.ts';
import { UserName, whyWeak, type User } from '../../../../control/src/domain/user/user.ts';
import { type Problem, problemOf } from '../../data/problem.ts';
import { nothing, useQuery } from '../../data/query.ts';
import { ask, user as me, whyNot } from '../../data/session.ts';
import { trpc } from '../../data/trpc.ts';
import { SelectField, TextField } from '../../forms/Field.tsx';
import { NewPassword } from '../../forms/NewPassword.tsx';
import { problemWith } from '../../forms/schema.ts';
import { say, sayProblem } from '../../frame/toasts.tsx';
import { Answer, Button, Note, Page, ProblemBox, Time } from '../../parts/basic.tsx';
import { Dialog } from '../../parts/Dialog.tsx';
import { Menu } from '../../parts/Menu.tsx';
import { Status } from '../../parts/Status.tsx';
import { Table } from '../../parts/VirtualTable.tsx';
import { ACCESS_TABS } from './tabs.ts';
import '../../style/access.css';

const CHOICES = Role.options.map((r) => ({ value: r, label: r }));
const isRole = (v: string): v is Role => Role.options.some((r) => r === v);

const AddPerson = (props: { onClose: () => void; onDone: () => void }): JSX.Element => {
  const [name, setName] = createSignal('');
  const [role, setRole] = createSignal<Role>('viewer');
  const [password, setPassword] = createSignal('');
  const [shown, setShown] = createSignal(false);
  const [busy, setBusy] = createSignal(false);
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const submit = async (e: SubmitEvent): Promise<void> => {
    e.preventDefault();
    setShown(true);
    if (busy() || problemWith(UserName, name()) || whyWeak(password(), name())) return;
    setBusy(true);
    try {
      await ask(() => trpc.access.users.create.mutate({ name: name(), role: role(), password: password() }));
      say(`${name()} can log in now`);
      props.onDone();
      props.onClose();
    } catch (error) {
      setProblem(problemOf(error));
    }
    setBusy(false);
  };
  return (
    <Dialog open onClose={props.onClose} title="Add a person">
      <form class="form" onSubmit={(e) => void submit(e)}>
        <TextField label="User" value={name()} onInput={setName} autofocus problem={shown() ? problemWith(UserName, name()) : undefined} />
        <SelectField
          label="Role"
          value={role()}
          onChange={(v) => isRole(v) && setRole(v)}
          choices={CHOICES}
          help="What each role may do stands under Roles."
        />
        <NewPassword label="First password" value={password()} user={name()} onInput={setPassword} shown={shown()} />
        <Show when={problem()}>{(p) => <ProblemBox problem={p()} />}</Show>
        <Button look="main" type="submit" busy={busy()}>
          Add
        </Button>
      </form>
    </Dialog>
  );
};

export const People = (): JSX.Element => {
  const users = useQuery(
    'users',
    () => (whyNot('access.read') === undefined ? nothing() : null),
    () => trpc.access.users.list.query(),
    { topics: ['access'], by: 'id' },
  );
  const [adding, setAdding] = createSignal(false);
  const [removing, setRemoving] = createSignal<User | null>(null);
  const act = async (work: () => Promise<unknown>, done: string): Promise<void> => {
    try {
      await ask(work);
      say(done);
      users.refetch();
    } catch (error) {
      sayProblem(error);
    }
  };
  const items = (u: User) => {
    const why = whyNot('access.write');
    return [
      ...Role.options
        .filter((r) => r !== u.role)
        .map((r) => ({
          label: `Make ${r}`,
          why,
          onSelect: () => void act(() => trpc.access.users.update.mutate({ name: u.name, role: r }), `${u.name} is ${r} now`),
        })),
      {
        label: u.disabled ? 'Enable' : 'Disable',
        why: why ?? (u.name === me()?.name ? 'This is you.' : undefined),
        onSelect: () =>
          void act(
            () => trpc.access.users.update.mutate({ name: u.name, disabled: !u.disabled }),
            `${u.name} was ${u.disabled ? 'enabled' : 'disabled'}`,
          ),
      },
      ...(u.totp
        ? [
            {
              label: 'Turn the second factor off',
              why,
              onSelect: () =>
                void act(() => trpc.access.users.update.mutate({ name: u.name, totp: false }), `The second factor of ${u.name} is off`),
            },
          ]
        : []),
      { label: 'Remove', danger: true, why: why ?? (u.name === me()?.name ? 'This is you.' : undefined), onSelect: () => setRemoving(u) },
    ];
  };
  return (
    <Page
      title="Access"
      tabs={ACCESS_TABS}
      actions={
        <Button look="main" icon="plus" why={whyNot('access.write')} onClick={() => setAdding(true)}>
          Add person
        </Button>
      }
    >
      <Show when={whyNot('access.read')} fallback={null}>
        {(why) => <Note>{why()}</Note>}
      </Show>
      <Show when={whyNot('access.read') === undefined}>
        <Answer query={users}>
          {(_) => (
            <Table
              label="People"
              rows={users.data()?.users ?? []}
              columns={[
                { id: 'n', head: 'User', cell: (u) => <strong>{u.name}</strong> },
                { id: 'r', head: 'Role', cell: (u) => u.role },
                {
                  id: 's',
                  head: 'State',
                  wide: true,
                  cell: (u) => <Status tone={u.disabled ? 'never' : 'ok'}>{u.disabled ? 'disabled' : 'may log in'}</Status>,
                },
                {
                  id: 't',
                  head: 'Second factor',
                  wide: true,
                  cell: (u) => <Status tone={u.totp ? 'ok' : 'idle'}>{u.totp ? 'on' : 'off'}</Status>,
                },
                {
                  id: 'l',
                  head: 'Last login',
                  wide: true,
                  cell: (u) => (
                    <Show when={u.lastLoginAt} fallback={<span class="dim">never</span>}>
                      {(at) => <Time at={at()} />}
                    </Show>
                  ),
                },
                {
                  id: 'm',
                  head: 'Actions',
                  bare: true,
                  align: 'end',
                  cell: (u) => <Menu label={`Change ${u.name}`} look="quiet" items={items(u)} />,
                },
              ]}
            />
          )}
        </Answer>
      </Show>
      <Show when={adding()}>
        <AddPerson onClose={() => setAdding(false)} onDone={() => users.refetch()} />
      </Show>
      <Dialog
        open={removing() !== null}
        onClose={() => setRemoving(null)}
        title={`Remove ${removing()?.name ?? ''}`}
        about="Sessions and tokens end at once. What they did stays in the audit log."
      >
        <Button
          look="danger"
          onClick={() => {
            const u = removing();
            setRemoving(null);
            if (u) void act(() => trpc.access.users.remove.mutate({ name: u.name }), `${u.name} was removed`);
          }}
        >
          Remove {removing()?.name}
        </Button>
      </Dialog>
    </Page>
  );
};

export const Roles = (): JSX.Element => (
  <Page title="Access" lead="What each role may do. The same table decides in the daemon." tabs={ACCESS_TABS}>
    <div class="roles">
      <Table
        label="Roles"
        rows={Permission.options.filter((p) => p !== 'public')}
        columns={[
          { id: 'p', head: 'Permission', cell: (p) => <code>{p}</code> },
          ...Role.options.map((r) => ({
            id: r,
            head: r,
            cell: (p: Permission) => (can(r, p) ? <Status tone="ok">yes</Status> : <span class="dim">no</span>),
          })),
        ]}
      />
    </div>
  </Page>
);
