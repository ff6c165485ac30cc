/** What the other system slot has to say about a pool: it may be started again, and must be able to read it. */
import type { Host } from '../host.ts';
import { readStatus } from './files.ts';

/** Why an upgrade would take the way back: the other slot has an older ZFS, which could not read the pool. Null when it would not. */
export const whyNoUpgrade = async (host: Host): Promise<string | null> => {
  const status = await readStatus(host);
  if (!status.ok)
    return `the system slots can't be read (${status.refusal.why}), so it is not known whether the other one could still use the pool`;
  if (status.value === null || !status.value.available) return null;
  const here = status.value.slots.find((s) => s.running)?.system;
  const other = status.value.slots.find((s) => !s.running);
  if (!here || !other?.system || other.state === 'failed' || other.system.zfs === here.zfs) return null;
  return `slot ${other.name} holds version ${other.system.version} with ZFS ${other.system.zfs}, and this one has ${here.zfs}: going back could not read the pool any more`;
};
