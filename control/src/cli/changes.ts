/**
 * How everything is changed from here: plan, show, confirm, approve, apply, follow, check. Contract: nothing is applied that
 * has not been shown; what destroys data waits for its exact name, typed or given with --approve, never for a --yes.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Run } from '../domain/job.ts';
import type { ChangeRequest } from '../domain/plan/change.ts';
import type { Action, Plan } from '../domain/plan/types.ts';
import { renderPlan, type Tone as PlanTone } from '../domain/plan/render.ts';
import type { Cli } from './cli.ts';
import { asProblem } from './api.ts';
import { ago, count, lasted } from './format.ts';
import { EXIT, type Exit, interrupted, Problem, usage } from './problems.ts';
import { bad, dim, good, type Span, strong, type Terminal, type Tone, tone, warn } from './terminal.ts';

const TONES: Record<PlanTone, Tone> = { plain: 'plain', good: 'good', notice: 'accent', warning: 'warn', danger: 'bad', dim: 'dim' };
export const shortDigest = (digest: string): string => digest.slice(0, 12);
/** For a line that someone copies into a shell. */
export const quoted = (text: string): string => (/^[A-Za-z0-9_./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

export const showPlan = (term: Terminal, plan: Plan): void => {
  for (const { text, tone: t } of renderPlan(plan)) {
    const indent = text.slice(0, text.length - text.trimStart().length);
    // A command to copy stays in one piece.
    if (text.includes('same as: ')) term.line(tone(TONES[t], text));
    else term.flow(indent, tone(TONES[t], text.trimStart()));
  }
};

/** The one plan whose digest begins like this. */
export const findPlan = async (cli: Cli, begin: string): Promise<string> => {
  if (/^[0-9a-f]{64}$/.test(begin)) return begin;
  if (!/^[0-9a-f]{4,63}$/.test(begin))
    throw usage(`plan ${begin}`, 'expected the digest of a plan, or at least its first 4 letters', 'See: dplane plan list');
  const { plans } = await (await cli.api()).plans.list.query({ limit: 1000 });
  const fitting = [...new Set(plans.map((p) => p.digest).filter((d) => d.startsWith(begin)))];
  if (fitting.length > 1)
    throw new Problem(EXIT.failed, 'invalid', `plan ${begin}`, `${fitting.length} plans begin like this`, 'Give more letters of it.');
  if (fitting[0] === undefined)
    throw new Problem(EXIT.failed, 'not-found', `plan ${begin}`, 'there is no such plan, or it has expired', 'Make it again: dplane plan');
  return fitting[0];
};

const stepLine = (term: Terminal, run: Run, step: Run['steps'][number]): readonly Span[] => {
  const { symbols: s } = term;
  const took = step.startedAt !== null && step.endedAt !== null ? dim(`  ${lasted(step.endedAt - step.startedAt)}`) : '';
  const note = step.note ? dim(`  ${step.note}`) : '';
  switch (step.state) {
    case 'done':
      return [good(`  ${s.ok} `), step.actionId, took, note];
    case 'failed':
      return [bad(`  ${s.bad} ${step.actionId}`), took, note];
    case 'unknown':
      return [warn(`  ? ${step.actionId}`), dim('  nobody knows whether it was done'), note];
    case 'skipped':
      return [dim(`  - ${step.actionId}  not begun`), note];
    default:
      return [dim(`  ${s.hollow} ${step.actionId}`), dim(run.state === 'running' ? `  ${step.state}` : '  not begun'), note];
  }
};

const ENDED = new Set(['done', 'failed', 'skipped', 'unknown']);

/** Ticks off steps until the run has ended. Ctrl-C leaves it running and says so. */
export const followRun = async (cli: Cli, first: Run): Promise<Run> => {
  const { term } = cli;
  const api = await cli.api();
  const leave = new AbortController();
  const onInterrupt = (): void => leave.abort();
  process.once('SIGINT', onInterrupt);
  const shown = new Set<string>();
  let run = first;
  let frame = 0;
  let wait = 100;
  let lostSince: number | null = null;
  try {
    for (;;) {
      for (const step of run.steps)
        if (ENDED.has(step.state) && !shown.has(step.actionId)) {
          shown.add(step.actionId);
          wait = 100;
          term.line(stepLine(term, run, step));
        }
      if (run.state !== 'running') return run;
      const current = run.steps.find((s) => s.state === 'running');
      const spin = term.symbols.spin[frame % term.symbols.spin.length];
      frame += 1;
      const since = current?.startedAt ? `  ${lasted(Math.max(0, cli.now() - current.startedAt))}` : '';
      term.status(
        lostSince !== null
          ? `  ${spin} no answer since ${lasted(cli.now() - lostSince)}; the run goes on without us, trying again`
          : `  ${spin} ${shown.size + 1} of ${run.steps.length}: ${current?.actionId ?? 'waiting'}${since}`,
      );
      await pause(wait, undefined, { signal: leave.signal });
      wait = Math.min(1000, wait * 1.3);
      try {
        run = await api.runs.get.query({ id: run.id }, { signal: leave.signal });
        lostSince = null;
      } catch (e) {
        const problem = asProblem(e);
        // The box may be restarting; the run is picked up again there, and so is our look at it.
        if (problem?.exit !== EXIT.unreachable || problem.code === 'untrusted' || leave.signal.aborted) throw e;
        lostSince ??= cli.now();
        if (cli.now() - lostSince > 120_000) throw e;
      }
    }
  } catch (e) {
    if (leave.signal.aborted) throw interrupted('the run continues on the box', `Look at it: dplane run show ${run.id}`);
    throw e;
  } finally {
    process.removeListener('SIGINT', onInterrupt);
    term.status('');
  }
};

export const endOf = (run: Run): Exit => (run.state === 'succeeded' ? EXIT.ok : EXIT.failed);

export const sayEnd = (term: Terminal, run: Run): void => {
  const failed = run.steps.find((s) => s.state === 'failed' || s.state === 'unknown');
  if (failed?.problem) {
    term.line([bad(`${failed.problem.what}: `), failed.problem.why]);
    if (failed.problem.todo !== '') term.line(tone('accent', failed.problem.todo));
  }
  const took = run.endedAt === null ? '' : ` in ${lasted(run.endedAt - run.startedAt)}`;
  const { ok, bad: cross } = term.symbols;
  if (run.state === 'succeeded') term.line([good(`${ok} ${count(run.steps.length, 'step')} done${took}`), dim(`  (run ${run.id})`)]);
  else term.line([bad(`${cross} ${run.state}${took}`), `: ${run.account}`, dim(`  (run ${run.id})`)]);
};

const needsApproval = (plan: Plan, waiting: readonly Action[]): Problem =>
  new Problem(
    EXIT.approval,
    'needs-approval',
    `${count(waiting.length, 'action')} of this plan ${waiting.length === 1 ? 'waits' : 'wait'} for an approval, so nothing was applied`,
    waiting.map((a) => a.blocked ?? a.reason).join('; '),
    [
      'To go on, type (and the exact name when asked):',
      ...waiting.map((a) => `dplane approve ${shortDigest(plan.digest)} ${quoted(a.id)}`),
      `dplane apply --plan ${shortDigest(plan.digest)}`,
    ].join('\n'),
  );

/** Asks for each exact name that is still missing; says how many were typed. */
const approveAll = async (cli: Cli, plan: Plan, approved: ReadonlySet<string>): Promise<number> => {
  const { term, input } = cli;
  const waiting = plan.actions.filter((a) => a.approval === 'required' && !approved.has(a.id));
  const given = input.all('approve');
  const open = waiting.filter((a) => !given.includes(a.target?.name ?? ''));
  if (open.length > 0 && !term.interactive) throw needsApproval(plan, open);
  const api = await cli.api();
  const typedFor = async (action: Action): Promise<void> => {
    const name = action.target?.name ?? '';
    if (given.includes(name)) {
      await api.plans.approve.mutate({ digest: plan.digest, actionId: action.id, typed: name });
      return;
    }
    const { ask } = await import('./ask.ts');
    for (let tries = 0; tries < 3; tries += 1) {
      const typed = await ask(term, `Type ${name} to approve ${action.id}: `, '');
      if (typed === '') break;
      try {
        await api.plans.approve.mutate({ digest: plan.digest, actionId: action.id, typed });
        return;
      } catch (e) {
        const problem = asProblem(e);
        if (!problem || typed === name || problem.exit === EXIT.access) throw e;
        term.note(warn(`"${typed}" is not its name; nothing was approved.`));
      }
    }
    throw needsApproval(plan, [action]);
  };
  for (const action of waiting) await typedFor(action);
  return open.length;
};

/** Says what to see of the result; called once the run has succeeded. */
export type Verify = () => Promise<Span>;

/** Everything after the plan has been made. */
export const carryOut = async (cli: Cli, plan: Plan, approved: ReadonlySet<string>, verify: Verify): Promise<Exit> => {
  const { term, input } = cli;
  showPlan(term, plan);
  if (plan.actions.length === 0) {
    term.data({ plan, run: null });
    return EXIT.ok;
  }
  const impossible = plan.actions.filter((a) => a.approval === 'impossible');
  if (input.flag('plan-only')) {
    term.data({ plan, run: null });
    if (impossible.length === 0) term.line(dim(`Apply it: dplane apply --plan ${shortDigest(plan.digest)}`));
    return EXIT.ok;
  }
  if (impossible.length > 0)
    throw new Problem(
      EXIT.approval,
      'blocked',
      'this plan is blocked, so nothing was applied',
      impossible.map((a) => `${a.id}: ${a.blocked ?? a.reason}`).join('; '),
      'No approval can allow this; change what is asked for.',
    );
  if (!input.flag('yes') && !term.interactive)
    throw usage(
      'nothing was applied',
      'there is no terminal to ask on',
      `Give --yes to apply without asking, or: dplane apply --plan ${shortDigest(plan.digest)} --yes`,
    );
  const typed = await approveAll(cli, plan, approved);
  // Whoever has just typed the exact names has been asked already.
  if (!input.flag('yes') && typed === 0) {
    const { confirm } = await import('./ask.ts');
    if (!(await confirm(term, plan.actions.length === 1 ? 'Apply it?' : `Apply these ${plan.actions.length} actions?`, ''))) {
      term.note(dim(`Nothing was changed. The plan is kept: dplane apply --plan ${shortDigest(plan.digest)}`));
      return EXIT.failed;
    }
  }
  const begun = await (await cli.api()).plans.execute.mutate({ digest: plan.digest });
  const run = await followRun(cli, begun);
  sayEnd(term, run);
  if (run.state === 'succeeded') term.line(['  ', await verify()]);
  else term.line([dim('See: '), tone('accent', `dplane run show ${run.id}`)]);
  term.data({ plan, run });
  return endOf(run);
};

/** What a command asks for, planned and carried out. */
export const change = async (cli: Cli, changes: ChangeRequest[], verify: Verify): Promise<Exit> => {
  const api = await cli.api();
  const plan = await api.plans.change.mutate({ changes });
  return carryOut(cli, plan, new Set(), verify);
};

export const planLine = (p: { digest: string; source: string; actor: string; expiresAt: number }, now: number): Span[] => [
  strong(shortDigest(p.digest)),
  `  ${p.source} by ${p.actor}`,
  dim(p.expiresAt > now ? `  good for ${ago(now, p.expiresAt).replace(' ago', '')}` : '  expired'),
];
