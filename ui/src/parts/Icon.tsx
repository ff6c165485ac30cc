/** Own line icons, 16 px, always beside a word. */
import type { JSX } from 'solid-js';

const PATHS = {
  overview: 'M2 9l6-6 6 6M4 7.5V14h8V7.5',
  storage: 'M2.5 3.5h11v4h-11zM2.5 8.5h11v4h-11zM5 5.5h.01M5 10.5h.01',
  shares: 'M2 4.5h4.5l1.5 2h6v7H2zM5 10h6',
  protection: 'M8 1.8l5.5 2v4.4c0 3.2-2.3 5.2-5.5 6.2-3.2-1-5.5-3-5.5-6.200V3.800zM5.5 8l1.8 1.800L10.8 6.3',
  changes: 'M3 4h7M3 8h10M3 12h5M12 2.500v3M10.5 4h3',
  activity: 'M1.5 8h3l2-5 3 10 2-5h3',
  access: 'M8 8a2.7 2.7 0 100-5.400A2.7 2.7 0 008 8zM2.8 14c.4-2.8 2.4-4.3 5.2-4.300s4.8 1.5 5.2 4.3',
  system: 'M2.5 2.500h11v8h-11zM6 13.500h4M8 10.500v3',
  more: 'M3 8h.01M8 8h.01M13 8h.01',
  search: 'M7 12A5 5 0 107 2a5 5 0 000 10zM11 11l3.5 3.5',
  narrow: 'M9.5 4L5.5 8l4 4',
  widen: 'M6.5 4l4 4-4 4',
  close: 'M4 4l8 8M12 4l-8 8',
  check: 'M3 8.500l3.2 3L13 4.5',
  plus: 'M8 3v10M3 8h10',
  copy: 'M5.5 5.500h7v7h-7zM3.5 10.500v-7h7',
  down: 'M4 6l4 4 4-4',
  right: 'M6 4l4 4-4 4',
  user: 'M8 8a2.7 2.7 0 100-5.400A2.7 2.7 0 008 8zM2.8 14c.4-2.8 2.4-4.3 5.2-4.300s4.8 1.5 5.2 4.3',
} as const;
export type IconName = keyof typeof PATHS;

export const Icon = (props: { name: IconName }): JSX.Element => (
  <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
    <path d={PATHS[props.name]} />
  </svg>
);
