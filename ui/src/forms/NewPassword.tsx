/** A new password with the daemon's own rule said while typing, and a rough measure of how long guessing would take. */
import { type JSX, Show } from 'solid-js';
import { whyWeak } from '../../../control/src/domain/user/user.ts';
import { TextField } from './Field.tsx';

/** Length and variety only: enough to tell a sentence from a word, and no list of a thousand passwords to download. */
const strengthOf = (password: string): number => Math.min(1, (password.length * Math.log2(1 + new Set(password).size)) / 110);
const wordOf = (strength: number): string => (strength > 0.85 ? 'strong' : strength > 0.55 ? 'good' : 'enough');

export const NewPassword = (props: {
  label: string;
  value: string;
  user: string;
  onInput: (v: string) => void;
  shown: boolean;
}): JSX.Element => {
  const weak = (): string | undefined => whyWeak(props.value, props.user);
  return (
    <div class="stack tight">
      <TextField
        label={props.label}
        type="password"
        autocomplete="new-password"
        value={props.value}
        onInput={props.onInput}
        help="A few words that only you would put together."
        problem={props.shown || props.value.length >= 12 ? weak() : undefined}
      />
      <Show when={props.value !== '' && weak() === undefined}>
        <div class="strength" role="status">
          <div class="meter" aria-hidden="true">
            <div class="bar" style={{ width: `${strengthOf(props.value) * 100}%` }} />
          </div>
          <span>{wordOf(strengthOf(props.value))}</span>
        </div>
      </Show>
    </div>
  );
};
