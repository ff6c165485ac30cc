/** One dataset: what it holds, its properties with where each comes from, its snapshots and shares, and what can be done with it. */
import { A, useNavigate, useParams } from '@solidjs/router';
import { createMemo, createSignal, For, type JSX, Show } from 'solid-js';
import type { ObservedDataset } from '../../../../control/src/domain/dataset/dataset.ts';
import { parentOf, poolOf } from '../../../../control/src/domain/names.ts';
import { PROPERTY_NAMES, ruleOf } from '../../../../control/src/domain/property/property.ts';
import { formatBytes } from '../../../../control/src/domain/units.ts';
import { nothing, useQuery } from '../../data/query.ts';
import { may, whyNot } from '../../data/session.ts';
import { trpc } from '../../data/trpc.ts';
import { Answer, Button, Copy, Page, Section, Time } from '../../parts/basic.tsx';
import { Menu } from '../../parts/Menu.tsx';
import { Status } from '../../parts/Status.tsx';
import { pageOf, plural } from '../../parts/words.ts';
import { Table } from '../../parts/VirtualTable.tsx';
import { TakeSnapshot } from '../SnapshotForms.tsx';
import { Encryption } from './Encryption.tsx';
import { CreateDataset, DestroyDataset, RenameDataset, SetProperties } from './DatasetForms.tsx';
import '../../style/storage.css';

type Doing = 'set' | 'rename' | 'destroy' | 'create' | 'snapshot';

const sourceText = (p: { source: string; from?: string | undefined }): JSX.Element =>
  p.source === 'inherited' && p.from !== undefined ? (
    <>
      from <A href={pageOf(`dataset:${p.from}`) ?? '/'}>{p.from}</A>
    </>
  ) : p.source === 'local' ? (
    'set here'
  ) : p.source === 'none' ? (
    ''
  ) : (
    p.source
  );

export const Dataset = (): JSX.Element => {
  const params = useParams<{ name: string }>();
  const navigate = useNavigate();
  const name = (): string => params.name.split('/').map(decodeURIComponent).join('/');
  const query = useQuery(
    'dataset',
    () => ({ name: name() }),
    (i) => trpc.datasets.get.query(i),
    { topics: ['dataset'], by: 'guid' },
  );
  const all = useQuery('datasets', nothing, () => trpc.datasets.list.query(), { topics: ['dataset'] });
  const shares = useQuery(
    'shares',
    () => (may('share.read') ? nothing() : null),
    () => trpc.shares.list.query(),
    { topics: ['share'] },
  );
  const newest = useQuery(
    'snapshots-of',
    () => ({ dataset: name(), sort: 'createdAt' as const, descending: true, limit: 8 }),
    (i) => trpc.snapshots.list.query(i),
    { topics: ['snapshot'], by: 'guid' },
  );
  const [doing, setDoing] = createSignal<Doing | null>(null);
  const children = createMemo(() => (all.data()?.datasets ?? []).filter((d) => parentOf(d.name) === name()));
  const served = createMemo(() => (shares.data()?.shares ?? []).filter((s) => s.spec.dataset === name()));
  const stop = (): void => void setDoing(null);
  const isRoot = (): boolean => !name().includes('/');
  return (
    <Page
      title={name().slice(name().lastIndexOf('/') + 1)}
      crumbs={[
        { href: '/storage/datasets', label: 'Storage' },
        ...name()
          .split('/')
          .slice(0, -1)
          .map((part, i, parts) => ({ href: pageOf(`dataset:${parts.slice(0, i + 1).join('/')}`) ?? '/', label: part })),
      ]}
      actions={
        <>
          <Button why={whyNot('storage.write')} onClick={() => setDoing('snapshot')}>
            Take snapshot
          </Button>
          <Button why={whyNot('storage.write')} onClick={() => setDoing('set')}>
            Set properties
          </Button>
          <Menu
            label="More"
            items={[
              {
                label: 'Create a dataset below it',
                onSelect: () => setDoing('create'),
                why: whyNot('storage.write') ?? (query.data()?.dataset.kind === 'volume' ? 'A volume holds no datasets.' : undefined),
              },
              {
                label: 'Share it',
                onSelect: () => navigate(`/shares?do=create&dataset=${encodeURIComponent(name())}`),
                why: whyNot('share.write') ?? (query.data()?.dataset.kind === 'volume' ? 'A volume holds no files to share.' : undefined),
              },
              {
                label: 'Rename',
                onSelect: () => setDoing('rename'),
                why: whyNot('storage.write') ?? (isRoot() ? 'It is the root of its pool.' : undefined),
              },
              {
                label: 'Destroy',
                danger: true,
                onSelect: () => setDoing('destroy'),
                why: whyNot('storage.write') ?? (isRoot() ? 'It is the root of its pool; pools are never destroyed from here.' : undefined),
              },
            ]}
          />
        </>
      }
    >
      <Answer query={query}>
        {(_) => {
          const d = (): ObservedDataset => query.data()?.dataset as ObservedDataset; // shown only when there is one
          return (
            <>
              <dl class="facts">
                <div>
                  <dt>Used, with all below</dt>
                  <dd>
                    {formatBytes(d().used)} <small>{formatBytes(d().usedBySnapshots)} of it by snapshots</small>
                  </dd>
                </div>
                <div>
                  <dt>Holds itself</dt>
                  <dd>
                    {formatBytes(d().referenced)} <small>{d().compressRatio.toFixed(2)}× compressed</small>
                  </dd>
                </div>
                <div>
                  <dt>Available</dt>
                  <dd>{formatBytes(d().available)}</dd>
                </div>
                <div>
                  <dt>Mounted</dt>
                  <dd>
                    {d().kind === 'volume' ? 'block device' : d().mounted ? 'yes' : 'no'} <small>{d().mountpoint ?? ''}</small>
                  </dd>
                </div>
                <div>
                  <dt>Encryption</dt>
                  <dd>
                    {d().encryption === 'off' ? 'off' : d().encryption}
                    <Show when={d().keyStatus === 'unavailable'}>
                      <small>locked: the key is not loaded</small>
                    </Show>
                  </dd>
                </div>
                <div>
                  <dt>Identity</dt>
                  <dd>
                    <Copy text={d().guid} label="the guid">
                      <code>…{d().guid.slice(-8)}</code>
                    </Copy>
                    <small>
                      created <Time at={d().createdAt} />
                    </small>
                  </dd>
                </div>
              </dl>
              <Show when={d().origin}>
                {(origin) => <p>It is a clone of {origin()}, which cannot be destroyed while this is there.</p>}
              </Show>
              <div class="split">
                <Section title="Properties">
                  <Table
                    label="Properties"
                    rows={PROPERTY_NAMES.flatMap((n) => {
                      const p = d().properties[n];
                      return p === undefined ? [] : [{ name: n, ...p }];
                    }).sort((a, b) => Number(b.source === 'local') - Number(a.source === 'local'))}
                    columns={[
                      { id: 'n', head: 'Property', cell: (p) => p.name },
                      {
                        id: 'v',
                        head: 'Value',
                        wrap: true,
                        cell: (p) => (
                          <span class="mono">{ruleOf(p.name).size && /^\d+$/.test(p.value) ? formatBytes(Number(p.value)) : p.value}</span>
                        ),
                      },
                      { id: 's', head: 'Source', cell: (p) => <span class="prop-source">{sourceText(p)}</span> },
                    ]}
                  />
                </Section>
                <div class="stack">
                  <Show when={d().encryption !== 'off'}>
                    <Encryption dataset={d()} />
                  </Show>
                  <Section
                    title="Snapshots"
                    aside={<A href={`/protection?dataset=${encodeURIComponent(name())}`}>{plural(d().snapshots, 'snapshot')}</A>}
                  >
                    <Table
                      label="Newest snapshots"
                      rows={newest.data()?.rows ?? []}
                      empty="None yet. A snapshot costs nothing until something changes."
                      columns={[
                        { id: 't', head: 'Name', cell: (s) => <span class="mono">{s.tag}</span> },
                        { id: 'u', head: 'Own space', align: 'end', cell: (s) => <span class="num">{formatBytes(s.used)}</span> },
                        { id: 'c', head: 'Taken', align: 'end', cell: (s) => <Time at={s.createdAt} /> },
                      ]}
                    />
                  </Section>
                  <Section title="Shares">
                    <Table
                      label="Shares"
                      rows={served()}
                      empty="Not shared."
                      columns={[
                        {
                          id: 'n',
                          head: 'Name',
                          cell: (s) => <A href={pageOf(`share:${s.spec.kind}:${s.spec.name}`) ?? '/shares'}>{s.spec.name}</A>,
                        },
                        { id: 'k', head: 'Kind', cell: (s) => s.spec.kind.toUpperCase() },
                        {
                          id: 's',
                          head: 'State',
                          cell: (s) => <Status tone={s.serving ? 'ok' : 'warn'}>{s.serving ? 'served' : (s.note ?? 'not served')}</Status>,
                        },
                      ]}
                    />
                  </Section>
                  <Show when={children().length > 0}>
                    <Section title="Below it" aside={plural(children().length, 'dataset')}>
                      <ul class="plain-list">
                        <For each={children()}>
                          {(c) => (
                            <li>
                              <A href={pageOf(`dataset:${c.name}`) ?? '/'}>{c.name.slice(name().length + 1)}</A>{' '}
                              <span class="dim">{formatBytes(c.used)}</span>
                            </li>
                          )}
                        </For>
                      </ul>
                    </Section>
                  </Show>
                  <p>
                    In pool <A href={pageOf(`pool:${poolOf(name())}`) ?? '/'}>{poolOf(name())}</A>
                  </p>
                </div>
              </div>
              <Show when={doing() === 'set'}>
                <SetProperties dataset={d()} onClose={stop} />
              </Show>
            </>
          );
        }}
      </Answer>
      <Show when={doing() === 'rename'}>
        <RenameDataset name={name()} onClose={stop} />
      </Show>
      <Show when={doing() === 'destroy'}>
        <DestroyDataset name={name()} onClose={stop} />
      </Show>
      <Show when={doing() === 'create'}>
        <CreateDataset under={name()} onClose={stop} />
      </Show>
      <Show when={doing() === 'snapshot'}>
        <TakeSnapshot dataset={name()} onClose={stop} />
      </Show>
    </Page>
  );
};
