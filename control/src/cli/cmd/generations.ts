/** generations, and compare, activate, rollback, delete of them */
import {
  beforeCurrent,
  type Generation,
  type Generations,
  isPassedOver,
  type PackageChange,
  whyNoActivate,
  whyPassedOver,
} from '../../domain/generation/generation.ts';
import type { Cli, Handler } from '../cli.ts';
import { ago, count } from '../format.ts';
import { EXIT, Problem, usage } from '../problems.ts';
import { bad, dim, good, type Span, strong, tone, warn } from '../terminal.ts';

const numberOf = (text: string): number => {
  if (!/^[1-9][0-9]{0,5}$/.test(text))
    throw usage(`${text.slice(0, 40)} is not the number of a generation`, 'it is a whole number, the first column of: dplane generations');
  return Number(text);
};

const stateOf = (g: Generation, known: boolean): Span => {
  if (g.running) return g.next ? good('runs, starts next') : warn('runs');
  if (g.next) return tone('accent', 'starts next');
  if (g.current) return known ? bad('chosen, does not start') : tone('accent', 'chosen');
  return g.booted ? dim('was started') : dim('');
};

/** What the table alone does not say. */
const standing = (found: Extract<Generations, { available: true }>): string[] => {
  if (found.unknown !== null) return [`Nobody can say now which one starts next: ${found.unknown}.`];
  const passed = found.generations.find(isPassedOver);
  return passed === undefined ? [] : [whyPassedOver(passed, found.generations)];
};

const all = async (cli: Cli): Promise<Generation[]> => {
  const found = await (await cli.api()).generations.list.query();
  if (!found.available) throw new Problem(EXIT.failed, 'blocked', 'there are no generations', found.why, found.todo);
  return found.generations;
};

export const generationsList: Handler = async (cli) => {
  const found = await (await cli.api()).generations.list.query();
  cli.term.data(found);
  if (!found.available) {
    cli.term.flow('', warn(`${cli.term.symbols.warn} `), found.why);
    cli.term.prose(found.todo, '  ', 'dim');
    return EXIT.ok;
  }
  const now = cli.now();
  cli.term.table(found.generations, [
    { title: 'NO', cell: (g) => strong(String(g.number)), align: 'right' },
    { title: 'MADE', cell: (g) => ago(g.createdAt, now) },
    { title: 'SYSTEM', cell: (g) => g.label ?? '-', shrink: 'end' },
    { title: 'LINUX', cell: (g) => g.kernel ?? '-', spare: 1 },
    { title: 'OPENZFS', cell: (g) => g.zfs ?? '-', spare: 1 },
    { title: 'STATE', cell: (g) => stateOf(g, found.unknown === null) },
  ]);
  for (const line of standing(found)) cli.term.flow('', warn(`${cli.term.symbols.warn} `), line);
  return EXIT.ok;
};

const versions = (of: readonly string[]): string => (of.length === 0 ? '-' : of.map((v) => v || '(no version)').join(', '));
const change = (p: PackageChange): Span => (p.before.length === 0 ? good('added') : p.after.length === 0 ? bad('removed') : dim('changed'));

export const generationsCompare: Handler = async (cli, input) => {
  const api = await cli.api();
  const from = numberOf(input.word('NUMBER'));
  const other = input.words('OTHER')[0];
  const to = other === undefined ? (await all(cli)).find((g) => g.running)?.number : numberOf(other);
  if (to === undefined)
    throw new Problem(
      EXIT.failed,
      'conflict',
      'there is nothing to compare with',
      'the system that runs is no generation',
      'Give two numbers.',
    );
  const diff = await api.generations.compare.query({ from, to });
  cli.term.data(diff);
  if (diff.packages.length === 0) cli.term.line(`Generations ${from} and ${to} hold the same packages in the same versions.`);
  else {
    cli.term.line([`From generation ${from} to ${to}: `, strong(count(diff.packages.length, 'package'))]);
    cli.term.table(diff.packages, [
      { title: 'PACKAGE', cell: (p) => p.name, shrink: 'middle' },
      { title: '', cell: change },
      { title: 'BEFORE', cell: (p) => versions(p.before), shrink: 'end' },
      { title: 'AFTER', cell: (p) => versions(p.after), shrink: 'end' },
    ]);
  }
  return EXIT.ok;
};

const agreed = async (cli: Cli, question: string): Promise<boolean> => {
  if (cli.input.flag('yes')) return true;
  const { confirm } = await import('../ask.ts');
  if (await confirm(cli.term, question, 'Give --yes to do it without being asked.')) return true;
  cli.term.note('Nothing was changed.');
  return false;
};

const begun = (cli: Cli, done: { number: number; snapshots: string[] }): typeof EXIT.ok => {
  cli.term.data(done);
  for (const name of done.snapshots) cli.term.note(dim(`took ${name}`));
  cli.term.line([good(`${cli.term.symbols.ok} `), `Generation ${done.number} starts next: `, tone('accent', 'dplane restart')]);
  return EXIT.ok;
};
const PROMISE =
  'It is tried at the next restart, under the same checks as an update; what runs is not touched. Snapshots of all pools are taken before.';

export const generationsActivate: Handler = async (cli, input) => {
  const number = numberOf(input.word('NUMBER'));
  const found = (await all(cli)).find((g) => g.number === number);
  if (found === undefined)
    throw new Problem(
      EXIT.failed,
      'not-found',
      `generation ${number} can't be activated`,
      'there is none of this number',
      'See: dplane generations',
    );
  const why = whyNoActivate(found);
  if (why !== null) throw new Problem(EXIT.failed, 'conflict', `generation ${number} needs no activating`, why, 'See: dplane generations');
  cli.term.prose(PROMISE);
  if (!(await agreed(cli, `Let generation ${number} (${found.label ?? 'no label'}) start next?`))) return EXIT.failed;
  return begun(cli, await (await cli.api()).generations.activate.mutate({ number }));
};

export const generationsRollback: Handler = async (cli) => {
  const found = beforeCurrent(await all(cli));
  if (found === null)
    throw new Problem(EXIT.failed, 'not-found', 'there is nothing to go back to', 'no older generation is left', 'See: dplane generations');
  cli.term.prose(PROMISE);
  if (!(await agreed(cli, `Go back to generation ${found.number} (${found.label ?? 'no label'})?`))) return EXIT.failed;
  return begun(cli, await (await cli.api()).generations.rollback.mutate());
};

export const generationsDelete: Handler = async (cli, input) => {
  const numbers = input.words('NUMBER').map(numberOf);
  if (!(await agreed(cli, `Delete ${count(numbers.length, 'generation')} for good?`))) return EXIT.failed;
  const done = await (await cli.api()).generations.remove.mutate({ numbers });
  cli.term.data(done);
  cli.term.line([
    good(`${cli.term.symbols.ok} `),
    `deleted ${done.deleted.join(', ')}`,
    dim(done.collecting ? '; what only they needed is being removed' : '; the store was not cleaned up: nix-store --gc'),
  ]);
  return EXIT.ok;
};
