/**
 * Bytes lie outside of the heap, where the collector doesn't see them grow until there are 64 MiB and more of them. Who is done with many
 * says so: that is what keeps a whole update below 100 MB.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let collector: ((how?: { type: 'minor' }) => void) | null = null;

/** `young`: only what was made since the last time, which takes no time worth counting. */
export const collect = (what: 'young' | 'all'): void => {
  if (collector === null) {
    setFlagsFromString('--expose-gc');
    const found: unknown = runInNewContext('gc');
    // the function of that name, if this Node has it
    collector = typeof found === 'function' ? (found as NonNullable<typeof collector>) : () => {};
  }
  if (what === 'young') collector({ type: 'minor' });
  else collector();
};
