/** share sessions, disconnect */
import type { Session } from '../../domain/share/session.ts';
import type { Handler } from '../cli.ts';
import { formatBytes } from '../../domain/units.ts';
import { ago, count } from '../format.ts';
import { EXIT, Problem } from '../problems.ts';
import { dim, good, strong, warn } from '../terminal.ts';

const ACCESS = { read: 'reading', write: 'writing', both: 'reading and writing', lock: 'locked', unknown: '' } as const;

const who = (s: Session): string => s.user ?? '-';
const safety = (s: Session): string => {
  if (s.encrypted === null) return '-';
  return s.encrypted ? 'encrypted' : s.signed === true ? 'signed' : 'neither';
};

/** A rate takes two looks; the second is not the answer that the first got. */
const BETWEEN_MS = 3_000;
const moved = (n: number | undefined, per = '') => (n === undefined ? dim('-') : `${formatBytes(n)}${per}`);

export const shareSessions: Handler = async (cli, input) => {
  const { term } = cli;
  const api = await cli.api();
  const rates = input.flag('rates');
  let { at, sessions } = await api.shares.sessions.query();
  if (rates && sessions.length > 0) {
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_MS));
    ({ at, sessions } = await api.shares.sessions.query());
  }
  term.data({ at, sessions });
  if (sessions.length === 0) term.line([dim('Nobody is connected.')]);
  else
    term.table(sessions, [
      { title: 'SESSION', cell: (s) => s.id },
      { title: 'USER', cell: (s) => strong(who(s)) },
      { title: 'FROM', cell: (s) => (s.machine === s.address ? s.address : `${s.machine} (${s.address})`), shrink: 'end' },
      { title: 'SPEAKS', cell: (s) => s.dialect },
      { title: 'WIRE', cell: safety },
      { title: 'SINCE', cell: (s) => (s.since === null ? dim('-') : ago(s.since, at)) },
      { title: 'SHARES', cell: (s) => s.shares.map((x) => x.share).join(', ') || dim('-'), shrink: 'end' },
      ...(['received', 'sent'] as const).map((way) => ({
        title: way === 'sent' ? 'OUT' : 'IN',
        align: 'right' as const,
        cell: (s: Session) => (rates ? moved(s.rate?.[way], '/s') : moved(s.traffic?.[way])),
      })),
      { title: 'OPEN', cell: (s) => (s.openFiles === 0 ? dim('-') : count(s.openFiles, 'file')) },
    ]);
  if (input.flag('files'))
    for (const s of sessions)
      for (const f of s.files) term.line([dim(`${who(s)} at ${s.machine}  `), f.path, dim(`  ${ACCESS[f.access]}`)]);
  for (const s of sessions) if (s.note !== null) term.line([warn(`${s.id}: `), s.note]);
  return EXIT.ok;
};

export const shareDisconnect: Handler = async (cli, input) => {
  const id = input.word('SESSION');
  const api = await cli.api();
  const { sessions } = await api.shares.sessions.query();
  const s = sessions.find((x) => x.id === id);
  if (!s)
    throw new Problem(
      EXIT.failed,
      'not-found',
      `There is no session ${id}`,
      'it may have ended',
      '`dplane share sessions` shows who is connected.',
    );
  const words = `${s.user === null ? s.machine : `${s.user} at ${s.machine}`}${s.openFiles > 0 ? `, with ${count(s.openFiles, 'open file')}` : ''}`;
  if (!input.flag('yes')) {
    const { confirm } = await import('../ask.ts');
    if (!(await confirm(cli.term, `End the connection of ${words}?`, 'Give --yes.')))
      throw new Problem(EXIT.failed, 'stopped', 'Nothing was ended', 'it was not confirmed');
  }
  await api.shares.endSession.mutate({ id: s.id, user: s.user, address: s.address });
  cli.term.data({ ended: s.id });
  cli.term.line([good('Ended: '), words]);
  return EXIT.ok;
};
