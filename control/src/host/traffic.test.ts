/** The kernel's count of what went over each connection, as recorded from the real tool, and whose it is. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { rateSince } from '../domain/share/session.ts';
import { parseSmbSessions } from './samba/status.ts';
import { type Connection, parseTraffic } from './traffic.ts';

const fixture = (name: string): { argv: string[]; stdout: string } =>
  JSON.parse(readFileSync(fileURLToPath(new URL(`./fixtures/${name}.json`, import.meta.url)), 'utf8'));

test('what the real tool said is read', () => {
  const seen = parseTraffic(fixture('ss-of-shares').stdout);
  expect(seen.length).toBeGreaterThan(0);
  for (const c of seen) {
    expect(c).toMatchObject({ service: 'smb', address: '10.0.2.2' });
    expect([c.port, c.received, c.sent].every((n) => Number.isInteger(n) && n > 0)).toBe(true);
  }
});

test('both families, both services, and what is 0; what is no connection is none', () => {
  const lines = [
    '0 0 [::ffff:10.0.0.1]:2049 [::ffff:10.0.0.7]:801 cubic bytes_sent:10 bytes_acked:9 bytes_received:8',
    '0 0 [fe80::1%eth0]:445 [fe80::2%eth0]:50000 cubic bytes_received:8',
    'nonsense',
    '',
  ];
  expect(parseTraffic(lines.join('\n'))).toEqual([
    { service: 'nfs', address: '10.0.0.7', port: 801, sent: 9, received: 8 },
    { service: 'smb', address: 'fe80::2', port: 50_000, sent: 0, received: 8 },
  ]);
});

const recorded = fixture('smbstatus-json-one-session').stdout;
const connection = (more: Partial<Connection>): Connection => ({
  service: 'smb',
  address: '10.0.2.2',
  port: 60_654,
  received: 5,
  sent: 7,
  ...more,
});
const traffic = (stdout: string, connections: Connection[]) => {
  const seen = parseSmbSessions(stdout, () => null, connections);
  return seen.ok ? seen.value.map((s) => [s.session.traffic, s.session.note]) : seen;
};

test('a session has what went over its own connections, each of them once, and nobody else’s', () => {
  const others = [connection({ port: 1 }), connection({ service: 'nfs' }), connection({ address: '10.0.2.20' })];
  expect(traffic(recorded, [connection({}), ...others])).toEqual([[{ received: 5, sent: 7 }, null]]);
  expect(traffic(recorded, others)).toEqual([[null, null]]);
  const second = recorded.replace('"remote_address": "ipv4:10.0.2.2:60654"', '"remote_address": "ipv4:10.0.2.2:60655"');
  expect(traffic(second, [connection({}), connection({ port: 60_655 })])).toEqual([[{ received: 10, sent: 14 }, null]]);
  const six = recorded.replaceAll('ipv4:10.0.2.2:60654', 'ipv6:fd00::7:60654');
  expect(traffic(six, [connection({ address: 'fd00::7' })])).toEqual([[{ received: 5, sent: 7 }, null]]);
});

test('two people over one connection: it is said', () => {
  const all = JSON.parse(recorded) as { sessions: Record<string, { session_id: string }> };
  const [one] = Object.values(all.sessions);
  const two = { ...all, sessions: { ...all.sessions, '77': { ...one, session_id: '77' } } };
  expect(traffic(JSON.stringify(two), [connection({})])).toEqual([
    [{ received: 5, sent: 7 }, expect.stringContaining('both')],
    [{ received: 5, sent: 7 }, expect.stringContaining('both')],
  ]);
});

test('a rate needs two looks at one connection', () => {
  expect(rateSince({ received: 10, sent: 0 }, { received: 30, sent: 5 }, 2)).toEqual({ received: 10, sent: 3 });
  expect(rateSince(undefined, { received: 30, sent: 5 }, 2)).toBeNull();
  expect(rateSince({ received: 40, sent: 0 }, { received: 30, sent: 5 }, 2)).toBeNull();
  expect(rateSince({ received: 40, sent: 0 }, null, 2)).toBeNull();
});
