/** Who is connected, over both protocols; and ending one connection. What of it needs root is here, so the daemon asks. */
import { isWithin } from '../../domain/names.ts';
import type { Operation } from '../../domain/operation/operation.ts';
import { ok, refuse, type Result } from '../../domain/refusal.ts';
import { describeSession, type Session } from '../../domain/share/session.ts';
import type { NfsShare, ShareClient, SmbShare } from '../../domain/share/share.ts';
import type { Host } from '../host.ts';
import type { ManagedShare } from '../managed.ts';
import { EXPIRE, expireArgv, nfsSessions } from '../nfs/clients.ts';
import { EXPORTS_FILE, parseExports } from '../nfs/exports.ts';
import { parseSmb, SMB_FILE } from '../samba/conf.ts';
import { type Connection, readTraffic } from '../traffic.ts';
import { endSessionArgv, parseSmbSessions, smbstatusArgv } from '../samba/status.ts';
import { type ChangeContext, type Changed, change, ran, read, unverified } from './host.ts';

type Op<K extends Operation['kind']> = Extract<Operation, { kind: K }>;
type Connected = { session: Session; pid: string | null /** Where it has something open, or may. */; datasets: ReadonlySet<string> };

const byPath = (shares: readonly ManagedShare[]): Map<string, string> =>
  new Map(shares.flatMap((s) => (s.path === null ? [] : [[s.spec.name, s.path] as const])));

const smbSide = async (host: Host, connections: readonly Connection[]): Promise<Result<Connected[]>> => {
  const shares: ManagedShare<SmbShare>[] = parseSmb((await host.readText(SMB_FILE)) ?? '').shares;
  const out = await read(host, smbstatusArgv());
  // without a share, Samba need not even be there
  if (!out.ok) return shares.length === 0 ? ok([]) : out;
  // a home lies in a folder of its own below the share's
  const at = (folder: string): string | null =>
    shares.find((s) => s.path === folder)?.spec.name ??
    shares.find((s) => s.spec.preset === 'homes' && s.path !== null && folder.startsWith(`${s.path}/`))?.spec.name ??
    null;
  const sessions = parseSmbSessions(out.value, at, connections);
  if (!sessions.ok) return sessions;
  const datasetOf = new Map(shares.map((s) => [s.spec.name.toLowerCase(), s.spec.dataset]));
  return ok(
    sessions.value.map(({ session, pid }) => ({
      session,
      pid,
      datasets: new Set(session.shares.flatMap((s) => datasetOf.get(s.share.toLowerCase()) ?? [])),
    })),
  );
};

const nfsSide = async (host: Host, connections: readonly Connection[]): Promise<Connected[]> => {
  const shares: ManagedShare<NfsShare>[] = parseExports((await host.readText(EXPORTS_FILE)) ?? '').shares;
  const specs = shares.map((s) => s.spec);
  return (await nfsSessions(host, specs, byPath(shares), connections)).map((s) => ({ ...s, pid: null }));
};

const everyone = async (host: Host): Promise<Result<Connected[]>> => {
  const connections = await readTraffic(host);
  const smb = await smbSide(host, connections);
  return smb.ok ? ok([...smb.value, ...(await nfsSide(host, connections))]) : smb;
};

/** By share, as the plan asks. */
export const connected = async (host: Host): Promise<Result<ShareClient[]>> => {
  const all = await everyone(host);
  if (!all.ok) return all;
  return ok(
    all.value.flatMap(({ session: s }) =>
      s.shares.map(({ share, openFiles }) => ({
        ...(s.protocol === 'nfs' ? { kind: 'nfs' as const } : {}),
        share,
        user: s.user ?? '',
        machine: s.machine,
        openFiles,
      })),
    ),
  );
};

export const shareClients = async ({ host }: ChangeContext): Promise<Changed> => {
  const all = await everyone(host);
  if (!all.ok) return all;
  const clients = await connected(host);
  return clients.ok ? ok({ clients: clients.value, sessions: all.value.map((c) => c.session) }) : clients;
};

/** Who is connected to shares of these datasets, in words. */
export const usersOfShares = async (
  host: Host,
  isMeant: (dataset: string) => boolean,
): Promise<Result<{ smb: string[]; nfs: string[] }>> => {
  const all = await everyone(host);
  if (!all.ok) return all;
  const mine = all.value.filter((c) => [...c.datasets].some(isMeant) && !c.session.id.startsWith('nfs3:'));
  const of = (protocol: Session['protocol']): string[] =>
    mine
      .map((c) => c.session)
      .filter((s) => s.protocol === protocol)
      .map((s) => `${s.user === null ? '' : `${s.user}@`}${s.machine} (share ${s.shares.map((x) => x.share).join(', ')})`);
  return ok({ smb: of('smb'), nfs: of('nfs') });
};

/** Who uses a dataset, or one below it, in words; for a refusal. */
export const whoUses = async (host: Host, dataset: string): Promise<string[]> => {
  const all = await everyone(host);
  if (!all.ok) return [];
  return all.value
    .filter((c) => [...c.datasets].some((d) => isWithin(d, dataset)) && !c.session.id.startsWith('nfs3:'))
    .map((c) => `${describeSession(c.session)} over ${c.session.protocol === 'smb' ? 'SMB' : 'NFS'}`);
};

export const endSession = async ({ host }: ChangeContext, op: Op<'session.end'>): Promise<Changed> => {
  const what = `ending the connection of ${op.user ?? op.address}`;
  if (op.id.startsWith('nfs3:'))
    return refuse(
      'invalid',
      what,
      'NFS 3 has no sessions: the server holds nothing that could be ended',
      'take the client out of the share',
    );
  const find = async (): Promise<Result<Connected | undefined>> => {
    const all = await everyone(host);
    return all.ok ? ok(all.value.find((c) => c.session.id === op.id)) : all;
  };
  const seen = await find();
  if (!seen.ok) return seen;
  if (!seen.value) return refuse('not-found', what, 'it is not connected any more', 'look at the sessions that are there');
  const { session, pid } = seen.value;
  if (session.user !== op.user || session.address !== op.address)
    return refuse('conflict', what, `this session is ${describeSession(session)}`, 'look at the sessions again');
  if (pid !== null) {
    const done = await change(host, endSessionArgv(pid));
    if (!done.ok) return done;
  } else {
    const done = await host.run(expireArgv(op.id.slice('nfs:'.length)), { timeoutMs: 60_000, input: EXPIRE });
    if (!ran(done)) return refuse('failed', what, done.stderr.trim() || 'the kernel did not take it', 'try again');
  }
  // it goes when it has ended what it was doing
  for (let looks = 0; looks < 20; looks += 1) {
    const now = await find();
    if (!now.ok) return now;
    if (now.value?.session.user !== op.user || now.value.session.address !== op.address) return ok({});
    await host.run(['sleep', '0.2'], { timeoutMs: 5_000 });
  }
  return unverified(what, 'it is still connected');
};
