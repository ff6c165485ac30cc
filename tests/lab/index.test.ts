/** The index of snapshots equals what `zfs` lists, after a storm of plain `zfs` commands behind the control plane's back. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Vm } from '../../packages/lab/src/vm.ts';
import { type Call, change, claim } from './api.ts';
import { hasFailed } from './failures.ts';
import { type Lab, openLab } from './lab.ts';
import { inGuest } from './model.ts';
import { sequence } from './operations.ts';

/** `FC_RUNS=5000 npm run e2e -- index` draws a longer sequence, FC_SEED another. */
const OPERATIONS = Number(process.env.FC_RUNS ?? 600);
/** Over one connection. */
const STRETCH = 100;
const PAGE = 1000;

let lab: Lab;
let nas: Vm;
let call: Call;

beforeAll(async () => {
  lab = await openLab('index');
  nas = await lab.machine();
  call = await claim(nas, (await nas.must(['cat', '/var/lib/dplane/claim-code'])).trim());
  await change(nas, call, [
    { kind: 'pool.create', pool: { name: 'tank', vdevs: [{ kind: 'stripe', disks: ['/dev/disk/by-id/virtio-test-disk1'] }] } },
  ]);
});
afterAll(() => lab?.close(hasFailed()));

const real = async (): Promise<string[]> =>
  (await nas.must(['zfs', 'list', '-Hp', '-t', 'snapshot', '-o', 'name,guid', '-r', 'tank']))
    .split('\n')
    // what is the control plane's own is in no index
    .filter((line) => line !== '' && !line.startsWith('tank/.dplane@'))
    .map((line) => line.replace('\t', ' '))
    .sort();

const known = async (): Promise<string[]> => {
  const found: string[] = [];
  for (let total = 1; found.length < total; ) {
    // the API's own answer
    const page = (await call('GET', `/api/zfs/snapshots?sort=name&offset=${found.length}&limit=${PAGE}`)) as {
      total: number;
      rows: { dataset: string; tag: string; guid: string }[];
    };
    total = page.total;
    if (page.rows.length === 0) break;
    found.push(...page.rows.map((s) => `${s.dataset}@${s.tag} ${s.guid}`));
  }
  return found.sort();
};

test(`${OPERATIONS} commands behind its back: the index follows, without a whole listing`, async () => {
  const { seed = 0 } = fc.readConfigureGlobal();
  console.log(`seed ${seed}`);
  const operations = sequence(OPERATIONS, seed);
  const run = inGuest(nas);
  let worked = 0;
  for (let from = 0; from < operations.length; from += STRETCH) {
    const answers = await run(operations.slice(from, from + STRETCH));
    worked += answers.filter((a) => a.exit === 0).length;
    const now = await real();
    let mine: string[] = [];
    await nas
      .until('the index knows all of it', 120_000, async () => {
        mine = await known();
        return JSON.stringify(mine) === JSON.stringify(now);
      })
      // what differs says more than that time ran out
      .catch(() => expect(mine).toEqual(now));
  }
  // a sequence that is refused throughout would prove little
  expect(worked).toBeGreaterThan(OPERATIONS / 4);
}, 3_600_000);
