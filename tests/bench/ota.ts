/**
 * Installing an update, as a process of its own on a pretended machine: beside `zstd -d | dd` with fsync of the same image in the same
 * run; its memory while it installs a slot of 8 GiB; and what it writes when 5% of the chunks differ.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, fsyncSync, ftruncateSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { orThrow } from '../../control/src/domain/refusal.ts';
import { buildBundle } from '../../ota/src/bundle/build.ts';
import { signBundle } from '../../ota/src/bundle/sign.ts';
import { type Box, makeBox, systemInfo } from '../../ota/src/testing/box.ts';
import { DAY, NOW, noise, readyBox, seedOf, signerOf } from '../../ota/src/testing/release.ts';
import { ROOT } from '../repo/files.ts';
import { type Bench, type Figure, figure, median } from './bench.ts';
import { drop, scratch } from './processes.ts';

const MIB = 1024 * 1024;
const IMAGE = 1024;
const ROUNDS = 3;
/** As the unit file runs it. */
const FLAGS = ['--max-semi-space-size=1'];

const Said = z.object({
  applied: z.discriminatedUnion('ok', [
    z.object({ ok: z.literal(true), value: z.looseObject({ written: z.number(), skipped: z.number() }) }),
    z.object({ ok: z.literal(false), refusal: z.looseObject({ why: z.string() }) }),
  ]),
  ms: z.number(),
  peak: z.number(),
});

/** An image that packs to about a third: half of each MiB is noise that does not repeat within it, the other half text. */
const chunk = (n: number): Buffer => {
  const out = Buffer.alloc(MIB, `line ${n} of a file that was written by a person, and then another one. `);
  noise(MIB / 3 - ((MIB / 3) % 4), n + 1).copy(out);
  return out;
};

const makeImage = (path: string, mib: number, change: (n: number) => number = (n) => n, sparse = false): void => {
  const file = openSync(path, 'w');
  ftruncateSync(file, mib * MIB);
  for (let n = 0; n < mib; n += sparse ? 64 : 1) writeSync(file, chunk(change(n)), 0, MIB, n * MIB);
  fsyncSync(file);
  closeSync(file);
};

const bundleOf = async (folder: string, image: string, index: number): Promise<string> => {
  const at = (name: string): string => join(folder, name);
  writeFileSync(at('kernel'), noise(MIB, 7));
  writeFileSync(at('initrd'), noise(MIB, 8));
  const bundle = at(`bundle-${index}`);
  const input = { slot: image, kernel: at('kernel'), initrd: at('initrd'), system: systemInfo(index), minIndex: 1, options: [], level: 3 };
  orThrow(
    await buildBundle({ ...input, poolFeatures: ['async_destroy', 'lz4_compress'], createdAt: NOW - DAY, notAfter: NOW + DAY }, bundle),
  );
  orThrow(await signBundle(bundle, signerOf(seedOf(1))));
  return bundle;
};

const apply = (box: Box, bundle: string, cache: string) => {
  const r = spawnSync(process.execPath, [...FLAGS, join(ROOT, 'ota/src/testing/apply-once.ts'), box.root, bundle], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH ?? '', NODE_COMPILE_CACHE: cache },
  });
  if (r.status !== 0) throw new Error(`the apply failed: ${r.stderr}`);
  const said = Said.parse(JSON.parse(r.stdout));
  if (!said.applied.ok) throw new Error(`refused: ${said.applied.refusal.why}`);
  return { ...said.applied.value, ms: said.ms, peak: said.peak };
};

/** What a shell does, unverified, with the same bytes to the same file. */
const plain = (bundle: string, slot: string): number => {
  const began = performance.now();
  const r = spawnSync('sh', [
    '-c',
    'tar xOf "$0" slot.img.zst | zstd -dcq | dd of="$1" bs=1M conv=notrunc,fsync status=none',
    bundle,
    slot,
  ]);
  if (r.status !== 0) throw new Error(`dd failed: ${r.stderr}`);
  return performance.now() - began;
};

/** Something else in every chunk, on the disk. */
const refill = (slot: string, mib: number): void => {
  const file = openSync(slot, 'r+');
  const other = noise(MIB, 4711);
  for (let n = 0; n < mib; n += 1) writeSync(file, other, 0, MIB, n * MIB);
  fsyncSync(file);
  closeSync(file);
};

const same = (slot: string, image: string, mib: number): void => {
  const r = spawnSync('cmp', ['-n', String(mib * MIB), slot, image]);
  if (r.status !== 0) throw new Error(`the slot does not hold the image: ${r.stdout}`);
};

const run = async (): Promise<Figure[]> => {
  const folder = scratch();
  const cache = join(folder, 'compile');
  const boxes: Box[] = [];
  const boxOf = async (mib: number): Promise<Box> => {
    const box = await readyBox(makeBox, mib * MIB);
    boxes.push(box);
    return box;
  };
  try {
    const image = join(folder, 'image');
    makeImage(image, IMAGE);
    const bundle = await bundleOf(folder, image, 9);
    const box = await boxOf(IMAGE);
    const slot = box.places.slot('b');
    refill(slot, IMAGE);
    apply(box, bundle, cache); // compiled code is kept from here on, as on the appliance
    same(slot, image, IMAGE);
    const [ours, theirs]: [number[], number[]] = [[], []];
    for (let i = 0; i < ROUNDS; i += 1) {
      refill(slot, IMAGE);
      theirs.push(plain(bundle, slot));
      refill(slot, IMAGE);
      ours.push(apply(box, bundle, cache).ms);
    }
    // every 20th chunk is another one
    const next = join(folder, 'next');
    makeImage(next, IMAGE, (n) => (n % 20 === 0 ? n + 1_000_000 : n));
    const small = apply(box, await bundleOf(folder, next, 10), cache);
    same(slot, next, IMAGE);
    if (small.written + small.skipped !== IMAGE * MIB) throw new Error('not every byte was written or found');

    const huge = join(folder, 'huge');
    makeImage(huge, 8192, undefined, true);
    const large = await boxOf(8192);
    const peak = apply(large, await bundleOf(folder, huge, 9), cache);
    return [
      figure('installing an image of 1 GiB', median(ours), 'ms', median(theirs), 'beside `zstd -d | dd` with fsync; goal: <= 1.3'),
      figure('written when 5% of the chunks differ', small.written / MIB, 'MiB', IMAGE, 'beside the whole image; goal: <= 0.08'),
      figure(
        'peak memory installing a slot of 8 GiB',
        peak.peak,
        'MB',
        100,
        `VmHWM; goal: < 100; ${Math.round(readFileSync(process.execPath).length / MIB)} MB is the node program`,
      ),
    ];
  } finally {
    for (const box of boxes) box.drop();
    drop(folder);
  }
};

export const benches: Bench[] = [{ name: 'ota', run }];
