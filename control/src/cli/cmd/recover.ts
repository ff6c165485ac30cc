/** recover: the way back in that can't be locked, for root on the box itself */
import type { Handler } from '../cli.ts';
import { EXIT, Problem } from '../problems.ts';
import { dim, good, strong, tone } from '../terminal.ts';
import { newPassword } from './session.ts';

export const recover: Handler = async (cli, input) => {
  const { term } = cli;
  if (cli.address.kind !== 'unix')
    throw new Problem(
      EXIT.access,
      'forbidden',
      'dplane recover',
      process.getuid?.() === 0 ? `there is no local socket at ${cli.socket}; is dplaned running?` : 'this is for root on the box itself',
      'On its console or over SSH, without --url and --host: sudo dplane recover',
    );
  const api = await cli.api();
  const { users } = await api.recover.users.query();
  if (users.length === 0 || input.flag('new-admin')) {
    const { code } = await api.recover.claimCode.mutate();
    term.data({ code });
    term.line(['A new claim code, good once: ', strong(code)]);
    term.line([dim('With it, a new admin is made: '), tone('accent', 'dplane claim')]);
    return EXIT.ok;
  }
  const names = users.map((u) => `${u.name} (${u.role}${u.disabled ? ', shut out' : ''})`).join(', ');
  const { ask, confirm } = await import('../ask.ts');
  const user =
    input.text('user') ?? (await ask(term, `Whose password is to be set anew? There are ${names}: `, `Give --user; there are ${names}.`));
  const found = users.find((u) => u.name === user);
  if (!found) throw new Problem(EXIT.failed, 'not-found', `user ${user}`, `there are only ${names}`);
  const totpOff =
    found.totp &&
    (input.flag('reset-totp') || (term.interactive ? await confirm(term, `Turn the second factor of ${user} off as well?`, '') : false));
  const password = await newPassword(cli, `New password for ${user} (12 characters or more)`);
  await api.recover.password.mutate({ user, password, totpOff });
  term.data({ user, totpOff });
  term.line([
    good(`${term.symbols.ok} ${user} may log in with the new password`),
    '; all sessions of this user have ended. It is in the audit log.',
  ]);
  return EXIT.ok;
};
