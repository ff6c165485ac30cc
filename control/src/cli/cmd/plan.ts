/** plan, apply, approve */
import { readFile } from 'node:fs/promises';
import type { Plan } from '../../domain/plan/types.ts';
import { carryOut, findPlan, quoted, shortDigest, showPlan } from '../changes.ts';
import type { Cli, Handler } from '../cli.ts';
import { ago } from '../format.ts';
import { EXIT, Problem, usage } from '../problems.ts';
import { dim, good, warn } from '../terminal.ts';

const MAX_STATE = 4 * 1024 * 1024;

/** A file's text, or standard input for `-`. */
export const readState = async (cli: Cli, file: string): Promise<string> => {
  const wrong = (why: string, cause?: unknown): Problem => new Problem(EXIT.failed, 'file', file, why, '', { cause });
  if (file === '-') {
    let text = '';
    for await (const chunk of cli.term.streams.stdin) {
      text += String(chunk);
      if (text.length > MAX_STATE) throw wrong('larger than 4 MiB');
    }
    return text;
  }
  try {
    const text = await readFile(file, 'utf8');
    if (text.length > MAX_STATE) throw wrong('larger than 4 MiB');
    return text;
  } catch (cause) {
    if (cause instanceof Problem) throw cause;
    const code = cause instanceof Error && 'code' in cause ? cause.code : '';
    throw wrong(
      code === 'ENOENT'
        ? 'there is no such file'
        : code === 'EISDIR'
          ? 'this is a folder'
          : code === 'EACCES'
            ? 'you may not read it'
            : String(cause),
      cause,
    );
  }
};

/** Plans a file's text, or the saved state; a text with mistakes is shown with each of them. */
const make = async (cli: Cli, yaml: string | undefined): Promise<Plan> => {
  const api = await cli.api();
  if (yaml === undefined) return api.plans.draft.mutate({});
  const check = await api.gitops.validate.mutate({ yaml });
  if (!check.ok) throw mistakes(cli.input.text('file') ?? '-', check.problems);
  return api.plans.draft.mutate({ yaml });
};
const textOfFile = async (cli: Cli): Promise<string | undefined> => {
  const file = cli.input.text('file');
  return file === undefined ? undefined : readState(cli, file);
};

export const mistakes = (file: string, problems: readonly { line: number; column: number; path: string; message: string }[]): Problem =>
  new Problem(
    EXIT.failed,
    'invalid',
    file === '-' ? 'standard input' : file,
    problems.length === 1 ? 'there is 1 mistake in it' : `there are ${problems.length} mistakes in it`,
    problems.map((p) => `${p.line}:${p.column}  ${p.path === '' ? '' : `${p.path}: `}${p.message}`).join('\n'),
  );

export const plan: Handler = async (cli, input) => {
  const { term } = cli;
  const made = await make(cli, await textOfFile(cli));
  showPlan(term, made);
  term.data(made);
  if (made.actions.length === 0) return EXIT.ok;
  const file = input.text('file');
  term.line(
    dim(`Apply it: dplane apply ${file === undefined || file === '-' ? `--plan ${shortDigest(made.digest)}` : `-f ${quoted(file)}`}`),
  );
  return input.flag('check') ? EXIT.drift : EXIT.ok;
};

export const apply: Handler = async (cli, input) => {
  const api = await cli.api();
  const begin = input.text('plan');
  if (begin !== undefined && input.text('file') !== undefined) throw usage('dplane apply', '--plan and --file exclude each other');
  const yaml = await textOfFile(cli);
  const verify = async () => {
    const again = await make(cli, yaml);
    return again.actions.length === 0
      ? good('Checked: planning it again finds nothing left to do.')
      : warn(`Planning it again finds ${again.actions.length} more to do: dplane plan`);
  };
  if (begin === undefined) return carryOut(cli, await make(cli, yaml), new Set(), verify);
  const { plan: found, approvals } = await api.plans.get.query({ digest: await findPlan(cli, begin) });
  return carryOut(cli, found, new Set(approvals.map((a) => a.actionId)), async () => dim('What changed: dplane events'));
};

export const approve: Handler = async (cli, input) => {
  const { term } = cli;
  const api = await cli.api();
  const digest = await findPlan(cli, input.word('DIGEST'));
  const { plan: found } = await api.plans.get.query({ digest });
  const id = input.word('ACTION');
  const action = found.actions.find((a) => a.id === id);
  if (!action) {
    const { nearest } = await import('../text.ts');
    const close = nearest(
      id,
      found.actions.map((a) => a.id),
    );
    throw new Problem(
      EXIT.failed,
      'not-found',
      `action ${id}`,
      'this plan has no such action',
      close === undefined ? `See: dplane plan show ${shortDigest(digest)}` : `Did you mean ${quoted(close)}?`,
    );
  }
  if (action.approval === 'impossible')
    throw new Problem(EXIT.approval, 'blocked', action.id, action.blocked ?? action.reason, 'No approval can allow this.');
  if (action.approval === 'none')
    throw new Problem(EXIT.failed, 'invalid', action.id, 'this action needs no approval', `dplane apply --plan ${shortDigest(digest)}`);
  term.note(warn(action.blocked ?? action.reason));
  const { ask } = await import('../ask.ts');
  const typed =
    input.text('name') ?? (await ask(term, `Type ${action.target?.name ?? ''} to approve it: `, 'Give the exact name with --name.'));
  const approval = await api.plans.approve.mutate({ digest, actionId: action.id, typed });
  term.data(approval);
  term.line([good(`${term.symbols.ok} approved`), ` ${action.id}, once, ${ago(approval.expiresAt, cli.now())} at the latest`]);
  term.line(dim(`Now: dplane apply --plan ${shortDigest(digest)}`));
  return EXIT.ok;
};

export const planShow: Handler = async (cli, input) => {
  const api = await cli.api();
  const { plan: found, approvals } = await api.plans.get.query({ digest: await findPlan(cli, input.word('DIGEST')) });
  cli.term.data({ plan: found, approvals });
  showPlan(cli.term, found);
  for (const a of approvals) cli.term.line(good(`approved: ${a.target.name}, by ${a.actor.name} ${ago(a.issuedAt, cli.now())}`));
  return EXIT.ok;
};

export const planList: Handler = async (cli) => {
  const { plans } = await (await cli.api()).plans.list.query({ limit: 50 });
  const now = cli.now();
  cli.term.data(plans);
  if (plans.length === 0) cli.term.line('No plan is kept. Make one: dplane plan');
  else
    cli.term.table(plans, [
      { title: 'PLAN', cell: (p) => shortDigest(p.digest) },
      { title: 'FROM', cell: (p) => p.source, shrink: 'end' },
      { title: 'BY', cell: (p) => p.actor, spare: 2 },
      { title: 'CREATE', cell: (p) => String(p.summary.create), align: 'right' },
      { title: 'MODIFY', cell: (p) => String(p.summary.modify), align: 'right' },
      { title: 'DELETE', cell: (p) => String(p.summary.delete), align: 'right' },
      { title: 'BLOCKED', cell: (p) => (p.summary.blocked > 0 ? warn(String(p.summary.blocked)) : '0'), align: 'right' },
      { title: 'MADE', cell: (p) => ago(p.createdAt, now), spare: 1 },
      { title: 'EXPIRES', cell: (p) => (p.expiresAt > now ? ago(p.expiresAt, now) : dim('expired')) },
    ]);
  return EXIT.ok;
};
