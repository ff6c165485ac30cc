/** Pools drawn as what they are, and all disks with who uses them. */
import { A, useSearchParams } from '@solidjs/router';
import { createMemo, createSignal, For, type JSX, Show } from 'solid-js';
import { whyNotFree } from '../../../../control/src/domain/disk/disk.ts';
import { formatBytes } from '../../../../control/src/domain/units.ts';
import { nothing, useQuery } from '../../data/query.ts';
import { whyNot } from '../../data/session.ts';
import type { Outputs } from '../../data/trpc.ts';
import { trpc } from '../../data/trpc.ts';
import { Answer, Button, Bytes, Copy, Empty, Meter, Note, Page, Time } from '../../parts/basic.tsx';
import { PoolDrawing } from '../../parts/PoolDrawing.tsx';
import { Status, toneOfHealth } from '../../parts/Status.tsx';
import { pageOf, percent, plural, shortDisk } from '../../parts/words.ts';
import { Table } from '../../parts/VirtualTable.tsx';
import { ChangeDialog } from '../../plan/ChangeDialog.tsx';
import { CreatePool } from './CreatePool.tsx';
import { DiskCare } from './DiskCare.tsx';
import { type Health, shortWordOf, toneOfRisk } from './health.ts';
import { useHealth } from './RiskyDisks.tsx';
import { scanText } from './scan.ts';
import { STORAGE_TABS } from './tabs.ts';
import '../../style/storage.css';

type PoolRow = Outputs['pools']['list']['pools'][number];
type DiskRow = Outputs['disks']['list']['disks'][number];

const useDisks = () => useQuery('disks', nothing, () => trpc.disks.list.query(), { topics: ['pool'], by: 'path' });

const sentence = (why: string): string => `${why.charAt(0).toUpperCase()}${why.slice(1)}${why.endsWith('.') ? '' : '.'}`;

const PoolPanel = (props: { pool: PoolRow }): JSX.Element => (
  <article class="card">
    <div class="pool-head">
      <h2>
        <A href={`/storage/pools/${encodeURIComponent(props.pool.name)}`}>{props.pool.name}</A>
      </h2>
      <Status tone={toneOfHealth(props.pool.health)}>{props.pool.health.toLowerCase()}</Status>
      <span class="dim">{props.pool.meaning}</span>
    </div>
    <div class="pool-space">
      <Meter
        label={`Space used in ${props.pool.name}`}
        value={props.pool.allocated}
        of={props.pool.size}
        text={`${formatBytes(props.pool.allocated)} of ${formatBytes(props.pool.size)}`}
      />
      <p class="num">
        {formatBytes(props.pool.free)} free{' '}
        <span class="dim">
          of {formatBytes(props.pool.size)}, {percent(props.pool.allocated, props.pool.size).toFixed(0)}% used
        </span>
      </p>
    </div>
    <PoolDrawing pool={props.pool} />
    <p class="dim">{scanText(props.pool.scan)}</p>
  </article>
);

const FreeDisks = (props: { onCreate: () => void }): JSX.Element => {
  const disks = useDisks();
  const free = createMemo(() => (disks.data()?.disks ?? []).filter((d) => whyNotFree(d) === undefined));
  return (
    <Empty title="No pool yet">
      <p>
        A pool is made of disks and holds everything else.{' '}
        {free().length > 0 ? `${plural(free().length, 'disk is', 'disks are')} free:` : 'No disk is free now.'}
      </p>
      <ul class="plain-list">
        <For each={free()}>
          {(d) => (
            <li>
              {shortDisk(d.path)} <span class="dim">{formatBytes(d.size)}</span>
            </li>
          )}
        </For>
      </ul>
      <Button
        look="main"
        why={whyNot('storage.write') ?? (free().length === 0 ? 'No disk is free.' : undefined)}
        onClick={() => props.onCreate()}
      >
        Create a pool
      </Button>
      <p>
        Or declare it in <A href="/changes/state">state.yaml</A>. Both show a plan before anything is written to a disk.
      </p>
    </Empty>
  );
};

export const Pools = (): JSX.Element => {
  const pools = useQuery('pools', nothing, () => trpc.pools.list.query(), { topics: ['pool'] });
  const [given, setGiven] = createSignal<string | null>(null);
  const [params, setParams] = useSearchParams<{ do?: string }>();
  return (
    <Page
      title="Storage"
      tabs={STORAGE_TABS}
      actions={
        <>
          <A class="button plain" href="/storage/import">
            Import pool
          </A>
          <Button icon="plus" why={whyNot('storage.write')} onClick={() => setParams({ do: 'create' })}>
            Create pool
          </Button>
        </>
      }
    >
      <Show when={params.do === 'create'}>
        <CreatePool onClose={() => setParams({ do: undefined })} />
      </Show>
      <Show when={given()}>
        {(name) => (
          <ChangeDialog
            title={`Forget pool ${name()}`}
            about="Nothing waits for it any more: shares of other pools come up without it. Its disks are not touched, and it can be imported whenever they are back."
            onClose={() => setGiven(null)}
            changes={() => [{ kind: 'pool.forget', name: name() }]}
          />
        )}
      </Show>
      <Answer query={pools}>
        {(_) => (
          <div class="stack">
            <For each={pools.data()?.stuck}>
              {(s) => (
                <Note tone="bad" title={`Pool ${s.pool} does not answer`}>
                  <p>
                    since <Time at={s.since} />. {sentence(s.problem.why)}
                  </p>
                  <Show when={s.guid !== undefined}>
                    <p class="row">
                      <Button why={whyNot('storage.write')} onClick={() => setGiven(s.pool)}>
                        It will not come back …
                      </Button>
                    </p>
                  </Show>
                </Note>
              )}
            </For>
            <For each={pools.data()?.pools} fallback={<FreeDisks onCreate={() => setParams({ do: 'create' })} />}>
              {(p) => <PoolPanel pool={p} />}
            </For>
          </div>
        )}
      </Answer>
    </Page>
  );
};

const useOf = (d: DiskRow): JSX.Element => (
  <Show when={d.pool} fallback={<Status tone={whyNotFree(d) === undefined ? 'ok' : 'never'}>{whyNotFree(d) ?? 'free'}</Status>}>
    {(pool) => <A href={`/storage/pools/${encodeURIComponent(pool())}`}>{pool()}</A>}
  </Show>
);

export const Disks = (): JSX.Element => {
  const disks = useDisks();
  const health = useHealth();
  const byPath = createMemo(() => new Map((health.data()?.disks ?? []).map((h) => [h.path, h] as const)));
  const healthOf = (d: DiskRow): Health | undefined => byPath().get(d.path);
  return (
    <Page title="Storage" tabs={STORAGE_TABS}>
      <Answer query={disks}>
        {(_) => (
          <Table
            label="Disks"
            rows={disks.data()?.disks ?? []}
            empty="No disk was found."
            columns={[
              {
                id: 'disk',
                head: 'Disk',
                cell: (d) => (
                  <span class="row tight">
                    <A href={pageOf(`disk:${d.path}`) ?? '/'}>{shortDisk(d.path)}</A>
                    <Copy text={d.path} label={`the path of ${shortDisk(d.path)}`} />
                  </span>
                ),
              },
              { id: 'use', head: 'Used by', wrap: true, cell: useOf },
              {
                id: 'health',
                head: 'Health',
                cell: (d) => (
                  <Show when={healthOf(d)}>
                    {(h) => (
                      <span title={h().reasons.join('; ')}>
                        <Status tone={toneOfRisk(h())}>{shortWordOf(h())}</Status>
                      </span>
                    )}
                  </Show>
                ),
              },
              {
                id: 'warmth',
                head: '°C',
                align: 'end',
                wide: true,
                cell: (d) => <span class="num">{healthOf(d)?.smart?.temperature ?? ''}</span>,
              },
              { id: 'size', head: 'Size', align: 'end', wide: true, cell: (d) => <Bytes of={d.size} /> },
              {
                id: 'kind',
                head: 'Kind',
                wide: true,
                cell: (d) => `${d.rotational ? 'hard disk' : 'solid state'}${d.transport === null ? '' : `, ${d.transport}`}`,
              },
              { id: 'serial', head: 'Serial', wide: true, cell: (d) => <code>{d.serial}</code> },
            ]}
          />
        )}
      </Answer>
      <DiskCare />
    </Page>
  );
};
