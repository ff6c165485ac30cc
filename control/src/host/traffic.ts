/**
 * How much went over the connections of clients, SMB and NFS alike: the kernel counts the bytes of each TCP connection, and `ss` shows them. Neither
 * server keeps such a count, and what a process of Samba reads and writes says nothing about what was sent.
 */
import { isIP } from 'node:net';
import type { Traffic } from '../domain/share/session.ts';
import type { Host } from './host.ts';

export const trafficArgv = (): string[] => ['ss', '-HtinO', 'state', 'established', 'sport', '=', ':445', 'or', 'sport', '=', ':2049'];

export type Connection = Traffic & { service: 'smb' | 'nfs'; address: string; port: number };

/** `10.0.0.1:445`, `[fe80::1%eth0]:445`, `[::ffff:10.0.0.1]:445` */
const endOf = (text: string): { address: string; port: number } | null => {
  const [, six, four, port] = /^(?:\[(.+)\]|([^:]+)):([0-9]{1,5})$/.exec(text) ?? [];
  const address = (six ?? four ?? '').replace(/%.*$/, '').replace(/^::ffff:(?=[0-9.]+$)/i, '');
  return isIP(address) === 0 ? null : { address, port: Number(port) };
};

/** One line a connection: Recv-Q Send-Q local peer, and what the kernel knows of it; what is 0 is left out. */
export const parseTraffic = (stdout: string): Connection[] =>
  stdout.split('\n').flatMap((line) => {
    const [, , local = '', peer = ''] = line.trim().split(/\s+/);
    const [here, there] = [endOf(local), endOf(peer)];
    if (here === null || there === null) return [];
    const count = (name: string): number => Number(new RegExp(` ${name}:([0-9]+)`).exec(line)?.[1] ?? 0);
    const service = here.port === 445 ? ('smb' as const) : ('nfs' as const);
    return [{ service, ...there, received: count('bytes_received'), sent: count('bytes_acked') }];
  });

/** Without it, who is connected is known all the same: nothing then is no refusal. */
export const readTraffic = async (host: Host): Promise<Connection[]> => {
  const r = await host.run(trafficArgv(), { timeoutMs: 10_000 });
  return r.exit === 0 && r.failure === null ? parseTraffic(r.stdout) : [];
};

export const sumOf = (connections: readonly Connection[]): Traffic | null =>
  connections.length === 0
    ? null
    : connections.reduce<Traffic>((all, c) => ({ received: all.received + c.received, sent: all.sent + c.sent }), { received: 0, sent: 0 });
