/**
 * The simulated updater: two slots, one apply at a time, starts that go well or don't. What it writes is computed from the model and the clock, so
 * the same requests at the same times give the same machine. Words in the name of a bundle choose what becomes of it: `broken` does not
 * come up, `tampered` has a bad signature, `old` was superseded, `slow` takes ten times as long; `0.3.0` in it is its version.
 */
import { ApplyRequest, type ApplyProgress, type BundleInfo, type BundleSource } from '../../domain/bundle/bundle.ts';
import { type Refusal, refuse } from '../../domain/refusal.ts';
import { otherSlot, type SlotName, type SlotState, type SlotStatus, type SystemInfo, type UpdateEvent } from '../../domain/slot/slot.ts';
import { OTA_FILES } from '../ota/files.ts';
import { APPLY_UNIT } from '../ota/tool.ts';
import { type Answer, done, failed, said } from './getopt.ts';
import { guidOf } from './guid.ts';
import type { World } from './model.ts';
import type { SimNix } from './nix.ts';
import type { Tool } from './words.ts';
import { zfs } from './zfs.ts';

export type SimSlot = { state: SlotState; system: SystemInfo | null; tries: number | null; triesDone: number | null; broken: boolean };
type Job = {
  id: string;
  source: BundleSource;
  startedAt: number;
  /** Of an upload: bytes that came, and when it was complete or broke off. */
  received: number;
  /** The pools' snapshots were taken. */
  prepared: boolean;
  completeAt: number | null;
  brokenAt: number | null;
  end: { at: number; phase: 'staged' | 'failed' | 'cancelled'; refusal: Refusal | null } | null;
};
export type SimOta = {
  running: SlotName;
  next: SlotName;
  chosenByHand: boolean;
  highestIndex: number;
  starts: number;
  at: number;
  slots: Record<SlotName, SimSlot>;
  history: UpdateEvent[];
  job: Job | null;
  /** A start that is on trial, and when it is decided. */
  trial: { until: number } | null;
};

const IMAGE = 1_720_000_000;
const DAY = 86_400_000;
const KEY = '9c1e5b7a03d2f486';
/** What an apply does, and when since its start (or since the last byte of an upload) it is done with it. */
const PREPARED = 1_200;
const WRITTEN = 6_200;
const CHECKED = 7_000;
const STAGED = 7_400;
/** How long a start is on trial here. */
const TRIAL = 4_000;
const UPLOAD_WAITS = 60_000;

export const system = (version: string, index: number): SystemInfo => ({
  product: 'dplaneos',
  version,
  index,
  arch: 'x86_64',
  kernel: '6.12.57+deb13-amd64',
  zfs: '2.3.9-0+deb13u1',
});
export const slot = (state: SlotState, info: SystemInfo | null, more: Partial<SimSlot> = {}): SimSlot => ({
  state,
  system: info,
  tries: null,
  triesDone: null,
  broken: false,
  ...more,
});
export const freshOta = (at: number, more: Partial<SimOta> = {}): SimOta => ({
  running: 'a',
  next: 'a',
  chosenByHand: false,
  highestIndex: 10,
  starts: 1,
  at,
  slots: { a: slot('confirmed', system('0.1.0', 10)), b: slot('empty', null) },
  history: [],
  job: null,
  trial: null,
  ...more,
});

const bootId = (ota: SimOta): string => {
  const hex = BigInt(guidOf(4711, ota.starts)).toString(16).padStart(16, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8000-${hex.slice(0, 12)}`;
};
const nameOf = (s: BundleSource): string => (s.kind === 'url' ? s.url : s.kind === 'file' ? s.path : s.name);
const versionIn = (name: string, now: SystemInfo): string => {
  const [, minor = '1'] = now.version.split('.');
  return /\d+\.\d+\.\d+/.exec(name)?.[0] ?? `0.${Number(minor) + 1}.0`;
};
const tells = (ota: SimOta, at: number, kind: UpdateEvent['kind'], name: SlotName | null, reason = ''): void => {
  ota.at = at;
  ota.history.push({ at, kind, slot: name, system: name === null ? null : ota.slots[name].system, bootId: bootId(ota), reason });
};

const bundleOf = (ota: SimOta, source: BundleSource, startedAt: number): { info: BundleInfo | null; refusal: Refusal | null } => {
  const name = nameOf(source);
  const now = ota.slots[ota.running].system ?? system('0.1.0', 10);
  if (/tampered|unsigned/.test(name))
    return {
      info: null,
      refusal: refuse(
        'blocked',
        'the bundle is not installed',
        'its signature was not made with a key this machine trusts',
        'get it from where releases are published',
      ).refusal,
    };
  const old = /\bold\b|-old/.test(name);
  const refusal = old
    ? refuse(
        'blocked',
        'the bundle is not installed',
        `its release index ${ota.highestIndex} is not above ${ota.highestIndex}, which was confirmed here`,
        'install a newer release; the other slot can be gone back to by hand',
      ).refusal
    : null;
  const size = source.kind === 'upload' ? source.size : Math.round(IMAGE * 0.41);
  return {
    info: {
      system: system(old ? now.version : versionIn(name, now), ota.highestIndex + (old ? 0 : 1)),
      keyId: KEY,
      createdAt: startedAt - 2 * DAY,
      notAfter: startedAt + 180 * DAY,
      size,
      imageSize: IMAGE,
      refusal,
    },
    refusal,
  };
};

type Place = { phase: ApplyProgress['phase']; done: number };
/** Where an apply has come to by now, if nothing stops it. */
const placeOf = (job: Job, now: number): Place => {
  const slow = /slow/.test(nameOf(job.source)) ? 10 : 1;
  if (job.source.kind === 'upload') {
    if (job.completeAt === null) {
      const share = Math.min(1, job.received / job.source.size);
      return job.received === 0 ? { phase: 'waiting', done: 0 } : { phase: 'writing', done: Math.floor(IMAGE * share) };
    }
    const since = (now - job.completeAt) / slow;
    return { phase: since < 500 ? 'checking' : since < 900 ? 'staging' : 'staged', done: IMAGE };
  }
  const since = (now - job.startedAt) / slow;
  if (since < 300) return { phase: 'waiting', done: 0 };
  if (since < 800) return { phase: 'verifying', done: 0 };
  if (since < PREPARED) return { phase: 'preparing', done: 0 };
  if (since < WRITTEN) return { phase: 'writing', done: Math.floor((IMAGE * (since - PREPARED)) / (WRITTEN - PREPARED)) };
  return { phase: since < CHECKED ? 'checking' : since < STAGED ? 'staging' : 'staged', done: IMAGE };
};
const endOf = (job: Job): number => {
  const slow = /slow/.test(nameOf(job.source)) ? 10 : 1;
  if (job.source.kind === 'upload') return (job.completeAt ?? Number.POSITIVE_INFINITY) + 900 * slow;
  return job.startedAt + STAGED * slow;
};

const fail = (ota: SimOta, job: Job, at: number, refusal: Refusal): void => {
  job.end = { at, phase: 'failed', refusal };
  tells(ota, at, 'apply-failed', otherSlot(ota.running), `${refusal.what}: ${refusal.why}`);
};

/** Why an apply ends here, and since when; null when it goes on. */
const whyFailed = (job: Job, refusal: Refusal | null, now: number): { at: number; refusal: Refusal } | null => {
  const sent = job.source.kind === 'upload';
  if (refusal !== null && (sent ? job.received > 0 : now - job.startedAt >= 800)) return { at: sent ? now : job.startedAt + 800, refusal };
  const not = (code: Refusal['code'], why: string, todo: string): Refusal => refuse(code, 'the bundle is not installed', why, todo).refusal;
  if (job.brokenAt !== null)
    return {
      at: job.brokenAt,
      refusal: not('invalid', 'the upload broke off before its end', 'send it again: what is in the slot already is not written again'),
    };
  const until = job.startedAt + UPLOAD_WAITS;
  return sent && job.received === 0 && now > until ? { at: until, refusal: not('timeout', 'nobody sent it', 'send it again') } : null;
};

const advanceJob = (ota: SimOta, job: Job, now: number): void => {
  if (job.end !== null) return;
  const { info, refusal } = bundleOf(ota, job.source, job.startedAt);
  const failed = whyFailed(job, refusal, now);
  if (failed !== null) {
    fail(ota, job, failed.at, failed.refusal);
    return;
  }
  const other = otherSlot(ota.running);
  if (placeOf(job, now).phase === 'writing' && ota.slots[other].state !== 'empty') ota.slots[other] = slot('empty', null);
  if (now < endOf(job) || info === null) return;
  ota.slots[other] = slot('staged', info.system, { tries: 3, triesDone: 0, broken: /broken/.test(nameOf(job.source)) });
  ota.next = other;
  job.end = { at: endOf(job), phase: 'staged', refusal: null };
  tells(ota, endOf(job), 'staged', other);
};

const advanceTrial = (ota: SimOta, now: number): void => {
  if (ota.trial === null || now < ota.trial.until) return;
  const at = ota.trial.until;
  ota.trial = null;
  const tried = ota.running;
  const mine = ota.slots[tried];
  if (!mine.broken) {
    ota.slots[tried] = slot('confirmed', mine.system);
    ota.highestIndex = Math.max(ota.highestIndex, mine.system?.index ?? 0);
    tells(ota, at, 'confirmed', tried);
    return;
  }
  tells(ota, at, 'verdict-failed', tried, 'pool tank missing');
  ota.slots[tried] = { ...mine, state: 'failed', tries: 0, triesDone: 1 };
  ota.running = otherSlot(tried);
  ota.next = ota.running;
  ota.starts += 1;
  tells(ota, at, 'reverted', tried, 'pool tank missing');
};

/** Every pool's root dataset is kept as it is, before the first byte is written. */
const prepare = (w: World, job: Job, now: number): void => {
  // at a moment that a replay of the log comes to as well: bytes of an upload are not in it, their end is
  const at = job.source.kind === 'upload' ? (job.completeAt ?? job.brokenAt ?? Number.POSITIVE_INFINITY) : job.startedAt + 300;
  if (job.prepared || job.end !== null || now < at) return;
  job.prepared = true;
  const [day = '', time = ''] = new Date(at).toISOString().slice(0, 19).split('T');
  const tag = `pre-upgrade-${day.replaceAll('-', '')}-${time.replaceAll(':', '')}`;
  for (const pool of w.model.pools) zfs(w, ['snapshot', `${pool.name}@${tag}`], at, '');
  w.changed();
};

/** Brings the slots up to now; null when this machine has none. */
export const advance = (w: World, now: number): SimOta | null => {
  const { ota } = w.model;
  if (!ota) return null;
  if (ota.job !== null) {
    prepare(w, ota.job, now);
    advanceJob(ota, ota.job, now);
  }
  advanceTrial(ota, now);
  return ota;
};

/** Of the running slot: the generations that have an entry, or the slot itself. */
const startsOf = (ota: SimOta, nix: SimNix | undefined): (string | null)[] => [
  ...(ota.next === ota.running ? [] : [null]),
  ...(nix?.entries.map((number) => `${nix.generations.find((g) => g.number === number)?.path ?? '/nix/store/gone'}/init`) ?? [null]),
];

const insteadOf = (ota: SimOta, nix: SimNix | undefined): string | null => {
  const next = nix?.generations.find((g) => g.number === nix.entries[0]);
  return ota.next !== ota.running || next === undefined || next.path === nix?.running ? null : `D-PlaneOS generation ${next.number}`;
};

const statusOf = (ota: SimOta, nix: SimNix | undefined): SlotStatus => {
  const one = (name: SlotName) => {
    const s = ota.slots[name];
    return {
      name,
      running: ota.running === name,
      next: ota.next === name,
      state: s.state,
      triesLeft: s.tries,
      triesDone: s.triesDone,
      system: s.system,
    };
  };
  const trial = ota.trial !== null;
  return {
    available: true,
    at: ota.at,
    bootId: bootId(ota),
    running: ota.running,
    chosenByHand: ota.chosenByHand,
    slots: [one('a'), one('b')],
    starts: startsOf(ota, nix),
    instead: insteadOf(ota, nix),
    highestIndex: ota.highestIndex,
    keys: [{ id: KEY, comment: 'D-PlaneOS releases', source: 'image', revoked: false }],
    verdict: {
      bootId: bootId(ota),
      slot: ota.running,
      trial,
      outcome: trial ? 'waiting' : 'passed',
      at: ota.at,
      uptimeMs: 11_400,
      checks: [
        { name: 'slot', ok: true, why: '' },
        { name: 'pools', ok: !trial, why: trial ? 'pools are being imported' : '' },
        { name: 'shares', ok: !trial, why: trial ? 'smbd does not answer yet' : '' },
      ],
    },
  };
};

const progressOf = (ota: SimOta, job: Job, now: number): ApplyProgress => {
  const place = placeOf(job, Math.min(now, job.end?.at ?? now));
  const skipped = Math.floor(place.done * 0.63);
  const head = place.phase !== 'waiting' && place.phase !== 'verifying';
  // its index is measured against what was confirmed when it began
  const { info } = head ? bundleOf(ota, job.source, job.startedAt) : { info: null };
  const staged = job.end?.phase === 'staged' ? ota.slots[otherSlot(ota.running)].system : null;
  return {
    id: job.id,
    source: job.source,
    phase: job.end?.phase ?? place.phase,
    slot: otherSlot(ota.running),
    bundle: info === null ? null : { ...info, system: staged ?? info.system },
    startedAt: job.startedAt,
    updatedAt: job.end?.at ?? now,
    total: head ? IMAGE : 0,
    done: place.done,
    written: place.done - skipped,
    skipped,
    refusal: job.end?.refusal ?? null,
  };
};

/** What a file of the updater holds now; undefined when the path is none of its files. */
export const otaText = (w: World, path: string, now: number): string | null | undefined => {
  if (path === '/proc/cmdline')
    return w.model.ota ? `root=/dev/dplane/slot ro panic=10 dplane.slot=${w.model.ota.running}\n` : 'root=/dev/sda1 ro\n';
  const mine = path === OTA_FILES.status || path === OTA_FILES.progress || path === OTA_FILES.history;
  if (!mine) return undefined;
  const ota = advance(w, now);
  if (ota === null) return null;
  if (path === OTA_FILES.status) return `${JSON.stringify(statusOf(ota, w.model.nix))}\n`;
  if (path === OTA_FILES.history) return ota.history.map((e) => `${JSON.stringify(e)}\n`).join('');
  return ota.job === null ? null : `${JSON.stringify(progressOf(ota, ota.job, now))}\n`;
};

/** The stream of an upload: bytes that came, then its end. False when nobody takes them. */
export const uploading = (w: World, now: number): boolean => {
  const job = advance(w, now)?.job;
  return job?.source.kind === 'upload' && job.end === null && job.completeAt === null && job.received === 0;
};
export type UploadStep = { bytes: number } | { complete: boolean };
/** False when the updater no longer listens. */
export const uploadStep = (w: World, now: number, step: UploadStep): boolean => {
  const ota = advance(w, now);
  const job = ota?.job;
  if (!ota || !job || job.source.kind !== 'upload' || job.end !== null) return false;
  if ('bytes' in step) job.received += step.bytes;
  else if (step.complete && job.received >= job.source.size) job.completeAt = now;
  else job.brokenAt = now;
  advance(w, now);
  return job.end === null;
};

/** The machine was started from the other slot in the boot menu: what is next stays as it was. */
export const chooseByHand = (w: World, at: number): void => {
  const ota = advance(w, at);
  if (ota === null || ota.slots[otherSlot(ota.running)].state === 'empty') return;
  ota.running = otherSlot(ota.running);
  ota.chosenByHand = ota.running !== ota.next;
  ota.starts += 1;
  ota.at = at;
};

const no = (code: Refusal['code'], what: string, why: string, todo: string): Answer => ({
  exit: 1,
  stdout: `${JSON.stringify(refuse(code, what, why, todo))}\n`,
});
const yes = (value: unknown, changed = false): Answer => ({
  exit: 0,
  stdout: `${JSON.stringify({ ok: true, value })}\n`,
  ...(changed && { changed: true as const }),
});

export const dplaneOta: Tool = (w, args, now) => {
  const ota = advance(w, now);
  const [verb, flag, source = ''] = args;
  if (ota === null) return no('unavailable', `dplane-ota ${verb ?? ''}`, 'this machine has no system slots', 'use the appliance image');
  if (flag !== '--json') return failed('dplane-ota: the simulated one knows inspect, rollback and mark-good with --json\n', 2);
  const other = otherSlot(ota.running);
  switch (verb) {
    case 'inspect': {
      if (/unreachable/.test(source)) return no('unavailable', 'reading the bundle', 'the server does not answer', 'check the address');
      const { info, refusal } = bundleOf(ota, source.startsWith('/') ? { kind: 'file', path: source } : { kind: 'url', url: source }, now);
      return info === null && refusal !== null ? { exit: 1, stdout: `${JSON.stringify({ ok: false, refusal })}\n` } : yes(info);
    }
    case 'rollback':
      if (ota.slots[other].state !== 'confirmed') return no('conflict', 'going back', `slot ${other} was never confirmed`, '');
      ota.slots[other] = { ...ota.slots[other], state: 'staged', tries: 3, triesDone: 0 };
      ota.next = other;
      tells(ota, now, 'rolled-back', other);
      return yes(statusOf(ota, w.model.nix), true);
    case 'mark-good':
      ota.slots[ota.running] = slot('confirmed', ota.slots[ota.running].system);
      ota.trial = null;
      tells(ota, now, 'confirmed', ota.running, 'by hand');
      return yes(statusOf(ota, w.model.nix), true);
    default:
      return failed(`dplane-ota: unknown command ${verb ?? ''}\n`, 2);
  }
};

/** systemctl, as far as it is about the updater and restarts; null for everything else. */
export const systemctlOta = (w: World, args: readonly string[], now: number): Answer | null => {
  const ota = advance(w, now);
  const working = ota?.job !== null && ota?.job !== undefined && ota.job.end === null;
  if (args[0] === 'show' && args.at(-1) === APPLY_UNIT)
    return said(`LoadState=${ota === null ? 'not-found' : 'loaded'}\nActiveState=${working ? 'activating' : 'inactive'}\n`);
  if (args[0] === 'start' && args.at(-1) === APPLY_UNIT) {
    const request = ApplyRequest.safeParse(JSON.parse(w.model.texts[OTA_FILES.request] ?? 'null'));
    if (ota === null || !request.success) return failed(`Failed to start ${APPLY_UNIT}: Unit ${APPLY_UNIT} not found.\n`, 5);
    if (!working) ota.job = { ...request.data, startedAt: now, prepared: false, received: 0, completeAt: null, brokenAt: null, end: null };
    return done();
  }
  if (args[0] === 'stop' && args.at(-1) === APPLY_UNIT) {
    if (ota?.job && working) ota.job.end = { at: now, phase: 'cancelled', refusal: null };
    return done();
  }
  if (args[0] === 'reboot') {
    w.model.sessions = [];
    if (ota === null) return done();
    if (ota.job && working) ota.job.end = { at: now, phase: 'cancelled', refusal: null };
    ota.job = null;
    ota.running = ota.next;
    ota.starts += 1;
    ota.at = now;
    ota.chosenByHand = false;
    const mine = ota.slots[ota.running];
    if (mine.state === 'staged') {
      ota.slots[ota.running] = { ...mine, state: 'trying', tries: 2, triesDone: 1 };
      ota.trial = { until: now + TRIAL };
    }
    return done();
  }
  return null;
};
