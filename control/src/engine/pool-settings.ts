/** What is kept of each pool by its guid. What nobody has decided is as usual. Written by these lines alone. */
import { type PoolSettings, USUAL_SETTINGS } from '../domain/pool/settings.ts';
import type { Clock, Store } from '../store/types.ts';

const key = (name: keyof PoolSettings, guid: string): string =>
  ({ care: `pool.care ${guid}`, capacity: `pool.thresholds ${guid}`, heartbeat: `pool.heartbeat ${guid}` })[name];
/** Until when a pool was scrubbed and trimmed as scheduled. */
export const careSeenKey = (guid: string): string => `pool.care-seen ${guid}`;

type Kept = Pick<Store, 'settings' | 'transact'>;

export const poolSetting = <K extends keyof PoolSettings>(store: Kept, guid: string, name: K): PoolSettings[K] => {
  const text = store.settings.get(key(name, guid));
  return text === null ? USUAL_SETTINGS[name] : (JSON.parse(text) as PoolSettings[K]); // written below alone
};
export const poolSettings = (store: Kept, guid: string): PoolSettings => ({
  care: poolSetting(store, guid, 'care'),
  capacity: poolSetting(store, guid, 'capacity'),
  heartbeat: poolSetting(store, guid, 'heartbeat'),
});

export const keepPoolSettings = (store: Kept, guid: string, settings: Partial<PoolSettings>, clock: Clock): void =>
  store.transact(() => {
    for (const name of ['care', 'capacity', 'heartbeat'] as const) {
      const value = settings[name];
      if (value !== undefined) store.settings.set(key(name, guid), JSON.stringify(value));
    }
    // from now on: what another schedule would have asked for is not made up
    if (settings.care !== undefined) store.settings.set(careSeenKey(guid), JSON.stringify({ scrub: clock(), trim: clock() }));
  });
