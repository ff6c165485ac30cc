/**
 * The executor's door: a unix socket, one JSON object a line, one answer a line, in order. What isn't exactly a request is
 * answered with a refusal and the connection ends; nothing that comes in here can make it throw, grow or wait for ever.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { z } from 'zod';
import { ExecRequest, type Operation } from '../../domain/operation/operation.ts';
import { type Refusal, RefusalError, type Result, ok, refuse } from '../../domain/refusal.ts';
import type { Clock } from '../../domain/clock.ts';
import type { ExecAnswer, ExecOutcome } from '../executor.ts';
import { openToRead } from '../change/files.ts';
import type { Host } from '../host.ts';
import { sendFrames } from './frames.ts';
import { type Ledger, openLedger } from './ledger.ts';
import { type Log, performer } from './perform.ts';

/** A pool of hundreds of disks fits several times. */
export const MAX_LINE = 1024 * 1024;
const MAX_CONNECTIONS = 64;
/** For a whole line to arrive; while an operation runs there is no limit but its own. */
const LINE_MS = 10_000;

const OutcomeRequest = z.strictObject({ v: z.literal(1), ask: z.literal('outcome'), id: z.string().regex(/^[A-Za-z0-9_-]{8,80}$/) });

export type ExecServerOptions = {
  host: Host;
  ledgerFolder: string;
  clock: Clock;
  log: Log;
  /** Called once, when for this long there was neither a connection nor work. */
  idle?: { afterMs: number; onIdle: () => void };
};
export type ExecServer = {
  /** A path, or a descriptor that is listening already (socket activation). */
  listen(at: string | { fd: number }): Promise<void>;
  /** No new connections; what runs is finished and answered. */
  close(): Promise<void>;
};

const invalid = (why: string): { ok: false; refusal: Refusal } =>
  refuse('invalid', 'request to dplane-exec', why, 'send one JSON object a line, as domain/operation describes it');

/** The first thing that is wrong, without repeating what was sent. */
const explain = (error: z.ZodError): string => {
  const issue = error.issues[0];
  return issue ? `${issue.path.map(String).join('.').slice(0, 200) || 'request'}: ${issue.message.slice(0, 300)}` : 'not a request';
};

type Said = { answer: ExecAnswer | ExecOutcome; fatal: boolean; bytes: ((socket: Socket) => Promise<void>) | null };

const tooLong = { answer: invalid(`a line has at most ${MAX_LINE} bytes`), fatal: true };

/** With a damaged ledger it still answers, with the reason, so that people see it where they look. */
const ledgerOrRefusal = (folder: string, clock: Clock, log: Log): Result<Ledger> => {
  try {
    return ok(openLedger(folder, clock));
  } catch (error) {
    if (!(error instanceof RefusalError)) throw error;
    log(`<2>${error.message}`);
    return { ok: false, refusal: error.refusal };
  }
};

export const execServer = ({ host, ledgerFolder, clock, log, idle }: ExecServerOptions): ExecServer => {
  const opened = ledgerOrRefusal(ledgerFolder, clock, log);
  const work = opened.ok ? ok(performer({ host, ledger: opened.value, clock, log })) : opened;
  const active = (): number => (work.ok ? work.value.active() : 0);
  const sockets = new Set<Socket>();
  /** Connected, with nothing running. */
  const waiting = new Set<Socket>();
  let idleTimer: NodeJS.Timeout | undefined;
  let closing = false;
  let closed: Promise<void> | undefined;

  const watchIdle = (): void => {
    clearTimeout(idleTimer);
    if (idle && !closing && sockets.size === 0 && active() === 0) idleTimer = setTimeout(idle.onIdle, idle.afterMs);
  };

  /** Nothing else comes on its connection. */
  const streamed = async (request: ExecRequest, op: Extract<Operation, { kind: 'snapshot.read' }>): Promise<Said> => {
    const opened = await openToRead(host, op).catch((error: unknown) => {
      log(`<3>reading broke off: ${JSON.stringify(error instanceof Error ? error.stack : String(error))}`);
      return refuse('failed', op.kind, 'the executor met an error of its own', 'look at `journalctl -u dplane-exec`');
    });
    log(
      `<5>operation ${op.kind} subject=${JSON.stringify(`${op.dataset}@${op.tag}:${op.path}`)} id=${request.id} actor=${JSON.stringify(`${request.actor.kind}:${request.actor.name} via ${request.actor.via}`)} outcome=${opened.ok ? 'reading' : 'refused'}`,
    );
    if (!opened.ok) return { answer: opened, fatal: true, bytes: null };
    const { size, stream, done } = opened.value;
    const bytes = async (socket: Socket): Promise<void> => {
      try {
        await sendFrames(stream, socket);
      } catch {
        socket.destroy(); // without its end it is seen to be broken
      } finally {
        stream.destroy();
        await done();
      }
    };
    return { answer: { ok: true, result: { size }, replayed: false }, fatal: true, bytes };
  };

  /** Never throws: what does is answered by the performer, and reading is total. */
  const answerLine = async (line: string): Promise<Said> => {
    if (!work.ok) return { answer: work, fatal: true, bytes: null };
    let json: unknown;
    try {
      json = JSON.parse(line);
    } catch {
      return { answer: invalid('this is not JSON'), fatal: true, bytes: null };
    }
    if (typeof json === 'object' && json !== null && 'ask' in json) {
      const asked = OutcomeRequest.safeParse(json);
      return { answer: asked.success ? work.value.outcome(asked.data.id) : invalid(explain(asked.error)), fatal: false, bytes: null };
    }
    const parsed = ExecRequest.safeParse(json);
    if (parsed.success && parsed.data.operation.kind === 'snapshot.read') return streamed(parsed.data, parsed.data.operation);
    return { answer: parsed.success ? await work.value.perform(parsed.data) : invalid(explain(parsed.error)), fatal: false, bytes: null };
  };

  const serve = (socket: Socket): void => {
    sockets.add(socket);
    clearTimeout(idleTimer);
    let pending: Buffer[] = [];
    let size = 0;
    let busy = false;
    let ended = false;
    let deadline: NodeJS.Timeout | undefined;

    const awaitLine = (): void => {
      waiting.add(socket);
      deadline = setTimeout(() => socket.destroy(), LINE_MS);
    };
    /** After what was said has been sent; whatever else comes in is not read. */
    const hangUp = (): void => {
      pending = [];
      size = 0;
      socket.destroySoon();
    };
    const say = (answer: unknown): void => {
      if (socket.writable) socket.write(`${JSON.stringify(answer)}\n`);
    };
    const nextLine = (): Buffer | undefined => {
      const all = Buffer.concat(pending);
      const end = all.indexOf(0x0a);
      pending = end < 0 ? [all] : [all.subarray(end + 1)];
      size = end < 0 ? all.length : all.length - end - 1;
      return end < 0 ? undefined : all.subarray(0, end);
    };
    const pump = async (): Promise<void> => {
      busy = true;
      waiting.delete(socket);
      clearTimeout(deadline);
      socket.pause();
      let over = false;
      for (let line = nextLine(); line !== undefined && !over; line = nextLine()) {
        const { answer, fatal, bytes } = line.length > MAX_LINE ? { ...tooLong, bytes: null } : await answerLine(line.toString('utf8'));
        say(answer);
        if (bytes) await bytes(socket);
        over = fatal || closing || socket.destroyed;
      }
      busy = false;
      watchIdle();
      if (over || ended) return hangUp();
      if (closing || socket.destroyed) return hangUp();
      awaitLine();
      socket.resume();
    };

    awaitLine();
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      pending.push(chunk);
      size += chunk.length;
      if (busy) return;
      if (chunk.includes(0x0a)) void pump();
      else if (size > MAX_LINE) {
        say(tooLong.answer);
        hangUp();
      }
    });
    socket.on('end', () => {
      ended = true;
      if (!busy) hangUp(); // else after the lines that came before it
    });
    socket.on('close', () => {
      clearTimeout(deadline);
      waiting.delete(socket);
      sockets.delete(socket);
      watchIdle();
    });
  };

  const server: Server = createServer({ allowHalfOpen: true }, serve);
  server.maxConnections = MAX_CONNECTIONS;

  return {
    listen: (at) =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(typeof at === 'string' ? { path: at } : at, () => {
          server.off('error', reject);
          watchIdle();
          resolve();
        });
      }),
    close: () => {
      closed ??= new Promise((resolve) => {
        closing = true;
        clearTimeout(idleTimer);
        // an operation goes on when whoever asked for it has hung up
        server.close(async () => {
          if (work.ok) await work.value.drained();
          if (opened.ok) opened.value.close();
          resolve();
        });
        for (const socket of waiting) socket.destroySoon();
      });
      return closed;
    },
  };
};
