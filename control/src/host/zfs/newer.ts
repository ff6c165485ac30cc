/** The snapshots and bookmarks of one dataset, as they follow each other: what a rollback would take, and what stands in its way. */
import { ok, type Result } from '../../domain/refusal.ts';
import type { Host } from '../host.ts';
import { count, guid, reading, unreadable } from '../parse.ts';
import { zfsError } from './error.ts';

export type Kept = { tag: string; guid: string; txg: number; at: number; holds: number; clones: string[]; bookmark: boolean };
const COLUMNS = 'name,guid,createtxg,creation,userrefs,clones';

export const parseKept = (stdout: string, dataset: string): Result<Kept[]> =>
  reading(`the snapshots of ${dataset}`, () =>
    stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const parts = line.split('\t');
        const [name = '', id, txg, creation, userrefs, clones = '-'] = parts;
        const mark = name[dataset.length];
        if (parts.length !== 6 || !name.startsWith(dataset) || (mark !== '@' && mark !== '#'))
          unreadable(`"${line.slice(0, 80)}" is none of them`);
        return {
          tag: name.slice(dataset.length + 1),
          guid: guid(id, `guid of ${name}`),
          txg: count(txg, `createtxg of ${name}`),
          at: count(creation, `creation of ${name}`) * 1000,
          holds: userrefs === '-' ? 0 : count(userrefs, `userrefs of ${name}`),
          clones: clones === '-' || clones === '' ? [] : clones.split(','),
          bookmark: mark === '#',
        };
      }),
  );

/** In the order in which they were made. */
export const keptOf = async (host: Host, dataset: string, timeoutMs: number): Promise<Result<Kept[]>> => {
  const r = await host.run(['zfs', 'list', '-Hp', '-t', 'snapshot,bookmark', '-d', '1', '-o', COLUMNS, dataset], { timeoutMs });
  if (r.failure !== null || r.exit !== 0) return { ok: false, refusal: zfsError(r) };
  const parsed = parseKept(r.stdout, dataset);
  return parsed.ok ? ok(parsed.value.sort((a, b) => a.txg - b.txg)) : parsed;
};
