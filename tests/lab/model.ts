/**
 * Two hosts, one sequence of commands: command by command the same exit code and the same kind of refusal, every few commands the
 * same state, read by the product's own parsers.
 */
import assert from 'node:assert/strict';
import type { RunResult } from '../../control/src/host/host.ts';
import { emptyModel } from '../../control/src/host/sim/seeds.ts';
import { simHost } from '../../control/src/host/sim/sim.ts';
import { datasetsArgv, parseDatasets } from '../../control/src/host/zfs/datasets.ts';
import { zfsError } from '../../control/src/host/zfs/error.ts';
import { parseSnapshot, snapshotsArgv } from '../../control/src/host/zfs/snapshots.ts';
import { quote, type Vm } from '../../packages/lab/src/vm.ts';

/** Commands between two looks at the state. */
const STRETCH = 10;

type Answer = Pick<RunResult, 'argv' | 'exit' | 'stdout' | 'stderr'>;

export type Runner = (batch: readonly (readonly string[])[]) => Promise<Answer[]>;

/** The real host. All commands over one connection; each answer comes back as three words. */
export const inGuest =
  (nas: Vm): Runner =>
  async (batch) => {
    const script = batch.map((argv) => `${quote(argv)} > o 2> e; echo $? "$(base64 -w0 o)." "$(base64 -w0 e)."`).join('\n');
    const said = await nas.must(['sh', '-c', 'cd /run; export LC_ALL=C TZ=UTC; . /dev/stdin'], {
      input: `${script}\n`,
      timeoutMs: 600_000,
    });
    const plain = (text = '') => Buffer.from(text.slice(0, -1), 'base64').toString();
    return said
      .trim()
      .split('\n')
      .map((line, index) => {
        const [exit, stdout, stderr] = line.split(' ');
        return { argv: batch[index] ?? [], exit: Number(exit), stdout: plain(stdout), stderr: plain(stderr) };
      });
  };

const DISK = '/dev/disk/by-id/virtio-test-disk1';

export const inSimulation = (): Runner => {
  const model = emptyModel(0);
  model.disks.push({
    name: 'vdb',
    links: ['virtio-test-disk1'],
    size: 2 * 1024 ** 3,
    model: null,
    serial: 'test-disk1',
    sector: [512, 512],
    rotational: true,
    transport: 'virtio',
    parts: [],
    fstype: null,
  });
  let now = Date.UTC(2026, 0, 1);
  const host = simHost({
    model,
    clock: () => {
      now += 1_000;
      return now;
    },
  });
  return async (batch) => {
    const answers: Answer[] = [];
    for (const argv of batch) answers.push(await host.run(argv, { timeoutMs: 10_000 }));
    return answers;
  };
};

const outcome = (answer: Answer) => ({
  command: quote(answer.argv),
  exit: answer.exit,
  refusal: answer.exit === 0 ? null : zfsError({ ...answer, failure: null, durationMs: 0 }).code,
});

const STATE = [datasetsArgv('tank'), snapshotsArgv('tank')];

/** What both must agree on. Guids, times, txgs and sizes are each host's own: they become the order of their first appearance. */
function stateOf(answers: readonly Answer[], known: Map<string, string>) {
  const [datasets, snapshots] = answers;
  const identity = (guid: string) => {
    if (!known.has(guid)) known.set(guid, `#${known.size + 1}`);
    return known.get(guid);
  };
  const seen = parseDatasets(datasets?.stdout ?? '', new Map());
  if (!seen.ok) throw new Error(seen.refusal.why);
  const lines = (snapshots?.stdout ?? '').split('\n').filter((line) => line !== '');
  return {
    datasets: seen.value.map(({ name, kind, guid, mounted, mountpoint, origin, properties }) => {
      // what a volume needs for its metadata depends on the layout of the pool
      const { refreservation, ...exact } = properties;
      const reserved = kind === 'volume' ? refreservation?.value !== 'none' : refreservation;
      return { name, kind, identity: identity(guid), mounted, mountpoint, origin, reserved, properties: exact };
    }),
    snapshots: lines.map((line) => {
      const snapshot = parseSnapshot(line);
      if (!snapshot.ok) throw new Error(snapshot.refusal.why);
      const { dataset, tag, guid, holds } = snapshot.value;
      return { name: `${dataset}@${tag}`, identity: identity(guid), holds };
    }),
  };
}

/** Sends a pool and the sequence to both; throws at the first difference. Gives how many of the commands succeeded. */
export async function compare(simulate: Runner, reallyRun: Runner, sequence: readonly (readonly string[])[]): Promise<number> {
  const create = ['zpool', 'create', '-o', 'ashift=12', '-O', 'mountpoint=/mnt/tank', 'tank', DISK];
  for (const [answer] of [await simulate([create]), await reallyRun([create])]) assert.equal(answer?.exit, 0, answer?.stderr);

  const knownReal = new Map<string, string>();
  const knownSimulated = new Map<string, string>();
  const done: string[] = [];
  let worked = 0;
  for (let from = 0; from < sequence.length; from += STRETCH) {
    const batch = sequence.slice(from, from + STRETCH);
    const real = await reallyRun([...batch, ...STATE]);
    const simulated = await simulate([...batch, ...STATE]);
    done.push(...batch.map((argv) => quote(argv)));
    for (const [index, answer] of real.slice(0, batch.length).entries()) {
      const other = simulated[index] as Answer; // as many answers as commands
      const both = `${done.slice(-STRETCH * 3).join('\n')}\nreal: ${answer.stderr}simulated: ${other.stderr}`;
      assert.deepEqual(outcome(other), outcome(answer), `another answer to ${quote(answer.argv)}, after\n${both}`);
    }
    const [mine, theirs] = [stateOf(simulated.slice(batch.length), knownSimulated), stateOf(real.slice(batch.length), knownReal)];
    const differing = differences(mine, theirs);
    assert.deepEqual(differing, [], `another state after\n${done.slice(-STRETCH * 3).join('\n')}`);
    worked += real.slice(0, batch.length).filter((answer) => answer.exit === 0).length;
  }
  return worked;
}

/** Names and values, one line each: easier to read than two trees. */
function differences(simulated: object, real: object): string[] {
  const flat = (value: unknown, at: string): string[] =>
    typeof value === 'object' && value !== null
      ? Object.entries(value).flatMap(([key, each]) => flat(each, `${at} ${Array.isArray(value) ? (each.name ?? key) : key}`))
      : [`${at} = ${value}`];
  const [mine, theirs] = [flat(simulated, ''), flat(real, '')];
  return [
    ...mine.filter((line) => !theirs.includes(line)).map((line) => `simulated:${line}`),
    ...theirs.filter((line) => !mine.includes(line)).map((line) => `real:${line}`),
  ];
}
