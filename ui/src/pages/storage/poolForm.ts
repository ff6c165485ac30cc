/** From what is chosen in the form to vdevs. Pure. */
import type { LayoutVdev } from '../../../../control/src/domain/pool/layout.ts';
import type { VdevKind, VdevRole } from '../../../../control/src/domain/pool/pool.ts';

export type FreeDisk = { path: string; size: number };
export type Kinds = Partial<Record<VdevRole, VdevKind>>;

/** Fits with least waste when disks of like size stand together. */
const bySize = (a: FreeDisk, b: FreeDisk): number => b.size - a.size || (a.path < b.path ? -1 : 1);

export const ROLE_ORDER: readonly VdevRole[] = ['data', 'special', 'dedup', 'log', 'cache', 'spare'];
/** What a role can be laid out as, the safest that makes sense first. */
export const KINDS: Readonly<Record<VdevRole, readonly VdevKind[]>> = {
  data: ['mirror', 'raidz1', 'raidz2', 'raidz3', 'stripe'],
  special: ['mirror', 'stripe'],
  dedup: ['mirror', 'stripe'],
  log: ['mirror', 'stripe'],
  cache: ['stripe'],
  spare: ['stripe'],
};

export const vdevsOf = (disks: readonly FreeDisk[], use: ReadonlyMap<string, VdevRole>, kinds: Kinds, groups: number): LayoutVdev[] =>
  ROLE_ORDER.flatMap((role): LayoutVdev[] => {
    const mine = disks.filter((d) => use.get(d.path) === role).sort(bySize);
    if (mine.length === 0 && role !== 'data') return [];
    const kind = kinds[role] ?? KINDS[role][0] ?? 'stripe';
    const count = role === 'data' && kind !== 'stripe' && groups > 1 && mine.length % groups === 0 ? groups : 1;
    const width = mine.length / count;
    return Array.from({ length: count }, (_, i) => ({ kind, role, disks: mine.slice(i * width, (i + 1) * width) }));
  });
