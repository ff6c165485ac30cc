/** pool importable, import, export, checkpoint, upgrade, forget */
import type { Importable } from '../../domain/pool/importable.ts';
import { change } from '../changes.ts';
import type { Cli, Handler } from '../cli.ts';
import { EXIT, usage } from '../problems.ts';
import { bad, dim, good, strong, warn } from '../terminal.ts';

const find = async (cli: Cli): Promise<readonly Importable[]> => (await (await cli.api()).pools.importable.query()).pools;

export const poolImportable: Handler = async (cli) => {
  const { term } = cli;
  const pools = await find(cli);
  term.data({ pools });
  if (term.json) return EXIT.ok;
  if (pools.length === 0) term.line('No pool lies on the disks of this machine that is not in use.');
  for (const p of pools) {
    term.line([
      strong(p.name),
      `  ${p.guid}  `,
      p.importable ? (p.foreign ? warn('needs force') : good('can be imported')) : bad("can't be imported"),
    ]);
    if (p.lastHost) term.line(dim(`  last used by ${p.lastHost.name} (hostid ${p.lastHost.id})`));
    if (p.status) term.prose(p.status, '  ', 'warn');
    for (const c of p.config) term.line(dim(`  ${'  '.repeat(c.depth)}${c.name}  ${c.state}${c.note === '' ? '' : `  ${c.note}`}`));
  }
  return EXIT.ok;
};

export const poolImport: Handler = async (cli, input) => {
  const which = input.word('POOL');
  const pools = (await find(cli)).filter((p) => p.guid === which || p.name === which);
  const [p, second] = pools;
  if (p === undefined) throw usage(`pool ${which}`, 'no pool of this name or guid lies on the disks', 'See: dplane pool importable');
  if (second !== undefined)
    throw usage(`pool ${which}`, 'two pools are called so', `Give the guid: ${pools.map((x) => x.guid).join(' or ')}`);
  const as = input.text('as');
  const name = as ?? p.name;
  return change(
    cli,
    [
      {
        kind: 'pool.import',
        guid: p.guid,
        name: p.name,
        ...(as === undefined ? {} : { as }),
        readonly: input.flag('read-only'),
        force: input.flag('force'),
      },
    ],
    async () => {
      const { pool } = await (await cli.api()).pools.get.query({ name });
      return `pool ${name} is ${pool.health}: ${pool.meaning}`;
    },
  );
};

export const poolExport: Handler = (cli, input) => {
  const name = input.word('POOL');
  return change(cli, [{ kind: 'pool.export', name }], () => Promise.resolve(`pool ${name} is given up; its disks can be moved`));
};
export const poolCheckpoint: Handler = (cli, input) => {
  const name = input.word('POOL');
  const discard = input.flag('discard');
  return change(cli, [{ kind: 'pool.checkpoint', name, action: discard ? 'discard' : 'create' }], () =>
    Promise.resolve(
      discard
        ? `pool ${name} has no checkpoint any more`
        : `pool ${name} has a checkpoint; discard it soon: what is freed stays used until then`,
    ),
  );
};
export const poolUpgrade: Handler = (cli, input) => {
  const name = input.word('POOL');
  return change(cli, [{ kind: 'pool.upgrade', name }], () => Promise.resolve(`pool ${name} has all features of this ZFS`));
};
export const poolForget: Handler = (cli, input) => {
  const name = input.word('POOL');
  return change(cli, [{ kind: 'pool.forget', name }], () =>
    Promise.resolve(`nothing waits for pool ${name} any more; its disks were not touched`),
  );
};
