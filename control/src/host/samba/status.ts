/** Who is connected: `smbstatus --json`. It needs root, so the executor asks it. */
import type { Result } from '../../domain/refusal.ts';
import { type OpenFile, type Session, SHOWN_FILES } from '../../domain/share/session.ts';
import type { ShareClient } from '../../domain/share/share.ts';
import { type Fields, fields, json, reading, text } from '../parse.ts';
import { type Connection, sumOf } from '../traffic.ts';

export const smbstatusArgv = (): string[] => ['smbstatus', '--json'];

const entries = (v: unknown, where: string): [string, unknown][] => Object.entries(fields(v, where));

export const parseSmbstatus = (stdout: string): Result<ShareClient[]> =>
  reading('the connections to shares', () => {
    const all = fields(json(stdout), 'the answer');
    const users = new Map(
      entries(all.sessions, 'sessions').map(([id, v]) => {
        const s = fields(v, `session ${id}`);
        return [text(s.session_id, `the id of session ${id}`), text(s.username, `the user of session ${id}`)];
      }),
    );
    // how many files each process has open below each folder that is shared
    const opens: { pid: string; folder: string }[] = entries(all.open_files, 'open_files').flatMap(([path, v]) => {
      const f = fields(v, `the open file ${path.slice(0, 80)}`);
      const folder = text(f.service_path, 'service_path');
      return entries(f.opens, 'opens').map(([id, o]) => ({
        pid: text(fields(fields(o, id).server_id, 'server_id').pid, 'pid'),
        folder,
      }));
    });
    const tcons = entries(all.tcons, 'tcons').map(([id, v]) => {
      const t = fields(v, `connection ${id}`);
      return {
        share: text(t.service, `the share of connection ${id}`),
        user: users.get(text(t.session_id, `the session of connection ${id}`)) ?? '',
        machine: text(t.machine, `the machine of connection ${id}`),
        pid: text(fields(t.server_id, 'server_id').pid, 'pid'),
      };
    });
    // IPC$ is not a share anyone made. A process with one connection has all of its open files there.
    const real = tcons.filter((t) => t.share !== 'IPC$');
    return real.map((t) => ({
      share: t.share,
      user: t.user,
      machine: t.machine,
      openFiles:
        real.filter((o) => o.pid === t.pid).length === 1
          ? opens.filter((o) => o.pid === t.pid).length
          : opens.filter((o) => o.pid === t.pid && o.folder.endsWith(`/${t.share}`)).length,
    }));
  });

const DIALECTS: Readonly<Record<string, string>> = {
  SMB2_02: 'SMB 2.0',
  SMB2_10: 'SMB 2.1',
  SMB3_00: 'SMB 3.0',
  SMB3_02: 'SMB 3.0.2',
  SMB3_11: 'SMB 3.1.1',
};
/** `ipv4:10.0.2.2:60654`, `ipv6:fe80::1:60654`, `ipv6:[fe80::1]:60654` */
const PEER = /^ipv[46]:\[?([0-9a-fA-F.:]+)(?:%[^\]:]*)?\]?:(\d+)$/;
const addressOf = (name: string): string => PEER.exec(name)?.[1] ?? name;
const degree = (v: unknown): string => (v === undefined ? 'none' : text(fields(v, 'encryption').degree, 'degree'));
const when = (v: unknown): number | null => {
  const at = typeof v === 'string' ? Date.parse(v) : Number.NaN;
  return Number.isFinite(at) ? at : null;
};
const accessOf = (open: Fields): OpenFile['access'] => {
  if (open.access_mask === undefined) return 'unknown';
  const mask = fields(open.access_mask, 'access_mask');
  const writes = mask.WRITE_DATA === true || mask.APPEND_DATA === true;
  return mask.READ_DATA === true ? (writes ? 'both' : 'read') : writes ? 'write' : 'unknown';
};

/** Where each of its connections comes from; SMB 3 may have several. */
const peersOf = (s: Fields): Set<string> => {
  const channels = s.channels === undefined ? [] : entries(s.channels, 'channels');
  const names = [s.hostname, ...channels.map(([id, c]) => fields(c, `channel ${id}`).remote_address)];
  return new Set(names.flatMap((name) => PEER.exec(String(name))?.slice(1).join(' ') ?? []));
};

export type SmbSession = { session: Session; pid: string };
/** `shareAt`: the share that lies in a folder. */
export const parseSmbSessions = (
  stdout: string,
  shareAt: (folder: string) => string | null,
  connections: readonly Connection[] = [],
): Result<SmbSession[]> =>
  reading('the sessions of shares', () => {
    const all = fields(json(stdout), 'the answer');
    const pidOf = (v: unknown): string => text(fields(v, 'server_id').pid, 'pid');
    const opens = entries(all.open_files, 'open_files').flatMap(([path, v]) => {
      const f = fields(v, `the open file ${path.slice(0, 80)}`);
      const share = shareAt(text(f.service_path, 'service_path'));
      return entries(f.opens, 'opens').map(([id, o]) => {
        const open = fields(o, id);
        return { pid: pidOf(open.server_id), share, file: { path, access: accessOf(open) } };
      });
    });
    const tcons = entries(all.tcons, 'tcons').map(([id, v]) => {
      const t = fields(v, `connection ${id}`);
      return {
        session: text(t.session_id, `the session of connection ${id}`),
        share: text(t.service, `the share of connection ${id}`),
        since: when(t.connected_at),
        encryption: degree(t.encryption),
      };
    });
    const peers = new Map(entries(all.sessions, 'sessions').map(([id, v]) => [id, peersOf(fields(v, `session ${id}`))]));
    return entries(all.sessions, 'sessions').map(([id, v]): SmbSession => {
      const s = fields(v, `session ${id}`);
      const own = peers.get(id) ?? new Set();
      // several people on one machine may come over one connection
      const others = [...peers].some(([other, of]) => other !== id && [...own].some((p) => of.has(p)));
      const isOwn = (c: Connection): boolean => c.service === 'smb' && own.has(`${c.address} ${c.port}`);
      const session = text(s.session_id, `the id of session ${id}`);
      const pid = pidOf(s.server_id);
      const mine = tcons.filter((t) => t.session === session && t.share !== 'IPC$');
      const files = opens.filter((o) => o.pid === pid);
      const dialect = text(s.session_dialect, `the dialect of session ${id}`);
      const starts = [when(s.creation_time), ...mine.map((t) => t.since)].filter((t) => t !== null);
      return {
        pid,
        session: {
          id: `smb:${session}`,
          protocol: 'smb',
          user: text(s.username, `the user of session ${id}`),
          machine: text(s.remote_machine, `the machine of session ${id}`),
          address: addressOf(text(s.hostname, `the address of session ${id}`)),
          dialect: DIALECTS[dialect] ?? dialect,
          encrypted: degree(s.encryption) === 'full' || (mine.length > 0 && mine.every((t) => t.encryption === 'full')),
          signed: degree(s.signing) !== 'none',
          since: starts.length === 0 ? null : Math.min(...starts),
          shares: [...new Set(mine.map((t) => t.share))].map((share) => ({
            share,
            openFiles: files.filter((o) => o.share?.toLowerCase() === share.toLowerCase()).length,
          })),
          openFiles: files.length,
          files: files.slice(0, SHOWN_FILES).map((o) => o.file),
          traffic: sumOf(connections.filter(isOwn)),
          rate: null,
          note: others ? 'it shares its connection with somebody else, so what went over it is that of both' : null,
        },
      };
    });
  });

/** Processes that serve someone of this name. */
export const sessionsOf = (stdout: string, user: string): string[] => {
  const all = reading('the sessions', () => fields(fields(json(stdout), 'the answer').sessions, 'sessions'));
  if (!all.ok) return [];
  const pids = Object.values(all.value).flatMap((v) => {
    const s = fields(v, 'a session');
    return s.username === user ? [text(fields(s.server_id, 'server_id').pid, 'pid')] : [];
  });
  return [...new Set(pids)].filter((pid) => /^[1-9][0-9]*$/.test(pid));
};
export const endSessionArgv = (pid: string): string[] => ['smbcontrol', pid, 'shutdown'];
