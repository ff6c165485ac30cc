/** The whole story of a person and a box, in a pseudo-terminal against the running demo. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Pty } from './testing/pty.ts';

const MAIN = join(import.meta.dirname, 'main.ts');
const DEMO = join(import.meta.dirname, '..', 'demo.ts');
const PASSWORD = 'lantern orchard basalt';

const folder = mkdtempSync(join(tmpdir(), 'dplane-cli-'));
const env: NodeJS.ProcessEnv = {
  PATH: process.env.PATH,
  HOME: folder,
  XDG_CONFIG_HOME: join(folder, 'config'),
  XDG_CACHE_HOME: join(folder, 'cache'),
  LANG: 'C.UTF-8',
  NODE_COMPILE_CACHE: join(folder, 'cache'),
};
let url = '';
let code = '';
let demo: ChildProcess;

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port'))));
    });
  });

const startDemo = (port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    let out = '';
    let err = '';
    demo = spawn(process.execPath, [DEMO], {
      env: { ...env, DPLANE_PORT: String(port), DPLANE_STATE: join(folder, 'state') },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    demo.stdout?.setEncoding('utf8').on('data', (text: string) => {
      out += text;
      const ready = /^ready (\S+) (?:claim (\S+)|claimed)/m.exec(out);
      if (!ready) return;
      url = ready[1] ?? '';
      code = ready[2] ?? '';
      resolve();
    });
    demo.stderr?.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    demo.once('exit', (status) => reject(new Error(`the demo ended with ${status}:\n${err}`)));
  });
const stopDemo = (signal: NodeJS.Signals): Promise<void> =>
  new Promise((resolve) => {
    demo.removeAllListeners('exit');
    if (demo.exitCode !== null || demo.signalCode !== null) resolve();
    else {
      demo.once('exit', () => resolve());
      demo.kill(signal);
    }
  });

const people: Pty[] = [];
const person = (...args: string[]): Pty => {
  const pty = new Pty([process.execPath, MAIN, ...args], env);
  people.push(pty);
  return pty;
};

type Ended = { code: number | null; out: string; err: string };
/** As a script would: no terminal. */
const script = (args: readonly string[], input = '', more: NodeJS.ProcessEnv = {}): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...args], { env: { ...env, ...more } });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (t: string) => {
      out += t;
    });
    child.stderr.setEncoding('utf8').on('data', (t: string) => {
      err += t;
    });
    child.once('error', reject);
    child.once('close', (status) => resolve({ code: status, out, err }));
    child.stdin.on('error', () => {}); // it may end before it has read
    child.stdin.end(input);
  });
/** What --json said; its shape is proved by the expectations on it. */
const json = async <T>(...args: string[]): Promise<T> => {
  const ended = await script([...args, '--json']);
  expect(ended.err).toBe('');
  return JSON.parse(ended.out) as T;
};

let port = 0;
beforeAll(async () => {
  mkdirSync(join(folder, 'state'), { mode: 0o700 });
  port = await freePort();
  await startDemo(port);
}, 60_000);
afterAll(async () => {
  for (const pty of people) pty.kill();
  await stopDemo('SIGTERM');
  rmSync(folder, { recursive: true, force: true });
}, 30_000);

describe('before it is claimed', () => {
  it('says so at a login, and that nobody is logged in', { timeout: 60_000 }, async () => {
    const login = await script(['login', '--url', url, '--user', 'anna']);
    expect(login.code).toBe(3);
    expect(login.err).toContain('dplane claim');
    const list = await script(['pool', 'list', '--url', url]);
    expect(list.code).toBe(3);
    expect(list.err).toContain('Log in: dplane login');
  });

  it('refuses a certificate other than the expected one, and sends nothing', { timeout: 60_000 }, async () => {
    const wrong = await script(['pool', 'list', '--url', url, '--fingerprint', '00'.repeat(32)]);
    expect(wrong.code).toBe(6);
    expect(wrong.err).toContain('not trusted');
  });
});

describe('the story', () => {
  it('claims the box: certificate, code, password twice without an echo', { timeout: 60_000 }, async () => {
    rmSync(join(folder, 'config'), { recursive: true, force: true });
    const p = person('claim', '--url', url);
    await p.until('SHA-256 fingerprint');
    await p.answer('Trust it from now on? [y/N]', 'y');
    await p.until('SIMULATED');
    await p.answer('Claim code', code.toLowerCase());
    await p.answer('user name', 'anna');
    await p.answer('Password', PASSWORD);
    await p.answer('The same again:', `${PASSWORD}x`);
    await p.until('not the same');
    await p.answer('Password', PASSWORD);
    await p.answer('The same again:', PASSWORD);
    await p.until('the box is yours, anna');
    expect(await p.exit).toBe(0);
    expect(p.raw).not.toContain('lantern');
    expect(statSync(join(folder, 'config', 'dplane', 'config.json')).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(folder, 'config', 'dplane', 'config.json'), 'utf8')).not.toContain('lantern');
  });

  it('can be claimed once', { timeout: 60_000 }, async () => {
    const again = await script(['claim', '--user', 'eve', '--code', code, '--password-stdin'], `${PASSWORD}\n`);
    expect(again.code).toBe(1);
    expect(again.err).toContain('claimed already');
  });

  it('logs out and in again, with a wrong password first', { timeout: 60_000 }, async () => {
    expect((await script(['logout'])).code).toBe(0);
    expect((await script(['status'])).code).toBe(3);
    const wrong = person('login');
    await wrong.answer('Password of anna:', 'not it at all');
    await wrong.until('dplane:');
    expect(await wrong.exit).toBe(3);
    const right = person('login');
    await right.answer('Password of anna:', PASSWORD);
    await right.until('logged in');
    expect(await right.exit).toBe(0);
    const who = await json<{ user: { name: string; role: string } }>('whoami');
    expect(who.user).toMatchObject({ name: 'anna', role: 'admin' });
  });

  it('says in status whether the data is safe, what is asked, what changed', { timeout: 60_000 }, async () => {
    const p = person('status');
    expect(await p.exit).toBe(0);
    for (const part of [
      'SIMULATED',
      'Is my data safe?',
      'DEGRADED',
      'the next failure loses it',
      'Is anything asked of me?',
      'What changed?',
      'anna logged in',
    ])
      expect(p.text).toContain(part);
    for (const line of p.text.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });

  it('creates a dataset through its plan, and shows what changed and why it was allowed', { timeout: 90_000 }, async () => {
    const pool =
      (await json<{ pools: { name: string; health: string }[] }>('pool', 'list')).pools.find((x) => x.health === 'ONLINE')?.name ?? '';
    const name = `${pool}/anna`;
    const no = person('dataset', 'create', name);
    await no.until(name);
    await no.answer('Apply it? [y/N]', 'n');
    await no.until('Nothing was changed');
    expect(await no.exit).toBe(1);
    const p = person('dataset', 'create', name, 'compression=zstd');
    await p.until('CREATE');
    await p.answer('[y/N]', 'y');
    await p.until(`dataset.create ${name}`);
    await p.until(`${name} is there`);
    expect(await p.exit).toBe(0);
    const { dataset } = await json<{ dataset: { name: string; properties: { compression: { value: string } } } }>('dataset', 'show', name);
    expect(dataset.properties.compression.value).toBe('zstd');
    const { events } = await json<{ events: { kind: string; subject: string; actor: string }[] }>('events', '-n', '50');
    expect(events).toContainEqual(expect.objectContaining({ kind: 'dataset.created', subject: `dataset:${name}`, actor: 'anna' }));
    const { entries } = await json<{ entries: { action: string; actor: { name: string }; reason: string }[] }>('audit', 'list');
    expect(entries.some((e) => e.actor.name === 'anna' && e.action.includes('dataset.create') && e.reason !== '')).toBe(true);
    const again = await script(['dataset', 'set', name, 'compression=zstd', '--yes']);
    expect(again.code).toBe(0);
  });

  it('destroys what holds data only after its exact name', { timeout: 120_000 }, async () => {
    const { datasets } = await json<{ datasets: { name: string; snapshots: number; kind: string }[] }>('dataset', 'list');
    const { shares } = await json<{ shares: { spec: { dataset: string } }[] }>('share', 'list');
    const leaf = datasets.find(
      (d) =>
        d.name.includes('/') &&
        d.snapshots > 0 &&
        !datasets.some((x) => x.name.startsWith(`${d.name}/`)) &&
        !shares.some((s) => s.spec.dataset === d.name),
    );
    const name = leaf?.name ?? '';
    expect(name).not.toBe('');
    // A script that says yes to everything destroys nothing.
    const blocked = await script(['dataset', 'destroy', name, '--yes']);
    expect(blocked.code).toBe(4);
    expect(blocked.err).toContain('dplane approve');
    const wrong = await script(['dataset', 'destroy', name, '--yes', '--approve', `${name}x`]);
    expect(wrong.code).toBe(4);
    expect(datasets.length).toBe((await json<{ datasets: unknown[] }>('dataset', 'list')).datasets.length);

    const typed = /dplane approve (\S+) '(.+)'/.exec(blocked.err);
    const [, digest = '', action = ''] = typed ?? [];
    const p = person('approve', digest, action);
    await p.answer('to approve it:', name.slice(0, -1));
    expect(await p.exit).not.toBe(0);
    const q = person('approve', digest, action);
    await q.answer('to approve it:', name);
    await q.until('approved');
    expect(await q.exit).toBe(0);
    const r = person('apply', '--plan', digest);
    await r.answer('[y/N]', 'y');
    await r.until('done');
    expect(await r.exit).toBe(0);
    expect((await json<{ datasets: { name: string }[] }>('dataset', 'list')).datasets.some((d) => d.name === name)).toBe(false);
    // The approval was good once, and the plan is stale: the same again is refused.
    expect((await script(['apply', '--plan', digest, '--yes'])).code).not.toBe(0);
  });

  it('asks for the exact name in one go as well, and takes no other', { timeout: 120_000 }, async () => {
    const { snapshots } = await json<{ snapshots: { dataset: string; tag: string; holds: number }[] }>('snapshot', 'list');
    const s = snapshots.find((x) => x.holds === 0);
    const name = `${s?.dataset}@${s?.tag}`;
    const p = person('snapshot', 'destroy', name);
    await p.answer(`Type ${name}`, 'yes');
    await p.until('not its name');
    await p.answer(`Type ${name}`, name);
    await p.until(`${name} is gone`);
    expect(await p.exit).toBe(0);
  });

  it('captures, checks, plans and watches the declared state', { timeout: 120_000 }, async () => {
    const captured = await script(['state', 'capture']);
    expect(captured.code).toBe(0);
    expect(captured.out).toContain('version: 1');
    const file = join(folder, 'state.yaml');
    writeFileSync(file, captured.out);
    expect((await script(['state', 'check', file])).code).toBe(0);
    const same = await script(['plan', '-f', file, '--check']);
    expect(same.out + same.err).not.toContain('DELETE');
    expect(same.code).toBe(0);
    const broken = await script(['state', 'check', '-'], 'version: 1\npols: []\n');
    expect(broken.code).toBe(1);
    expect(broken.err).toMatch(/2:\d+/);
    expect((await script(['drift', '--check'])).code).toBe(0);
  });

  it('verifies the audit log', { timeout: 60_000 }, async () => {
    const verdict = await json<{ intact: boolean; entries: number }>('audit', 'verify');
    expect(verdict.intact).toBe(true);
    expect(verdict.entries).toBeGreaterThan(5);
  });
});

describe('for scripts', () => {
  it('answers in JSON, also about problems', { timeout: 60_000 }, async () => {
    const ended = await script(['dataset', 'show', 'tank/there-is-no-such', '--json']);
    expect(ended.code).toBe(1);
    expect(ended.out).toBe('');
    expect(JSON.parse(ended.err)).toMatchObject({ error: { code: 'not-found', exit: 1 } });
  });

  it('works with a token alone', { timeout: 60_000 }, async () => {
    const made = await json<{ token: string; id: string }>('token', 'create', 'check', '--scope', 'storage.read');
    const alone = { DPLANE_TOKEN: made.token, DPLANE_URL: url, XDG_CONFIG_HOME: join(folder, 'nobody') };
    expect((await script(['pool', 'list'], '', alone)).code).toBe(0);
    expect((await script(['audit', 'list'], '', alone)).code).toBe(3);
    expect((await script(['token', 'revoke', made.id])).code).toBe(0);
    expect((await script(['pool', 'list'], '', alone)).code).toBe(3);
  });

  it('asks nothing without a terminal', { timeout: 60_000 }, async () => {
    const ended = await script(['dataset', 'create', 'tank/never']);
    expect(ended.code).toBe(2);
    expect(ended.err).toContain('--yes');
  });

  it('ends without a word when its reader goes away', { timeout: 60_000 }, async () => {
    const child = spawn('bash', ['-o', 'pipefail', '-c', '"$0" "$1" dataset list --json | head -n 1', process.execPath, MAIN], { env });
    let err = '';
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (t: string) => {
      out += t;
    });
    child.stderr.setEncoding('utf8').on('data', (t: string) => {
      err += t;
    });
    expect(await new Promise((resolve) => child.once('close', resolve))).toBe(0);
    expect(out).toBe('{\n');
    expect(err).toBe('');
  });

  it('says what to do when nothing answers', { timeout: 60_000 }, async () => {
    const ended = await script(['pool', 'list', '--url', 'https://127.0.0.1:1']);
    expect(ended.code).toBe(6);
    expect(ended.err).toContain('nothing listens there');
  });
});

describe('an update that does not come up', () => {
  const bundle = (): string => join(folder, 'dplaneos-0.3.0-broken.bundle');
  it('is sent with a bar, staged, and says how it starts', { timeout: 90_000 }, async () => {
    writeFileSync(bundle(), Buffer.alloc(64 * 1024 * 1024));
    const p = person('update', 'install', bundle(), '--wait');
    await p.answer('and install it into slot b, over 0.0.9? [y/N]', 'y');
    await p.until('sending');
    await p.until('of 64 MiB');
    await p.until('installed into slot b');
    await p.until('slot b  0.3.0  staged, is tried at the next restart, 3 tries');
    await p.until('dplane restart');
    expect(await p.exit).toBe(0);
    const { slots } = await json<{ slots: { slots: { name: string; state: string; next: boolean }[] } }>('update', 'status');
    expect(slots.slots[1]).toMatchObject({ name: 'b', state: 'staged', next: true });
  });

  it('a restart says who is connected, and wants the name of the machine', { timeout: 60_000 }, async () => {
    const no = person('restart');
    await no.until('0.3.0 in slot b is tried');
    await no.until('clients are connected');
    await no.answer('to restart it:', 'y');
    await no.until('Nothing was done');
    expect(await no.exit).toBe(1);
    const yes = person('restart');
    await yes.answer('to restart it:', hostname());
    await yes.until('The machine restarts.');
    expect(await yes.exit).toBe(0);
  });

  it('is given up, and everyone who looks is told why', { timeout: 60_000 }, async () => {
    type View = { slots: { running: string; slots: { state: string }[] }; recent: { kind: string; reason: string }[] };
    for (;;) {
      const v = await json<View>('update', 'status');
      if (v.slots.slots[1]?.state !== 'failed') continue; // until the time limit of the test
      expect(v.slots.running).toBe('a');
      expect(v.recent[0]).toMatchObject({ kind: 'reverted', reason: 'pool tank missing' });
      break;
    }
    const status = await script(['update', 'status']);
    expect(status.out).toContain('slot b  0.3.0  did not come up, is not started again');
    expect((await script(['status'])).out).toContain('version 0.3.0 in slot b did not come up: pool tank missing; back on 0.1.0 in slot a');
    const back = await script(['update', 'rollback', '--yes']);
    expect(back.code).toBe(1);
    expect(back.err).toContain('slot b did not come up when it was tried');
  });

  it('wrong things are refused with what to do', { timeout: 60_000 }, async () => {
    const wrong = async (...args: string[]): Promise<string> => {
      const ended = await script(['update', ...args, '--yes']);
      expect(ended.code, args.join(' ')).not.toBe(0);
      expect(ended.err.split('\n').length, ended.err).toBeGreaterThan(2);
      return ended.err;
    };
    expect(await wrong('install', 'https://example.org/tampered')).toContain('signature');
    expect(await wrong('install', 'https://example.org/dplaneos-old')).toContain('is not above');
    expect(await wrong('install', '/nowhere/bundle')).toContain('no such file');
    expect(await wrong('install', 'ftp://example.org/x')).toContain('http://');
    expect(await wrong('install', 'relative', '--on-box')).toContain('from /');
    expect(await wrong('confirm')).toContain('confirmed already');
  });
});

describe('completion in a real bash', () => {
  const completed = (line: string): Promise<string[]> =>
    new Promise((resolve, reject) => {
      // Loaded and asked the way readline does it.
      const ask = `
        dplane() { "$NODE" "$MAIN" "$@"; }
        source <(dplane completion bash)
        COMP_LINE="$LINE" COMP_POINT=\${#LINE}
        COMP_WORDS=($(sed 's/\\([:=@]\\)/ \\1 /g' <<< "$LINE")); [[ "$LINE" == *" " ]] && COMP_WORDS+=("")
        COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 ))
        _dplane 2>/dev/null
        printf '%s\\n' "\${COMPREPLY[@]}"`;
      const child = spawn('bash', ['--norc', '-c', ask], { env: { ...env, NODE: process.execPath, MAIN, LINE: line } });
      let out = '';
      child.stdout.setEncoding('utf8').on('data', (t: string) => {
        out += t;
      });
      child.once('error', reject);
      child.once('close', () => resolve(out.trim().split('\n')));
    });
  it('completes commands, options and names asked from the box', { timeout: 60_000 }, async () => {
    expect(await completed('dplane snap')).toEqual(['snapshot']);
    expect(await completed('dplane dataset ')).toEqual(expect.arrayContaining(['list', 'create', 'destroy']));
    expect(await completed('dplane dataset destroy --pl')).toEqual(['--plan-only']);
    const { pools } = await json<{ pools: { name: string }[] }>('pool', 'list');
    expect((await completed('dplane pool show ')).sort()).toEqual(pools.map((p) => p.name).sort());
    expect(await completed(`dplane dataset show ${pools[0]?.name}/`)).not.toEqual(['']);
  });
});

describe('when the connection is lost', () => {
  it('goes on following without a gap after the box was killed and came back', { timeout: 120_000 }, async () => {
    const p = person('events', '--follow', '-n', '1');
    await p.until('following');
    await stopDemo('SIGKILL');
    await p.until('connection lost');
    await startDemo(port);
    expect(
      (
        await script([
          'snapshot',
          'create',
          `${(await json<{ pools: { name: string }[] }>('pool', 'list')).pools[0]?.name}@after-the-crash`,
          '--yes',
        ])
      ).code,
    ).toBe(0);
    await p.until('after-the-crash', 60_000);
    p.type('\x03');
    expect(await p.exit).toBe(130);
  });

  it('refuses loudly a certificate that has changed', { timeout: 60_000 }, async () => {
    const file = join(folder, 'config', 'dplane', 'config.json');
    const kept = readFileSync(file, 'utf8');
    writeFileSync(file, kept.replace(/("pins": \{[^}]*?: ")[0-9a-f]{8}/, '$1deadbeef'));
    const ended = await script(['pool', 'list']);
    writeFileSync(file, kept);
    expect(ended.code).toBe(6);
    expect(ended.err).toContain('HAS CHANGED');
    expect(ended.err).toContain('dplane host forget');
  });
});
