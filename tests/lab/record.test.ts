/**
 * The recordings are what the parsers and the simulated host are held to (control/src/host/fixtures.test.ts, sim/contract.test.ts).
 * Here they are held to the real tools of today's image: the same commands in the same states must mean the same. When they do not,
 * look at what changed, and record anew (`npm run record`).
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseLsblk } from '../../control/src/host/disks/disks.ts';
import { repository } from '../../packages/debian/src/places.ts';
import { difference } from './compare.ts';
import { hasFailed } from './failures.ts';
import { type Lab, openLab } from './lab.ts';
import { Recorder, type Recording } from './recorder.ts';
import { PARTS, RECORDING_DISKS } from './scenarios.ts';

const CHECKED = ['start', 'datasets', 'shares', 'smart'];
/** What these print depends on the run as a whole: when it was, what happened before it, in which order the kernel found the disks. */
const RUNS_OWN = /^(zpool-events|zpool-history|zpool-iostat|lsblk|ls-by-id|readlink|ss-)/;

let lab: Lab;
let recorder: Recorder;
let compared = 0;
let differences: string[] = [];

const compare = (name: string, now: Recording): void => {
  if (name.startsWith('lsblk-j-blank') || name.startsWith('lsblk-j-with-pool')) expect(parseLsblk(now.stdout).ok).toBe(true);
  const file = join(repository, 'control/src/host/fixtures', `${name}.json`);
  // recordings that nothing needs were not kept
  if (!existsSync(file) || RUNS_OWN.test(name)) return;
  compared += 1;
  // stored by record.ts
  const found = difference(JSON.parse(readFileSync(file, 'utf8')) as Recording, now);
  if (found !== null) differences.push(`${name}: ${found}`);
};

beforeAll(async () => {
  lab = await openLab('record');
  const nas = await lab.machine({ name: 'nas', disks: RECORDING_DISKS });
  // the tools alone: the control plane would make a dataset of its own in each pool
  await nas.must(['systemctl', 'stop', 'dplaned.service']);
  recorder = new Recorder(nas, compare);
});
afterAll(() => lab?.close(hasFailed()));

test.each(CHECKED)('%s: the tools answer as they were recorded', async (part) => {
  [compared, differences] = [0, []];
  await PARTS[part]?.(recorder);
  expect(differences.join('\n')).toBe('');
  expect(compared).toBeGreaterThan(4);
});
