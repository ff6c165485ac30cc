/** Choices of when something begins by itself, and when it will next. */
import { type JSX, Show } from 'solid-js';
import { Time } from '../../parts/basic.tsx';

export const NEVER = 'never';
export type Choices = readonly { value: string; label: string }[];

/** One that is none of these is still shown as what is set. */
export const withOwn = (choices: Choices, value: string): Choices =>
  choices.some((c) => c.value === value) ? choices : [...choices, { value, label: value }];
export const word = (choices: Choices, value: string): string => choices.find((c) => c.value === value)?.label ?? value;
export const cronOf = (text: string): string | null => (text === NEVER ? null : text);
export const myTimezone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';

/** What is set, and the next time. */
export const When = (props: { choices: Choices; cron: string | null | undefined; next: number | null | undefined }): JSX.Element => (
  <>
    {word(props.choices, props.cron ?? NEVER)}{' '}
    <Show when={props.next}>
      {(at) => (
        <small>
          next <Time at={at()} />
        </small>
      )}
    </Show>
  </>
);
