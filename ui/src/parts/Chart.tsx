/**
 * A quantity over time: drawn, read out under the pointer or by the arrow keys, and as a table for who cannot see it. The drawing
 * library is brought when the first chart is shown.
 */
import { createMemo, createSignal, type JSX, Show } from 'solid-js';
import { drawing } from './drawing.ts';
import { Table } from './VirtualTable.tsx';
import { exact } from './words.ts';
import '../style/chart.css';

export type ChartPoint = { at: number; value: number };
export type ChartLook = {
  points: readonly ChartPoint[];
  /** Between two points; where more lies between them nothing was recorded. */
  step: number;
  from: number;
  to: number;
  format: (value: number) => string;
  /** What it cannot exceed. */
  limit?: number;
  /** Where the line goes if it goes on like this. */
  forecast?: ChartPoint | undefined;
  fromZero: boolean;
  height: number;
};

const ROWS = 12;

export const Chart = (props: { label: string; of: string; about: string; look: ChartLook }): JSX.Element => {
  let place: HTMLDivElement | undefined;
  const [at, setAt] = createSignal<number | null>(null);
  const drawn = drawing(
    () => place,
    () => props.look,
    async () => {
      const { plot } = await import('./plot.ts');
      return (at, look) => {
        setAt(null);
        return look.points.length > 1 ? plot(at, look, setAt) : null;
      };
    },
  );
  const known = createMemo(() => [...props.look.points, ...(props.look.forecast ? [props.look.forecast] : [])]);
  const index = createMemo(() => {
    const x = at();
    const i = x === null ? -1 : known().findIndex((p) => p.at >= x);
    return i < 0 ? props.look.points.length - 1 : i;
  });
  const shown = (): ChartPoint | undefined => known()[index()];
  const isAhead = (): boolean => index() >= props.look.points.length;
  const words = (): string => {
    const p = shown();
    if (!p) return 'nothing recorded';
    const limit = props.look.limit;
    const share = limit === undefined ? '' : ` of ${props.look.format(limit)}, ${((p.value / limit) * 100).toFixed(1)}%`;
    return `${exact(p.at).slice(0, 16)}: ${props.look.format(p.value)}${share}${isAhead() ? ', if it goes on like this' : ''}`;
  };
  /** At most so many rows, evenly apart; the newest is among them. */
  const rows = createMemo(() => {
    const all = props.look.points;
    const every = Math.max(1, Math.ceil(all.length / ROWS));
    return all.filter((_, i) => (all.length - 1 - i) % every === 0).toReversed();
  });

  const point = (to: number): void => {
    const u = drawn();
    const p = known()[Math.max(0, Math.min(known().length - 1, to))];
    if (!u || !p) return;
    u.setCursor({ left: u.valToPos(p.at / 1000, 'x'), top: u.valToPos(p.value, 'y') }, false);
    setAt(p.at);
  };
  const onKey = (e: KeyboardEvent): void => {
    const leap = Math.max(1, Math.round(known().length / 12));
    const moves: Record<string, number> = {
      ArrowLeft: index() - 1,
      ArrowRight: index() + 1,
      PageUp: index() - leap,
      PageDown: index() + leap,
      Home: 0,
      End: known().length - 1,
    };
    const to = moves[e.key];
    if (to === undefined) return;
    e.preventDefault();
    point(to);
  };
  const away = (): void => {
    drawn()?.setCursor({ left: -10, top: -10 }, false);
    setAt(null);
  };

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
        aria-valuemax={Math.max(0, known().length - 1)}
        aria-valuenow={Math.max(0, index())}
        aria-valuetext={words()}
        style={{ height: `${props.look.height}px` }}
        onKeyDown={onKey}
        onBlur={away}
      >
        <Show when={props.look.points.length < 2}>
          <p class="chart-empty">Recorded every few minutes from now on; there is nothing to draw yet.</p>
        </Show>
      </div>
      <figcaption>
        <ul class="chart-key">
          <li class="line">{props.of}</li>
          <Show when={props.look.forecast}>
            <li class="coming">if it goes on like this</li>
          </Show>
          <Show when={props.look.limit !== undefined && props.look.fromZero}>
            <li class="limit">all there is</li>
          </Show>
          <Show when={!props.look.fromZero}>
            <li class="note">drawn close up: the axis does not begin at zero</li>
          </Show>
        </ul>
        <p>{props.about}</p>
        <details>
          <summary>As a table</summary>
          <Table
            label={`${props.label}, as a table`}
            rows={rows()}
            empty="Nothing recorded yet."
            columns={[
              { id: 't', head: 'When', cell: (p) => <span class="num">{exact(p.at).slice(0, 16)}</span> },
              { id: 'v', head: props.of, align: 'end', cell: (p) => <span class="num">{props.look.format(p.value)}</span> },
            ]}
          />
        </details>
      </figcaption>
    </figure>
  );
};
