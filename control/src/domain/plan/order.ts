/** An order that can be executed as it stands: what has to come first comes first, ties by phase and name. */
import type { Action } from './types.ts';
import { byText, makeImpossible } from './world.ts';

const DESTROY = 7;
const phaseOf = (a: Action): number => {
  if (a.noun === 'share-user' || a.noun === 'share-group') return a.id.includes('.remove ') ? 6 : a.noun === 'share-group' ? 3.3 : 3.6;
  if (a.noun === 'pool') return 0;
  if (a.noun === 'dataset') {
    if (a.id.startsWith('dataset.rename ')) return 1;
    if (a.id.startsWith('dataset.create ')) return 2;
    return a.id.startsWith('dataset.destroy ') ? DESTROY : 3;
  }
  if (a.noun === 'share') return a.id.startsWith('share.remove ') ? 5 : 4;
  return 6;
};

type Node = { action: Action; phase: number; state: 'new' | 'open' | 'done'; next: number };

/** Depth first with a stack of its own: a chain of ten thousand renames is an input like any other. */
export const inOrder = (actions: ReadonlyMap<string, Action>): Action[] => {
  const nodes = new Map<string, Node>();
  for (const action of actions.values()) {
    if (action.after.length > 1) action.after = [...new Set(action.after)].sort(byText);
    nodes.set(action.id, { action, phase: phaseOf(action), state: 'new', next: 0 });
  }
  const sorted = [...nodes.values()].sort(
    (a, b) =>
      a.phase - b.phase ||
      (a.phase === DESTROY ? byText(b.action.name, a.action.name) : byText(a.action.name, b.action.name)) ||
      byText(a.action.id, b.action.id),
  );
  const out: Action[] = [];
  for (const root of sorted) {
    if (root.state !== 'new') continue;
    const stack: Node[] = [root];
    root.state = 'open';
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const id = top.action.after[top.next];
      if (id === undefined) {
        top.state = 'done';
        stack.pop();
        finish(top.action, actions);
        out.push(top.action);
        continue;
      }
      const dependency = nodes.get(id);
      if (dependency?.state === 'open') {
        const circle = stack.slice(stack.indexOf(dependency)).map((n) => n.action);
        const names = circle
          .map((a) => a.name)
          .sort(byText)
          .join(', ');
        for (const a of circle) makeImpossible(a, `${names} wait for each other: one of them needs another name first`);
        top.action.after = top.action.after.filter((other) => other !== id);
        continue;
      }
      top.next += 1;
      if (dependency?.state === 'new') {
        dependency.state = 'open';
        stack.push(dependency);
      }
    }
  }
  return out;
};

/** What waits for something impossible is impossible too. Everything it waits for is settled by now. */
const finish = (a: Action, actions: ReadonlyMap<string, Action>): void => {
  if (a.approval === 'impossible') return;
  for (const id of a.after) {
    const first = actions.get(id);
    if (first?.approval === 'impossible') {
      makeImpossible(a, `it can only follow "${id}", which can't be done`);
      return;
    }
  }
};
