/** help, version */
import type { Handler } from '../cli.ts';
import { COMMANDS } from '../commands.ts';
import { showAll, showCommand, showGroup } from '../help.ts';
import { EXIT, Problem, usage } from '../problems.ts';
import { nearest } from '../text.ts';

export const help: Handler = async ({ term }, input) => {
  const words = input.words('COMMAND');
  if (words.length === 0) {
    showAll(term);
    return EXIT.ok;
  }
  const path = words.join(' ');
  const exact = COMMANDS.find((c) => c.path === path);
  const group = COMMANDS.some((c) => c.path.startsWith(`${path} `));
  if (exact) showCommand(term, exact);
  if (group && !exact) showGroup(term, path);
  if (!exact && !group) {
    const close = nearest(
      path,
      COMMANDS.map((c) => c.path),
    );
    throw usage(
      `dplane help ${path}`,
      `there is no command "${path}"`,
      close === undefined ? 'All commands: dplane help' : `Did you mean: dplane help ${close}`,
    );
  }
  return EXIT.ok;
};

export const VERSION = '0.1.0';

export const version: Handler = async (cli) => {
  const { term } = cli;
  const box = await (await cli.api()).system.info.query().catch(async (e: unknown) => {
    const { asProblem } = await import('../api.ts');
    const problem = e instanceof Problem ? e : asProblem(e);
    if (!problem) throw e;
    return problem;
  });
  const known = !(box instanceof Problem);
  term.data({ dplane: VERSION, node: process.version, box: known ? box : null });
  term.fields([
    ['dplane', VERSION],
    ['node', process.version],
    ['box', known ? `${box.name} ${box.version}${box.simulated ? ' (simulated)' : ''} at ${cli.transport.where}` : box.why],
  ]);
  return EXIT.ok;
};
