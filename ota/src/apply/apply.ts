/**
 * Installs a bundle into the slot that does not run.
 *
 * Everything that can be refused is refused before the first change: space, signature, policy, the pools' health. Then the other slot's
 * boot entries go, so that nothing starts it while it is written; its entry comes back last, counted. The power can go at any moment:
 * the running system's entry is never touched. Running it again goes on where it stopped, because what is there is not written again.
 */
import { mkdir, statfs } from 'node:fs/promises';
import type { ApplyRequest, Manifest } from '../../../control/src/domain/bundle/bundle.ts';
import type { Clock } from '../../../control/src/domain/clock.ts';
import { RefusalError, type Refusal, type Result, ok, orThrow, refuse } from '../../../control/src/domain/refusal.ts';
import type { SystemInfo } from '../../../control/src/domain/slot/slot.ts';
import { formatBytes } from '../../../control/src/domain/units.ts';
import type { Host } from '../../../control/src/host/host.ts';
import { openBundle, type Opened } from '../bundle/open.ts';
import { payload } from '../bundle/payload.ts';
import type { Source } from '../bundle/reader.ts';
import { infoOf } from '../bundle/verify.ts';
import { readEsp } from '../slots/esp.ts';
import { appendHistory } from '../slots/history.ts';
import { highestIndex, type Machine, readMachine, runningSystem, writeStatus } from '../slots/machine.ts';
import type { Places } from '../slots/places.ts';
import { after, beginApply, missingSpace, stage, type Step } from '../slots/plan.ts';
import { perStep, type Writer } from '../slots/write.ts';
import { openSlot, type SlotDevice } from './device.ts';
import { takeLock } from './lock.ts';
import { checkPolicy } from './policy.ts';
import { readFeatures, readPools, takeSnapshots } from './pools.ts';
import { type Progress, startProgress } from './progress.ts';
import { cancelled, isComplete, writeSlot } from './slot-writer.ts';

/** What was true before, for the verdict to compare with; the verdict's own module writes it. */
export type Baseline = (places: Places, host: Host) => Promise<Result<null>>;

export type ApplyTools = {
  places: Places;
  host: Host;
  clock: Clock;
  signal: AbortSignal;
  openSource: (request: ApplyRequest, signal: AbortSignal) => Promise<Source>;
  syncAll: Writer['syncAll'];
  baseline: Baseline;
  /** Told whenever the progress file is replaced. */
  told?: Parameters<typeof startProgress>[1]['told'];
  /** Told before each change; tests cut the power there. */
  at?: (point: string) => void;
};

export type Applied = { slot: 'a' | 'b'; system: SystemInfo; entry: string; written: number; skipped: number };

type Job = { tools: ApplyTools; progress: Progress; machine: Machine; device: SlotDevice; opened: Opened };

const stagedOf = (m: Manifest, slot: 'a' | 'b') => ({
  slot,
  system: m.system,
  kernel: m.kernel,
  initrd: m.initrd,
  options: m.boot.options,
});

/** All steps on the boot partition, in the order in which they are done; planned before any of them is. */
const planOf = ({ machine, device, opened }: Job): { first: Step[]; then: Step[] } => {
  const first = orThrow(beginApply(machine.esp, machine.booted));
  const then = orThrow(stage(after(machine.esp, first), stagedOf(opened.manifest, device.slot)));
  const missing = missingSpace(machine.esp, [...first, ...then]);
  if (missing > 0)
    throw new RefusalError(
      refuse(
        'blocked',
        `installing version ${opened.manifest.system.version}`,
        `the boot partition lacks ${formatBytes(missing)} for its kernel and initrd`,
        'Remove from the boot partition what does not belong to D-PlaneOS. Nothing was changed.',
      ).refusal,
    );
  return { first, then };
};

/** No change yet. */
const check = async (job: Job): Promise<{ first: Step[]; then: Step[]; pools: { name: string; readOnly: boolean }[] }> => {
  const { tools, machine, device, opened } = job;
  const running = runningSystem(machine);
  if (running === null)
    throw new RefusalError(
      refuse('conflict', 'updating', 'the boot entry of the running system is gone', 'Restart, then try again.').refusal,
    );
  const pools = orThrow(await readPools(tools.host));
  const features = orThrow(await readFeatures(tools.host, pools));
  orThrow(
    checkPolicy(opened.manifest, {
      running,
      highestIndex: highestIndex(machine),
      now: tools.clock(),
      slotSize: device.size,
      pools: features,
    }),
  );
  return { ...planOf(job), pools };
};

/** For history, baseline and verdict. The reserve that only root may use is not counted: it is what is left when all else is full. */
const RECORDS = 1024 * 1024;
const roomForRecords = async (places: Places): Promise<Result<null>> => {
  await mkdir(places.state, { recursive: true });
  const { bavail, bsize } = await statfs(places.state);
  return bavail * bsize >= RECORDS
    ? ok(null)
    : refuse(
        'blocked',
        'the update',
        `${places.state} has no room left for the records of an update`,
        'Make room on /persist. Nothing was changed.',
      );
};

const writerOf = ({ tools, opened }: Job): Writer => ({
  places: tools.places,
  syncAll: tools.syncAll,
  contents: (from) => payload(opened, from),
  ...(tools.at ? { at: tools.at } : {}),
});

const install = async (job: Job): Promise<Applied> => {
  const { tools, progress, device, opened, machine } = job;
  const { system, slot } = opened.manifest;
  const { first, then, pools } = await check(job);
  orThrow(await roomForRecords(tools.places));
  const stop = (): void => {
    if (tools.signal.aborted) throw cancelled();
  };
  stop();
  await progress.set({ phase: 'preparing', total: slot.size });
  orThrow(await takeSnapshots(tools.host, pools, tools.clock()));
  orThrow(await tools.baseline(tools.places, tools.host));
  const writer = writerOf(job);
  orThrow(await perStep(writer, first));
  await writeStatus(tools.places, tools.clock());
  // the entry is the last step; kernel and initrd come first in the stream, and nothing refers to them yet
  orThrow(await perStep(writer, then.slice(0, -1)));
  stop();
  await progress.set({ phase: 'writing' });
  const counted = await writeSlot(opened, {
    file: device.file,
    path: device.path,
    signal: tools.signal,
    told: async (c) => {
      tools.at?.('chunks');
      await progress.set({ ...c });
    },
  });
  await progress.set({ phase: 'checking', ...counted });
  if (!isComplete(opened.manifest, counted)) throw new Error(`only ${counted.done} of ${slot.size} bytes were written`);
  // what was planned on has to be there still
  const esp = orThrow(await readEsp(tools.places, machine.booted.espPartUuid));
  const last = orThrow(stage(esp, stagedOf(opened.manifest, device.slot))).at(-1);
  const planned = then.at(-1);
  if (planned?.kind !== 'write entry' || last?.kind !== 'write entry' || last.text !== planned.text)
    throw new RefusalError(
      refuse('conflict', 'staging', 'somebody else changed the boot partition meanwhile', 'Start the update again.').refusal,
    );
  await progress.set({ phase: 'staging' });
  // written down first: of an entry that nobody knows of, nobody could say what became of it. Without its entry nothing is tried
  await appendHistory(tools.places, {
    at: tools.clock(),
    kind: 'staged',
    slot: device.slot,
    system,
    bootId: machine.booted.bootId,
    reason: '',
  });
  orThrow(await perStep(writer, [planned]));
  return { slot: device.slot, system, entry: planned.file, written: counted.written, skipped: counted.skipped };
};

/** A failure that was to be expected, whatever it came as. */
const refusalOf = (error: unknown): Refusal => {
  if (error instanceof RefusalError) return error.refusal;
  if (error instanceof Error && 'code' in error)
    return refuse('failed', 'the update', error.message, 'The running system is untouched.').refusal;
  throw error;
};

const work = async (request: ApplyRequest, tools: ApplyTools, progress: Progress): Promise<Applied> => {
  const machine = orThrow(await readMachine(tools.places));
  // before anything is read or downloaded
  orThrow(beginApply(machine.esp, machine.booted));
  const device = orThrow(await openSlot(tools.places, machine.booted));
  try {
    await progress.set({ phase: 'waiting', slot: device.slot });
    const source = await tools.openSource(request, tools.signal);
    try {
      if (request.source.kind !== 'upload') await progress.set({ phase: 'verifying' });
      const opened = await openBundle(source, machine.trust);
      await progress.set({ bundle: infoOf(opened) });
      return await install({ tools, progress, machine, device, opened });
    } finally {
      await source.close();
    }
  } finally {
    await device.file.close();
  }
};

const failed = async (refusal: Refusal, tools: ApplyTools, progress: Progress): Promise<void> => {
  const { slot, bundle } = progress.now;
  const phase = tools.signal.aborted ? 'cancelled' : 'failed';
  await progress.set({ phase, refusal, bundle: bundle && { ...bundle, refusal } });
  if (phase === 'cancelled') return;
  const event = {
    at: tools.clock(),
    kind: 'apply-failed' as const,
    slot,
    system: bundle?.system ?? null,
    bootId: null,
    reason: `${refusal.what}: ${refusal.why}`,
  };
  // a full disk may be the very reason
  await appendHistory(tools.places, event).catch(() => {});
};

export const apply = async (request: ApplyRequest, tools: ApplyTools): Promise<Result<Applied>> => {
  const lock = await takeLock(tools.places.lock, `installing an update (${request.id})`);
  if (!lock.ok) return lock;
  const progress = startProgress(request, { path: tools.places.progress, clock: tools.clock, told: tools.told ?? (() => {}) });
  try {
    await progress.set({});
    const applied = await work(request, tools, progress);
    await writeStatus(tools.places, tools.clock());
    await progress.set({ phase: 'staged' });
    return ok(applied);
  } catch (error) {
    const refusal = refusalOf(error);
    await failed(refusal, tools, progress);
    await writeStatus(tools.places, tools.clock()).catch(() => {});
    return { ok: false, refusal };
  } finally {
    await lock.value();
  }
};
