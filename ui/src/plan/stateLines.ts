/** What an action would change in `state.yaml`, as lines to read and copy. Pure; told from the operation, which is what runs. */
import { stringsOf } from './yamlText.ts';
import { sizeText } from '../../../control/src/domain/units.ts';
import type { Action } from '../../../control/src/domain/plan/types.ts';

export type DiffLine = { sign: '+' | '-' | ' '; text: string };

const pairs = (p: Readonly<Record<string, string | undefined>>): [string, string][] =>
  Object.entries(p).flatMap(([k, v]) => (v === undefined ? [] : [[k, v] as [string, string]]));
const plus = (lines: readonly string[]): DiffLine[] => lines.map((text) => ({ sign: '+', text }));
const minus = (lines: readonly string[]): DiffLine[] => lines.map((text) => ({ sign: '-', text }));
const same = (...lines: string[]): DiffLine[] => lines.map((text) => ({ sign: ' ', text }));

/** Null for what is a deed and no state (a scrub, a snapshot). */
export const stateLinesOf = (a: Action): DiffLine[] | null => {
  const op = a.operation;
  if (op === null) return null;
  switch (op.kind) {
    case 'dataset.create':
      return [
        ...same('datasets:'),
        ...plus(
          stringsOf(
            {
              name: op.name,
              kind: op.type,
              ...(pairs(op.properties).length > 0 && { properties: op.properties }),
              ...(op.encryption && { encryption: { algorithm: op.encryption.algorithm, key: op.encryption.key } }),
            },
            2,
          ),
        ),
      ];
    case 'dataset.set': {
      const before = new Map(a.changes.map((c) => [c.property, c.from]));
      return [
        ...same('datasets:', `  - name: ${op.name}`, '    properties:'),
        ...pairs(op.set).flatMap(([k, v]) => {
          const was = before.get(k);
          return [...(was === undefined || was === null ? [] : minus([`      ${k}: ${quote(was)}`])), ...plus([`      ${k}: ${quote(v)}`])];
        }),
        ...op.inherit.flatMap((k) => minus([`      ${k}: ${quote(before.get(k) ?? '')}`])),
      ];
    }
    case 'dataset.rename':
      return [...same('datasets:'), ...minus([`  - name: ${op.name}`]), ...plus([`  - name: ${op.to}`])];
    case 'dataset.destroy':
      return [...same('datasets:'), ...minus([`  - name: ${op.name}`])];
    case 'pool.create':
      return [...same('pools:'), ...plus(stringsOf({ name: op.name, vdevs: op.vdevs, options: op.options, properties: op.properties }, 2))];
    case 'pool.set':
      return [...same('pools:', `  - name: ${op.name}`), ...plus(stringsOf({ options: op.options }, 4, true))];
    case 'memory.arc':
      return [...same('memory:'), ...plus([`  arc: ${op.limit === null ? 'auto' : sizeText(op.limit)}`])];
    case 'share.put':
      return [...same('shares:'), ...plus(stringsOf(op.share, 2))];
    case 'share-user.put':
      return [
        ...same('share_users:', ...(op.isNew ? [] : [`  - name: ${op.name}`])),
        ...(op.isNew
          ? plus(
              stringsOf(
                { name: op.name, fullName: op.fullName || undefined, groups: op.groups, ...(op.disabled && { disabled: true }) },
                2,
              ),
            )
          : a.changes.filter((c) => c.property !== 'password').flatMap((c) => plus([`    ${c.property}: ${quote(c.to ?? '')}`]))),
        ...(op.password === null ? [] : plus([`    password: ${op.password}`])),
      ];
    case 'share-group.put':
      return [...same('share_groups:'), ...plus([`  - name: ${op.name}`])];
    case 'share-user.rename':
    case 'share-group.rename':
      return [
        ...same(op.kind === 'share-user.rename' ? 'share_users:' : 'share_groups:'),
        ...minus([`  - name: ${op.name}`]),
        ...plus([`  - name: ${op.to}`]),
      ];
    case 'share-user.remove':
    case 'share-group.remove':
      return [...same(op.kind === 'share-user.remove' ? 'share_users:' : 'share_groups:'), ...minus([`  - name: ${op.name}`])];
    case 'share.remove':
      return [...same('shares:'), ...minus([`  - kind: ${op.share}`, `    name: ${op.name}`])];
    default:
      return null;
  }
};
const quote = (v: string): string => stringsOf({ v }, 0, true)[0]?.slice(3) ?? v;
