/**
 * Where a dataset may be mounted. A dataset over /etc would be root's configuration written by whoever can write to a share:
 * folders of the system are never taken, whatever the plan says.
 */
import { parentOf } from '../../domain/names.ts';
import { type Result, ok, refuse } from '../../domain/refusal.ts';
import type { Host } from '../host.ts';
import { properties, shown } from './host.ts';

const SYSTEM = new Set(
  'bin boot dev efi etc init initrd lib lib32 lib64 libx32 lost+found nix persist proc root run sbin sys tmp usr var'.split(' '),
);

export const mayMountAt = (name: string, mountpoint: string): Result<true> => {
  const top = mountpoint.split('/')[1] ?? '';
  if (mountpoint === 'none' || mountpoint === 'legacy' || mountpoint === '-') return ok(true);
  if (mountpoint.startsWith('/') && top !== '' && !SYSTEM.has(top)) return ok(true);
  return refuse(
    'blocked',
    `mounting ${name} at ${mountpoint}`,
    'it belongs to the operating system',
    'choose a folder such as /mnt/NAME or /srv/NAME',
  );
};

/**
 * The same, and nothing is there already: ZFS mounts over a folder that holds files, and hides them. What is mounted at
 * `now` may stay there.
 */
export const mayTake = async (host: Host, name: string, mountpoint: string, now: string | null): Promise<Result<true>> => {
  const allowed = mayMountAt(name, mountpoint);
  if (!allowed.ok || !mountpoint.startsWith('/') || mountpoint === now) return allowed;
  const entries = await host.list(mountpoint);
  return entries === null || entries.length === 0
    ? ok(true)
    : refuse(
        'conflict',
        `mounting ${name} at ${mountpoint}`,
        `the folder holds ${entries.length} ${entries.length === 1 ? 'entry' : 'entries'}, which would be hidden`,
        'move them away, or choose another folder',
      );
};

/** Where a dataset of this name comes to lie when it inherits its mount point. */
export const inheritedMountpoint = async (host: Host, name: string): Promise<Result<string>> => {
  const parent = parentOf(name);
  if (parent === null) return ok(`/${name}`);
  const seen = await properties(host, parent, ['mountpoint']);
  if (!seen.ok) return seen;
  const above = shown(seen.value, 'mountpoint');
  return ok(above.startsWith('/') ? `${above === '/' ? '' : above}/${name.slice(parent.length + 1)}` : above);
};
