/** Every part in every state, to look at and to test. Only where nothing is real: the demo and development. */
import { createSignal, For, type JSX, Show } from 'solid-js';
import type { Plan } from '../../../control/src/domain/plan/types.ts';
import { formatBytes } from '../../../control/src/domain/units.ts';
import type { ObservedVdev, PoolHealth } from '../../../control/src/domain/pool/pool.ts';
import { simulated } from '../data/session.ts';
import { CheckField, SelectField, TextField } from '../forms/Field.tsx';
import { say, sayProblem } from '../frame/toasts.tsx';
import { Button, Bytes, Copy, Empty, Meter, Note, Page, ProblemBox, Progress, Section, Time } from '../parts/basic.tsx';
import { Calendar } from '../parts/Calendar.tsx';
import { Chart, type ChartLook } from '../parts/Chart.tsx';
import { Sparkline } from '../parts/Sparkline.tsx';
import { Dialog } from '../parts/Dialog.tsx';
import { Menu } from '../parts/Menu.tsx';
import { PoolDrawing } from '../parts/PoolDrawing.tsx';
import { Status, type Tone } from '../parts/Status.tsx';
import { Table, type Tree, TreeName, VirtualTable } from '../parts/VirtualTable.tsx';
import { diffOf, hunksOf } from '../plan/diff.ts';
import { DiffView } from '../plan/DiffView.tsx';
import { PlanView } from '../plan/PlanView.tsx';

const TONES: readonly Tone[] = ['ok', 'warn', 'bad', 'busy', 'idle', 'never'];
const disk = (n: number, state: PoolHealth, errors = 0): ObservedVdev['disks'][number] => ({
  path: `/dev/disk/by-id/ata-WDC_WD80EFZZ-68BTXN0_WD-CA1000000${n}`,
  guid: String(n),
  state,
  readErrors: errors,
  writeErrors: 0,
  checksumErrors: 0,
});
const VDEVS: ObservedVdev[] = [
  { name: 'mirror-0', kind: 'mirror', role: 'data', guid: '10', state: 'DEGRADED', disks: [disk(1, 'ONLINE'), disk(2, 'UNAVAIL')] },
  {
    name: 'raidz1-1',
    kind: 'raidz1',
    role: 'data',
    guid: '11',
    state: 'ONLINE',
    disks: [disk(3, 'ONLINE'), disk(4, 'ONLINE', 7), disk(5, 'OFFLINE')],
  },
  { name: 'spares', kind: 'stripe', role: 'spare', guid: '12', state: 'AVAIL', disks: [disk(6, 'AVAIL')] },
];
const action = (more: Partial<Plan['actions'][number]>): Plan['actions'][number] => ({
  id: 'a',
  verb: 'CREATE',
  noun: 'dataset',
  name: 'tank/new',
  risk: 'safe',
  reason: 'declared, and not there yet',
  blocked: null,
  approval: 'none',
  target: null,
  changes: [],
  operation: null,
  after: [],
  ...more,
});
const PLAN: Plan = {
  digest: '0'.repeat(64),
  desiredDigest: '0'.repeat(64),
  observedDigest: '0'.repeat(64),
  createdAt: 0,
  summary: { create: 1, modify: 1, delete: 1, blocked: 1, nop: 4 },
  actions: [
    action({
      id: '1',
      operation: { kind: 'dataset.create', name: 'tank/new', type: 'filesystem', properties: { quota: '10G' } },
      changes: [{ property: 'quota', from: null, to: '10G' }],
    }),
    action({
      id: '2',
      verb: 'MODIFY',
      name: 'tank/media',
      risk: 'disruptive',
      reason: 'its name differs',
      changes: [{ property: 'recordsize', from: '128K', to: '1M' }],
    }),
    action({
      id: '3',
      verb: 'DELETE',
      name: 'tank/old',
      risk: 'destructive',
      approval: 'required',
      reason: 'no longer declared',
      target: { kind: 'dataset', name: 'tank/old', guid: '1' },
    }),
    action({
      id: '4',
      verb: 'BLOCKED',
      noun: 'pool',
      name: 'tank',
      risk: 'blocked',
      approval: 'impossible',
      reason: 'no longer declared',
      blocked: 'a pool is never destroyed from here',
    }),
  ],
};

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 20);
const TB = 1024 ** 4;
/** With a hole of two weeks in which the box was off. */
const POINTS = Array.from({ length: 120 }, (_, i) => ({ at: NOW - (119 - i) * DAY, value: (4 + i * 0.02 + (i % 7) * 0.015) * TB })).filter(
  (_, i) => i < 50 || i > 64,
);
const chart = (more: Partial<ChartLook>): ChartLook => ({
  points: POINTS,
  step: DAY,
  from: NOW - 120 * DAY,
  to: NOW + 40 * DAY,
  format: formatBytes,
  limit: 8 * TB,
  forecast: { at: NOW + 40 * DAY, value: 7.3 * TB },
  fromZero: true,
  height: 160,
  ...more,
});
const BRANCHES = ['tank', 'tank/media', 'tank/media/films', 'tank/office', 'tank/office/contracts'];
const CHARTS: readonly { name: string; look: ChartLook }[] = [
  { name: 'With a hole and a forecast', look: chart({}) },
  { name: 'Close up', look: chart({ points: POINTS.slice(-20), from: NOW - 20 * DAY, to: NOW, forecast: undefined, fromZero: false }) },
  { name: 'Nothing recorded yet', look: chart({ points: [], forecast: undefined }) },
];

export const Living = (): JSX.Element => {
  const [open, setOpen] = createSignal(false);
  const [text, setText] = createSignal('tank/media');
  const [picked, setPicked] = createSignal<ReadonlySet<string>>(new Set(['row 2']));
  const [sorting, setSorting] = createSignal({ by: 'n', descending: false });
  const [closed, setClosed] = createSignal(new Set(['tank/office']));
  const branches = () => BRANCHES.filter((b) => ![...closed()].some((c) => b.startsWith(`${c}/`)));
  const tree: Tree<string> = {
    level: (b) => b.split('/').length - 1,
    open: (b) => (BRANCHES.some((x) => x.startsWith(`${b}/`)) ? !closed().has(b) : null),
    toggle: (b) => void setClosed((was) => (was.has(b) ? new Set([...was].filter((x) => x !== b)) : new Set([...was, b]))),
  };
  return (
    <Show when={simulated()} fallback={<Page title="There is nothing here">{null}</Page>}>
      <Page title="Parts and states" lead="Every part of the interface in every state it can be in.">
        <Section title="States">
          <div class="row">
            <For each={TONES}>{(t) => <Status tone={t}>{t}</Status>}</For>
          </div>
        </Section>
        <Section title="Buttons">
          <div class="row">
            <Button look="main">Main</Button>
            <Button>Plain</Button>
            <Button look="quiet">Quiet</Button>
            <Button look="danger">Danger</Button>
            <Button icon="plus">With a sign</Button>
            <Button busy>Busy …</Button>
            <Button why="The role viewer does not have the permission storage.write.">Not allowed</Button>
            <Menu
              label="Menu"
              items={[
                { label: 'One', onSelect: () => say('One') },
                { label: 'Not now', onSelect: () => undefined, why: 'It is running.' },
                { label: 'Destroy', danger: true, onSelect: () => undefined },
              ]}
            />
            <Button onClick={() => setOpen(true)}>Open a dialog</Button>
            <Button onClick={() => say('Saved', 'Nothing else changed.')}>A note</Button>
            <Button onClick={() => sayProblem(new Error('an example'))}>A bad note</Button>
          </div>
        </Section>
        <Section title="Fields">
          <div class="two">
            <TextField label="Name" value={text()} onInput={setText} help="Pool, then the path within it." />
            <TextField label="Wrong" value="-x" onInput={() => undefined} problem="no part of a dataset name may begin with -" />
            <SelectField
              label="Choice"
              value="b"
              onChange={() => undefined}
              choices={[
                { value: 'a', label: 'First' },
                { value: 'b', label: 'Second' },
              ]}
            />
            <CheckField label="Recursive" checked onChange={() => undefined} help="With all below it." />
          </div>
        </Section>
        <Section title="Notes">
          <div class="stack">
            <Note title="Plain">Something to know.</Note>
            <Note tone="ok" title="Good">
              It was done.
            </Note>
            <Note tone="warn" title="Warning">
              Three files are open.
            </Note>
            <ProblemBox
              problem={{
                code: 'conflict',
                what: 'The dataset was not made',
                why: 'there is one of this name',
                todo: 'Choose another name.',
              }}
            />
            <Empty title="Nothing yet">
              <p>An empty state says what would be here and how to begin.</p>
            </Empty>
          </div>
        </Section>
        <Section title="Amounts and times">
          <div class="stack">
            <Meter label="A third" value={33} of={100} />
            <Meter label="Nearly full" value={88} of={100} />
            <Meter label="Full" value={98} of={100} />
            <Progress label="Progress" share={0.4} />
            <p class="row">
              <Bytes of={1_234_567_890} /> <Time at={Date.now() - 3_600_000} /> <Time at={Date.now()} exact />
              <Copy text="/dev/disk/by-id/x" label="an example">
                short name
              </Copy>
            </p>
          </div>
        </Section>
        <Section title="Charts">
          <div class="split">
            <For each={CHARTS}>{(c) => <Chart label={c.name} of="Used" about={`${c.name}.`} look={c.look} />}</For>
            <div>
              <p>A line in a card</p>
              <Sparkline label="An example of a line" points={POINTS} />
            </div>
            <Calendar
              label="Examples by day"
              of="snapshot"
              today={20_775}
              weeks={20}
              days={Array.from({ length: 120 }, (_, i) => ({ day: 20_775 - i, count: i % 11 === 0 ? 0 : (i * 7) % 40 }))}
            />
          </div>
        </Section>
        <Section title="A pool">
          <PoolDrawing pool={{ vdevs: VDEVS }} />
        </Section>
        <Section title="Tables">
          <VirtualTable
            label="A long table"
            rows={6}
            count={100_000}
            row={(i) => `row ${i + 1}`}
            keyOf={(r) => r}
            selected={picked()}
            onSelect={(r) => setPicked((was) => (was.has(r) ? new Set([...was].filter((x) => x !== r)) : new Set([...was, r])))}
            sorting={sorting()}
            onSort={setSorting}
            columns={[
              { id: 'n', head: 'Name', width: '1fr', sort: 'n', cell: (r) => r },
              { id: 'x', head: 'Length', width: '90px', align: 'end', cell: (r) => r.length },
            ]}
          />
          <VirtualTable
            label="A tree"
            rows={5}
            count={branches().length}
            row={(i) => branches()[i]}
            keyOf={(r) => r}
            tree={tree}
            columns={[
              {
                id: 'n',
                head: 'Name',
                width: '1fr',
                cell: (r) => (
                  <TreeName tree={tree} row={r} name={r}>
                    <span>{r}</span>
                  </TreeName>
                ),
              },
            ]}
          />
          <Table
            label="A short table"
            rows={['a', 'b']}
            columns={[
              { id: 'n', head: 'Name', cell: (r) => r },
              { id: 's', head: 'State', cell: () => <Status tone="ok">online</Status> },
            ]}
          />
          <Table label="An empty table" rows={[]} columns={[]} empty="None yet." />
        </Section>
        <Section title="A plan">
          <PlanView plan={PLAN} approved={new Set()} />
        </Section>
        <Section title="A plan that runs">
          <PlanView
            plan={PLAN}
            approved={new Set()}
            steps={[
              { actionId: '1', state: 'done', startedAt: 0, endedAt: 420, problem: null, note: null },
              { actionId: '2', state: 'running', startedAt: 0, endedAt: null, problem: null, note: null },
              {
                actionId: '3',
                state: 'failed',
                startedAt: 0,
                endedAt: 10,
                problem: { code: 'busy', what: 'destroy tank/old', why: 'dataset is busy', todo: 'Close what uses it.' },
                note: null,
              },
              { actionId: '4', state: 'skipped', startedAt: null, endedAt: null, problem: null, note: null },
            ]}
          />
        </Section>
        <Section title="A difference">
          <DiffView label="An example" lines={hunksOf(diffOf('a\nb\nc\nd\ne\nf\ng\nh', 'a\nb\nc\nd\ne\nf\nG\nh'))} />
        </Section>
        <Dialog open={open()} onClose={() => setOpen(false)} title="A dialog" about="Focus stays inside; Escape closes it.">
          <Button look="main" onClick={() => setOpen(false)}>
            Close
          </Button>
        </Dialog>
      </Page>
    </Show>
  );
};
