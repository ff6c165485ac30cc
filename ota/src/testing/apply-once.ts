/** Installs one bundle on a pretended machine, as a process of its own: `apply-once.ts ROOT BUNDLE`. Says how long it took and what it needed. */
import { readFileSync } from 'node:fs';
import { apply } from '../apply/apply.ts';
import { fileSource } from '../bundle/sources.ts';
import { placesAt } from '../slots/places.ts';
import { realHost } from '../../../control/src/host/exec.ts';
import { syncAll } from '../slots/sync.ts';
import { NOW, poolHost } from './release.ts';

const [root = '', bundle = ''] = process.argv.slice(2);
const began = performance.now();
const applied = await apply(
  { id: 'bench-0001', source: { kind: 'file', path: bundle } },
  {
    places: placesAt(root),
    host: poolHost(),
    clock: () => NOW + Math.round(performance.now()),
    signal: new AbortController().signal,
    openSource: () => fileSource(bundle),
    syncAll: syncAll(realHost()),
    baseline: async () => ({ ok: true, value: null }),
  },
);
const ms = performance.now() - began;
const peak = Number(/^VmHWM:\s+([0-9]+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024;
process.stdout.write(`${JSON.stringify({ applied, ms, peak })}\n`);
