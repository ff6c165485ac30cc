/**
 * The API as this command uses it: tRPC over our own transport. Contract: every refusal of the server becomes a `Problem`
 * with the server's own words; a session cookie is kept for the next command, never shown.
 */
import { createTRPCClient, httpBatchLink, TRPCClientError, type TRPCClient } from '@trpc/client';
import type { AppRouter } from '../api/router.ts';
import { asRefusal, EXIT, fromRefusal, Problem } from './problems.ts';
import type { Transport } from './transport.ts';

export type Client = TRPCClient<AppRouter>;

/** What is sent to say who asks; cookies that come back go to `keep`. */
export type Credentials = { readonly token: string | null; readonly cookie: string | null };
export type Keep = (cookie: string) => void;

export const TRPC_PATH = '/trpc';
export const headersOf = (c: Credentials): Record<string, string> => ({
  'user-agent': 'dplane',
  // What a page of another site could not send: the box asks for it with every change by cookie.
  'x-dplane': '1',
  ...(c.token !== null ? { authorization: `Bearer ${c.token}` } : {}),
  ...(c.token === null && c.cookie !== null ? { cookie: c.cookie } : {}),
});

/** Whatever a call threw, as a Problem; undefined when it is a bug of ours. */
export const asProblem = (e: unknown): Problem | undefined => {
  for (let at: unknown = e; at instanceof Error; at = at.cause) if (at instanceof Problem) return at;
  if (!(e instanceof TRPCClientError)) return undefined;
  const data = (e.data ?? {}) as Record<string, unknown>; // tRPC's data is an object or missing
  const refusal = asRefusal(data.problem);
  if (refusal) return fromRefusal(refusal, e);
  const status = typeof data.httpStatus === 'number' ? data.httpStatus : 0;
  if (status === 401) return fromRefusal({ code: 'unauthenticated', what: 'not logged in', why: e.message, todo: '' }, e);
  if (status === 403) return fromRefusal({ code: 'forbidden', what: 'not allowed', why: e.message, todo: '' }, e);
  if (status === 429)
    return fromRefusal({ code: 'rate-limited', what: 'too many requests', why: e.message, todo: 'Try again in a minute.' }, e);
  return new Problem(EXIT.failed, 'failed', 'the box answered with an error', e.message, '', { cause: e });
};

export const openClient = (transport: Transport, credentials: () => Credentials, keep: Keep): Client =>
  createTRPCClient<AppRouter>({
    links: [
      // Several questions of one command go in one request. (httpLink would load undici to compare inputs with FormData: 60 ms.)
      httpBatchLink({
        maxItems: 10,
        url: `http://box${TRPC_PATH}`,
        fetch: async (input, init) => {
          const url = new URL(String(input));
          const reply = await transport.send({
            method: init?.method ?? 'GET',
            path: url.pathname + url.search,
            // tRPC hands over what `headers` below returned, a plain object
            headers: { ...(init?.headers as Record<string, string> | undefined) },
            body: typeof init?.body === 'string' ? init.body : null,
            signal: init?.signal ?? undefined,
          });
          const cookies = reply.headers['set-cookie'];
          if (cookies) keep(cookies.map((c) => c.split(';')[0] ?? '').join('; '));
          return reply;
        },
        headers: () => headersOf(credentials()),
      }),
    ],
  });
