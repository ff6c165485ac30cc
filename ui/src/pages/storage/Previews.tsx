/** What would go, or move, as the host says it now: shown before anything is planned. */
import { For, type JSX, Show } from 'solid-js';
import { formatBytes } from '../../../../control/src/domain/units.ts';
import type { Query } from '../../data/query.ts';
import type { Outputs } from '../../data/trpc.ts';
import { Note, ProblemBox } from '../../parts/basic.tsx';
import { plural } from '../../parts/words.ts';

const SHOWN = 8;
export type Destroyed = Outputs['preview']['destroy'];
export type Renamed = Outputs['preview']['rename'];

const List = (props: { of: readonly string[] }): JSX.Element => (
  <ul>
    <For each={props.of.slice(0, SHOWN)}>{(text) => <li>{text}</li>}</For>
    <Show when={props.of.length > SHOWN}>
      <li>and {props.of.length - SHOWN} more</li>
    </Show>
  </ul>
);
const Part = (props: { title: string; of: readonly string[]; warn?: boolean }): JSX.Element => (
  <Show when={props.of.length > 0}>
    <Show
      when={props.warn}
      fallback={
        <div>
          <p>{props.title}</p>
          <List of={props.of} />
        </div>
      }
    >
      <Note tone="warn" title={props.title}>
        <List of={props.of} />
      </Note>
    </Show>
  </Show>
);

type Touched = Pick<Destroyed, 'shares' | 'schedules' | 'replication'>;
const shareLines = (t: Touched): string[] =>
  t.shares.map((s) => {
    const who = [...new Set(s.clients.map((c) => `${c.user}@${c.machine}`))].join(', ');
    return who === '' ? `${s.share}, nobody connected` : `${s.share}: ${who} ${s.clients.length === 1 ? 'is' : 'are'} connected`;
  });
const taskLines = (t: Touched): string[] => [...t.schedules.map((s) => `schedule ${s}`), ...t.replication.map((r) => `replication ${r}`)];

export const DestroyedView = (props: { query: Query<Destroyed> }): JSX.Element => (
  <>
    <Show when={props.query.problem()}>{(p) => <ProblemBox problem={p()} />}</Show>
    <Show when={props.query.data()} fallback={<p class="waiting">Asking ZFS what would go …</p>}>
      {(v) => (
        <section class="stack" aria-label="What would go">
          <Part warn title="Something stands in the way" of={v().obstacles} />
          <p>
            <b>
              {v().datasets.length > 0 ? `${plural(v().datasets.length, 'dataset')} and ` : ''}
              {plural(v().snapshots, 'snapshot')}
            </b>{' '}
            would go
            {v().reclaims === null ? '' : `, and give back ${formatBytes(v().reclaims ?? 0)}`}. Nothing brings them back.
          </p>
          <Show when={v().datasets.length > 1}>
            <List of={v().datasets.map((d) => `${d.name}, ${formatBytes(d.used)}${d.locked ? ', locked' : ''}`)} />
          </Show>
          <Part warn title="Shares that end with it" of={shareLines(v())} />
          <Part title="No longer done:" of={taskLines(v())} />
          <Part
            title="Keys that open nothing afterwards; files of them are kept:"
            of={v().keys.map((k) => `${k.dataset}${k.keyFile === null ? '' : `, key file ${k.keyFile}`}`)}
          />
        </section>
      )}
    </Show>
  </>
);

export const RenamedView = (props: { query: Query<Renamed> }): JSX.Element => (
  <Show when={props.query.data()}>
    {(v) => (
      <section class="stack" aria-label="What would move">
        <Part warn title="Something stands in the way" of={v().obstacles} />
        <Show when={v().datasets.length > 1}>
          <p>{plural(v().datasets.length - 1, 'dataset')} below it move along.</p>
        </Show>
        <Part title="Files are found elsewhere:" of={v().mountpoints.map((m) => `${m.from} becomes ${m.to}`)} />
        <Part warn title="Shares that follow; who is connected has to connect again" of={shareLines(v())} />
        <Part title="These follow:" of={taskLines(v())} />
      </section>
    )}
  </Show>
);
