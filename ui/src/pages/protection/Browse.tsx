/** A dataset as it was: folders and files of one snapshot, the same place in another, the versions of one file, and the way back. */
import { A, useSearchParams } from '@solidjs/router';
import { createEffect, createMemo, createSignal, For, type JSX, lazy, on, Show, Suspense } from 'solid-js';
import type { FileEntry } from '../../../../control/src/domain/snapshot/files.ts';
import { useQuery } from '../../data/query.ts';
import { whyNot } from '../../data/session.ts';
import { trpc } from '../../data/trpc.ts';
import { Answer, Button, Bytes, Note, Page, ProblemBox, Time } from '../../parts/basic.tsx';
import { Dialog } from '../../parts/Dialog.tsx';
import { Table } from '../../parts/VirtualTable.tsx';
import { exact, pageOf, plural } from '../../parts/words.ts';
import { CloneSnapshot } from './Clones.tsx';
import { browseHref } from './links.ts';
import type { Item } from './Restore.tsx';
import { PROTECTION_TABS } from './tabs.ts';
import '../../style/protection.css';

const Restore = lazy(() => import('./Restore.tsx').then((m) => ({ default: m.Restore })));
const NEWEST = 500;

const fileHref = (i: Omit<Item, 'entry'>): string =>
  `/api/zfs/snapshots/file?${new URLSearchParams({ dataset: i.dataset, tag: i.tag, guid: i.guid, path: i.path })}`;

export const Browse = (): JSX.Element => {
  const [params, setParams] = useSearchParams<{ dataset?: string; tag?: string; path?: string }>();
  const dataset = () => params.dataset ?? '';
  const path = () => params.path ?? '';
  const [text, setText] = createSignal('');
  const [restoring, setRestoring] = createSignal<Item | null>(null);
  const [history, setHistory] = createSignal<string | null>(null);
  const snapshots = useQuery(
    'snapshots-of',
    () => (dataset() === '' ? null : { dataset: dataset(), sort: 'createdAt' as const, descending: true, limit: NEWEST }),
    (i) => trpc.snapshots.list.query(i),
    { topics: ['snapshot'], by: 'guid' },
  );
  const here = createMemo(
    () => snapshots.data()?.rows.find((s) => s.tag === params.tag) ?? (params.tag === undefined ? snapshots.data()?.rows[0] : undefined),
  );
  const at = createMemo(() => {
    const s = here();
    return s === undefined ? null : { dataset: s.dataset, tag: s.tag, guid: s.guid };
  });
  const folder = useQuery(
    'browse',
    () => {
      const a = at();
      return a === null || text().trim() !== '' ? null : { ...a, path: path(), offset: 0 };
    },
    (i) => trpc.snapshots.browse.query(i),
    { topics: [] },
  );
  const found = useQuery(
    'browse-search',
    () => {
      const a = at();
      return a === null || text().trim() === '' ? null : { ...a, path: path(), text: text().trim() };
    },
    (i) => trpc.snapshots.search.query(i),
    { topics: [], by: 'path' },
  );
  createEffect(on([dataset, path], () => setText('')));
  const [cloning, setCloning] = createSignal(false);
  const below = (name: string): string => (path() === '' ? name : `${path()}/${name}`);
  const crumbs = createMemo(() => {
    const parts = path() === '' ? [] : path().split('/');
    return parts.map((name, i) => ({ name, path: parts.slice(0, i + 1).join('/') }));
  });
  const rows = createMemo((): { path: string; entry: FileEntry }[] =>
    text().trim() !== ''
      ? (found.data()?.found ?? [])
      : (folder.data()?.entries ?? []).map((entry) => ({ path: below(entry.name), entry })),
  );
  type Row = ReturnType<typeof rows>[number];
  const item = (r: Row): Item | null => {
    const a = at();
    return a === null ? null : { ...a, ...r };
  };
  const kinds = { file: '', folder: 'folder', link: 'link', other: 'special' } as const;
  const problem = () => (text().trim() !== '' ? found.problem() : folder.problem());
  const loading = () => (text().trim() !== '' ? found.data() === undefined : folder.data() === undefined) && problem() === null;
  return (
    <Page
      title="Files as they were"
      tabs={PROTECTION_TABS}
      actions={
        <Button
          why={whyNot('storage.write') ?? (at() === null ? 'This snapshot is not there any more.' : undefined)}
          onClick={() => setCloning(true)}
        >
          Clone all of it
        </Button>
      }
      crumbs={[{ href: `/protection?dataset=${encodeURIComponent(dataset())}`, label: 'Snapshots' }]}
      lead={
        <>
          <A href={pageOf(`dataset:${dataset()}`) ?? '/'}>{dataset()}</A>
          <Show when={here()}>
            {(s) => (
              <>
                {' '}
                at <Time at={s().createdAt} exact />
              </>
            )}
          </Show>
        </>
      }
    >
      <Answer query={snapshots}>
        {(_) => (
          <Show
            when={at()}
            fallback={
              <Note tone="warn" title="This snapshot is not there any more">
                <p>Choose another one of {plural(snapshots.data()?.total ?? 0, 'snapshot')}.</p>
              </Note>
            }
          >
            <div class="tools">
              <label class="inline">
                As of{' '}
                <select value={here()?.tag} onChange={(e) => setParams({ tag: e.currentTarget.value })}>
                  <For each={snapshots.data()?.rows ?? []}>
                    {(s) => (
                      <option value={s.tag} selected={s.tag === here()?.tag}>
                        {exact(s.createdAt)}
                        {s.tag.startsWith('GMT-') ? '' : `  ${s.tag}`}
                      </option>
                    )}
                  </For>
                </select>
              </label>
              <input
                class="search"
                type="search"
                aria-label="Search names in this folder and below"
                placeholder="Search names here and below"
                value={text()}
                onInput={(e) => setText(e.currentTarget.value)}
              />
            </div>
            <nav class="crumbs path" aria-label="Folder">
              <A href={browseHref(dataset(), here()?.tag ?? '')}>{dataset()}</A>
              <For each={crumbs()}>
                {(c) => (
                  <>
                    <span aria-hidden="true">/</span>
                    <A href={browseHref(dataset(), here()?.tag ?? '', c.path)}>{c.name}</A>
                  </>
                )}
              </For>
            </nav>
            <Show when={problem()}>{(p) => <ProblemBox problem={p()} />}</Show>
            <Show when={loading()}>
              <p class="waiting">Reading the snapshot …</p>
            </Show>
            <Show when={!loading() && problem() === null}>
              <Table
                label="Files"
                rows={rows()}
                empty={text().trim() === '' ? 'This folder was empty.' : 'Nothing has this in its name.'}
                columns={[
                  {
                    id: 'n',
                    head: 'Name',
                    cell: (r) => {
                      const name = text().trim() === '' ? r.entry.name : r.path;
                      return r.entry.type === 'folder' ? (
                        <A href={browseHref(dataset(), here()?.tag ?? '', r.path)}>{name}/</A>
                      ) : (
                        <span>{name}</span>
                      );
                    },
                  },
                  { id: 'k', head: 'Kind', wide: true, cell: (r) => <span class="dim">{kinds[r.entry.type]}</span> },
                  {
                    id: 's',
                    head: 'Size',
                    align: 'end',
                    wide: true,
                    cell: (r) => (r.entry.type === 'file' ? <Bytes of={r.entry.size} /> : ''),
                  },
                  { id: 'c', head: 'Changed', wide: true, cell: (r) => <Time at={r.entry.modifiedAt} /> },
                  {
                    id: 'x',
                    head: 'Actions',
                    bare: true,
                    align: 'end',
                    cell: (r) => (
                      <span class="row-actions">
                        <Show when={r.entry.type === 'file' || r.entry.type === 'folder'}>
                          <Button look="quiet" aria-label={`Versions of ${r.entry.name}`} onClick={() => setHistory(r.path)}>
                            Versions
                          </Button>
                          <Show when={item(r)}>
                            {(i) => (
                              <a class="button quiet" href={fileHref(i())} download="" aria-label={`Download ${r.entry.name}`}>
                                Download
                              </a>
                            )}
                          </Show>
                        </Show>
                        <Button
                          look="quiet"
                          why={whyNot('storage.write')}
                          aria-label={`Restore ${r.entry.name}`}
                          onClick={() => setRestoring(item(r))}
                        >
                          Restore
                        </Button>
                      </span>
                    ),
                  },
                ]}
              />
              <Show when={text().trim() !== '' && found.data()?.complete === false}>
                <p class="help">That is how far one looks within seconds. Search in a folder below.</p>
              </Show>
              <Show when={text().trim() === '' && (folder.data()?.total ?? 0) > rows().length}>
                <p class="help">
                  The first {rows().length.toLocaleString('en')} of {plural(folder.data()?.total ?? 0, 'entry', 'entries')}. Search for the
                  others by name.
                </p>
              </Show>
            </Show>
          </Show>
        )}
      </Answer>
      <Suspense>
        <Show when={restoring()} keyed>
          {(i) => <Restore item={i} onClose={() => setRestoring(null)} />}
        </Show>
      </Suspense>
      <Show when={history()} keyed>
        {(p) => (
          <Versions
            dataset={dataset()}
            path={p}
            guids={new Map((snapshots.data()?.rows ?? []).map((s) => [s.tag, s.guid]))}
            onClose={() => setHistory(null)}
            onRestore={(i) => {
              setHistory(null);
              setRestoring(i);
            }}
          />
        )}
      </Show>
      <Show when={cloning() ? at() : null} keyed>
        {(a) => <CloneSnapshot snapshot={a} onClose={() => setCloning(false)} />}
      </Show>
    </Page>
  );
};

const Versions = (props: {
  dataset: string;
  path: string;
  guids: ReadonlyMap<string, string>;
  onClose: () => void;
  onRestore: (item: Item) => void;
}): JSX.Element => {
  const versions = useQuery(
    'versions',
    () => ({ dataset: props.dataset, path: props.path }),
    (i) => trpc.snapshots.versions.query(i),
    { topics: [] },
  );
  return (
    <Dialog open onClose={props.onClose} title={`Versions of ${props.path}`} wide>
      <Answer query={versions} waiting="Looking into the snapshots …">
        {(d) => (
          <>
            <Table
              label="Versions"
              rows={[...d.versions].reverse()}
              empty="No snapshot shows it."
              columns={[
                { id: 'c', head: 'Changed', cell: (v) => <Time at={v.entry.modifiedAt} exact /> },
                { id: 's', head: 'Size', align: 'end', cell: (v) => <Bytes of={v.entry.size} /> },
                { id: 'n', head: 'In', wide: true, align: 'end', cell: (v) => plural(v.tags.length, 'snapshot') },
                {
                  id: 'x',
                  head: 'Actions',
                  bare: true,
                  align: 'end',
                  cell: (v) => {
                    const tag = v.tags.at(-1) ?? '';
                    const guid = props.guids.get(tag);
                    if (guid === undefined) return '';
                    const it: Item = { dataset: props.dataset, tag, guid, path: props.path, entry: v.entry };
                    return (
                      <span class="row-actions">
                        <a class="button quiet" href={fileHref(it)} download="" aria-label={`Download the version in ${tag}`}>
                          Download
                        </a>
                        <Button
                          look="quiet"
                          why={whyNot('storage.write')}
                          aria-label={`Restore the version in ${tag}`}
                          onClick={() => props.onRestore(it)}
                        >
                          Restore
                        </Button>
                      </span>
                    );
                  },
                },
              ]}
            />
            <Show when={d.of > d.looked}>
              <p class="help">
                In the newest {d.looked} of {plural(d.of, 'snapshot')}.
              </p>
            </Show>
          </>
        )}
      </Answer>
    </Dialog>
  );
};
