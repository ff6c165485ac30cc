/**
 * What is checked before a request means anything: the name it was sent to, and whether a browser was made to send it by another site.
 * Cookies go along with requests that other sites start; so a changing request by cookie needs a header that only our own pages can
 * set, and must not say that it comes from elsewhere. Tokens and the unix socket send nothing by themselves and are exempt.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { refusal } from '../errors.ts';

export const CSRF_HEADER = 'x-dplane';

/** `host[:port]` -> host, lower case; null when it is not one. */
export const hostOf = (header: string | undefined): string | null => {
  if (header === undefined) return null;
  const m = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::\d{1,5})?$/.exec(header);
  return m ? (m[1] ?? m[2] ?? '').toLowerCase() : null;
};

const PRIVATE = /(?:^|\.)(?:localhost|local|lan|home|internal|intranet|localdomain|home\.arpa)$/;

/**
 * Names an attacker can point at this box (DNS rebinding) are those of the public DNS. Addresses, bare names and names of private zones
 * can't be; others are taken when they are ours: the certificate or the setting `api.hosts` names them.
 */
export const isOurs = (host: string, ours: () => ReadonlySet<string>): boolean =>
  isIP(host) !== 0 || !host.includes('.') || PRIVATE.test(host) || ours().has(host);

const sameOrigin = (headers: IncomingHttpHeaders): boolean => {
  const { origin } = headers;
  if (origin !== undefined) {
    const at = origin.indexOf('://');
    if (at < 0 || origin.slice(at + 3).toLowerCase() !== headers.host?.toLowerCase()) return false;
  }
  const site = headers['sec-fetch-site'];
  return site === undefined || site === 'same-origin' || site === 'none';
};

const CROSS_SITE = () =>
  refusal('forbidden', 'This is refused', 'the request was started by another site', 'Open the control plane itself and do it there.');

/** For changing requests that a cookie vouches for. */
export const checkForged = (headers: IncomingHttpHeaders): void => {
  if (!sameOrigin(headers)) throw CROSS_SITE();
  if (headers[CSRF_HEADER] !== '1')
    throw refusal(
      'forbidden',
      'This is refused',
      `a change by cookie needs the header ${CSRF_HEADER}: 1`,
      'Send the header, or use a token.',
    );
};

/** For WebSockets and logins: whoever it is, it must not come from another site. */
export const checkOrigin = (headers: IncomingHttpHeaders): void => {
  if (!sameOrigin(headers)) throw CROSS_SITE();
};
