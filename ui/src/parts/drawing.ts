/** What every chart does with its place on the page: drawn anew for another look or theme, as wide as the place is, gone with it. */
import { type Accessor, createEffect, createSignal, on, onCleanup, onMount } from 'solid-js';
import type uPlot from 'uplot';
import { theme } from '../data/settings.ts';

const dark = matchMedia('(prefers-color-scheme: dark)');

/** `draw` brings the drawing library first, so it may take a moment: what it drew for a look that is no longer wanted is thrown away. */
export const drawing = <Look extends { height: number }>(
  place: () => HTMLDivElement | undefined,
  look: Accessor<Look>,
  load: () => Promise<(place: HTMLDivElement, look: Look) => uPlot | null>,
): Accessor<uPlot | null> => {
  const [drawn, setDrawn] = createSignal<uPlot | null>(null);
  const [systemDark, setSystemDark] = createSignal(dark.matches);
  onMount(() => {
    const flip = (): void => void setSystemDark(dark.matches);
    dark.addEventListener('change', flip);
    const at = place();
    const measure = new ResizeObserver(() => {
      const u = drawn();
      if (u && at && at.clientWidth > 0) u.setSize({ width: at.clientWidth, height: look().height });
    });
    if (at) measure.observe(at);
    onCleanup(() => {
      dark.removeEventListener('change', flip);
      measure.disconnect();
    });
  });
  let gone = false;
  createEffect(
    on([look, theme, systemDark], async ([wanted]) => {
      const draw = await load();
      const at = place();
      if (gone || !at || wanted !== look()) return;
      drawn()?.destroy();
      setDrawn(draw(at, wanted));
    }),
  );
  onCleanup(() => {
    gone = true;
    drawn()?.destroy();
  });
  return drawn;
};
