/** How much memory ZFS's cache may take: kept by the control plane, applied by it at once and at each start. Not declared: left alone. */
import { formatBytes, sizeText } from '../units.ts';
import { add, impossible, runnable, type World } from './world.ts';

const words = (limit: number | null): string => (limit === null ? 'auto' : sizeText(limit));

export const planMemory = (w: World): void => {
  const declared = w.desired.memory?.arc;
  if (declared === undefined) return;
  const seen = w.observed.arc;
  const limit = declared === 'auto' ? null : declared;
  const base = { noun: 'memory', name: 'arc', reason: `the limit of ZFS's cache ${w.words.differs}` } as const;
  const changes = [{ property: 'limit', from: seen === undefined ? null : words(seen.limit), to: words(limit) }];
  if (seen === undefined) {
    add(w, impossible({ ...base, changes, why: "ZFS's cache can't be read: the kernel module zfs is not loaded" }));
    return;
  }
  if (seen.limit === limit) {
    w.nop += 1;
    return;
  }
  if (limit !== null && (limit < seen.least || limit > seen.most)) {
    const why = `on this machine it lies between ${formatBytes(seen.least)} and ${formatBytes(seen.most)}: ZFS takes no less, and the rest needs some`;
    add(w, impossible({ ...base, changes, why }));
    return;
  }
  add(w, runnable({ ...base, changes, verb: 'MODIFY', risk: 'safe', operation: { kind: 'memory.arc', limit } }));
};
