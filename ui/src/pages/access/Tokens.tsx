/** Tokens for scripts, and sessions of browsers: one's own, and for those who may everybody's. */
import { createSignal, For, type JSX, Show } from 'solid-js';
import { createStore } from 'solid-js/store';
import { Permission } from '../../../../control/src/domain/user/role.ts';
import { type Problem, problemOf } from '../../data/problem.ts';
import { nothing, useQuery } from '../../data/query.ts';
import { ask, may } from '../../data/session.ts';
import { trpc } from '../../data/trpc.ts';
import { SelectField, TextField } from '../../forms/Field.tsx';
import { say, sayProblem } from '../../frame/toasts.tsx';
import { Answer, Button, Copy, Note, Page, ProblemBox, Time } from '../../parts/basic.tsx';
import { Dialog } from '../../parts/Dialog.tsx';
import { Table } from '../../parts/VirtualTable.tsx';
import { plural } from '../../parts/words.ts';
import { ACCESS_TABS } from './tabs.ts';
import '../../style/access.css';

const NewToken = (props: { onClose: () => void; onDone: () => void }): JSX.Element => {
  const [name, setName] = createSignal('');
  const [days, setDays] = createSignal('90');
  const [scopes, setScopes] = createStore<Partial<Record<Permission, boolean>>>({});
  const [made, setMade] = createSignal<string | null>(null);
  const [busy, setBusy] = createSignal(false);
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const chosen = (): Permission[] => Permission.options.filter((p) => scopes[p]);
  const submit = async (e: SubmitEvent): Promise<void> => {
    e.preventDefault();
    if (busy()) return;
    if (name() === '' || chosen().length === 0) {
      setProblem({ code: 'invalid', what: 'Not made yet', why: 'it needs a name and at least one permission', todo: '' });
      return;
    }
    setBusy(true);
    setProblem(null);
    try {
      const answer = await ask(() => trpc.access.tokens.create.mutate({ name: name(), scopes: chosen(), days: Number(days()) }));
      setMade(answer.token);
      props.onDone();
    } catch (error) {
      setProblem(problemOf(error));
    }
    setBusy(false);
  };
  return (
    <Dialog
      open
      onClose={props.onClose}
      title="Make a token"
      about="For scripts; it can do no more than you can, and no more than you choose here."
    >
      <Show
        when={made()}
        fallback={
          <form class="form" onSubmit={(e) => void submit(e)}>
            <TextField label="Name" value={name()} onInput={setName} autofocus placeholder="backup script" />
            <SelectField
              label="Valid for"
              value={days()}
              onChange={setDays}
              choices={['7', '30', '90', '365'].map((d) => ({ value: d, label: `${d} days` }))}
            />
            <fieldset class="scopes">
              <legend>May</legend>
              <For each={Permission.options.filter((p) => p !== 'public' && p !== 'self' && may(p))}>
                {(p) => (
                  <label class="row">
                    <input type="checkbox" checked={scopes[p] ?? false} onChange={(e) => setScopes(p, e.currentTarget.checked)} />
                    {p}
                  </label>
                )}
              </For>
            </fieldset>
            <Show when={problem()}>{(p) => <ProblemBox problem={p()} />}</Show>
            <Button look="main" type="submit" busy={busy()}>
              Make it
            </Button>
          </form>
        }
      >
        {(token) => (
          <div class="stack">
            <Note tone="warn" title="Copy it now">
              <p>It is shown this once.</p>
            </Note>
            <Copy text={token()} label="the token">
              <code class="token">{token()}</code>
            </Copy>
            <Button look="main" onClick={() => props.onClose()}>
              Done
            </Button>
          </div>
        )}
      </Show>
    </Dialog>
  );
};

export const Tokens = (): JSX.Element => {
  const tokens = useQuery('tokens', nothing, () => trpc.access.tokens.list.query(), { topics: ['access'], by: 'id' });
  const [making, setMaking] = createSignal(false);
  const revoke = async (id: string, name: string): Promise<void> => {
    try {
      await ask(() => trpc.access.tokens.revoke.mutate({ id }));
      say(`The token ${name} is revoked`);
      tokens.refetch();
    } catch (error) {
      sayProblem(error);
    }
  };
  return (
    <Page
      title="Access"
      tabs={ACCESS_TABS}
      actions={
        <Button look="main" icon="plus" onClick={() => setMaking(true)}>
          Make token
        </Button>
      }
    >
      <Answer query={tokens}>
        {(_) => (
          <Table
            label="Tokens"
            rows={tokens.data()?.tokens ?? []}
            empty="No token. A script logs in with one instead of a password."
            columns={[
              { id: 'n', head: 'Name', cell: (t) => <strong>{t.name}</strong> },
              { id: 'u', head: 'Of', cell: (t) => t.user },
              {
                id: 's',
                head: 'May',
                wrap: true,
                wide: true,
                cell: (t) => (
                  <span title={t.scopes.join(', ')}>
                    {t.scopes.length > 3 ? plural(t.scopes.length, 'permission') : t.scopes.join(', ')}
                  </span>
                ),
              },
              {
                id: 'l',
                head: 'Last used',
                wide: true,
                cell: (t) => (
                  <Show when={t.lastUsedAt} fallback={<span class="dim">never</span>}>
                    {(at) => <Time at={at()} />}
                  </Show>
                ),
              },
              { id: 'e', head: 'Ends', cell: (t) => <Time at={t.expiresAt} /> },
              {
                id: 'x',
                head: 'Actions',
                bare: true,
                align: 'end',
                cell: (t) => (
                  <Button look="quiet" aria-label={`Revoke ${t.name}`} onClick={() => void revoke(t.id, t.name)}>
                    Revoke
                  </Button>
                ),
              },
            ]}
          />
        )}
      </Answer>
      <Show when={making()}>
        <NewToken onClose={() => setMaking(false)} onDone={() => tokens.refetch()} />
      </Show>
    </Page>
  );
};

export const Sessions = (): JSX.Element => {
  const sessions = useQuery('sessions', nothing, () => trpc.access.sessions.list.query(), { topics: ['access'], by: 'id' });
  const end = async (id: string): Promise<void> => {
    try {
      await ask(() => trpc.access.sessions.revoke.mutate({ id }));
      say('The session is ended');
      sessions.refetch();
    } catch (error) {
      sayProblem(error);
    }
  };
  return (
    <Page title="Access" tabs={ACCESS_TABS}>
      <Answer query={sessions}>
        {(_) => (
          <Table
            label="Sessions"
            rows={sessions.data()?.sessions ?? []}
            columns={[
              { id: 'u', head: 'User', cell: (s) => <strong>{s.user}</strong> },
              { id: 'f', head: 'From', cell: (s) => s.from },
              {
                id: 'a',
                head: 'With',
                wrap: true,
                wide: true,
                cell: (s) => (
                  <span title={s.agent}>
                    {s.agent.replace(/^Mozilla\/5\.0 \(([^)]*)\).*?(?:(Chrome|Firefox|Version)\/(\d+)).*$/, '$2 $3, $1').slice(0, 60)}
                  </span>
                ),
              },
              { id: 'l', head: 'Last seen', cell: (s) => <Time at={s.lastSeenAt} /> },
              { id: 'e', head: 'Ends', wide: true, cell: (s) => <Time at={s.expiresAt} /> },
              {
                id: 'x',
                head: 'Actions',
                bare: true,
                align: 'end',
                cell: (s) => (
                  <Show when={!s.current} fallback={<span class="tag">this one</span>}>
                    <Button look="quiet" aria-label={`End the session of ${s.user} from ${s.from}`} onClick={() => void end(s.id)}>
                      End
                    </Button>
                  </Show>
                ),
              },
            ]}
          />
        )}
      </Answer>
    </Page>
  );
};
