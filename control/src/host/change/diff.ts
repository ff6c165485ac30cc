/** What changed from one snapshot to a later one or to now, as `zfs diff` tells it: read line by line, and only so much of it. */
import type { Operation } from '../../domain/operation/operation.ts';
import { ok, refuse } from '../../domain/refusal.ts';
import type { DiffEntry } from '../../domain/snapshot/snapshot.ts';
import type { Host, RunResult } from '../host.ts';
import { zfsError } from '../zfs/error.ts';
import { type ChangeContext, type Changed, identify, shown } from './host.ts';

type Diff = Extract<Operation, { kind: 'snapshot.diff' }>;
const DIFF_MS = 120_000;

const CHANGES: Record<string, DiffEntry['change']> = { '+': 'added', '-': 'removed', M: 'modified', R: 'renamed' };
const TYPES: Record<string, DiffEntry['type']> = { F: 'file', '/': 'folder', '@': 'link' };

/** `\0040` is a byte, and so is every character; together they are UTF-8. */
const plain = (text: string): string =>
  text.includes('\\')
    ? Buffer.concat(
        (text.match(/\\[0-7]{4}|[^\\]+|\\/g) ?? []).map((p) =>
          /^\\[0-7]{4}$/.test(p) ? Buffer.from([Number.parseInt(p.slice(1), 8)]) : Buffer.from(p, 'utf8'),
        ),
      ).toString('utf8')
    : text;

/** Null for a line that is none. `root` is where the dataset is mounted. */
export const parseDiff = (line: string, root: string): DiffEntry | null => {
  const [time = '', change = '', type = '', from = '', to] = line.split('\t');
  const at = Math.floor(Number(time) * 1000);
  const kind = CHANGES[change];
  if (kind === undefined || !Number.isFinite(at) || from === '') return null;
  const below = (path: string): string => {
    const p = plain(path);
    const rest = p === root ? '' : p.startsWith(root === '/' ? '/' : `${root}/`) ? p.slice(root.length) : p;
    return rest.replace(/^\/+|\/+$/g, '') || '/';
  };
  return { at, change: kind, type: TYPES[type] ?? 'other', path: below(from), to: to === undefined ? null : below(to) };
};

export const diffSnapshot = async ({ host }: ChangeContext, op: Diff): Promise<Changed> => {
  const name = `${op.dataset}@${op.tag}`;
  const what = `comparing ${name}`;
  const first = await identify(host, name, op.guid);
  if (!first.ok) return first;
  if (op.to !== null) {
    const second = await identify(host, `${op.dataset}@${op.to.tag}`, op.to.guid);
    if (!second.ok) return second;
  }
  const dataset = await mountOf(host, op.dataset);
  if (dataset === null) return refuse('conflict', what, `${op.dataset} is not mounted`, 'mount it, or load its key first');
  const lines = host.lines(['zfs', 'diff', '-FHt', name, op.to === null ? op.dataset : `${op.dataset}@${op.to.tag}`], {
    timeoutMs: DIFF_MS,
  });
  const entries: DiffEntry[] = [];
  try {
    for (;;) {
      const next = await lines.next();
      if (next.done) {
        const r: RunResult = next.value;
        return r.failure === null && r.exit === 0 ? ok({ entries, complete: true }) : { ok: false, refusal: zfsError(r) };
      }
      const entry = parseDiff(next.value, dataset);
      if (entry === null) return refuse('failed', what, `zfs diff answered "${next.value.slice(0, 80)}"`, 'look at `zfs diff` on the host');
      if (entries.length >= op.limit) return ok({ entries, complete: false });
      entries.push(entry);
    }
  } finally {
    await lines.return({ argv: [], exit: null, failure: 'aborted', stdout: '', stderr: '', durationMs: 0 });
  }
};

const mountOf = async (host: Host, dataset: string): Promise<string | null> => {
  const r = await host.run(['zfs', 'get', '-Hp', '-o', 'property,value,source', 'mountpoint,mounted', dataset], { timeoutMs: 20_000 });
  const seen = new Map(r.stdout.split('\n').map((l) => [l.split('\t')[0] ?? '', { value: l.split('\t')[1] ?? '', source: '' }]));
  return shown(seen, 'mounted') === 'yes' ? shown(seen, 'mountpoint') : null;
};
