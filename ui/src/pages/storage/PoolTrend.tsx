import { createMemo, type JSX, Show } from 'solid-js';
import { unwrap } from 'solid-js/store';
import { Sparkline } from '../../parts/Sparkline.tsx';
import { useHistory } from './history.ts';
import { fullIn } from './space.ts';

/** Daily points, few enough for a card. */
const CARD_DAYS = 90;
/** For a card: the line of the last 90 days and one word about the future. */
export const PoolTrend = (props: { name: string }): JSX.Element => {
  const history = useHistory(() => ({ name: props.name, days: CARD_DAYS }));
  const points = createMemo(() => {
    const h = history.data();
    return h?.now === undefined ? [] : unwrap(h).points.map((p) => ({ at: p.at, value: p.allocated }));
  });
  return (
    <Show when={points().length > 1}>
      <div class="trend">
        <Sparkline label={`Space used in ${props.name} over the last ${CARD_DAYS} days`} points={points()} />
        <p class="dim">{fullIn(history.data()?.forecast, history.data()?.now ?? 0)}</p>
      </div>
    </Show>
  );
};
