/** A pool's space over time: how it filled, and when it will be full at this pace. */
import { createMemo, createSignal, type JSX, Show } from 'solid-js';
import { unwrap } from 'solid-js/store';
import { formatBytes } from '../../../../control/src/domain/units.ts';
import { isPhone } from '../../data/settings.ts';
import { Answer, Section } from '../../parts/basic.tsx';
import { Chart, type ChartLook } from '../../parts/Chart.tsx';
import { type History, useHistory } from './history.ts';
import { forecastText } from './space.ts';

const DAY = 86_400_000;
const SPANS = [
  { days: 2, label: '2 days' },
  { days: 60, label: '60 days' },
  { days: 365, label: '1 year' },
  { days: 1_826, label: '5 years' },
] as const;
export const lookOf = (h: History, days: number, height: number): ChartLook => {
  const close = days <= 2;
  const last = h.points.at(-1);
  const first = h.points[0];
  // What was recorded fills the width, however short it is yet.
  const from = Math.max(h.since, (first?.at ?? h.since) - h.step);
  const ahead = Math.min(h.forecast?.fullAt ?? Number.POSITIVE_INFINITY, h.now + (h.now - from) * 0.5);
  const drawn = !close && last !== undefined && h.forecast !== null && h.forecast.perDay > 0;
  const forecast = drawn
    ? { at: ahead, value: Math.min(last.size, last.allocated + ((ahead - last.at) / DAY) * (h.forecast?.perDay ?? 0)) }
    : undefined;
  return {
    points: h.points.map((p) => ({ at: p.at, value: p.allocated })),
    step: h.step,
    from,
    to: forecast?.at ?? h.now,
    format: formatBytes,
    ...(last !== undefined && { limit: last.size }),
    forecast,
    fromZero: !close,
    height,
  };
};

export const PoolSpace = (props: { name: string }): JSX.Element => {
  const [days, setDays] = createSignal<number>(365);
  const history = useHistory(() => ({ name: props.name, days: days() }));
  // The points are merged in place, so `now` tells of an answer and they are read as a whole; the old line stays until there is a new one.
  const seen = createMemo((before: { history: History; look: ChartLook } | undefined) => {
    const h = history.data();
    if (h?.now === undefined) return before;
    return { history: unwrap(h), look: lookOf(unwrap(h), days(), isPhone() ? 180 : 220) };
  });
  return (
    <Section
      title="Space over time"
      aside={
        <fieldset class="choice">
          <legend class="sr">How far back</legend>
          {SPANS.map((s) => (
            <label>
              <input type="radio" name={`span-${props.name}`} checked={days() === s.days} onChange={() => setDays(s.days)} />
              <span>{s.label}</span>
            </label>
          ))}
        </fieldset>
      }
    >
      <Show when={seen()} fallback={<Answer query={history}>{() => null}</Answer>}>
        {(it) => (
          <Chart
            label={`Space used in ${props.name} over time`}
            of="Used"
            about={forecastText(it().history.forecast, it().history.now)}
            look={it().look}
          />
        )}
      </Show>
    </Section>
  );
};
