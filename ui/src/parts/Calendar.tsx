/** Days as squares, weeks as columns: how many there were of something each day. In words and as a table beside it. */
import { createMemo, For, type JSX } from 'solid-js';
import { Table } from './VirtualTable.tsx';
import { plural } from './words.ts';
import { type DayCount, dateOf, DAY, shadeOf, WEEK, weeksOf } from './weeks.ts';
import '../style/calendar.css';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
export const Calendar = (props: { label: string; of: string; days: readonly DayCount[]; today: number; weeks: number }): JSX.Element => {
  const weeks = createMemo(() => weeksOf(props.days, props.today, props.weeks));
  const shown = createMemo(() => weeks().flatMap((w) => w.filter((d) => d !== null)));
  const most = createMemo(() => Math.max(1, ...shown().map((d) => d.count)));
  const without = createMemo(
    () =>
      shown()
        .slice(-30)
        .filter((d) => d.count === 0).length,
  );
  const sums = createMemo(() =>
    weeks()
      .map((w) => ({ from: w[0]?.day ?? 0, count: w.reduce((n, d) => n + (d?.count ?? 0), 0) }))
      .toReversed(),
  );
  const month = (w: (DayCount | null)[]): string => {
    const monday = new Date((w[0]?.day ?? 0) * DAY);
    return monday.getUTCDate() <= WEEK ? (MONTHS[monday.getUTCMonth()] ?? '') : '';
  };
  return (
    <figure class="calendar">
      <div class="weeks" aria-hidden="true">
        <For each={weeks()}>
          {(w) => (
            <div class="week">
              <span class="month">{month(w)}</span>
              <For each={w}>
                {(d) => (
                  <span
                    class={`day ${d === null ? 'coming' : `s${shadeOf(d.count, most())}`}`}
                    title={d === null ? undefined : `${dateOf(d.day)}: ${plural(d.count, props.of)}`}
                  />
                )}
              </For>
            </div>
          )}
        </For>
      </div>
      <figcaption>
        <p>
          {without() === 0
            ? `There is a ${props.of} of each of the last 30 days.`
            : `${plural(without(), 'day')} of the last 30 without a ${props.of}.`}
        </p>
        <details>
          <summary>As a table</summary>
          <Table
            label={`${props.label}, as a table`}
            rows={sums()}
            columns={[
              { id: 'w', head: 'Week from', cell: (w) => <span class="num">{dateOf(w.from)}</span> },
              {
                id: 'n',
                head: 'Taken and still there',
                align: 'end',
                cell: (w) => <span class="num">{w.count.toLocaleString('en')}</span>,
              },
            ]}
          />
        </details>
      </figcaption>
    </figure>
  );
};
