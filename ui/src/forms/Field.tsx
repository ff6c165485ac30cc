/** Form fields: label, help, and the problem in words below; the problem is tied to the input for screen readers. */
import { createUniqueId, For, type JSX, Show } from 'solid-js';

type Common = { label: string; help?: JSX.Element; problem?: string | undefined; optional?: boolean };
const Frame = (props: Common & { id: string; children: JSX.Element; class?: string }): JSX.Element => (
  <div class={`field ${props.class ?? ''}`} classList={{ wrong: props.problem !== undefined }}>
    <label for={props.id}>
      {props.label}
      <Show when={props.optional}>
        <span class="optional"> optional</span>
      </Show>
    </label>
    {props.children}
    <Show when={props.help}>
      <p class="help" id={`${props.id}-help`}>
        {props.help}
      </p>
    </Show>
    <p class="problem" id={`${props.id}-problem`} aria-live="polite">
      {props.problem}
    </p>
  </div>
);

export const TextField = (
  props: Common & {
    value: string;
    onInput: (value: string) => void;
    type?: 'text' | 'password' | 'search' | 'number';
    autocomplete?: string;
    placeholder?: string;
    mono?: boolean;
    autofocus?: boolean;
    list?: readonly string[];
    inputmode?: 'numeric' | 'text';
    onBlur?: () => void;
  },
): JSX.Element => {
  const id = createUniqueId();
  return (
    <Frame {...props} id={id}>
      <input
        id={id}
        type={props.type ?? 'text'}
        value={props.value}
        onInput={(e) => props.onInput(e.currentTarget.value)}
        onBlur={() => props.onBlur?.()}
        autocomplete={props.autocomplete ?? 'off'}
        autocapitalize="off"
        spellcheck={false}
        inputmode={props.inputmode}
        placeholder={props.placeholder}
        classList={{ mono: props.mono === true }}
        autofocus={props.autofocus}
        list={props.list ? `${id}-list` : undefined}
        aria-invalid={props.problem !== undefined}
        aria-describedby={`${props.help ? `${id}-help ` : ''}${id}-problem`}
      />
      <Show when={props.list}>
        {(list) => (
          <datalist id={`${id}-list`}>
            <For each={list()}>{(v) => <option value={v} />}</For>
          </datalist>
        )}
      </Show>
    </Frame>
  );
};

export type Choice = { value: string; label: string };
export const SelectField = (
  props: Common & { value: string; onChange: (value: string) => void; choices: readonly Choice[] },
): JSX.Element => {
  const id = createUniqueId();
  return (
    <Frame {...props} id={id}>
      <select
        id={id}
        value={props.value}
        onChange={(e) => props.onChange(e.currentTarget.value)}
        aria-invalid={props.problem !== undefined}
        aria-describedby={`${props.help ? `${id}-help ` : ''}${id}-problem`}
      >
        <For each={props.choices}>
          {(c) => (
            <option value={c.value} selected={c.value === props.value}>
              {c.label}
            </option>
          )}
        </For>
      </select>
    </Frame>
  );
};

export const CheckField = (props: { label: string; help?: string; checked: boolean; onChange: (v: boolean) => void }): JSX.Element => {
  const id = createUniqueId();
  return (
    <div class="field check">
      <input id={id} type="checkbox" checked={props.checked} onChange={(e) => props.onChange(e.currentTarget.checked)} />
      <div>
        <label for={id}>{props.label}</label>
        <Show when={props.help}>
          <p class="help">{props.help}</p>
        </Show>
      </div>
    </div>
  );
};
