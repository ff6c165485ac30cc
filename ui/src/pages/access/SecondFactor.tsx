/** Setting up the second factor: scan or type the secret, prove it with a code, keep the recovery codes. */
import { correction, generate } from 'lean-qr';
import { createMemo, createSignal, For, type JSX, onMount, Show } from 'solid-js';
import { type Problem, problemOf } from '../../data/problem.ts';
import { ask } from '../../data/session.ts';
import { trpc } from '../../data/trpc.ts';
import { TextField } from '../../forms/Field.tsx';
import { Button, Copy, Note, ProblemBox } from '../../parts/basic.tsx';

/** Dark modules as one path; a white ground of its own, because cameras want it in a dark theme too. */
const Qr = (props: { text: string }): JSX.Element => {
  const code = createMemo(() => generate(props.text, { minCorrectionLevel: correction.M }));
  const path = createMemo(() => {
    const parts: string[] = [];
    for (let y = 0; y < code().size; y += 1)
      for (let x = 0; x < code().size; x += 1) if (code().get(x, y)) parts.push(`M${x} ${y}h1v1h-1z`);
    return parts.join('');
  });
  return (
    <svg class="qr" viewBox={`-3 -3 ${code().size + 6} ${code().size + 6}`} role="img" aria-label="QR code of the secret">
      <path class="qr-ground" d={`M-3-3h${code().size + 6}v${code().size + 6}h-${code().size + 6}z`} />
      <path class="qr-dark" d={path()} />
    </svg>
  );
};

export const SecondFactor = (props: { password: string; onDone: () => void }): JSX.Element => {
  const [begun, setBegun] = createSignal<{ secret: string; uri: string } | null>(null);
  const [codes, setCodes] = createSignal<readonly string[] | null>(null);
  const [code, setCode] = createSignal('');
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const [busy, setBusy] = createSignal(false);
  const guarded = async (work: () => Promise<void>): Promise<void> => {
    setBusy(true);
    setProblem(null);
    try {
      await work();
    } catch (error) {
      setProblem(problemOf(error));
    }
    setBusy(false);
  };
  onMount(() => void guarded(async () => void setBegun(await ask(() => trpc.me.totpBegin.mutate({ password: props.password })))));
  const confirm = (e: SubmitEvent): void => {
    e.preventDefault();
    if (!busy())
      void guarded(
        async () => void setCodes((await ask(() => trpc.me.totpConfirm.mutate({ code: code().replaceAll(' ', '') }))).recoveryCodes),
      );
  };
  return (
    <div class="stack">
      <Show when={problem()}>{(p) => <ProblemBox problem={p()} />}</Show>
      <Show
        when={codes()}
        fallback={
          <Show when={begun()} fallback={<p class="waiting">Preparing …</p>}>
            {(b) => (
              <form class="form" onSubmit={confirm}>
                <p>Scan this with an authenticator app, or type the secret into it.</p>
                <Qr text={b().uri} />
                <Copy text={b().secret} label="the secret">
                  <code class="secret">
                    {b()
                      .secret.match(/.{1,4}/g)
                      ?.join(' ')}
                  </code>
                </Copy>
                <TextField
                  label="The code it shows now"
                  value={code()}
                  onInput={setCode}
                  inputmode="numeric"
                  autocomplete="one-time-code"
                  mono
                  autofocus
                />
                <Button look="main" type="submit" busy={busy()}>
                  Turn it on
                </Button>
              </form>
            )}
          </Show>
        }
      >
        {(list) => (
          <>
            <Note tone="warn" title="Keep these recovery codes">
              <p>Each lets you in once without the authenticator. They are shown this once.</p>
            </Note>
            <ul class="recovery mono">
              <For each={list()}>{(c) => <li>{c}</li>}</For>
            </ul>
            <div class="row">
              <Copy text={list().join('\n')} label="the recovery codes">
                Copy all
              </Copy>
              <Button look="main" onClick={() => props.onDone()}>
                I have kept them
              </Button>
            </div>
          </>
        )}
      </Show>
    </div>
  );
};
