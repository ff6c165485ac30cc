/** A plan in words, as lines without any terminal codes: the CLI colours them by their tone. */
import { type Operation, placeName, rangeName } from '../operation/operation.ts';
import { RULES, type SnapshotSchedule } from '../schedule/schedule.ts';
import { diskLabel } from '../disk/disk.ts';
import { sizeText } from '../units.ts';
import type { Action, Plan } from './types.ts';

export type Tone = 'plain' | 'good' | 'notice' | 'warning' | 'danger' | 'dim';
export type Line = { text: string; tone: Tone };

const SIGN = { CREATE: '+', MODIFY: '~', DELETE: '-', BLOCKED: '!', NOP: '=' } as const;

const toneOf = (a: Action): Tone => {
  if (a.approval === 'impossible') return 'warning';
  if (a.approval === 'required') return 'danger';
  if (a.risk === 'disruptive') return 'notice';
  return a.verb === 'CREATE' ? 'good' : 'plain';
};

/** Words that a shell would split or expand are quoted: the line can be pasted. */
const quoted = (word: string): string => (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

/** The command that asks for the same, where one line can say it. */
export const commandOf = (op: Operation | null): string | null => {
  const words = op === null ? null : wordsOf(op);
  return words === null ? null : ['dplane', ...words].map(quoted).join(' ');
};

const pairs = (properties: Readonly<Record<string, string | undefined>>): string[] =>
  Object.entries(properties).flatMap(([k, v]) => (v === undefined ? [] : [`${k}=${v}`]));

const scheduleWords = (s: SnapshotSchedule): string[] => [
  'schedule',
  'set',
  s.name,
  s.dataset,
  `cron=${s.cron}`,
  ...(s.timezone === 'UTC' ? [] : [`timezone=${s.timezone}`]),
  ...RULES.flatMap(({ rule, word }) => (s.keep[rule] === 0 ? [] : [`${word}=${s.keep[rule]}`])),
  ...(s.recursive ? ['--recursive'] : []),
  ...(s.enabled ? [] : ['--off']),
];

const wordsOf = (op: Operation): string[] | null => {
  switch (op.kind) {
    case 'dataset.create':
      return [
        ...['dataset', 'create', op.name, ...(op.type === 'volume' ? ['--type', 'volume'] : []), ...pairs(op.properties)],
        ...(op.encryption ? ['--encrypt', op.encryption.key] : []),
        ...(op.encryption && op.encryption.algorithm !== 'on' ? ['--cipher', op.encryption.algorithm] : []),
      ];
    case 'dataset.unlock':
      return op.secret === null ? ['dataset', 'unlock', op.name] : null;
    case 'dataset.lock':
      return ['dataset', 'lock', op.name];
    case 'dataset.changeKey':
      return ['dataset', 'change-key', op.name, op.key];
    case 'dataset.set':
      return ['dataset', 'set', op.name, ...pairs(op.set), ...op.inherit.map((p) => `${p}=inherit`)];
    case 'dataset.rename':
      return ['dataset', 'rename', op.name, op.to];
    case 'dataset.destroy':
      return ['dataset', 'destroy', op.name];
    case 'pool.keep': {
      const { care, capacity, heartbeat } = op.settings;
      if (care === undefined || capacity !== undefined || heartbeat !== undefined) return null;
      return ['pool', 'schedule', op.name, '--scrub', care.scrub ?? 'never', '--trim', care.trim ?? 'never', '--timezone', care.timezone];
    }
    case 'pool.scrub':
      return ['pool', 'scrub', op.name, ...(op.action === 'start' ? [] : [`--${op.action}`])];
    case 'pool.replace':
      return ['pool', 'replace', op.name, op.label, diskLabel(op.with)];
    case 'pool.attach':
      return ['pool', 'attach', op.name, op.label, diskLabel(op.with)];
    case 'pool.detach':
    case 'pool.offline':
      return ['pool', op.kind === 'pool.detach' ? 'detach' : 'offline', op.name, op.label];
    case 'pool.online':
      return ['pool', 'online', op.name, op.label, ...(op.expand ? ['--expand'] : [])];
    case 'pool.clear':
      return ['pool', 'clear', op.name, ...(op.disk === null ? [] : [op.disk])];
    case 'pool.add':
      return [
        'pool',
        'add',
        op.name,
        ...op.vdevs.flatMap((v) => [...(v.role === 'data' ? [] : [v.role]), v.kind, ...v.disks.map(diskLabel)]),
      ];
    case 'pool.remove':
      return ['pool', 'remove', op.name, op.label];
    case 'pool.trim':
      return ['pool', 'trim', op.name, ...(op.action === 'start' ? [] : [`--${op.action}`])];
    case 'pool.import':
      return [
        'pool',
        'import',
        op.guid,
        ...(op.as === null ? [] : ['--as', op.as]),
        ...(op.readonly ? ['--read-only'] : []),
        ...(op.force ? ['--force'] : []),
      ];
    case 'pool.export':
    case 'pool.upgrade':
    case 'pool.forget':
      return ['pool', op.kind.slice(5), op.name];
    case 'pool.checkpoint':
      return ['pool', 'checkpoint', op.name, ...(op.action === 'create' ? [] : ['--discard'])];
    case 'disk.test':
      return ['disk', 'test', diskLabel(op.path), op.test === 'stop' ? '--stop' : op.test];
    case 'disk.erase':
      return ['disk', 'erase', diskLabel(op.path)];
    case 'snapshot.create':
      return ['snapshot', 'create', `${op.dataset}@${op.tag}`, ...(op.recursive ? ['--recursive'] : [])];
    case 'snapshot.destroy':
      return ['snapshot', 'destroy', `${op.dataset}@${op.tag}`];
    case 'snapshot.destroyMany':
      return ['snapshot', 'destroy', rangeName(op)];
    case 'snapshot.rollback':
      return ['snapshot', 'rollback', `${op.dataset}@${op.tag}`];
    case 'snapshot.restore':
      return ['snapshot', 'restore', `${op.dataset}@${op.tag}`, op.path, '--to', placeName(op.to), ...(op.replace ? ['--replace'] : [])];
    case 'clone.watch':
      return [
        ...['clone', 'create', `${op.dataset}@${op.tag}`, op.clone, '--hours', String(op.hours)],
        ...(op.share === null ? [] : ['--share', op.share.kind, '--name', op.share.name]),
      ];
    case 'clone.extend':
      return ['clone', 'extend', op.clone, '--hours', String(op.hours)];
    case 'clone.keep':
      return ['clone', 'keep', op.clone];
    case 'clone.expire':
      return ['clone', 'end', op.clone];
    case 'snapshot.clone':
      if (op.temporary) return null;
      return ['snapshot', 'clone', `${op.dataset}@${op.tag}`, op.to];
    case 'dataset.promote':
      return ['dataset', 'promote', op.name];
    case 'snapshot.hold':
    case 'snapshot.release':
      return ['snapshot', op.kind === 'snapshot.hold' ? 'hold' : 'release', `${op.dataset}@${op.tag}`, op.hold];
    case 'share.remove':
      return ['share', 'remove', op.share, op.name];
    case 'schedule.put':
      return scheduleWords(op.schedule);
    case 'schedule.remove':
      return ['schedule', 'remove', op.name];
    case 'share-user.rename':
    case 'share-group.rename':
      return [op.kind.replace('.rename', ''), 'rename', op.name, op.to];
    case 'share-user.remove':
    case 'share-group.remove':
      return [op.kind.replace('.remove', ''), 'remove', op.name];
    case 'share-user.put':
      if (!op.isNew) return null;
      return [
        ...['share-user', 'create', op.name],
        ...(op.fullName === '' ? [] : ['--full-name', op.fullName]),
        ...op.groups.flatMap((g) => ['--group', g]),
        ...(op.disabled ? ['--disabled'] : []),
      ];
    case 'share-group.put':
      return ['share-group', 'create', op.name];
    case 'memory.arc':
      return ['memory', 'arc', op.limit === null ? 'auto' : sizeText(op.limit)];
    case 'generation.activate':
      return ['generations', 'activate', String(op.number)];
    case 'generation.delete':
      return ['generations', 'delete', ...op.generations.map((g) => String(g.number))];
    // what these take does not fit into a line that anyone would type
    case 'pool.create':
    case 'pool.set':
    case 'share.put':
    case 'share.gate':
    case 'session.end':
    case 'share.clients':
    case 'snapshot.diff':
    case 'snapshot.browse':
    case 'snapshot.search':
    case 'snapshot.versions':
    case 'snapshot.settle':
    case 'dataset.settle':
    case 'snapshot.read':
    case 'snapshot.prune':
    case 'pool.reopen':
    case 'share-user.owned':
    case 'secret.seal':
    case 'key.seal':
    case 'key.read':
    case 'key.list':
    case 'dataset.permit':
    case 'disk.smart':
    case 'arc.set':
    case 'pool.scan':
    case 'pool.events':
    case 'pool.gate':
    case 'pool.beat':
    case 'pool.fail':
    case 'pool.reserve':
    // no part of any plan
    case 'update.apply':
    case 'update.cancel':
    case 'update.rollback':
    case 'update.confirm':
    case 'system.restart':
      return null;
  }
};

const value = (text: string | null): string => (text === null || text === '' ? '(none)' : text);

const linesOf = (a: Action): Line[] => {
  const tone = toneOf(a);
  const lines: Line[] = [
    { text: `${SIGN[a.verb]} ${a.verb} ${a.noun} ${a.name} [${a.risk}]`, tone },
    { text: `    ${a.reason}`, tone: 'plain' },
  ];
  for (const c of a.changes)
    lines.push({
      text: c.from === null ? `    ${c.property}: ${value(c.to)}` : `    ${c.property}: ${value(c.from)} -> ${value(c.to)}`,
      tone: 'plain',
    });
  if (a.blocked !== null) lines.push({ text: `    blocked: ${a.blocked}`, tone });
  if (a.approval === 'required' && a.target) lines.push({ text: `    needs an approval: type ${a.target.name}`, tone });
  if (a.approval === 'impossible') lines.push({ text: '    no approval can allow it from here', tone });
  const command = commandOf(a.operation);
  if (command !== null) lines.push({ text: `    same as: ${command}`, tone: 'dim' });
  return lines;
};

export const renderPlan = ({ actions, summary }: Pick<Plan, 'actions' | 'summary'>): Line[] => {
  const counts = `${summary.create} to create, ${summary.modify} to modify, ${summary.delete} to delete, ${summary.blocked} blocked, ${summary.nop} as declared`;
  if (actions.length === 0) return [{ text: `Nothing to do: ${counts}.`, tone: 'good' }];
  const approvals = actions.filter((a) => a.approval === 'required').length;
  const impossible = actions.filter((a) => a.approval === 'impossible').length;
  const lines = actions.flatMap(linesOf);
  lines.push({ text: `Plan: ${counts}.`, tone: 'plain' });
  if (approvals > 0)
    lines.push({ text: `${approvals} ${approvals === 1 ? 'action needs' : 'actions need'} an approval of its own.`, tone: 'danger' });
  if (impossible > 0)
    lines.push({
      text: `${impossible} ${impossible === 1 ? 'action' : 'actions'} can't be done from here; what stands in the way is written beside each.`,
      tone: 'warning',
    });
  return lines;
};
