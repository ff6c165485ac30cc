/**
 * From argv to a command and its input. Contract: driven by the table in `commands.ts` alone; nothing unknown is
 * accepted, and what is wrong is told with the nearest thing that would have been right.
 */
import { parseArgs } from 'node:util';
import { usage } from './problems.ts';
import { nearest } from './text.ts';

/** What the shell may offer for a word: fixed words, files, or names asked from the box. */
export type Offer =
  | readonly string[]
  | 'file'
  | 'pool'
  | 'dataset'
  | 'snapshot'
  | 'schedule'
  | 'disk'
  | 'user'
  | 'property'
  | 'profile'
  | 'command';

export type Option = {
  readonly name: string;
  readonly short?: string;
  /** What stands for the value in the help; without it the option is a switch. */
  readonly value?: string;
  readonly many?: true;
  readonly help: string;
  readonly offer?: Offer;
};
export type Arg = { readonly name: string; readonly optional?: true; readonly many?: true; readonly help: string; readonly offer?: Offer };
export type Command<H> = {
  /** `pool list`: one or two words. */
  readonly path: string;
  readonly summary: string;
  readonly args?: readonly Arg[];
  readonly options?: readonly Option[];
  readonly details?: string;
  readonly examples: readonly string[];
  readonly load: () => Promise<H>;
};

export class Input {
  readonly #args: ReadonlyMap<string, readonly string[]>;
  readonly #options: ReadonlyMap<string, readonly string[]>;
  constructor(args: ReadonlyMap<string, readonly string[]>, options: ReadonlyMap<string, readonly string[]>) {
    this.#args = args;
    this.#options = options;
  }
  /** A word that the table says is there. */
  word(name: string): string {
    const value = this.#args.get(name)?.[0];
    if (value === undefined) throw new Error(`no argument ${name} in the table`);
    return value;
  }
  maybe(name: string): string | undefined {
    return this.#args.get(name)?.[0];
  }
  words(name: string): readonly string[] {
    return this.#args.get(name) ?? [];
  }
  flag(name: string): boolean {
    return this.#options.has(name);
  }
  text(name: string): string | undefined {
    return this.#options.get(name)?.at(-1);
  }
  all(name: string): readonly string[] {
    return this.#options.get(name) ?? [];
  }
  /** A whole number in range, or undefined when the option isn't there. */
  number(name: string, min: number, max: number): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const n = Number(text);
    if (!/^[0-9]+$/.test(text) || n < min || n > max) throw usage(`--${name} ${text}`, `expected a whole number from ${min} to ${max}`);
    return n;
  }
  /** One of the given words, or undefined when the option isn't there. */
  choice<const T extends string>(name: string, among: readonly T[]): T | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const found = among.find((a) => a === text);
    if (found === undefined) throw notAmong(`--${name} ${text}`, text, among);
    return found;
  }
}

export const notAmong = (what: string, given: string, among: readonly string[]): Error => {
  const close = nearest(given, among);
  return usage(what, `expected one of ${among.join(', ')}`, close === undefined ? '' : `Did you mean ${close}?`);
};

export type Parsed<H> =
  | { readonly kind: 'run'; readonly command: Command<H>; readonly input: Input }
  | { readonly kind: 'help'; readonly about: Command<H> | string | undefined; readonly input: Input }
  | { readonly kind: 'group'; readonly group: string; readonly input: Input };

const isOption = (word: string): boolean => word.length > 1 && word.startsWith('-');

const badOption = (raw: string, known: readonly Option[], where: string): Error => {
  const takesProperties = /^dataset (create|set)$/.test(where);
  const close = nearest(
    raw.replace(/^-+/, ''),
    known.map((o) => o.name),
  );
  return usage(
    `unknown option ${raw}`,
    where === '' ? 'dplane has no such option' : `"dplane ${where}" has no such option`,
    [
      close === undefined ? '' : `Did you mean --${close}?`,
      close === undefined && takesProperties ? `ZFS properties are given as ${raw.replace(/^-+/, '')}=VALUE` : '',
      `See: dplane ${where === '' ? '' : `${where} `}--help`,
    ]
      .filter((l) => l !== '')
      .join('\n'),
  );
};

const readOptions = (
  argv: readonly string[],
  known: readonly Option[],
  where: string,
): { options: Map<string, string[]>; words: string[] } => {
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(
      known.map((o) => [
        o.name,
        {
          type: o.value === undefined ? ('boolean' as const) : ('string' as const),
          multiple: true,
          ...(o.short ? { short: o.short } : {}),
        },
      ]),
    ),
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const options = new Map<string, string[]>();
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value);
    if (token.kind !== 'option') continue;
    const option = known.find((o) => o.name === token.name);
    if (!option) throw badOption(token.rawName, known, where);
    if (option.value === undefined && token.value !== undefined)
      throw usage(`--${option.name}=${token.value}`, `--${option.name} takes no value`);
    if (option.value !== undefined) {
      // A value such as --yes is far more often a forgotten one than meant.
      if (token.value === undefined || token.value === '' || (!token.inlineValue && isOption(token.value)))
        throw usage(
          `--${option.name}`,
          `expected a value: --${option.name} ${option.value}`,
          token.value ? `If the value is ${token.value}: --${option.name}=${token.value}` : '',
        );
      if (!option.many && options.has(option.name)) throw usage(`--${option.name}`, 'given twice');
    }
    options.set(option.name, [...(options.get(option.name) ?? []), token.value ?? '']);
  }
  return { options, words };
};

const bindArgs = <H>(command: Command<H>, words: readonly string[]): Map<string, readonly string[]> => {
  const args = new Map<string, readonly string[]>();
  const left = [...words];
  for (const arg of command.args ?? []) {
    const taken = arg.many ? left.splice(0) : left.splice(0, 1);
    if (taken.length === 0 && !arg.optional)
      throw usage(
        `dplane ${command.path}`,
        `expected ${arg.name}: ${arg.help}`,
        `For example: ${command.examples[0] ?? ''}\nSee: dplane ${command.path} --help`,
      );
    if (taken.length > 0) args.set(arg.name, taken);
  }
  if (left[0] !== undefined)
    throw usage(
      `dplane ${command.path}`,
      `"${left[0]}" is one word too many`,
      `Names with spaces are quoted. See: dplane ${command.path} --help`,
    );
  return args;
};

/** How many leading words of argv (options of all commands skipped) name the command. */
const splitPath = (argv: readonly string[], globals: readonly Option[]): { words: string[]; before: string[]; rest: string[] } => {
  const words: string[] = [];
  const before: string[] = [];
  let i = 0;
  for (; i < argv.length && words.length < 2; i += 1) {
    const word = argv[i] ?? '';
    if (word === '--') break;
    if (!isOption(word)) {
      words.push(word);
      continue;
    }
    if (words.length > 0) break;
    before.push(word);
    const option = globals.find((o) => `--${o.name}` === word || (o.short !== undefined && `-${o.short}` === word));
    const next = argv[i + 1];
    if (option?.value !== undefined && next !== undefined) {
      before.push(next);
      i += 1;
    }
  }
  return { words, before, rest: argv.slice(i) };
};

export const parse = <H>(argv: readonly string[], commands: readonly Command<H>[], globals: readonly Option[]): Parsed<H> => {
  const { words, before, rest } = splitPath(argv, globals);
  const [first, second] = words;
  const two = commands.find((c) => c.path === `${first} ${second}`);
  const one = commands.find((c) => c.path === first);
  const command = two ?? one;
  if (command) {
    const own = [...before, ...(two || second === undefined ? [] : [second]), ...rest];
    const { options, words: given } = readOptions(own, [...globals, ...(command.options ?? [])], command.path);
    if (options.has('help')) return { kind: 'help', about: command, input: new Input(new Map(), options) };
    return { kind: 'run', command, input: new Input(bindArgs(command, given), options) };
  }
  const groups = [...new Set(commands.filter((c) => c.path.includes(' ')).map((c) => c.path.split(' ')[0] ?? ''))];
  if (first !== undefined && groups.includes(first)) {
    const inGroup = commands.filter((c) => c.path.startsWith(`${first} `)).map((c) => c.path.slice(first.length + 1));
    if (second !== undefined) {
      const close = nearest(second, inGroup);
      throw usage(
        `dplane ${first} ${second}`,
        `"${first}" has no command "${second}"; it has ${inGroup.join(', ')}`,
        close === undefined ? '' : `Did you mean: dplane ${first} ${close}`,
      );
    }
    const { options } = readOptions([...before, ...rest], globals, first);
    return options.has('help')
      ? { kind: 'help', about: first, input: new Input(new Map(), options) }
      : { kind: 'group', group: first, input: new Input(new Map(), options) };
  }
  const { options } = readOptions([...before, ...(first === undefined ? rest : [])], globals, '');
  if (first === undefined) return { kind: 'help', about: undefined, input: new Input(new Map(), options) };
  const close = nearest(first, [...groups, ...commands.filter((c) => !c.path.includes(' ')).map((c) => c.path)]);
  throw usage(
    `dplane ${first}`,
    `there is no command "${first}"`,
    `${close === undefined ? '' : `Did you mean: dplane ${close}\n`}All commands: dplane help`,
  );
};
