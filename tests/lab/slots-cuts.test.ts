/**
 * The power fails at random moments of an update, with real firmware and the real boot loader: the confirmed slot is untouched, what can be
 * started is whole, the machine starts, and the next update succeeds. 25 cuts; `npm run test:soak` makes 100 and starts the machine after each.
 */
import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { parseEntry, parseEntryName } from '../../ota/src/slots/entry.ts';
import { STANDARD } from '../../packages/debian/src/disk.ts';
import { Progress } from '../../packages/debian/src/progress.ts';
import { buildSlot, hashOf, type Slot } from '../../packages/debian/src/slot.ts';
import { must } from '../../packages/lab/src/exec.ts';
import type { Vm } from '../../packages/lab/src/vm.ts';
import { type Lab, openLab } from './lab.ts';
import { enroll, inWords, type Key, type Kit, newKey, openKit, slots } from './slots-kit.ts';

const SOAK = process.env.DPLANE_SOAK !== undefined;
const CUTS = SOAK ? 100 : 25;
const SEED = Number(process.env.DPLANE_SEED || 20261121);

let lab: Lab;
let kit: Kit;
let key: Key;
let next: Slot;
let url = '';
let failed = false;
const watch = () =>
  onTestFailed(() => {
    failed = true;
  });

beforeAll(async () => {
  lab = await openLab('slots-cuts');
  next = await buildSlot(new Progress(false), { version: '0.2.0', index: lab.slot.system.index + 1 });
  kit = await openKit();
  key = newKey('test');
  url = await kit.bundle('bundle', { slot: next, key, version: '0.2.0', index: lab.slot.system.index + 1 });
}, 3_600_000);
afterAll(async () => {
  await kit?.close();
  await lab?.close(failed);
});

/** A small generator with a seed: the same cuts for the same seed, as far as a clock allows. */
const random = (seed: number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
};

const MiB = 1024 * 1024;
/** One partition of a machine that is off, as a file. */
const partition = async (vm: Vm, name: 'esp' | 'system-a' | 'system-b', bytes: number): Promise<string> => {
  const start = { esp: 1, 'system-a': 1 + STANDARD.espMiB, 'system-b': 1 + STANDARD.espMiB + STANDARD.systemMiB }[name];
  const out = join(vm.spec.folder, name);
  rmSync(out, { force: true });
  const [skip, count] = [`skip=${start}`, `count=${start + Math.ceil(bytes / MiB)}`];
  await must(['qemu-img', 'dd', '-f', 'qcow2', '-O', 'raw', 'bs=1M', skip, count, `if=${vm.spec.system.file}`, `of=${out}`], {
    timeoutMs: 600_000,
  });
  return out;
};
const hashOfStart = (path: string, bytes: number): Promise<string> => {
  const hash = createHash('sha256');
  return new Promise((resolve, reject) => {
    createReadStream(path, { end: bytes - 1 })
      .on('data', (part) => hash.update(part))
      .on('error', reject)
      .on('end', () => resolve(hash.digest('hex')));
  });
};

type Boot = { entries: Map<string, string>; files: Map<string, string>; digest: string };
/** What the boot loader would read, by a program that shares nothing with ours: mtools. */
const bootPartition = async (vm: Vm): Promise<Boot> => {
  const image = await partition(vm, 'esp', STANDARD.espMiB * MiB);
  const folder = join(vm.spec.folder, 'esp.tree');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  await must(['mcopy', '-s', '-n', '-i', image, '::loader', '::dplane', folder], { timeoutMs: 120_000 });
  const entries = new Map<string, string>();
  for (const name of readdirSync(join(folder, 'loader/entries')).sort())
    if (name.endsWith('.conf')) entries.set(name, readFileSync(join(folder, 'loader/entries', name), 'latin1'));
  const files = new Map<string, string>();
  for (const slot of readdirSync(join(folder, 'dplane')).sort())
    for (const name of readdirSync(join(folder, 'dplane', slot)).sort())
      files.set(`/dplane/${slot}/${name}`, await hashOf(join(folder, 'dplane', slot, name), 'sha512'));
  rmSync(image);
  const digest = createHash('sha256')
    .update(JSON.stringify([[...entries], [...files]]))
    .digest('hex')
    .slice(0, 12);
  return { entries, files, digest };
};

/** Everything that has to be true of a disk whose machine lost its power. Gives the slot that has to start. */
const checkDisk = async (vm: Vm, before: Boot): Promise<{ boot: Boot; starts: 'a' | 'b' }> => {
  const boot = await bootPartition(vm);
  for (const [name, text] of before.entries) expect(boot.entries.get(name), 'the confirmed entry').toBe(text);
  for (const [name, hash] of before.files) expect(boot.files.get(name), 'what the confirmed entry starts').toBe(hash);
  const a = await partition(vm, 'system-a', lab.slot.size);
  expect(await hashOfStart(a, lab.slot.size), 'the running slot').toBe(lab.slot.hash);
  rmSync(a);
  let starts: 'a' | 'b' = 'a';
  for (const [name, text] of boot.entries) {
    if (before.entries.has(name) || text === '') continue;
    const entry = parseEntry(text);
    expect(entry.ok && parseEntryName(name)?.tries, `${name} is whole, and counted`).toEqual({ left: 3, done: 0 });
    if (!entry.ok) continue;
    starts = 'b';
    for (const [file, source] of [
      [entry.value.kernel, 'vmlinuz'],
      [entry.value.initrd, 'initrd'],
    ] as const)
      expect(boot.files.get(`/dplane/b/${file}`), `${source} is whole`).toBe(await hashOf(join(next.folder, source), 'sha512'));
    const b = await partition(vm, 'system-b', next.size);
    expect(await hashOfStart(b, next.size), 'the image of the entry').toBe(next.hash);
    rmSync(b);
  }
  return { boot, starts };
};

const fresh = async (name: string): Promise<Vm> => {
  const vm = await lab.machine({ name });
  await enroll(vm, key);
  return vm;
};
const apply = (vm: Vm) => vm.run(['dplane-ota', 'apply', url, '--json'], { timeoutMs: 1_800_000 });
const startedSlot = async (vm: Vm): Promise<string | undefined> =>
  /slot ([ab]): starting/.exec(await vm.console(/dplane: slot [ab]: starting/, 900_000))?.[1];

test(`${CUTS} power cuts in an update: the confirmed slot stays, what is started is whole, the next update succeeds`, async () => {
  watch();
  // once without a cut: how long each part takes, and what the disk is like before and after
  const whole = await fresh('whole');
  const phases: { at: number; phase: string }[] = [];
  const began = performance.now();
  const running = apply(whole);
  let over = false;
  void running.then(() => {
    over = true;
  });
  await whole.until('the update is installed', 1_800_000, async () => {
    const seen = /"phase":"(\w+)"/.exec((await whole.run(['cat', '/run/dplane-ota/progress.json'])).stdout)?.[1];
    if (seen !== undefined && seen !== phases.at(-1)?.phase) phases.push({ at: performance.now() - began, phase: seen });
    return over;
  });
  expect((await running).exit).toBe(0);
  const took = performance.now() - began;
  await whole.cut();
  const { starts } = await checkDisk(whole, { entries: new Map(), files: new Map(), digest: '' });
  expect(starts).toBe('b');
  console.log(
    `seed ${SEED}; an update takes ${(took / 1000).toFixed(1)} s: ${phases.map((p) => `${p.phase} ${(p.at / 1000).toFixed(1)}`).join(', ')}`,
  );

  const untouched = await lab.machine({ name: 'untouched' });
  await untouched.cut();
  const before = await bootPartition(untouched);

  const draw = random(SEED);
  const written = phases.find((p) => p.phase === 'writing')?.at ?? 0;
  const staging = phases.find((p) => p.phase === 'checking' || p.phase === 'staging')?.at ?? took * 0.8;
  const booted = new Set<string>();
  for (let n = 1; n <= CUTS; n += 1) {
    // most of the time goes into the image; what matters most happens before and after it, so every other cut is made there
    const [from, to] = n % 2 === 0 ? [0, took] : n % 4 === 1 ? [0, written + 500] : [staging - 500, took + 500];
    const delay = Math.max(0, from + draw() * (to - from));
    const vm = await fresh(`cut${n}`);
    const work = apply(vm);
    await new Promise((resolve) => setTimeout(resolve, delay));
    await vm.cut();
    await work;
    const { boot, starts: slot } = await checkDisk(vm, before);
    const seen = booted.has(boot.digest);
    console.log(
      `cut ${n} after ${(delay / 1000).toFixed(1)} s: boot partition ${boot.digest}, slot ${slot} has to start${seen && !SOAK ? ', as seen before' : ''}`,
    );
    // the firmware and the boot loader see nothing but this partition: the same one is started once
    if (!seen || SOAK) {
      booted.add(boot.digest);
      await vm.start();
      expect(await startedSlot(vm)).toBe(slot);
      if (!seen) {
        await vm.sshReady(1_200_000);
        if (slot === 'a') {
          const again = await apply(vm);
          expect(again.exit, again.stdout).toBe(0);
        }
        expect(inWords(await slots(vm))).toMatch(slot === 'a' ? /b staged 0\.2\.0 next/ : /b\* (trying|confirmed) 0\.2\.0/);
      }
      await vm.cut();
    }
    rmSync(vm.spec.folder, { recursive: true });
  }
}, 10_800_000);
