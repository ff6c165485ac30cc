/** Does the host show the value that was set? Compared as ZFS tells it with `-p`: bytes, and its own name for aliases. */
import { parseSize } from '../../domain/names.ts';
import { type PropertyName, type Properties, PROPERTY_NAMES, ruleOf } from '../../domain/property/property.ts';
import type { SeenProperties } from './host.ts';

const SAME: Partial<Record<PropertyName, Record<string, readonly string[]>>> = {
  acltype: { posixacl: ['posix'], noacl: ['off'] },
  xattr: { sa: ['on'], on: ['sa'] },
};

export const shows = (name: PropertyName, wanted: string, seen: string): boolean => {
  if (wanted === seen || SAME[name]?.[wanted]?.includes(seen) === true) return true;
  if (ruleOf(name).size !== true) return false;
  // zfs works `auto` out, and rounds a volume up to whole blocks
  if (wanted === 'auto') return /^[0-9]+$/.test(seen) || seen === 'none';
  const bytes = wanted === 'none' ? 0 : parseSize(wanted);
  const there = seen === 'none' || seen === '-' ? 0 : Number(seen);
  return name === 'volsize' ? there >= bytes && there - bytes < 16 * 1024 ** 2 : there === bytes;
};

export const set = (properties: Properties): [PropertyName, string][] =>
  PROPERTY_NAMES.flatMap((n): [PropertyName, string][] => {
    const value = properties[n];
    return value === undefined ? [] : [[n, value]];
  });
/** `name=value` as zfs takes it: sizes in bytes, because it doesn't read every form that a state file may hold. */
export const assignment = ([name, value]: [PropertyName, string]): string =>
  `${name}=${ruleOf(name).size === true && /^[0-9]/.test(value) ? parseSize(value) : value}`;
export const assignments = (properties: Properties, flag: '-o' | '-O'): string[] =>
  set(properties).flatMap((pair) => [flag, assignment(pair)]);

/** The first property that the host shows otherwise, in words. */
export const whatDiffers = (wanted: Properties, seen: SeenProperties): string | undefined => {
  for (const [name, value] of set(wanted)) {
    const there = seen.get(name)?.value ?? '-';
    if (!shows(name, value, there)) return `${name} shows ${there} instead of ${value}`;
  }
  return undefined;
};
