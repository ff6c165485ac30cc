/** The daemon's side of the socket: a connection a request. Whatever goes wrong in between is a refusal that says what to do. */
import { connect } from 'node:net';
import { type Refusal, RefusalError, refuse } from '../../domain/refusal.ts';
import type { Executor } from '../executor.ts';
import { unframed } from './frames.ts';
import { Answer, Outcome } from './answer.ts';

const MAX_ANSWER = 1024 * 1024;
/** It only looks, but it may have to be started for that, on a machine that is starting itself. */
const OUTCOME_LIMIT = 120_000;
const ASK = 'the operation may have run: ask what became of it before anything is repeated';
/** An answer that did not come: code `timeout`, so that nobody takes it for a no. `unavailable` means that nothing was sent. */
const lost = (why: string): { ok: false; refusal: Refusal } => refuse('timeout', 'dplane-exec', why, ASK);

const whyUnreachable = (error: NodeJS.ErrnoException, path: string): Refusal => {
  if (error.code === 'EACCES')
    return refuse('unavailable', 'dplane-exec', `${path} may not be used by this user`, 'run the daemon as a member of the group dplane')
      .refusal;
  if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED')
    return refuse(
      'unavailable',
      'dplane-exec',
      `nothing listens at ${path}`,
      'start it: systemctl start dplane-exec.socket; its log: journalctl -u dplane-exec',
    ).refusal;
  return lost(`the connection to ${path} broke (${error.code ?? error.message})`).refusal;
};

const exchange = (
  path: string,
  line: string,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<{ ok: true; line: string } | { ok: false; refusal: Refusal }> =>
  new Promise((resolve) => {
    const socket = connect({ path });
    const finish = (end: { ok: true; line: string } | { ok: false; refusal: Refusal }): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.destroy();
      resolve(end);
    };
    const timer = setTimeout(() => finish(lost(`no answer within ${Math.round(timeoutMs / 1000)} s`)), timeoutMs);
    const onAbort = (): void => finish(lost('the request was given up before the answer came'));
    if (signal?.aborted) return onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });

    const parts: Buffer[] = [];
    let size = 0;
    socket.on('connect', () => socket.write(line));
    socket.on('data', (chunk: Buffer) => {
      parts.push(chunk);
      size += chunk.length;
      const end = chunk.indexOf(0x0a);
      if (end >= 0) finish({ ok: true, line: Buffer.concat(parts).toString('utf8', 0, size - chunk.length + end) });
      else if (size > MAX_ANSWER) finish(lost('its answer is larger than answers are'));
    });
    socket.on('error', (error) => finish({ ok: false, refusal: whyUnreachable(error, path) }));
    socket.on('close', () => finish(lost('it ended the connection without an answer')));
  });

const unreadable = (): { ok: false; refusal: Refusal } => lost('its answer could not be read');

const parse = (line: string): unknown => {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
};

/** `timeoutMs` has to cover waiting for the operations in front of it, on the same pool. */
export const socketExecutor = (path: string, { timeoutMs }: { timeoutMs: number }): Executor => ({
  execute: async (request, signal) => {
    const got = await exchange(path, `${JSON.stringify(request)}\n`, timeoutMs, signal);
    if (!got.ok) return got;
    const answer = Answer.safeParse(parse(got.line));
    return answer.success ? answer.data : unreadable();
  },
  read: (request, signal) =>
    new Promise((resolve) => {
      const socket = connect({ path });
      const no = (answer: { ok: false; refusal: Refusal }): void => {
        clearTimeout(timer);
        socket.destroy();
        resolve(answer);
      };
      const timer = setTimeout(() => no(lost('no answer in time')), Math.min(timeoutMs, 60_000));
      signal?.addEventListener('abort', () => socket.destroy(), { once: true });
      let head = Buffer.alloc(0);
      socket.on('connect', () => socket.write(`${JSON.stringify(request)}\n`));
      socket.on('error', (error) => no({ ok: false, refusal: whyUnreachable(error, path) }));
      socket.on('close', () => no(lost('it ended the connection without an answer')));
      const onData = (chunk: Buffer): void => {
        head = Buffer.concat([head, chunk]);
        const end = head.indexOf(0x0a);
        if (end < 0) {
          if (head.length > MAX_ANSWER) no(lost('its answer is larger than answers are'));
          return;
        }
        const answer = Answer.safeParse(parse(head.toString('utf8', 0, end)));
        if (!answer.success || !answer.data.ok) {
          no(answer.success && !answer.data.ok ? answer.data : unreadable());
          return;
        }
        clearTimeout(timer);
        socket.off('data', onData);
        socket.pause();
        socket.removeAllListeners('error');
        const stream = unframed();
        socket.on('error', (error) => stream.destroy(error));
        stream.once('close', () => socket.destroy());
        stream.write(head.subarray(end + 1));
        socket.pipe(stream);
        const size = answer.data.result.size;
        resolve({ ok: true, value: { size: typeof size === 'number' ? size : null, stream } });
      };
      socket.on('data', onData);
    }),
  outcome: async (id) => {
    const got = await exchange(path, `${JSON.stringify({ v: 1, ask: 'outcome', id })}\n`, Math.min(timeoutMs, OUTCOME_LIMIT));
    if (!got.ok) throw new RefusalError(got.refusal);
    const json = parse(got.line);
    const outcome = Outcome.safeParse(json);
    if (outcome.success) return outcome.data;
    const refusal = Answer.safeParse(json);
    throw new RefusalError(refusal.success && !refusal.data.ok ? refusal.data.refusal : unreadable().refusal);
  },
});
