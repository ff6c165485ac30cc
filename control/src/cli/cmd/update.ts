/** update status, history, inspect, install, cancel, rollback, confirm; restart */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, isAbsolute, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { ApplyProgress } from '../../domain/bundle/bundle.ts';
import type { Refusal } from '../../domain/refusal.ts';
import type { Slot, SlotStatus, UpdateEvent } from '../../domain/slot/slot.ts';
import type { UpdateView } from '../../domain/update/update.ts';
import { formatBytes } from '../../domain/units.ts';
import { asProblem, headersOf } from '../api.ts';
import type { Cli, Handler } from '../cli.ts';
import { ago, clock, count } from '../format.ts';
import { asRefusal, EXIT, type Exit, fromRefusal, interrupted, Problem, usage } from '../problems.ts';
import { Pace, paceText } from '../progress.ts';
import { bad, dim, good, type Line, type Span, strong, type Terminal, tone, warn } from '../terminal.ts';

const LOOK_MS = 300;
/** Leaves room for the words on a terminal of 80 columns. */
const BAR = 12;
/** As long as a daemon may take to come back while the updater goes on. */
const LOST_MS = 120_000;

const stateOf = (s: Slot): Span => {
  const tries = s.triesLeft === null ? '' : `, ${count(s.triesLeft, 'try', 'tries')} left`;
  switch (s.state) {
    case 'empty':
      return dim('empty');
    case 'staged':
      return tone('accent', `staged${s.next ? ', is tried at the next restart' : ''}, ${count(s.triesLeft ?? 0, 'try', 'tries')}`);
    case 'trying':
      return warn(`${s.running ? 'running, ' : ''}not confirmed yet${tries}`);
    case 'failed':
      return bad('did not come up, is not started again');
    case 'confirmed':
      return s.running ? good('running, confirmed') : `confirmed, can be gone back to${s.next ? '; starts at the next restart' : ''}`;
  }
};

const showSlots = (term: Terminal, slots: SlotStatus): void => {
  if (!slots.available) {
    term.flow('', warn(`${term.symbols.warn} `), slots.why);
    if (slots.todo !== '') term.prose(slots.todo, '  ', 'dim');
    return;
  }
  const version = (s: Slot): string => s.system?.version ?? '-';
  const width = Math.max(...slots.slots.map((s) => version(s).length));
  for (const s of slots.slots) term.line([strong(`slot ${s.name}`), `  ${version(s).padEnd(width)}  `, stateOf(s)]);
  if (slots.chosenByHand) term.prose('The running slot was chosen in the boot menu: the next start takes the other one again.', '', 'warn');
};

const PHASES: Record<ApplyProgress['phase'], string> = {
  waiting: 'waiting for the bundle',
  verifying: 'verifying its signature',
  preparing: 'taking snapshots',
  writing: 'writing',
  checking: 'reading it back',
  staging: 'making it the next to start',
  staged: 'installed',
  failed: 'failed',
  cancelled: 'cancelled',
};

const WORDS: Record<UpdateEvent['kind'], (e: UpdateEvent) => Span> = {
  staged: () => tone('accent', 'installed'),
  'apply-failed': () => bad('not installed'),
  'rolled-back': () => 'gone back to',
  'verdict-failed': () => bad('came up badly'),
  confirmed: () => good('confirmed'),
  reverted: () => bad('given up'),
  'key-enrolled': () => warn('key enrolled'),
  'key-revoked': () => warn('key revoked'),
};
const historyTable = (term: Terminal, events: readonly UpdateEvent[], now: number): void =>
  term.table(events, [
    { title: 'WHEN', cell: (e) => clock(e.at, now) },
    { title: 'SLOT', cell: (e) => e.slot ?? '' },
    { title: 'VERSION', cell: (e) => e.system?.version ?? '' },
    { title: 'WHAT', cell: (e) => WORDS[e.kind](e) },
    { title: 'WHY', cell: (e) => e.reason, shrink: 'end' },
  ]);

export const updateStatus: Handler = async (cli) => {
  const { term } = cli;
  const v = await (await cli.api()).updates.status.query();
  term.data(v);
  if (term.json) return EXIT.ok;
  showSlots(term, v.slots);
  for (const p of v.problems) term.flow(['  ', warn(term.symbols.warn), ' '], `${p.what}: ${p.why}`);
  const p = v.progress;
  if (p !== null && v.running)
    term.line([tone('accent', `${term.symbols.arrow} `), `${PHASES[p.phase]}  `, paceText(p.done, p.total, null), dim(`  ${sourceOf(p)}`)]);
  else if (p?.phase === 'failed' && p.refusal !== null)
    term.flow(
      [bad(`${term.symbols.bad} `)],
      `the last update was not installed: ${p.refusal.why}`,
      dim(`  ${ago(p.updatedAt, cli.now())}`),
    );
  if (!v.slots.available) return EXIT.ok;
  const next = v.slots.slots.find((s) => s.next);
  if (next && !next.running) term.line([dim('It starts with: '), tone('accent', 'dplane restart')]);
  if (v.recent.length > 0) {
    term.line();
    historyTable(term, v.recent.slice(0, 5), cli.now());
  }
  return EXIT.ok;
};

export const updateHistory: Handler = async (cli, input) => {
  const { term } = cli;
  const { events, total, problems } = await (await cli.api()).updates.history.query({ limit: input.number('limit', 1, 1000) ?? 50 });
  term.data(events);
  if (events.length === 0) term.line('No update was ever installed here.');
  else historyTable(term, events, cli.now());
  if (total > events.length) term.note(dim(`${total - events.length} older ones: --limit ${Math.min(1000, total)}`));
  for (const p of problems) term.note([warn(`${term.symbols.warn} `), `${p.what}: ${p.why}`]);
  return EXIT.ok;
};

type Source = { kind: 'box'; input: { url: string } | { path: string }; name: string } | { kind: 'local'; path: string };
const sourceFrom = (text: string, onBox: boolean): Source => {
  if (/^https?:\/\//i.test(text)) return { kind: 'box', input: { url: text }, name: text };
  if (/^[a-z]+:\/\//i.test(text)) throw usage(text, 'only http:// and https:// addresses are fetched', 'Or give a file.');
  if (!onBox) return { kind: 'local', path: resolve(text) };
  if (!isAbsolute(text)) throw usage(text, 'a file on the box is named from /', 'For example: --on-box /media/usb/dplaneos.bundle');
  return { kind: 'box', input: { path: text }, name: text };
};
const sourceOf = (p: Pick<ApplyProgress, 'source'>): string =>
  p.source.kind === 'url' ? p.source.url : p.source.kind === 'file' ? p.source.path : p.source.name;

type Bundle = Awaited<ReturnType<Awaited<ReturnType<Cli['api']>>['updates']['inspect']['mutate']>>;
const showBundle = (cli: Cli, b: Bundle): void => {
  const { term } = cli;
  const fields: [string, Line][] = [
    ['version', [strong(b.system.version), dim(`  release ${b.system.index}, ${b.system.arch}`)]],
    ['with', `Linux ${b.system.kernel}, OpenZFS ${b.system.zfs}`],
    ['size', `${formatBytes(b.size)} to read, ${formatBytes(b.imageSize)} written at most`],
    ['made', `${ago(b.createdAt, cli.now())}, good until ${clock(b.notAfter, cli.now())}`],
    ['signed by', [good(`${term.symbols.ok} `), b.keyId]],
  ];
  term.fields(fields);
  if (b.refusal !== null) term.flow([bad(`${term.symbols.bad} `)], `It can't be installed here: ${b.refusal.why}. ${b.refusal.todo}`);
};

export const updateInspect: Handler = async (cli, input) => {
  const text = input.word('SOURCE');
  const source = sourceFrom(text, input.flag('on-box'));
  if (source.kind === 'local')
    throw usage(
      text,
      'only what the box itself can read is looked at beforehand',
      'Give an address, or --on-box with a file there; a file from here is looked at while it is installed.',
    );
  const b = await (await cli.api()).updates.inspect.mutate(source.input);
  cli.term.data(b);
  showBundle(cli, b);
  return b.refusal === null ? EXIT.ok : EXIT.failed;
};

const agreed = async (cli: Cli, question: string): Promise<boolean> => {
  if (cli.input.flag('yes')) return true;
  const { confirm } = await import('../ask.ts');
  if (await confirm(cli.term, question, 'Give --yes to do it without being asked.')) return true;
  cli.term.note('Nothing was changed.');
  return false;
};

const refusalOf = (p: ApplyProgress): Refusal =>
  p.refusal ?? {
    code: p.phase === 'cancelled' ? 'conflict' : 'failed',
    what: 'the update was not installed',
    why: p.phase === 'cancelled' ? 'it was cancelled' : 'the updater gave no reason',
    todo: 'See: dplane update history',
  };

/** Until the apply has ended, with a bar. Ctrl-C leaves it going on. */
const follow = async (cli: Cli, id: string): Promise<UpdateView> => {
  const { term } = cli;
  const api = await cli.api();
  const pace = new Pace();
  const left = new AbortController();
  const leave = (): void => left.abort();
  process.once('SIGINT', leave);
  let lostAt: number | null = null;
  try {
    for (;;) {
      if (left.signal.aborted)
        throw interrupted('the update goes on on the box', 'Follow it: dplane update status. End it: dplane update cancel');
      try {
        const v = await api.updates.status.query();
        lostAt = null;
        const p = v.progress;
        if (p !== null && p.id === id) {
          if (p.phase === 'staged') return v;
          if (p.phase === 'failed' || p.phase === 'cancelled') throw fromRefusal(refusalOf(p));
          pace.see(p.updatedAt, p.done);
          const moving = p.phase === 'writing';
          term.status(
            `${moving ? `${term.bar(p.total > 0 ? p.done / p.total : 0, BAR)} ` : ''}${PHASES[p.phase]}${moving ? ` ${paceText(p.done, p.total, pace.rate)}` : ''}`,
          );
        } else if (!v.running)
          throw fromRefusal({
            code: 'failed',
            what: 'the update was not installed',
            why: 'the box does not know it any more',
            todo: 'See: dplane update history',
          });
      } catch (e) {
        if (asProblem(e)?.exit !== EXIT.unreachable) throw e;
        lostAt ??= Date.now();
        if (Date.now() - lostAt > LOST_MS) throw e;
        term.status('the box does not answer; the updater does not need it to');
      }
      await pause(LOOK_MS, undefined, { signal: left.signal }).catch(() => undefined);
    }
  } finally {
    process.removeListener('SIGINT', leave);
    term.status('');
  }
};

const fileProblem = (path: string, cause: unknown): Problem => {
  const code = cause instanceof Error && 'code' in cause ? cause.code : '';
  const why = code === 'ENOENT' ? 'there is no such file' : code === 'EACCES' ? 'you may not read it' : String(cause);
  return new Problem(EXIT.failed, 'file', path, why, 'For a file on the box itself: --on-box', { cause });
};

/** A file from here, through the API, with a bar. The answer comes when every byte was handed over. */
const upload = async (cli: Cli, path: string, size: number): Promise<string> => {
  const { term } = cli;
  const stream = createReadStream(path, { highWaterMark: 1024 * 1024 });
  const pace = new Pace();
  let done = 0;
  stream.on('data', (part) => {
    done += part.length;
    pace.see(Date.now(), done);
  });
  const draw = (): void => term.status(`${term.bar(done / size, BAR)} sending ${paceText(done, size, pace.rate)}`);
  // at once, and now and then: a file that is sent between two looks was sent all the same
  draw();
  const show = setInterval(draw, LOOK_MS);
  const left = new AbortController();
  const leave = (): void => left.abort();
  process.once('SIGINT', leave);
  try {
    const reply = await cli.transport.send({
      method: 'PUT',
      path: `/api/updates/bundle?name=${encodeURIComponent(basename(path))}`,
      headers: { ...headersOf(cli.credentials), 'content-type': 'application/octet-stream' },
      body: { stream, size },
      signal: left.signal,
    });
    const answer: unknown = await reply.json();
    if (reply.ok && typeof answer === 'object' && answer !== null && 'id' in answer) return String(answer.id);
    const refusal = asRefusal(answer);
    throw refusal
      ? fromRefusal(refusal)
      : new Problem(EXIT.failed, 'failed', 'the update was not taken', `the box answered with ${reply.status}`);
  } catch (e) {
    if (left.signal.aborted)
      throw interrupted('the update was not installed', 'What is in the slot already is not written again when it is sent anew.');
    throw e;
  } finally {
    process.removeListener('SIGINT', leave);
    clearInterval(show);
    term.status('');
    stream.destroy();
  }
};

const sayInstalled = (cli: Cli, v: UpdateView): Exit => {
  const { term } = cli;
  term.data(v);
  const p = v.progress;
  if (p !== null && p.total > 0)
    term.line([
      good(`${term.symbols.ok} `),
      `installed into slot ${p.slot ?? '?'}: ${formatBytes(p.written)} written, ${formatBytes(p.skipped)} were there already`,
    ]);
  showSlots(term, v.slots);
  term.line([dim('It starts with: '), tone('accent', 'dplane restart')]);
  return EXIT.ok;
};

export const updateInstall: Handler = async (cli, input) => {
  const { term } = cli;
  const source = sourceFrom(input.word('SOURCE'), input.flag('on-box'));
  const api = await cli.api();
  const before = await api.updates.status.query();
  // said before anything is asked or sent
  if (before.whyNo.install !== null)
    throw new Problem(
      EXIT.failed,
      before.slots.available ? 'conflict' : 'blocked',
      'no update can be installed now',
      before.whyNo.install,
      before.slots.available ? 'See: dplane update status' : before.slots.todo,
    );
  const other = before.slots.available ? before.slots.slots.find((s) => !s.running) : undefined;
  const replaced = other?.system ? `, over ${other.system.version}` : '';
  const into = `into slot ${other?.name ?? ''}${replaced}`;
  let id: string;
  if (source.kind === 'box') {
    const b = await api.updates.inspect.mutate(source.input);
    showBundle(cli, b);
    if (b.refusal !== null) throw fromRefusal(b.refusal);
    if (!(await agreed(cli, `Install ${b.system.version} ${into}?`))) return EXIT.failed;
    ({ id } = await api.updates.install.mutate(source.input));
  } else {
    const info = await stat(source.path).catch((cause: unknown) => {
      throw fileProblem(source.path, cause);
    });
    if (!info.isFile()) throw fileProblem(source.path, 'this is not a file');
    if (!(await agreed(cli, `Send ${basename(source.path)} (${formatBytes(info.size)}) and install it ${into}?`))) return EXIT.failed;
    id = await upload(cli, source.path, info.size);
  }
  if (input.flag('wait')) return sayInstalled(cli, await follow(cli, id));
  term.data({ id });
  term.line([
    source.kind === 'box' ? 'It is being installed: ' : 'It was sent, and is being installed: ',
    tone('accent', 'dplane update status'),
  ]);
  return EXIT.ok;
};

export const updateCancel: Handler = async (cli) => {
  const api = await cli.api();
  const done = await api.updates.cancel.mutate();
  cli.term.data(done);
  cli.term.line('The update was cancelled. The running system was not touched by it.');
  return EXIT.ok;
};

export const updateRollback: Handler = async (cli) => {
  const api = await cli.api();
  const { slots, whyNo } = await api.updates.status.query();
  if (whyNo.rollback !== null || !slots.available)
    throw new Problem(
      EXIT.failed,
      slots.available ? 'conflict' : 'blocked',
      'there is nothing to go back to',
      whyNo.rollback ?? '',
      'See: dplane update status',
    );
  const other = slots.slots.find((s) => !s.running);
  cli.term.flow('', `${other?.system?.version} in slot ${other?.name} is tried at the next restart, under the same checks as an update.`);
  if (!(await agreed(cli, 'Go back to it?'))) return EXIT.failed;
  const done = await api.updates.rollback.mutate();
  cli.term.data(done);
  cli.term.line([good(`${cli.term.symbols.ok} `), 'The next restart goes back: ', tone('accent', 'dplane restart')]);
  return EXIT.ok;
};

export const updateConfirm: Handler = async (cli) => {
  const api = await cli.api();
  const { slots, whyNo } = await api.updates.status.query();
  if (whyNo.confirm !== null || !slots.available)
    throw new Problem(
      EXIT.failed,
      slots.available ? 'conflict' : 'blocked',
      'nothing waits to be confirmed',
      whyNo.confirm ?? '',
      'See: dplane update status',
    );
  const failed = (slots.verdict?.checks ?? []).filter((c) => !c.ok);
  for (const c of failed) cli.term.flow(['  ', bad(cli.term.symbols.bad), ' '], `${c.name}: ${c.why}`);
  if (!(await agreed(cli, `Keep the running system in slot ${slots.running} although it was not found good by itself?`)))
    return EXIT.failed;
  const done = await api.updates.confirm.mutate();
  cli.term.data(done);
  cli.term.line([good(`${cli.term.symbols.ok} `), `Slot ${slots.running} is confirmed.`]);
  return EXIT.ok;
};

export const restart: Handler = async (cli) => {
  const { term } = cli;
  const api = await cli.api();
  const p = await api.system.restartPreview.query();
  if (p.whyNot !== null) throw new Problem(EXIT.failed, 'busy', 'the machine can not restart now', p.whyNot, 'See: dplane update status');
  term.prose(`After the restart: ${p.next}.`);
  if (p.clients.length > 0) {
    term.line(warn(`${count(p.clients.length, 'client is', 'clients are')} connected and will be cut off:`));
    term.table(
      p.clients,
      [
        { title: 'SHARE', cell: (c) => c.share },
        { title: 'USER', cell: (c) => c.user },
        { title: 'FROM', cell: (c) => c.machine },
        { title: 'OPEN FILES', cell: (c) => String(c.openFiles), align: 'right' },
      ],
      '  ',
    );
  } else term.line(dim('Nobody is connected to a share.'));
  for (const j of p.jobs) term.flow(['  ', warn(term.symbols.warn), ' '], j);
  if (!cli.input.flag('yes')) {
    const { ask } = await import('../ask.ts');
    const typed = await ask(term, `Type the name of the machine (${p.host}) to restart it: `, 'Give --yes to restart without being asked.');
    if (typed !== p.host) {
      term.note('That is not its name. Nothing was done.');
      return EXIT.failed;
    }
  }
  const done = await api.system.restart.mutate({ confirm: cli.input.flag('yes') ? 'restart' : p.host });
  term.data(done);
  term.line('The machine restarts.');
  return EXIT.ok;
};
