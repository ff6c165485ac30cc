/**
 * Generations of NixOS, as far as the control plane goes: it reads the profile itself, takes snapshots of every pool before one is activated, asks the
 * executor, and keeps an account. Elsewhere than on NixOS each answer says so.
 *
 * What is asked is kept until its end is known, and nothing else is asked before. When the power went in between, the next start looks at what is
 * there and says it; nothing is finished by guessing.
 */
import { z } from 'zod';
import type { Clock } from '../domain/clock.ts';
import {
  beforeCurrent,
  comparePackages,
  type Generation,
  type GenerationDiff,
  type Generations,
  whyNoActivate,
  whyNoDelete,
} from '../domain/generation/generation.ts';
import { Operation } from '../domain/operation/operation.ts';
import { RefusalError, type Result, ok, refuse } from '../domain/refusal.ts';
import { preUpgradeTag } from '../domain/snapshot/pre-upgrade.ts';
import { Actor } from '../domain/user/user.ts';
import type { Executor } from '../host/executor.ts';
import type { Host } from '../host/host.ts';
import { readClosure, readGenerations } from '../host/nix/generations.ts';
import type { Store } from '../store/types.ts';
import { factOf } from './facts.ts';

export type Activated = { number: number; snapshots: string[] };
export type GenerationsEngine = {
  list(): Promise<Result<Generations>>;
  compare(from: number, to: number): Promise<Result<GenerationDiff>>;
  /** It starts next. Snapshots of all pools are taken before, or nothing is done. */
  activate(actor: Actor, number: number): Promise<Result<Activated>>;
  /** The one before the one that starts next. */
  rollback(actor: Actor): Promise<Result<Activated>>;
  remove(actor: Actor, numbers: readonly number[]): Promise<Result<{ deleted: number[]; collecting: boolean }>>;
  /** Says what became of what was under way when this process ended, or whose answer did not come. Rejects while the executor does not say: to be asked again. */
  recover(): Promise<void>;
};

const OPEN = 'generations.open';
const Asked = z.object({ id: z.string(), actor: Actor, operation: Operation });
type Asked = z.infer<typeof Asked>;

export type GenerationsDeps = {
  host: Host;
  executor: Executor;
  store: Store;
  clock: Clock;
  random: (bytes: number) => Buffer;
  /** As they are now, with the guid of the root dataset; null when it can't be seen. */
  pools: () => Promise<readonly { name: string; health: string; root: string | null }[]>;
  /** Snapshots were taken. */
  snapshotted: () => Promise<void>;
};

export const createGenerations = ({ host, executor, store, clock, random, pools, snapshotted }: GenerationsDeps): GenerationsEngine => {
  const read = async (what: string): Promise<Result<Generation[]>> => {
    const found = await readGenerations(host, clock());
    if (!found.ok) return found;
    return found.value.available ? ok(found.value.generations) : refuse('blocked', what, found.value.why, found.value.todo);
  };
  const one = (generations: readonly Generation[], number: number, what: string): Result<Generation> => {
    const found = generations.find((g) => g.number === number);
    return found === undefined ? refuse('not-found', what, `there is no generation ${number}`, 'list them again') : ok(found);
  };

  const account = ({ id, actor, operation }: Asked, outcome: 'allowed' | 'succeeded' | 'failed' | 'interrupted', reason: string): void =>
    void store.audit.append({
      actor,
      action: operation.kind,
      subject: factOf(operation).subject,
      outcome,
      reason,
      detail: { operation: id, request: operation },
    });
  const end = (asked: Asked, why: string | null, done = 'the executor saw it done'): void => {
    const { id, actor, operation } = asked;
    account(asked, why === null ? 'succeeded' : 'failed', why ?? done);
    if (why === null) store.events.append({ ...factOf(operation), severity: 'info', actor: actor.name, data: { operation: id } });
    store.settings.remove(OPEN);
  };

  const openOne = (): Asked | null => {
    const text = store.settings.get(OPEN);
    if (text === null) return null;
    const parsed = Asked.safeParse(JSON.parse(text)); // written by `ask`, of another version perhaps
    if (parsed.success) return parsed.data;
    store.settings.remove(OPEN);
    return null;
  };
  let underWay: string | null = null;

  /** Asked of the executor, with what it came to in the audit log and, when it was done, as an event. */
  const ask = async (actor: Actor, operation: Operation): Promise<Result<Record<string, unknown>>> => {
    const what = factOf(operation).subject;
    if (underWay !== null) return refuse('busy', what, 'another change of generations is under way', 'wait for it to end');
    await recover().catch(() => undefined);
    if (openOne() !== null)
      return refuse('busy', what, 'what became of the change before is not known yet: dplane-exec does not say', 'try again in a minute');
    const asked: Asked = { id: `generation-${random(12).toString('hex')}`, actor, operation };
    store.transact(() => {
      account(asked, 'allowed', 'permission system.update');
      store.settings.set(OPEN, JSON.stringify(asked));
    });
    underWay = asked.id;
    try {
      const answer = await executor.execute({ v: 1, id: asked.id, actor, operation, approval: null });
      // no answer is not a no: what became of it is looked at by `recover`
      if (answer.ok || answer.refusal.code !== 'timeout') store.transact(() => end(asked, answer.ok ? null : answer.refusal.why));
      return answer.ok ? ok(answer.result) : answer;
    } finally {
      underWay = null;
    }
  };

  /** Nobody answered: null when it is done all the same, otherwise what there is instead. */
  const whyUndone = async (operation: Operation): Promise<string | null> => {
    const all = await read('looking at what became of it');
    if (!all.ok) return `what became of it can't be seen: ${all.refusal.why}`;
    const next = all.value.find((g) => g.next);
    const starts = next === undefined ? 'none of the generations starts next' : `generation ${next.number} starts next`;
    if (operation.kind === 'generation.activate') {
      const found = all.value.find((g) => g.number === operation.number && g.path === operation.path);
      if (found?.current && found.next) return null;
      return found?.current ? `it was chosen, but its boot entry was not written; ${starts}` : `nothing was changed; ${starts}`;
    }
    if (operation.kind === 'generation.delete') {
      const left = operation.generations.filter((ref) => all.value.some((g) => g.number === ref.number)).map((ref) => ref.number);
      return left.length === 0 ? null : `still there: ${left.join(', ')}`;
    }
    return 'the generation was not changed yet';
  };

  /** Of the root dataset of every pool that can be written: the names of the snapshots. */
  const snapshotPools = async (actor: Actor): Promise<Result<string[]>> => {
    const tag = preUpgradeTag(clock());
    const taken: string[] = [];
    for (const { name, health, root } of await pools()) {
      if (root === null || !['ONLINE', 'DEGRADED'].includes(health))
        return refuse(
          'blocked',
          'snapshots before the change',
          `pool ${name} is ${health} and takes none`,
          'bring it back, or export it, first',
        );
      const done = await ask(actor, { kind: 'snapshot.create', dataset: name, guid: root, tag, recursive: false });
      if (!done.ok) return done;
      taken.push(`${name}@${tag}`);
    }
    await snapshotted();
    return ok(taken);
  };

  const activate = async (actor: Actor, pick: (all: readonly Generation[]) => Result<Generation>): Promise<Result<Activated>> => {
    const all = await read('activating a generation');
    if (!all.ok) return all;
    const target = pick(all.value);
    if (!target.ok) return target;
    const { number, path } = target.value;
    const why = whyNoActivate(target.value);
    if (why !== null) return refuse('conflict', `activating generation ${number}`, why, 'nothing has to be done');
    const snapshots = await snapshotPools(actor);
    if (!snapshots.ok) return snapshots;
    const done = await ask(actor, { kind: 'generation.activate', number, path });
    return done.ok ? ok({ number, snapshots: snapshots.value }) : done;
  };

  const recover = async (): Promise<void> => {
    const asked = openOne();
    if (asked === null || asked.id === underWay) return;
    // one that is still at it is waited for: the same request again gives its answer, and does nothing twice
    let found = await executor.outcome(asked.id);
    if (found.state === 'running') {
      const { id, actor, operation } = asked;
      const answer = await executor.execute({ v: 1, id, actor, operation, approval: null });
      if (!answer.ok && answer.refusal.code === 'timeout') throw new RefusalError(answer.refusal); // still at it: it is asked again
      found = { state: 'ended', answer };
    }
    const why = found.state === 'ended' ? (found.answer.ok ? null : found.answer.refusal.why) : await whyUndone(asked.operation);
    if (openOne()?.id !== asked.id) return; // told by another look meanwhile
    store.transact(() => {
      account(asked, 'interrupted', 'it was under way, and its answer did not come');
      end(asked, why, 'found done afterwards');
      if (why !== null)
        store.events.append({
          kind: 'generation.interrupted',
          severity: 'warning',
          subject: factOf(asked.operation).subject,
          message: `${asked.operation.kind === 'generation.delete' ? 'deleting generations' : 'letting a generation start next'} was interrupted: ${why}`,
          actor: asked.actor.name,
          data: { operation: asked.id },
        });
    });
  };

  return {
    recover,
    list: () => readGenerations(host, clock()),
    compare: async (from, to) => {
      const what = 'comparing generations';
      const all = await read(what);
      if (!all.ok) return all;
      const [a, b] = [one(all.value, from, what), one(all.value, to, what)];
      if (!a.ok) return a;
      if (!b.ok) return b;
      const [before, after] = [await readClosure(host, a.value.path), await readClosure(host, b.value.path)];
      if (!before.ok) return before;
      if (!after.ok) return after;
      return ok({ from, to, packages: comparePackages(before.value, after.value) });
    },
    activate: (actor, number) => activate(actor, (all) => one(all, number, `activating generation ${number}`)),
    rollback: (actor) =>
      activate(actor, (all) => {
        const found = beforeCurrent(all);
        return found === null
          ? refuse('not-found', 'going back', 'there is no older generation', 'look at them: dplane generations')
          : ok(found);
      }),
    remove: async (actor, numbers) => {
      const what = 'deleting generations';
      const all = await read(what);
      if (!all.ok) return all;
      const refs: { number: number; path: string }[] = [];
      for (const number of new Set(numbers)) {
        const found = one(all.value, number, what);
        if (!found.ok) return found;
        const why = whyNoDelete(found.value);
        if (why !== null)
          return refuse('blocked', what, `generation ${number} is needed: ${why}`, 'activate another one and restart first');
        refs.push({ number, path: found.value.path });
      }
      const done = await ask(actor, { kind: 'generation.delete', generations: refs });
      return done.ok ? ok({ deleted: refs.map((r) => r.number), collecting: done.value.collecting === true }) : done;
    },
  };
};
