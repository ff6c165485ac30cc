/** Writing answers: one set of headers for everything that is not a page, JSON and problem bodies. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Answered, answerFor } from '../errors.ts';
import { discardRest } from './body.ts';

const COMMON = [
  ['cache-control', 'no-store'],
  ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
  ['x-content-type-options', 'nosniff'],
  ['referrer-policy', 'no-referrer'],
  ['cross-origin-resource-policy', 'same-origin'],
] as const;

export type Headers = readonly (readonly [string, string])[];
export const commonHeaders = (simulated: boolean): Headers => (simulated ? [...COMMON, ['x-dplane-simulated', '1']] : COMMON);

/** `extra` last; what was set on the response before (a cookie, the request id) goes along. */
export const send = (
  res: ServerResponse,
  status: number,
  common: Headers,
  type: string,
  body: Buffer | string,
  extra: Headers = [],
): void => {
  for (const [k, v] of common) res.setHeader(k, v);
  for (const [k, v] of extra) res.setHeader(k, v);
  res.setHeader('content-type', type);
  res.setHeader('content-length', typeof body === 'string' ? Buffer.byteLength(body) : body.length);
  res.statusCode = status;
  res.end(body);
};

const RETRY = /in (\d+) s$/;

/** Answers an error; returns what was told, for the log. */
export const sendProblem = (
  req: IncomingMessage,
  res: ServerResponse,
  error: unknown,
  id: string,
  common: Headers,
  extra: Headers = [],
): Answered => {
  const answered = answerFor(error, id);
  if (res.headersSent) {
    res.destroy();
    return answered;
  }
  const { status, problem } = answered;
  const more: [string, string][] = [];
  if (status === 401) more.push(['www-authenticate', 'Bearer']);
  if (status === 429 || status === 503) more.push(['retry-after', RETRY.exec(problem.why)?.[1] ?? '5']);
  send(res, status, common, 'application/problem+json', JSON.stringify({ type: 'about:blank', title: problem.what, status, ...problem }), [
    ...more,
    ...extra,
  ]);
  discardRest(req);
  return answered;
};
