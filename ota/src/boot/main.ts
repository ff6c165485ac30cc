/**
 * What the boot units run, as root, one process a task: `verdict`, `deadline`, `settle`, `baseline` (docs/adr/0006-slots.md). Apart from
 * `dplane-ota` proper, so that a start loads no more than it needs.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { uptime } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { SystemInfo, Verdict, type VerdictCheck } from '../../../control/src/domain/slot/slot.ts';
import { orThrow } from '../../../control/src/domain/refusal.ts';
import { realHost } from '../../../control/src/host/exec.ts';
import { takeLock } from '../apply/lock.ts';
import { readBooted, slotOfCommandLine } from '../slots/booted.ts';
import { readEsp } from '../slots/esp.ts';
import { keepRoots } from '../nixos/roots.ts';
import { readOptional, replaceFile } from '../slots/files.ts';
import { appendHistory, readHistory } from '../slots/history.ts';
import { writeStatus } from '../slots/machine.ts';
import { placesAt } from '../slots/places.ts';
import { confirmCleanup, slotsOf } from '../slots/plan.ts';
import { syncAll } from '../slots/sync.ts';
import { noContents, perStep } from '../slots/write.ts';
import { readBaseline, writeBaseline } from './baseline.ts';
import { blessState } from './bless.ts';
import { settle } from './settle.ts';
import { inWords, judge } from './verdict.ts';

const places = placesAt();
const host = realHost();
const say = (text: string): void => void process.stdout.write(`dplane: ${text}\n`);
const words = async (path: string): Promise<string> => ((await readOptional(path)) ?? '').trim();

/** Does the boot loader count the tries of what it started? It says so, whatever else is wrong. */
const onTrial = (): boolean => existsSync(`${places.efivars}/LoaderBootCountPath-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f`);

const DEADLINE_S = 90;
/** `dplane.deadline=` seconds; the first one counts: a boot entry's goes before what firmware adds at the end. */
const deadlineMs = async (): Promise<number> => {
  const given = /(?:^|\s)dplane\.deadline=(\d{1,4})(?:\s|$)/.exec(await words(places.cmdline))?.[1];
  return Number(given ?? DEADLINE_S) * 1000;
};

/** What the image says it is; null when it does not, or nothing that can be understood. */
const system = async (): Promise<SystemInfo | null> => {
  try {
    return SystemInfo.parse(JSON.parse(await readFile(places.system, 'utf8')));
  } catch {
    return null;
  }
};

const record = async (v: Verdict): Promise<void> => {
  await replaceFile(places.verdict, `${JSON.stringify(v)}\n`);
  await writeStatus(places, v.at);
};

/**
 * Written before anything is given up: the only thing that is left of a start that failed. The first reason stands: the deadline may pass
 * while a verdict that said what is wrong already takes the machine down.
 */
const recordFailure = async (v: Verdict): Promise<void> => {
  const file = `${places.verdicts}/${v.bootId}.json`;
  if (existsSync(file)) return;
  await replaceFile(file, `${JSON.stringify(v)}\n`);
  await appendHistory(places, {
    at: v.at,
    kind: 'verdict-failed',
    slot: v.slot,
    system: await system(),
    bootId: v.bootId,
    reason: inWords(v),
  });
};

/** What could not be written down must not keep the machine from going back. */
const attempt = async (what: string, work: () => Promise<unknown>): Promise<void> => {
  try {
    await work();
  } catch (error) {
    say(`${what}: ${error instanceof Error ? error.message : String(error)}`);
  }
};

const verdict = async (): Promise<number> => {
  const slot = slotOfCommandLine(await words(places.cmdline));
  if (!slot.ok) throw new Error(slot.refusal.why);
  const booted = await readBooted(places);
  const trial = onTrial();
  let told = '';
  const v = await judge({
    subject: {
      host,
      slot: slot.value,
      misled: booted.ok ? (booted.value.number === null ? 'the boot loader does not say what it started' : null) : booted.refusal.why,
      system: await system(),
      baseline: await readBaseline(places),
      persist: '/persist',
      port: Number(process.env.DPLANE_PORT || 8443),
    },
    bootId: await words(places.bootId),
    trial,
    deadlineMs: await deadlineMs(),
    clock: Date.now,
    uptime: () => uptime() * 1000,
    pause: async (ms) => void (await pause(ms)),
    tell: async (state) => {
      const now = inWords(state);
      if (now === told) return;
      told = now;
      await attempt('telling the verdict', () => record(state));
    },
  });
  await attempt('telling the verdict', () => record(v));
  const after = `${(v.uptimeMs / 1000).toFixed(1)} s after the kernel started`;
  if (v.outcome === 'passed') {
    say(`slot ${v.slot} is good, ${after}`);
    return 0;
  }
  say(`slot ${v.slot} is not good, ${after}: ${inWords(v)}`);
  if (!trial) return 0;
  say('it was on trial: it is given up');
  await attempt('writing down why', () => recordFailure(v));
  return 1;
};

/** What the verdict of this start still finds wrong, when it has not come to an end. */
const stillWrong = async (bootId: string): Promise<VerdictCheck[]> => {
  try {
    const v = Verdict.parse(JSON.parse(await readFile(places.verdict, 'utf8')));
    return v.bootId === bootId ? v.checks.filter((c) => !c.ok) : [];
  } catch {
    return [];
  }
};

/** For a start on trial that the verdict did not end: it hangs somewhere before, or the verdict does. */
const deadline = async (): Promise<number> => {
  // stopped before its time, it has decided nothing
  process.once('SIGTERM', () => process.exit(0));
  const left = (await deadlineMs()) * 2 - uptime() * 1000;
  if (left > 0) await pause(left);
  const state = await blessState(host);
  if (!onTrial() || state === 'good' || state === 'clean') return 0;
  const slot = slotOfCommandLine(await words(places.cmdline));
  const jobs = (await host.run(['systemctl', 'list-jobs', '--no-legend', '--plain'], { timeoutMs: 10_000 })).stdout
    .split('\n')
    .filter((line) => / running$/.test(line.trim()))
    .map((line) => line.trim().split(/\s+/)[1] ?? '');
  const why = `the start was not finished ${Math.round(uptime())} s after the kernel started${jobs.length > 0 ? `; still starting: ${jobs.slice(0, 20).join(', ')}` : ''}`;
  say(`${why}: it is given up`);
  const bootId = await words(places.bootId);
  await attempt('writing down why', async () =>
    recordFailure({
      bootId,
      slot: slot.ok ? slot.value : 'a',
      trial: true,
      outcome: 'failed',
      at: Date.now(),
      uptimeMs: uptime() * 1000,
      checks: [{ name: 'slot', ok: false, why }, ...(await stillWrong(bootId))],
    }),
  );
  return 1;
};

/** What became of the last attempt, and what a confirmed entry has replaced. Alone: an update that has begun meanwhile does the latter itself. */
const reconcile = async (at: number): Promise<void> => {
  const booted = orThrow(await readBooted(places));
  const esp = orThrow(await readEsp(places, booted.espPartUuid));
  const { slot, bootId } = booted;
  const entries = new Map(esp.entries.map((e) => [e.number, e.tries?.left ?? null]));
  const history = await readHistory(places);
  const fact = settle({ at, bootId, running: slot, slots: slotsOf(esp, booted), entry: booted.number, entries, history });
  if (fact !== null) {
    await appendHistory(places, fact);
    say(`${fact.system?.version ?? 'the system'} in slot ${fact.slot}: ${fact.kind}${fact.reason === '' ? '' : `: ${fact.reason}`}`);
  }
  orThrow(await perStep({ places, syncAll: syncAll(host), contents: noContents }, confirmCleanup(esp, slot)));
};

const account = async (): Promise<number> => {
  const at = Date.now();
  const lock = await takeLock(places.lock, 'accounting for this start');
  if (lock.ok) {
    await attempt('accounting for this start', () => reconcile(at));
    await lock.value();
  } else say(lock.refusal.why);
  const status = await writeStatus(places, at);
  if (status.available) await attempt('keeping what boot entries start', () => keepRoots(places, status.starts));
  // from here on nothing gives this start up any more
  if ((await blessState(host)) === 'good') await replaceFile(places.blessed, '');
  return 0;
};

/** Not on trial: what a system that nobody vouched for has must not become the measure. */
const baseline = async (): Promise<number> => {
  const state = await blessState(host);
  if (state !== 'clean' && state !== 'good') return 0;
  if (!(await writeBaseline(places, host, Date.now))) say('the pools could not be listed: what was known before is kept');
  return 0;
};

const TASKS: Readonly<Record<string, () => Promise<number>>> = { verdict, deadline, settle: account, baseline };

const task = TASKS[process.argv[2] ?? ''];
if (task === undefined) {
  process.stderr.write(`usage: dplane-boot ${Object.keys(TASKS).join('|')}\n`);
  process.exit(2);
}
process.exit(await task());
