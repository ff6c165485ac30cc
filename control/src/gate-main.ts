/** For the gate at the start (packages/debian/deb/lib/pool-gate), before anything serves: the files of the shares say what is mounted. */
import { refreshShares } from './host/change/gate.ts';
import { realHost } from './host/exec.ts';

const done = await refreshShares(realHost(), { running: false });
if (!done.ok) {
  console.error(`${done.refusal.what}: ${done.refusal.why}`);
  process.exitCode = 1;
}
