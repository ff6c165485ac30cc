/** What is done at a machine with slots: look, install, turn back, confirm, change trusted keys. */
import { readFile } from 'node:fs/promises';
import { ApplyRequest, type ApplyProgress } from '../../../control/src/domain/bundle/bundle.ts';
import { type Result, ok, refuse } from '../../../control/src/domain/refusal.ts';
import type { Slot, UpdateEvent } from '../../../control/src/domain/slot/slot.ts';
import { formatBytes } from '../../../control/src/domain/units.ts';
import { apply, type Baseline } from '../apply/apply.ts';
import { openSource } from '../apply/open.ts';
import { writeBaseline } from '../boot/baseline.ts';
import { bless } from '../boot/bless.ts';
import { enrollKey, revokeKey } from '../keys/enroll.ts';
import { installHook } from '../nixos/hook.ts';
import { readHistory } from '../slots/history.ts';
import { readStatus, writeStatus } from '../slots/machine.ts';
import { syncAll } from '../slots/sync.ts';
import { markGood, turnBack, type TurnTools } from '../slots/turn.ts';
import { sourceOf } from './bundle.ts';
import { type Context, flag, type Run, text } from './command.ts';

const STATES: Readonly<Record<Slot['state'], string>> = {
  empty: 'empty',
  staged: 'installed, not started yet',
  trying: 'on trial',
  confirmed: 'confirmed',
  failed: 'did not come up',
};
const slotLine = (s: Slot): string => {
  const tries = s.triesLeft === null ? '' : `, ${s.triesLeft} ${s.triesLeft === 1 ? 'try' : 'tries'} left`;
  const marks = [...(s.running ? ['runs'] : []), ...(s.next ? ['starts next'] : [])].join(', ');
  return `  slot ${s.name}  ${(s.system?.version ?? '-').padEnd(16)} ${STATES[s.state]}${tries}${marks === '' ? '' : `  (${marks})`}`;
};
const time = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
const KINDS: Readonly<Record<UpdateEvent['kind'], string>> = {
  staged: 'installed',
  'apply-failed': 'could not be installed',
  'rolled-back': 'is to be gone back to',
  'verdict-failed': 'was not good',
  confirmed: 'was confirmed',
  reverted: 'was given up',
  'key-enrolled': 'key enrolled',
  'key-revoked': 'key revoked',
};
const eventLine = (e: UpdateEvent): string => {
  const about = e.slot === null ? '' : `slot ${e.slot} ${e.system?.version ?? ''} `;
  return `  ${time(e.at)}  ${about}${KINDS[e.kind]}${e.reason === '' ? '' : `: ${e.reason}`}`;
};

export const status: Run = async (c) => {
  const now = await readStatus(c.places, Date.now());
  if (!now.available) return c.json ? ok({ value: now, text: [] }) : refuse('unavailable', 'system slots', now.why, now.todo);
  const history = (await readHistory(c.places)).slice(-5);
  const keys = now.keys.map(
    (k) => `  ${k.id}  ${k.revoked ? 'revoked' : k.source === 'image' ? 'of the image' : 'enrolled'}  ${k.comment}`,
  );
  return ok({
    value: now,
    text: [
      ...now.slots.map(slotLine),
      ...(now.chosenByHand ? ['  The running slot was chosen in the boot menu.'] : []),
      'keys',
      ...(keys.length === 0 ? ['  none: no update can be installed'] : keys),
      ...(history.length === 0 ? [] : ['history', ...history.map(eventLine)]),
    ],
  });
};

const requestOf = async (c: Context): Promise<Result<ApplyRequest>> => {
  const what = 'installing an update';
  const [file, [word]] = [text(c, 'request'), c.positionals];
  if ((file === undefined) === (word === undefined))
    return refuse('invalid', what, 'one bundle is needed', 'Give a path, an address, or --request FILE.');
  if (word !== undefined) {
    const source = sourceOf(word);
    return source.ok ? ok({ id: `local-${process.pid}-${Date.now()}`, source: source.value }) : source;
  }
  const request = ApplyRequest.safeParse(JSON.parse(await readFile(file ?? '', 'utf8')));
  return request.success ? ok(request.data) : refuse('invalid', what, `${file} is not a request: ${request.error.issues[0]?.message}`);
};

const PHASES: Readonly<Record<ApplyProgress['phase'], string>> = {
  waiting: 'waiting for the bundle',
  verifying: 'checking the signature',
  preparing: 'taking snapshots',
  writing: 'writing',
  checking: 'checking',
  staging: 'adding the boot entry',
  staged: 'installed',
  failed: 'failed',
  cancelled: 'cancelled',
};

/** A pool that can't be listed now could not be missed later. */
const baseline: Baseline = async (places, host) =>
  (await writeBaseline(places, host, Date.now))
    ? ok(null)
    : refuse('unavailable', 'remembering what is here', 'the pools could not be listed', 'See to the pools first: zpool status');

export const applyBundle: Run = async (c) => {
  const request = await requestOf(c);
  if (!request.ok) return request;
  let phase = '';
  const applied = await apply(request.value, {
    ...{ places: c.places, host: c.host, signal: c.signal, clock: Date.now, baseline },
    syncAll: syncAll(c.host),
    openSource: (r, signal) => openSource(c.places, r, signal),
    told: (p) => {
      const share =
        p.phase === 'writing'
          ? `  ${Math.floor((p.done / p.total) * 100)} %, ${formatBytes(p.written)} written, ${formatBytes(p.skipped)} were there`
          : '';
      c.terminal.live(`${PHASES[p.phase]}${share}`);
      // the journal has no live line
      if (p.phase !== phase && c.streams.stderr.isTTY !== true && p.phase !== 'failed') c.terminal.err(PHASES[p.phase]);
      phase = p.phase;
    },
  });
  if (!applied.ok) return applied;
  const { slot, system, written, skipped } = applied.value;
  return ok({
    value: applied.value,
    text: [
      `release ${system.version} is in slot ${slot} (${formatBytes(written)} written, ${formatBytes(skipped)} were there already)`,
      'It is tried at the next restart. If it does not come up well, this system comes back by itself.',
    ],
  });
};

const turning = (c: Context): TurnTools => ({
  places: c.places,
  clock: Date.now,
  syncAll: syncAll(c.host),
  bless: () => bless(c.host, 'good'),
});

export const rollback: Run = async (c) => {
  const known = await baseline(c.places, c.host);
  if (!known.ok) return known;
  const turned = await turnBack(turning(c));
  if (!turned.ok) return turned;
  const { slot, entry } = turned.value;
  return ok({
    value: turned.value,
    text: [
      entry === null ? `slot ${slot} starts next already` : `slot ${slot} starts next; if it does not come up well, this system comes back`,
    ],
  });
};

export const confirm: Run = async (c) => {
  const good = await markGood(turning(c));
  if (!good.ok) return good;
  return ok({ value: good.value, text: [`slot ${good.value.slot} is confirmed${good.value.already ? ' already' : ''}`] });
};

/** Who is trusted is seen in the control plane, too. What was done is done: the next look writes it otherwise. */
const told = async (c: Context): Promise<void> => {
  await writeStatus(c.places, Date.now()).catch(() => {});
};

export const enroll: Run = async (c) => {
  const key = await enrollKey(c.places, c.positionals[0] ?? '', Date.now());
  if (!key.ok) return key;
  await told(c);
  const { id, comment, already } = key.value;
  return ok({ value: key.value, text: [`key ${id} ${comment} ${already ? 'is trusted already' : 'is trusted from now on'}`] });
};

export const revoke: Run = async (c) => {
  const key = await revokeKey(c.places, c.positionals[0] ?? '', Date.now(), flag(c, 'force'));
  if (!key.ok) return key;
  await told(c);
  return ok({
    value: key.value,
    text: [`key ${key.value.id} is ${key.value.already ? 'revoked already' : 'revoked'}; trusted keys left: ${key.value.left}`],
  });
};

export const nixosHook: Run = async (c) => {
  const done = await installHook(c.positionals[0] ?? '', { places: c.places, clock: Date.now, syncAll: syncAll(c.host) });
  if (!done.ok) return done;
  return ok({ value: done.value, text: [`${done.value.entry}: is tried at the next restart`] });
};
