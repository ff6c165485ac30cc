/** memory show, arc: how much ZFS's cache may take, and why */
import { ArcLimit } from '../../domain/memory/arc.ts';
import { formatBytes } from '../../domain/units.ts';
import { change } from '../changes.ts';
import type { Handler } from '../cli.ts';
import { EXIT, usage } from '../problems.ts';
import { dim, strong, warn } from '../terminal.ts';

const share = (ratio: number | null): string => (ratio === null ? 'no reads yet' : `${(ratio * 100).toFixed(1)}%`);

export const memoryShow: Handler = async (cli) => {
  const { term } = cli;
  const a = await (await cli.api()).system.arc.query();
  term.data(a);
  if (term.json) return EXIT.ok;
  if (a.whyNot !== null) {
    term.line(warn(a.whyNot));
    return EXIT.ok;
  }
  term.line([
    strong("ZFS's cache (ARC)  "),
    `${formatBytes(a.size)} of ${formatBytes(a.limit)} `,
    dim(a.chosen === null ? '(automatic)' : `(chosen; automatic would be ${formatBytes(a.advised)})`),
  ]);
  term.line(
    `  ${term.bar(Math.min(1, a.size / Math.max(1, a.limit)))} answers ${share(a.ratio)} of all reads, ${share(a.ratioNow)} of late`,
  );
  term.flow('  ', dim(a.words));
  return EXIT.ok;
};

export const memoryArc: Handler = async (cli, input) => {
  const word = input.word('SIZE');
  const limit = ArcLimit.safeParse(word);
  if (!limit.success) throw usage(word, limit.error.issues[0]?.message ?? 'it is no size', 'Give a size such as 4G, or auto.');
  return await change(cli, [{ kind: 'memory.arc', limit: limit.data }], async () => {
    const a = await (await cli.api()).system.arc.query();
    return `ZFS's cache may take ${formatBytes(a.limit)}${a.chosen === null ? ' (automatic)' : ''}`;
  });
};
