/**
 * An update sent by a browser or by `dplane update install FILE`: the only request whose body is not read into memory. It starts an apply, and the body
 * goes straight on to the updater's socket as fast as that takes it. What breaks off, or is not what was announced, the updater refuses.
 */
import type { IncomingMessage } from 'node:http';
import type { Writable } from 'node:stream';
import { orThrow, RefusalError } from '../domain/refusal.ts';
import type { Permission } from '../domain/user/role.ts';
import type { Context } from './context.ts';
import { refusal } from './errors.ts';
import { authorize } from './trpc.ts';

export const UPLOAD = {
  method: 'PUT',
  path: '/api/updates/bundle',
  permission: 'system.update' satisfies Permission,
  about: 'Installs the bundle that is the body of the request (Content-Length is needed); `name` is what it is called in the history.',
} as const;
export const MAX_UPLOAD = 16 * 1024 ** 3;
/** For the updater to say why it hung up. */
const WHY_MS = 10_000;

const no = (code: 'invalid' | 'too-large', why: string, todo: string): RefusalError => refusal(code, 'The update was not taken', why, todo);

const sizeOf = (req: IncomingMessage): number => {
  const text = req.headers['content-length'];
  if (text === undefined) throw no('invalid', 'its size was not told before', 'Send it with a Content-Length.');
  const size = Number(text); // digits, or Node had refused the request
  if (size === 0) throw no('invalid', 'it is empty', 'Send the bundle as the body of the request.');
  if (size > MAX_UPLOAD) throw no('too-large', `it is larger than ${MAX_UPLOAD / 1024 ** 3} GiB`, 'Check that this is the right file.');
  return size;
};
/** For people to recognise; never a path. */
const nameFrom = (query: string): string =>
  (new URLSearchParams(query).get('name') ?? '')
    .toWellFormed()
    .replace(/[^\p{L}\p{N} ._+()-]/gu, '_')
    .slice(0, 255);

/** Ends the request when nothing comes for so long, unless it is we who make it wait. */
const watchStall = (req: IncomingMessage, waits: () => boolean, limitMs: number): (() => void) => {
  let last = -1;
  let since = performance.now();
  const timer = setInterval(
    () => {
      const now = req.socket.bytesRead;
      if (now !== last || waits()) {
        last = now;
        since = performance.now();
      } else if (performance.now() - since > limitMs) req.destroy(new Error('the upload stalled'));
    },
    Math.min(1_000, limitMs / 4),
  );
  timer.unref();
  return () => clearInterval(timer);
};

/** As fast as the sink takes it. Not a `pipeline`: that would end the request together with a sink that fails, and with it the answer. */
const pour = (req: IncomingMessage, sink: Writable): Promise<void> =>
  new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      req.unpipe(sink);
      sink.destroy();
      reject(error);
    };
    sink.once('finish', resolve);
    sink.once('error', fail);
    sink.once('close', () => fail(new Error('the updater hung up')));
    req.once('error', fail);
    req.once('close', () => {
      if (!req.complete) fail(new Error('the client hung up'));
    });
    if (req.destroyed && !req.complete) fail(new Error('the client hung up'));
    else req.pipe(sink);
  });

/** Answers with the id of the operation once every byte was handed over; the apply goes on. */
export const takeUpload = async (req: IncomingMessage, query: string, ctx: Context): Promise<{ id: string }> => {
  const { engine, store, limits, log } = ctx.services;
  const caller = ctx.who();
  const account = (outcome: 'allowed' | 'denied', reason: string): void =>
    void store.audit.append({
      actor: caller.actor,
      action: 'updates.upload',
      subject: '',
      outcome,
      reason,
      detail: { from: ctx.address, request: ctx.requestId },
    });
  try {
    authorize(caller, UPLOAD);
  } catch (error) {
    if (caller.kind !== 'nobody') account('denied', `without the permission ${UPLOAD.permission}`);
    throw error;
  }
  const size = sizeOf(req);
  account('allowed', `permission ${UPLOAD.permission}`);

  const gone = new AbortController();
  const hungUp = (): void => {
    if (!req.complete) gone.abort();
  };
  req.once('close', hungUp);
  // a large file takes longer than any connection may be silent: what stalls is found below
  const idle = req.socket.timeout ?? 0;
  req.socket.setTimeout(0);
  let unwatch = (): void => {};
  try {
    const { id } = orThrow(await engine.updates.install(caller.actor, { kind: 'upload', size, name: nameFrom(query) }));
    const sink = orThrow(await engine.updates.stream(id, gone.signal));
    sink.on('error', () => {}); // told by the pipeline, or too late to matter
    unwatch = watchStall(req, () => sink.writableNeedDrain, limits.requestMs);
    try {
      await pour(req, sink);
    } catch (error) {
      const why = await engine.updates.whyEnded(id, WHY_MS);
      if (why !== null) throw new RefusalError(why);
      log('warn', 'an upload broke off', { request: ctx.requestId, operation: id, error });
      throw refusal(
        'unavailable',
        'The update was not taken',
        'its way to the updater broke off',
        'Look at the updates, then send it again.',
      );
    }
    return { id };
  } finally {
    unwatch();
    req.off('close', hungUp);
    req.socket.setTimeout(idle);
  }
};
