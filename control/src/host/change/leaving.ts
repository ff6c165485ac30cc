/**
 * What takes a mount away (export, rename, another mount point, destroying) meets those who use it. The NFS server itself keeps a dataset busy as
 * long as it is exported, so it is taken from the exports first, unless somebody has files open in it, who would lose them; the gate puts back
 * what is still mounted afterwards. When ZFS finds it busy, the refusal names who it is.
 */
import { isWithin } from '../../domain/names.ts';
import type { Operation } from '../../domain/operation/operation.ts';
import { refuse } from '../../domain/refusal.ts';
import type { Host } from '../host.ts';
import { flushExportsArgv } from '../nfs/exports.ts';
import { settleShares } from './gate.ts';
import { type ChangeContext, type Changed, change } from './host.ts';
import { current, goLive, NFS, oneAtATime } from './serving.ts';
import { whoUses } from './sessions.ts';

const MOUNTING = ['mountpoint', 'canmount'] as const;

/** The dataset whose mount, with those below it, an operation takes away; null when it leaves the mounts alone. */
const leaving = (op: Operation): string | null => {
  switch (op.kind) {
    case 'pool.export':
    case 'dataset.destroy':
    case 'dataset.rename':
      return op.name;
    case 'dataset.set':
      return MOUNTING.some((p) => op.set[p] !== undefined || op.inherit.includes(p)) ? op.name : null;
    default:
      return null;
  }
};

/** True when it was exported, and is not any more. */
const withdraw = (host: Host, dataset: string): Promise<boolean> =>
  oneAtATime(async () => {
    const now = await current(host, NFS);
    if (!now.shares.some((s) => isWithin(s.dataset, dataset) && now.mountpoints.get(s.dataset) !== null)) return false;
    const left = new Map([...now.mountpoints].map(([d, at]) => [d, isWithin(d, dataset) ? null : at]));
    const done = await goLive(host, NFS, NFS.render(now.shares, left, now.withheld), now.text, []);
    // what the kernel remembers of exports holds the mount, too
    if (done.ok) await change(host, flushExportsArgv());
    return done.ok;
  });

export const whileNobodyUses = async (context: ChangeContext, op: Operation, perform: () => Promise<Changed>): Promise<Changed> => {
  const dataset = leaving(op);
  if (dataset === null) return perform();
  const { host } = context;
  const open = (await whoUses(host, dataset)).filter((who) => who.includes('(') && who.endsWith('over NFS'));
  if (open.length > 0)
    return refuse(
      'busy',
      `${op.kind} ${dataset}`,
      `files in it are open: ${open.slice(0, 5).join(', ')}`,
      'wait until they are closed, or end the connection: dplane share sessions',
    );
  const withdrawn = await withdraw(host, dataset);
  const done = await perform();
  if (withdrawn) await settleShares(context);
  if (done.ok || done.refusal.code !== 'busy') return done;
  const users = await whoUses(host, dataset);
  if (users.length === 0) return done;
  return {
    ok: false,
    refusal: {
      ...done.refusal,
      why: `${done.refusal.why}; it is used by ${users.slice(0, 5).join(', ')}${users.length > 5 ? ` and ${users.length - 5} more` : ''}`,
      todo: 'wait until they are gone, or end their connections: dplane share sessions',
    },
  };
};
