/** A pool's space over time: how it filled, and when it will be full at this pace. */
import { createMemo, createSignal, type JSX, onCleanup, Show } from 'solid-js';
import { unwrap } from 'solid-js/store';
import { formatBytes } from '../../../../control/src/domain/units.ts';
import { useQuery } from '../../data/query.ts';
import { isPhone } from '../../data/settings.ts';
import type { Outputs } from '../../data/trpc.ts';
import { trpc } from '../../data/trpc.ts';
import { Answer, Section } from '../../parts/basic.tsx';
import { Chart, type ChartLook, Sparkline } from '../../parts/Chart.tsx';
import { forecastText, fullIn } from './space.ts';

export type History = Outputs['pools']['history'];
const DAY = 86_400_000;
/** As often as the box takes a sample. */
const RECORD_EVERY = 300_000;
const SPANS = [
  { days: 2, label: '2 days' },
  { days: 60, label: '60 days' },
  { days: 365, label: '1 year' },
  { days: 1_826, label: '5 years' },
] as const;
/** Daily points, few enough for a card. */
const CARD_DAYS = 90;

const useHistory = (input: () => { name: string; days: number }) => {
  const query = useQuery(
    'pool-history',
    input,
    (i) => trpc.pools.history.query(i),
    // No event tells of a sample; there is one every five minutes.
    { topics: [], by: 'at' },
  );
  const timer = setInterval(() => query.refetch(), RECORD_EVERY);
  onCleanup(() => clearInterval(timer));
  return query;
};

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
/** For a card: the line of the last 90 days and one word about the future. */
export const PoolTrend = (props: { name: string }): JSX.Element => {
  const history = useHistory(() => ({ name: props.name, days: CARD_DAYS }));
  const points = createMemo(() => {
    const h = history.data();
    return h?.now === undefined ? [] : unwrap(h).points.map((p) => ({ at: p.at, value: p.allocated }));
  });
  return (
    <div class="trend">
      <Sparkline label={`Space used in ${props.name} over the last ${CARD_DAYS} days`} points={points()} />
      <p class="dim">{fullIn(history.data()?.forecast, history.data()?.now ?? 0)}</p>
    </div>
  );
};
