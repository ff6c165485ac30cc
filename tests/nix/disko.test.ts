/** disko takes disko/ab.nix, and its own scripts make the disk that everything else expects: run on a sparse file, where a copy of disko is at hand. */
import { existsSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { repository } from '../../packages/debian/src/places.ts';
import { run } from '../../packages/lab/src/exec.ts';
import { LIB, notRun, references, startNix, withoutReferences } from './nix.ts';

const nix = await startNix('the layout of the disk');
const scratch = mkdtempSync(join(tmpdir(), 'dplane-disko-'));
afterAll(() => {
  nix?.remove();
  rmSync(scratch, { recursive: true });
});

const Scripts = z.object({
  partitions: z.record(z.string(), z.object({ label: z.string(), type: z.string(), size: z.string() })),
  format: z.string(),
  mount: z.string(),
});
const scripts = async (): Promise<z.infer<typeof Scripts>> =>
  Scripts.parse(
    await nix?.evaluate(
      `import ${LIB}/disko.nix { references = "${references}"; device = "/dev/disk/by-id/ata-DPLANE_TEST"; root = "${scratch}/root"; systemMiB = 2048; }`,
    ),
  );

const why = nix === null ? 'there is no Nix' : references === null ? withoutReferences : null;
if (why !== null) notRun("disko's scripts for disko/ab.nix", why);
const withDisko = test.skipIf(why !== null);

withDisko("disko's own types take the layout", async () => {
  const { partitions, format } = await scripts();
  expect(partitions).toEqual({
    esp: { label: 'esp', type: 'EF00', size: '512M' },
    'system-a': { label: 'system-a', type: '8300', size: '2048M' },
    'system-b': { label: 'system-b', type: '8300', size: '2048M' },
    persist: { label: 'persist', type: '8300', size: '100%' },
  });
  expect(format).toContain('/dev/disk/by-id/ata-DPLANE_TEST');
});

/** A loop device can be had, and what is mounted stays ours. */
const canLoop = async (): Promise<string | null> => {
  if (process.getuid?.() !== 0) return 'it takes root to make a loop device';
  for (const tool of ['losetup', 'sgdisk', 'partx', 'mkfs.vfat', 'mkfs.ext4'])
    if (!['/usr/sbin', '/usr/bin', '/sbin'].some((folder) => existsSync(join(folder, tool)))) return `${tool} is not installed`;
  const free = await run(['losetup', '--find']);
  return free.exit === 0 ? null : 'this kernel has no loop devices';
};

withDisko("disko's own scripts format and mount a disk: the right file systems under the right names", async ({ skip }) => {
  const not = await canLoop();
  if (not !== null) {
    notRun("disko's scripts on a file", not);
    skip();
  }
  const { format, mount } = await scripts();
  const [image, formatFile, mountFile, root] = ['disk.img', 'format', 'mount', 'root'].map((name) => join(scratch, name));
  writeFileSync(image ?? '', '');
  truncateSync(image ?? '', 8 * 1024 ** 3);
  writeFileSync(formatFile ?? '', format);
  writeFileSync(mountFile ?? '', mount);
  const argv = ['unshare', '--mount', join(repository, 'tests/nix/disko.sh'), image, formatFile, mountFile, root].map(String);
  const r = await run(argv, { timeoutMs: 55_000 });
  expect(r.exit, r.stderr).toBe(0);
  const lines = r.stdout.split('\n').map((line) => line.trimEnd());
  expect(lines.filter((line) => line.startsWith('partition '))).toEqual([
    'partition esp ESP vfat',
    'partition persist persist ext4',
    'partition system-a system-a ext4',
    // empty until the first update
    'partition system-b',
  ]);
  const mounted = lines.filter((line) => line.startsWith('mounted ')).map((line) => line.replace(`${root}`, ''));
  expect(mounted).toEqual(expect.arrayContaining(['mounted  tmpfs', 'mounted /nix ext4', 'mounted /persist ext4']));
  if (!mounted.includes('mounted /boot vfat')) notRun('mounting the boot partition', 'this kernel has no vfat');
});
