/** A process of its own for the crash tests: the executor over a simulated host, killed by SIGKILL at the chosen moment. */
import type { Host } from '../host.ts';
import { clock, machine } from '../change/testing.ts';
import { execServer } from './server.ts';

const [socket = '', folder = '', when = 'never', command = ''] = process.argv.slice(2);
const sim = await machine(`${folder}/sim.log`);
const host: Host = {
  ...sim,
  run: async (argv, options) => {
    const hit = argv.join(' ') === command;
    if (hit && when === 'before') process.kill(process.pid, 'SIGKILL');
    const r = await sim.run(argv, options);
    if (hit && when === 'after') process.kill(process.pid, 'SIGKILL');
    return r;
  },
};
await execServer({ host, ledgerFolder: `${folder}/ledger`, clock, log: () => {} }).listen(socket);
process.stdout.write('listening\n');
