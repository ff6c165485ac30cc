/** run list, show */
import { endOf, followRun, sayEnd } from '../changes.ts';
import type { Handler } from '../cli.ts';
import { ago, lasted } from '../format.ts';
import { EXIT, Problem } from '../problems.ts';
import { bad, dim, good, type Span, strong, tone, warn } from '../terminal.ts';

const stateSpan = (state: string): Span =>
  state === 'succeeded' ? good(state) : state === 'running' ? tone('accent', state) : state === 'failed' ? bad(state) : warn(state);

export const runList: Handler = async (cli, input) => {
  const { term } = cli;
  const { runs } = await (await cli.api()).runs.list.query({ limit: input.number('limit', 1, 1000) ?? 30 });
  const now = cli.now();
  term.data(runs);
  if (runs.length === 0) term.line('Nothing was applied yet.');
  else
    term.table(runs, [
      { title: 'RUN', cell: (r) => strong(r.id.slice(0, 12)) },
      { title: 'STATE', cell: (r) => stateSpan(r.state) },
      { title: 'STARTED', cell: (r) => ago(r.startedAt, now) },
      { title: 'TOOK', cell: (r) => (r.endedAt === null ? '' : lasted(r.endedAt - r.startedAt)), align: 'right', spare: 2 },
      { title: 'BY', cell: (r) => r.actor, spare: 1 },
      { title: 'STEPS', cell: (r) => `${r.steps.filter((s) => s.state === 'done').length}/${r.steps.length}`, align: 'right' },
      { title: 'ACCOUNT', cell: (r) => r.account, shrink: 'end' },
    ]);
  return EXIT.ok;
};

export const runShow: Handler = async (cli, input) => {
  const { term } = cli;
  const api = await cli.api();
  const begin = input.word('RUN');
  const { runs } = await api.runs.list.query({ limit: 1000 });
  const fitting = runs.filter((r) => r.id.startsWith(begin));
  if (fitting.length > 1 && !runs.some((r) => r.id === begin))
    throw new Problem(EXIT.failed, 'invalid', `run ${begin}`, `${fitting.length} runs begin like this`, 'Give more of it.');
  const found = fitting[0] === undefined ? await api.runs.get.query({ id: begin }) : (fitting.find((r) => r.id === begin) ?? fitting[0]);
  term.line([strong(`run ${found.id}`), '  ', stateSpan(found.state), dim(`  by ${found.actor}, ${ago(found.startedAt, cli.now())}`)]);
  const run = await followRun(cli, found);
  term.data(run);
  if (run.state !== 'succeeded' && run.account !== '') term.prose(run.account);
  sayEnd(term, run);
  return endOf(run);
};
