/** What dplane-guard.service says of the folders below mounted datasets (packages/debian/deb/lib/mount-guard). */
import type { Refusal } from '../../domain/refusal.ts';

export const GUARD_UNIT = 'dplane-guard.service';
/** "result id dataset path" a line, as the kernel writes them. */
export const GUARD_REPORT = '/run/dplane/mounts';

type Line = { result: string; mount: string };
const linesOf = (report: string | null): Line[] =>
  (report ?? '').split('\n').flatMap((line) => {
    const [result = '', , dataset, at] = line.split(' ');
    return dataset === undefined || at === undefined ? [] : [{ result, mount: `${dataset} ${at}` }];
  });

/** Mounts of data that nobody has looked beneath. Folders of the system are not ours to guard. */
const SYSTEM = /^\/(bin|boot|dev|efi|etc|init|initrd|lib|lib32|lib64|libx32|nix|persist|proc|root|run|sbin|sys|tmp|usr|var)(\/|$)|^\/$/;
export const unguarded = (mounts: readonly string[], report: string | null): string[] => {
  const known = new Set(linesOf(report).map((l) => l.mount));
  return mounts.filter((m) => !known.has(m) && !SYSTEM.test(m.split(' ')[1] ?? '/'));
};

/** Files that lie beneath a mount were written there while it was missing: nobody sees them, and they may be all there is of someone's work. */
export const beneath = (report: string | null): Refusal[] =>
  linesOf(report)
    .filter((l) => l.result === 'not-empty')
    .map(({ mount }) => {
      const [dataset, at] = mount.split(' ');
      return {
        code: 'conflict',
        what: `what lies below ${dataset}`,
        why: `there are files in the folder ${at} that the dataset is mounted over: something wrote there while it was not mounted`,
        todo: 'unmount it, look at them, and move them away',
      };
    });
