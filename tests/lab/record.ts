/**
 * `npm run record [-- PART...]`: starts a VM with the disks it needs, replays the adapters' commands in it, and stores what the tools
 * answered as control/src/host/fixtures. Parts build on the first ones: `start datasets` before any other.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../../packages/debian/src/places.ts';
import { openLab } from './lab.ts';
import { Recorder } from './recorder.ts';
import { PARTS, RECORDING_DISKS } from './scenarios.ts';

const folder = join(repository, 'control/src/host/fixtures');
const asked = process.argv.slice(2);
const names = asked.length > 0 ? asked : Object.keys(PARTS);
const unknown = names.filter((name) => !(name in PARTS));
if (unknown.length > 0) {
  console.error(`no part named ${unknown.join(', ')}; there are: ${Object.keys(PARTS).join(' ')}`);
  process.exit(2);
}

const lab = await openLab('record');
let failed = true;
let stored = 0;
try {
  const nas = await lab.machine({ name: 'nas', disks: RECORDING_DISKS });
  // the tools alone: the control plane would make a dataset of its own in each pool
  await nas.must(['systemctl', 'stop', 'dplaned.service']);
  const recorder = new Recorder(nas, (name, recording) => {
    writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(recording, null, 2)}\n`);
    stored += 1;
    console.log(`${String(recording.exit).padStart(3)}  ${name}  ${recording.stderr.trim().split('\n')[0] ?? ''}`);
  });
  for (const name of names) {
    console.log(`--- ${name}`);
    await PARTS[name]?.(recorder);
  }
  failed = false;
} finally {
  await lab.close(failed);
}
console.log(`${stored} recorded; see what changed: git diff --stat control/src/host/fixtures`);
