/** A release to install: an image, kernel and initrd in a temporary folder, and a key that signs bundles of them. For tests. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Manifest } from '../../../control/src/domain/bundle/bundle.ts';
import { orThrow } from '../../../control/src/domain/refusal.ts';
import type { SystemInfo } from '../../../control/src/domain/slot/slot.ts';
import type { Host, RunResult } from '../../../control/src/host/host.ts';
import type { ApplyTools } from '../apply/apply.ts';
import { type BuildInput, buildBundle } from '../bundle/build.ts';
import { signBundle } from '../bundle/sign.ts';
import type { Signer } from '../keys/signer.ts';
import { fileSource } from '../bundle/sources.ts';
import { renderPublicKey, keyId } from '../keys/public.ts';
import { publicOf, signBytes } from '../keys/signature.ts';
import { type Box, systemInfo } from './box.ts';

export const NOW = Date.UTC(2026, 10, 21, 12);
export const DAY = 86_400_000;
export const CHUNK = 65_536;

export const seedOf = (n: number): Uint8Array => new Uint8Array(32).fill(n);
export const signerOf = (seed: Uint8Array): Signer => ({
  publicKey: publicOf(seed),
  sign: async (message) => ({ ok: true, value: signBytes(message, seed) }),
});
export const pemOf = (seed: Uint8Array, comment = 'test'): string => renderPublicKey(publicOf(seed), comment);
export const idOf = (seed: Uint8Array): string => keyId(publicOf(seed));

/** Bytes that do not repeat and can't be packed; the same for the same number. */
export const noise = (bytes: number, seed: number): Buffer => {
  const out = Buffer.alloc(bytes);
  let x = (seed * 2_654_435_761 + 12_345) >>> 0;
  for (let i = 0; i < bytes; i += 4) {
    x ^= x << 13;
    x >>>= 0;
    x ^= x >>> 17;
    x ^= x << 5;
    x >>>= 0;
    out.writeUInt32LE(x, i);
  }
  return out;
};

export type Release = { path: string; manifest: Manifest; image: Buffer; kernel: Buffer; initrd: Buffer };

export const makeRelease = async (
  box: Box,
  index: number,
  more: Partial<BuildInput> & { chunks?: number; image?: Buffer; info?: Partial<SystemInfo>; key?: Uint8Array } = {},
): Promise<Release> => {
  const at = (name: string): string => join(box.root, `${name}-${index}`);
  const image =
    more.image ??
    Buffer.concat(
      Array.from({ length: more.chunks ?? 5 }, (_, i) => (i % 2 === 0 ? noise(CHUNK, index * 100 + i) : Buffer.alloc(CHUNK, i))),
    );
  const [kernel, initrd] = [noise(20_000, index), noise(30_100, index + 50)];
  for (const [name, bytes] of [
    ['image', image],
    ['kernel', kernel],
    ['initrd', initrd],
  ] as const)
    writeFileSync(at(name), bytes);
  const { chunks: _, image: __, info, key = seedOf(1), ...input } = more;
  orThrow(
    await buildBundle(
      {
        slot: at('image'),
        kernel: at('kernel'),
        initrd: at('initrd'),
        system: systemInfo(index, info),
        minIndex: 1,
        poolFeatures: ['async_destroy', 'lz4_compress'],
        options: ['panic=10', 'quiet'],
        createdAt: NOW - DAY,
        notAfter: NOW + 30 * DAY,
        chunkSize: CHUNK,
        level: 1,
        ...input,
      },
      at('bundle'),
    ),
  );
  orThrow(await signBundle(at('bundle'), signerOf(key)));
  const bytes = readFileSync(at('bundle'));
  const manifest = JSON.parse(bytes.subarray(512, 512 + Number.parseInt(bytes.toString('latin1', 124, 135), 8)).toString()) as Manifest;
  return { path: at('bundle'), manifest, image, kernel, initrd };
};

/** A host with two pools; what was run is kept. `answer` may say something else. */
export const poolHost = (
  answer: (argv: readonly string[]) => string | Partial<RunResult> | null = () => null,
): Host & { ran: string[] } => {
  const ran: string[] = [];
  const usual = (argv: readonly string[]): string => {
    if (argv[0] === 'zpool' && argv[1] === 'list') return 'tank\toff\nvault\ton\n';
    if (argv[0] === 'zpool' && argv[1] === 'get')
      return 'size\t1T\nfeature@async_destroy\tenabled\nfeature@lz4_compress\tactive\nfeature@draid\tdisabled\n';
    return '';
  };
  return {
    simulated: true,
    get files(): never {
      throw new Error('no files here');
    },
    ran,
    run: async (argv) => {
      ran.push(argv.join(' '));
      const said = answer(argv) ?? usual(argv);
      const result = { argv, exit: 0, failure: null, stdout: '', stderr: '', durationMs: 1 };
      return typeof said === 'string' ? { ...result, stdout: said } : { ...result, ...said };
    },
    lines: () => {
      throw new Error('not used here');
    },
    readText: async () => null,
    writeText: async () => {},
    list: async () => null,
    connect: async () => null,
  };
};

export const toolsFor = (box: Box, path: string, more: Partial<ApplyTools> = {}): ApplyTools => ({
  places: box.places,
  host: poolHost(),
  clock: () => NOW,
  signal: new AbortController().signal,
  openSource: () => fileSource(path),
  syncAll: async () => {},
  baseline: async () => ({ ok: true, value: null }),
  ...more,
});

/** Running a-4 (index 3), confirmed; b holds an older one. Trusts the key of `seedOf(1)`. */
export const readyBox = async (make: (slotBytes: number) => Box, slotBytes = 6 * CHUNK): Promise<Box> => {
  const box = make(slotBytes);
  box.entry('a', 4, null, 3);
  box.entry('b', 3, null, 2);
  box.booted('a', 4);
  box.write(join(box.places.imageKeys, 'release.pem'), pemOf(seedOf(1)));
  return box;
};
