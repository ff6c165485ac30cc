/** What a pool and its disks do, second by second, while the page is open: drawn, and in numbers. */
import { A } from '@solidjs/router';
import { createMemo, createSignal, For, type JSX } from 'solid-js';
import type { IoRates } from '../../../../control/src/domain/pool/io.ts';
import { formatBytes } from '../../../../control/src/domain/units.ts';
import { useIo } from '../../data/io.ts';
import { isPhone } from '../../data/settings.ts';
import { Section } from '../../parts/basic.tsx';
import { LiveChart, type LiveLook } from '../../parts/LiveChart.tsx';
import { Table } from '../../parts/VirtualTable.tsx';
import { pageOf, shortDisk } from '../../parts/words.ts';
import '../../style/chart.css';

const bytes = (n: number): string => `${formatBytes(Math.round(n))}/s`;
const operations = (n: number): string => `${Math.round(n).toLocaleString('en')}/s`;
const latency = (ms: number | null): string =>
  ms === null ? '–' : ms >= 1_000 ? `${(ms / 1000).toFixed(1)} s` : ms >= 10 ? `${Math.round(ms)} ms` : `${ms.toFixed(1)} ms`;

const KINDS = [
  { id: 'bandwidth', label: 'Bandwidth', format: bytes, binary: true, least: 1024 ** 2 },
  { id: 'operations', label: 'Operations', format: operations, binary: false, least: 20 },
  { id: 'latency', label: 'Latency', format: (n: number) => latency(n), binary: false, least: 5 },
] as const;
type Kind = (typeof KINDS)[number]['id'];

const readOf = (r: IoRates, kind: Kind): number | null =>
  kind === 'bandwidth' ? r.readBytes : kind === 'operations' ? r.reads : r.readLatency;
const writeOf = (r: IoRates, kind: Kind): number | null =>
  kind === 'bandwidth' ? r.writtenBytes : kind === 'operations' ? r.writes : r.writeLatency;

export const PoolIo = (props: { name: string }): JSX.Element => {
  const samples = useIo();
  const [kind, setKind] = createSignal<Kind>('bandwidth');
  /** Null: all of its disks together. */
  const [disk, setDisk] = createSignal<string | null>(null);
  const mine = createMemo(() =>
    samples().flatMap((s) => {
      const p = s.pools.find((x) => x.pool === props.name);
      return p === undefined ? [] : [{ at: s.at, pool: p }];
    }),
  );
  const rates = (p: { rates: IoRates; disks: readonly { path: string; rates: IoRates }[] }): IoRates | undefined =>
    disk() === null ? p.rates : p.disks.find((d) => d.path === disk())?.rates;
  const points = createMemo(() =>
    mine().flatMap(({ at, pool }) => {
      const r = rates(pool);
      return r === undefined ? [] : [{ at, a: readOf(r, kind()), b: writeOf(r, kind()) }];
    }),
  );
  const look = createMemo((): LiveLook => {
    const k = KINDS.find((x) => x.id === kind()) ?? KINDS[0];
    return { format: k.format, binary: k.binary, least: k.least, height: isPhone() ? 170 : 200 };
  });
  const now = () => mine().at(-1)?.pool;
  const who = (): string => {
    const d = disk();
    return d === null ? props.name : shortDisk(d);
  };
  return (
    <Section
      title="Now"
      aside={
        <div class="row io-choice">
          <select aria-label="Of what" onChange={(e) => setDisk(e.currentTarget.value === '' ? null : e.currentTarget.value)}>
            <option value="">All its disks</option>
            <For each={now()?.disks.map((d) => d.path) ?? []}>{(path) => <option value={path}>{shortDisk(path)}</option>}</For>
          </select>
          <fieldset class="choice">
            <legend class="sr">What is drawn</legend>
            <For each={KINDS}>
              {(k) => (
                <label>
                  <input type="radio" name={`io-${props.name}`} checked={kind() === k.id} onChange={() => setKind(k.id)} />
                  <span>{k.label}</span>
                </label>
              )}
            </For>
          </fieldset>
        </div>
      }
    >
      <LiveChart
        label={`${KINDS.find((k) => k.id === kind())?.label} of ${who()} over the last five minutes`}
        a={kind() === 'latency' ? 'Each read' : 'Read'}
        b={kind() === 'latency' ? 'Each write' : 'Written'}
        points={points()}
        look={look()}
      />
      <Table
        label={`What the disks of ${props.name} do now`}
        rows={now()?.disks.map((d) => ({ path: d.path, ...d.rates })) ?? []}
        empty="Measured from now on; the first numbers come in a second."
        columns={[
          { id: 'd', head: 'Disk', cell: (d) => <A href={pageOf(`disk:${d.path}`) ?? '/'}>{shortDisk(d.path)}</A> },
          { id: 'r', head: 'Read', align: 'end', cell: (d) => <span class="num">{bytes(d.readBytes)}</span> },
          { id: 'w', head: 'Written', align: 'end', cell: (d) => <span class="num">{bytes(d.writtenBytes)}</span> },
          {
            id: 'o',
            head: 'Operations',
            align: 'end',
            wide: true,
            cell: (d) => <span class="num">{operations(d.reads + d.writes)}</span>,
          },
          { id: 'rl', head: 'Each read', align: 'end', wide: true, cell: (d) => <span class="num">{latency(d.readLatency)}</span> },
          { id: 'wl', head: 'Each write', align: 'end', wide: true, cell: (d) => <span class="num">{latency(d.writeLatency)}</span> },
          { id: 'b', head: 'Busy', align: 'end', cell: (d) => <span class="num">{Math.round(d.busy * 100)}%</span> },
        ]}
      />
    </Section>
  );
};
