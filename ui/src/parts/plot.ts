/** uPlot, brought when a chart is opened. It sets styles only through the CSSOM, which the content policy allows; its sheet is bundled with ours. */
import 'uplot/dist/uPlot.min.css';
import uPlot from 'uplot';
import type { ChartLook } from './Chart.tsx';

const DAY = 86_400;
/** Ticks at whole binary amounts: 512 GiB, 1 TiB, 2 TiB. */
const BINARY = Array.from({ length: 60 }, (_, i) => 2 ** i);

const pad = (n: number): string => String(n).padStart(2, '0');
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
/** The shortest words that still tell two ticks apart. */
const tick = (seconds: number, apart: number): string => {
  const d = new Date(seconds * 1000);
  if (apart < DAY) {
    const time = `${pad(d.getHours())}:${pad(d.getMinutes())}`;
    return time === '00:00' ? `${d.getDate()} ${MONTHS[d.getMonth()]}` : time;
  }
  if (apart < 27 * DAY) return `${d.getDate()} ${MONTHS[d.getMonth()]}`;
  return apart < 360 * DAY && d.getMonth() !== 0 ? `${MONTHS[d.getMonth()]}` : String(d.getFullYear());
};

/** Where nothing was recorded the line has a hole, not a guess. */
const withHoles = (points: readonly { at: number; value: number }[], step: number): { at: number; value: number | null }[] =>
  points.flatMap((p, i) => {
    const before = points[i - 1];
    return before !== undefined && p.at - before.at > 2.5 * step ? [{ at: before.at + step, value: null }, p] : [p];
  });

export const plot = (target: HTMLElement, look: ChartLook, onPoint: (at: number | null) => void): uPlot => {
  const css = getComputedStyle(target);
  const colour = (name: string): string => css.getPropertyValue(`--${name}`).trim();
  const font = `11px ${css.fontFamily}`;
  const past = withHoles(look.points, look.step);
  const last = look.points.at(-1);
  const ahead = look.forecast && last ? [last, look.forecast] : [];
  const xs = [...past.map((p) => p.at), ...ahead.slice(1).map((p) => p.at)];
  const n = xs.length;
  const values = [...past.map((p) => p.value), ...ahead.slice(1).map(() => null)];
  const coming = xs.map((at, i) => (ahead.length > 0 && i >= n - 2 ? (ahead.find((p) => p.at === at)?.value ?? null) : null));
  const highest = Math.max(look.limit ?? 0, ...look.points.map((p) => p.value), ...ahead.map((p) => p.value));
  const lowest = Math.min(...look.points.map((p) => p.value));
  const room = Math.max((highest - lowest) * 0.1, highest * 1e-4);
  const axis = { font, stroke: colour('text-3'), grid: { stroke: colour('line'), width: 1 }, ticks: { show: false } };
  return new uPlot(
    {
      width: Math.max(200, target.clientWidth),
      height: look.height,
      padding: [8, 12, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 8, fill: colour('accent') } },
      scales: {
        x: { time: true, range: [look.from / 1000, look.to / 1000] },
        y: {
          range: look.fromZero
            ? [0, highest * 1.06]
            : [lowest - room, (look.limit === undefined ? highest : Math.max(...look.points.map((p) => p.value))) + room],
        },
      },
      axes: [
        {
          ...axis,
          size: 28,
          space: 64,
          values: (_u, splits) => splits.map((s, i) => tick(s, (splits[i + 1] ?? s) - s || s - (splits[i - 1] ?? s))),
        },
        { ...axis, size: 68, space: 26, incrs: BINARY, values: (_u, splits) => splits.map((v) => look.format(v)) },
      ],
      series: [
        {},
        { stroke: colour('accent'), width: 1.75, fill: colour('chosen'), points: { show: false }, spanGaps: false },
        { stroke: colour('accent'), width: 1.25, dash: [4, 4], points: { show: false } },
        { stroke: colour('text-3'), width: 1, points: { show: false } },
      ],
      hooks: {
        setCursor: [
          (u) => {
            const i = u.cursor.idx;
            onPoint(u.cursor.left === undefined || u.cursor.left < 0 || i === null || i === undefined ? null : (xs[i] ?? null));
          },
        ],
      },
    },
    [
      xs.map((at) => at / 1000),
      values,
      coming,
      look.limit === undefined || !look.fromZero ? xs.map(() => null) : xs.map(() => look.limit ?? null),
    ],
    target,
  );
};
