/**
 * The lab's command line: the real appliance in a virtual machine, for a person at work.
 *
 *   start [--name NAME] [--fresh] [--headless] [--disks 4x8G] [--memory 2G] [--refresh]
 *   ssh|console|log|push|stop|cut|remove|list [NAME] [-- COMMAND...]
 */
import { parseArgs } from 'node:util';
import { attach } from './console.ts';
import { spawnLong } from './exec.ts';
import { push } from './push.ts';
import { start } from './start.ts';
import { findVm, listVms, removeVm } from './state.ts';
import { quote } from './vm.ts';

const USAGE = `usage: npm start -- [--name NAME] [--fresh] [--headless] [--disks 4x8G] [--memory 2G] [--refresh]
       npm run lab -- ssh [NAME] [-- COMMAND...]   console|log|push|stop|cut|remove [NAME]   list

  push         puts the present sources into the running VM, until its next start

  --fresh      forget the disks and settings of this VM first
  --headless   return when the UI answers and leave the VM running (stop it with: npm run lab -- stop)
  --disks NxS  so many data disks of that size; applies to a VM that is made anew
  --memory S   memory of the guest
  --name NAME  another VM beside the first
  --refresh    fetch the Debian packages anew before building`;

async function main(argv: readonly string[]): Promise<number> {
  const dashes = argv.indexOf('--');
  const own = dashes === -1 ? argv : argv.slice(0, dashes);
  const rest = dashes === -1 ? [] : argv.slice(dashes + 1);
  const { values, positionals } = parseArgs({
    args: [...own],
    allowPositionals: true,
    options: {
      name: { type: 'string', default: 'nas' },
      fresh: { type: 'boolean', default: false },
      headless: { type: 'boolean', default: false },
      disks: { type: 'string', default: '4x8G' },
      memory: { type: 'string', default: '2G' },
      refresh: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const [command = '', name = values.name] = positionals;
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  switch (command) {
    case 'start':
      return start(values);
    case 'ssh':
      return (await spawnLong([...findVm(name).sshArgv, ...(rest.length > 0 ? [quote(rest)] : [])], { output: 'inherit' }).ended).exit ?? 1;
    case 'console':
      return attach(findVm(name));
    case 'log':
      process.stdout.write(findVm(name).serialText());
      return 0;
    case 'push':
      await push(findVm(name));
      return 0;
    case 'stop':
      await findVm(name).stop();
      return 0;
    case 'cut':
      await findVm(name).cut();
      return 0;
    case 'remove':
      await removeVm(name);
      return 0;
    case 'list':
      for (const vm of listVms()) {
        const state = vm.pid() === null ? 'stopped' : `running, https://localhost:${vm.spec.ports.https}`;
        console.log(`${vm.spec.name}  ${state}`);
      }
      return 0;
    default:
      console.error(USAGE);
      return 2;
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
