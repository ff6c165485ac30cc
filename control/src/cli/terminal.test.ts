import { PassThrough, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { ago, clock, lasted } from './format.ts';
import { Problem } from './problems.ts';
import { type Column, Terminal, tone } from './terminal.ts';
import { widthOf } from './text.ts';

type Fake = Writable & { text: string; isTTY?: boolean; columns?: number };
const output = (columns?: number): Fake => {
  const out: Fake = Object.assign(
    new Writable({
      write: (chunk, _e, done) => {
        out.text += String(chunk);
        done();
      },
    }),
    { text: '', ...(columns === undefined ? {} : { isTTY: true, columns }) },
  );
  return out;
};
const terminal = (columns?: number, env: NodeJS.ProcessEnv = {}, json = false) => {
  const stdout = output(columns);
  const stderr = output(columns);
  return { stdout, stderr, term: new Terminal({ stdin: new PassThrough(), stdout, stderr, env: { LANG: 'C.UTF-8', ...env } }, json) };
};

type Row = { name: string; size: string; about: string };
const rows: Row[] = [
  { name: 'tank/a-rather-long-name-of-a-dataset/and-more', size: '1 GiB', about: 'something that someone wrote about it at length' },
  { name: 'tank/写真', size: '20 GiB', about: 'short' },
];
const columns: Column<Row>[] = [
  { title: 'NAME', cell: (r) => r.name, shrink: 'middle' },
  { title: 'SIZE', cell: (r) => r.size, align: 'right' },
  { title: 'ABOUT', cell: (r) => tone('warn', r.about), shrink: 'end', spare: 1 },
];

describe('tables', () => {
  it.each([40, 60, 80, 200])('fit %i columns, with every column in line', (width) => {
    const { term, stdout } = terminal(width, { NO_COLOR: '1' });
    term.table(rows, columns);
    const lines = stdout.text.trimEnd().split('\n');
    expect(lines).toHaveLength(3);
    for (const l of lines) expect(widthOf(l)).toBeLessThanOrEqual(width);
    const endOfSize = lines.map((l) => widthOf(l.slice(0, l.search(/GiB|SIZE/) + (l.includes('SIZE') ? 4 : 3))));
    expect(new Set(endOfSize).size).toBe(1);
    expect(stdout.text).toContain('20 GiB');
  });
  it('leave out what can be spared first', () => {
    const { term, stdout } = terminal(40, { NO_COLOR: '1' });
    term.table(rows, columns);
    expect(stdout.text).not.toContain('ABOUT');
  });
  it('are cut nowhere in a pipe, and have no trailing spaces', () => {
    const { term, stdout } = terminal();
    term.table(rows, columns);
    expect(stdout.text).toContain(rows[0]?.name);
    expect(stdout.text).toContain(rows[0]?.about);
    expect(stdout.text).not.toMatch(/ \n/);
  });
});

describe('flowing text', () => {
  it('stands behind its lead, within the width, without spaces at the edge', () => {
    for (let width = 40; width < 60; width += 1) {
      const { term, stdout } = terminal(width, { NO_COLOR: '1' });
      term.flow(['  ', tone('warn', '!'), ' '], 'one two three four five six seven eight nine ten ', tone('dim', ' eleven twelve'));
      const lines = stdout.text.trimEnd().split('\n');
      expect(lines.length).toBeGreaterThan(1);
      for (const [i, l] of lines.entries()) {
        expect(widthOf(l)).toBeLessThanOrEqual(width);
        expect(l).toBe(l.trimEnd());
        expect(l.startsWith(i === 0 ? '  ! one' : '    ')).toBe(true);
      }
      expect(stdout.text.split(/\s+/).filter((w) => w !== '' && w !== '!')).toHaveLength(12);
    }
  });
});

describe('colour and cleaning', () => {
  it('colours on a terminal only, and never with NO_COLOR', () => {
    const on = terminal(80);
    on.term.line(tone('bad', 'x'));
    expect(on.stdout.text).toBe('\x1b[31mx\x1b[0m\n');
    for (const off of [terminal(80, { NO_COLOR: '1' }), terminal(80, { TERM: 'dumb' }), terminal()]) {
      off.term.line(tone('bad', 'x'));
      expect(off.stdout.text).toBe('x\n');
    }
  });
  it('neutralises what others wrote, in lines, tables, problems and the status', () => {
    const { term, stdout, stderr } = terminal(80, { NO_COLOR: '1' });
    const evil = 'a\x1b]0;title\x07b\rc';
    term.line(evil);
    term.prose(evil);
    term.table([{ name: evil, size: evil, about: evil }], columns);
    term.problem(new Problem(1, 'failed', evil, evil, evil));
    term.status(evil);
    expect(stdout.text).not.toContain('\x1b]');
    expect(stdout.text).not.toContain('\r');
    expect(stderr.text).not.toContain('\x1b]');
    expect(stderr.text).not.toContain('\x07');
  });
  it('uses plain characters where the locale knows no others', () => {
    const { term } = terminal(80, { LANG: 'C' });
    expect(`${Object.values(term.symbols).flat().join('')}${term.bar(0.5)}`).toMatch(/^[\x20-\x7e]*$/);
  });
});

describe('with --json', () => {
  it('writes one document to stdout, problems as JSON to stderr, and nothing else', () => {
    const { term, stdout, stderr } = terminal(80, {}, true);
    term.line('for people');
    term.note('for people');
    term.status('for people');
    term.table(rows, columns);
    term.data({ a: 1 });
    term.problem(new Problem(3, 'forbidden', 'what', 'why', 'todo'));
    expect(JSON.parse(stdout.text)).toEqual({ a: 1 });
    expect(JSON.parse(stderr.text)).toEqual({ error: { code: 'forbidden', what: 'what', why: 'why', todo: 'todo', exit: 3 } });
  });
});

describe('times', () => {
  const now = Date.UTC(2026, 10, 20, 12);
  it.each([
    [now - 3_000, 'just now'],
    [now - 60_000, '1 min ago'],
    [now - 7_200_000, '2 hours ago'],
    [now - 86_400_000, '1 day ago'],
    [now + 3 * 86_400_000, 'in 3 days'],
    [null, 'never'],
  ])('%s is %s', (at, text) => expect(ago(at, now)).toBe(text));
  it('durations and clocks', () => {
    expect(lasted(340)).toBe('340 ms');
    expect(lasted(2_500)).toBe('2.5 s');
    expect(lasted(61_000)).toBe('1 min');
    expect(clock(now, now)).toMatch(/^\d\d:\d\d:\d\d$/);
    expect(clock(now - 3 * 86_400_000, now)).toMatch(/^2026-11-17 /);
  });
});
