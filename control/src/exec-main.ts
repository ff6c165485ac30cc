/**
 * Composition root of `dplane-exec`. It runs as root on the real host, started by its socket, and there is no other way:
 * the simulated host has the same server inside the demo's daemon instead.
 */
import { readFileSync } from 'node:fs';
import { execServer } from './host/executor/server.ts';
import { realHost } from './host/exec.ts';

const LEDGER = '/var/lib/dplane-exec';
const IDLE_MS = 15_000;

const refuseToStart = (why: string): never => {
  process.stderr.write(`<2>dplane-exec does not start: ${why}\n`);
  process.exit(78);
};

if (process.getuid?.() !== 0)
  refuseToStart('it changes pools and mounts, which only root can; start it with systemctl start dplane-exec.socket');
if (process.env.LISTEN_FDS !== '1' || process.env.LISTEN_PID !== String(process.pid))
  refuseToStart('it is started by its socket; use systemctl start dplane-exec.socket');

// Datasets that it mounts in a mount namespace of its own would be mounted for nobody else, and shares would write below them.
const root = readFileSync('/proc/self/mountinfo', 'utf8')
  .split('\n')
  .findLast((line) => line.split(' ')[4] === '/');
if (!root || !/ shared:\d/.test(root) || / master:\d/.test(root))
  refuseToStart('it runs in a mount namespace of its own; remove the sandboxing options that were added to dplane-exec.service');

const log = (line: string): void => void process.stdout.write(`${line}\n`);
const stop = (): void => void server.close().then(() => process.exit(0));
const server = execServer({ host: realHost(), ledgerFolder: LEDGER, clock: Date.now, log, idle: { afterMs: IDLE_MS, onIdle: stop } });
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
await server.listen({ fd: 3 });
