import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ApplyProgress } from '../../../control/src/domain/bundle/bundle.ts';
import { SlotStatus } from '../../../control/src/domain/slot/slot.ts';
import { readBooted } from '../slots/booted.ts';
import { readEsp } from '../slots/esp.ts';
import { readHistory } from '../slots/history.ts';
import { nextEntry, runningEntry } from '../slots/plan.ts';
import { type Box, makeBox, systemInfo } from '../testing/box.ts';
import {
  CHUNK,
  DAY,
  idOf,
  makeRelease,
  NOW,
  noise,
  pemOf,
  poolHost,
  readyBox,
  type Release,
  seedOf,
  toolsFor,
} from '../testing/release.ts';
import { apply } from './apply.ts';

let box: Box;
let release: Release;
beforeEach(async () => {
  box = await readyBox(makeBox);
  release = await makeRelease(box, 5);
});
afterEach(() => box.drop());

const REQUEST = { id: 'op-12345678', source: { kind: 'file', path: '/media/usb/update.dplane' } } as const;
const run = (more: Parameters<typeof toolsFor>[2] = {}, path = release.path) => apply(REQUEST, toolsFor(box, path, more));
const why = async (more: Parameters<typeof toolsFor>[2] = {}, path = release.path): Promise<string> => {
  const r = await run(more, path);
  return r.ok ? 'installed' : r.refusal.why;
};
const slotB = (): Buffer => readFileSync(box.places.slot('b'));
const tree = (): string[] =>
  ['loader/entries', 'dplane/a', 'dplane/b'].flatMap((f) =>
    (existsSync(join(box.places.esp, f)) ? readdirSync(join(box.places.esp, f)) : []).map(
      (n) =>
        `${f}/${n} ${createHash('sha512')
          .update(readFileSync(join(box.places.esp, f, n)))
          .digest('hex')
          .slice(0, 16)}`,
    ),
  );
const look = async () => {
  const [esp, booted] = [await readEsp(box.places), await readBooted(box.places)];
  if (!esp.ok || !booted.ok) throw new Error('the boot partition is not understood');
  return { esp: esp.value, booted: booted.value, next: nextEntry(esp.value, booted.value) };
};

describe('a good update', () => {
  test('is in the other slot, staged, snapshots taken, history and status written', async () => {
    const seen: ApplyProgress[] = [];
    const host = poolHost();
    const applied = await run({ host, told: (p) => seen.push(p) });
    expect(applied).toMatchObject({ ok: true, value: { slot: 'b', entry: 'dplane-b-5+3.conf' } });
    expect(slotB().subarray(0, release.image.length).equals(release.image)).toBe(true);
    const { next } = await look();
    expect(next).toMatchObject({ slot: 'b', number: 5, tries: { left: 3, done: 0 }, entry: { options: ['panic=10', 'quiet'] } });
    const kernel = readFileSync(join(box.places.esp, 'dplane/b', next?.entry.kernel ?? ''));
    expect(kernel.equals(release.kernel)).toBe(true);
    // a read-only pool can't have one, and needs none
    expect(host.ran.filter((c) => c.startsWith('zfs'))).toEqual(['zfs snapshot tank@pre-upgrade-20261121-120000']);
    expect((await readHistory(box.places)).map((e) => [e.kind, e.slot, e.system?.index])).toEqual([['staged', 'b', 5]]);
    const status = SlotStatus.parse(JSON.parse(readFileSync(box.places.status, 'utf8')));
    expect(status).toMatchObject({
      available: true,
      running: 'a',
      chosenByHand: false,
      highestIndex: 3,
      slots: [{ state: 'confirmed' }, { state: 'staged', next: true }],
    });
    expect([...new Set(seen.map((p) => p.phase))]).toEqual([
      'waiting',
      'verifying',
      'preparing',
      'writing',
      'checking',
      'staging',
      'staged',
    ]);
    expect(seen.at(-1)).toMatchObject({ done: release.image.length, total: release.image.length, refusal: null });
    expect(JSON.parse(readFileSync(box.places.progress, 'utf8'))).toMatchObject({ phase: 'staged', id: REQUEST.id });
    expect(existsSync(box.places.lock)).toBe(false);
  });
  test('writes only what differs', async () => {
    const changed = Buffer.from(release.image);
    noise(100, 77).copy(changed, 2 * CHUNK + 5);
    writeFileSync(box.places.slot('b'), Buffer.concat([changed, Buffer.alloc(CHUNK)]));
    expect(await run()).toMatchObject({ ok: true, value: { written: CHUNK, skipped: 4 * CHUNK } });
    expect(slotB().subarray(0, release.image.length).equals(release.image)).toBe(true);
  });
  test('an image that ends in the middle of a chunk', async () => {
    const odd = await makeRelease(box, 6, { image: noise(2 * CHUNK + 8192, 3) });
    expect((await run({}, odd.path)).ok).toBe(true);
    expect(slotB().subarray(0, odd.image.length).equals(odd.image)).toBe(true);
  });
  test('a second one replaces the first, which was never started', async () => {
    await run();
    const second = await makeRelease(box, 6);
    expect(await run({}, second.path)).toMatchObject({ ok: true, value: { slot: 'b' } });
    const { esp } = await look();
    expect(esp.entries.map((e) => e.file)).toEqual(['dplane-a-4.conf', 'dplane-b-5+3.conf']);
    expect(esp.files.filter((f) => f.slot === 'b')).toHaveLength(2);
  });
});

describe('refused, with nothing changed', () => {
  const cases: [
    string,
    RegExp,
    () => Promise<Parameters<typeof toolsFor>[2]> | Parameters<typeof toolsFor>[2],
    (() => Promise<Release>)?,
  ][] = [
    [
      'another architecture',
      /it is for aarch64, this machine is x86_64/,
      () => ({}),
      () => makeRelease(box, 6, { info: { arch: 'aarch64' } }),
    ],
    ['the release that runs', /ran here already/, () => ({}), () => makeRelease(box, 3)],
    ['an older one', /is older \(index 2\) than a release that ran here \(index 3\)/, () => ({}), () => makeRelease(box, 2)],
    [
      'one older than was ever confirmed',
      /index 9\)$/,
      () => {
        box.write(
          box.places.history,
          `${JSON.stringify({ at: 1, kind: 'confirmed', slot: 'b', system: systemInfo(9), bootId: null, reason: '' })}\n{"torn`,
        );
        return {};
      },
    ],
    ['one that skips a release', /replaces releases from index 4 on/, () => ({}), () => makeRelease(box, 6, { minIndex: 4 })],
    ['out of date', /was valid until 2026-12-21, and it is 2027-01-20/, () => ({ clock: () => NOW + 60 * DAY })],
    [
      'a pool feature it does not know',
      /does not know draid, which pool tank has enabled/,
      () => ({ host: poolHost((a) => (a.includes('get') ? 'feature@draid\tenabled\n' : null)) }),
    ],
    [
      'a pool that does not answer',
      /did not answer \(timeout\)/,
      () => ({ host: poolHost((a) => (a.includes('get') ? { exit: null, failure: 'timeout' } : null)) }),
    ],
    ['a pool nobody understands', /zpool says/, () => ({ host: poolHost((a) => (a.includes('list') ? 'tank\tmaybe\n' : null)) })],
    ['an image larger than the slot', /its image has 448 KiB, the slot 384 KiB/, () => ({}), () => makeRelease(box, 6, { chunks: 7 })],
    [
      'an unknown key',
      new RegExp(`a key this machine does not trust \\(trusted: ${idOf(seedOf(1))}\\)`),
      () => ({}),
      () => makeRelease(box, 6, { key: seedOf(2) }),
    ],
    [
      'a revoked key',
      new RegExp(`signed with the key ${idOf(seedOf(1))} \\(test\\), which was revoked`),
      () => {
        box.write(box.places.revoked, `# lost\n${idOf(seedOf(1))} laptop stolen\n`);
        return {};
      },
    ],
    [
      'a key the image revoked, though it was enrolled',
      /which was revoked/,
      () => {
        box.write(box.places.imageRevoked, `${idOf(seedOf(2))}\n`);
        box.write(join(box.places.keys, 'x.pem'), pemOf(seedOf(2)));
        return {};
      },
      () => makeRelease(box, 6, { key: seedOf(2) }),
    ],
    [
      'a list of revoked keys nobody understands',
      /does not begin with a key id/,
      () => {
        box.write(box.places.revoked, 'everything\n');
        return {};
      },
    ],
    [
      'a running system that is not confirmed',
      /slot a is not confirmed yet/,
      () => {
        rmSync(join(box.places.esp, 'loader/entries/dplane-a-4.conf'));
        box.entry('a', 4, { left: 1, done: 2 }, 3);
        return {};
      },
    ],
    [
      'a machine without slots',
      /not started from a system slot/,
      () => {
        box.write(box.places.cmdline, 'quiet\n');
        return {};
      },
    ],
    [
      'a foreign boot partition',
      /nixos\.conf, which was not put there/,
      () => {
        box.write(join(box.places.esp, 'loader/entries/nixos.conf'), 'title x\n');
        return {};
      },
    ],
    [
      'a slot that is missing',
      /ENOENT/,
      () => {
        rmSync(box.places.slot('b'));
        return {};
      },
    ],
    [
      'a snapshot that fails',
      /out of space/,
      () => ({ host: poolHost((a) => (a[0] === 'zfs' ? { exit: 1, stderr: 'cannot create snapshot: out of space\n' } : null)) }),
    ],
    [
      'a baseline that fails',
      /no baseline/,
      () => ({ baseline: async () => ({ ok: false, refusal: { code: 'failed', what: 'x', why: 'no baseline', todo: '' } }) }),
    ],
    [
      'a file that is not there',
      /there is no such file/,
      async () => ({ openSource: (await import('../testing/release.ts')).toolsFor(box, '/nowhere/x').openSource }),
    ],
  ];
  test.each(cases)('%s', async (_, words, prepare, make) => {
    const path = make ? (await make()).path : release.path;
    const more = await prepare();
    const [before, bytes] = [tree(), existsSync(box.places.slot('b')) ? slotB() : null];
    expect(await why(more, path)).toMatch(words);
    expect(tree()).toEqual(before);
    if (bytes) expect(slotB().equals(bytes)).toBe(true);
    expect(existsSync(box.places.lock)).toBe(false);
  });
  test('a boot partition without room', async () => {
    const big = await makeRelease(box, 6);
    const { statfsSync } = await import('node:fs');
    const { bavail, bsize } = statfsSync(box.places.esp);
    // a kernel that can't fit anywhere, told by the manifest: nothing of it has to exist for the refusal
    expect(big.manifest.kernel.size).toBeLessThan(bavail * bsize);
    const { missingSpace, stage, beginApply, after } = await import('../slots/plan.ts');
    const { esp, booted } = await look();
    const tight = { ...esp, free: 1024 * 1024 };
    const first = beginApply(tight, booted);
    if (!first.ok) throw new Error(first.refusal.why);
    const then = stage(after(tight, first.value), {
      slot: 'b',
      system: big.manifest.system,
      kernel: { ...big.manifest.kernel, size: 512 * 1024 * 1024 },
      initrd: big.manifest.initrd,
      options: [],
    });
    expect(then.ok && missingSpace(tight, [...first.value, ...then.value])).toBeGreaterThan(500 * 1024 * 1024);
  });
  test('while another one is under way', async () => {
    let inside: string | null = null;
    const first = await run({
      baseline: async () => {
        inside = await why();
        return { ok: true, value: null };
      },
    });
    expect(first.ok).toBe(true);
    expect(inside).toMatch(/it is busy with: installing an update \(op-12345678\)/);
  });
  test('the lock of a process that is gone is taken over', async () => {
    box.write(box.places.lock, '999999999 1 installing an update\n');
    expect((await run()).ok).toBe(true);
  });
});

describe('a failure in the middle', () => {
  const damaged = (change: (bytes: Buffer) => Buffer): string => {
    const path = join(box.root, 'damaged');
    writeFileSync(path, change(readFileSync(release.path)));
    return path;
  };
  test('leaves the running slot as it was and the other one without an entry; the next one goes through', async () => {
    const running = tree().filter((l) => /dplane-a-4|dplane\/a/.test(l));
    const path = damaged((b) => {
      b[b.length - 2000] = (b[b.length - 2000] ?? 0) ^ 1;
      return b;
    });
    expect(await why({}, path)).toMatch(/chunk 4 of the image is not what its manifest says/);
    expect(tree().filter((l) => /dplane-a-4|dplane\/a/.test(l))).toEqual(running);
    const { esp, next } = await look();
    expect(next?.slot).toBe('a');
    expect(esp.entries.some((e) => e.slot === 'b')).toBe(false);
    expect((await readHistory(box.places)).map((e) => [e.kind, e.system?.index])).toEqual([['apply-failed', 5]]);
    expect(JSON.parse(readFileSync(box.places.progress, 'utf8'))).toMatchObject({ phase: 'failed', refusal: { code: 'invalid' } });
    expect(await run()).toMatchObject({ ok: true, value: { skipped: 4 * CHUNK } });
  });
  test('a history that can not be written takes the entry back', async () => {
    mkdirSync(dirname(box.places.history), { recursive: true });
    mkdirSync(box.places.history);
    expect(await why()).toMatch(/EISDIR|history/);
    expect((await look()).next?.slot).toBe('a');
  });
  test('cancelled between chunks', async () => {
    const stop = new AbortController();
    const big = await makeRelease(box, 6, { image: noise(6 * CHUNK, 9) });
    expect(await why({ signal: stop.signal, at: (p) => p === 'write file' && stop.abort() }, big.path)).toBe('it was cancelled');
    expect(JSON.parse(readFileSync(box.places.progress, 'utf8')).phase).toBe('cancelled');
    expect(await readHistory(box.places)).toEqual([]);
    expect((await look()).next?.slot).toBe('a');
  });
  test('the power goes at any moment: the confirmed system stays next until the new one is complete, and applying again goes through', async () => {
    class Cut extends Error {}
    let points = 0;
    await run({
      at: () => {
        points += 1;
      },
    });
    box.drop();
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: points }), async (cut) => {
        box = await readyBox(makeBox);
        release = await makeRelease(box, 5);
        const running = tree().filter((l) => /dplane-a-4|dplane\/a/.test(l));
        let left = cut;
        const dead = await run({
          at: () => {
            if (left === 0) throw new Cut();
            left -= 1;
          },
        }).catch((e: unknown) => e);
        if (dead instanceof Error && !(dead instanceof Cut)) throw dead;
        const { esp, booted, next } = await look();
        expect(tree().filter((l) => /dplane-a-4|dplane\/a/.test(l))).toEqual(running);
        expect(runningEntry(esp, booted)?.file).toBe('dplane-a-4.conf');
        if (next?.slot === 'b' && next.number === 5) expect(slotB().subarray(0, release.image.length).equals(release.image)).toBe(true);
        else expect([3, 4]).toContain(next?.number);
        expect((await run()).ok).toBe(true);
        expect((await look()).next?.entry.system.index).toBe(5);
        box.drop();
      }),
      { numRuns: Number(process.env.FC_RUNS ?? 25) },
    );
    box = await readyBox(makeBox);
  });
  test('a truncated file is refused at whatever byte it ends', async () => {
    const whole = readFileSync(release.path);
    const path = join(box.root, 'short');
    for (const at of [
      0,
      1,
      511,
      512,
      600,
      512 + 1000,
      whole.length - CHUNK,
      whole.length - 1025,
      whole.length - 1024,
      whole.length - 1,
      3 * CHUNK,
    ]) {
      writeFileSync(path, whole);
      truncateSync(path, at);
      expect(await why({}, path)).toMatch(/it ends after|it has \d+ bytes, but its manifest says/);
      expect((await look()).next?.slot).toBe('a');
    }
  });
});
