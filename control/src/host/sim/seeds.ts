/** Machines to begin with: one that people can look at, an empty one, and ones of any size for tests and benchmarks. */
import { gmtTag } from '../../domain/snapshot/snapshot.ts';
import type { NfsShare, ShareSpec, SmbShare } from '../../domain/share/share.ts';
import { EXPORTS_FILE, renderExports } from '../nfs/exports.ts';
import { renderSmb, SMB_FILE } from '../samba/conf.ts';
import { demoAccounts } from './demo-accounts.ts';
import { guidOf, randomOf } from './guid.ts';
import { freshNix } from './nix.ts';
import { freshOta, slot, system } from './ota.ts';
import type { SimSmart } from './smart.ts';
import type { SlotName, SystemInfo, UpdateEvent } from '../../domain/slot/slot.ts';
import {
  BY_ID,
  EMPTY_FILESYSTEM,
  type SimDataset,
  type SimDisk,
  type SimLeaf,
  type SimModel,
  type SimPool,
  type SimSnapshot,
} from './model.ts';

const TB = 1000 ** 4;
const GB = 1000 ** 3;
const MiB = 1024 ** 2;
/** The day the demo takes place: what is older is told from here, what is newer from the clock. */
export const DEMO_NOW = Date.UTC(2026, 10, 20, 18, 0, 0);

type Builder = { model: SimModel; guid(): string; txg(): number };
const builder = (seed: number): Builder => {
  const model: SimModel = {
    seed,
    counter: 0,
    txg: 4,
    version: '2.3.9-0+deb13u1',
    disks: [],
    pools: [],
    datasets: [],
    texts: {
      '/etc/samba/smb.conf': `[global]\n\tworkgroup = WORKGROUP\n\tserver role = standalone server\n\tinclude = ${SMB_FILE}\n`,
    },
    sessions: [],
    stopped: [],
    events: [],
  };
  return {
    model,
    guid: () => {
      model.counter += 1;
      return guidOf(seed, model.counter);
    },
    txg: () => {
      model.txg += 7;
      return model.txg;
    },
  };
};

const disk = (name: string, link: string, size: number, more: Partial<SimDisk> = {}): SimDisk => {
  const at = link.lastIndexOf('_');
  return {
    name,
    links: [link],
    size,
    model: link.slice(link.indexOf('-') + 1, at).replaceAll('_', ' '),
    serial: link.slice(at + 1),
    sector: [512, 4096],
    rotational: true,
    transport: 'sata',
    parts: [],
    fstype: null,
    ...more,
  };
};
const nvme: Partial<SimDisk> = { rotational: false, transport: 'nvme', sector: [512, 512] };

const SYSTEM_DISK = (name: string): SimDisk =>
  disk(name, 'nvme-SAMSUNG_MZVL2256HCHQ-00B00_S63CNX0T118834', 256_060_514_304, {
    ...nvme,
    parts: [
      { size: 512 * MiB, fstype: 'vfat', type: 'EFI System', label: 'ESP', mountpoints: ['/boot'] },
      { size: 6 * 1024 * MiB, fstype: 'erofs', type: 'Linux filesystem', label: null, mountpoints: ['/'] },
      { size: 6 * 1024 * MiB, fstype: 'erofs', type: 'Linux filesystem', label: null, mountpoints: [] },
      { size: 200 * 1024 * MiB, fstype: 'ext4', type: 'Linux filesystem', label: 'persist', mountpoints: ['/persist'] },
    ],
  });

const pool = (
  b: Builder,
  name: string,
  kind: SimPool['vdevs'][number]['kind'],
  disks: readonly string[],
  local: Record<string, string>,
): SimPool => {
  const leaf = (d: string): SimLeaf => ({
    disk: BY_ID + d,
    guid: b.guid(),
    state: 'ONLINE',
    read: 0,
    write: 0,
    checksum: 0,
    offline: false,
  });
  const p: SimPool = {
    name,
    guid: b.guid(),
    local: { ashift: '12', ...local },
    vdevs: [{ kind, role: 'data', guid: b.guid(), leaves: disks.map(leaf) }],
    scan: null,
    suspended: false,
    dataErrors: 0,
    fragmentation: 0,
  };
  b.model.pools.push(p);
  return p;
};

type Made = {
  created?: number;
  kind?: 'volume';
  files?: Record<string, number>;
  local?: Record<string, string>;
  mounted?: boolean;
  keyLoaded?: boolean;
};
const dataset = (b: Builder, name: string, made: Made = {}): SimDataset => {
  const d: SimDataset = {
    name,
    guid: b.guid(),
    kind: made.kind ?? 'filesystem',
    txg: b.txg(),
    created: Math.floor((made.created ?? DEMO_NOW - 400 * 86_400_000) / 1000),
    local: made.local ?? {},
    files: made.files ?? {},
    texts: {},
    mounted: made.mounted ?? made.kind !== 'volume',
    origin: null,
    keyLoaded: made.keyLoaded ?? true,
    snapshots: [],
  };
  b.model.datasets.push(d);
  return d;
};

const NO_HOLDS = Object.freeze({});
const snapshot = (b: Builder, d: SimDataset, at: number, used: number, referenced: number, tag = gmtTag(new Date(at))): SimSnapshot => {
  const s: SimSnapshot = {
    tag,
    guid: b.guid(),
    txg: b.txg(),
    created: Math.floor(at / 1000),
    used,
    referenced,
    holds: NO_HOLDS,
    files: d.files,
  };
  d.snapshots.push(s);
  return s;
};

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** When snapshots were taken: hours back to back, then days, weeks, months, as a schedule leaves them behind. Oldest first. */
const schedule = (hourly: number, daily: number, weekly: number, monthly: number): number[] => {
  const at = new Set<number>();
  const midnight = Math.floor(DEMO_NOW / DAY) * DAY;
  for (let i = 0; i < hourly; i += 1) at.add(Math.floor(DEMO_NOW / HOUR) * HOUR - i * HOUR);
  for (let i = 0; i < daily; i += 1) at.add(midnight - i * DAY);
  for (let i = 0; i < weekly; i += 1) at.add(midnight - (5 + i * 7) * DAY);
  for (let i = 0; i < monthly; i += 1) at.add(Date.UTC(2026, 10 - i, 1));
  return [...at].sort((a, z) => a - z);
};

/** Datasets of the demo: [name below the pool, GB in it, local properties, [hourly, daily, weekly, monthly]]. */
type Row = readonly [name: string, gb: number, local: Record<string, string>, keep: readonly [number, number, number, number] | null];
const T = (n: number): string => String(n * 1024 ** 4);
const G = (n: number): string => String(n * 1024 ** 3);
const TANK: readonly Row[] = [
  ['home', 0, { quota: T(4) }, [0, 30, 8, 12]],
  ['home/anna', 312, { quota: G(800) }, [168, 60, 20, 12]],
  ['home/ben', 187, { quota: G(500) }, [168, 60, 20, 12]],
  ['home/clara', 96, { quota: G(500) }, [168, 60, 20, 12]],
  ['home/guest', 0.4, { quota: G(20), exec: 'off' }, [0, 7, 0, 0]],
  ['media', 0, { recordsize: '1048576', atime: 'off' }, [0, 14, 0, 0]],
  ['media/films', 6_420, { compression: 'off' }, [0, 30, 12, 6]],
  ['media/series', 4_870, { compression: 'off' }, [0, 30, 12, 6]],
  ['media/music', 412, {}, [0, 30, 12, 12]],
  ['media/audiobooks', 138, {}, [0, 30, 12, 12]],
  ['photos', 1_840, { recordsize: '1048576', copies: '2' }, [168, 90, 52, 24]],
  ['photos/2024', 214, {}, [0, 60, 52, 24]],
  ['photos/2025', 266, {}, [0, 90, 52, 24]],
  ['photos/2026', 171, {}, [168, 90, 46, 11]],
  ['office', 0, { compression: 'zstd', quota: T(2) }, [0, 30, 8, 12]],
  ['office/accounting', 38, { sync: 'always' }, [168, 90, 52, 24]],
  ['office/contracts', 12, { sync: 'always' }, [168, 90, 52, 24]],
  ['office/projects', 540, {}, [168, 60, 26, 12]],
  ['office/projects/archive', 860, { readonly: 'on' }, [0, 0, 0, 12]],
  ['office/templates', 2, {}, [0, 30, 12, 12]],
  ['timemachine', 1_130, { quota: T(2), recordsize: '1048576' }, [48, 14, 0, 0]],
  ['private', 84, { encryption: 'aes-256-gcm', keyformat: 'passphrase', keylocation: 'prompt' }, [72, 60, 20, 12]],
  ['surveillance', 620, { quota: T(1), compression: 'off', recordsize: '1048576' }, null],
];
const FAST: readonly Row[] = [
  ['vms', 0, { recordsize: '65536' }, [0, 7, 0, 0]],
  ['vms/images', 210, {}, [72, 30, 8, 0]],
  ['containers', 46, { recordsize: '16384', atime: 'off' }, [48, 14, 4, 0]],
  ['containers/nextcloud', 74, {}, [72, 30, 8, 6]],
  ['containers/postgres', 18, { recordsize: '16384', logbias: 'throughput', primarycache: 'metadata' }, [72, 30, 8, 0]],
  ['containers/gitea', 22, {}, [48, 30, 8, 0]],
  ['scratch', 95, { sync: 'disabled', compression: 'off' }, [0, 0, 0, 0]],
];
const BACKUP: readonly Row[] = [
  ['laptops', 0, { quota: T(2) }, [0, 14, 0, 0]],
  ['laptops/anna', 240, {}, [0, 30, 26, 12]],
  ['laptops/ben', 310, {}, [0, 30, 26, 12]],
  ['offsite', 640, { readonly: 'on' }, [0, 60, 52, 12]],
];

export const DEMO_SHARES: readonly ShareSpec[] = [
  smb({ name: 'home', dataset: 'tank/home', comment: 'Home folders', preset: 'homes', validUsers: ['@family'] }),
  smb({
    name: 'media',
    dataset: 'tank/media',
    comment: 'Films, series, music',
    readOnly: true,
    guests: true,
    preset: 'media',
    writeUsers: ['anna', 'ben'],
  }),
  smb({ name: 'photos', dataset: 'tank/photos', comment: 'Family photos', validUsers: ['@family'] }),
  smb({ name: 'office', dataset: 'tank/office', comment: 'Office', validUsers: ['@office'], encrypt: 'required', preset: 'windows-acl' }),
  smb({
    name: 'Time Machine',
    dataset: 'tank/timemachine',
    comment: 'Backups of Macs',
    preset: 'time-machine',
    validUsers: ['anna', 'clara'],
    previousVersions: false,
  }),
  smb({ name: 'laptops', dataset: 'backup/laptops', comment: 'Backups of laptops', validUsers: ['anna', 'ben'], browseable: false }),
  nfs({ name: 'vm-images', dataset: 'fast/vms/images', clients: [{ host: '192.168.10.21', access: 'rw', squash: 'none', sync: true }] }),
  nfs({ name: 'films', dataset: 'tank/media/films', clients: [{ host: '192.168.1.0/24', access: 'ro', squash: 'all', sync: true }] }),
];
function smb(s: Partial<SmbShare> & Pick<SmbShare, 'name' | 'dataset'>): SmbShare {
  return {
    kind: 'smb',
    folder: '',
    comment: '',
    readOnly: false,
    browseable: true,
    guests: false,
    validUsers: [],
    writeUsers: [],
    previousVersions: true,
    preset: 'general',
    encrypt: 'desired',
    sign: 'auto',
    maxSize: '',
    ...s,
  };
}
function nfs(s: Pick<NfsShare, 'name' | 'dataset' | 'clients'>): NfsShare {
  return { kind: 'nfs', folder: '', comment: '', ...s };
}

const writeShares = (model: SimModel, shares: readonly ShareSpec[], mountpoint: (dataset: string) => string): void => {
  const points = new Map(shares.map((s) => [s.dataset, mountpoint(s.dataset)]));
  model.texts[SMB_FILE] = renderSmb(
    shares.filter((s) => s.kind === 'smb'),
    points,
  );
  model.texts[EXPORTS_FILE] = renderExports(
    shares.filter((s) => s.kind === 'nfs'),
    points,
  );
};

/** A home and small office: three pools (one has lost a disk), 40 datasets, 5,000 snapshots, 8 shares. */
export const demoModel = (): SimModel => {
  const b = builder(20_261_120);
  b.model.ecc = 'None';
  const random = randomOf(7);
  const serial = (n: number): string => guidOf(99, n).slice(0, 8);
  const wd = [0, 1, 2, 3, 4, 5].map((i) => disk(`sd${'abcdef'[i]}`, `ata-WDC_WD80EFZZ-68BTXN0_WD-CA${serial(i)}`, 8_001_563_222_016));
  const ssd = [0, 1].map((i) => disk(`nvme${i + 1}n1`, `nvme-Samsung_SSD_990_PRO_2TB_S7HENJ0X${serial(10 + i)}`, 2_000_398_934_016, nvme));
  const sea = [0, 1].map((i) => disk(`sd${'gh'[i]}`, `ata-ST4000VN006-3CW104_ZW6${serial(20 + i)}`, 4_000_787_030_016));
  for (const [i, d] of [...wd, ...sea].entries()) d.links.push(`wwn-0x5000c500${serial(40 + i)}`);
  const free = [
    ...[0, 1].map((i) => disk(`sd${'ij'[i]}`, `ata-TOSHIBA_HDWG21C_X1${serial(30 + i)}`, 12_000_138_625_024)),
    ...[0, 1].map((i) => disk(`sd${'kl'[i]}`, `ata-CT1000MX500SSD1_23${serial(32 + i)}`, 1_000_204_886_016, { rotational: false })),
  ];
  const foreign = disk('sdm', `usb-WD_Elements_25A2_57584${serial(36)}`, 2_000_365_289_472, {
    transport: 'usb',
    sector: [512, 512],
    parts: [{ size: 2_000_363_192_320, fstype: 'ntfs', type: 'Microsoft basic data', label: 'Elements', mountpoints: [] }],
  });
  b.model.disks.push(SYSTEM_DISK('nvme0n1'), ...wd, ...ssd, ...sea, ...free, foreign);

  const smart = (d: SimDisk | undefined, of: SimSmart): void => {
    if (d) d.smart = { ...d.smart, ...of };
  };
  for (const [i, d] of wd.entries())
    smart(d, { hours: 26_412 - i * 3, temperature: 33 + (i % 4), tested: [{ long: true, passed: true, hours: 25_900 }] });
  smart(wd[3], { reallocated: 16, temperature: 39 });
  smart(sea[0], { hours: 41_870, temperature: 36, timeouts: 4 });
  smart(sea[1], {
    hours: 41_866,
    temperature: 44,
    passed: false,
    reallocated: 1_832,
    pending: 64,
    uncorrectable: 40,
    reported: 12,
    failsTests: true,
  });
  smart(free[1], { power: 'standby', hours: 12 });
  smart(free[2], { used: 34, hours: 18_200 });
  smart(free[3], { used: 97, hours: 31_010, reallocated: 3 });
  smart(foreign, { unsupported: true });

  const link = (d: SimDisk): string => d.links[0] ?? '';
  const tank = pool(b, 'tank', 'raidz2', wd.map(link), { comment: 'the big one', autotrim: 'off' });
  const fast = pool(b, 'fast', 'mirror', ssd.map(link), { autotrim: 'on' });
  const backup = pool(b, 'backup', 'mirror', sea.map(link), {});
  tank.fragmentation = 11;
  fast.fragmentation = 23;
  backup.fragmentation = 4;
  tank.scan = {
    kind: 'SCRUB',
    startedAt: Date.UTC(2026, 10, 8, 1),
    durationMs: 9.4 * HOUR,
    bytes: 21 * TB,
    errors: 0,
    pausedAt: null,
    pausedMs: 0,
    canceledAt: null,
  };
  fast.scan = {
    kind: 'SCRUB',
    startedAt: Date.UTC(2026, 10, 8, 1),
    durationMs: 0.4 * HOUR,
    bytes: 520 * GB,
    errors: 0,
    pausedAt: null,
    pausedMs: 0,
    canceledAt: null,
  };
  const lost = backup.vdevs[0]?.leaves[1];
  if (lost) Object.assign(lost, { state: 'FAULTED', read: 3, write: 114, checksum: 27 });

  const roots: readonly [string, readonly Row[]][] = [
    ['tank', TANK],
    ['fast', FAST],
    ['backup', BACKUP],
  ];
  const scheduled: { d: SimDataset; bytes: number; times: number[] }[] = [];
  for (const [name, rows] of roots) {
    dataset(b, name, { local: { compression: 'lz4', atime: 'off', xattr: 'on', acltype: 'posix', mountpoint: `/mnt/${name}` } });
    for (const [below, gb, local, keep] of rows) {
      const bytes = Math.round(gb * GB);
      const files: Record<string, number> =
        bytes === 0 ? {} : { 'data.bin': Math.round(bytes * 0.93), 'notes/readme.txt': Math.round(bytes * 0.07) };
      const d = dataset(b, `${name}/${below}`, {
        local: { ...local },
        files,
        created: DEMO_NOW - Math.round((300 + random() * 400) * DAY),
      });
      if (keep !== null) scheduled.push({ d, bytes, times: schedule(...keep) });
    }
  }
  dataset(b, 'fast/vms/win11', {
    kind: 'volume',
    files: { '': 82 * GB },
    local: { volsize: G(128), volblocksize: '16384', refreservation: String(128 * 1024 ** 3 + 2_200_000_000) },
  });
  dataset(b, 'fast/vms/homeassistant', { kind: 'volume', files: { '': 11 * GB }, local: { volsize: G(32), volblocksize: '16384' } });

  // 5,000 in all: what the schedules left behind, topped up with older hours of the busiest ones
  const wanted = 5_000;
  let total = scheduled.reduce((n, s) => n + s.times.length, 0);
  const busy = scheduled.filter((s) => s.times.length > 250);
  for (let i = 0; total < wanted; i += 1) {
    const s = busy[i % busy.length];
    if (s === undefined) break;
    const hour = Math.floor(DEMO_NOW / HOUR) * HOUR - (168 + Math.floor(i / busy.length)) * HOUR;
    if (s.times.includes(hour)) continue;
    s.times.push(hour);
    total += 1;
  }
  for (let i = 0; total > wanted; i += 1) {
    const s = busy[i % busy.length];
    if (s === undefined) break;
    s.times.sort((a, z) => a - z).splice(Math.floor(s.times.length / 2), 1);
    total -= 1;
  }
  const taken = scheduled.flatMap((s) => s.times.map((at) => ({ ...s, at }))).sort((a, z) => a.at - z.at || (a.d.name < z.d.name ? -1 : 1));
  const first = taken[0]?.at ?? DEMO_NOW;
  for (const t of taken) {
    const age = (t.at - first) / (DEMO_NOW - first + 1);
    const referenced = EMPTY_FILESYSTEM + Math.round(t.bytes * (0.7 + 0.3 * age));
    snapshot(b, t.d, t.at, t.bytes === 0 || random() < 0.3 ? 0 : Math.round(t.bytes * 0.00004 * random()), referenced);
  }
  for (const name of ['tank/office/accounting', 'tank/photos', 'backup/offsite']) {
    const d = b.model.datasets.find((x) => x.name === name);
    const oldest = d?.snapshots[0];
    const middle = d?.snapshots[Math.floor((d?.snapshots.length ?? 0) / 2)];
    if (oldest) oldest.holds = { 'year-end': oldest.created + 3600 };
    if (middle) middle.holds = { 'replication:offsite': middle.created + 60 };
  }
  const source = b.model.datasets.find((d) => d.name === 'fast/containers/nextcloud');
  const from = source?.snapshots.at(-20);
  if (source && from)
    dataset(b, 'fast/nextcloud-test', {
      files: from.files,
      local: {},
      created: from.created * 1000 + HOUR,
    }).origin = `${source.name}@${from.tag}`;

  writeShares(b.model, DEMO_SHARES, (name) => `/mnt/${name}`);
  Object.assign(b.model.texts, demoAccounts(DEMO_NOW));
  const at = DEMO_NOW - 2 * HOUR;
  b.model.sessions.push(
    {
      user: 'anna',
      machine: '192.168.1.34',
      address: '192.168.1.34',
      share: 'home',
      files: ['/mnt/tank/home/anna/taxes.ods'],
      connectedAt: at,
    },
    {
      user: 'ben',
      machine: '192.168.1.41',
      address: '192.168.1.41',
      share: 'office',
      files: ['/mnt/tank/office/projects/plan.docx', '/mnt/tank/office/projects/costs.xlsx'],
      connectedAt: at - HOUR,
    },
    {
      user: 'nobody',
      machine: '192.168.1.60',
      address: '192.168.1.60',
      share: 'media',
      files: ['/mnt/tank/media/films/film.mkv'],
      connectedAt: at + HOUR,
    },
    { user: 'clara', machine: '192.168.1.37', address: '192.168.1.37', share: 'Time Machine', files: [], connectedAt: at - 5 * HOUR },
  );
  b.model.ota = freshOta(DEMO_NOW - 40 * DAY, {
    slots: { a: slot('confirmed', system('0.1.0', 10)), b: slot('confirmed', system('0.0.9', 9)) },
    history: [
      told(DEMO_NOW - 96 * DAY, 'confirmed', 'b', system('0.0.9', 9)),
      told(DEMO_NOW - 41 * DAY, 'staged', 'a', system('0.1.0', 10)),
      told(DEMO_NOW - 40 * DAY, 'confirmed', 'a', system('0.1.0', 10)),
    ],
  });
  const common = ['glibc-2.42', 'openssl-3.6.1', 'nodejs-24.21.0', 'dplaneos-0.1.0', 'coreutils-9.9'];
  b.model.nix = freshNix(b.model, [
    {
      at: DEMO_NOW - 96 * DAY,
      label: '26.05.20260817.4c1e22b',
      kernel: '6.12.55',
      zfs: '2.3.6',
      more: [...common, 'samba-4.22.5', 'systemd-259.1'],
    },
    {
      at: DEMO_NOW - 61 * DAY,
      label: '26.05.20260921.9a04d1e',
      kernel: '6.12.57',
      zfs: '2.3.6',
      more: [...common, 'samba-4.22.6', 'systemd-259.1'],
    },
    {
      at: DEMO_NOW - 40 * DAY,
      label: '26.05.20261012.8eeec93',
      kernel: '6.12.57',
      zfs: '2.3.7',
      more: [...common, 'samba-4.22.6', 'systemd-259.2', 'podman-5.7.0', 'crun-1.26'],
    },
  ]);
  return b.model;
};

const told = (at: number, kind: UpdateEvent['kind'], name: SlotName, info: SystemInfo, reason = ''): UpdateEvent => ({
  at,
  kind,
  slot: name,
  system: info,
  bootId: null,
  reason,
});

/** The demo's machine after an update that did not come up: its slot b was tried and given up. */
export const revertedModel = (): SimModel => {
  const model = demoModel();
  const was = model.ota;
  if (!was) return model;
  const tried = system('0.2.0', 11);
  model.ota = freshOta(DEMO_NOW - 2 * HOUR, {
    slots: { a: slot('confirmed', system('0.1.0', 10)), b: slot('failed', tried, { tries: 0, triesDone: 1, broken: true }) },
    starts: 3,
    history: [
      ...was.history,
      told(DEMO_NOW - 3 * HOUR, 'staged', 'b', tried),
      told(DEMO_NOW - 2 * HOUR, 'verdict-failed', 'b', tried, 'pool tank missing'),
      told(DEMO_NOW - 2 * HOUR, 'reverted', 'b', tried, 'pool tank missing'),
    ],
  });
  return model;
};

/** A fresh box: the system disk and `disks` free ones. */
export const emptyModel = (disks = 6): SimModel => {
  const b = builder(1);
  b.model.disks.push(SYSTEM_DISK('nvme0n1'));
  for (let i = 0; i < disks; i += 1)
    b.model.disks.push(
      disk(`sd${String.fromCharCode(97 + i)}`, `ata-WDC_WD40EFPX-68C6CN0_WD-WX${guidOf(5, i + 1).slice(0, 8)}`, 4_000_787_030_016),
    );
  b.model.ota = freshOta(DEMO_NOW);
  return b.model;
};

/** One mirrored pool `big` with as much in it as asked for: for benchmarks and tests. */
export const bigModel = ({ datasets, snapshots, shares }: { datasets: number; snapshots: number; shares: number }): SimModel => {
  const b = builder(datasets * 31 + snapshots);
  b.model.disks.push(SYSTEM_DISK('nvme0n1'));
  const disks = [0, 1].map((i) => disk(`sd${'ab'[i]}`, `ata-ST20000NM007D-3DJ103_ZVT${guidOf(6, i + 1).slice(0, 6)}`, 20_000_588_955_648));
  b.model.disks.push(...disks);
  pool(
    b,
    'big',
    'mirror',
    disks.map((d) => d.links[0] ?? ''),
    { autotrim: 'on' },
  );
  dataset(b, 'big', { local: { compression: 'lz4', mountpoint: '/mnt/big' } });
  const made: SimDataset[] = [];
  for (let i = 1; i < datasets; i += 1) {
    const group = Math.floor((i - 1) / 25);
    const name =
      (i - 1) % 25 === 0
        ? `big/group-${String(group).padStart(4, '0')}`
        : `big/group-${String(group).padStart(4, '0')}/set-${String(i).padStart(5, '0')}`;
    const local: Record<string, string> =
      i % 3 === 0 ? { quota: G(10 + (i % 40)), compression: 'zstd' } : i % 7 === 0 ? { recordsize: '1048576', atime: 'off' } : {};
    made.push(dataset(b, name, { local, files: { 'data.bin': 1_000_000 + ((i * 7919) % 900_000_000) }, created: DEMO_NOW - i * 60_000 }));
  }
  for (let i = 0; i < snapshots && made.length > 0; i += 1) {
    const d = made[i % made.length];
    if (d === undefined) break;
    snapshot(
      b,
      d,
      DEMO_NOW - (Math.ceil(snapshots / made.length) - Math.floor(i / made.length)) * HOUR,
      (i * 104_729) % 5_000_000,
      EMPTY_FILESYSTEM + (d.files['data.bin'] ?? 0),
    );
  }
  const served: ShareSpec[] = [];
  for (let i = 0; i < shares; i += 1) {
    const d = made[i % Math.max(1, made.length)];
    if (d === undefined) break;
    const n = String(i).padStart(5, '0');
    served.push(
      i % 2 === 0
        ? smb({ name: `share-${n}`, dataset: d.name })
        : nfs({
            name: `export-${n}`,
            dataset: d.name,
            clients: [{ host: `10.0.${(i >> 8) & 255}.${i & 255}`, access: 'rw', squash: 'root', sync: true }],
          }),
    );
  }
  writeShares(b.model, served, (name) => `/mnt/${name}`);
  return b.model;
};
