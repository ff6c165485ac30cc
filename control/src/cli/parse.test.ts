import { describe, expect, it } from 'vitest';
import { COMMANDS, GLOBALS, SECTIONS } from './commands.ts';
import { parse } from './parse.ts';
import { Problem } from './problems.ts';

const read = (...argv: string[]) => parse(argv, COMMANDS, GLOBALS);
const problemOf = (...argv: string[]): Problem => {
  try {
    read(...argv);
  } catch (e) {
    if (e instanceof Problem) return e;
    throw e;
  }
  throw new Error('it was accepted');
};
const runOf = (...argv: string[]) => {
  const parsed = read(...argv);
  if (parsed.kind !== 'run') throw new Error(`expected a command, got ${parsed.kind}`);
  return parsed;
};

describe('what is understood', () => {
  it('finds commands of one and two words, with options of all commands before or behind', () => {
    expect(runOf('status').command.path).toBe('status');
    expect(runOf('--json', 'pool', 'list').command.path).toBe('pool list');
    const { command, input } = runOf('--host', 'nas', 'pool', 'create', 'tank', 'a', '-o', 'quota=1G', '-o', 'atime=off', '-y');
    expect(command.path).toBe('pool create');
    expect(input.word('POOL')).toBe('tank');
    expect(input.text('host')).toBe('nas');
    expect(input.all('property')).toEqual(['quota=1G', 'atime=off']);
    expect(input.flag('yes')).toBe(true);
    expect(input.flag('plan-only')).toBe(false);
  });
  it('tells `plan` from `plan list`', () => {
    expect(runOf('plan').command.path).toBe('plan');
    expect(runOf('plan', 'list').command.path).toBe('plan list');
    expect(runOf('plan', '-f', 'state.yaml').input.text('file')).toBe('state.yaml');
  });
  it('takes the rest of the words for an argument that repeats', () => {
    expect(runOf('pool', 'create', 'tank', 'mirror', 'a', 'b').input.words('VDEV')).toEqual(['mirror', 'a', 'b']);
  });
  it('takes what stands behind -- as it is', () => {
    expect(runOf('dataset', 'show', '--', '-odd').input.word('DATASET')).toBe('-odd');
  });
  it('takes - as a file', () => {
    expect(runOf('state', 'check', '-').input.word('FILE')).toBe('-');
    expect(runOf('plan', '-f', '-').input.text('file')).toBe('-');
  });
  it('answers --help everywhere, whatever is missing', () => {
    for (const c of COMMANDS) expect(read(...c.path.split(' '), '--help').kind).toBe('help');
    expect(read('pool', '-h').kind).toBe('help');
    expect(read().kind).toBe('help');
    expect(read('pool').kind).toBe('group');
  });
});

describe('what is refused', () => {
  it.each([
    [['datset'], 'dplane dataset'],
    [['pool', 'lst'], 'dplane pool list'],
    [['dataset', 'list', '--jsno'], '--json'],
    [['dataset', 'create', 'tank/a', '--quota', '1G'], 'quota=VALUE'],
  ])('%j, with what was probably meant', (argv, hint) => {
    const p = problemOf(...argv);
    expect(p.exit).toBe(2);
    expect(p.todo).toContain(hint);
  });
  it.each([
    [['dataset', 'show'], 'expected DATASET'],
    [['dataset', 'show', 'a', 'b'], 'one word too many'],
    [['pool', 'list', '--json=yes'], 'takes no value'],
    [['login', '--user'], 'expected a value'],
    [['login', '--user', '--json'], 'expected a value'],
    [['login', '--user', 'a', '--user', 'b'], 'given twice'],
  ])('%j', (argv, why) => {
    const p = problemOf(...argv);
    expect(p.exit).toBe(2);
    expect(p.why).toContain(why);
  });
  it('does not take a forgotten value from the next option, so that --approve --yes approves nothing', () => {
    expect(problemOf('dataset', 'destroy', 'tank/a', '--approve', '--yes').why).toContain('expected a value');
  });
});

describe('the table', () => {
  it('has an example for each command that parses as that very command', () => {
    for (const c of COMMANDS) {
      expect(c.examples.length, c.path).toBeGreaterThan(0);
      for (const example of c.examples) {
        // Examples are shell lines: what is redirected is not ours.
        const argv = (example.split(' > ')[0] ?? '').match(/'[^']*'|\S+/g)?.map((w) => w.replaceAll("'", '')) ?? [];
        expect(runOf(...argv.slice(1)).command.path, example).toBe(c.path);
      }
    }
  });
  it('loads code for each command', async () => {
    for (const c of COMMANDS) expect(typeof (await c.load()), c.path).toBe('function');
  });
  it('names each command once, and lists each in the help', () => {
    expect(new Set(COMMANDS.map((c) => c.path)).size).toBe(COMMANDS.length);
    const listed = SECTIONS.flatMap(([, groups]) => groups);
    for (const c of COMMANDS) expect(listed, c.path).toContain(c.path.split(' ')[0]);
  });
  it('has no option twice, and none that hides one of all commands', () => {
    for (const c of COMMANDS) {
      const all = [...GLOBALS, ...(c.options ?? [])];
      expect(new Set(all.map((o) => o.name)).size, c.path).toBe(all.length);
      const short = all.flatMap((o) => (o.short ? [o.short] : []));
      expect(new Set(short).size, c.path).toBe(short.length);
    }
  });
});
