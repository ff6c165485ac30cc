/** `dplaned` on a real host: no privilege of its own; what needs root goes to `dplane-exec` through its socket. */
import { configFrom, EXECUTOR_TIMEOUT, readyLine, startDaemon, untilStopped } from './daemon.ts';
import { realHost } from './host/exec.ts';
import { socketExecutor } from './host/executor/client.ts';

const log = (line: string): void => void process.stderr.write(`${line}\n`);
const env = process.env;
const stateFolder = env.DPLANE_STATE ?? env.STATE_DIRECTORY ?? '/var/lib/dplaneos';
const runtime = env.RUNTIME_DIRECTORY ?? '/run/dplaned';

const daemon = await startDaemon({
  host: realHost(),
  executor: socketExecutor(env.DPLANE_EXEC_SOCKET ?? '/run/dplane/exec.sock', { timeoutMs: EXECUTOR_TIMEOUT }),
  config: configFrom(env, stateFolder, `${runtime}/local.sock`),
  clock: Date.now,
  log,
});
untilStopped(daemon, () => Promise.resolve(), log);
process.stdout.write(`${readyLine(daemon)}\n`);
