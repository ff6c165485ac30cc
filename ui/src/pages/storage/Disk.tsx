/** One disk: how it is, what it is part of, what losing it would mean, and how to find it in the case. */
import { A, useParams } from '@solidjs/router';
import { createMemo, For, type JSX, Show } from 'solid-js';
import { whyNotFree } from '../../../../control/src/domain/disk/disk.ts';
import { formatBytes } from '../../../../control/src/domain/units.ts';
import { nothing, useQuery } from '../../data/query.ts';
import { may } from '../../data/session.ts';
import { trpc } from '../../data/trpc.ts';
import { Answer, Copy, Empty, Note, Page, Section, Time } from '../../parts/basic.tsx';
import { Status, toneOfHealth } from '../../parts/Status.tsx';
import { Table } from '../../parts/VirtualTable.tsx';
import { pageOf, plural, shortDisk, shortened } from '../../parts/words.ts';
import { DiskHealth } from './DiskHealth.tsx';
import { replacePath } from './PoolActions.tsx';
import '../../style/storage.css';

const EVENTS = 20;

export const Disk = (): JSX.Element => {
  const params = useParams<{ id: string }>();
  const id = (): string => decodeURIComponent(params.id);
  const disks = useQuery('disks', nothing, () => trpc.disks.list.query(), { topics: ['pool'], by: 'path' });
  const pools = useQuery('pools', nothing, () => trpc.pools.list.query(), { topics: ['pool'] });
  const disk = createMemo(() => disks.data()?.disks.find((d) => d.path.endsWith(`/${id()}`)));
  const events = useQuery(
    'disk-events',
    () => {
      const d = disk();
      return d && may('events.read') ? { subject: `disk:${d.path}`, limit: EVENTS } : null;
    },
    (i) => trpc.events.list.query(i),
    { topics: ['event'], by: 'seq' },
  );
  /** Its place in a pool; ZFS names the partition of a disk it was given whole. */
  const place = createMemo(() => {
    const d = disk();
    if (!d) return undefined;
    for (const pool of pools.data()?.pools ?? [])
      for (const vdev of pool.vdevs)
        for (const leaf of vdev.disks) if (leaf.path.replace(/-part1$/, '') === d.path) return { pool, vdev, leaf };
    return undefined;
  });
  return (
    <Page title={shortDisk(`/${id()}`)} crumbs={[{ href: '/storage/disks', label: 'Disks' }]}>
      <Answer query={disks}>
        {(_) => (
          <Show
            when={disk()}
            fallback={
              <Empty title="There is no such disk">
                <p>
                  It was not seen at the last look: pulled, dead, or its cable is loose. <A href="/storage/disks">All disks</A>
                </p>
              </Empty>
            }
          >
            {(d) => (
              <>
                <Show
                  when={place()}
                  fallback={
                    <Note
                      tone={whyNotFree(d()) === undefined ? 'ok' : 'plain'}
                      title={whyNotFree(d()) === undefined ? 'Free' : 'Not in a pool'}
                    >
                      <p>{whyNotFree(d()) ?? 'A new pool may take it.'}</p>
                    </Note>
                  }
                >
                  {(p) => (
                    <Note
                      tone={toneOfHealth(p().leaf.state) === 'ok' ? 'ok' : toneOfHealth(p().leaf.state) === 'bad' ? 'bad' : 'warn'}
                      title={<Status tone={toneOfHealth(p().leaf.state)}>{p().leaf.state.toLowerCase()}</Status>}
                    >
                      <p>
                        One of {plural(p().vdev.disks.length, 'disk')} of {p().vdev.name} in pool{' '}
                        <A href={pageOf(`pool:${p().pool.name}`) ?? '/'}>{p().pool.name}</A>, which is {p().pool.health.toLowerCase()}:{' '}
                        {p().pool.meaning}.
                      </p>
                      <Show when={p().leaf.note}>{(note) => <p>{note()}</p>}</Show>
                    </Note>
                  )}
                </Show>
                <dl class="facts roomy">
                  <div>
                    <dt>Serial, as on its label</dt>
                    <dd>
                      <Copy text={d().serial} label="the serial">
                        <code>{d().serial}</code>
                      </Copy>
                    </dd>
                  </div>
                  <div>
                    <dt>Model</dt>
                    <dd>{d().model}</dd>
                  </div>
                  <div>
                    <dt>Size</dt>
                    <dd>
                      {formatBytes(d().size)} <small class="num">{d().size.toLocaleString('en')} bytes</small>
                    </dd>
                  </div>
                  <div>
                    <dt>Kind</dt>
                    <dd>
                      {d().rotational ? 'hard disk' : 'solid state'} <small>{d().transport ?? 'bus unknown'}</small>
                    </dd>
                  </div>
                  <div>
                    <dt>Sectors</dt>
                    <dd>
                      {d().logicalSector} <small>{d().physicalSector} physical</small>
                    </dd>
                  </div>
                  <For
                    each={
                      place()
                        ? ([
                            ['Read errors', place()?.leaf.readErrors],
                            ['Write errors', place()?.leaf.writeErrors],
                            ['Checksum errors', place()?.leaf.checksumErrors],
                          ] as const)
                        : []
                    }
                  >
                    {([k, v]) => (
                      <div>
                        <dt>{k}</dt>
                        <dd class="num">{(v ?? 0).toLocaleString('en')}</dd>
                      </div>
                    )}
                  </For>
                </dl>
                <DiskHealth
                  path={d().path}
                  replace={place() ? { pool: place()?.pool.name ?? '', href: replacePath(place()?.pool.name ?? '', d().path) } : undefined}
                />
                <Section title="Stable path">
                  <p>
                    <Copy text={d().path} label="the path">
                      <code class="path">{d().path}</code>
                    </Copy>
                  </p>
                </Section>
                <Section title="What was told of it">
                  <Table
                    label="Events of this disk"
                    rows={events.data()?.events ?? []}
                    empty="Nothing yet."
                    columns={[
                      { id: 't', head: 'When', cell: (e) => <Time at={e.at} /> },
                      { id: 'm', head: 'What', wrap: true, cell: (e) => shortened(e.message) },
                    ]}
                  />
                </Section>
              </>
            )}
          </Show>
        )}
      </Answer>
    </Page>
  );
};
