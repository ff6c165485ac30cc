/**
 * The simulated host against the real OpenZFS: one random sequence of operations goes to both. The seed is fixed (tests/seed.ts);
 * `FC_SEED=7 npm run e2e -- model` draws another sequence, `FC_RUNS=1000` a longer one.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Vm } from '../../packages/lab/src/vm.ts';
import { hasFailed } from './failures.ts';
import { type Lab, openLab } from './lab.ts';
import { compare, inGuest, inSimulation } from './model.ts';
import { sequence } from './operations.ts';

const OPERATIONS = Number(process.env.FC_RUNS ?? 300);

let lab: Lab;
let nas: Vm;

beforeAll(async () => {
  lab = await openLab('model');
  nas = await lab.machine();
  // the tools alone: the control plane would make a dataset of its own in each pool
  await nas.must(['systemctl', 'stop', 'dplaned.service']);
});
afterAll(() => lab?.close(hasFailed()));

test(`${OPERATIONS} operations do the same to the simulated host and to the real one`, async () => {
  const { seed = 0 } = fc.readConfigureGlobal();
  console.log(`seed ${seed}`);
  const worked = await compare(inSimulation(), inGuest(nas), sequence(OPERATIONS, seed));
  // a sequence that is refused throughout would prove little
  expect(worked).toBeGreaterThan(OPERATIONS / 4);
});
