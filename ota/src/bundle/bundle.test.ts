import { spawnSync } from 'node:child_process';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { canonical } from '../../../control/src/domain/canonical.ts';
import { orThrow, type Result } from '../../../control/src/domain/refusal.ts';
import { type Box, makeBox, systemInfo } from '../testing/box.ts';
import { CHUNK, DAY, idOf, makeRelease, noise, NOW, type Release, seedOf, signerOf } from '../testing/release.ts';
import { messageOf, publicOf, signBytes } from '../keys/signature.ts';
import type { Trust } from '../keys/trust.ts';
import { buildBundle } from './build.ts';
import { compareRelease } from './compare.ts';
import { inspectBundle, verifyBundle } from './verify.ts';
import type { Source } from './reader.ts';
import { signBundle } from './sign.ts';
import { fileSource } from './sources.ts';
import { archiveSize, BLOCK, END, header, MEMBERS, padded, sizeIn } from './tar.ts';

let box: Box;
let release: Release;
let whole: Buffer;
const SEED = seedOf(1);
const trustIn = (...seeds: Uint8Array[]): Trust => ({
  keys: seeds.map((s) => ({ id: idOf(s), bytes: publicOf(s), comment: '', source: 'image' as const, revoked: false })),
});
const TRUST = trustIn(SEED);

beforeAll(async () => {
  box = makeBox();
  release = await makeRelease(box, 5);
  whole = readFileSync(release.path);
});
afterAll(() => box.drop());

/** In pieces of a size that fits nothing; `size` as told, not as it is. */
const sourceOf = (bytes: Uint8Array, size: number | null = null, piece = 7919): Source => {
  let at = 0;
  return {
    name: 'test.dplane',
    size,
    next: async () => {
      if (at >= bytes.length) return null;
      const part = Buffer.from(bytes.subarray(at, at + piece));
      at += part.length;
      return part;
    },
    close: async () => {},
  };
};
const why = async (bytes: Uint8Array, trust = TRUST): Promise<string> => {
  const r = await verifyBundle(sourceOf(bytes), trust);
  return r.ok ? 'good' : r.refusal.why;
};
const changed = (at: number, xor = 1): Buffer => {
  const copy = Buffer.from(whole);
  copy[at] = (copy[at] ?? 0) ^ xor;
  return copy;
};
const manifestSize = (): number => sizeIn(whole.subarray(0, BLOCK), 'manifest.json') ?? 0;
/** Where each member begins. */
const places = (): Record<string, number> => {
  const sizes = [manifestSize(), 64, release.kernel.length, release.initrd.length, release.manifest.slot.packed];
  let at = 0;
  return Object.fromEntries(
    MEMBERS.map((name, i) => {
      const here = at;
      at += BLOCK + padded(sizes[i] ?? 0);
      return [name, here];
    }),
  );
};
const member = (name: (typeof MEMBERS)[number], bytes: Uint8Array): Buffer =>
  Buffer.concat([header(name, bytes.length), bytes, Buffer.alloc(padded(bytes.length) - bytes.length)]);
/** The same payloads under another manifest, signed with our key. */
const resigned = (manifest: string | object, seed = SEED): Buffer => {
  const bytes = Buffer.from(typeof manifest === 'string' ? manifest : canonical(manifest));
  return Buffer.concat([
    member('manifest.json', bytes),
    member('manifest.sig', signBytes(messageOf(bytes), seed)),
    whole.subarray(places().kernel),
  ]);
};

describe('a bundle', () => {
  test('is good, in whatever pieces it comes', async () => {
    for (const piece of [1_000_000, 512, 333]) expect((await verifyBundle(sourceOf(whole, whole.length, piece), TRUST)).ok).toBe(true);
  });
  test('is what tar and zstd read', () => {
    const tar = (...a: string[]) => spawnSync('tar', a, { maxBuffer: 2 ** 24 });
    expect(tar('tf', release.path).stdout.toString()).toBe('manifest.json\nmanifest.sig\nkernel\ninitrd\nslot.img.zst\n');
    expect(tar('tf', release.path).stderr.toString()).toBe('');
    expect(tar('xOf', release.path, 'kernel').stdout.equals(release.kernel)).toBe(true);
    const packed = tar('xOf', release.path, 'slot.img.zst').stdout;
    expect(spawnSync('zstd', ['-dc'], { input: packed, maxBuffer: 2 ** 24 }).stdout.equals(release.image)).toBe(true);
  });
  test('made twice is the same bytes', async () => {
    const again = await makeRelease(box, 5);
    expect(readFileSync(again.path).equals(whole)).toBe(true);
  });
  test('is signed in place, and again by another key', async () => {
    const copy = join(box.root, 'copy');
    writeFileSync(copy, whole);
    expect(await signBundle(copy, signerOf(seedOf(2)))).toEqual({ ok: true, value: { keyId: idOf(seedOf(2)) } });
    const file = await fileSource(copy);
    expect((await verifyBundle(file, trustIn(seedOf(2)))).ok).toBe(true);
    await file.close();
    expect(await why(readFileSync(copy))).toMatch(/signed with a key this machine does not trust/);
    // a signer that says something else than its key would
    const liar = { publicKey: publicOf(SEED), sign: async () => ({ ok: true as const, value: new Uint8Array(64).fill(1) }) };
    const before = readFileSync(copy);
    expect((await signBundle(copy, liar)).ok).toBe(false);
    expect(readFileSync(copy).equals(before)).toBe(true);
  });
  test('unsigned it is refused', async () => {
    const at = places()['manifest.sig'] ?? 0;
    const copy = Buffer.from(whole);
    copy.fill(0, at + BLOCK, at + BLOCK + 64);
    expect(await why(copy)).toBe('it is not signed');
  });
  test('what it was built from is compared, and where it differs is said', async () => {
    const opened = orThrow(await inspectBundle(sourceOf(whole), TRUST));
    const built = { slot: join(box.root, 'image-5'), kernel: join(box.root, 'kernel-5'), initrd: join(box.root, 'initrd-5') };
    expect(orThrow(await compareRelease(opened, built)).differences).toEqual([]);
    const other = Buffer.from(release.image);
    other[3 * CHUNK + 7] = (other[3 * CHUNK + 7] ?? 0) ^ 1;
    writeFileSync(join(box.root, 'other'), other);
    expect(orThrow(await compareRelease(opened, { ...built, slot: join(box.root, 'other'), kernel: built.initrd })).differences).toEqual([
      'the kernel differs',
      `chunk 3 of the image differs (from 192 KiB, byte ${3 * CHUNK}, on)`,
    ]);
  });
  test.each([
    ['an image that is no whole sectors', { size: 5000 }, /not a multiple of 4096/],
    ['an image that is empty', { size: 0 }, /not a multiple/],
    ['one that is out of date before it is made', { notAfter: NOW - 2 * DAY }, /./],
    ['a kernel option that names the slot', { options: ['dplane.slot=b'] }, /named by who writes/],
    ['a kernel option of two words', { options: ['a b'] }, /one word/],
    ['no pool features', { poolFeatures: [] }, /poolFeatures/],
    ['a kernel that is not there', { kernel: '/nowhere' }, /can't be opened/],
  ])('%s is not built', async (_, more, words) => {
    const slot = join(box.root, 'bad-image');
    writeFileSync(slot, '');
    truncateSync(slot, 'size' in more ? more.size : 8192);
    const { size: __, ...input } = { size: 0, ...more };
    const r: Result<unknown> = await buildBundle(
      {
        ...{ slot, kernel: join(box.root, 'kernel-5'), initrd: join(box.root, 'initrd-5'), system: systemInfo(5), minIndex: 1 },
        ...{ poolFeatures: ['x'], options: [], createdAt: NOW - DAY, notAfter: NOW, chunkSize: CHUNK, level: 1, ...input },
      },
      join(box.root, 'out'),
    );
    // the last of these is only found by who reads it
    if (r.ok) expect((await signBundle(join(box.root, 'out'), signerOf(SEED))).ok).toBe(false);
    else expect(r.refusal.why).toMatch(words);
  });
});

describe('tampering', () => {
  test('a byte anywhere: headers, manifest, signature, padding, every payload, every chunk, the end', async () => {
    const spots = new Set<number>();
    for (const start of Object.values(places())) for (const at of [0, 5, 100, 124, 134, 148, 156, 257, 300, 511]) spots.add(start + at);
    const p = places();
    for (let at = BLOCK; at < BLOCK + manifestSize(); at += 41) spots.add(at);
    for (let at = BLOCK + manifestSize(); at < (p['manifest.sig'] ?? 0); at += 37) spots.add(at);
    for (let i = 0; i < 64; i += 1) spots.add((p['manifest.sig'] ?? 0) + BLOCK + i);
    for (const name of ['kernel', 'initrd'] as const)
      for (let at = 0; at < padded(release[name].length); at += 4999) spots.add((p[name] ?? 0) + BLOCK + at);
    let chunk = (p['slot.img.zst'] ?? 0) + BLOCK;
    for (const { packed } of release.manifest.slot.chunks) {
      for (const at of [0, Math.floor(packed / 2), packed - 1]) spots.add(chunk + at);
      chunk += packed;
    }
    for (let at = whole.length - END.length; at < whole.length; at += 101) spots.add(at);
    expect(spots.size).toBeGreaterThan(180);
    for (const at of spots) for (const xor of [1, 0x80]) expect(`${at}: ${await why(changed(at, xor))}`).not.toMatch(/good$/);
  });
  test('every field of the manifest, without a new signature', async () => {
    const edit = (path: string[], value: unknown): Buffer => {
      const manifest = structuredClone(release.manifest) as Record<string, unknown>;
      let here: Record<string, unknown> = manifest;
      for (const key of path.slice(0, -1)) here = here[key] as Record<string, unknown>;
      here[path.at(-1) ?? ''] = value;
      const bytes = Buffer.from(canonical(manifest));
      const signature = whole.subarray((places()['manifest.sig'] ?? 0) + BLOCK, (places()['manifest.sig'] ?? 0) + BLOCK + 64);
      return Buffer.concat([member('manifest.json', bytes), member('manifest.sig', signature), whole.subarray(places().kernel)]);
    };
    const fields = (value: unknown, path: string[] = []): string[][] =>
      typeof value === 'object' && value !== null ? Object.entries(value).flatMap(([k, v]) => fields(v, [...path, k])) : [path];
    const all = fields(release.manifest);
    expect(all.length).toBeGreaterThan(30);
    for (const path of all)
      expect(await why(edit(path, 'changed'))).toMatch(/was changed, or signed with a key this machine does not trust/);
  });
  test.each<[string, (m: Record<string, unknown>) => object | string, RegExp]>([
    ['another product', (m) => ({ ...m, system: { ...systemInfo(5), product: 'other' } }), /system\.product/],
    ['another format', (m) => ({ ...m, format: 2 }), /format/],
    ['a field nobody knows', (m) => ({ ...m, extra: 1 }), /Unrecognized key/],
    [
      'a chunk too many',
      (m) => ({ ...m, slot: { ...release.manifest.slot, chunks: [...release.manifest.slot.chunks, release.manifest.slot.chunks[0]] } }),
      /does not have 6 chunks/,
    ],
    [
      "chunks that don't add up",
      (m) => ({ ...m, slot: { ...release.manifest.slot, packed: release.manifest.slot.packed + 1 } }),
      /its chunks have/,
    ],
    ['a chunk of a gigabyte', (m) => ({ ...m, slot: { ...release.manifest.slot, chunkSize: 2 ** 30 } }), /chunkSize/],
    [
      'a packed chunk of a gigabyte',
      (m) => ({ ...m, slot: { ...release.manifest.slot, chunks: [{ ...release.manifest.slot.chunks[0], packed: 2 ** 30 }] } }),
      /packed/,
    ],
    [
      'an image that is no whole sectors',
      (m) => ({ ...m, slot: { ...release.manifest.slot, size: release.manifest.slot.size - 1 } }),
      /size/,
    ],
    ['a kernel of a terabyte', (m) => ({ ...m, kernel: { ...release.manifest.kernel, size: 2 ** 40 } }), /kernel\.size/],
    ['a key twice', () => canonical(release.manifest).replace('{', '{"format":1,'), /canonical/],
    ['spaces', () => ` ${canonical(release.manifest)}`, /canonical/],
    ['no JSON', () => 'x', /not JSON/],
    ['out of date before it was made', (m) => ({ ...m, notAfter: 5 }), /out of date before/],
    ["another's key id", (m) => ({ ...m, keyId: idOf(seedOf(3)) }), /names the key/],
  ])('signed, but %s', async (_, make, words) => expect(await why(resigned(make(release.manifest)))).toMatch(words));
  test.each<[string, () => Buffer, RegExp]>([
    ['another order', () => Buffer.concat([whole.subarray(places()['manifest.sig'] ?? 0, places().kernel), whole]), /it is not a bundle/],
    [
      'a member twice',
      () => Buffer.concat([whole.subarray(0, places().initrd), whole.subarray(places().kernel)]),
      /initrd does not follow/,
    ],
    [
      'a member left out',
      () => Buffer.concat([whole.subarray(0, places().kernel), whole.subarray(places().initrd)]),
      /kernel does not follow/,
    ],
    [
      'another member added',
      () => Buffer.concat([whole.subarray(0, whole.length - END.length), member('kernel', Buffer.from('x')), END]),
      /does not end where it has to/,
    ],
    ['something behind the end', () => Buffer.concat([whole, Buffer.alloc(512)]), /something follows/],
    ['one byte behind the end', () => Buffer.concat([whole, Buffer.from([0])]), /something follows/],
    [
      'a manifest that says it is endless',
      () => Buffer.concat([header('manifest.json', 8 ** 11 - 1), whole.subarray(BLOCK)]),
      /16777216 are the most/,
    ],
    ['a manifest of nothing', () => Buffer.concat([header('manifest.json', 0), whole.subarray(BLOCK)]), /it says|says it has 0 bytes/],
    [
      'a kernel of another size than the manifest says',
      () => {
        const copy = Buffer.from(whole);
        header('kernel', release.kernel.length + 1).copy(copy, places().kernel);
        return copy;
      },
      /but the manifest says/,
    ],
    ['nothing', () => Buffer.alloc(0), /it ends after 0 bytes/],
    ['zeroes', () => Buffer.alloc(100_000), /not a bundle/],
    [
      'a link',
      () => {
        const copy = Buffer.from(whole);
        copy[156] = 0x32;
        return copy;
      },
      /not a bundle/,
    ],
  ])('%s', async (_, make, words) => expect(await why(make())).toMatch(words));
  test('cut off at many places', async () => {
    for (let at = 0; at < whole.length; at += 3001) expect(await why(whole.subarray(0, at))).toMatch(/it ends after/);
    for (const back of [1, 512, 1024, 1025]) expect(await why(whole.subarray(0, -back))).toMatch(/it ends after/);
  });
  test('of another size than its source says, before anything is read of it', async () => {
    const r = await inspectBundle(sourceOf(whole, whole.length + 5), TRUST);
    expect(r.ok ? '' : r.refusal.why).toMatch(/but its manifest says/);
  });
});

describe('whatever comes', () => {
  test('is refused, and never thrown', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 4000 }), async (bytes) => {
        expect((await verifyBundle(sourceOf(bytes), TRUST)).ok).toBe(false);
      }),
      { numRuns: 200 },
    );
  });
  test('even when it begins as a bundle does, and asks for more than there is', async () => {
    const piece = fc.oneof(
      fc
        .record({ name: fc.constantFrom(...MEMBERS), size: fc.integer({ min: 0, max: 8 ** 11 - 1 }) })
        .map(({ name, size }) => header(name, size)),
      fc
        .record({ name: fc.constantFrom(...MEMBERS), bytes: fc.uint8Array({ maxLength: 900 }) })
        .map(({ name, bytes }) => member(name, bytes)),
      fc.uint8Array({ maxLength: 700 }).map((b) => Buffer.from(b)),
      fc.constant(Buffer.alloc(BLOCK)),
      fc.constant(END),
    );
    const before = process.memoryUsage().rss;
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 8 }), async (pieces) => {
        expect((await verifyBundle(sourceOf(Buffer.concat(pieces)), TRUST)).ok).toBe(false);
      }),
      { numRuns: 300 },
    );
    expect(process.memoryUsage().rss - before).toBeLessThan(400 * 2 ** 20);
  });
  test('signed nonsense is refused as well', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json({ maxDepth: 4 }), async (json) => {
        expect((await verifyBundle(sourceOf(resigned(json)), TRUST)).ok).toBe(false);
      }),
      { numRuns: 150 },
    );
  });
  test('a header is ours, or it is none', () => {
    fc.assert(
      fc.property(fc.nat(BLOCK - 1), fc.integer({ min: 1, max: 255 }), fc.nat(10_000), (at, xor, size) => {
        const block = header('kernel', size);
        expect(sizeIn(block, 'kernel')).toBe(size);
        block[at] = (block[at] ?? 0) ^ xor;
        expect(sizeIn(block, 'kernel')).toBeNull();
      }),
      { numRuns: 500 },
    );
    expect(archiveSize([1])).toBe(512 + 512 + 1024);
    expect(noise(8, 1).equals(noise(8, 1))).toBe(true);
  });
});
