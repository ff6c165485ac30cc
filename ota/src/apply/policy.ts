/** Whether a bundle whose signature is good may be installed here, now. Pure. */
import type { Manifest } from '../../../control/src/domain/bundle/bundle.ts';
import { type Result, ok, refuse } from '../../../control/src/domain/refusal.ts';
import type { SystemInfo } from '../../../control/src/domain/slot/slot.ts';
import { formatBytes } from '../../../control/src/domain/units.ts';

export type PoolFeatures = { pool: string /** Enabled or active. */; features: readonly string[] };
export type Here = { running: SystemInfo; highestIndex: number; now: number; slotSize: number; pools: readonly PoolFeatures[] };

const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

export const checkPolicy = (m: Manifest, here: Here): Result<null> => {
  const what = `installing version ${m.system.version}`;
  if (m.system.arch !== here.running.arch)
    return refuse(
      'blocked',
      what,
      `it is for ${m.system.arch}, this machine is ${here.running.arch}`,
      `Take the bundle for ${here.running.arch}.`,
    );
  if (m.system.index <= here.highestIndex)
    return refuse(
      'blocked',
      what,
      m.system.index === here.highestIndex
        ? `this release (index ${m.system.index}) ran here already`
        : `it is older (index ${m.system.index}) than a release that ran here (index ${here.highestIndex})`,
      'Take a newer one. The system in the other slot can be gone back to with: dplane-ota rollback',
    );
  if (here.running.index < m.minIndex)
    return refuse(
      'blocked',
      what,
      `it replaces releases from index ${m.minIndex} on; this one is ${here.running.version} (index ${here.running.index})`,
      'Install a release in between first.',
    );
  if (m.notAfter <= here.now)
    return refuse(
      'blocked',
      what,
      `it was valid until ${day(m.notAfter)}, and it is ${day(here.now)} now`,
      'Take a newer bundle. If the date is wrong, set the clock.',
    );
  const known = new Set(m.poolFeatures);
  for (const { pool, features } of here.pools) {
    const unknown = features.filter((f) => !known.has(f));
    if (unknown.length > 0)
      return refuse(
        'blocked',
        what,
        `its OpenZFS (${m.system.zfs}) does not know ${unknown.slice(0, 5).join(', ')}, which pool ${pool} has enabled: the pool could not be imported`,
        'Take a release with a newer OpenZFS.',
      );
  }
  if (m.slot.size > here.slotSize)
    return refuse(
      'blocked',
      what,
      `its image has ${formatBytes(m.slot.size)}, the slot ${formatBytes(here.slotSize)}`,
      'This machine was installed with smaller slots: it has to be installed anew.',
    );
  return ok(null);
};
