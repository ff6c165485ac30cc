/**
 * Two quantities of the last minutes, drawn anew each second; read out under the pointer or by the arrow keys. What they are now stands above it in words. The
 * drawing library is brought when the first chart is shown.
 */
import { createEffect, createMemo, createSignal, type JSX, on } from 'solid-js';
import type uPlot from 'uplot';
import { drawing } from './drawing.ts';
import { clockTime } from './words.ts';
import '../style/chart.css';

export type LivePoint = { at: number; a: number | null; b: number | null };
export type LiveLook = {
  format: (value: number) => string;
  /** Ticks at whole binary amounts. */
  binary: boolean;
  /** The axis reaches at least this far, so that nothing looks like a storm. */
  least: number;
  height: number;
};

const SPAN = 300_000;

export const LiveChart = (props: { label: string; a: string; b: string; points: readonly LivePoint[]; look: LiveLook }): JSX.Element => {
  let place: HTMLDivElement | undefined;
  const [at, setAt] = createSignal<number | null>(null);
  const drawn = drawing(
    () => place,
    () => props.look,
    async () => {
      const { livePlot } = await import('./plot-live.ts');
      return (at, look) => livePlot(at, look, (i) => setAt(i === null ? null : (props.points[i]?.at ?? null)));
    },
  );
  const index = createMemo(() => {
    const x = at();
    const i = x === null ? -1 : props.points.findIndex((p) => p.at >= x);
    return i < 0 ? props.points.length - 1 : i;
  });
  const say = (v: number | null): string => (v === null ? 'nothing' : props.look.format(v));
  const words = (): string => {
    const p = props.points[index()];
    return p ? `${clockTime(p.at)}: ${props.a.toLowerCase()} ${say(p.a)}, ${props.b.toLowerCase()} ${say(p.b)}` : 'nothing measured yet';
  };
  const feed = (u: uPlot): void => {
    const last = props.points.at(-1)?.at ?? Date.now();
    // where a second was missed there is a hole, not a line
    const points = props.points.flatMap((p, i) => {
      const before = props.points[i - 1];
      return before !== undefined && p.at - before.at > 5_000 ? [{ at: before.at + 1_000, a: null, b: null }, p] : [p];
    });
    u.setData([points.map((p) => p.at / 1000), points.map((p) => p.a), points.map((p) => p.b)], true);
    u.setScale('x', { min: (last - SPAN) / 1000, max: last / 1000 });
  };
  const onKey = (e: KeyboardEvent): void => {
    const moves: Record<string, number> = {
      ArrowLeft: index() - 1,
      ArrowRight: index() + 1,
      PageUp: index() - 30,
      PageDown: index() + 30,
      Home: 0,
      End: props.points.length - 1,
    };
    const to = moves[e.key];
    if (to === undefined) return;
    e.preventDefault();
    setAt(props.points[Math.max(0, Math.min(props.points.length - 1, to))]?.at ?? null);
  };

  createEffect(
    on([() => props.points, drawn], ([, u]) => {
      if (u) feed(u);
    }),
  );

  return (
    <figure class="chart">
      <p class="chart-value num" aria-hidden="true">
        {words()}
      </p>
      {/* Arrow keys walk along the line: what a screen reader knows as a slider. */}
      {/* biome-ignore lint/a11y/useFocusableInteractive: it is, by Solid's spelling of tabindex */}
      <div
        class="chart-plot"
        ref={place}
        role="slider"
        tabindex="0"
        aria-label={props.label}
        aria-valuemin={0}
        aria-valuemax={Math.max(0, props.points.length - 1)}
        aria-valuenow={Math.max(0, index())}
        aria-valuetext={words()}
        style={{ height: `${props.look.height}px` }}
        onKeyDown={onKey}
        onBlur={() => setAt(null)}
      />
      <figcaption>
        <ul class="chart-key">
          <li class="line">{props.a}</li>
          <li class="second">{props.b}</li>
        </ul>
      </figcaption>
    </figure>
  );
};
