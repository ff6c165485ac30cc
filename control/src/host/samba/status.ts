/** Who is connected: `smbstatus --json`. It needs root, so the executor asks it. */
import type { Result } from '../../domain/refusal.ts';
import type { ShareClient } from '../../domain/share/share.ts';
import { fields, json, reading, text } from '../parse.ts';

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
