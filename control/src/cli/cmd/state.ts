/** state get, put, check, capture, history, schema; drift */
import { shortDigest } from '../changes.ts';
import type { Handler } from '../cli.ts';
import { ago, count } from '../format.ts';
import { EXIT, Problem } from '../problems.ts';
import { dim, good, strong, tone, warn } from '../terminal.ts';
import { mistakes, readState } from './plan.ts';

/** A file goes out as it is; to a terminal it goes line by line, so that nothing in it steers the terminal. */
const printYaml: (...args: [Parameters<Handler>[0], string]) => void = ({ term }, yaml) => {
  if (term.json) return;
  if (term.streams.stdout.isTTY) for (const line of yaml.replace(/\n$/, '').split('\n')) term.line(line);
  else term.streams.stdout.write(yaml);
};

export const stateGet: Handler = async (cli) => {
  const { state } = await (await cli.api()).gitops.state.query();
  if (!state)
    throw new Problem(
      EXIT.failed,
      'not-found',
      'no state is saved',
      'nothing was declared on this box yet',
      'Begin with what is there: dplane state capture > state.yaml',
    );
  cli.term.data(state);
  printYaml(cli, state.yaml);
  return EXIT.ok;
};

export const stateCheck: Handler = async (cli, input) => {
  const file = input.word('FILE');
  const check = await (await cli.api()).gitops.validate.mutate({ yaml: await readState(cli, file) });
  cli.term.data(check);
  if (!check.ok) {
    if (!cli.term.json) throw mistakes(file, check.problems);
    return EXIT.failed;
  }
  cli.term.line(good(`${cli.term.symbols.ok} ${file === '-' ? 'it' : file} is right`));
  return EXIT.ok;
};

export const statePut: Handler = async (cli, input) => {
  const api = await cli.api();
  const file = input.word('FILE');
  const yaml = await readState(cli, file);
  const check = await api.gitops.validate.mutate({ yaml });
  if (!check.ok) throw mistakes(file, check.problems);
  const { state } = await api.gitops.state.query();
  const saved = await api.gitops.saveState.mutate({ yaml, basedOn: state?.digest ?? null });
  cli.term.data({ id: saved.id, digest: saved.digest, at: saved.at });
  cli.term.line([
    good(`${cli.term.symbols.ok} saved`),
    ` as state ${saved.id} (${shortDigest(saved.digest)}). Nothing was applied: `,
    tone('accent', 'dplane plan'),
  ]);
  return EXIT.ok;
};

export const stateCapture: Handler = async (cli) => {
  const { yaml, record } = await (await cli.api()).gitops.capture.mutate();
  cli.term.data({ yaml, id: record.id, digest: record.digest, at: record.at });
  printYaml(cli, yaml);
  cli.term.note(dim(`captured as state ${record.id} (${shortDigest(record.digest)})`));
  return EXIT.ok;
};

export const stateHistory: Handler = async (cli) => {
  const { states } = await (await cli.api()).gitops.history.query({ limit: 200 });
  const now = cli.now();
  cli.term.data(states);
  if (states.length === 0) cli.term.line('No state yet.');
  else
    cli.term.table(states, [
      { title: 'STATE', cell: (s) => strong(String(s.id)), align: 'right' },
      { title: 'WAS', cell: (s) => s.kind },
      { title: 'WHEN', cell: (s) => ago(s.at, now) },
      { title: 'BY', cell: (s) => s.actor },
      { title: 'DIGEST', cell: (s) => shortDigest(s.digest) },
      { title: 'LINES', cell: (s) => String(s.yaml.split('\n').length), align: 'right' },
    ]);
  return EXIT.ok;
};

export const stateSchema: Handler = async (cli) => {
  const schema = await (await cli.api()).gitops.schema.query();
  // A document for a machine either way.
  cli.term.streams.stdout.write(`${JSON.stringify(schema, null, 2)}\n`);
  return EXIT.ok;
};

export const drift: Handler = async (cli, input) => {
  const { term } = cli;
  const api = await cli.api();
  const look = input.flag('check');
  const status = look ? await api.gitops.check.mutate() : (await api.gitops.status.query()).drift;
  const now = cli.now();
  term.data(status);
  const seen = dim(`  looked ${ago(status.checkedAt, now)}${status.against === null ? '' : `, against state ${status.against}`}`);
  if (status.state === 'unknown')
    term.line(['Nothing was applied or captured yet, so there is nothing to compare with: ', tone('accent', 'dplane state capture')]);
  else if (status.state === 'in-sync') term.line([good(`${term.symbols.ok} the box is as it was last applied`), seen]);
  else {
    term.line([
      warn(
        `${term.symbols.warn} the box differs in ${count(status.items.length, 'place')}${status.since === null ? '' : ` since ${ago(status.since, now)}`}`,
      ),
      seen,
    ]);
    term.table(
      status.items,
      [
        { title: 'WHAT', cell: (i) => warn(i.what) },
        { title: 'NOUN', cell: (i) => i.noun },
        { title: 'NAME', cell: (i) => i.name, shrink: 'middle' },
        { title: 'HOW', cell: (i) => i.message, shrink: 'end' },
      ],
      '  ',
    );
    term.line(dim('Put it back as declared: dplane apply    Keep it as it is: dplane state capture'));
  }
  return look && status.state === 'drifted' ? EXIT.drift : EXIT.ok;
};
