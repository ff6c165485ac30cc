/** The boxes that this command remembers. */
import type { Handler } from '../cli.ts';
import { EXIT, Problem } from '../problems.ts';
import { dim, good } from '../terminal.ts';
import { nearest } from '../text.ts';

export const hostList: Handler = async (cli) => {
  const { hosts, current, pins } = cli.config;
  const rows = Object.entries(hosts).map(([name, h]) => ({
    name,
    url: h.url,
    user: h.user,
    current: name === current,
    fingerprint: pins[h.url] ?? null,
  }));
  cli.term.data(rows);
  if (rows.length === 0) {
    cli.term.line('No box is remembered yet.');
    cli.term.line([
      dim('Make one yours: '),
      'dplane claim --url https://ADDRESS:8443',
      dim('   or log in: '),
      'dplane login --url https://ADDRESS:8443',
    ]);
  } else
    cli.term.table(rows, [
      { title: '', cell: (r) => (r.current ? good('*') : ' ') },
      { title: 'NAME', cell: (r) => r.name, shrink: 'middle' },
      { title: 'ADDRESS', cell: (r) => r.url, shrink: 'middle' },
      { title: 'USER', cell: (r) => r.user ?? '-' },
      { title: 'CERTIFICATE', cell: (r) => (r.fingerprint === null ? dim('by authority') : r.fingerprint.slice(0, 16)), spare: 1 },
    ]);
  return EXIT.ok;
};

const unknown = (name: string, known: readonly string[]): Problem => {
  const close = nearest(name, known);
  return new Problem(
    EXIT.failed,
    'not-found',
    name,
    'no box is remembered by this name',
    close === undefined ? 'See: dplane host list' : `Did you mean ${close}?`,
  );
};

export const hostUse: Handler = async (cli, input) => {
  const name = input.word('NAME');
  const { config } = cli;
  if (!config.hosts[name]) throw unknown(name, Object.keys(config.hosts));
  config.current = name;
  cli.save();
  cli.term.data({ current: name });
  cli.term.line(`Commands go to ${name} now (${config.hosts[name].url}).`);
  return EXIT.ok;
};

export const hostForget: Handler = async (cli, input) => {
  const name = input.word('NAME');
  const { config } = cli;
  const origin = config.hosts[name]?.url ?? name.replace(/\/$/, '');
  const gone = Object.keys(config.hosts).filter((h) => h === name || config.hosts[h]?.url === origin);
  if (gone.length === 0 && config.pins[origin] === undefined) throw unknown(name, Object.keys(config.hosts));
  for (const h of gone) delete config.hosts[h];
  delete config.pins[origin];
  if (config.current !== null && !config.hosts[config.current]) config.current = Object.keys(config.hosts)[0] ?? null;
  cli.save();
  cli.term.data({ forgotten: origin });
  cli.term.line(`Forgotten: ${origin}, its session and its certificate.`);
  return EXIT.ok;
};
