/** A state by shape and word; colour only repeats it. */
import type { JSX } from 'solid-js';

export type Tone = 'ok' | 'warn' | 'bad' | 'busy' | 'idle' | 'never';

const SHAPES: Record<Tone, string> = {
  ok: 'M6 1.200a4.8 4.8 0 110 9.6 4.8 4.8 0 010-9.600z',
  warn: 'M6 .8l5.4 10H.6z',
  bad: 'M6 .3L11.7 6 6 11.7.3 6z',
  busy: 'M6 1.2a4.8 4.8 0 110 9.6 4.8 4.8 0 010-9.6zm0 1.6v6.4a3.2 3.2 0 000-6.4z',
  idle: 'M6 1.200a4.8 4.8 0 110 9.6 4.8 4.8 0 010-9.600zm0 1.600a3.2 3.2 0 100 6.4 3.2 3.2 0 000-6.400z',
  never: 'M1.5 1.500h9v9h-9zm1.6 3.700v1.600h5.800V5.200z',
};

export const Shape = (props: { tone: Tone }): JSX.Element => (
  <svg class={`shape ${props.tone}`} viewBox="0 0 12 12" aria-hidden="true">
    <path d={SHAPES[props.tone]} fill-rule="evenodd" />
  </svg>
);

export const Status = (props: { tone: Tone; children: JSX.Element }): JSX.Element => (
  <span class={`status ${props.tone}`}>
    <Shape tone={props.tone} />
    <span>{props.children}</span>
  </span>
);

/** A pool's or disk's own word, with how bad it is. */
export const toneOfHealth = (health: string): Tone =>
  health === 'ONLINE'
    ? 'ok'
    : health === 'DEGRADED'
      ? 'warn'
      : health === 'AVAIL' || health === 'INUSE'
        ? 'idle'
        : health === 'OFFLINE'
          ? 'warn'
          : 'bad';
export const toneOfSeverity = (severity: 'info' | 'warning' | 'critical'): Tone =>
  severity === 'critical' ? 'bad' : severity === 'warning' ? 'warn' : 'idle';
