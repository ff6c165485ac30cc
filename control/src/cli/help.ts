/** Help as lines, made from the table. */
import { COMMANDS, GLOBALS, SECTIONS } from './commands.ts';
import type { Handler } from './cli.ts';
import type { Arg, Command, Option } from './parse.ts';
import { EXIT_MEANING } from './problems.ts';
import { dim, strong, type Terminal, tone } from './terminal.ts';
import { pad, widthOf, wrap } from './text.ts';

const argText = (a: Arg): string => {
  const name = a.many ? `${a.name}...` : a.name;
  return a.optional ? `[${name}]` : name;
};
export const usageOf = (c: Command<Handler>): string =>
  ['dplane', c.path, ...(c.args ?? []).map(argText), ...((c.options ?? []).length > 0 ? ['[options]'] : [])].join(' ');
const optionText = (o: Option): string => `${o.short ? `-${o.short}, ` : '    '}--${o.name}${o.value ? ` ${o.value}` : ''}`;

const twoColumns = (term: Terminal, rows: readonly (readonly [string, string])[]): void => {
  const left = Math.min(30, Math.max(...rows.map(([l]) => widthOf(l))));
  for (const [label, text] of rows) {
    const lines = wrap(text, Math.max(20, term.proseWidth - left - 4));
    const fits = widthOf(label) <= left;
    if (!fits) term.line(`  ${label}`);
    for (const [i, l] of lines.entries()) term.line([`  ${pad(i === 0 && fits ? label : '', left)}  `, l]);
  }
};

const heading = (term: Terminal, text: string): void => {
  term.line();
  term.line(strong(text));
};

export const showCommand = (term: Terminal, c: Command<Handler>): void => {
  term.line([strong(`dplane ${c.path}`), `: ${c.summary}`]);
  term.line();
  term.line(`  ${usageOf(c)}`);
  if (c.details) {
    term.line();
    term.prose(c.details);
  }
  if (c.args) {
    heading(term, 'Arguments');
    twoColumns(
      term,
      c.args.map((a) => [argText(a), a.help]),
    );
  }
  if (c.options) {
    heading(term, 'Options');
    twoColumns(
      term,
      c.options.map((o) => [optionText(o), o.help]),
    );
  }
  heading(term, 'Examples');
  for (const e of c.examples) term.line(`  ${e}`);
  term.line();
  term.line(dim('Options of all commands: dplane help'));
};

const inGroup = (group: string): Command<Handler>[] => COMMANDS.filter((c) => c.path === group || c.path.startsWith(`${group} `));

export const showGroup = (term: Terminal, group: string): void => {
  term.line([strong(`dplane ${group}`), ' COMMAND']);
  term.line();
  twoColumns(
    term,
    inGroup(group).map((c) => [c.path, c.summary]),
  );
  term.line();
  term.line(dim(`More about one: dplane ${inGroup(group)[0]?.path ?? group} --help`));
};

export const showAll = (term: Terminal): void => {
  term.line([strong('dplane'), ' COMMAND [options]: look after a D-PlaneOS box']);
  for (const [title, groups] of SECTIONS) {
    heading(term, title);
    twoColumns(
      term,
      groups.flatMap((g) => inGroup(g).map((c) => [c.path, c.summary] as const)),
    );
  }
  heading(term, 'Options of all commands');
  twoColumns(
    term,
    GLOBALS.map((o) => [optionText(o), o.help]),
  );
  heading(term, 'Exit codes');
  twoColumns(
    term,
    EXIT_MEANING.map(([n, text]) => [String(n), text]),
  );
  term.line();
  term.line([
    dim('First time: '),
    tone('accent', 'dplane claim --url https://ADDRESS:8443'),
    dim('   About one: dplane help dataset create'),
  ]);
};
