/** A plain text field for YAML: line numbers, problems where they are, completion. Tab leaves it, as everywhere. */
// biome-ignore-all lint/a11y/useFocusableInteractive: the text field keeps the focus; it names the active option (aria-activedescendant)
import { createEffect, createMemo, createSignal, createUniqueId, For, type JSX, Show } from 'solid-js';
import { type Completions, completionsAt } from './complete.ts';

export type TextProblem = { line: number; column: number; message: string };
const LINE = 20;
const INSET = 10;
const MOST = 8;

export const YamlEditor = (props: {
  label: string;
  value: string;
  onInput: (v: string) => void;
  problems: readonly TextProblem[];
  schema: Record<string, unknown> | undefined;
  readonly?: boolean;
}): JSX.Element => {
  const id = createUniqueId();
  const [scroll, setScroll] = createSignal({ top: 0, left: 0 });
  const [found, setFound] = createSignal<Completions | null>(null);
  const [active, setActive] = createSignal(0);
  const [place, setPlace] = createSignal({ line: 0, column: 0 });
  const [charWidth, setCharWidth] = createSignal(7.8);
  let area: HTMLTextAreaElement | undefined;

  const lines = createMemo(() => props.value.split('\n').length);
  const byLine = createMemo(() => {
    const map = new Map<number, string[]>();
    for (const p of props.problems) map.set(p.line, [...(map.get(p.line) ?? []), p.message]);
    return map;
  });
  const measure = (el: HTMLSpanElement): void => {
    queueMicrotask(() => {
      const width = el.getBoundingClientRect().width / 20;
      if (width > 0) setCharWidth(width);
    });
  };
  const look = (): void => {
    if (!area || !props.schema || area.selectionStart !== area.selectionEnd) return void setFound(null);
    const caret = area.selectionStart;
    const next = completionsAt(props.value, caret, props.schema);
    const before = props.value.slice(0, caret);
    setPlace({ line: before.split('\n').length - 1, column: (next?.from ?? caret) - (before.lastIndexOf('\n') + 1) });
    setActive(0);
    setFound(next);
  };
  const take = (text: string): void => {
    const at = found();
    if (!at || !area) return;
    // Through the document's own command, so that undo knows it.
    area.setSelectionRange(at.from, at.to);
    area.focus();
    document.execCommand('insertText', false, text);
    setFound(null);
  };
  const onKey = (e: KeyboardEvent): void => {
    const list = found();
    if (e.key === ' ' && e.ctrlKey) {
      e.preventDefault();
      look();
    } else if (!list) return;
    else if (e.key === 'ArrowDown' || e.key === 'ArrowUp') {
      e.preventDefault();
      const n = Math.min(list.items.length, MOST);
      setActive((a) => (a + (e.key === 'ArrowDown' ? 1 : n - 1)) % n);
    } else if (e.key === 'Enter') {
      const item = list.items[active()];
      if (item) {
        e.preventDefault();
        take(item.text);
      }
    } else if (e.key === 'Escape') {
      e.preventDefault();
      setFound(null);
    }
  };
  /** Puts the caret there. */
  const go = (p: TextProblem): void => {
    if (!area) return;
    const at =
      props.value
        .split('\n')
        .slice(0, p.line - 1)
        .join('\n').length +
      (p.line > 1 ? 1 : 0) +
      p.column -
      1;
    area.focus();
    area.setSelectionRange(at, at);
    area.scrollTop = Math.max(0, (p.line - 4) * LINE);
  };
  createEffect(() => {
    if (props.value === '') setFound(null);
  });

  return (
    <div class="editor-place">
      <div class="editor">
        <div class="gutter" aria-hidden="true">
          <div style={{ transform: `translateY(${-scroll().top}px)` }}>
            <For each={Array.from({ length: lines() }, (_, i) => i + 1)}>
              {(n) => <div classList={{ wrong: byLine().has(n) }}>{n}</div>}
            </For>
          </div>
        </div>
        <div class="editor-text">
          <div class="marks" aria-hidden="true">
            <div style={{ transform: `translate(${-scroll().left}px, ${-scroll().top}px)` }}>
              <For each={[...byLine()]}>
                {([line, messages]) => (
                  <div class="mark" style={{ top: `${INSET + (line - 1) * LINE}px` }}>
                    <span style={{ 'margin-left': `${((props.value.split('\n')[line - 1] ?? '').length + 3) * charWidth() + INSET}px` }}>
                      {messages[0]}
                    </span>
                  </div>
                )}
              </For>
            </div>
            <span class="ruler" ref={measure}>
              00000000000000000000
            </span>
          </div>
          <textarea
            ref={area}
            aria-label={props.label}
            spellcheck={false}
            autocapitalize="off"
            autocomplete="off"
            wrap="off"
            value={props.value}
            readonly={props.readonly}
            aria-autocomplete="list"
            aria-controls={`${id}-list`}
            aria-activedescendant={found() ? `${id}-${active()}` : undefined}
            aria-invalid={props.problems.length > 0}
            aria-describedby={`${id}-problems`}
            onInput={(e) => {
              props.onInput(e.currentTarget.value);
              look();
            }}
            onScroll={(e) => setScroll({ top: e.currentTarget.scrollTop, left: e.currentTarget.scrollLeft })}
            onKeyDown={onKey}
            onBlur={() => setFound(null)}
            onClick={() => setFound(null)}
          />
          <div
            id={`${id}-list`}
            class="completions"
            role="listbox"
            tabindex="-1"
            aria-label="What can stand here"
            hidden={found() === null}
            style={{
              top: `${INSET + (place().line + 1) * LINE - scroll().top}px`,
              left: `${INSET + place().column * charWidth() - scroll().left}px`,
            }}
          >
            <For each={found()?.items.slice(0, MOST)}>
              {(item, i) => (
                <div
                  id={`${id}-${i()}`}
                  role="option"
                  tabindex="-1"
                  aria-selected={active() === i()}
                  onMouseDown={(e) => {
                    e.preventDefault();
                    take(item.text);
                  }}
                >
                  {item.text.trim().replace(/:$/, '')}
                  <small>{item.about}</small>
                </div>
              )}
            </For>
          </div>
        </div>
      </div>
      <ul class="editor-problems" id={`${id}-problems`} aria-live="polite">
        <For each={props.problems.slice(0, 20)}>
          {(p) => (
            <li>
              <button type="button" class="button quiet" onClick={() => go(p)}>
                Line {p.line}, column {p.column}
              </button>
              <span>{p.message}</span>
            </li>
          )}
        </For>
        <Show when={props.problems.length > 20}>
          <li class="dim">and {props.problems.length - 20} more</li>
        </Show>
      </ul>
    </div>
  );
};
