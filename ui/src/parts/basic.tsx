/** The small parts every page is made of. */
import { Tooltip } from '@kobalte/core/tooltip';
import { A } from '@solidjs/router';
import { createEffect, createSignal, For, type JSX, Match, Show, splitProps, Switch } from 'solid-js';
import { formatBytes } from '../../../control/src/domain/units.ts';
import { now } from '../data/clock.ts';
import { isStale } from '../data/live.ts';
import type { Problem } from '../data/problem.ts';
import type { Query } from '../data/query.ts';
import { host } from '../data/session.ts';
import { Icon, type IconName } from './Icon.tsx';
import { exact, relative } from './words.ts';

export const Hint = (props: { text: string; children: JSX.Element }): JSX.Element => (
  <Tooltip openDelay={350} gutter={6}>
    {props.children}
    <Tooltip.Portal>
      <Tooltip.Content class="tooltip">{props.text}</Tooltip.Content>
    </Tooltip.Portal>
  </Tooltip>
);

type ButtonProps = Omit<JSX.ButtonHTMLAttributes<HTMLButtonElement>, 'disabled'> & {
  look?: 'main' | 'plain' | 'quiet' | 'danger';
  icon?: IconName;
  /** Why it can't be pressed now; the button stays reachable and says so. */
  why?: string | undefined;
  busy?: boolean;
};
export const Button = (props: ButtonProps): JSX.Element => {
  const [own, rest] = splitProps(props, ['look', 'icon', 'why', 'busy', 'children', 'onClick', 'class']);
  const off = (): boolean => own.why !== undefined || own.busy === true;
  const face = (): JSX.Element => (
    <>
      <Show when={own.icon}>{(name) => <Icon name={name()} />}</Show>
      <span>{own.children}</span>
    </>
  );
  const classes = (): string => `button ${own.look ?? 'plain'} ${own.class ?? ''}`;
  const press: JSX.EventHandler<HTMLButtonElement, MouseEvent> = (e) => {
    if (off()) e.preventDefault();
    else if (typeof own.onClick === 'function') own.onClick(e);
  };
  return (
    <Show
      when={own.why}
      fallback={
        <button type="button" {...rest} class={classes()} aria-disabled={off()} onClick={press}>
          {face()}
        </button>
      }
    >
      {(why) => (
        <Hint text={why()}>
          <Tooltip.Trigger as="button" type="button" {...(rest as object)} class={classes()} aria-disabled="true" onClick={press}>
            {face()}
          </Tooltip.Trigger>
        </Hint>
      )}
    </Show>
  );
};

export const Bytes = (props: { of: number }): JSX.Element => (
  <span class="num" title={`${props.of.toLocaleString('en')} bytes`}>
    {formatBytes(props.of)}
  </span>
);
export const Time = (props: { at: number; exact?: boolean }): JSX.Element => (
  <time datetime={new Date(props.at).toISOString()} title={exact(props.at)} class="num">
    {props.exact ? exact(props.at) : relative(props.at, now())}
  </time>
);

export const Copy = (props: { text: string; label: string; children?: JSX.Element }): JSX.Element => {
  const [done, setDone] = createSignal(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(props.text);
    setDone(true);
    setTimeout(() => setDone(false), 1500);
  };
  return (
    <button type="button" class="copy" title={props.text} onClick={() => void copy()}>
      {props.children}
      <Icon name={done() ? 'check' : 'copy'} />
      <span class="sr">Copy {props.label}</span>
      <span class="sr" role="status">
        {done() ? 'Copied' : ''}
      </span>
    </button>
  );
};

// biome-ignore-start lint/a11y/useSemanticElements: the native meter cannot be drawn with our tokens in every browser
export const Meter = (props: { label: string; value: number; of: number; text?: string; warn?: number }): JSX.Element => {
  const share = (): number => (props.of > 0 ? Math.min(1, props.value / props.of) : 0);
  const tone = (): string => ((props.warn ?? 0) > 1 ? '' : share() >= 0.95 ? 'bad' : share() >= (props.warn ?? 0.85) ? 'warn' : '');
  return (
    <div
      class={`meter ${tone()}`}
      role="meter"
      aria-label={props.label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(share() * 100)}
      aria-valuetext={props.text ?? `${Math.round(share() * 100)} percent`}
    >
      <div class="bar" style={{ width: `${share() * 100}%` }} />
    </div>
  );
};
// biome-ignore-end lint/a11y/useSemanticElements: as above
export const Progress = (props: { label: string; share: number }): JSX.Element => (
  <div
    class="meter progress"
    role="progressbar"
    aria-label={props.label}
    aria-valuemin={0}
    aria-valuemax={100}
    aria-valuenow={Math.round(props.share * 100)}
  >
    <div class="bar" style={{ width: `${props.share * 100}%` }} />
  </div>
);

export const ProblemBox = (props: { problem: Problem; children?: JSX.Element }): JSX.Element => (
  <div class="box bad" role="alert">
    <p class="what">{props.problem.what}</p>
    <p>{props.problem.why}</p>
    <Show when={props.problem.todo}>
      <p class="todo">{props.problem.todo}</p>
    </Show>
    {props.children}
  </div>
);
export const Note = (props: { tone?: 'warn' | 'bad' | 'ok' | 'plain'; title?: JSX.Element; children?: JSX.Element }): JSX.Element => (
  <div class={`box ${props.tone ?? 'plain'}`}>
    <Show when={props.title}>
      <p class="what">{props.title}</p>
    </Show>
    {props.children}
  </div>
);
export const Empty = (props: { title: string; children?: JSX.Element }): JSX.Element => (
  <div class="empty">
    <h2>{props.title}</h2>
    {props.children}
  </div>
);

/** Shows an answer, the words for waiting, or what went wrong. An answer that is there stays while a newer one is fetched. */
export function Answer<T>(props: { query: Query<T>; children: (data: T) => JSX.Element; waiting?: string }): JSX.Element {
  return (
    <Switch fallback={<p class="waiting">{props.waiting ?? 'Asking the box …'}</p>}>
      <Match when={props.query.data() !== undefined}>{props.children(props.query.data() as T)}</Match>
      <Match when={props.query.problem()}>
        {(problem) => (
          <ProblemBox problem={problem()}>
            <Button onClick={() => props.query.refetch()}>Try again</Button>
          </ProblemBox>
        )}
      </Match>
    </Switch>
  );
}

export type Tab = { href: string; label: string; end?: boolean; count?: number };
export const Page = (props: {
  title: string;
  lead?: JSX.Element;
  actions?: JSX.Element;
  crumbs?: readonly { href: string; label: string }[];
  tabs?: readonly Tab[];
  children: JSX.Element;
}): JSX.Element => {
  // A tab, and a screen reader that lands in it, is told by the page and the machine.
  createEffect(() => {
    document.title = [props.title, host(), 'D-PlaneOS'].filter(Boolean).join(' · ');
  });
  return (
    <div class="page" classList={{ stale: isStale() }}>
      <header class="page-head">
        <div class="titles">
          <Show when={props.crumbs?.length}>
            <nav class="crumbs" aria-label="Where this is">
              <For each={props.crumbs}>
                {(c) => (
                  <>
                    <A href={c.href}>{c.label}</A>
                    <span aria-hidden="true">/</span>
                  </>
                )}
              </For>
            </nav>
          </Show>
          <h1 tabindex="-1">{props.title}</h1>
          <Show when={props.lead}>
            <div class="lead">{props.lead}</div>
          </Show>
        </div>
        <Show when={props.actions}>
          <div class="actions">{props.actions}</div>
        </Show>
      </header>
      <Show when={props.tabs}>
        {(tabs) => (
          <nav class="tabs" aria-label={`Parts of ${props.title}`}>
            <For each={tabs()}>
              {(t) => (
                <A href={t.href} end={t.end ?? true} activeClass="here">
                  {t.label}
                  <Show when={t.count}>
                    <span class="count num">{t.count?.toLocaleString('en')}</span>
                  </Show>
                </A>
              )}
            </For>
          </nav>
        )}
      </Show>
      {props.children}
    </div>
  );
};
export const Section = (props: { title: string; aside?: JSX.Element; children: JSX.Element }): JSX.Element => (
  <section class="section">
    <header>
      <h2>{props.title}</h2>
      <Show when={props.aside}>
        <div class="aside">{props.aside}</div>
      </Show>
    </header>
    {props.children}
  </section>
);
