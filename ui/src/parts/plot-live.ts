/** uPlot for what moves: made once, fed anew with each second. As plot.ts it sets styles only through the CSSOM. */
import 'uplot/dist/uPlot.min.css';
import uPlot from 'uplot';
import type { LiveLook } from './LiveChart.tsx';

const BINARY = Array.from({ length: 50 }, (_, i) => 2 ** i);
const pad = (n: number): string => String(n).padStart(2, '0');
const tick = (seconds: number): string => {
  const d = new Date(seconds * 1000);
  return `${pad(d.getHours())}:${pad(d.getMinutes())}${d.getSeconds() === 0 ? '' : `:${pad(d.getSeconds())}`}`;
};

export const livePlot = (target: HTMLElement, look: LiveLook, onPoint: (index: number | null) => void): uPlot => {
  const css = getComputedStyle(target);
  const colour = (name: string): string => css.getPropertyValue(`--${name}`).trim();
  const font = `11px ${css.fontFamily}`;
  const axis = { font, stroke: colour('text-3'), grid: { stroke: colour('line'), width: 1 }, ticks: { show: false } };
  return new uPlot(
    {
      width: Math.max(200, target.clientWidth),
      height: look.height,
      padding: [8, 12, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
      scales: {
        x: { time: true },
        y: { range: (_u, _min, max) => [0, Math.max(look.least, (max ?? 0) * 1.1)] },
      },
      axes: [
        { ...axis, size: 28, space: 72, values: (_u, splits) => splits.map(tick) },
        {
          ...axis,
          size: 76,
          space: 30,
          ...(look.binary ? { incrs: BINARY } : {}),
          values: (_u, splits) => splits.map((v) => look.format(v)),
        },
      ],
      series: [
        {},
        { stroke: colour('accent'), width: 1.75, fill: colour('chosen'), points: { show: false }, spanGaps: false },
        { stroke: colour('warn'), width: 1.5, points: { show: false }, spanGaps: false },
      ],
      hooks: {
        setCursor: [
          (u) => {
            const i = u.cursor.idx;
            onPoint(u.cursor.left === undefined || u.cursor.left < 0 || i === null || i === undefined ? null : i);
          },
        ],
      },
    },
    [[], [], []],
    target,
  );
};
