/**
 * Everything a person sees goes through here. Contract: text is made of spans (a string, or a string with a tone); each
 * is cleaned before it is written, so no answer of a server can steer the terminal. Colour only on a terminal without
 * NO_COLOR; tables fit the terminal and are cut nowhere when the output is a pipe or a file. Results go to stdout,
 * everything said about them (progress, questions, problems) to stderr.
 */
import type { Problem } from './problems.ts';
import { clean, shorten, pad, safeJson, widthOf, wrap } from './text.ts';

export type Tone = 'plain' | 'strong' | 'dim' | 'good' | 'warn' | 'bad' | 'accent';
export type Span = string | { readonly text: string; readonly tone: Tone };
export type Line = Span | readonly Span[];

export const tone = (t: Tone, text: string): Span => ({ text, tone: t });
export const strong = (text: string): Span => tone('strong', text);
export const dim = (text: string): Span => tone('dim', text);
export const good = (text: string): Span => tone('good', text);
export const warn = (text: string): Span => tone('warn', text);
export const bad = (text: string): Span => tone('bad', text);

export type Column<T> = {
  readonly title: string;
  readonly cell: (row: T) => Span;
  readonly align?: 'right';
  /** May be cut when the terminal is narrow: at the end, or in the middle. */
  readonly shrink?: 'end' | 'middle';
  /** Left out when the terminal is narrow; the highest number goes first. */
  readonly spare?: number;
};

type Out = NodeJS.WritableStream & { isTTY?: boolean; columns?: number };
type In = NodeJS.ReadableStream & { isTTY?: boolean };
export type Streams = { readonly stdin: In; readonly stdout: Out; readonly stderr: Out; readonly env: NodeJS.ProcessEnv };

const CODES: Record<Tone, string> = { plain: '', strong: '1', dim: '2', good: '32', warn: '33', bad: '31', accent: '36' };
const UNICODE = {
  ok: '✔',
  bad: '✘',
  warn: '▲',
  dot: '●',
  hollow: '○',
  bar: '█',
  rest: '░',
  cut: '…',
  arrow: '→',
  spin: ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'],
};
const ASCII: typeof UNICODE = {
  ok: 'v',
  bad: 'x',
  warn: '!',
  dot: '*',
  hollow: 'o',
  bar: '#',
  rest: '.',
  cut: '~',
  arrow: '->',
  spin: ['|', '/', '-', '\\'],
};

const spansOf = (line: Line): readonly Span[] => (Array.isArray(line) ? line : [line as Span]); // Array.isArray doesn't narrow readonly arrays
const textOf = (span: Span): string => clean(typeof span === 'string' ? span : span.text);
const toneOf = (span: Span): Tone => (typeof span === 'string' ? 'plain' : span.tone);

/** Below this a cut text tells little: columns that can be spared go first. */
const COMFORTABLE = 24;
const NARROWEST = 8;

export class Terminal {
  readonly json: boolean;
  readonly symbols: typeof UNICODE;
  readonly streams: Streams;
  #status = '';

  constructor(streams: Streams, json: boolean) {
    this.streams = streams;
    this.json = json;
    const locale = streams.env.LC_ALL || streams.env.LC_CTYPE || streams.env.LANG || '';
    this.symbols = /utf-?8/i.test(locale) ? UNICODE : ASCII;
  }

  /** Can the person be asked? */
  get interactive(): boolean {
    return this.streams.stdin.isTTY === true && this.streams.stderr.isTTY === true && !this.json;
  }
  /** Columns to fill; endless when nobody looks at it as it is. */
  get width(): number {
    return this.streams.stdout.isTTY ? Math.max(40, this.streams.stdout.columns || 80) : Number.POSITIVE_INFINITY;
  }
  get proseWidth(): number {
    return Math.min(this.width, 100);
  }

  #paint(out: Out, line: Line): string {
    const colour = out.isTTY === true && !this.streams.env.NO_COLOR && this.streams.env.TERM !== 'dumb';
    return spansOf(line)
      .map((span) => {
        const code = CODES[toneOf(span)];
        return colour && code !== '' ? `\x1b[${code}m${textOf(span)}\x1b[0m` : textOf(span);
      })
      .join('');
  }

  /** A line of the result, for people; nothing with --json. */
  line(line: Line = ''): void {
    if (this.json) return;
    this.#clearStatus();
    this.streams.stdout.write(`${this.#paint(this.streams.stdout, line)}\n`);
    this.#drawStatus();
  }

  /** A paragraph, wrapped to the terminal at words; further lines stand under the text, behind `lead`. */
  flow(lead: Line, ...text: readonly Span[]): void {
    const width = this.width;
    const indent = ' '.repeat(spansOf(lead).reduce((sum, s) => sum + widthOf(textOf(s)), 0));
    const words = text.flatMap((span) =>
      textOf(span)
        .split(/(?<= )/)
        .map((w) => tone(toneOf(span), w)),
    );
    let line: Span[] = [...spansOf(lead)];
    let used = indent.length;
    // A space at the very edge would make the terminal begin a line of its own.
    const write = (): void => {
      const end = line.findLastIndex((span, i) => i < spansOf(lead).length || textOf(span).trim() !== '');
      const last = line[end] ?? '';
      this.line([...line.slice(0, end), end < spansOf(lead).length ? last : tone(toneOf(last), textOf(last).trimEnd())]);
    };
    for (const w of words) {
      const size = widthOf(textOf(w).trimEnd());
      if (used > indent.length && used + size > width) {
        write();
        line = [indent];
        used = indent.length;
      }
      line.push(w);
      used += widthOf(textOf(w));
    }
    write();
  }
  prose(text: string, indent = '', t: Tone = 'plain'): void {
    this.flow(indent, tone(t, text));
  }

  /** The result as data: only with --json. */
  data(value: unknown): void {
    if (this.json) this.streams.stdout.write(`${safeJson(value, 2)}\n`);
  }
  /** One of many results: one JSON document a line. */
  dataLine(value: unknown): void {
    if (this.json) this.streams.stdout.write(`${safeJson(value)}\n`);
  }

  /** Something about the result: to stderr, and not with --json. */
  note(line: Line): void {
    if (this.json) return;
    this.#clearStatus();
    this.streams.stderr.write(`${this.#paint(this.streams.stderr, line)}\n`);
    this.#drawStatus();
  }

  problem(p: Problem): void {
    this.status('');
    if (this.json) {
      this.streams.stderr.write(`${safeJson({ error: { code: p.code, what: p.what, why: p.why, todo: p.todo, exit: p.exit } })}\n`);
      return;
    }
    const width = this.streams.stderr.isTTY ? Math.min(this.streams.stderr.columns || 80, 100) : Number.POSITIVE_INFINITY;
    const [first = '', ...rest] = wrap(`${clean(p.what)}: ${clean(p.why)}`, width - 8);
    this.note([p.code === 'interrupted' ? dim('dplane: ') : bad('dplane: '), first]);
    for (const l of rest) this.note(`        ${l}`);
    // A command to type stays in one piece; the rest is wrapped.
    for (const part of p.todo.split('\n'))
      if (part !== '') for (const l of wrap(clean(part), width - 8)) this.note(['        ', tone('accent', l)]);
  }

  /** One line at the bottom that is drawn over; only on a terminal. Empty text removes it. */
  status(text: string): void {
    if (this.json || this.streams.stderr.isTTY !== true) return;
    this.#clearStatus();
    this.#status = text;
    this.#drawStatus();
  }
  #clearStatus(): void {
    if (this.#status !== '') this.streams.stderr.write('\r\x1b[K');
  }
  #drawStatus(): void {
    if (this.#status !== '')
      this.streams.stderr.write(shorten(clean(this.#status), (this.streams.stderr.columns || 80) - 1, 'end', this.symbols.cut));
  }

  bar(part: number, width = 20): string {
    const full = Math.round(Math.min(1, Math.max(0, part)) * width);
    return this.symbols.bar.repeat(full) + this.symbols.rest.repeat(width - full);
  }

  table<T>(rows: readonly T[], columns: readonly Column<T>[], indent = ''): void {
    if (this.json) return;
    let shown = [...columns];
    const cells = new Map(columns.map((c) => [c, rows.map(c.cell)]));
    const natural = new Map(columns.map((c) => [c, Math.max(widthOf(c.title), ...(cells.get(c) ?? []).map((s) => widthOf(textOf(s))))]));
    const widths = new Map(natural);
    const total = (): number => indent.length + shown.reduce((sum, c) => sum + (widths.get(c) ?? 0), 0) + 2 * (shown.length - 1);
    const least = (c: Column<T>, columns: number): number => Math.min(natural.get(c) ?? 0, Math.max(columns, widthOf(c.title)));
    const tooWideAtLeast = (): boolean => {
      const saved = shown.reduce((sum, c) => sum + (c.shrink ? (natural.get(c) ?? 0) - least(c, COMFORTABLE) : 0), 0);
      return total() - saved > this.width;
    };
    for (;;) {
      if (!tooWideAtLeast()) break;
      const spare = shown.filter((c) => c.spare !== undefined).sort((a, b) => (b.spare ?? 0) - (a.spare ?? 0))[0];
      if (!spare) break;
      shown = shown.filter((c) => c !== spare);
    }
    for (let over = total() - this.width; over > 0; ) {
      const widest = shown
        .filter((c) => c.shrink && (widths.get(c) ?? 0) > least(c, NARROWEST))
        .sort((a, b) => (widths.get(b) ?? 0) - (widths.get(a) ?? 0))[0];
      if (!widest) break;
      widths.set(widest, (widths.get(widest) ?? 0) - 1);
      over -= 1;
    }
    const row = (spans: readonly Span[]): void => {
      // Nothing is padded behind the last text of a row: no trailing spaces.
      const last = shown.findLastIndex((_, i) => textOf(spans[i] ?? '') !== '');
      this.line([
        indent,
        ...shown.slice(0, last + 1).flatMap((c, i): Span[] => {
          const span = spans[i] ?? '';
          const width = widths.get(c) ?? 0;
          const text = shorten(textOf(span), c.shrink ? width : Number.POSITIVE_INFINITY, c.shrink ?? 'end', this.symbols.cut);
          const padded = i === last && c.align !== 'right' ? text : pad(text, width, c.align ?? 'left');
          return [tone(toneOf(span), padded), i === last ? '' : '  '];
        }),
      ]);
    };
    row(shown.map((c) => dim(c.title)));
    for (const i of rows.keys()) row(shown.map((c) => cells.get(c)?.[i] ?? ''));
  }

  /** Label and value pairs, the values under each other. */
  fields(pairs: readonly (readonly [string, Line])[], indent = ''): void {
    const width = Math.max(...pairs.map(([label]) => widthOf(label)));
    for (const [label, value] of pairs) this.line([indent, dim(pad(label, width)), '  ', ...spansOf(value)]);
  }
}
