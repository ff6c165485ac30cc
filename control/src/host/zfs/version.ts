/** Which OpenZFS this is: the tools and the module in the kernel, which may differ. */
import type { Result } from '../../domain/refusal.ts';
import { reading, text, unreadable } from '../parse.ts';
import { body } from './json.ts';

export const versionArgv = (): string[] => ['zfs', 'version', '-j'];
export type ZfsVersion = { userland: string; kernel: string };
export const parseVersion = (stdout: string): Result<ZfsVersion> =>
  reading('the version of ZFS', () => {
    const v = body(stdout, 'zfs version', 'zfs_version');
    const number = (key: string): string => /^zfs-(?:kmod-)?([0-9].*)$/.exec(text(v[key], key))?.[1] ?? unreadable(`${key} is no version`);
    return { userland: number('userland'), kernel: number('kernel') };
  });

/** JSON answers came with 2.3. */
export const isSupported = (v: ZfsVersion): boolean => {
  const [major = 0, minor = 0] = v.userland.split('.').map(Number);
  return major > 2 || (major === 2 && minor >= 3);
};
