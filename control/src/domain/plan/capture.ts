/** The live system as declared state: planning it against the same observation gives an empty plan. */
import type { Observed } from '../observed/observed.ts';
import type { DesiredState } from '../state/state.ts';

export const capture = (_observed: Observed): DesiredState => {
  throw new Error('being written');
};

/** Which guid each name has now: kept after an apply, so that a rename behind our back is told from a deletion. */
export const identitiesOf = (observed: Observed): Map<string, string> => {
  const map = new Map<string, string>();
  for (const p of observed.pools) map.set(`pool ${p.name}`, p.guid);
  for (const d of observed.datasets) map.set(`dataset ${d.name}`, d.guid);
  return map;
};
