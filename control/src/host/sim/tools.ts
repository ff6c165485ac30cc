/** Everything of the simulated host that is not ZFS: disks, Samba, NFS, systemd, SMART. */
import { systemctlBeat } from './beat.ts';
import { chmod, chown, df, findAndSet, getent, getfacl, od, pdbedit, setfacl, stat, unlink } from './accounts.ts';
import { GUARD_REPORT, GUARD_UNIT } from '../change/mount-guard.ts';
import { SMB_FILE } from '../samba/conf.ts';
import { trafficArgv } from '../traffic.ts';
import type { Answer } from './getopt.ts';
import { done, failed, said } from './getopt.ts';
import { BY_ID, type SimDisk, type SimSession, type World } from './model.ts';
import { find, nixStore, systemdRun } from './nix.ts';
import { advance, dplaneOta, systemctlOta } from './ota.ts';
import { datasetProperty, mountpointOf } from './properties.ts';
import { tee } from './memory.ts';
import { smartctl } from './smart.ts';
import type { Tool } from './words.ts';
import { zfs } from './zfs.ts';
import { zpool } from './zpool.ts';
import { zdb } from './zpool-moves.ts';
import { settlePools, wipefs } from './zpool-disks.ts';

type Block = Record<string, unknown> & { children?: Block[] };
const partName = (disk: string, n: number): string => (/[0-9]$/.test(disk) ? `${disk}p${n}` : `${disk}${n}`);

/** Partitions as they are now: ZFS's own two on a disk of a pool, else what the seed put there. */
const partsOf = (w: World, d: SimDisk): SimDisk['parts'] => {
  if (!w.poolOfDisk(d)) return d.parts;
  return [
    {
      size: d.size - 10 * 1024 ** 2,
      fstype: 'zfs_member',
      type: 'Solaris /usr & Apple ZFS',
      label: w.poolOfDisk(d)?.pool.name ?? null,
      mountpoints: [],
    },
    { size: 8 * 1024 ** 2, fstype: null, type: 'Solaris reserved 1', label: null, mountpoints: [] },
  ];
};
const partNumber = (w: World, d: SimDisk, i: number): number => (w.poolOfDisk(d) && i === 1 ? 9 : i + 1);

const COLUMNS: Readonly<Record<string, (d: SimDisk, b: { name: string; size: number; part: SimDisk['parts'][number] | null }) => unknown>> =
  {
    NAME: (_d, b) => b.name,
    KNAME: (_d, b) => b.name,
    PATH: (_d, b) => `/dev/${b.name}`,
    SIZE: (_d, b) => b.size,
    TYPE: (_d, b) => (b.part ? 'part' : 'disk'),
    MODEL: (d, b) => (b.part ? null : d.model),
    SERIAL: (d, b) => (b.part ? null : d.serial),
    'LOG-SEC': (d) => d.sector[0],
    'PHY-SEC': (d) => d.sector[1],
    ROTA: (d) => d.rotational,
    TRAN: (d) => d.transport,
    FSTYPE: (d, b) => (b.part ? b.part.fstype : d.fstype),
    LABEL: (_d, b) => b.part?.label ?? null,
    PARTTYPENAME: (_d, b) => b.part?.type ?? null,
    MOUNTPOINTS: (_d, b) => b.part?.mountpoints ?? [],
    RO: () => false,
    RM: () => false,
  };

const lsblk: Tool = (w, args) => {
  if (args[0] !== '-J' || args[1] !== '-b' || args[2] !== '-o' || args.length !== 4)
    return failed("lsblk: unrecognized option\nTry 'lsblk --help' for more information.\n");
  const columns = (args[3] ?? '').split(',');
  const unknown = columns.find((c) => !(c in COLUMNS));
  if (unknown !== undefined) return failed(`lsblk: unknown column: ${unknown}\n`);
  const row = (d: SimDisk, b: { name: string; size: number; part: SimDisk['parts'][number] | null }): Block =>
    Object.fromEntries(columns.map((c) => [c.toLowerCase(), COLUMNS[c]?.(d, b)]));
  const devices = w.model.disks
    .filter((d) => !d.unplugged)
    .map((d) => {
      const parts = partsOf(w, d);
      const self = row(d, { name: d.name, size: d.size, part: null });
      if (parts.length > 0)
        self.children = parts.map((part, i) => row(d, { name: partName(d.name, partNumber(w, d, i)), size: part.size, part }));
      return self;
    });
  return said(`${JSON.stringify({ blockdevices: devices }, null, 3)}\n`);
};

export const byIdNames = (w: World): string[] =>
  w.model.disks
    .filter((d) => !d.unplugged)
    .flatMap((d) => d.links.flatMap((l) => [l, ...partsOf(w, d).map((_p, i) => `${l}-part${partNumber(w, d, i)}`)]))
    .sort();

const readlink: Tool = (w, args) => {
  if (args[0] !== '-f' || args.length < 2) return failed('readlink: missing operand\n');
  const out: string[] = [];
  let exit = 0;
  for (const path of args.slice(1)) {
    const part = /-part([0-9]+)$/.exec(path);
    const disk = path.startsWith(BY_ID) || path.startsWith('/dev/') ? w.diskByPath(path) : undefined;
    if (disk) out.push(`/dev/${part ? partName(disk.name, Number(part[1])) : disk.name}`);
    // readlink -f answers with the path itself when only the last part is missing
    else out.push(path);
    if (!disk && !path.startsWith('/')) exit = 1;
  }
  return { exit, stdout: out.map((l) => `${l}\n`).join('') };
};

/** The process that serves a session: the same as long as it lasts, whoever comes and goes. */
const pidOf = (s: SimSession): number => {
  let h = 7;
  for (const c of `${s.user}@${s.machine}/${s.share} ${s.connectedAt}`) h = (h * 31 + c.charCodeAt(0)) % 60_000;
  return 2_000 + h;
};
/** The folder of a share, as its section says. */
const servedAt = (w: World, share: string): string | null => {
  const section = (w.model.texts[SMB_FILE] ?? '').split(/^\[/m).find((s) => s.toLowerCase().startsWith(`${share.toLowerCase()}]`));
  return /^\tpath = (.+?)(?:\/%u)?$/m.exec(section ?? '')?.[1] ?? null;
};
/** As Samba's own status_json does: ids are texts, uids are numbers. */
const smbstatus: Tool = (w, args, now) => {
  if (args.length !== 1 || args[0] !== '--json') return failed('Usage: smbstatus [OPTION...]\n');
  const server = (pid: number): unknown => ({ pid: String(pid), task_id: '0', vnn: '4294967295', unique_id: String(9_000_000_000 + pid) });
  const encryption = { cipher: 'AES-128-GCM', degree: 'partial' };
  const signing = { cipher: 'AES-128-GMAC', degree: 'partial' };
  const iso = (ms: number): string => new Date(ms).toISOString().replace('Z', '000+00:00');
  const sessions: Record<string, unknown> = {};
  const tcons: Record<string, unknown> = {};
  const files: Record<string, Record<string, unknown> & { opens: Record<string, unknown> }> = {};
  w.model.sessions.forEach((s, i) => {
    const pid = pidOf(s);
    const id = String(3_000_000 + pid);
    sessions[id] = {
      session_id: id,
      server_id: server(pid),
      uid: 1000 + i,
      gid: 100,
      username: s.user,
      groupname: 'users',
      remote_machine: s.machine,
      hostname: `ipv4:${s.address}:${50_000 + i}`,
      session_dialect: 'SMB3_11',
      encryption,
      signing,
    };
    tcons[String(i + 1)] = {
      service: s.share,
      server_id: server(pid),
      tcon_id: String(i + 1),
      session_id: id,
      machine: s.machine,
      connected_at: iso(s.connectedAt),
      encryption,
      signing,
    };
    for (const f of s.files) {
      const folder = servedAt(w, s.share) ?? f.slice(0, f.lastIndexOf('/'));
      const entry = files[f] ?? {
        service_path: folder,
        filename: f.slice(folder.length + 1),
        fileid: { devid: 59, inode: 100 + i, extid: 0 },
        num_pending_deletes: 0,
        opens: {},
      };
      files[f] = entry;
      entry.opens[`${pid}/${Object.keys(entry.opens).length + 1}`] = {
        server_id: server(pid),
        uid: 1000 + i,
        share_file_id: String(i + 1),
        access_mask: { READ_DATA: true, WRITE_DATA: s.user !== 'nobody', APPEND_DATA: false },
        opened_at: iso(now),
      };
    }
  });
  return said(
    `${JSON.stringify({ timestamp: iso(now), version: '4.22.6-Debian', smb_conf: '/etc/samba/smb.conf', sessions, tcons, open_files: files }, null, 2)}\n`,
  );
};

/** What each session has moved since it began: the readers read, the writers write, at a pace of their own. */
const ss: Tool = (w, args, now) => {
  if (args.join(' ') !== trafficArgv().slice(1).join(' ')) return failed('ss: not simulated\n');
  const line = (s: SimSession, i: number): string => {
    const seconds = Math.max(0, (now - s.connectedAt) / 1000);
    const pace = s.files.length * (1 + (pidOf(s) % 7)) * 400_000;
    const [sent, received] = [900 + seconds * (s.user === 'nobody' ? pace : pace / 9), 1_200 + seconds * (s.user === 'nobody' ? 0 : pace)];
    return `0      0      192.168.1.10:445 ${s.address}:${50_000 + i} cubic rto:204 bytes_sent:${Math.trunc(sent)} bytes_acked:${Math.trunc(sent)} bytes_received:${Math.trunc(received)} segs_out:24\n`;
  };
  return said(w.model.sessions.map(line).join(''));
};

const testparm: Tool = (w, args) => {
  const file = args.find((a) => !a.startsWith('-'));
  if (!args.includes('-s') || args.some((a) => a.startsWith('-') && a !== '-s' && a !== '--suppress-prompt'))
    return failed('Usage: testparm [OPTION...] <config-file> [host-name] [host-ip]\n');
  const path = file ?? '/etc/samba/smb.conf';
  const text = w.model.texts[path];
  if (text === undefined) return failed(`Load smb config files from ${path}\nError loading services.\n`);
  for (const [i, line] of text.split('\n').entries()) {
    const t = line.trim();
    if (t === '' || t.startsWith('#') || t.startsWith(';') || /^\[[^\]]+\]$/.test(t) || /^[a-zA-Z][a-zA-Z0-9 :_-]* =/.test(t)) continue;
    return failed(
      `Load smb config files from ${path}\nparams.c:OpenConfFile() - Badly formed line in configuration file: ${i + 1}\nError loading services.\n`,
    );
  }
  return {
    exit: 0,
    stdout: text,
    stderr: `Load smb config files from ${path}\nLoaded services file OK.\nWeak crypto is allowed by GnuTLS (e.g. NTLM as a compatibility fallback)\n\n`,
  };
};

const smbcontrol: Tool = (w, args) => {
  const [target, message, share] = args;
  if (target !== 'all' && target !== 'smbd' && !/^[0-9]+$/.test(target ?? ''))
    return failed('Usage: smbcontrol [OPTION...] <destination> <message-type> <parameters>\n');
  if (target === 'smbd' && w.model.stopped.includes('smbd.service')) return failed("Can't find pid for destination 'smbd'\n");
  if (message === 'reload-config' && args.length === 2) return said('');
  if (/^[0-9]+$/.test(target ?? '') && message === 'shutdown' && args.length === 2) {
    w.model.sessions = w.model.sessions.filter((s) => pidOf(s) !== Number(target));
    return done();
  }
  if ((message === 'close-share' || message === 'close-denied-share') && share !== undefined && args.length === 3) {
    const left = w.model.sessions.filter((s) => s.share.toLowerCase() !== share.toLowerCase());
    if (left.length === w.model.sessions.length) return said('');
    w.model.sessions = left;
    return done();
  }
  return failed(`smbcontrol: unknown message type '${message ?? ''}'\n`);
};

const EXPORTS = '/etc/exports.d/dplaneos.exports';
const exportfs: Tool = (w, args) => {
  const text = w.model.texts[EXPORTS] ?? '';
  const lines = text.split('\n').filter((l) => l.trim() !== '' && !l.startsWith('#'));
  if (args.length === 1 && (args[0] === '-ra' || args[0] === '-r')) {
    const bad = lines.find((l) => !/^("\/[^"]*"|\/\S*)(\s+\S+\([a-z_,=]+([A-Za-z0-9/._-]+)?\))+$/.test(l));
    return bad === undefined ? said('') : failed(`exportfs: ${EXPORTS}: syntax error: bad option list\n`);
  }
  if (args.length === 1 && args[0] === '-f') return said('');
  if (args.length === 1 && args[0] === '-v') return said(lines.map((l) => `${l.split(/\s+(?=\S+\()/).join('\n\t\t')}\n`).join(''));
  return failed('exportfs: invalid option\nusage: exportfs [-adfhioruvs] [host:/path]\n');
};

const systemctl: Tool = (w, args, now) => {
  const updates = systemctlOta(w, args, now);
  if (updates) return updates;
  const [verb, ...units] = args;
  const beats = systemctlBeat(w, verb, units[0], now);
  if (beats) return beats;
  if (units.length === 0) return failed('Too few arguments.\n');
  if (verb === 'is-active') {
    const states = units.map((u) => (w.model.stopped.includes(u) ? 'inactive' : 'active'));
    return { exit: states.includes('active') ? 0 : 3, stdout: states.map((s) => `${s}\n`).join('') };
  }
  if (verb === 'start' && units[0] === GUARD_UNIT) {
    // nothing lies beneath simulated mounts
    w.model.texts[GUARD_REPORT] = mountTable(w)
      .split('\n')
      .flatMap((l, i) => (/ zfs /.test(l) ? [`guarded ${i} ${l.split(' ').slice(0, 2).join(' ')}\n`] : []))
      .join('');
    return done();
  }
  if (verb === 'start') {
    w.model.stopped = w.model.stopped.filter((u) => !units.includes(u));
    return done();
  }
  if (verb === 'reload' || verb === 'reload-or-restart' || verb === 'restart' || verb === 'try-reload-or-restart') return said('');
  return failed(`Unknown command verb '${verb ?? ''}'.\n`);
};

/** Folders are what files lie in: an empty one holds a file that nobody looks at. */
const EMPTY_FOLDER = '.folder';
const mkdir: Tool = (w, args) => {
  const path = args.at(-1) ?? '';
  const at = mountOf(w, path);
  const d = at === null ? undefined : w.dataset(at.name);
  if (at === null || d === undefined || at.below === '')
    return failed(`mkdir: cannot create directory '${path}': No such file or directory\n`);
  if (Object.keys(d.files).some((f) => f === at.below || f.startsWith(`${at.below}/`)))
    return failed(`mkdir: cannot create directory '${path}': File exists\n`);
  d.files = { ...d.files, [`${at.below}/${EMPTY_FOLDER}`]: 0 };
  return done();
};
const mv: Tool = (w, args) => {
  const [from = '', to = ''] = args.slice(-2).map((p) => mountOf(w, p)?.below ?? '');
  const d = w.dataset(mountOf(w, args.at(-1) ?? '')?.name ?? '');
  if (d === undefined || from === '' || to === '') return failed(`mv: cannot stat '${args.at(-2)}': No such file or directory\n`);
  d.files = Object.fromEntries(
    Object.entries(d.files).map(([f, size]) => [f === from || f.startsWith(`${from}/`) ? to + f.slice(from.length) : f, size]),
  );
  return done();
};

export const TOOLS: Readonly<Record<string, Tool>> = {
  zfs,
  zpool,
  lsblk,
  readlink,
  smbstatus,
  ss,
  setfacl,
  getfacl,
  testparm,
  smbcontrol,
  exportfs,
  systemctl,
  smartctl,
  wipefs,
  zdb,
  tee,
  udevadm: (w, args) =>
    args[0] === 'settle'
      ? said('')
      : args.join(' ') === 'info --query=property --path=/sys/devices/virtual/dmi/id'
        ? said(
            `DEVPATH=/devices/virtual/dmi/id\nSUBSYSTEM=dmi\n${w.model.ecc === undefined ? '' : `MEMORY_ARRAY_EC_TYPE=${w.model.ecc}\n`}`,
          )
        : failed(`Unknown command verb ${args[0] ?? ''}\n`),
  getent,
  pdbedit,
  unlink,
  mkdir,
  mv,
  stat,
  chown,
  chmod,
  df,
  od,
  'dplane-ota': dplaneOta,
  find: (w, args, now, input) => (args.includes('-exec') ? findAndSet : find)(w, args, now, input),
  'nix-store': nixStore,
  'systemd-run': systemdRun,
};

/** An argv as a whole: a full path to a tool is that tool. */
export const execute = (w: World, argv: readonly string[], now: number, input: string): Answer | null => {
  settlePools(w, now);
  advance(w, now); // what goes on by itself comes first, when it runs and when it is replayed
  const name = (argv[0] ?? '').split('/').at(-1) ?? '';
  const tool = TOOLS[name];
  return tool === undefined ? null : tool(w, argv.slice(1), now, input);
};

/** The dataset whose mount covers a path, and the path below it. */
export const mountOf = (w: World, path: string): { name: string; below: string } | null => {
  let best: { name: string; at: string } | null = null;
  for (const d of w.sorted()) {
    if (!d.mounted) continue;
    const at = mountpointOf(w, d);
    if (at !== null && (path === at || path.startsWith(at === '/' ? '/' : `${at}/`)) && (best === null || at.length > best.at.length))
      best = { name: d.name, at };
  }
  return best === null ? null : { name: best.name, below: path.slice(best.at.length).replace(/^\//, '') };
};
export const isReadonly = (w: World, name: string): boolean => {
  const d = w.dataset(name);
  return d !== undefined && datasetProperty(w, d, 'readonly', true)?.value === 'on';
};

/** As the kernel writes it: one mount a line, blanks in octal, what lies below comes later. */
export const mountTable = (w: World): string => {
  const mounts = w.sorted().flatMap((d) => {
    const at = d.mounted ? mountpointOf(w, d) : null;
    return at === null ? [] : [{ d, at }];
  });
  mounts.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  const field = (text: string): string => text.replace(/[ \t\n\\]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`);
  return `overlay / overlay rw,relatime 0 0\n${mounts.map(({ d, at }) => `${field(d.name)} ${field(at)} zfs ${isReadonly(w, d.name) ? 'ro' : 'rw'},xattr,posixacl 0 0\n`).join('')}`;
};
