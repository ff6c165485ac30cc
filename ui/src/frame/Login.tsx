/** Logging in: as a page when nobody is, over the page when the session has ended under it. */
import { createSignal, type JSX, Show } from 'solid-js';
import { type Problem, problemOf } from '../data/problem.ts';
import { enter, user } from '../data/session.ts';
import { trpc } from '../data/trpc.ts';
import { TextField } from '../forms/Field.tsx';
import { Button, ProblemBox } from '../parts/basic.tsx';

export const LoginForm = (props: { onDone?: () => void }): JSX.Element => {
  const known = user()?.name ?? '';
  const [name, setName] = createSignal(known);
  const [password, setPassword] = createSignal('');
  const [code, setCode] = createSignal('');
  const [codeNeeded, setCodeNeeded] = createSignal(false);
  const [busy, setBusy] = createSignal(false);
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const submit = async (e: SubmitEvent): Promise<void> => {
    e.preventDefault();
    if (busy()) return;
    setBusy(true);
    setProblem(null);
    try {
      const answer = await trpc.session.login.mutate({
        user: name().trim(),
        password: password(),
        ...(codeNeeded() && { totp: code().replaceAll(' ', '') }),
      });
      if (answer.state === 'totp-needed') {
        setCodeNeeded(true);
        queueMicrotask(() => document.querySelector<HTMLInputElement>('.login input[inputmode="numeric"]')?.focus());
      } else {
        await enter();
        props.onDone?.();
      }
    } catch (error) {
      setProblem(problemOf(error));
    }
    setBusy(false);
  };
  return (
    <form class="login" onSubmit={(e) => void submit(e)}>
      <TextField label="User" value={name()} onInput={setName} autocomplete="username" autofocus={known === ''} />
      <TextField
        label="Password"
        type="password"
        value={password()}
        onInput={setPassword}
        autocomplete="current-password"
        autofocus={known !== ''}
      />
      <Show when={codeNeeded()}>
        <TextField
          label="Code"
          help="Six digits from your authenticator, or one of your recovery codes."
          value={code()}
          onInput={setCode}
          autocomplete="one-time-code"
          inputmode="numeric"
          mono
        />
      </Show>
      <Show when={problem()}>{(p) => <ProblemBox problem={p()} />}</Show>
      <Button look="main" type="submit" busy={busy()}>
        {busy() ? 'Logging in …' : 'Log in'}
      </Button>
    </form>
  );
};
