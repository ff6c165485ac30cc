/**
 * The power fails in the middle of an update, with real firmware and the real boot loader: the confirmed slot is untouched, what can be started
 * is whole, the machine starts, and the next update succeeds.
 *
 * One update is recorded write by write; the disk is then looked at as it was after every write to the boot partition and at random ones,
 * with and without the writes that no flush had secured. Wherever what the boot loader sees differs, a machine is started from that disk.
 * Besides, the running machine itself is killed at random moments. `npm run test:soak` does more of both.
 */
import { createHash } from 'node:crypto';
import { createReadStream, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseEntry, parseEntryName } from '../../ota/src/slots/entry.ts';
import { STANDARD } from '../../packages/debian/src/disk.ts';
import { Progress } from '../../packages/debian/src/progress.ts';
import { buildSlot, hashOf, type Slot } from '../../packages/debian/src/slot.ts';
import { must, run } from '../../packages/lab/src/exec.ts';
import { Vm } from '../../packages/lab/src/vm.ts';
import { hasFailed, inOrder } from './failures.ts';
import { type Lab, openLab } from './lab.ts';
import { enroll, inWords, type Key, type Kit, newKey, openKit, slots } from './slots-kit.ts';
import { Replay } from './writes.ts';

const SOAK = process.env.DPLANE_SOAK !== undefined;
/** Of the running machine; and random ones in the record, beside all those in the boot partition. */
const KILLS = SOAK ? 100 : 4;
const RANDOM = SOAK ? 400 : 50;
const SEED = Number(process.env.DPLANE_SEED || 20261121);

let lab: Lab;
let kit: Kit;
let key: Key;
let next: Slot;
let url = '';
let before: Boot;
/** How long an update takes here. */
let took = 0;

inOrder();
beforeAll(async () => {
  lab = await openLab('slots-cuts');
  next = await buildSlot(new Progress(false), { version: '0.2.0', index: lab.slot.system.index + 1 });
  kit = await openKit();
  key = newKey('test');
  url = await kit.bundle('bundle', { slot: next, key, version: '0.2.0', index: lab.slot.system.index + 1 });
}, 3_600_000);
afterAll(async () => {
  await kit?.close();
  await lab?.close(hasFailed());
});

/** A small generator with a seed. */
const generator = (seed: number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
};
const random = generator(SEED);

const MiB = 1024 * 1024;
const START = { esp: 1, a: 1 + STANDARD.espMiB, b: 1 + STANDARD.espMiB + STANDARD.systemMiB } as const;
const ESP_END = (START.esp + STANDARD.espMiB) * MiB;

const hashAt = (disk: string, mib: number, bytes: number): Promise<string> => {
  const hash = createHash('sha256');
  return new Promise((resolve, reject) => {
    createReadStream(disk, { start: mib * MiB, end: mib * MiB + bytes - 1, highWaterMark: MiB })
      .on('data', (part) => hash.update(part))
      .on('error', reject)
      .on('end', () => resolve(hash.digest('hex')));
  });
};

/** Texts by name, and SHA-512 by path. Null: half-written, as FAT lets it be when a cache is lost. */
type Boot = { entries: Map<string, string>; files: Map<string, string | null> };
/** What the boot loader would read from a raw disk, by a program that shares nothing with ours: mtools. */
const bootPartition = async (disk: string): Promise<Boot> => {
  const image = `${disk}@@${START.esp * MiB}`;
  const listed = await must(['mdir', '-b', '-/', '-i', image, '::'], { timeoutMs: 240_000 });
  const paths = listed.split('\n').flatMap((line) => /^::(\/(?:loader\/entries|dplane\/[ab])\/[^/]+)$/.exec(line.trim())?.[1] ?? []);
  const boot: Boot = { entries: new Map(), files: new Map() };
  const copy = join(kit.folder, 'esp.file');
  for (const path of paths.sort()) {
    const whole = (await run(['mcopy', '-n', '-o', '-i', image, `::${path}`, copy], { timeoutMs: 240_000 })).exit === 0;
    if (!path.startsWith('/loader/')) boot.files.set(path, whole ? await hashOf(copy, 'sha512') : null);
    else if (path.endsWith('.conf')) boot.entries.set(basename(path), whole ? readFileSync(copy, 'latin1') : 'half-written');
    rmSync(copy, { force: true });
  }
  return boot;
};

/** Everything that has to be true of a disk whose machine lost its power. Says which slot has to start, and what the boot loader goes by. */
const checkDisk = async (disk: string): Promise<{ starts: 'a' | 'b'; seen: string; damaged: boolean }> => {
  const boot = await bootPartition(disk);
  for (const [name, text] of before.entries) expect(boot.entries.get(name), 'the confirmed entry').toBe(text);
  for (const [name, hash] of before.files) expect(boot.files.get(name), 'what the confirmed entry starts').toBe(hash);
  let starts: 'a' | 'b' = 'a';
  for (const [name, text] of boot.entries) {
    if (before.entries.has(name) || text === '') continue;
    const entry = parseEntry(text);
    expect(entry.ok && parseEntryName(name)?.tries, `${name} is whole, and counted`).toEqual({ left: 3, done: 0 });
    if (!entry.ok) continue;
    starts = 'b';
    const parts = { vmlinuz: entry.value.kernel, initrd: entry.value.initrd };
    for (const [source, file] of Object.entries(parts))
      expect(boot.files.get(`/dplane/b/${file}`), `${source} is whole`).toBe(await hashOf(join(next.folder, source), 'sha512'));
    expect(await hashAt(disk, START.b, next.size), 'the image of the entry').toBe(next.hash);
  }
  // files that no entry names are nothing to the boot loader but names
  const files = [...boot.files].map(([path, hash]) => [path, hash !== null]);
  return { starts, seen: JSON.stringify([[...boot.entries], files]), damaged: files.some(([, whole]) => whole === false) };
};

const raw = async (from: string, to: string): Promise<void> =>
  void (await must(['qemu-img', 'convert', '-O', 'raw', from, to], { timeoutMs: 1_200_000 }));
const apply = (vm: Vm) => vm.run(['dplane-ota', 'apply', url, '--json'], { timeoutMs: 1_800_000 });

/** Powers a machine on with this disk; the slot that started. */
const startsFrom = async (disk: string, name: string): Promise<{ vm: Vm; slot: string | undefined }> => {
  const made = await lab.machine({ name, off: true });
  const { file } = made.spec.system;
  rmSync(file);
  await must(['qemu-img', 'create', '-q', '-f', 'qcow2', '-b', disk, '-F', 'raw', file]);
  const vm = new Vm(made.spec);
  await vm.start();
  const line = await vm.console(/dplane: slot [ab]: starting/, 900_000);
  return { vm, slot: /slot ([ab]): starting/.exec(line)?.[1] };
};

test('wherever an update is cut off, the boot loader starts a system that is whole, and the next update succeeds', async () => {
  const vm = await lab.machine({ name: 'recorded', log: true });
  const disk = join(vm.spec.folder, 'disk.raw');
  await enroll(vm, key);
  await vm.must(['sync']);
  const quiet = await vm.must(['cat', '/proc/uptime']);
  const began = performance.now();
  const applied = await apply(vm);
  took = performance.now() - began;
  expect(applied.exit, applied.stdout).toBe(0);
  await vm.must(['sync']);
  await vm.cut();
  // the disk that the recorded machine began with
  const start = await lab.machine({ name: 'start', off: true });
  await raw(start.spec.system.file, disk);
  rmSync(start.spec.folder, { recursive: true });
  before = await bootPartition(disk);

  const replay = new Replay(disk, join(vm.spec.folder, 'writes.log'));
  const { writes } = replay;
  const slotA = writes.filter((w) => w.at + w.size > START.a * MiB && w.at < START.b * MiB);
  expect(slotA, 'writes to the running slot').toEqual([]);
  const inBoot = writes.flatMap((w, n) => (w.size > 0 && w.at < ESP_END ? [n, n + 1] : []));
  const anywhere = Array.from({ length: RANDOM }, () => Math.floor(random() * (writes.length + 1)));
  const cuts = [...new Set([...inBoot, ...anywhere, writes.length])].sort((x, y) => x - y);
  console.log(
    `seed ${SEED}; the update took ${(took / 1000).toFixed(1)} s (up ${quiet.split(' ')[0]} s): ${writes.length} writes and flushes, cut at ${cuts.length} of them`,
  );

  const booted = new Map<string, string>();
  let mendedOnce = false;
  const look = async (): Promise<void> => {
    const { starts, seen, damaged } = await checkDisk(disk);
    if (booted.has(seen)) return;
    const { vm: machine, slot } = await startsFrom(disk, `boot${booted.size + 1}`);
    expect(slot).toBe(starts);
    console.log(
      `boot partition ${booted.size + 1}: slot ${starts} starts (${[...JSON.parse(seen)[0]].map((e: string[]) => e[0]).join(', ')}${damaged ? '; a file is half-written' : ''})`,
    );
    // the first that differs from the beginning, and the first with something half-written: from there on, all the way
    const mended = damaged && !mendedOnce;
    mendedOnce ||= mended;
    if (booted.size === 1 || mended || SOAK) {
      await machine.sshReady(1_200_000);
      const again = await apply(machine);
      if (starts === 'a') expect(again.exit, again.stdout).toBe(0);
      expect(inWords(await slots(machine))).toMatch(starts === 'a' ? /b staged 0\.2\.0 next/ : /b\* (trying|confirmed) 0\.2\.0/);
    }
    booted.set(seen, starts);
    await machine.cut();
    rmSync(machine.spec.folder, { recursive: true });
  };
  let lost = 0;
  for (const cut of cuts) {
    // what the last flush secured, with a random part of what came after it: a disk that loses its cache
    const secured = replay.unflushed(cut);
    replay.forward(secured);
    if (secured < cut) {
      lost += 1;
      await replay.lossy(cut, () => random() < 0.5, look);
    }
    if (secured < cut) await replay.lossy(cut, () => true, look);
    else await look();
  }
  replay.close();
  expect([...booted.values()]).toContain('a');
  expect([...booted.values()].at(-1)).toBe('b');
  console.log(`${cuts.length} cuts in order, ${lost} with a lost cache, ${booted.size} different boot partitions started`);
}, 10_800_000);

test(`${KILLS} times the running machine is killed in the middle of it`, async () => {
  for (let n = 1; n <= KILLS; n += 1) {
    const delay = random() * took;
    const vm = await lab.machine({ name: `kill${n}` });
    await enroll(vm, key);
    const work = apply(vm);
    // the moment is the point of it
    await new Promise((resolve) => setTimeout(resolve, delay));
    await vm.cut();
    await work;
    const disk = join(vm.spec.folder, 'disk.raw');
    await raw(vm.spec.system.file, disk);
    const { starts } = await checkDisk(disk);
    expect(await hashAt(disk, START.a, lab.slot.size), 'the running slot').toBe(lab.slot.hash);
    rmSync(disk);
    await vm.start();
    expect(/slot ([ab]): starting/.exec(await vm.console(/dplane: slot [ab]: starting/, 900_000))?.[1]).toBe(starts);
    console.log(`killed after ${(delay / 1000).toFixed(1)} s: slot ${starts} starts`);
    if (n === KILLS || SOAK) {
      await vm.sshReady(1_200_000);
      if (starts === 'a') {
        const again = await apply(vm);
        expect(again.exit, again.stdout).toBe(0);
      }
    }
    await vm.cut();
    rmSync(vm.spec.folder, { recursive: true });
  }
}, 10_800_000);
