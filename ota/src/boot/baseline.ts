/** What was there while the confirmed system ran, kept for the verdict on the next start. */
import type { Clock } from '../../../control/src/domain/clock.ts';
import type { Host } from '../../../control/src/host/host.ts';
import { readOptional, replaceFile } from '../slots/files.ts';
import type { Places } from '../slots/places.ts';
import { Baseline, networkNow, poolsNow } from './facts.ts';

/** Null when there is none, or none that can be understood: then the pools' gate says what should be there. */
export const readBaseline = async (places: Places): Promise<Baseline | null> => {
  try {
    return Baseline.parse(JSON.parse((await readOptional(places.baseline)) ?? 'null'));
  } catch {
    return null;
  }
};

/** False when the pools can't be listed: what was known before stays, because not knowing is not the same as having none. */
export const writeBaseline = async (places: Places, host: Host, clock: Clock): Promise<boolean> => {
  const pools = await poolsNow(host);
  if ('why' in pools) return false;
  const baseline: Baseline = { at: clock(), pools: pools.pools, network: await networkNow() };
  await replaceFile(places.baseline, `${JSON.stringify(baseline)}\n`);
  return true;
};
