/** disk list */
import { whyNotFree } from '../../domain/disk/disk.ts';
import { formatBytes } from '../../domain/units.ts';
import type { Handler } from '../cli.ts';
import { EXIT } from '../problems.ts';
import { dim, good } from '../terminal.ts';
import { shortDisk } from './pool.ts';

export const diskList: Handler = async (cli, input) => {
  const { term } = cli;
  const { at, disks: all } = await (await cli.api()).disks.list.query();
  const disks = input.flag('free') ? all.filter((d) => whyNotFree(d) === undefined) : all;
  term.data({ at, disks: disks.map((d) => ({ ...d, free: whyNotFree(d) === undefined })) });
  if (disks.length === 0) term.line(input.flag('free') ? 'No disk is free.' : 'No disk is seen.');
  else
    term.table(disks, [
      { title: 'DISK', cell: (d) => shortDisk(d.path), shrink: 'middle' },
      { title: 'SIZE', cell: (d) => formatBytes(d.size), align: 'right' },
      { title: 'KIND', cell: (d) => (d.rotational ? 'disk' : 'ssd') },
      { title: 'MODEL', cell: (d) => d.model, shrink: 'end', spare: 2 },
      { title: 'SERIAL', cell: (d) => d.serial, shrink: 'end', spare: 3 },
      { title: 'SECTOR', cell: (d) => `${d.logicalSector}/${d.physicalSector}`, spare: 4 },
      {
        title: 'USE',
        shrink: 'end',
        cell: (d) =>
          whyNotFree(d) === undefined
            ? good('free')
            : d.pool !== null
              ? `pool ${d.pool}`
              : d.system
                ? dim('system')
                : dim(whyNotFree(d) ?? ''),
      },
    ]);
  return EXIT.ok;
};
