/** One's own password and second factor. The current password is asked for each time: an open browser is not its owner. */
import { createSignal, type JSX, Show } from 'solid-js';
import { whyWeak } from '../../../../control/src/domain/user/user.ts';
import { type Problem, problemOf } from '../../data/problem.ts';
import { ask, enter, user } from '../../data/session.ts';
import { trpc } from '../../data/trpc.ts';
import { TextField } from '../../forms/Field.tsx';
import { NewPassword } from '../../forms/NewPassword.tsx';
import { say } from '../../frame/toasts.tsx';
import { Button, Page, ProblemBox, Section } from '../../parts/basic.tsx';
import { Status } from '../../parts/Status.tsx';
import { SecondFactor } from './SecondFactor.tsx';
import { ACCESS_TABS } from './tabs.ts';
import '../../style/access.css';

const ChangePassword = (): JSX.Element => {
  const [current, setCurrent] = createSignal('');
  const [next, setNext] = createSignal('');
  const [shown, setShown] = createSignal(false);
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const submit = async (e: SubmitEvent): Promise<void> => {
    e.preventDefault();
    setShown(true);
    if (current() === '' || whyWeak(next(), user()?.name ?? '')) return;
    setProblem(null);
    try {
      await ask(() => trpc.me.changePassword.mutate({ current: current(), next: next() }));
      setCurrent('');
      setNext('');
      setShown(false);
      say('The password is changed', 'All your other sessions have ended.');
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  return (
    <form class="form" onSubmit={(e) => void submit(e)}>
      <TextField
        label="Current password"
        type="password"
        autocomplete="current-password"
        value={current()}
        onInput={setCurrent}
        problem={shown() && current() === '' ? 'Type your current password.' : undefined}
      />
      <NewPassword label="New password" value={next()} user={user()?.name ?? ''} onInput={setNext} shown={shown()} />
      <Show when={problem()}>{(p) => <ProblemBox problem={p()} />}</Show>
      <div>
        <Button type="submit">Change the password</Button>
      </div>
    </form>
  );
};

const Factor = (): JSX.Element => {
  const [password, setPassword] = createSignal('');
  const [going, setGoing] = createSignal(false);
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const off = async (): Promise<void> => {
    setProblem(null);
    try {
      await ask(() => trpc.me.totpDisable.mutate({ password: password() }));
      setPassword('');
      await enter();
      say('The second factor is off');
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  const submit = (e: SubmitEvent): void => {
    e.preventDefault();
    if (password() === '') return;
    if (user()?.totp) void off();
    else setGoing(true);
  };
  return (
    <Show
      when={!going()}
      fallback={
        <SecondFactor
          password={password()}
          onDone={() => {
            setGoing(false);
            setPassword('');
            void enter();
          }}
        />
      }
    >
      <form class="form" onSubmit={submit}>
        <Status tone={user()?.totp ? 'ok' : 'idle'}>
          {user()?.totp ? 'On: a code is asked for at each login' : 'Off: the password alone lets you in'}
        </Status>
        <TextField label="Current password" type="password" autocomplete="current-password" value={password()} onInput={setPassword} />
        <Show when={problem()}>{(p) => <ProblemBox problem={p()} />}</Show>
        <div>
          <Button type="submit">{user()?.totp ? 'Turn it off' : 'Set it up'}</Button>
        </div>
      </form>
    </Show>
  );
};

export const Me = (): JSX.Element => (
  <Page title="Access" tabs={ACCESS_TABS}>
    <p>
      Logged in as <strong>{user()?.name}</strong>, {user()?.role}.
    </p>
    <div class="split narrow-columns">
      <Section title="Password">
        <ChangePassword />
      </Section>
      <Section title="Second factor">
        <Factor />
      </Section>
    </div>
  </Page>
);
