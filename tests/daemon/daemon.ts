/** A real `dplaned` on the simulated host, as a process of its own, spoken to over HTTPS as a client would. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const DEMO = join(import.meta.dirname, '..', '..', 'control', 'src', 'demo.ts');
/** Four times what a quiet machine needs, and more. */
const START_LIMIT = 60_000;

export type Answer = { status: number; body: Record<string, unknown>; headers: Record<string, unknown> };
export type Running = {
  url: string;
  claim: string | null;
  state: string;
  process: ChildProcess;
  stderr: () => string;
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  kill(signal: NodeJS.Signals): Promise<void>;
};

export const temporaryState = (): { path: string; remove: () => void } => {
  const path = mkdtempSync(join(tmpdir(), 'dplaneos-test-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
};

export const startDemo = async (state: string, env: Record<string, string> = {}): Promise<Running> => {
  const child = spawn(process.execPath, [DEMO], {
    env: { ...process.env, DPLANE_PORT: '0', DPLANE_LISTEN: '127.0.0.1', DPLANE_STATE: state, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (d: Buffer) => {
    errors += d.toString();
  });
  const line = await Promise.race([
    once(createInterface({ input: child.stdout }), 'line').then(([l]) => String(l)),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`the daemon ended with ${String(code)}: ${errors}`))),
    new Promise<never>((_, reject) => setTimeout(() => reject(new Error(`not ready in time: ${errors}`)), START_LIMIT).unref()),
  ]);
  const ready = /^ready (https:\/\/\S+) (?:claim (\S+)|claimed)$/.exec(line);
  if (ready === null) throw new Error(`not a ready line: ${line}`);
  const url = ready[1] as string; // the pattern has it
  return {
    url,
    claim: ready[2] ?? null,
    state,
    process: child,
    stderr: () => errors,
    call: (method, path, body, headers = {}) =>
      new Promise((resolve, reject) => {
        const text = body === undefined ? undefined : JSON.stringify(body);
        const req = request(
          `${url}${path}`,
          {
            method,
            rejectUnauthorized: false, // the certificate was made a moment ago, by the process we started
            headers: { ...(text === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
          },
          (res) => {
            const parts: Buffer[] = [];
            res.on('data', (d: Buffer) => parts.push(d));
            res.on('end', () => {
              const raw = Buffer.concat(parts).toString();
              let parsed: unknown;
              try {
                parsed = JSON.parse(raw);
              } catch {
                parsed = { text: raw };
              }
              resolve({ status: res.statusCode ?? 0, body: parsed as Record<string, unknown>, headers: res.headers });
            });
          },
        );
        req.on('error', reject);
        req.end(text);
      }),
    kill: async (signal) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill(signal);
      await ended;
    },
  };
};

export const PASSWORD = 'a long sentence nobody guesses';

/** Claims the fresh box, or logs in to a claimed one; answers with a `call` that carries the session. */
export const asAdmin = async (d: Running): Promise<Running['call']> => {
  const answer =
    d.claim === null
      ? await d.call('POST', '/api/session', { user: 'ada', password: PASSWORD })
      : await d.call('POST', '/api/claim', { code: d.claim, user: 'ada', password: PASSWORD });
  const cookie = String(answer.headers['set-cookie'] ?? '').split(';')[0];
  if (answer.status !== 200 || cookie === undefined || cookie === '')
    throw new Error(`no session: ${answer.status} ${JSON.stringify(answer.body)}`);
  return (method, path, body, headers = {}) => d.call(method, path, body, { cookie, 'x-dplane': '1', ...headers });
};
