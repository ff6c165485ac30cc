/** For the gate at the start (packages/debian/deb/lib/pool-gate), before anything serves: shares of encrypted datasets as these are now. */
import { refreshShares } from './host/change/share.ts';
import { realHost } from './host/exec.ts';

const done = await refreshShares(realHost(), { running: false });
if (!done.ok) {
  console.error(`${done.refusal.what}: ${done.refusal.why}`);
  process.exitCode = 1;
}
