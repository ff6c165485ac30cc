import { For, type JSX, Show } from 'solid-js';
import { plural } from '../parts/words.ts';
import type { DiffLine } from './stateLines.ts';

/** Added and taken lines, by sign as well as colour. */
export const DiffView = (props: { label: string; lines: readonly (DiffLine | { gap: number })[] }): JSX.Element => (
  <section class="diff" aria-label={props.label} tabindex="0">
    <For each={props.lines}>
      {(l) => (
        <Show when={'sign' in l ? l : null} fallback={<div class="gap">{plural((l as { gap: number }).gap, 'line')} as before</div>}>
          {(line) => (
            <div classList={{ add: line().sign === '+', take: line().sign === '-' }}>
              <span class="sign">{line().sign === ' ' ? '\u00a0' : line().sign}</span>
              {line().text}
            </div>
          )}
        </Show>
      )}
    </For>
  </section>
);
