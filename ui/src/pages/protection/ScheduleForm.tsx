/** A schedule: of what, when, and what is kept; beside it what that comes to within a year. */
import { createEffect, createMemo, createSignal, For, type JSX, on, onCleanup, Show } from 'solid-js';
import type { Preview } from '../../../../control/src/domain/schedule/preview.ts';
import { RULES, SnapshotSchedule } from '../../../../control/src/domain/schedule/schedule.ts';
import { type Problem, problemOf } from '../../data/problem.ts';
import { nothing, useQuery } from '../../data/query.ts';
import { trpc } from '../../data/trpc.ts';
import { CheckField, SelectField, TextField } from '../../forms/Field.tsx';
import { problemsOf } from '../../forms/schema.ts';
import { Note, ProblemBox } from '../../parts/basic.tsx';
import { plural } from '../../parts/words.ts';
import { ChangeDialog } from '../../plan/ChangeDialog.tsx';
import { CADENCES } from './cadence.ts';
import { LifeLine } from './LifeLine.tsx';
import '../../style/protection.css';

const OWN = 'own';
const SETTLE = 300;
const LABELS: Record<(typeof RULES)[number]['rule'], string> = {
  hourly: 'Hours',
  daily: 'Days',
  weekly: 'Weeks',
  monthly: 'Months',
  yearly: 'Years',
  count: 'The last',
  maxAgeDays: 'Max. days',
};
const zones = (): string[] => ['UTC', ...Intl.supportedValuesOf('timeZone')];
const here = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';

export const ScheduleForm = (props: { schedule?: SnapshotSchedule; dataset?: string; onClose: () => void }): JSX.Element => {
  const datasets = useQuery('datasets', nothing, () => trpc.datasets.list.query(), { topics: ['dataset'] });
  const was = props.schedule;
  const [name, setName] = createSignal(was?.name ?? '');
  const [dataset, setDataset] = createSignal(was?.dataset ?? props.dataset ?? '');
  const [recursive, setRecursive] = createSignal(was?.recursive ?? false);
  const [cron, setCron] = createSignal(was?.cron ?? '0 * * * *');
  const [own, setOwn] = createSignal(was !== undefined && !CADENCES.some((c) => c.cron === was.cron));
  const [timezone, setTimezone] = createSignal(was?.timezone ?? here());
  const [enabled, setEnabled] = createSignal(was?.enabled ?? true);
  const first: Record<string, string> = { hourly: '24', daily: '14', weekly: '8', monthly: '12' };
  const [keep, setKeep] = createSignal<Record<string, string>>(
    was ? Object.fromEntries(Object.entries(was.keep).map(([k, n]) => [k, n === 0 ? '' : String(n)])) : first,
  );
  const [shown, setShown] = createSignal(was !== undefined);

  const draft = createMemo(() => ({
    name: name(),
    dataset: dataset(),
    recursive: recursive(),
    cron: cron().trim(),
    timezone: timezone(),
    enabled: enabled(),
    keep: Object.fromEntries(RULES.map(({ rule }) => [rule, (keep()[rule] ?? '').trim() === '' ? 0 : Number(keep()[rule])])),
  }));
  const problems = createMemo(() => problemsOf(SnapshotSchedule, draft()));
  const wrong = (path: string): string | undefined => (shown() ? problems()[path] : undefined);

  const [seen, setSeen] = createSignal<Preview | null>(null);
  const [failed, setFailed] = createSignal<Problem | null>(null);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asked = 0;
  const look = async (text: string): Promise<void> => {
    asked += 1;
    const mine = asked;
    try {
      const schedule = SnapshotSchedule.parse(JSON.parse(text));
      const answer = await trpc.schedules.preview.mutate({ schedule });
      if (mine === asked) {
        setSeen(answer);
        setFailed(null);
      }
    } catch (error) {
      if (mine === asked) setFailed(problemOf(error));
    }
  };
  createEffect(
    on(
      // times and rules can be judged before the name is there
      () => {
        const d = { ...draft(), name: draft().name || 'new', dataset: draft().dataset || 'new', enabled: true };
        return Object.keys(problemsOf(SnapshotSchedule, d)).length === 0 ? JSON.stringify(d) : null;
      },
      (text) => {
        clearTimeout(timer);
        if (text !== null) timer = setTimeout(() => void look(text), SETTLE);
      },
    ),
  );
  onCleanup(() => clearTimeout(timer));

  const stamp = (at: number): string => {
    try {
      return new Intl.DateTimeFormat('sv-SE', { timeZone: timezone(), dateStyle: 'short', timeStyle: 'short' }).format(at);
    } catch {
      return '';
    }
  };

  return (
    <ChangeDialog
      title={was ? `Change schedule ${was.name}` : 'New schedule'}
      wide
      onClose={props.onClose}
      onWrong={() => setShown(true)}
      changes={() => (Object.keys(problems()).length > 0 ? null : [{ kind: 'schedule.put', schedule: draft() }])}
    >
      <div class="schedule-form">
        <div>
          <Show when={!was}>
            <TextField label="Name" value={name()} onInput={setName} mono autofocus problem={wrong('name')} placeholder="hourly" />
          </Show>
          <TextField
            label="Dataset"
            value={dataset()}
            onInput={setDataset}
            mono
            list={(datasets.data()?.datasets ?? []).map((d) => d.name)}
            problem={wrong('dataset')}
          />
          <CheckField label="With all datasets below it" checked={recursive()} onChange={setRecursive} help="All at the same moment." />
          <SelectField
            label="When"
            value={own() ? OWN : cron()}
            onChange={(v) => {
              setOwn(v === OWN);
              if (v !== OWN) setCron(v);
            }}
            choices={[
              ...CADENCES.map((c) => ({ value: c.cron as string, label: c.label as string })),
              { value: OWN, label: 'Own times (cron)' },
            ]}
          />
          <Show when={own()}>
            <TextField
              label="Times"
              value={cron()}
              onInput={setCron}
              mono
              help="Minute, hour, day of the month, month, day of the week: 0 9-17 * * 1-5"
              problem={problems().cron}
            />
          </Show>
          <TextField label="Time zone" value={timezone()} onInput={setTimezone} list={zones()} problem={problems().timezone} />
          <CheckField label="Switched on" checked={enabled()} onChange={setEnabled} />
        </div>
        <div>
          <fieldset class="keep">
            <legend>Keep one of each of the latest</legend>
            <div class="rules">
              <For each={RULES}>
                {({ rule }) => (
                  <TextField
                    label={LABELS[rule]}
                    value={keep()[rule] ?? ''}
                    onInput={(v) => setKeep({ ...keep(), [rule]: v })}
                    inputmode="numeric"
                    problem={problems()[`keep.${rule}`] === undefined ? undefined : 'a whole number'}
                  />
                )}
              </For>
            </div>
            <p class="help">
              A snapshot is destroyed when no rule keeps it. Without rules everything is kept. The newest, what is held, and what this
              schedule did not take is never touched.
            </p>
          </fieldset>
          <section class="preview" aria-label="What this comes to" aria-live="polite">
            <Show when={seen()} fallback={<p class="waiting">Working out a year …</p>}>
              {(p) => (
                <>
                  <p>
                    {p().made === 0
                      ? 'It would never take one.'
                      : `Takes ${plural(p().made, 'snapshot')} a year${recursive() ? ' of each dataset' : ''}; next ${p().next.slice(0, 2).map(stamp).join(', then ')}.`}{' '}
                    There are never more than {p().peak.toLocaleString('en')}.
                  </p>
                  <Show when={p().doomedNow > 0}>
                    <Note tone="bad" title={`The first run destroys ${plural(p().doomedNow, 'snapshot')}`}>
                      <p>That many of the {p().existing.toLocaleString('en')} that it has now are kept by no rule.</p>
                    </Note>
                  </Show>
                  <h3>What lives in a year</h3>
                  <LifeLine times={p().alive.map((a) => a.at)} now={p().to} total={p().aliveAtEnd} />
                </>
              )}
            </Show>
            <Show when={failed()}>{(f) => <ProblemBox problem={f()} />}</Show>
          </section>
        </div>
      </div>
    </ChangeDialog>
  );
};
