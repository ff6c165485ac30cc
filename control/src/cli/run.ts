/** One command from argv to exit code. */
import { Cli, type Handler } from './cli.ts';
import { COMMANDS, GLOBALS } from './commands.ts';
import { parse, type Parsed } from './parse.ts';
import { EXIT, type Exit, Problem } from './problems.ts';
import { type Streams, Terminal } from './terminal.ts';

const toProblem = async (e: unknown): Promise<Problem> => {
  if (e instanceof Problem) return e;
  const { asProblem } = await import('./api.ts');
  const known = asProblem(e);
  if (known) return known;
  const first = e instanceof Error ? `${e.name}: ${e.message}` : String(e);
  return new Problem(EXIT.failed, 'bug', 'this is a bug in dplane', first, 'What was being done is safe to look at: dplane status', {
    cause: e,
  });
};

/** The box says how to log in to it in general; here it is one command. */
const withHint = (p: Problem, cli: Cli | undefined): Problem => {
  if (p.code !== 'unauthenticated' || cli === undefined || cli.loggingIn) return p;
  const todo =
    cli.credentials.token === null ? 'Log in: dplane login' : 'DPLANE_TOKEN is set, but the box does not take that token (any more).';
  return new Problem(p.exit, p.code, p.what, p.why, todo, { cause: p.cause });
};

/** When the reader of our output has gone (| head), we end without a word. */
const quietOnClosedPipe = (out: NodeJS.WritableStream): void => {
  out.on('error', (e: NodeJS.ErrnoException) => {
    if (e.code === 'EPIPE') process.exit(EXIT.ok);
    throw e;
  });
};

export const run = async (argv: readonly string[], streams: Streams): Promise<Exit> => {
  quietOnClosedPipe(streams.stdout);
  quietOnClosedPipe(streams.stderr);
  if (argv[0] === '__complete') {
    const { complete } = await import('./complete.ts');
    await complete(argv.slice(1), streams);
    return EXIT.ok;
  }
  // Before parsing has succeeded, only this tells how to answer.
  const end = argv.indexOf('--');
  let term = new Terminal(streams, argv.slice(0, end < 0 ? argv.length : end).includes('--json'));
  let cli: Cli | undefined;
  try {
    const parsed: Parsed<Handler> = parse(argv, COMMANDS, GLOBALS);
    term = new Terminal(streams, parsed.input.flag('json'));
    if (parsed.kind !== 'run') {
      const { showAll, showCommand, showGroup } = await import('./help.ts');
      const forPeople = new Terminal(parsed.kind === 'group' ? { ...streams, stdout: streams.stderr } : streams, false);
      if (parsed.kind === 'group') showGroup(forPeople, parsed.group);
      else if (parsed.about === undefined) showAll(forPeople);
      else if (typeof parsed.about === 'string') showGroup(forPeople, parsed.about);
      else showCommand(forPeople, parsed.about);
      return parsed.kind === 'group' ? EXIT.usage : EXIT.ok;
    }
    cli = new Cli(term, streams.env, Date.now, parsed.input);
    const handler = await parsed.command.load();
    return await handler(cli, parsed.input);
  } catch (e) {
    const problem = withHint(await toProblem(e), cli);
    term.problem(problem);
    return problem.exit;
  } finally {
    term.status('');
    cli?.close();
  }
};
