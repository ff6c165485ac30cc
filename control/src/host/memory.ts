/** The memory of this machine and what ZFS's cache does with it. All of it is read without root: /proc, /sys, and what udev knows of the DMI tables. */
import { type Result, refuse, ok } from '../domain/refusal.ts';
import type { Host } from './host.ts';

export const ARC_MAX = '/sys/module/zfs/parameters/zfs_arc_max';
const ARCSTATS = '/proc/spl/kstat/zfs/arcstats';
const EDAC = '/sys/devices/system/edac/mc';
/** Containers and virtual machines that systemd runs have a scope here. */
const GUESTS = '/sys/fs/cgroup/machine.slice';
export const dmiArgv = (): string[] => ['udevadm', 'info', '--query=property', '--path=/sys/devices/virtual/dmi/id'];

/** `name type data` a line, behind two lines of heading. */
export const parseArcstats = (text: string): ReadonlyMap<string, number> =>
  new Map(
    text.split('\n').flatMap((line) => {
      const m = /^(\S+)\s+\d+\s+(\d+)$/.exec(line.trim());
      return m?.[1] === undefined ? [] : [[m[1], Number(m[2])] as const];
    }),
  );

export type ArcState = {
  limit: number;
  least: number;
  size: number;
  hits: number;
  misses: number /** As it was set; 0: never. */;
  parameter: number;
};
export const readArc = async (host: Host): Promise<Result<ArcState>> => {
  const [stats, parameter] = await Promise.all([host.readText(ARCSTATS), host.readText(ARC_MAX)]);
  if (stats === null || parameter === null)
    return refuse('unavailable', 'the cache of ZFS', 'the kernel module zfs is not loaded', 'see why it was not loaded at the start');
  const seen = parseArcstats(stats);
  const of = (name: string): number => seen.get(name) ?? Number.NaN;
  const state = {
    limit: of('c_max'),
    least: of('c_min'),
    size: of('size'),
    hits: of('hits'),
    misses: of('misses'),
    parameter: Number(parameter.trim()),
  };
  return Object.values(state).every(Number.isSafeInteger)
    ? ok(state)
    : refuse('failed', 'the cache of ZFS', `${ARCSTATS} is not as it is known`, 'check the version of OpenZFS');
};

/** Total memory in bytes; null when the kernel does not say. */
export const readMemory = async (host: Host): Promise<number | null> => {
  const kib = /^MemTotal:\s+(\d+) kB$/m.exec((await host.readText('/proc/meminfo')) ?? '')?.[1];
  return kib === undefined ? null : Number(kib) * 1024;
};

/** A driver of EDAC binds only where correction works; else what the firmware wrote into its tables. */
export const readEcc = async (host: Host): Promise<boolean | null> => {
  if (((await host.list(EDAC)) ?? []).some((n) => /^mc[0-9]+$/.test(n))) return true;
  const r = await host.run(dmiArgv(), { timeoutMs: 10_000 });
  const type = r.failure === null && r.exit === 0 ? /^MEMORY_ARRAY_EC_TYPE=(.+)$/m.exec(r.stdout)?.[1] : undefined;
  return type === undefined ? null : /ECC/.test(type) ? true : type === 'None' || type === 'Parity' ? false : null;
};

/** Each with its limit, or with what it takes when it has none. */
export const readGuests = async (host: Host): Promise<{ name: string; bytes: number }[]> => {
  const scopes = ((await host.list(GUESTS)) ?? []).filter((n) => n.endsWith('.scope') || n.endsWith('.service'));
  const found = await Promise.all(
    scopes.map(async (n) => {
      const [max, current] = await Promise.all(['memory.max', 'memory.current'].map((f) => host.readText(`${GUESTS}/${n}/${f}`)));
      const bytes = Number(/^\d+$/.exec((max ?? '').trim())?.[0] ?? (current ?? '').trim());
      const name = n.replace(/\.(scope|service)$/, '').replace(/^(libpod|machine)-/, '');
      return Number.isSafeInteger(bytes) && bytes > 0
        ? [{ name: n.startsWith('libpod') ? `container ${name.slice(0, 12)}` : `guest ${name}`, bytes }]
        : [];
    }),
  );
  return found.flat();
};
