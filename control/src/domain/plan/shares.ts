/** Shares: who is connected decides whether a change waits for an approval. */
import { poolOf } from '../names.ts';
import { type ObservedShare, type ShareClient, shareKey, type ShareSpec } from '../share/share.ts';
import { canonical } from '../canonical.ts';
import { gateOf, whyOf } from './datasets.ts';
import type { Change } from './types.ts';
import { temporaryOf } from './clone-change.ts';
import { add, byText, DECLARED, impossible, runnable, type World } from './world.ts';

/** What a connected client would feel. */
const FELT = new Set(['name', 'dataset', 'folder', 'readOnly', 'guests', 'validUsers', 'writeUsers', 'clients']);
/** Lists whose order means nothing. */
const UNORDERED = new Set(['validUsers', 'writeUsers']);

const inText = (field: string, value: unknown): string | null => {
  if (value === undefined) return null;
  if (typeof value === 'string') return value;
  if (Array.isArray(value) && UNORDERED.has(field)) return [...value].sort().join(', ');
  return canonical(value);
};

const sameItems = (a: readonly unknown[], b: readonly unknown[]): boolean => a.length === b.length && a.every((item, i) => item === b[i]);

/** Field by field; both sides were parsed by the same schema, so they have the same fields. */
const differences = (from: ShareSpec, to: ShareSpec): Change[] => {
  const changes: Change[] = [];
  const a: Record<string, unknown> = from;
  const b: Record<string, unknown> = to;
  for (const field in b) {
    if (a[field] === b[field]) continue;
    if (Array.isArray(a[field]) && Array.isArray(b[field]) && sameItems(a[field], b[field])) continue;
    const before = inText(field, a[field]);
    const now = inText(field, b[field]);
    if (before !== now) changes.push({ property: field, from: before, to: now });
  }
  return changes.length > 1 ? changes.sort((x, y) => byText(x.property, y.property)) : changes;
};

export const describeClients = (clients: readonly ShareClient[]): string => {
  const names = [...new Set(clients.map((c) => `${c.user}@${c.machine}`))].sort(byText);
  const shown = names.slice(0, 5).join(', ');
  return `${clients.length} ${clients.length === 1 ? 'client is' : 'clients are'} connected: ${shown}${names.length > 5 ? ' and others' : ''}`;
};

export const planShares = (w: World): void => {
  const seen = new Map<string, ObservedShare>();
  for (const s of w.observed.shares) seen.set(shareKey(s.spec), s);
  const declared = new Set<string>();
  for (const spec of w.desired.shares) {
    const key = shareKey(spec);
    declared.add(key);
    put(w, key, spec, seen.get(key));
  }
  if (w.desired.ignore_extraneous) return;
  const passing = w.words === DECLARED ? temporaryOf(w.observed) : new Set<string>();
  for (const [key, share] of seen) if (!declared.has(key) && !passing.has(share.spec.dataset)) remove(w, key, share);
};

const put = (w: World, key: string, spec: ShareSpec, seen: ObservedShare | undefined): void => {
  const changes = seen ? differences(seen.spec, spec) : [];
  if (seen && changes.length === 0) {
    w.nop += 1;
    return;
  }
  const name = `${spec.kind}:${spec.name}`;
  const gate = gateOf(w, spec.dataset);
  const after: string[] = [];
  const made = w.makes.get(spec.dataset);
  if (made !== undefined) after.push(made);
  const set = `dataset.set ${spec.dataset}`;
  if (w.actions.has(set)) after.push(set);
  const id = `share.put ${key}`;
  const reason = seen ? `it ${w.words.differs}` : w.words.missing;
  if (gate) {
    add(w, impossible({ id, noun: 'share', name, reason, why: whyOf(gate), changes, after: gate.id === null ? [] : [gate.id] }));
    return;
  }
  const base = { id, noun: 'share', name, reason, changes, after, operation: { kind: 'share.put', share: spec } } as const;
  const felt = changes.some((c) => FELT.has(c.property));
  if (!seen) add(w, runnable({ ...base, verb: 'CREATE', risk: 'safe', after }));
  else if (felt && seen.clients.length > 0)
    add(w, runnable({ ...base, verb: 'BLOCKED', risk: 'disruptive', approval: 'required', blocked: describeClients(seen.clients), after }));
  else
    add(
      w,
      runnable({
        ...base,
        verb: 'MODIFY',
        risk: felt || (seen.clients.length > 0 && changes.some((c) => c.property !== 'comment')) ? 'disruptive' : 'safe',
        after,
      }),
    );
};

const remove = (w: World, key: string, seen: ObservedShare): void => {
  const { spec, clients } = seen;
  const name = `${spec.kind}:${spec.name}`;
  const id = `share.remove ${key}`;
  const reason = w.words.extra;
  const gate = w.gates.get(poolOf(spec.dataset));
  const operation = { kind: 'share.remove', share: spec.kind, name: spec.name } as const;
  if (gate) add(w, impossible({ id, noun: 'share', name, reason, why: gate.why }));
  else if (clients.length > 0)
    add(
      w,
      runnable({
        id,
        verb: 'BLOCKED',
        noun: 'share',
        name,
        risk: 'disruptive',
        approval: 'required',
        reason,
        blocked: describeClients(clients),
        operation,
      }),
    );
  else add(w, runnable({ id, verb: 'DELETE', noun: 'share', name, risk: 'disruptive', reason, operation }));
};
