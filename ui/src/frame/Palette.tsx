/** Ctrl-K: any object, page or action by a few letters of its name. */
import { Search } from '@kobalte/core/search';
import { useNavigate } from '@solidjs/router';
import { createMemo, createSignal, type JSX } from 'solid-js';
import { nothing, useQuery } from '../data/query.ts';
import { may, whyNot } from '../data/session.ts';
import { setTheme } from '../data/settings.ts';
import { trpc } from '../data/trpc.ts';
import { Dialog } from '../parts/Dialog.tsx';
import { pageOf } from '../parts/words.ts';
import { PARTS, PLACES } from './places.ts';

type Hit = { id: string; label: string; kind: string; go: () => void };
const SHOWN = 12;

/** Earlier and closer together is better; null when the letters are not there in this order. */
export const scoreOf = (text: string, asked: string): number | null => {
  const low = text.toLowerCase();
  const whole = low.indexOf(asked);
  if (whole >= 0) return whole + (low.length - asked.length) / 100;
  let at = -1;
  let gaps = 0;
  for (const letter of asked) {
    const next = low.indexOf(letter, at + 1);
    if (next < 0) return null;
    gaps += next - at - 1;
    at = next;
  }
  return 50 + gaps;
};

export const Palette = (props: { onClose: () => void }): JSX.Element => {
  const navigate = useNavigate();
  const [text, setText] = createSignal('');
  const pools = useQuery(
    'pools',
    () => (may('storage.read') ? nothing() : null),
    () => trpc.pools.list.query(),
    { topics: ['pool'] },
  );
  const datasets = useQuery(
    'datasets',
    () => (may('storage.read') ? nothing() : null),
    () => trpc.datasets.list.query(),
    {
      topics: ['dataset'],
    },
  );
  const shares = useQuery(
    'shares',
    () => (may('share.read') ? nothing() : null),
    () => trpc.shares.list.query(),
    { topics: ['share'] },
  );
  const to = (href: string) => () => {
    navigate(href);
  };
  const all = createMemo((): Hit[] => [
    ...PLACES.filter((p) => may(p.needs)).map((p) => ({ id: `p${p.href}`, label: p.label, kind: 'page', go: to(p.href) })),
    ...PARTS.map((p) => ({ id: `p${p.href}`, label: p.label, kind: 'page', go: to(p.href) })),
    ...(whyNot('storage.write') === undefined
      ? [
          { id: 'a-pool', label: 'Create a pool', kind: 'action', go: to('/storage?do=create') },
          { id: 'a-dataset', label: 'Create a dataset', kind: 'action', go: to('/storage/datasets?do=create') },
          { id: 'a-snapshot', label: 'Take a snapshot', kind: 'action', go: to('/protection?do=create') },
        ]
      : []),
    ...(whyNot('share.write') === undefined
      ? [{ id: 'a-share', label: 'Create a share', kind: 'action', go: to('/shares?do=create') }]
      : []),
    ...(['light', 'dark', 'system'] as const).map((t) => ({ id: `t${t}`, label: `Theme: ${t}`, kind: 'action', go: () => setTheme(t) })),
    ...(pools.data()?.pools ?? []).map((p) => ({
      id: `o-p${p.name}`,
      label: p.name,
      kind: 'pool',
      go: to(pageOf(`pool:${p.name}`) ?? '/'),
    })),
    ...(datasets.data()?.datasets ?? []).map((d) => ({
      id: `o-d${d.name}`,
      label: d.name,
      kind: 'dataset',
      go: to(pageOf(`dataset:${d.name}`) ?? '/'),
    })),
    ...(shares.data()?.shares ?? []).map((s) => ({
      id: `o-s${s.spec.kind}${s.spec.name}`,
      label: s.spec.name,
      kind: `${s.spec.kind} share`,
      go: to(pageOf(`share:${s.spec.kind}:${s.spec.name}`) ?? '/shares'),
    })),
  ]);
  const hits = createMemo((): Hit[] => {
    const asked = text().trim().toLowerCase().replaceAll(' ', '');
    if (asked === '') return all().slice(0, SHOWN);
    return all()
      .map((hit) => ({ hit, score: scoreOf(hit.label, asked) }))
      .filter((x): x is { hit: Hit; score: number } => x.score !== null)
      .sort((a, b) => a.score - b.score)
      .slice(0, SHOWN)
      .map((x) => x.hit);
  });
  let taken = false;
  const take = (hit: Hit): void => {
    // Enter comes here, and by way of the list, too
    if (taken) return;
    taken = true;
    props.onClose();
    hit.go();
  };
  /**
   * Enter takes what is marked; the best when nothing is. Not left to the list: what it marked may be gone from it
   * a letter later, and Enter would then take nothing.
   */
  const onKey = (e: KeyboardEvent & { currentTarget: HTMLInputElement }): void => {
    if (e.key !== 'Enter') return;
    const id = e.currentTarget.getAttribute('aria-activedescendant');
    const marked = id === null ? undefined : document.getElementById(id)?.dataset.key;
    const hit = hits().find((h) => h.id === marked) ?? hits()[0];
    if (hit === undefined) return;
    e.preventDefault();
    take(hit);
  };
  return (
    <Dialog open onClose={props.onClose} title="Find">
      <Search<Hit>
        open
        allowsEmptyCollection
        triggerMode="input"
        options={hits()}
        optionValue="id"
        optionTextValue="label"
        optionLabel="label"
        placeholder="A pool, dataset, page or action"
        onInputChange={setText}
        onChange={(hit) => hit && take(hit)}
        itemComponent={(p) => (
          <Search.Item item={p.item} class="hit">
            <Search.ItemLabel class="hit-label">
              <span>{p.item.rawValue.label}</span>
              <small>{p.item.rawValue.kind}</small>
            </Search.ItemLabel>
          </Search.Item>
        )}
      >
        <Search.Control aria-label="Find" class="find-control">
          <Search.Input onKeyDown={onKey} class="find-input" aria-label="Find a pool, dataset, page or action" autofocus />
        </Search.Control>
        <Search.Listbox class="hits" aria-label="Found" />
        <Search.NoResult class="no-hits">Nothing has these letters in its name.</Search.NoResult>
      </Search>
    </Dialog>
  );
};
