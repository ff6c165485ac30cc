/** A plan to read: the actions in order, what each risks, what can't be undone, and the same as commands and as lines of state.yaml. */
import { Tabs } from '@kobalte/core/tabs';
import { A } from '@solidjs/router';
import { createMemo, For, type JSX, Show } from 'solid-js';
import { commandOf } from '../../../control/src/domain/plan/render.ts';
import type { Action, Plan } from '../../../control/src/domain/plan/types.ts';
import type { Run } from '../../../control/src/domain/job.ts';
import { Copy, Note } from '../parts/basic.tsx';
import { Shape, type Tone } from '../parts/Status.tsx';
import { duration, pageOf, plural } from '../parts/words.ts';
import { DiffView } from './DiffView.tsx';
import { stateLinesOf } from './stateLines.ts';

const VERB: Record<Action['verb'], string> = { CREATE: 'Create', MODIFY: 'Change', DELETE: 'Destroy', BLOCKED: 'Blocked', NOP: 'Nothing' };
const RISK: Record<Action['risk'], { tone: Tone; word: string }> = {
  safe: { tone: 'ok', word: 'safe' },
  disruptive: { tone: 'warn', word: 'disruptive' },
  destructive: { tone: 'bad', word: "destructive, can't be undone" },
  blocked: { tone: 'never', word: 'blocked' },
};
type Step = Run['steps'][number];
const STEP: Record<Step['state'], { tone: Tone; word: string }> = {
  waiting: { tone: 'idle', word: 'waiting' },
  running: { tone: 'busy', word: 'running' },
  done: { tone: 'ok', word: 'done' },
  failed: { tone: 'bad', word: 'failed' },
  skipped: { tone: 'never', word: 'skipped' },
  unknown: { tone: 'warn', word: 'outcome unknown' },
};
/** Destroying reads wrong for a share that is only taken away. */
const verbOf = (a: Action): string => {
  if (a.verb === 'DELETE' && a.noun === 'share') return 'Remove';
  // What waits for an approval is told by what it would do, not by its waiting.
  const deed = a.verb === 'BLOCKED' && a.approval === 'required' ? a.operation?.kind.split('.')[1] : undefined;
  return deed === undefined ? VERB[a.verb] : `${deed.charAt(0).toUpperCase()}${deed.slice(1)}`;
};

const value = (v: string | null): string => (v === null || v === '' ? 'none' : v);

const ActionRow = (props: { action: Action; step?: Step | undefined; approved: boolean; children?: JSX.Element }): JSX.Element => {
  const mark = (): { tone: Tone; word: string } => (props.step ? STEP[props.step.state] : RISK[props.action.risk]);
  const href = (): string | null =>
    props.action.verb === 'CREATE' && !props.step ? null : pageOf(`${props.action.noun}:${props.action.name}`);
  return (
    <li class={`action ${props.action.risk}`} data-action={props.action.id}>
      <div class="action-head">
        <Shape tone={mark().tone} />
        <span class="verb">
          {verbOf(props.action)} {props.action.noun}
        </span>
        <Show when={href()} fallback={<strong class="target">{props.action.name}</strong>}>
          {(h) => (
            <A class="target" href={h()}>
              {props.action.name}
            </A>
          )}
        </Show>
        <span class={`risk ${mark().tone}`}>
          {mark().word}
          <Show when={props.step?.startedAt && props.step.endedAt ? props.step : null}>
            {(s) => <span class="num"> · {duration((s().endedAt ?? 0) - (s().startedAt ?? 0))}</span>}
          </Show>
        </span>
      </div>
      <div class="action-body">
        <p>{props.action.reason}</p>
        <Show when={props.action.changes.length > 0}>
          <dl class="changes">
            <For each={props.action.changes}>
              {(c) => (
                <div>
                  <dt>{c.property}</dt>
                  <dd>
                    <Show when={c.from !== null}>
                      <s>{value(c.from)}</s>
                      <span aria-hidden="true"> → </span>
                      <span class="sr"> becomes </span>
                    </Show>
                    {value(c.to)}
                  </dd>
                </div>
              )}
            </For>
          </dl>
        </Show>
        <Show when={props.action.blocked}>
          <p class="blocked">
            <strong>In the way:</strong> {props.action.blocked}
          </p>
        </Show>
        <Show when={props.action.approval === 'impossible'}>
          <p class="blocked">No approval can allow this from here.</p>
        </Show>
        <Show when={props.step?.note}>
          <p>{props.step?.note}</p>
        </Show>
        <Show when={props.step?.problem}>
          {(p) => (
            <div class="box bad">
              <p class="what">{p().what}</p>
              <p>{p().why}</p>
              <p class="todo">{p().todo}</p>
            </div>
          )}
        </Show>
        {props.children}
      </div>
    </li>
  );
};

export const PlanView = (props: {
  plan: Plan;
  steps?: readonly Step[] | undefined;
  approved: ReadonlySet<string>;
  /** Beside an action, for approving it. */
  beside?: (a: Action) => JSX.Element;
}): JSX.Element => {
  const commands = createMemo(() => props.plan.actions.map((a) => ({ action: a, line: commandOf(a.operation) })));
  const lines = createMemo(() => props.plan.actions.flatMap((a) => stateLinesOf(a) ?? []));
  const stepOf = (a: Action): Step | undefined => props.steps?.find((s) => s.actionId === a.id);
  const runnable = (): string =>
    commands()
      .flatMap((c) => c.line ?? [])
      .join('\n');
  return (
    <Show
      when={props.plan.actions.length > 0}
      fallback={
        <Note tone="ok" title="Nothing to do">
          <p>{plural(props.plan.summary.nop, 'thing')} already as wanted.</p>
        </Note>
      }
    >
      <Tabs class="plan-tabs">
        <Tabs.List class="tabs" aria-label="Ways to read this plan">
          <Tabs.Trigger value="actions">
            What happens <span class="count num">{props.plan.actions.length}</span>
          </Tabs.Trigger>
          <Tabs.Trigger value="cli">As commands</Tabs.Trigger>
          <Tabs.Trigger value="state">In state.yaml</Tabs.Trigger>
        </Tabs.List>
        <Tabs.Content value="actions">
          <ol class="plan-actions">
            <For each={props.plan.actions}>
              {(a) => (
                <ActionRow action={a} step={stepOf(a)} approved={props.approved.has(a.id)}>
                  {props.beside?.(a)}
                </ActionRow>
              )}
            </For>
          </ol>
        </Tabs.Content>
        <Tabs.Content value="cli" class="stack">
          <Show when={runnable()} fallback={<p class="dim">No single line of the command says this; edit state.yaml instead.</p>}>
            <div class="code-place">
              <pre class="code" tabindex="0">
                {runnable()}
              </pre>
              <Copy text={runnable()} label="the commands" />
            </div>
            <p class="dim">The same on the command line; each asks for its own approval.</p>
          </Show>
        </Tabs.Content>
        <Tabs.Content value="state" class="stack">
          <Show when={lines().length > 0} fallback={<p class="dim">This is a deed, not a state: nothing in state.yaml changes.</p>}>
            <div class="code-place">
              <DiffView label="Lines of state.yaml" lines={lines()} />
              <Copy
                text={lines()
                  .filter((l) => l.sign !== '-')
                  .map((l) => l.text)
                  .join('\n')}
                label="the lines of state.yaml"
              />
            </div>
            <p class="dim">What it would be in state.yaml, to write it there as well.</p>
          </Show>
        </Tabs.Content>
      </Tabs>
    </Show>
  );
};
