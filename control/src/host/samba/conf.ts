/** The SMB shares, one section each; smb.conf includes this file. It has a folder of its own, which outlives the throw-away root. */
import type { SmbShare } from '../../domain/share/share.ts';
import { type ManagedFile, NONE, parseManaged, renderManaged } from '../managed.ts';

export const SMB_FILE = '/etc/samba/dplaneos/shares.conf';
export const SMB_UNIT = 'smbd.service';

const yes = (b: boolean): string => (b ? 'yes' : 'no');
/** Modules in the order Samba stacks them; snapshots on the outside, so that old versions show their streams too. */
const modules = (s: SmbShare): string[] => [
  ...(s.previousVersions ? ['shadow_copy2'] : []),
  ...(s.preset === 'windows-acl' ? ['acl_xattr'] : []),
  // for all or for none: a Mac that mounts one with and one without behaves as it likes
  ...['catia', 'fruit', 'streams_xattr'],
];
const settings = (s: SmbShare, path: string): [string, string][] => {
  const vfs = modules(s);
  return [
    ['path', s.preset === 'homes' ? `${path}/%u` : path],
    ...(s.comment === '' ? [] : ([['comment', s.comment]] as [string, string][])),
    ['read only', yes(s.readOnly)],
    ['browseable', yes(s.browseable)],
    ['guest ok', yes(s.guests)],
    ...(s.validUsers.length === 0 ? [] : ([['valid users', s.validUsers.join(', ')]] as [string, string][])),
    ...(s.writeUsers.length === 0 ? [] : ([['write list', s.writeUsers.join(', ')]] as [string, string][])),
    ['server smb encrypt', s.encrypt],
    // a link that leads out of the share leads nowhere, whoever made it
    ['wide links', 'no'],
    ['vfs objects', vfs.join(' ')],
    ['fruit:metadata', 'stream'],
    ['fruit:posix_rename', 'yes'],
    ...(s.previousVersions
      ? ([
          ['shadow:snapdir', '.zfs/snapshot'],
          // a dataset below has snapshots of its own; without this its files would be looked for in those of the share's
          ['shadow:snapdirseverywhere', 'yes'],
          ['shadow:sort', 'desc'],
          ['shadow:format', 'GMT-%Y.%m.%d-%H.%M.%S'],
          ['shadow:localtime', 'no'],
        ] as [string, string][])
      : []),
    ...(s.preset === 'time-machine'
      ? ([['fruit:time machine', 'yes'], ...(s.maxSize === '' ? [] : [['fruit:time machine max size', s.maxSize]])] as [string, string][])
      : []),
    ...(s.preset === 'windows-acl'
      ? ([
          ['inherit acls', 'yes'],
          ['map acl inherit', 'yes'],
          ['store dos attributes', 'yes'],
        ] as [string, string][])
      : []),
    ...(s.preset === 'media' ? ([['strict locking', 'no']] as [string, string][]) : []),
  ];
};
const block = (s: SmbShare, path: string): string =>
  `[${s.name}]\n${settings(s, path)
    .map(([k, v]) => `\t${k} = ${v}\n`)
    .join('')}`;
const pathIn = (text: string): string | null => {
  const path = /^\tpath = (.+)$/m.exec(text)?.[1];
  return path === undefined ? null : path.replace(/\/%[uU]$/, '');
};

/** Samba signs for the server as a whole: one share that asks for it has everybody sign. It holds for connections from then on. */
const SIGNED = '\tserver signing = mandatory\n';
/** Who logs in with a name that nobody has is a guest only where there is a share for guests; else the name is refused as a wrong password is. */
const GUESTS = '\tmap to guest = Bad User\n';
const lead = (sign: boolean, guests: boolean): string => (sign || guests ? `[global]\n${sign ? SIGNED : ''}${guests ? GUESTS : ''}` : '');
const LEADS = [lead(false, false), lead(true, false), lead(false, true), lead(true, true)];

export const renderSmb = (
  shares: readonly SmbShare[],
  mountpoints: ReadonlyMap<string, string | null>,
  withheld: ReadonlySet<string> = NONE,
): string =>
  renderManaged(
    shares,
    mountpoints,
    block,
    withheld,
    lead(
      shares.some((s) => s.sign === 'required'),
      shares.some((s) => s.guests),
    ),
  );
export const parseSmb = (text: string): ManagedFile<SmbShare> => parseManaged<SmbShare>(SMB_FILE, text, 'smb', pathIn, LEADS);

/** Checks a whole configuration; says what is wrong on stderr. */
export const testparmArgv = (file: string): string[] => ['testparm', '-s', '--suppress-prompt', file];
export const reloadSmbArgv = (): string[] => ['smbcontrol', 'smbd', 'reload-config'];
/** Disconnects whoever uses a share that is going away. */
export const closeShareArgv = (name: string): string[] => ['smbcontrol', 'smbd', 'close-share', name];
