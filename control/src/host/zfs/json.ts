/** The frame around every JSON answer of zfs and zpool (output version 0.1, since OpenZFS 2.3). */
import { type Fields, fields, json, unreadable } from '../parse.ts';

export const body = (stdout: string, command: string, key: 'pools' | 'datasets' | 'zfs_version'): Fields => {
  const all = fields(json(stdout), 'the answer');
  const version = fields(all.output_version, 'output_version');
  if (version.command !== command) unreadable(`it is the answer to ${String(version.command)}, not to ${command}`);
  if (version.vers_major !== 0) unreadable(`its format has version ${String(version.vers_major)}, and 0 is understood`);
  return fields(all[key], key);
};

export type Source = 'NONE' | 'DEFAULT' | 'LOCAL' | 'INHERITED' | 'RECEIVED' | 'TEMPORARY';
const SOURCES: ReadonlySet<unknown> = new Set(['NONE', 'DEFAULT', 'LOCAL', 'INHERITED', 'RECEIVED', 'TEMPORARY']);
export type Property = { value: string; source: Source; from: string };
type Raw = { value?: unknown; source?: { type?: unknown; data?: unknown } | null } | null | undefined;

/** Called 40 times a dataset: words for what is wrong are made only when something is. */
export const property = (properties: Fields, name: string, owner: string): Property => {
  const p = properties[name] as Raw; // every part of it is checked here
  const s = p?.source;
  if (typeof p?.value === 'string' && SOURCES.has(s?.type) && typeof s?.data === 'string')
    return { value: p.value, source: s.type as Source, from: s.data }; // SOURCES holds exactly these
  return unreadable(`${name} of ${owner} is missing, or not a value with a source`);
};
