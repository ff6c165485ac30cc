/** pool list, show, create, scrub */
import type { ObservedPool, Vdev, VdevKind, VdevRole } from '../../domain/pool/pool.ts';
import type { Properties } from '../../domain/property/property.ts';
import { formatBytes } from '../../domain/units.ts';
import type { Handler } from '../cli.ts';
import { ago, clock, count, lasted, percent } from '../format.ts';
import { EXIT, usage } from '../problems.ts';
import { bad, dim, good, type Span, strong, warn } from '../terminal.ts';
import { clean } from '../text.ts';

const healthSpan = (health: string): Span =>
  health === 'ONLINE' || health === 'AVAIL' || health === 'INUSE' ? good(health) : health === 'DEGRADED' ? warn(health) : bad(health);

/** `scrub 2 days ago, no errors`; empty when there was none. */
export const scanText = (scan: ObservedPool['scan'], now: number): string => {
  if (scan.kind === 'none' || scan.state === 'none') return 'never scrubbed';
  const errors = scan.errors === 0 ? 'no errors' : count(scan.errors, 'error');
  if (scan.state === 'finished') return `${scan.kind} ${ago(scan.endedAt, now)}, ${errors}`;
  if (scan.state === 'canceled') return `${scan.kind} was stopped ${ago(scan.endedAt, now)}`;
  const part = `${Math.floor(scan.progress * 100)}%`;
  const since = scan.startedAt === null ? 0 : now - scan.startedAt;
  const left =
    scan.state === 'scanning' && scan.progress > 0.01 ? `, about ${lasted((since / scan.progress) * (1 - scan.progress))} left` : '';
  return `${scan.kind} ${scan.state === 'paused' ? 'paused at' : 'at'} ${part}${left}, ${errors}`;
};

export const poolList: Handler = async (cli) => {
  const { term } = cli;
  const { at, pools, stuck } = await (await cli.api()).pools.list.query();
  term.data({ at, pools, stuck });
  if (pools.length === 0 && stuck.length === 0) {
    term.line('No pool yet.');
    term.line(dim('Free disks: dplane disk list --free   Make one: dplane pool create --help'));
    return EXIT.ok;
  }
  const now = cli.now();
  term.table(pools, [
    { title: 'POOL', cell: (p) => strong(p.name), shrink: 'middle' },
    { title: 'STATE', cell: (p) => healthSpan(p.health) },
    { title: 'SIZE', cell: (p) => formatBytes(p.size), align: 'right' },
    { title: 'FREE', cell: (p) => formatBytes(p.free), align: 'right' },
    {
      title: 'USED',
      cell: (p) => (p.allocated / Math.max(1, p.size) > 0.8 ? warn(percent(p.allocated, p.size)) : percent(p.allocated, p.size)),
      align: 'right',
    },
    { title: 'FRAG', cell: (p) => (p.fragmentation === null ? '-' : `${p.fragmentation}%`), align: 'right', spare: 2 },
    { title: 'SCRUB', cell: (p) => scanText(p.scan, now), shrink: 'end', spare: 1 },
  ]);
  for (const p of pools) if (p.meaning !== 'healthy') term.flow([warn(`${p.name}: `)], p.meaning);
  for (const s of stuck) term.flow([bad(`${s.pool}: `)], `does not answer since ${clock(s.since, now)}: ${s.problem.why}`);
  return EXIT.ok;
};

/** `/dev/disk/by-id/ata-X` is read more easily as `ata-X`; it can be typed that way too. */
export const shortDisk = (path: string): string => path.replace(/^\/dev\/disk\/by-id\//, '');

export const poolShow: Handler = async (cli, input) => {
  const { term } = cli;
  const answer = await (await cli.api()).pools.get.query({ name: input.word('POOL') });
  const { pool, datasets } = answer;
  term.data(answer);
  if (term.json) return EXIT.ok;
  const now = cli.now();
  term.line([strong(pool.name), '  ', healthSpan(pool.health)]);
  term.prose(pool.meaning, '  ', pool.meaning === 'healthy' ? 'good' : 'warn');
  if (pool.status) term.prose(pool.status, '  ', 'dim');
  term.line();
  term.fields(
    [
      [
        'Used',
        `${formatBytes(pool.allocated)} of ${formatBytes(pool.size)} (${percent(pool.allocated, pool.size)}) ${term.bar(pool.allocated / Math.max(1, pool.size))}`,
      ],
      ['Free', formatBytes(pool.free)],
      ['Scrub', scanText(pool.scan, now)],
      ['Damaged', pool.dataErrors === 0 ? 'no files' : bad(count(pool.dataErrors, 'file'))],
      ['Datasets', String(datasets)],
      [
        'Options',
        Object.entries(pool.options)
          .map(([k, v]) => `${k}=${v}`)
          .join(' ') || '-',
      ],
      ['Guid', pool.guid],
      ['Seen', ago(answer.at, now)],
    ],
    '  ',
  );
  term.line();
  type Row = { name: string; depth: number; state: string; errors: string; note: string };
  const rows = pool.vdevs.flatMap((v): Row[] => [
    { name: `${v.name}${v.role === 'data' ? '' : ` (${v.role})`}`, depth: 0, state: v.state, errors: '', note: '' },
    ...v.disks.map((d) => ({
      name: shortDisk(d.path),
      depth: 1,
      state: d.state,
      errors: d.readErrors + d.writeErrors + d.checksumErrors === 0 ? '-' : `${d.readErrors}/${d.writeErrors}/${d.checksumErrors}`,
      note: d.note ?? '',
    })),
  ]);
  term.table(
    rows,
    [
      { title: 'DISKS', cell: (r) => (r.depth === 0 ? strong(r.name) : `  ${r.name}`), shrink: 'middle' },
      { title: 'STATE', cell: (r) => healthSpan(r.state) },
      { title: 'READ/WRITE/CHECKSUM ERRORS', cell: (r) => (r.errors === '-' ? dim('none') : warn(r.errors)), spare: 1 },
      { title: 'NOTE', cell: (r) => r.note, shrink: 'end', spare: 2 },
    ],
    '  ',
  );
  return EXIT.ok;
};

const KINDS: readonly VdevKind[] = ['stripe', 'mirror', 'raidz1', 'raidz2', 'raidz3', 'draid1', 'draid2', 'draid3'];
const ROLES: readonly VdevRole[] = ['log', 'cache', 'special', 'spare', 'dedup'];

/** `mirror A B log mirror C D` as vdevs; what may go together is the domain's to say. */
export const readVdevs = (words: readonly string[]): Vdev[] => {
  const vdevs: Vdev[] = [];
  let role: VdevRole = 'data';
  let open: Vdev | undefined;
  for (const raw of words) {
    const word = raw === 'raidz' ? 'raidz1' : raw;
    const newRole = ROLES.find((r) => r === word);
    const kind = KINDS.find((k) => k === word);
    if (newRole !== undefined) {
      role = newRole;
      open = undefined;
    } else if (kind !== undefined) {
      open = { kind, role, disks: [] };
      vdevs.push(open);
    } else {
      if (/^\/dev\/(?!disk\/by-id\/)/.test(word))
        throw usage(word, 'names such as this move between boots', 'Use the name that "dplane disk list" shows.');
      const disk = word.startsWith('/') ? word : `/dev/disk/by-id/${word}`;
      if (open === undefined) {
        // Without a kind each disk stands alone, as with zpool: right for cache and spare, a plan will warn for data.
        vdevs.push({ kind: 'stripe', role, disks: [disk] });
      } else open.disks.push(disk);
    }
  }
  const empty = vdevs.find((v) => v.disks.length === 0);
  if (empty)
    throw usage(`${empty.kind} without disks`, 'expected disk names after it', 'For example: dplane pool create tank mirror ata-A ata-B');
  if (vdevs.length === 0) throw usage('no disks', 'expected disk names', 'See: dplane disk list --free');
  return vdevs;
};

/** `-o compression=zstd`, as often as given; which are right is checked by the box. */
export const readProperties = (pairs: readonly string[]): Properties => {
  const out: Record<string, string> = {};
  for (const pair of pairs) {
    const cut = pair.indexOf('=');
    if (cut < 1 || cut === pair.length - 1) throw usage(clean(pair), 'expected NAME=VALUE, such as compression=zstd');
    const name = pair.slice(0, cut);
    if (name in out) throw usage(name, 'given twice');
    out[name] = pair.slice(cut + 1);
  }
  return out;
};

export const poolCreate: Handler = async (cli, input) => {
  const { change } = await import('../changes.ts');
  const name = input.word('POOL');
  const ashift = input.number('ashift', 9, 16);
  const autotrim = input.choice('autotrim', ['on', 'off']);
  const autoexpand = input.choice('autoexpand', ['on', 'off']);
  const comment = input.text('comment');
  return change(
    cli,
    [
      {
        kind: 'pool.create',
        pool: {
          name,
          vdevs: readVdevs(input.words('VDEV')),
          options: {
            ...(ashift === undefined ? {} : { ashift }),
            ...(autotrim === undefined ? {} : { autotrim }),
            ...(autoexpand === undefined ? {} : { autoexpand }),
            ...(comment === undefined ? {} : { comment }),
          },
          properties: readProperties(input.all('property')),
        },
      },
    ],
    async () => {
      const { pool } = await (await cli.api()).pools.get.query({ name });
      return `pool ${name} is ${pool.health}, ${formatBytes(pool.free)} free`;
    },
  );
};

export const poolScrub: Handler = async (cli, input) => {
  const { change } = await import('../changes.ts');
  if (input.flag('pause') && input.flag('stop')) throw usage('dplane pool scrub', '--pause and --stop exclude each other');
  const name = input.word('POOL');
  const action = input.flag('pause') ? 'pause' : input.flag('stop') ? 'stop' : 'start';
  return change(cli, [{ kind: 'pool.scrub', name, action }], async () => {
    const { pool } = await (await cli.api()).pools.get.query({ name });
    return `${name}: ${scanText(pool.scan, cli.now())}`;
  });
};
