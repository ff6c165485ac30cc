import { createMemo, type JSX, Show } from 'solid-js';
import type { ChartPoint } from './Chart.tsx';
import '../style/sparkline.css';

/** The last weeks in a word's height: which way it goes, no more. What it means stands beside it in words. */
export const Sparkline = (props: { label: string; points: readonly ChartPoint[] }): JSX.Element => {
  const path = createMemo(() => {
    const p = props.points;
    const [first, last] = [p[0], p.at(-1)];
    if (!first || !last || last.at === first.at) return '';
    const low = Math.min(...p.map((x) => x.value));
    const span = Math.max(...p.map((x) => x.value)) - low || 1;
    return p
      .map(
        (x, i) =>
          `${i === 0 ? 'M' : 'L'}${(((x.at - first.at) / (last.at - first.at)) * 100).toFixed(2)} ${(22 - ((x.value - low) / span) * 20).toFixed(2)}`,
      )
      .join('');
  });
  return (
    <Show when={path()}>
      {(d) => (
        <svg class="sparkline" viewBox="0 0 100 24" preserveAspectRatio="none" role="img" aria-label={props.label}>
          <path d={d()} />
        </svg>
      )}
    </Show>
  );
};
