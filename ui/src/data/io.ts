/** What the disks do, live: followed while a page shows it, over the connection that brings the events. All who show it share one. */
import { createEffect, createRoot, createSignal, type Accessor, onCleanup } from 'solid-js';
import type { IoSample } from '../../../control/src/domain/pool/io.ts';
import { socket } from './live.ts';

/** Five minutes. */
const KEPT = 300;
const AGAIN = 1_000;

const [samples, setSamples] = createSignal<readonly IoSample[]>([]);
let uses = 0;
let leave: (() => void) | null = null;

const follow = (): (() => void) =>
  createRoot((dispose) => {
    const [attempt, setAttempt] = createSignal(0);
    createEffect(() => {
      attempt();
      const open = socket();
      if (open === null) return;
      let retry: ReturnType<typeof setTimeout> | undefined;
      const again = (): void => {
        clearTimeout(retry);
        retry = setTimeout(() => setAttempt((n) => n + 1), AGAIN);
      };
      const subscription = open.io.subscribe(undefined, {
        // a connection that comes back brings the last minutes again
        onData: (s) => setSamples((before) => [...before.filter((x) => x.at < s.at).slice(1 - KEPT), s]),
        onError: again,
        onComplete: again,
      });
      onCleanup(() => {
        clearTimeout(retry);
        subscription.unsubscribe();
      });
    });
    return dispose;
  });

export const useIo = (): Accessor<readonly IoSample[]> => {
  uses += 1;
  leave ??= follow();
  onCleanup(() => {
    uses -= 1;
    if (uses > 0) return;
    leave?.();
    leave = null;
  });
  return samples;
};
