/** The two programs that write to a disk outside of updates: the flasher, and what lets /persist take the rest of the disk at the first start. */
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { repository } from '../../packages/debian/src/places.ts';
import { must, type Result, run } from '../../packages/lab/src/exec.ts';
import { notRun } from './nix.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dplane-flash-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const contents = Buffer.alloc(3 * 1024 * 1024, 'image');
const [image, byId, disk] = [join(scratch, 'a.img.zst'), join(scratch, 'by-id'), join(scratch, 'disk')];
const name = join(byId, 'ata-TEST_1');

beforeEach(() => {
  rmSync(byId, { recursive: true, force: true });
  mkdirSync(byId);
  const packed = zstdCompressSync(contents);
  writeFileSync(image, packed);
  writeFileSync(`${image}.sha256`, `${createHash('sha256').update(packed).digest('hex')}  a.img.zst\n`);
  writeFileSync(disk, Buffer.alloc(8 * 1024 * 1024, 'old'));
  symlinkSync(disk, name);
});
const lacking = ['zstd', 'lsblk'].filter((tool) => !existsSync(join('/usr/bin', tool)));
const flash = (args: readonly string[], input = ''): Promise<Result> =>
  run(['bash', join(repository, 'packages/flash/flash.sh'), ...args], {
    input,
    timeoutMs: 60_000,
    env: { DPLANEOS_BY_ID: byId, DPLANEOS_FLASH_TO_FILE: '1' },
  });
const untouched = (): boolean => readFileSync(disk).equals(Buffer.alloc(8 * 1024 * 1024, 'old'));
const withTools = test.skipIf(lacking.length > 0);
if (lacking.length > 0) notRun('the flasher', `not installed: ${lacking.join(', ')}`);

withTools('writes the image, reads it back, and leaves the rest of the disk alone', async () => {
  const r = await flash([image, name]);
  expect(r.exit, r.stderr).toBe(0);
  const now = readFileSync(disk);
  expect(now.subarray(0, contents.length).equals(contents)).toBe(true);
  expect(now.length).toBe(8 * 1024 * 1024);
  expect(r.stderr).toMatch(/Done: .*ata-TEST_1 holds the image/);
});

const openssl = existsSync('/usr/bin/openssl');
if (!openssl) notRun('the flasher and signatures', 'not installed: openssl');
test.skipIf(lacking.length > 0 || !openssl)('with a public key only what that key signed is written', async () => {
  const [mine, theirs] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')];
  const pem = join(scratch, 'key.pem');
  writeFileSync(pem, mine.publicKey.export({ type: 'spki', format: 'pem' }));
  // what dplane-ota sign-file signs
  const message = Buffer.concat([Buffer.from('dplane-file-v1\0'), createHash('sha512').update(readFileSync(image)).digest()]);
  for (const [signature, why] of [
    [null, /sig is missing/],
    [sign(null, message, theirs.privateKey), /was not signed by/],
    [sign(null, message.subarray(1), mine.privateKey), /was not signed by/],
    [Buffer.from('short'), /was not signed by/],
  ] as const) {
    if (signature !== null) writeFileSync(`${image}.sig`, signature);
    const r = await flash(['--public-key', pem, image, name]);
    expect(r.exit).toBe(1);
    expect(r.stderr).toMatch(why);
    expect(untouched()).toBe(true);
  }
  writeFileSync(`${image}.sig`, sign(null, message, mine.privateKey));
  expect((await flash(['--public-key', join(scratch, 'none.pem'), image, name])).stderr).toMatch(/is no file/);
  const r = await flash(['--public-key', pem, image, name]);
  expect(r.exit, r.stderr).toBe(0);
  expect(r.stderr).toContain(`Signed by ${pem}`);
  rmSync(`${image}.sig`);
});

withTools('asks for the whole name, twice', async () => {
  expect((await flash([image], `${name}\n${name}\n`)).exit).toBe(0);
  writeFileSync(disk, Buffer.alloc(8 * 1024 * 1024, 'old'));
  const other = await flash([image], `${name}\nyes\n`);
  expect(other.exit).toBe(1);
  expect(other.stderr).toMatch(/that was another name\. Nothing was written/);
  const none = await flash([image], '');
  expect(none.stderr).toMatch(/no disk was named\. Nothing was written/);
  expect(untouched()).toBe(true);
});

withTools.for([
  ['a name that moves', [image, '/dev/sda'], /names such as \/dev\/sda can mean another disk/],
  ['a disk that is not there', [image, join(byId, 'ata-GONE')], /is not there/],
  ['a partition', [image, `${name}-part1`], /is a partition/],
  ['no image', [], /usage: dplaneos-flash/],
] as const)('refused: %s', async ([, args, words]) => {
  symlinkSync(disk, `${name}-part1`);
  const r = await flash(args);
  expect(r.exit).toBe(1);
  expect(r.stderr).toMatch(words);
  expect(untouched()).toBe(true);
});

withTools('refused: an image that is not what its sum says, or that has none', async () => {
  writeFileSync(image, Buffer.concat([readFileSync(image), Buffer.from('x')]));
  const damaged = await flash([image, name]);
  expect(damaged.stderr).toMatch(/is not what .*sha256 says.*Nothing was written/);
  rmSync(`${image}.sha256`);
  expect((await flash([image, name])).stderr).toMatch(/sha256 is missing/);
  expect(untouched()).toBe(true);
});

/** CAP_SYS_RESOURCE, without which the kernel lets nobody grow a mounted file system. */
const mayGrowMounted = (): boolean =>
  (BigInt(`0x${/^CapEff:\s+([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`) & (1n << 24n)) !== 0n;

test('/persist takes the rest of the disk while it is mounted, and its files stay', async ({ skip }) => {
  const tools = ['losetup', 'sfdisk', 'sgdisk', 'partx', 'resize2fs'].filter(
    (tool) => !['/usr/sbin', '/usr/bin', '/sbin'].some((folder) => existsSync(join(folder, tool))),
  );
  const root = process.getuid?.() === 0;
  if (!root || tools.length > 0 || (await run(['losetup', '--find'])).exit !== 0) {
    notRun('growing /persist', root ? `no loop devices, or not installed: ${tools.join(', ')}` : 'it takes root to make a loop device');
    skip();
  }
  const [whole, part, at, mark] = [join(scratch, 'whole.img'), join(scratch, 'part.img'), join(scratch, 'at'), join(scratch, '.grown')];
  writeFileSync(part, '');
  truncateSync(part, 64 * 1024 ** 2);
  await must(['mkfs.ext4', '-q', '-L', 'persist', part]);
  writeFileSync(whole, '');
  truncateSync(whole, 80 * 1024 ** 2);
  await must(['sgdisk', '--new=1:1M:+8M', '--new=4:9M:+64M', '--change-name=4:persist', whole]);
  await must(['dd', `if=${part}`, `of=${whole}`, 'bs=1M', 'seek=9', 'conv=notrunc', 'status=none']);
  // written to a larger disk
  truncateSync(whole, 512 * 1024 ** 2);
  const loop = (await must(['losetup', '--find', '--show', whole])).trim();
  mkdirSync(at);
  try {
    await run(['partx', '--add', loop]);
    await must(['mount', `${loop}p4`, at]);
    writeFileSync(join(at, 'kept'), 'yes');
    if (!mayGrowMounted()) {
      notRun('growing /persist while it is mounted', 'this machine does not allow it (CAP_SYS_RESOURCE); grown unmounted instead');
      await must(['umount', at]);
      await must(['e2fsck', '-f', '-p', `${loop}p4`]);
    }
    await must(['bash', join(repository, 'packages/flash/grow-persist.sh'), `${loop}p4`, mark]);
    if (!mayGrowMounted()) await must(['mount', `${loop}p4`, at]);
    const size = Number((await must(['blockdev', '--getsize64', `${loop}p4`])).trim());
    expect(size).toBeGreaterThan(490 * 1024 ** 2);
    const [, available] = (await must(['df', '-B1', '--output=size', at])).trim().split('\n');
    expect(Number(available)).toBeGreaterThan(400 * 1024 ** 2);
    expect(readFileSync(join(at, 'kept'), 'utf8')).toBe('yes');
    expect(existsSync(mark)).toBe(true);
    expect(await must(['sgdisk', '-p', whole])).toMatch(/^ +4 .* persist$/m);
  } finally {
    await run(['umount', at]);
    await run(['partx', '--delete', loop]);
    await run(['losetup', '--detach', loop]);
  }
});
