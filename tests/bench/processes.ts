/** The processes that are measured: the daemon on the simulated host, and the least a Node server of its kind can be. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { request as secureRequest } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate } from '../../control/src/api/tls/certificate.ts';
import { ROOT } from '../repo/files.ts';

/** As the unit file and the demo run it. */
const FLAGS = ['--optimize-for-size', '--max-semi-space-size=1', '--v8-pool-size=1', '--expose-gc'];
const START_MS = 120_000;

export type Running = { pid: number /** The line it printed when ready. */; ready: string; log: () => string; stop: () => Promise<void> };

export const scratch = (): string => mkdtempSync(join(tmpdir(), 'dplaneos-bench-'));
export const drop = (folder: string): void => rmSync(folder, { recursive: true, force: true });

export const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
};

/** Whatever ends this process, what it started ends too. */
const started = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of started) child.kill('SIGKILL');
});
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

const begin = (script: string, args: readonly string[], env: Record<string, string>, cache: string): ChildProcess => {
  const child = spawn(process.execPath, [...FLAGS, join(ROOT, script), ...args], {
    env: { PATH: process.env.PATH ?? '', HOME: cache, NODE_COMPILE_CACHE: join(cache, 'compile'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.add(child);
  child.once('exit', () => started.delete(child));
  return child;
};

const untilReady = async (child: ChildProcess): Promise<Running> => {
  let out = '';
  let errors = '';
  const ended = once(child, 'exit');
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const ready = new Promise<string>((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error(`not ready after ${START_MS / 1000} s\n${errors}`)), START_MS);
    child.stdout?.on('data', (chunk: Buffer) => {
      out += chunk.toString();
      const line = /^ready .*$/m.exec(out)?.[0];
      if (line === undefined) return;
      clearTimeout(limit);
      resolve(line);
    });
    child.on('exit', (code) => {
      clearTimeout(limit);
      reject(new Error(`ended with ${code} before it was ready\n${errors}`));
    });
  });
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    const slow = setTimeout(() => child.kill('SIGKILL'), 20_000);
    await ended;
    clearTimeout(slow);
  };
  try {
    return { pid: child.pid ?? 0, ready: await ready, log: () => errors, stop };
  } catch (error) {
    await stop();
    throw error;
  }
};

export type Daemon = Running & { https: string; http: string; folder: string };

/** The demo's daemon, on ports of its own. `folder` keeps its state and the compile cache between starts. */
export const startDaemon = async (seed: 'demo' | 'big' | 'empty', folder: string, env: Record<string, string> = {}): Promise<Daemon> => {
  const [port, plain] = [await freePort(), await freePort()];
  const state = join(folder, 'state');
  mkdirSync(state, { recursive: true });
  const settings = {
    DPLANE_PORT: String(port),
    DPLANE_HTTP_PORT: String(plain),
    DPLANE_STATE: state,
    DPLANE_DEMO: seed,
    DPLANE_LISTEN: '127.0.0.1',
    ...env,
  };
  const running = await untilReady(begin('control/src/demo.ts', [], settings, folder));
  return { ...running, folder, https: `https://127.0.0.1:${port}`, http: `http://127.0.0.1:${plain}` };
};

/** Node, HTTPS and better-sqlite3 with one open database: what every design on this platform pays. */
export const startBare = async (folder: string, wanted?: number): Promise<Running & { https: string }> => {
  mkdirSync(folder, { recursive: true });
  const now = Date.now();
  const pair = makeCertificate({
    names: ['localhost'],
    notBefore: now - 60_000,
    notAfter: now + 86_400_000,
    serial: Buffer.from('0102030405060708', 'hex'),
  });
  writeFileSync(join(folder, 'key.pem'), pair.key, { mode: 0o600 });
  writeFileSync(join(folder, 'cert.pem'), pair.cert);
  const port = wanted ?? (await freePort());
  const running = await untilReady(begin('tests/bench/bare-server.ts', [folder, String(port)], {}, folder));
  return { ...running, https: `https://127.0.0.1:${port}` };
};

type Answer = { status: number; text: string; cookies: string[] };
export const ask = (url: string, options: { method?: string; headers?: Record<string, string>; body?: unknown } = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const body = options.body === undefined ? null : JSON.stringify(options.body);
    const headers = { ...(body === null ? {} : { 'content-type': 'application/json', 'x-dplane': '1' }), ...options.headers };
    const common = { method: options.method ?? 'GET', headers, timeout: 60_000 };
    // the certificate was made by the process under test a moment ago, on loopback
    const req = url.startsWith('https:') ? secureRequest(url, { ...common, rejectUnauthorized: false }) : request(url, common);
    req.on('response', (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => chunks.push(chunk));
      res.on('end', () =>
        resolve({ status: res.statusCode ?? 0, text: Buffer.concat(chunks).toString(), cookies: res.headers['set-cookie'] ?? [] }),
      );
      res.on('error', reject);
    });
    req.on('timeout', () => req.destroy(new Error(`${url} did not answer`)));
    req.on('error', reject);
    req.end(body ?? undefined);
  });

export const must = async (url: string, options: Parameters<typeof ask>[1] = {}): Promise<string> => {
  const answer = await ask(url, options);
  if (answer.status !== 200) throw new Error(`${options.method ?? 'GET'} ${url}: ${answer.status} ${answer.text.slice(0, 500)}`);
  return answer.text;
};

/** Claims the fresh daemon and makes a token that may do everything; returns the header to send. */
export const claim = async (daemon: Daemon): Promise<{ authorization: string }> => {
  const code = /claim (\S+)$/.exec(daemon.ready)?.[1] ?? '';
  const claimed = await ask(`${daemon.http}/api/claim`, {
    method: 'POST',
    body: { code, user: 'bench', password: 'lantern orchard basalt 42' },
  });
  if (claimed.status !== 200) throw new Error(`claim: ${claimed.status} ${claimed.text}`);
  const cookie = claimed.cookies.map((c) => c.split(';')[0]).join('; ');
  const mine = JSON.parse(await must(`${daemon.http}/api/session/permissions`, { headers: { cookie } })) as { permissions: string[] };
  const made = await must(`${daemon.http}/api/access/tokens`, {
    method: 'POST',
    headers: { cookie },
    body: { name: 'bench', scopes: mine.permissions },
  });
  return { authorization: `Bearer ${(JSON.parse(made) as { token: string }).token}` };
};

export type Memory = { pss: number; anonymous: number };
/** MB of 10^6 bytes, as the published figures. Anonymous: what is the process's own, as opposed to clean pages of files. */
export const memoryOf = (pid: number): Memory => {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kib = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]);
  return { pss: (kib('Pss') * 1024) / 1e6, anonymous: (kib('Anonymous') * 1024) / 1e6 };
};
