/** From a bundle to the other slot: where it comes from, what it would change, and how far it has come. */
import { createSignal, createUniqueId, type JSX, Show } from 'solid-js';
import type { BundleInfo } from '../../../../control/src/domain/bundle/bundle.ts';
import type { SystemInfo } from '../../../../control/src/domain/slot/slot.ts';
import { formatBytes } from '../../../../control/src/domain/units.ts';
import { type Problem, problemOf } from '../../data/problem.ts';
import { ask, whyNot } from '../../data/session.ts';
import { trpc } from '../../data/trpc.ts';
import { type Sending, sendBundle, type UpdateView } from '../../data/updates.ts';
import { TextField } from '../../forms/Field.tsx';
import { Button, Note, ProblemBox, Progress, Section, Time } from '../../parts/basic.tsx';
import { duration } from '../../parts/words.ts';
import { PHASE_WORDS, paceOf } from './words.ts';

type Change = { name: string; from: string; to: string };
const changesOf = (now: SystemInfo | null, to: SystemInfo): Change[] => [
  { name: 'Version', from: now?.version ?? 'unknown', to: to.version },
  { name: 'Kernel', from: now?.kernel ?? 'unknown', to: to.kernel },
  { name: 'ZFS', from: now?.zfs ?? 'unknown', to: to.zfs },
];

export const BundleFacts = (props: { now: SystemInfo | null; bundle: BundleInfo; key: string }): JSX.Element => (
  <dl class="facts">
    {changesOf(props.now, props.bundle.system).map((c) => (
      <div>
        <dt>{c.name}</dt>
        <dd>
          {c.to}
          <small>{c.from === c.to ? 'as it is now' : `now ${c.from}`}</small>
        </dd>
      </div>
    ))}
    <div>
      <dt>To read</dt>
      <dd>
        {formatBytes(props.bundle.size)} <small>an image of {formatBytes(props.bundle.imageSize)}</small>
      </dd>
    </div>
    <div>
      <dt>Signed with</dt>
      <dd>
        {props.key} <small>a key this machine trusts</small>
      </dd>
    </div>
    <div>
      <dt>Made</dt>
      <dd>
        <Time at={props.bundle.createdAt} />
        <small>
          ends <Time at={props.bundle.notAfter} />
        </small>
      </dd>
    </div>
  </dl>
);

const keyName = (v: UpdateView, id: string): string => (v.slots.available && v.slots.keys.find((k) => k.id === id)?.comment) || id;

export const ProgressCard = (props: { view: UpdateView; now: SystemInfo | null }): JSX.Element => {
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const p = () => props.view.progress as NonNullable<UpdateView['progress']>; // shown only when there is one
  const share = (): number => (p().total > 0 ? p().done / p().total : 0);
  const pace = () => paceOf(p());
  const from = (): string => {
    const s = p().source;
    return s.kind === 'url' ? s.url : s.kind === 'file' ? s.path : s.name;
  };
  const cancel = async (): Promise<void> => {
    try {
      await ask(() => trpc.updates.cancel.mutate());
      setProblem(null);
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  return (
    <Section title={props.view.running ? 'Being installed' : 'Last installation'} aside={<span class="from">{from()}</span>}>
      <Show
        when={props.view.running}
        fallback={
          <Note tone={p().phase === 'failed' ? 'bad' : p().phase === 'staged' ? 'ok' : 'plain'} title={PHASE_WORDS[p().phase]}>
            <Show
              when={p().refusal}
              fallback={
                <p>
                  {p().phase === 'cancelled'
                    ? 'The other slot is empty now; the running system was not touched.'
                    : 'It is tried at the next restart.'}
                </p>
              }
            >
              {(r) => (
                <>
                  <p>
                    {r().what}: {r().why}
                  </p>
                  <p class="todo">{r().todo}</p>
                </>
              )}
            </Show>
          </Note>
        }
      >
        <div class="stack" role="status">
          <Progress label="Installed so far" share={share()} />
          <p>
            <strong>{PHASE_WORDS[p().phase]}.</strong>{' '}
            <Show when={p().total > 0}>
              <span class="num">
                {formatBytes(p().done)} of {formatBytes(p().total)}
              </span>
              , {formatBytes(p().skipped)} of it was there already.{' '}
            </Show>
            <Show when={pace()} fallback="Too early to say how long it takes.">
              {(x) => (
                <span class="num">
                  {formatBytes(Math.round(x().perSecond))}/s, about {duration(x().leftMs)} left.
                </span>
              )}
            </Show>
          </p>
        </div>
        <Show when={p().bundle}>{(b) => <BundleFacts now={props.now} bundle={b()} key={keyName(props.view, b().keyId)} />}</Show>
        <Show when={problem()}>{(x) => <ProblemBox problem={x()} />}</Show>
        <p>
          <Button why={whyNot('system.update') ?? props.view.whyNo.cancel ?? undefined} onClick={() => void cancel()}>
            Cancel
          </Button>
        </p>
      </Show>
    </Section>
  );
};

export const Install = (props: { view: UpdateView; now: SystemInfo | null; onBegun: () => void }): JSX.Element => {
  const picker = createUniqueId();
  const [address, setAddress] = createSignal('');
  const [found, setFound] = createSignal<{ source: { url: string } | { path: string }; bundle: BundleInfo } | null>(null);
  const [file, setFile] = createSignal<File | null>(null);
  const [over, setOver] = createSignal(false);
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const [busy, setBusy] = createSignal(false);
  const [sending, setSending] = createSignal<(Sending & { size: number }) | null>(null);
  const [sent, setSent] = createSignal(0);
  const why = (): string | undefined =>
    whyNot('system.update') ?? (props.view.whyNo.install === null ? undefined : `Not now: ${props.view.whyNo.install}.`);
  const take = (f: File | undefined): void => {
    setFile(f ?? null);
    setFound(null);
    setProblem(null);
  };
  const attempt = async (work: () => Promise<void>): Promise<void> => {
    setBusy(true);
    setProblem(null);
    try {
      await work();
    } catch (error) {
      setProblem(problemOf(error));
    }
    setBusy(false);
  };
  const inspect = (e: SubmitEvent): void => {
    e.preventDefault();
    const typed = address().trim();
    if (busy() || typed === '' || why() !== undefined) return;
    const source = typed.startsWith('/') ? { path: typed } : { url: typed };
    setFound(null);
    void attempt(async () => {
      setFound({ source, bundle: await ask(() => trpc.updates.inspect.mutate(source)) });
    });
  };
  const install = (source: { url: string } | { path: string }): void =>
    void attempt(async () => {
      await ask(() => trpc.updates.install.mutate(source));
      setFound(null);
      setAddress('');
      props.onBegun();
    });
  const send = (f: File): void =>
    void attempt(async () => {
      const s = sendBundle(f, setSent);
      setSent(0);
      setSending({ ...s, size: f.size });
      setTimeout(props.onBegun, 500);
      const refused = await s.done;
      setSending(null);
      props.onBegun();
      if (refused) setProblem(refused);
      else setFile(null);
    });
  return (
    <Section title="Install an update">
      <div class="install">
        <form class="form" onSubmit={inspect}>
          <TextField
            label="Address, or path of a file on the machine"
            value={address()}
            onInput={setAddress}
            mono
            placeholder="https://… or /mnt/usb/dplaneos.bundle"
            help="Its beginning is read and its signature checked; nothing is written yet."
          />
          <Button type="submit" busy={busy()} why={why() ?? (address().trim() === '' ? 'Say where it is first.' : undefined)}>
            {busy() && !sending() ? 'Reading …' : 'Look at it'}
          </Button>
        </form>
        {/* biome-ignore lint/a11y/noStaticElementInteractions: dropping is another way to use the input within */}
        <div
          class="drop"
          classList={{ over: over() }}
          onDragOver={(e) => {
            e.preventDefault();
            setOver(true);
          }}
          onDragLeave={() => setOver(false)}
          onDrop={(e) => {
            e.preventDefault();
            setOver(false);
            take(e.dataTransfer?.files[0]);
          }}
        >
          <label for={picker}>Or a file from this computer: drop it here, or choose it</label>
          <input id={picker} type="file" onChange={(e) => take(e.currentTarget.files?.[0])} />
          <Show when={file()}>
            {(f) => (
              <>
                <p>
                  {f().name}, {formatBytes(f().size)}. Its signature is checked as its beginning arrives, before anything is written.
                </p>
                <Show
                  when={sending()}
                  fallback={
                    <Button look="main" busy={busy()} why={why()} onClick={() => send(f())}>
                      Send and install
                    </Button>
                  }
                >
                  {(s) => (
                    <div class="stack" role="status">
                      <Progress label="Sent" share={sent() / Math.max(1, s().size)} />
                      <p class="num">
                        Sent {formatBytes(sent())} of {formatBytes(s().size)}. Keep this page open until it is sent.{' '}
                        <Button look="quiet" onClick={() => s().stop()}>
                          Stop
                        </Button>
                      </p>
                    </div>
                  )}
                </Show>
              </>
            )}
          </Show>
        </div>
      </div>
      <Show when={problem()}>{(x) => <ProblemBox problem={x()} />}</Show>
      <Show when={found()}>
        {(f) => (
          <article class="card" aria-label="What it would change">
            <h3>Version {f().bundle.system.version}</h3>
            <BundleFacts now={props.now} bundle={f().bundle} key={keyName(props.view, f().bundle.keyId)} />
            <Show when={f().bundle.refusal}>
              {(r) => (
                <Note tone="bad" title="It can't be installed here">
                  <p>{r().why}.</p>
                  <p class="todo">{r().todo}</p>
                </Note>
              )}
            </Show>
            <p class="row">
              <Button
                look="main"
                busy={busy()}
                why={why() ?? (f().bundle.refusal === null ? undefined : f().bundle.refusal?.why)}
                onClick={() => install(f().source)}
              >
                Install into the other slot
              </Button>
              <span class="dim">The running system is not touched; the restart is a step of its own.</span>
            </p>
          </article>
        )}
      </Show>
    </Section>
  );
};
