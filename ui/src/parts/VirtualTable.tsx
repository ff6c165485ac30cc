/**
 * The main instrument: a table of any length of which only the visible rows exist. Rows have one height; each slot of the window keeps
 * its place in the document while the rows in it change, so that a scroll by one row changes one row. Keyboard: arrows, page keys,
 * Home, End move; Enter opens; Space chooses.
 */
// biome-ignore-all lint/a11y/useSemanticElements: an ARIA grid: rows and cells are placed by hand, the grid itself has the focus and the keyboard
// biome-ignore-all lint/a11y/useAriaPropsSupportedByRole: an ARIA grid or treegrid, by what it is given
// biome-ignore-all lint/a11y/noStaticElementInteractions: an ARIA grid or treegrid, by what it is given
// biome-ignore-all lint/a11y/useFocusableInteractive: an ARIA grid: rows and cells are placed by hand, the grid itself has the focus and the keyboard
// biome-ignore-all lint/a11y/useKeyWithClickEvents: an ARIA grid: rows and cells are placed by hand, the grid itself has the focus and the keyboard
// biome-ignore-all lint/a11y/useAriaActivedescendantWithTabindex: an ARIA grid: rows and cells are placed by hand, the grid itself has the focus and the keyboard
import { createEffect, createMemo, createSignal, createUniqueId, For, type JSX, onCleanup, onMount, Show } from 'solid-js';
import { isPhone } from '../data/settings.ts';
import { Icon } from './Icon.tsx';

export type Column<T> = {
  id: string;
  head: string;
  /** A CSS grid track. */
  width: string;
  cell: (row: T) => JSX.Element;
  /** Name to sort by, when it can be sorted. */
  sort?: string;
  align?: 'end';
  /** The head is said, not shown. */
  bare?: true;
  /** Left out on a phone. */
  wide?: true;
  /** Holds sentences: in a short list it may take several lines, everything else stays on one. */
  wrap?: true;
};
/** Rows that stand below each other: a tree of any size, drawn as the same table. */
export type Tree<T> = {
  /** 0 for a root. */
  level: (row: T) => number;
  /** Whether what is below it is shown; null when nothing is below it. */
  open: (row: T) => boolean | null;
  toggle: (row: T) => void;
};
export type Sorting = { by: string; descending: boolean };

const ROW = 34;
const TALL = 56;
const OVERSCAN = 8;

export function VirtualTable<T>(props: {
  label: string;
  count: number;
  row: (index: number) => T | undefined;
  keyOf: (row: T) => string;
  columns: readonly Column<T>[];
  sorting?: Sorting;
  onSort?: (s: Sorting) => void;
  onOpen?: (row: T) => void;
  selected?: ReadonlySet<string>;
  onSelect?: (row: T) => void;
  /** Which rows are looked at now. */
  onRange?: (from: number, to: number) => void;
  /** Rows at most before it scrolls by itself; fills the window when not given. */
  rows?: number;
  /** Right opens or goes in, Left closes or goes out. */
  tree?: Tree<T> | undefined;
  /** Rows hold sentences: on a phone they have two lines. */
  tall?: boolean;
  empty?: JSX.Element;
}): JSX.Element {
  const id = createUniqueId();
  const tall = (): number => (props.tall && isPhone() ? TALL : ROW);
  const [top, setTop] = createSignal(0);
  const [height, setHeight] = createSignal(600);
  const [active, setActive] = createSignal(0);
  let scroller: HTMLDivElement | undefined;
  let body: HTMLDivElement | undefined;

  const columns = createMemo(() => props.columns.filter((c) => !(c.wide && isPhone())));
  const tracks = (): string =>
    `${props.onSelect ? '34px ' : ''}${columns()
      .map((c) => c.width)
      .join(' ')}`;
  const slots = createMemo(() => Math.ceil(height() / tall()) + 2 * OVERSCAN);
  const first = createMemo(() => Math.max(0, Math.min(Math.floor(top() / tall()) - OVERSCAN, Math.max(0, props.count - slots()))));
  const slotList = createMemo(() => Array.from({ length: Math.min(slots(), props.count) }, (_, i) => i));

  onMount(() => {
    const el = scroller;
    if (!el) return;
    const measure = new ResizeObserver(() => setHeight(el.clientHeight));
    measure.observe(el);
    onCleanup(() => measure.disconnect());
  });
  createEffect(() => {
    const from = Math.floor(top() / tall());
    props.onRange?.(from, Math.min(props.count, from + Math.ceil(height() / tall())));
  });
  createEffect(() => {
    if (active() >= props.count) setActive(Math.max(0, props.count - 1));
  });

  const show = (index: number): void => {
    if (!scroller) return;
    const y = index * tall();
    const view = scroller.clientHeight - tall();
    if (y < scroller.scrollTop) scroller.scrollTop = y;
    else if (y + tall() > scroller.scrollTop + view) scroller.scrollTop = y + tall() - view;
  };
  const page = (): number => Math.max(1, Math.floor(height() / tall()) - 2);
  const move: Record<string, () => number> = {
    ArrowDown: () => active() + 1,
    ArrowUp: () => active() - 1,
    PageDown: () => active() + page(),
    PageUp: () => active() - page(),
    Home: () => 0,
    End: () => props.count - 1,
  };
  const inTree = (key: string, row: T): number | undefined => {
    const { tree } = props;
    if (!tree || (key !== 'ArrowRight' && key !== 'ArrowLeft')) return undefined;
    const isOpen = tree.open(row);
    if (isOpen === (key === 'ArrowLeft')) {
      tree.toggle(row);
      return active();
    }
    if (key === 'ArrowRight') return isOpen ? active() + 1 : active();
    for (let i = active() - 1; i >= 0; i -= 1) {
      const above = props.row(i);
      if (above !== undefined && tree.level(above) < tree.level(row)) return i;
    }
    return active();
  };
  const onKey = (e: KeyboardEvent): void => {
    if (e.target !== scroller) return;
    const row = props.row(active());
    const to = move[e.key]?.() ?? (row === undefined ? undefined : inTree(e.key, row));
    if (to !== undefined) {
      e.preventDefault();
      setActive(Math.max(0, Math.min(props.count - 1, to)));
      show(active());
    } else if (e.key === 'Enter' && row !== undefined) props.onOpen?.(row);
    else if (e.key === ' ' && row !== undefined && props.onSelect) {
      e.preventDefault();
      props.onSelect(row);
    }
  };
  const sortBy = (c: Column<T>): void => {
    if (c.sort === undefined) return;
    const same = props.sorting?.by === c.sort;
    props.onSort?.({ by: c.sort, descending: same ? !props.sorting?.descending : false });
    if (scroller) scroller.scrollTop = 0;
  };

  const Slot = (slot: number): JSX.Element => {
    const index = createMemo(() => {
      const n = slotList().length;
      const from = first();
      return from + ((((slot - from) % n) + n) % n);
    });
    const row = createMemo(() => props.row(index()));
    const cellOf = (c: Column<T>): JSX.Element => {
      const r = row();
      return r === undefined ? <span class="blank" /> : c.cell(r);
    };
    const inRow = <V,>(read: (row: T) => V | undefined): V | undefined => {
      const r = row();
      return r === undefined ? undefined : read(r);
    };
    const chosen = (): boolean => {
      const r = row();
      return r !== undefined && (props.selected?.has(props.keyOf(r)) ?? false);
    };
    return (
      <div
        id={`${id}-${index()}`}
        role="row"
        class="vrow"
        classList={{ active: active() === index(), chosen: chosen() }}
        aria-rowindex={index() + 2}
        aria-level={inRow((r) => (props.tree ? props.tree.level(r) + 1 : undefined))}
        aria-expanded={inRow((r) => props.tree?.open(r) ?? undefined)}
        aria-selected={props.onSelect ? chosen() : undefined}
        style={{ transform: `translateY(${index() * tall()}px)` }}
        onClick={(e) => {
          setActive(index());
          const r = row();
          if (r !== undefined && !(e.target instanceof Element && e.target.closest('a,button,input,label'))) props.onOpen?.(r);
        }}
      >
        <Show when={props.onSelect}>
          <div role="gridcell" class="cell pick">
            <input
              type="checkbox"
              tabindex="-1"
              aria-label={`Choose row ${index() + 1}`}
              checked={chosen()}
              onChange={() => {
                const r = row();
                if (r !== undefined) props.onSelect?.(r);
              }}
            />
          </div>
        </Show>
        <For each={columns()}>
          {(c) => (
            <div role="gridcell" class="cell" classList={{ end: c.align === 'end' }}>
              {cellOf(c)}
            </div>
          )}
        </For>
      </div>
    );
  };

  return (
    <div
      class="vtable"
      ref={scroller}
      role={props.tree ? 'treegrid' : 'grid'}
      tabindex="0"
      aria-label={props.label}
      aria-rowcount={props.count + 1}
      aria-multiselectable={props.onSelect ? true : undefined}
      aria-activedescendant={props.count > 0 ? `${id}-${active()}` : undefined}
      style={{ '--tracks': tracks(), ...(props.rows !== undefined && { 'max-height': `${(props.rows + 1) * tall() + 2}px` }) }}
      classList={{ fills: props.rows === undefined, tall: tall() === TALL }}
      onScroll={(e) => setTop(e.currentTarget.scrollTop)}
      onKeyDown={onKey}
    >
      <div role="rowgroup" class="vhead">
        <div role="row" class="vrow head" aria-rowindex={1}>
          <Show when={props.onSelect}>
            <div role="columnheader" class="cell pick">
              <span class="sr">Chosen</span>
            </div>
          </Show>
          <For each={columns()}>
            {(c) => (
              <div
                role="columnheader"
                class="cell"
                classList={{ end: c.align === 'end' }}
                aria-sort={
                  c.sort !== undefined && props.sorting?.by === c.sort ? (props.sorting.descending ? 'descending' : 'ascending') : undefined
                }
              >
                <Show when={c.sort !== undefined && props.onSort} fallback={<span classList={{ sr: c.bare === true }}>{c.head}</span>}>
                  <button type="button" class="sort" onClick={() => sortBy(c)}>
                    {c.head}
                    <span class="arrow" aria-hidden="true">
                      {props.sorting?.by === c.sort ? (props.sorting?.descending ? '↓' : '↑') : ''}
                    </span>
                  </button>
                </Show>
              </div>
            )}
          </For>
        </div>
      </div>
      <div role="rowgroup" class="vbody" ref={body} style={{ height: `${props.count * tall()}px` }}>
        <For each={slotList()}>{Slot}</For>
      </div>
      <Show when={props.count === 0}>
        <div class="vempty" role="row">
          <div role="gridcell">{props.empty ?? 'Nothing here.'}</div>
        </div>
      </Show>
    </div>
  );
}

/** The first cell of a row in a tree: as far in as it is deep, with what opens it. */
export function TreeName<T>(props: { tree: Tree<T>; row: T; name: string; children: JSX.Element }): JSX.Element {
  return (
    <span class="tree-name">
      <span class="indent" style={{ width: `${props.tree.level(props.row) * 18}px` }} />
      <Show when={props.tree.open(props.row) !== null} fallback={<span class="twist" />}>
        <button
          type="button"
          class="twist"
          tabindex="-1"
          aria-expanded={props.tree.open(props.row) === true}
          aria-label={`${props.tree.open(props.row) ? 'Hide' : 'Show'} what is below ${props.name}`}
          onClick={() => props.tree.toggle(props.row)}
        >
          <Icon name="right" />
        </button>
      </Show>
      {props.children}
    </span>
  );
}

/** Short lists: a plain table with the same looks. */
export function Table<T>(props: {
  label: string;
  rows: readonly T[];
  columns: readonly Omit<Column<T>, 'width' | 'sort'>[];
  empty?: JSX.Element;
}): JSX.Element {
  const columns = createMemo(() => props.columns.filter((c) => !(c.wide && isPhone())));
  return (
    <Show when={props.rows.length > 0} fallback={<div class="quiet-empty">{props.empty ?? 'Nothing here.'}</div>}>
      <section class="table-place" aria-label={props.label} tabindex="0">
        <table class="table">
          <caption class="sr">{props.label}</caption>
          <thead>
            <tr>
              <For each={columns()}>
                {(c) => (
                  <th scope="col" classList={{ end: c.align === 'end' }}>
                    <span classList={{ sr: c.bare === true }}>{c.head}</span>
                  </th>
                )}
              </For>
            </tr>
          </thead>
          <tbody>
            <For each={props.rows}>
              {(row) => (
                <tr>
                  <For each={columns()}>{(c) => <td classList={{ end: c.align === 'end', wrap: c.wrap === true }}>{c.cell(row)}</td>}</For>
                </tr>
              )}
            </For>
          </tbody>
        </table>
      </section>
    </Show>
  );
}
