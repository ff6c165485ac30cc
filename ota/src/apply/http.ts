/**
 * A bundle from a web address. Everything is bounded: how long it may stand still, how often it is asked again, how far it is sent
 * elsewhere. A connection that breaks is taken up where it broke, if the file is still the same one (Range, If-Range). What it says is
 * believed no more than any other source: the signature decides.
 */
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { RefusalError, refuse } from '../../../control/src/domain/refusal.ts';
import type { Source } from '../bundle/reader.ts';
import { cancelled } from './slot-writer.ts';

export type HttpOptions = {
  signal: AbortSignal;
  /** Without a byte. */
  stallMs?: number;
  /** In a row, without a byte in between. */
  attempts?: number;
  pause?: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Certificates besides those of the system, for tests. */
  ca?: string;
};

const REDIRECTS = 5;
const CHECK = 'Check the address and the network.';

const pauseFor = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end, { once: true });
  });

/** It will not become better by asking again. */
class Final extends RefusalError {}
const final = (url: URL, why: string, todo = CHECK): Final =>
  new Final(refuse('unavailable', `downloading ${shown(url)}`, why, todo).refusal);
const shown = (url: URL): string => `${url.origin}${url.pathname}`.slice(0, 200);

const checked = (text: string, from: URL | null): URL => {
  const url = new URL(text, from ?? undefined);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw final(from ?? url, `it leads to ${url.protocol}`);
  if (from?.protocol === 'https:' && url.protocol === 'http:') throw final(from, 'it leads from https to http');
  if (url.username !== '' || url.password !== '')
    throw final(
      url,
      'it holds a user name or a password, which would be written where everybody reads it',
      'Give an address without them.',
    );
  return url;
};

const TLS = /CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO_|ALTNAME|ERR_SSL/;

export const httpSource = async (address: string, o: HttpOptions): Promise<Source> => {
  const { stallMs = 30_000, attempts = 6, pause = pauseFor } = o;
  let url = checked(address, null);
  let at = 0;
  let size: number | null = null;
  let validator: string | null = null;
  let failures = 0;
  let stream: { response: IncomingMessage; pieces: AsyncIterator<Buffer> } | null = null;

  /** Resolves with what `work` says, unless nothing happens for too long. */
  const watched = async <T>(work: Promise<T>, stop: () => void): Promise<T> => {
    let timer: NodeJS.Timeout | undefined;
    let onAbort = (): void => {};
    const limit = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`nothing came for ${Math.round(stallMs / 1000)} s`)), stallMs);
      onAbort = () => reject(cancelled());
      if (o.signal.aborted) onAbort();
      o.signal.addEventListener('abort', onAbort, { once: true });
    });
    try {
      return await Promise.race([work, limit]);
    } catch (error) {
      work.catch(() => {});
      stop();
      throw error;
    } finally {
      clearTimeout(timer);
      o.signal.removeEventListener('abort', onAbort);
    }
  };

  const get = async (): Promise<IncomingMessage> => {
    const headers: Record<string, string> = { 'accept-encoding': 'identity', 'user-agent': 'dplane-ota' };
    if (at > 0) {
      headers.range = `bytes=${at}-`;
      if (validator !== null) headers['if-range'] = validator;
    }
    const start = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const request = start(url, { headers, agent: false, ...(o.ca === undefined ? {} : { ca: o.ca }) });
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      request.once('response', resolve);
      request.on('error', reject);
    });
    request.end();
    return watched(answered, () => request.destroy());
  };

  /** The part that follows `at`, checked to be of the file the first part was of. */
  const accept = (response: IncomingMessage): void => {
    const { statusCode = 0, headers } = response;
    if (statusCode >= 500 || statusCode === 429) throw new Error(`the server answered ${statusCode}`);
    if (headers['content-encoding'] !== undefined && headers['content-encoding'] !== 'identity')
      throw final(url, `the server sends it as ${headers['content-encoding']}`);
    const etag = headers.etag?.startsWith('"') ? headers.etag : null;
    const fresh = etag ?? headers['last-modified'] ?? null;
    if (at === 0) {
      if (statusCode !== 200) throw final(url, `the server answered ${statusCode}`);
      const length = headers['content-length'];
      size = length === undefined ? null : Number(length);
      if (size !== null && !Number.isSafeInteger(size)) throw final(url, 'the server does not say how long it is');
      validator = fresh;
      return;
    }
    if (statusCode === 200 || statusCode === 412 || statusCode === 416)
      throw final(url, 'the file changed while it was downloaded, or the server sends no parts of it', 'Start the update again.');
    if (statusCode !== 206) throw final(url, `the server answered ${statusCode}`);
    const range = /^bytes ([0-9]+)-[0-9]+\/([0-9]+|\*)$/.exec(headers['content-range'] ?? '');
    if (range === null || Number(range[1]) !== at || (size !== null && range[2] !== '*' && Number(range[2]) !== size))
      throw final(url, `the server sent another part than the one from ${at} on`);
    if (validator !== null && fresh !== null && fresh !== validator)
      throw final(url, 'the file changed while it was downloaded', 'Start the update again.');
  };

  const connect = async (): Promise<void> => {
    for (let hops = 0; ; hops += 1) {
      const response = await get();
      const { statusCode = 0, headers } = response;
      if ([301, 302, 303, 307, 308].includes(statusCode) && headers.location !== undefined) {
        response.destroy();
        if (hops >= REDIRECTS) throw final(url, `it leads on more than ${REDIRECTS} times`);
        url = checked(headers.location, url);
        continue;
      }
      try {
        accept(response);
      } catch (error) {
        response.destroy();
        throw error;
      }
      stream = { response, pieces: response[Symbol.asyncIterator]() };
      return;
    }
  };

  const piece = async (): Promise<Buffer | null> => {
    if (stream === null) await connect();
    const { response, pieces } = stream ?? { response: null, pieces: null };
    if (response === null) throw new Error('no connection');
    const next = await watched(pieces.next(), () => response.destroy());
    if (next.done !== true) return next.value;
    if (size !== null && at < size) throw new Error(`the connection ended after ${at} of ${size} bytes`);
    return null;
  };

  return {
    name: shown(url),
    get size() {
      return size;
    },
    next: async () => {
      for (;;) {
        try {
          const next = await piece();
          failures = 0;
          at += next?.length ?? 0;
          if (size !== null && at > size) throw final(url, `more than the ${size} bytes came that were announced`);
          return next;
        } catch (error) {
          stream?.response.destroy();
          stream = null;
          if (error instanceof RefusalError) throw error;
          const why = error instanceof Error ? error.message : String(error);
          const code = error instanceof Error && 'code' in error ? String(error.code) : '';
          if (TLS.test(code))
            throw final(
              url,
              `the server is not who it says it is, or its certificate is not trusted: ${why}`,
              'Set the clock, or correct the certificate.',
            );
          failures += 1;
          if (failures >= attempts) throw final(url, `${why} (asked ${failures} times)`);
          await pause(Math.min(1000 * 2 ** (failures - 1), 15_000), o.signal);
          if (o.signal.aborted) throw cancelled();
        }
      }
    },
    close: async () => {
      stream?.response.destroy();
    },
  };
};
