/** What lives, by age: one stroke a snapshot on an axis on which an hour has as much room as a month. In words below. */
import { createMemo, For, type JSX } from 'solid-js';
import { plural } from '../../parts/words.ts';
import { byAge, onAxis, TICKS } from './cadence.ts';

const WIDTH = 600;
const HEIGHT = 44;

export const LifeLine = (props: { times: readonly number[]; now: number; total: number }): JSX.Element => {
  const strokes = createMemo(() => props.times.map((at) => Math.round(onAxis(props.now - at) * WIDTH * 10) / 10));
  const words = createMemo(() =>
    byAge(props.times, props.now)
      .filter((a) => a.count > 0)
      .map((a) => `${a.count} ${a.label === 'older' ? 'older' : `from the ${a.label}`}`)
      .join(', '),
  );
  return (
    <figure class="lifeline">
      <svg viewBox={`-14 0 ${WIDTH + 40} ${HEIGHT}`} aria-hidden="true">
        <line class="axis" x1="0" x2={WIDTH} y1="26" y2="26" />
        <For each={strokes()}>{(x) => <line class="life" x1={x} x2={x} y1="6" y2="25" />}</For>
        <For each={TICKS}>
          {(t) => (
            <>
              <line class="axis" x1={onAxis(t.ms) * WIDTH} x2={onAxis(t.ms) * WIDTH} y1="26" y2="30" />
              <text x={onAxis(t.ms) * WIDTH} y="41" text-anchor="middle">
                {t.label}
              </text>
            </>
          )}
        </For>
      </svg>
      <figcaption>
        {plural(props.total, 'snapshot')}
        {words() === '' ? '' : `: ${words()}`}
        {props.total > props.times.length ? `; the newest ${props.times.length.toLocaleString('en')} are drawn` : ''}.
      </figcaption>
    </figure>
  );
};
