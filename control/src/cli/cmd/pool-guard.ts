/** pool health, heartbeat, capacity, reserve, release, iostat: what guards a pool */
import type { PoolCapacity } from '../../domain/pool/capacity.ts';
import type { HeartbeatState } from '../../domain/pool/heartbeat.ts';
import type { IoRates, IoSample } from '../../domain/pool/io.ts';
import { formatBytes, parseSize } from '../../domain/names.ts';
import { diskLabel } from '../../domain/disk/disk.ts';
import { setTimeout as pause } from 'node:timers/promises';
import type { Cli, Handler } from '../cli.ts';
import { ago, lasted } from '../format.ts';
import { EXIT, usage } from '../problems.ts';
import { bad, dim, good, type Span, strong, warn } from '../terminal.ts';
import { clean } from '../text.ts';

const WORST = 2_000;
const beatSpan = (state: HeartbeatState | null): Span =>
  state === 'beating'
    ? good(state)
    : state === null || state === 'off' || state === 'unknown'
      ? dim(state ?? 'none')
      : state === 'stuck' || state === 'suspended' || state === 'failing'
        ? bad(state)
        : warn(state);
const noPool = (name: string) => usage(`pool ${clean(name)}`, 'there is nothing of this name', 'See: dplane pool list');

export const poolHealth: Handler = async (cli, input) => {
  const { term } = cli;
  const asked = input.maybe('POOL');
  const { at, pools: all } = await (await cli.api()).pools.health.query();
  const pools = all.filter((p) => asked === undefined || p.pool === asked);
  if (asked !== undefined && pools.length === 0) throw noPool(asked);
  term.data({ at, pools });
  if (term.json) return EXIT.ok;
  if (pools.length === 0) term.line('No pool yet.');
  for (const p of pools) {
    const tone = p.health === 'ONLINE' ? good : p.health === 'DEGRADED' ? warn : bad;
    term.line([strong(p.pool), '  ', tone(p.health ?? 'no answer'), '  heartbeat: ', beatSpan(p.heartbeat?.state ?? null)]);
    if (p.meaning !== 'healthy') term.prose(p.meaning, '  ', 'warn');
    if (p.heartbeat !== null)
      term.prose(`${p.heartbeat.why}; ${p.heartbeat.state} since ${ago(p.heartbeat.since, cli.now())}`, '  ', 'dim');
    if (p.disks.length > 0)
      term.table(
        p.disks,
        [
          { title: 'DISK', cell: (d) => diskLabel(d.path), shrink: 'middle' },
          { title: 'IN', cell: (d) => d.vdev, spare: 2 },
          { title: 'STATE', cell: (d) => (d.state === 'ONLINE' || d.state === 'AVAIL' ? good(d.state) : bad(d.state)) },
          {
            title: 'READ/WRITE/CHECKSUM ERRORS',
            cell: (d) =>
              d.readErrors + d.writeErrors + d.checksumErrors === 0
                ? dim('none')
                : warn(`${d.readErrors}/${d.writeErrors}/${d.checksumErrors}`),
            spare: 1,
          },
          {
            title: 'RISK',
            cell: (d) =>
              d.risk === null ? dim('-') : d.risk.score === 0 ? good('0') : warn(`${d.risk.score}: ${d.risk.reasons.join('; ')}`),
            shrink: 'end',
          },
        ],
        '  ',
      );
  }
  return EXIT.ok;
};

export const poolHeartbeat: Handler = async (cli, input) => {
  const { term } = cli;
  const name = input.word('POOL');
  const api = await cli.api();
  if (input.flag('on') && input.flag('off')) throw usage('dplane pool heartbeat', '--on and --off exclude each other');
  const seconds = input.number('limit', 10, 600);
  const now = (await api.pools.health.query()).pools.find((p) => p.pool === name);
  if (now?.heartbeat == null) throw noPool(name);
  const asked = input.flag('on') || input.flag('off') || seconds !== undefined;
  const on = input.flag('on') || (now.heartbeat.settings.on && !input.flag('off'));
  const heartbeat = { on, limit: seconds === undefined ? now.heartbeat.settings.limit : seconds * 1000 };
  const h = asked ? await api.pools.setHeartbeat.mutate({ name, heartbeat }) : now.heartbeat;
  term.data(h);
  if (term.json) return EXIT.ok;
  if (asked) term.line(`heartbeat of ${name}: ${on ? `on; a beat may take ${heartbeat.limit / 1000} s` : 'off'}`);
  else {
    term.line([strong(name), '  ', beatSpan(h.state), dim(`  since ${ago(h.since, cli.now())}`)]);
    term.prose(h.why, '  ', 'dim');
    if (h.latency !== null)
      term.line(
        dim(
          `  last: written in ${lasted(h.latency.write)}, on all disks after ${lasted(h.latency.flush)}, read back in ${lasted(h.latency.read)}`,
        ),
      );
    term.line(dim(`  a beat may take ${h.settings.limit / 1000} s; every 30 s`));
  }
  return EXIT.ok;
};

const showCapacity = (cli: Cli, pools: readonly PoolCapacity[]): void => {
  const { term } = cli;
  term.table(pools, [
    { title: 'POOL', cell: (p) => strong(p.pool), shrink: 'middle' },
    {
      title: 'FULL',
      cell: (p) => (p.level === 'fine' ? good : p.level === 'filling' ? warn : bad)(`${Math.floor(p.share * 100)}%`),
      align: 'right',
    },
    { title: 'FREE', cell: (p) => formatBytes(p.free), align: 'right' },
    {
      title: 'RESERVE',
      cell: (p) => (p.reserve.bytes > 0 ? formatBytes(p.reserve.bytes) : dim(p.reserve.released === null ? 'none' : 'given free')),
      align: 'right',
    },
    { title: 'TOLD AT', cell: (p) => dim(`${p.thresholds.warn}% ${p.thresholds.high}% ${p.thresholds.full}%`), spare: 1 },
  ]);
  for (const p of pools) {
    if (p.message !== null) term.prose(p.message, '  ', p.level === 'filling' ? 'warn' : 'bad');
    if (p.reserve.offered) term.prose(`There is room again for the reserve of ${p.pool}: dplane pool reserve ${p.pool}`, '  ', 'accent');
  }
};

export const poolCapacity: Handler = async (cli, input) => {
  const { term } = cli;
  const asked = input.maybe('POOL');
  const api = await cli.api();
  const read = async (): Promise<PoolCapacity[]> =>
    (await api.pools.capacity.query()).pools.filter((p) => asked === undefined || p.pool === asked);
  let pools = await read();
  const [first] = pools;
  if (asked !== undefined && first === undefined) throw noPool(asked);
  const given = (['warn', 'high', 'full'] as const).map((k) => [k, input.number(k, 1, 100)] as const).filter(([, v]) => v !== undefined);
  if (given.length > 0) {
    if (asked === undefined || first === undefined)
      throw usage('dplane pool capacity', 'a threshold is set for one pool', 'For example: dplane pool capacity tank --warn 75');
    await api.pools.setCapacity.mutate({ pool: asked, thresholds: { ...first.thresholds, ...Object.fromEntries(given) } });
    pools = await read();
  }
  term.data({ pools });
  if (term.json) return EXIT.ok;
  if (pools.length === 0) term.line('No pool yet.');
  else showCapacity(cli, pools);
  return EXIT.ok;
};

export const poolReserve: Handler = async (cli, input) => {
  const pool = input.word('POOL');
  const text = input.maybe('SIZE');
  const readSize = (size: string): number => {
    try {
      return parseSize(size);
    } catch {
      throw usage(clean(size), 'expected a size such as 10G or 512M');
    }
  };
  const c = await (await cli.api()).pools.reserve.mutate({ pool, ...(text === undefined ? {} : { size: readSize(text) }) });
  cli.term.data(c);
  cli.term.line(`${formatBytes(c.reserve.bytes)} of ${pool} are held back; ${formatBytes(c.free)} are free beside it.`);
  return EXIT.ok;
};
export const poolRelease: Handler = async (cli, input) => {
  const pool = input.word('POOL');
  const c = await (await cli.api()).pools.release.mutate({ pool });
  cli.term.data(c);
  cli.term.line(`The reserve of ${pool} was given free: ${formatBytes(c.free)} are free now.`);
  return EXIT.ok;
};

const rate = (n: number): string => `${formatBytes(Math.round(n))}/s`;
const latency = (ms: number | null): string => (ms === null ? '-' : ms >= 100 ? `${Math.round(ms)} ms` : `${ms.toFixed(1)} ms`);
const showIo = (cli: Cli, sample: IoSample): void => {
  const rows = sample.pools.flatMap((p) => [
    { name: p.pool, disk: false, r: p.rates },
    ...p.disks.map((d) => ({ name: diskLabel(d.path), disk: true, r: d.rates })),
  ]);
  const slow = (r: IoRates): boolean => Math.max(r.readLatency ?? 0, r.writeLatency ?? 0) > WORST;
  cli.term.table(rows, [
    { title: 'POOL, DISKS', cell: (x) => (x.disk ? `  ${x.name}` : strong(x.name)), shrink: 'middle' },
    { title: 'READ', cell: (x) => rate(x.r.readBytes), align: 'right' },
    { title: 'WRITE', cell: (x) => rate(x.r.writtenBytes), align: 'right' },
    { title: 'READS/S', cell: (x) => String(Math.round(x.r.reads)), align: 'right', spare: 2 },
    { title: 'WRITES/S', cell: (x) => String(Math.round(x.r.writes)), align: 'right', spare: 2 },
    { title: 'EACH READ', cell: (x) => latency(x.r.readLatency), align: 'right', spare: 1 },
    {
      title: 'EACH WRITE',
      cell: (x) => (slow(x.r) ? bad(latency(x.r.writeLatency)) : latency(x.r.writeLatency)),
      align: 'right',
      spare: 1,
    },
    { title: 'BUSY', cell: (x) => `${Math.round(x.r.busy * 100)}%`, align: 'right' },
  ]);
};

export const poolIostat: Handler = async (cli, input) => {
  const { term } = cli;
  const asked = input.maybe('POOL');
  const api = await cli.api();
  for (;;) {
    const sample = await api.pools.iostat.query(asked === undefined ? {} : { pool: asked });
    if (asked !== undefined && sample.pools.length === 0) throw noPool(asked);
    term.data(sample);
    if (!term.json) {
      if (sample.pools.length === 0) term.line('No pool yet.');
      showIo(cli, sample);
    }
    if (!input.flag('watch')) return EXIT.ok;
    term.line();
    await pause(1_000);
  }
};
