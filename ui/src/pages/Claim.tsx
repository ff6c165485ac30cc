/** The first admin of a fresh box: the code from its console, a name, a password; then, if wanted, the second factor. */
import { createMemo, createSignal, type JSX, Match, Show, Switch } from 'solid-js';
import { UserName, whyWeak } from '../../../control/src/domain/user/user.ts';
import { type Problem, problemOf } from '../data/problem.ts';
import { enter } from '../data/session.ts';
import { trpc } from '../data/trpc.ts';
import { TextField } from '../forms/Field.tsx';
import { NewPassword } from '../forms/NewPassword.tsx';
import { problemWith } from '../forms/schema.ts';
import { Button, ProblemBox } from '../parts/basic.tsx';
import { SecondFactor } from './access/SecondFactor.tsx';
import '../style/access.css';

export const Claim = (): JSX.Element => {
  const [code, setCode] = createSignal('');
  const [name, setName] = createSignal('');
  const [password, setPassword] = createSignal('');
  const [again, setAgain] = createSignal('');
  const [shown, setShown] = createSignal(false);
  const [busy, setBusy] = createSignal(false);
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const [step, setStep] = createSignal<'claim' | 'offer' | 'totp'>('claim');
  const wrongName = createMemo(() => problemWith(UserName, name()));
  const wrongAgain = (): string | undefined => (again() === password() ? undefined : 'The two passwords differ.');
  const submit = async (e: SubmitEvent): Promise<void> => {
    e.preventDefault();
    if (busy()) return;
    setShown(true);
    if (code().trim() === '' || wrongName() || whyWeak(password(), name()) || wrongAgain()) return;
    setBusy(true);
    setProblem(null);
    try {
      await trpc.claim.claim.mutate({ code: code().trim(), user: name(), password: password() });
      setStep('offer');
    } catch (error) {
      setProblem(problemOf(error));
    }
    setBusy(false);
  };
  return (
    <Switch>
      <Match when={step() === 'claim'}>
        <form class="form" onSubmit={(e) => void submit(e)}>
          <p class="dim">Nobody has an account here yet. Whoever has the code from the console makes the first one.</p>
          <TextField
            label="Claim code"
            value={code()}
            onInput={setCode}
            mono
            autofocus
            problem={shown() && code().trim() === '' ? 'The code stands on the console of the box.' : undefined}
          />
          <TextField label="User" value={name()} onInput={setName} autocomplete="username" problem={shown() ? wrongName() : undefined} />
          <NewPassword label="Password" value={password()} user={name()} onInput={setPassword} shown={shown()} />
          <TextField
            label="Password again"
            type="password"
            autocomplete="new-password"
            value={again()}
            onInput={setAgain}
            problem={shown() ? wrongAgain() : undefined}
          />
          <Show when={problem()}>{(p) => <ProblemBox problem={p()} />}</Show>
          <Button look="main" type="submit" busy={busy()}>
            {busy() ? 'Claiming …' : 'Claim this box'}
          </Button>
        </form>
      </Match>
      <Match when={step() === 'offer'}>
        <div class="stack" role="status">
          <p>
            <strong>It is yours.</strong> A second factor keeps it so when somebody learns the password.
          </p>
          <div class="row">
            <Button look="main" onClick={() => setStep('totp')}>
              Set up a second factor
            </Button>
            <Button onClick={() => void enter()}>Not now</Button>
          </div>
        </div>
      </Match>
      <Match when={step() === 'totp'}>
        <SecondFactor password={password()} onDone={() => void enter()} />
      </Match>
    </Switch>
  );
};
