/** Shares in words that people use, and how each kind of client gets to one. */
import type { NfsShare, ShareSpec, SmbShare } from './share.ts';

export const PRESET_WORDS: Readonly<Record<SmbShare['preset'], string>> = {
  general: 'General: files for people',
  'time-machine': 'Time Machine: backups of Macs',
  media: 'Media: many readers, large files',
  homes: 'Homes: each person sees their own folder',
  'windows-acl': 'Windows permissions, kept as Windows sets them',
};
export const ENCRYPT_WORDS: Readonly<Record<SmbShare['encrypt'], string>> = {
  off: 'off',
  desired: 'when the client can',
  required: 'always; others are turned away',
};
export const SIGN_WORDS: Readonly<Record<SmbShare['sign'], string>> = {
  auto: 'when the client asks for it (Windows and Macs do)',
  required: 'always, of everybody who connects to any share',
};
export const SQUASH_WORDS: Readonly<Record<NfsShare['clients'][number]['squash'], string>> = {
  root: 'root becomes nobody',
  all: 'everyone becomes nobody',
  none: 'everyone stays who they are',
};

export type Way = { client: string; how: string; text: string };

const quoted = (text: string): string => (/^[A-Za-z0-9_./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** `host`: as the person who asks reaches the box. `path`: where an NFS share lies. */
export const waysTo = (s: ShareSpec, host: string, path: string | null): Way[] => {
  if (s.kind === 'nfs')
    return path === null
      ? []
      : [
          { client: 'Linux', how: 'as root', text: `mount -t nfs ${quoted(`${host}:${path}`)} /mnt` },
          { client: 'macOS', how: 'Finder > Go > Connect to Server', text: `nfs://${host}${encodeURI(path)}` },
        ];
  const user = s.guests ? 'guest' : 'username=NAME';
  const ways: Way[] = [
    { client: 'Windows', how: "in Explorer's address bar", text: `\\\\${host}\\${s.name}` },
    { client: 'macOS', how: 'Finder > Go > Connect to Server', text: `smb://${host}/${encodeURIComponent(s.name)}` },
    {
      client: 'Linux',
      how: 'as root, with cifs-utils',
      text: `mount -t cifs ${quoted(`//${host}/${s.name}`)} /mnt -o ${user},vers=3.1.1${s.encrypt === 'required' ? ',seal' : ''}`,
    },
  ];
  return s.preset === 'time-machine' ? ways.filter((w) => w.client === 'macOS') : ways;
};

/** A snapshot of this name is one of the Previous Versions; the moment it stands for. Null for all others. */
export const previousVersionAt = (tag: string): number | null => {
  const m = /^GMT-(\d{4})\.(\d\d)\.(\d\d)-(\d\d)\.(\d\d)\.(\d\d)$/.exec(tag);
  const at = m ? Date.parse(`${m[1]}-${m[2]}-${m[3]}T${m[4]}:${m[5]}:${m[6]}Z`) : Number.NaN;
  return Number.isNaN(at) ? null : at;
};
