/** One pool: its state and what that means, its disks, its space, its last scrub. */
import { A, useParams } from '@solidjs/router';
import { createSignal, For, type JSX, Show } from 'solid-js';
import { formatBytes } from '../../../../control/src/domain/units.ts';
import { useQuery } from '../../data/query.ts';
import { whyNot } from '../../data/session.ts';
import { trpc } from '../../data/trpc.ts';
import { Answer, Button, Copy, Meter, Note, Page, Section, Time } from '../../parts/basic.tsx';
import { PoolDrawing } from '../../parts/PoolDrawing.tsx';
import { Status, toneOfHealth } from '../../parts/Status.tsx';
import { pageOf, percent, plural, shortDisk } from '../../parts/words.ts';
import { Table } from '../../parts/VirtualTable.tsx';
import { ChangeDialog } from '../../plan/ChangeDialog.tsx';
import { PoolCare } from './PoolCare.tsx';
import { PoolGuard } from './PoolGuard.tsx';
import { PoolIo } from './PoolIo.tsx';
import { PoolSpace } from './PoolSpace.tsx';
import { works } from '../../../../control/src/domain/pool/redundancy.ts';
import { DiskActions, PoolActions, replacePath } from './PoolActions.tsx';
import { RiskyDisks } from './RiskyDisks.tsx';
import { PoolWork } from './PoolWork.tsx';
import { scanText } from './scan.ts';
import '../../style/storage.css';

export const Pool = (): JSX.Element => {
  const params = useParams<{ name: string }>();
  const name = (): string => decodeURIComponent(params.name);
  const query = useQuery(
    'pool',
    () => ({ name: name() }),
    (i) => trpc.pools.get.query(i),
    { topics: ['pool', 'dataset'], by: 'guid' },
  );
  const [scrub, setScrub] = createSignal<'start' | 'stop' | 'pause' | null>(null);
  return (
    <Page
      title={name()}
      crumbs={[{ href: '/storage', label: 'Storage' }]}
      actions={
        <>
          <Show when={query.data()?.pool}>{(pool) => <PoolActions pool={pool()} />}</Show>
          <Button why={whyNot('storage.write')} onClick={() => setScrub(query.data()?.pool.scan.state === 'scanning' ? 'stop' : 'start')}>
            {query.data()?.pool.scan.state === 'scanning' ? 'Stop scrub' : 'Scrub now'}
          </Button>
        </>
      }
    >
      <Answer query={query}>
        {(_) => {
          const data = () => query.data() as NonNullable<ReturnType<typeof query.data>>; // shown only when there is one
          const p = () => data().pool;
          return (
            <>
              <Note
                tone={toneOfHealth(p().health) === 'bad' ? 'bad' : p().meaning === 'healthy' ? 'ok' : 'warn'}
                title={<Status tone={toneOfHealth(p().health)}>{p().health.toLowerCase()}</Status>}
              >
                <p>{p().meaning}</p>
                <Show when={p().status}>
                  <p class="dim">{p().status}</p>
                </Show>
              </Note>
              <PoolDrawing pool={p()} />
              <RiskyDisks pool={p()} />
              <For
                each={p()
                  .vdevs.flatMap((v) => (v.role === 'spare' ? [] : v.disks))
                  .filter((d) => !works(d.state) && d.state !== 'OFFLINE')}
              >
                {(d) => (
                  <Note tone="warn" title={`${shortDisk(d.path)} is ${d.state.toLowerCase()}`}>
                    <p>
                      {d.note ??
                        (d.state === 'REMOVED' || d.state === 'UNAVAIL'
                          ? 'It is not there. When it comes back it is used again by itself.'
                          : '')}
                    </p>
                    <p>
                      <A href={replacePath(name(), d.path)}>{d.standIns?.length ? 'How far its replacement is' : 'Replace it'}</A>
                    </p>
                  </Note>
                )}
              </For>
              <dl class="facts">
                <div>
                  <dt>Used</dt>
                  <dd>
                    {formatBytes(p().allocated)}{' '}
                    <small>
                      {percent(p().allocated, p().size).toFixed(1)}% of {formatBytes(p().size)}
                    </small>
                  </dd>
                </div>
                <div>
                  <dt>Free</dt>
                  <dd>{formatBytes(p().free)}</dd>
                </div>
                <div>
                  <dt>Fragmentation</dt>
                  <dd>{p().fragmentation === null ? 'unknown' : `${p().fragmentation}%`}</dd>
                </div>
                <div>
                  <dt>Damaged files</dt>
                  <dd>{p().dataErrors === 0 ? 'none' : p().dataErrors.toLocaleString('en')}</dd>
                </div>
                <div>
                  <dt>Datasets</dt>
                  <dd>
                    <A href="/storage/datasets">{data().datasets.toLocaleString('en')}</A>
                  </dd>
                </div>
                <div>
                  <dt>Last look at every block</dt>
                  <dd>
                    <Show when={p().scan.state === 'finished' && p().scan.endedAt} fallback={scanText(p().scan)}>
                      {(at) => (
                        <>
                          <Time at={at()} /> <small>{p().scan.errors === 0 ? 'no errors' : plural(p().scan.errors, 'error')}</small>
                        </>
                      )}
                    </Show>
                  </dd>
                </div>
                <div>
                  <dt>Identity</dt>
                  <dd>
                    <Copy text={p().guid} label="the guid">
                      <code>…{p().guid.slice(-8)}</code>
                    </Copy>
                  </dd>
                </div>
              </dl>
              <Meter
                label="Space used"
                value={p().allocated}
                of={p().size}
                text={`${formatBytes(p().allocated)} of ${formatBytes(p().size)}`}
              />
              <PoolWork pool={p()} onEnd={() => query.refetch()} />
              <PoolGuard name={name()} />
              <PoolIo name={name()} />
              <PoolCare name={name()} />
              <PoolSpace name={name()} />
              <Section title="Disks" aside={plural(p().vdevs.flatMap((v) => v.disks).length, 'disk')}>
                <Table
                  label={`Disks of ${name()}`}
                  rows={p().vdevs.flatMap((v) => v.disks.map((d) => ({ ...d, vdev: v.name, of: v })))}
                  columns={[
                    {
                      id: 'd',
                      head: 'Disk',
                      cell: (d) => (
                        <span class="row tight">
                          <A href={pageOf(`disk:${d.path}`) ?? '/'}>{shortDisk(d.path)}</A>
                          <Copy text={d.path} label={`the path of ${shortDisk(d.path)}`} />
                        </span>
                      ),
                    },
                    { id: 'v', head: 'In', cell: (d) => d.vdev },
                    { id: 's', head: 'State', cell: (d) => <Status tone={toneOfHealth(d.state)}>{d.state.toLowerCase()}</Status> },
                    { id: 'r', head: 'Read errors', align: 'end', wide: true, cell: (d) => <span class="num">{d.readErrors}</span> },
                    { id: 'w', head: 'Write errors', align: 'end', wide: true, cell: (d) => <span class="num">{d.writeErrors}</span> },
                    {
                      id: 'c',
                      head: 'Checksum errors',
                      align: 'end',
                      wide: true,
                      cell: (d) => <span class="num">{d.checksumErrors}</span>,
                    },
                    { id: 'n', head: 'Note', wrap: true, wide: true, cell: (d) => d.note ?? '' },
                    { id: 'do', head: 'Actions', align: 'end', cell: (d) => <DiskActions pool={p()} vdev={d.of} disk={d} /> },
                  ]}
                />
              </Section>
              <Section title="Options">
                <dl class="facts">
                  <For each={Object.entries(p().options)}>
                    {([k, v]) => (
                      <div>
                        <dt>{k}</dt>
                        <dd>{String(v) === '' ? 'none' : String(v)}</dd>
                      </div>
                    )}
                  </For>
                </dl>
              </Section>
            </>
          );
        }}
      </Answer>
      <Show when={scrub()}>
        {(action) => (
          <ChangeDialog
            title={action() === 'start' ? `Scrub ${name()}` : `Stop the scrub of ${name()}`}
            about={
              action() === 'start'
                ? 'Reads every block and repairs what redundancy allows. The pool stays in use; it is slower meanwhile.'
                : 'What was checked so far is not kept; a later scrub begins anew.'
            }
            onClose={() => setScrub(null)}
            changes={() => [{ kind: 'pool.scrub', name: name(), action: action() }]}
          />
        )}
      </Show>
    </Page>
  );
};
