#!/usr/bin/env node
/**
 * `dplane-ota`: signed updates and slots, at the machine and where releases are made. One command in, one result on stdout (`--json`: one
 * line), everything said about it on stderr. Ends with 0: done; 1: refused, with what, why and what to do; 2: not understood;
 * 130: cancelled. What the boot units run is `boot/main.ts`.
 */
import { parseArgs } from 'node:util';
import { refuse } from '../../control/src/domain/refusal.ts';
import { realHost } from '../../control/src/host/exec.ts';
import type { Command } from './cli/command.ts';
import { COMMANDS } from './cli/table.ts';
import { type Streams, terminal } from './cli/terminal.ts';
import { placesAt } from './slots/places.ts';

const streams: Streams = process;
const { out, err, refused, heading } = terminal(streams);

const overview = (): string =>
  [
    heading('dplane-ota: signed updates that can be taken back'),
    '',
    ...Object.entries(COMMANDS).map(([name, c]) => `  ${name.padEnd(16)}${c.what}`),
    '',
    'dplane-ota COMMAND --help says more; --json prints one line for programs.',
  ].join('\n');

const helpOf = (name: string, c: Command): string =>
  [heading(`dplane-ota ${name} ${c.usage}`.trim()), `  ${c.what}`, ...(c.help ?? [])].join('\n');

const notUnderstood = (why: string, todo: string): number => {
  err(`dplane-ota: ${why}`);
  err(todo);
  return 2;
};

/** The command that was probably meant: the one with the fewest letters between. */
const meant = (typed: string): string | null => {
  const distance = (a: string, b: string): number => {
    let row = Array.from({ length: b.length + 1 }, (_, i) => i);
    for (const [i, c] of [...a].entries()) {
      const next = [i + 1];
      for (const [j, d] of [...b].entries())
        next.push(Math.min((row[j] ?? 0) + Number(c !== d), (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
      row = next;
    }
    return row[b.length] ?? 0;
  };
  const [best] = Object.keys(COMMANDS).toSorted((x, y) => distance(typed, x) - distance(typed, y));
  return best !== undefined && distance(typed, best) <= 3 ? best : null;
};

const main = async (argv: readonly string[]): Promise<number> => {
  const dashes = argv.includes('--') ? argv.indexOf('--') : argv.length;
  const [name = '', ...rest] = argv.slice(0, dashes);
  if (name === '' || name === '--help' || name === 'help' || name === '-h') {
    out(overview());
    return name === '' ? 2 : 0;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    const near = meant(name);
    return notUnderstood(
      `there is no command ${name.slice(0, 40)}`,
      near ? `Did you mean: dplane-ota ${near}` : 'All commands: dplane-ota --help',
    );
  }
  const usage = `dplane-ota ${name} ${command.usage}`.trim();
  let parsed: { values: Record<string, string | boolean | (string | boolean)[] | undefined>; positionals: string[] };
  try {
    parsed = parseArgs({
      args: rest,
      options: { ...command.options, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
    });
  } catch (error) {
    return notUnderstood(error instanceof Error ? (error.message.split('. ')[0] ?? '') : String(error), `Usage: ${usage}`);
  }
  const { values, positionals } = parsed;
  if (values.help) {
    out(helpOf(name, command));
    return 0;
  }
  const [least, most] = command.words;
  if (positionals.length < least || positionals.length > most)
    return notUnderstood(
      positionals.length < least ? `${name} needs more than that` : `${name} does not take "${positionals[most]?.slice(0, 40)}"`,
      `Usage: ${usage}`,
    );

  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
  const json = values.json === true;
  const run = await command.load();
  const said = await run({
    ...{ values, positionals, after: argv.slice(dashes + 1), json, streams, signal: stop.signal, host: realHost() },
    terminal: terminal(streams),
    // a pretended machine, for tests: everything is below that folder then
    places: placesAt(process.env.DPLANE_OTA_ROOT ?? ''),
  }).catch((error: unknown) => {
    // a file that can't be read or written is nobody's bug
    if (error instanceof Error && 'code' in error && 'syscall' in error)
      return refuse(
        'failed',
        `dplane-ota ${name}`,
        error.message,
        error.code === 'EACCES' || error.code === 'EPERM' ? 'Run it as root.' : '',
      );
    throw error;
  });
  if (json) streams.stdout.write(`${JSON.stringify(said.ok ? { ok: true, value: said.value.value } : said)}\n`);
  else if (said.ok) for (const line of said.value.text) out(line);
  else refused(said.refusal);
  if (said.ok) return 0;
  return stop.signal.aborted ? 130 : 1;
};

process.exitCode = await main(process.argv.slice(2));
