/** Declared state: plans, runs, drift. A part of the table in ../commands.ts. */
import type { Handler } from '../cli.ts';
import type { Command, Option } from '../parse.ts';
import { CHANGE, DESTROYS, command, limit } from './shared.ts';

const FILE: Option = {
  name: 'file',
  short: 'f',
  value: 'FILE',
  offer: 'file',
  help: 'a state.yaml (- reads standard input); without it the saved state',
};

export const stateCommands: readonly Command<Handler>[] = [
  command(
    'plan',
    'what would change if the state were applied',
    ['plan', 'plan -f state.yaml', 'plan --check'],
    async () => (await import('../cmd/plan.ts')).plan,
    {
      options: [FILE, { name: 'check', help: 'exit with 5 when the plan is not empty' }],
    },
  ),
  command(
    'apply',
    'plan, show, ask, apply, check',
    ['apply -f state.yaml', 'apply --plan 3f9c21', 'apply -f state.yaml --yes --approve tank/old'],
    async () => (await import('../cmd/plan.ts')).apply,
    {
      options: [
        FILE,
        { name: 'plan', value: 'DIGEST', help: 'a plan made before (its first letters are enough)' },
        ...CHANGE.filter((o) => o.name !== 'plan-only'),
      ],
      details: `${DESTROYS} While one action waits for an approval, none of the plan is applied.`,
    },
  ),
  command(
    'approve',
    'approve one action of a plan by typing the exact name',
    ["approve 3f9c21 'dataset.destroy tank/old'"],
    async () => (await import('../cmd/plan.ts')).approve,
    {
      args: [
        { name: 'DIGEST', help: 'the plan (its first letters are enough)' },
        { name: 'ACTION', help: 'id of the action, as the plan shows it' },
      ],
      options: [{ name: 'name', value: 'NAME', help: 'the exact name, for scripts' }],
      details: 'An approval is good once, for this action of this plan, for 15 minutes.',
    },
  ),
  command('plan list', 'plans made lately', ['plan list'], async () => (await import('../cmd/plan.ts')).planList),
  command('plan show', 'one plan again', ['plan show 3f9c21'], async () => (await import('../cmd/plan.ts')).planShow, {
    args: [{ name: 'DIGEST', help: 'the plan (its first letters are enough)' }],
  }),
  command('state get', 'the saved state.yaml', ['state get > state.yaml'], async () => (await import('../cmd/state.ts')).stateGet),
  command(
    'state put',
    'save a state.yaml (nothing is applied)',
    ['state put state.yaml'],
    async () => (await import('../cmd/state.ts')).statePut,
    {
      args: [{ name: 'FILE', help: 'a file (- reads standard input)', offer: 'file' }],
    },
  ),
  command('state check', 'is a state.yaml right?', ['state check state.yaml'], async () => (await import('../cmd/state.ts')).stateCheck, {
    args: [{ name: 'FILE', help: 'a file (- reads standard input)', offer: 'file' }],
  }),
  command(
    'state capture',
    'write down the box as it is now',
    ['state capture > state.yaml'],
    async () => (await import('../cmd/state.ts')).stateCapture,
  ),
  command(
    'state history',
    'states saved, captured and applied',
    ['state history'],
    async () => (await import('../cmd/state.ts')).stateHistory,
  ),
  command(
    'state schema',
    'JSON Schema of state.yaml, for editors',
    ['state schema > state.schema.json'],
    async () => (await import('../cmd/state.ts')).stateSchema,
  ),
  command(
    'drift',
    'is the box still as it was last applied?',
    ['drift', 'drift --check'],
    async () => (await import('../cmd/state.ts')).drift,
    {
      options: [{ name: 'check', help: 'look now, and exit with 5 when it differs' }],
    },
  ),
  command('run list', 'what was applied, and how it ended', ['run list'], async () => (await import('../cmd/run.ts')).runList, {
    options: [limit('runs')],
  }),
  command(
    'run show',
    'one run, step by step; follows it while it runs',
    ['run show 8f3a'],
    async () => (await import('../cmd/run.ts')).runShow,
    {
      args: [{ name: 'RUN', help: 'its id, as in run list (the first letters are enough)' }],
    },
  ),
];
