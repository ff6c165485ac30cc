/** claim, login, logout, whoami; one's own password and second factor */
import type { Cli, Handler } from '../cli.ts';
import { EXIT, Problem } from '../problems.ts';
import { dim, good, strong, tone, warn } from '../terminal.ts';
import { wrap } from '../text.ts';

/** From --password-stdin or asked for, never from the command line, where others could read it. */
export const readPassword = async (cli: Cli, question: string): Promise<string> => {
  if (cli.input.flag('password-stdin')) {
    const { firstLine } = await import('../ask.ts');
    return firstLine(cli.term.streams.stdin);
  }
  const { askSecret } = await import('../ask.ts');
  return askSecret(cli.term, question, 'Give it on standard input with --password-stdin.');
};

/** A new one is asked for twice, because nobody sees what is typed. */
export const newPassword = async (cli: Cli, question: string): Promise<string> => {
  if (cli.input.flag('password-stdin')) return readPassword(cli, question);
  const { askSecret } = await import('../ask.ts');
  for (let tries = 0; tries < 3; tries += 1) {
    const first = await readPassword(cli, `${question}: `);
    if ((await askSecret(cli.term, 'The same again: ', '')) === first) return first;
    cli.term.note(warn('These were not the same; once more.'));
  }
  throw new Problem(EXIT.failed, 'invalid', 'no password', 'it was not typed the same twice');
};

const askUser = async (cli: Cli, question: string): Promise<string> => {
  const { ask } = await import('../ask.ts');
  return cli.input.text('user') ?? ask(cli.term, question, 'Give it with --user.');
};

const warnSimulated = (cli: Cli, simulated: boolean): void => {
  if (simulated) cli.term.note(warn('SIMULATED: this box is a demo, nothing on it is real.'));
};

export const claim: Handler = async (cli, input) => {
  cli.loggingIn = true;
  const { term } = cli;
  const api = await cli.api();
  const status = await api.claim.status.query();
  warnSimulated(cli, status.simulated);
  if (!status.codeWaiting)
    throw new Problem(
      EXIT.failed,
      'conflict',
      `${cli.transport.where} can't be claimed`,
      'it has been claimed already',
      'Log in: dplane login\nIf that was not you: dplane recover, as root on the box itself.',
    );
  const { ask } = await import('../ask.ts');
  const code = input.text('code') ?? (await ask(term, 'Claim code (on the console of the box): ', 'Give it with --code.'));
  const user = await askUser(cli, 'Your user name (becomes the first admin): ');
  const password = await newPassword(cli, 'Password (12 characters or more; a few words are best)');
  const { user: made } = await api.claim.claim.mutate({ code, user, password });
  cli.remember({ user: made.name });
  term.data({ user: made, url: cli.profile?.url ?? null });
  term.line([good(`${term.symbols.ok} the box is yours, ${made.name}.`), ` You are logged in as ${made.role}.`]);
  term.line([dim('Look around: '), tone('accent', 'dplane status'), dim('   Lock it better: '), tone('accent', 'dplane totp enable')]);
  return EXIT.ok;
};

export const login: Handler = async (cli, input) => {
  cli.loggingIn = true;
  const { term } = cli;
  const api = await cli.api();
  const status = await api.claim.status.query();
  warnSimulated(cli, status.simulated);
  if (!status.claimed)
    throw new Problem(
      EXIT.access,
      'unauthenticated',
      `${cli.transport.where} has no users yet`,
      'nobody has claimed it',
      'Make it yours: dplane claim',
    );
  const user = input.text('user') ?? cli.profile?.user ?? (await askUser(cli, 'User name: '));
  const password = await readPassword(cli, `Password of ${user}: `);
  const given = input.text('totp');
  let answer = await api.session.login.mutate({ user, password, ...(given === undefined ? {} : { totp: given }) });
  if (answer.state === 'totp-needed') {
    const { ask } = await import('../ask.ts');
    answer = await api.session.login.mutate({
      user,
      password,
      totp: await ask(term, 'Code of your authenticator (or a recovery code): ', 'Give it with --totp.'),
    });
  }
  if (answer.state !== 'logged-in')
    throw new Problem(EXIT.access, 'unauthenticated', 'not logged in', 'a code of your authenticator is needed', 'Give it with --totp.');
  cli.remember({ user: answer.user.name });
  term.data({ user: answer.user, url: cli.profile?.url ?? null });
  term.line([good(`${term.symbols.ok} logged in`), ` to ${cli.transport.where} as ${answer.user.name} (${answer.user.role}).`]);
  return EXIT.ok;
};

export const logout: Handler = async (cli) => {
  const { term } = cli;
  if (!cli.profile?.cookie) {
    term.data({ loggedOut: false });
    term.line('You were not logged in.');
    return EXIT.ok;
  }
  try {
    await (await cli.api()).session.logout.mutate();
  } catch (e) {
    const { asProblem } = await import('../api.ts');
    // A session that has ended already is what was asked for.
    if (asProblem(e)?.code !== 'unauthenticated') throw e;
  }
  cli.remember({ cookie: null });
  term.data({ loggedOut: true });
  term.line('Logged out.');
  return EXIT.ok;
};

export const whoami: Handler = async (cli) => {
  const { term } = cli;
  const api = await cli.api();
  const [who, may] = await Promise.all([api.session.get.query(), api.session.permissions.query()]);
  term.data({ ...who, permissions: may.permissions, url: cli.transport.where });
  const kind = { session: 'with a session', token: 'with an API token', 'local-root': 'root on the box itself', nobody: 'not logged in' }[
    who.kind
  ];
  term.line([strong(who.user?.name ?? 'root'), `, ${who.user?.role ?? 'admin'}, ${kind}, at ${cli.transport.where}`]);
  if (who.user && !who.user.totp) term.line([dim('No second factor: '), tone('accent', 'dplane totp enable')]);
  for (const [i, l] of wrap(may.permissions.join(' '), term.proseWidth - 10).entries())
    term.line([dim(i === 0 ? 'You may:  ' : '          '), l]);
  return EXIT.ok;
};

export const password: Handler = async (cli) => {
  const api = await cli.api();
  const { askSecret } = await import('../ask.ts');
  const current = await askSecret(
    cli.term,
    'Your current password: ',
    'An admin can set it with: dplane user set NAME --password --password-stdin',
  );
  const next = await newPassword(cli, 'New password');
  await api.me.changePassword.mutate({ current, next });
  cli.term.line([good(`${cli.term.symbols.ok} changed.`), ' Your other sessions have ended.']);
  return EXIT.ok;
};

export const totpEnable: Handler = async (cli) => {
  const { term } = cli;
  const api = await cli.api();
  const { ask, askSecret } = await import('../ask.ts');
  const { secret, uri } = await api.me.totpBegin.mutate({ password: await askSecret(term, 'Your password: ', 'This needs a terminal.') });
  term.line('Add this to your authenticator, by address or by typing the secret:');
  term.line(['  ', strong(uri)]);
  term.line(['  secret: ', strong(secret.replace(/(.{4})(?!$)/g, '$1 '))]);
  for (let tries = 0; ; tries += 1) {
    const code = (await ask(term, 'The code it shows now: ', '')).replace(/\s/g, '');
    try {
      const { recoveryCodes } = await api.me.totpConfirm.mutate({ code });
      term.line(good(`${term.symbols.ok} on. Every login asks for a code from now on; your other sessions have ended.`));
      term.line('Keep these where your phone is not; each is good for one login without it:');
      for (const c of recoveryCodes) term.line(`  ${c}`);
      return EXIT.ok;
    } catch (e) {
      const { asProblem } = await import('../api.ts');
      const problem = asProblem(e);
      if (problem?.code !== 'invalid' || tries >= 2) throw e;
      term.note(warn(`${problem.why}; ${problem.todo}`));
    }
  }
};

export const totpDisable: Handler = async (cli) => {
  const api = await cli.api();
  const { askSecret } = await import('../ask.ts');
  await api.me.totpDisable.mutate({ password: await askSecret(cli.term, 'Your password: ', 'This needs a terminal.') });
  cli.term.line('The second factor is off.');
  return EXIT.ok;
};
