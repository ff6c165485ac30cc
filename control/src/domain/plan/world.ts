/**
 * What one planning works on: the inputs, indexed once, and the actions found so far. Every rule of the planner reads
 * and adds here; nothing here decides anything.
 */
import type { DatasetSpec, ObservedDataset } from '../dataset/dataset.ts';
import type { SealedKey } from '../key/key.ts';
import type { Observed } from '../observed/observed.ts';
import { type Operation, type Target, targetOf } from '../operation/operation.ts';
import type { ObservedPool } from '../pool/pool.ts';
import type { DesiredState } from '../state/state.ts';
import type { Action } from './types.ts';

/** Why nothing below a pool or a declared dataset can be done. */
export type Gate = {
  /** The action that says so. Null when there is nothing else to say about the pool. */
  id: string | null;
  why: string;
  /** What is seen there can still be compared: only differences are blocked. */
  readable: boolean;
};

/** Why an action is in the plan depends on who wants it: a file that declares, or a person who asks. */
export const DECLARED = {
  missing: 'it is declared and not on the host',
  extra: 'it is on the host but not declared',
  differs: 'differs from what is declared',
};
export const ASKED = { missing: 'it was asked for', extra: 'its removal was asked for', differs: 'is to be changed' };
export type Words = typeof DECLARED;

export type World = {
  readonly words: Words;
  readonly desired: DesiredState;
  readonly observed: Observed;
  readonly identities: ReadonlyMap<string, string>;
  /** Sealed passphrases of what is to be made, by name: of a click alone. */
  readonly secrets: ReadonlyMap<string, SealedKey>;
  readonly pools: ReadonlyMap<string, ObservedPool>;
  /** Root datasets by pool. */
  readonly roots: ReadonlyMap<string, ObservedDataset>;
  /** Observed datasets by name; made when it is asked for, because plans of a few changes don't. */
  datasets(): ReadonlyMap<string, ObservedDataset>;
  /** What stands under the name of each declared dataset, in the order of `desired.datasets`. */
  readonly standing: readonly (ObservedDataset | undefined)[];
  /** Declared datasets by name; made when it is asked for. */
  wanted(): ReadonlyMap<string, DatasetSpec>;
  readonly actions: Map<string, Action>;
  /** Pools whose contents are out of reach, by name. */
  readonly gates: Map<string, Gate>;
  /** Declared datasets that will not come to be: what is declared below them can't either. */
  readonly lost: Map<string, Gate>;
  /** Dataset or pool root -> the action after which it exists under that name. */
  readonly makes: Map<string, string>;
  nop: number;
};

export const once = <T>(make: () => T): (() => T) => {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
};

type Named = { name: string };
const isSorted = (list: readonly Named[]): boolean => list.every((d, i) => i === 0 || (list[i - 1] as Named).name < d.name); // i - 1 is within the list

/** Both lists are in order of name, as ZFS prints them and as they are captured: walked side by side, nothing is hashed. */
const merged = (desired: readonly DatasetSpec[], observed: readonly ObservedDataset[]): (ObservedDataset | undefined)[] => {
  let at = 0;
  return desired.map(({ name }) => {
    let seen = observed[at];
    while (seen && seen.name < name) {
      at += 1;
      seen = observed[at];
    }
    return seen?.name === name ? seen : undefined;
  });
};

export const newWorld = (
  desired: DesiredState,
  observed: Observed,
  identities: ReadonlyMap<string, string>,
  words: Words,
  secrets: ReadonlyMap<string, SealedKey> = new Map(),
): World => {
  const pools = new Map<string, ObservedPool>();
  for (const p of observed.pools) pools.set(p.name, p);
  const datasets = once(() => new Map(observed.datasets.map((d) => [d.name, d])));
  const roots = new Map<string, ObservedDataset>();
  for (const d of observed.datasets) if (!d.name.includes('/')) roots.set(d.name, d);
  const standing =
    isSorted(observed.datasets) && isSorted(desired.datasets)
      ? merged(desired.datasets, observed.datasets)
      : desired.datasets.map((d) => datasets().get(d.name));
  return {
    words,
    desired,
    observed,
    identities,
    secrets,
    pools,
    datasets,
    roots,
    standing,
    wanted: once(() => new Map(desired.datasets.map((d) => [d.name, d]))),
    actions: new Map(),
    gates: new Map(),
    lost: new Map(),
    makes: new Map(),
    nop: 0,
  };
};

type Runnable = Pick<Action, 'noun' | 'name' | 'risk' | 'reason'> & { verb: Action['verb']; operation: Operation } & Partial<
    Pick<Action, 'id' | 'blocked' | 'approval' | 'changes' | 'after'>
  >;

/** An action that runs, at once or after its approval. */
export const runnable = (a: Runnable): Action => ({
  id: a.id ?? `${a.operation.kind} ${a.name}`,
  verb: a.verb,
  noun: a.noun,
  name: a.name,
  risk: a.risk,
  reason: a.reason,
  blocked: a.blocked ?? null,
  approval: a.approval ?? 'none',
  target: targetOf(a.operation),
  changes: a.changes ?? [],
  operation: a.operation,
  after: a.after ?? [],
});

type Impossible = Pick<Action, 'noun' | 'name' | 'reason'> & { why: string } & Partial<Pick<Action, 'id' | 'changes' | 'after'>> & {
    target?: Target;
  };

/** An action that no approval can allow. */
export const impossible = (a: Impossible): Action => ({
  id: a.id ?? `BLOCKED ${a.noun} ${a.name}`,
  verb: 'BLOCKED',
  noun: a.noun,
  name: a.name,
  risk: 'blocked',
  reason: a.reason,
  blocked: a.why,
  approval: 'impossible',
  target: a.target ?? null,
  changes: a.changes ?? [],
  operation: null,
  after: a.after ?? [],
});

/** Takes the possibility from an action that was planned before the obstacle was found. */
export const makeImpossible = (a: Action, why: string): void => {
  a.verb = 'BLOCKED';
  a.risk = 'blocked';
  a.approval = 'impossible';
  a.blocked = why;
  a.operation = null;
};

export const add = (w: World, action: Action): string => {
  w.actions.set(action.id, action);
  return action.id;
};

/** By code unit: the same order on every machine. */
export const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
