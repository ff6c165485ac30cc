/**
 * NFS clients, as far as the kernel tells: /proc/fs/nfsd/clients has those of NFS 4, with what they have open; of NFS 3 nobody knows who has
 * something mounted: mountd writes down who asked (rmtab), and a client that went without saying so stays there. Needs root.
 */
import { BlockList, isIP } from 'node:net';
import type { NfsShare } from '../../domain/share/share.ts';
import { type OpenFile, type Session, SHOWN_FILES, type Traffic } from '../../domain/share/session.ts';
import type { Host } from '../host.ts';
import { type Connection, sumOf } from '../traffic.ts';

const CLIENTS = '/proc/fs/nfsd/clients';
const RMTAB = '/var/lib/nfs/rmtab';

/** May a client of this address use what is exported to `host`? A name is not looked up: it might be anybody's. */
export const mayBe = (host: string, address: string): boolean => {
  const [net = '', bits] = host.split('/');
  const family = isIP(net);
  if (host === '*' || family === 0) return true;
  if (isIP(address) !== family) return false;
  const list = new BlockList();
  const type = family === 4 ? 'ipv4' : 'ipv6';
  try {
    if (bits === undefined) list.addAddress(net, type);
    else list.addSubnet(net, Number(bits), type);
  } catch {
    return true; // a length that no network has: better one too many
  }
  return list.check(address, type);
};

/** "192.168.1.20:851", "[fe80::1]:851" */
const addressOf = (text: string): string => /^\[(.+)\]:\d+$/.exec(text)?.[1] ?? text.replace(/:\d+$/, '');

/** Device numbers in hex, as the kernel writes them there, of each dataset that is mounted. */
export const devicesOf = (mountinfo: string): Map<string, string> =>
  new Map(
    mountinfo.split('\n').flatMap((line) => {
      const [left = '', right = ''] = line.split(' - ');
      const [, , device = ''] = left.split(' ');
      const [type, source = ''] = right.split(' ');
      if (type !== 'zfs' || source.includes('@')) return [];
      const hex = device.split(':').map((n) => Number(n).toString(16).padStart(2, '0'));
      return [[hex.join(':'), source.replace(/\\([0-7]{3})/g, (_, o: string) => String.fromCharCode(Number.parseInt(o, 8)))]];
    }),
  );

const ACCESS: Readonly<Record<string, OpenFile['access']>> = { r: 'read', w: 'write', rw: 'both' };
/** One line a state: `- 0x...: { type: open, access: rw, deny: --, superblock: "00:2f:34", filename: "docs/letter", ... }` */
export const parseStates = (text: string): (OpenFile & { device: string })[] =>
  text.split('\n').flatMap((line) => {
    const type = /\{ type: (\w+)/.exec(line)?.[1];
    const device = /superblock: "([0-9a-f]+:[0-9a-f]+):\d+"/.exec(line)?.[1];
    if ((type !== 'open' && type !== 'lock') || device === undefined) return [];
    const path = /filename: "((?:[^"\\]|\\.)*)"/.exec(line)?.[1] ?? '?';
    const access = type === 'lock' ? 'lock' : (ACCESS[/access: ([rw]+)/.exec(line)?.[1] ?? ''] ?? 'unknown');
    return [{ path, access, device }];
  });

type Seen = { session: Session; datasets: Set<string> };
/** `told`: the one connection that the kernel names; a client may have more, and one address may be that of several clients. */
const trafficOf = (told: string, address: string, isAlone: boolean, connections: readonly Connection[]): Traffic | null => {
  const mine = connections.filter((c) => c.service === 'nfs' && c.address === address);
  return sumOf(isAlone ? mine : mine.filter((c) => told.endsWith(`:${c.port}`)));
};

const nfs4 = async (host: Host, shares: readonly NfsShare[], connections: readonly Connection[]): Promise<Seen[]> => {
  const ids = (await host.list(CLIENTS)) ?? [];
  if (ids.length === 0) return [];
  const devices = devicesOf((await host.readText('/proc/self/mountinfo').catch(() => null)) ?? '');
  const found: Seen[] = [];
  const known: { id: string; info: string; told: string; address: string }[] = [];
  for (const id of ids.filter((i) => /^[0-9]{1,10}$/.test(i))) {
    // one that goes meanwhile is none
    const info = await host.readText(`${CLIENTS}/${id}/info`).catch(() => null);
    const told = /^address: "(.+)"$/m.exec(info ?? '')?.[1];
    if (info !== null && told !== undefined) known.push({ id, info, told, address: addressOf(told) });
  }
  for (const { id, info, told, address } of known) {
    const isAlone = known.filter((k) => k.address === address).length === 1;
    const states = parseStates((await host.readText(`${CLIENTS}/${id}/states`).catch(() => null)) ?? '');
    const open = states.filter((s) => s.access !== 'lock');
    const inside = (s: NfsShare): number => open.filter((o) => devices.get(o.device) === s.dataset).length;
    const mine = shares.filter((s) => s.clients.some((c) => mayBe(c.host, address)));
    const minor = /^minor version: (\d+)$/m.exec(info)?.[1] ?? '?';
    const name = /^name: "(.*)"$/m.exec(info)?.[1] ?? '';
    found.push({
      session: {
        id: `nfs:${id}`,
        protocol: 'nfs',
        user: null,
        machine: /^Linux NFSv4\.\d+ (\S+)/.exec(name)?.[1] ?? address,
        address,
        dialect: `NFS 4.${minor}`,
        encrypted: null,
        signed: null,
        since: null,
        shares: mine.map((s) => ({ share: s.name, openFiles: inside(s) })),
        openFiles: open.length,
        files: states.slice(0, SHOWN_FILES).map(({ path, access }) => ({ path, access })),
        traffic: trafficOf(told, address, isAlone, connections),
        rate: null,
        note:
          open.length === 0 && mine.length > 1
            ? 'NFS does not tell which of the shares it may use it has mounted'
            : /^status: (?!confirmed)(\w+)/m.test(info)
              ? 'it has not been heard of for a while'
              : null,
      },
      datasets: new Set(states.flatMap((s) => devices.get(s.device) ?? [])),
    });
  }
  return found;
};

const nfs3 = async (
  host: Host,
  shares: readonly NfsShare[],
  paths: ReadonlyMap<string, string>,
  connections: readonly Connection[],
): Promise<Seen[]> => {
  const text = (await host.readText(RMTAB).catch(() => null)) ?? '';
  const by = new Map<string, Set<string>>();
  for (const line of text.split('\n')) {
    const [, client, path] = /^(.+?):(\/.*):0x[0-9a-f]+$/.exec(line) ?? [];
    const share = path === undefined ? undefined : shares.find((s) => paths.get(s.name) === path);
    if (client !== undefined && share) by.set(client, (by.get(client) ?? new Set()).add(share.name));
  }
  return [...by].map(([client, names]) => ({
    session: {
      id: `nfs3:${client.replace(/[^A-Za-z0-9.:_-]/g, '_').slice(0, 255)}`,
      protocol: 'nfs',
      user: null,
      machine: client,
      address: client,
      dialect: 'NFS 3',
      encrypted: null,
      signed: null,
      since: null,
      shares: [...names].map((share) => ({ share, openFiles: 0 })),
      openFiles: 0,
      files: [],
      traffic: sumOf(connections.filter((c) => c.service === 'nfs' && c.address === client)),
      rate: null,
      note: 'it mounted this once; NFS 3 does not tell whether it still does, nor what it has open',
    },
    datasets: new Set(shares.filter((s) => names.has(s.name)).map((s) => s.dataset)),
  }));
};

/** `paths`: where each share lies, by its name. What came from an address that NFS 4 is spoken from counts as that. */
export const nfsSessions = async (
  host: Host,
  shares: readonly NfsShare[],
  paths: ReadonlyMap<string, string>,
  connections: readonly Connection[],
): Promise<Seen[]> => {
  const four = await nfs4(host, shares, connections);
  const rest = connections.filter((c) => !four.some((s) => s.session.address === c.address));
  return [...four, ...(await nfs3(host, shares, paths, rest))];
};

/** What the kernel takes for: forget this client, and all it has open. */
export const expireArgv = (id: string): string[] => ['tee', `${CLIENTS}/${id}/ctl`];
export const EXPIRE = 'expire\n';
