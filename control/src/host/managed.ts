/**
 * Config files that belong to D-PlaneOS: a header that says so, and per share one comment line that holds its spec as
 * JSON, and the checksum of the block that follows. A block that does not have it was edited by hand: that is noticed, never half
 * understood. One that has it, and is made otherwise today, is ours from before an update: it holds until the file is next written.
 */
import { createHash } from 'node:crypto';
import { AbsolutePath } from '../domain/names.ts';
import type { Refusal } from '../domain/refusal.ts';
import { ShareSpec } from '../domain/share/share.ts';

export type ManagedShare<S extends ShareSpec = ShareSpec> = {
  spec: S;
  /** The folder that is served, as the file has it; null when it was written without one. */
  path: string | null;
};
export type ManagedFile<S extends ShareSpec = ShareSpec> = { shares: ManagedShare<S>[]; problems: Refusal[] };

const MARK = '# dplaneos-share: ';
const SUM = '# dplaneos-sum: ';
const sumOf = (json: string, block: string): string => createHash('sha256').update(`${json}\n${block}`).digest('hex').slice(0, 16);
export const HEADER = '# Made by D-PlaneOS from the declared shares. Edits are noticed and replaced: change the share instead.\n';

/** Where a share lies; null when its dataset is nowhere, or somewhere that a config file could read as syntax. */
export const pathOf = (spec: ShareSpec, mountpoints: ReadonlyMap<string, string | null>): string | null => {
  const at = mountpoints.get(spec.dataset) ?? null;
  if (at === null) return null;
  const path = at === '/' ? spec.folder || '/' : at + (spec.folder === '/' ? '' : spec.folder);
  return AbsolutePath.safeParse(path).success && !path.endsWith(' ') ? path : null;
};

/** What is as it was before there was a choice is left out: the version in the other slot reads this file, too. */
const said = (spec: ShareSpec): string =>
  JSON.stringify(spec, (key, value: unknown) => (key === 'sign' && value === 'auto' ? undefined : value));

export const NONE: ReadonlySet<string> = new Set();

/** A share whose dataset is nowhere, or that is named in `withheld`, keeps its spec and has no block: it is declared, and not served. */
export const renderManaged = <S extends ShareSpec>(
  shares: readonly S[],
  mountpoints: ReadonlyMap<string, string | null>,
  block: (spec: S, path: string) => string,
  withheld: ReadonlySet<string>,
  /** Lines before the first share. */
  lead = '',
): string =>
  HEADER +
  lead +
  shares
    .map((spec) => {
      const path = withheld.has(spec.name) ? null : pathOf(spec, mountpoints);
      const json = said(spec);
      const text = path === null ? '' : block(spec, path);
      return `\n${MARK}${json}\n${SUM}${sumOf(json, text)}\n${text}`;
    })
    .join('');

/** Of each file the blocks that were read last: of hundreds of shares one changes, and the file is read with every look. */
const remembered = new Map<string, Map<string, ManagedShare>>();

export const parseManaged = <S extends ShareSpec>(
  file: string,
  text: string,
  kind: S['kind'],
  pathIn: (block: string) => string | null,
  leads: readonly string[] = [''],
): ManagedFile<S> => {
  const problem = (why: string): Refusal => ({
    code: 'conflict',
    what: `reading ${file}`,
    why,
    todo: 'save the share again: the file is then written anew',
  });
  if (text === '') return { shares: [], problems: [] };
  if (!text.startsWith(HEADER))
    return { shares: [], problems: [problem('it does not begin as D-PlaneOS begins it: it was edited, or belongs to something else')] };
  const shares: ManagedShare<S>[] = [];
  const problems: Refusal[] = [];
  const [lead = '', ...parts] = text.slice(HEADER.length).split(`\n${MARK}`);
  if (!leads.some((l) => l.trim() === lead.trim()))
    problems.push(problem('there are lines before the first share that D-PlaneOS did not write'));
  const before = remembered.get(file);
  const now = new Map<string, ManagedShare>();
  remembered.set(file, now);
  for (const part of parts) {
    const same = before?.get(part);
    if (same !== undefined) {
      now.set(part, same);
      shares.push(same as ManagedShare<S>); // of this file, so of this kind
      continue;
    }
    const end = part.indexOf('\n');
    const json = end < 0 ? part : part.slice(0, end);
    const below = end < 0 ? '' : part.slice(end + 1);
    const summed = below.startsWith(SUM) ? below.indexOf('\n') : -1;
    const rest = summed < 0 ? below : below.slice(summed + 1);
    const sound = summed > 0 && below.slice(SUM.length, summed) === sumOf(json, rest);
    let value: unknown;
    try {
      value = JSON.parse(json);
    } catch {
      problems.push(problem(`a share's line is not readable: ${json.slice(0, 80)}`));
      continue;
    }
    const parsed = ShareSpec.safeParse(value);
    if (!parsed.success || parsed.data.kind !== kind) {
      problems.push(problem(`a share's line says something that no share is: ${json.slice(0, 80)}`));
      continue;
    }
    const spec = parsed.data as S; // its kind was compared above
    const path = rest === '' ? null : pathIn(rest);
    if (!sound || (rest !== '' && path === null)) {
      problems.push(problem(`the share ${spec.name} was edited by hand`));
      continue;
    }
    shares.push({ spec, path });
    now.set(part, { spec, path });
  }
  return { shares, problems };
};
