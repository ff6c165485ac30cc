/** When is a declared property what the host has? Sizes as bytes, names that ZFS reads as one as one. */
import { parseSize, sameSize } from '../names.ts';
import { type ObservedProperty, type Properties, PROPERTIES, type PropertyName, ruleOf } from '../property/property.ts';

/** Two spellings of one value: OpenZFS prints the second whichever was set. */
const ALIASES: Partial<Record<PropertyName, Readonly<Record<string, string>>>> = {
  acltype: { posixacl: 'posix', noacl: 'off' },
  xattr: { on: 'sa' },
  compression: { 'gzip-6': 'gzip', 'zstd-3': 'zstd', 'zstd-fast-1': 'zstd-fast' },
};
const plain = (name: PropertyName, value: string): string => ALIASES[name]?.[value] ?? value;

export const sameValue = (name: PropertyName, a: string, b: string): boolean => {
  if (a === b) return true;
  if (ruleOf(name).size === true) return a !== 'auto' && b !== 'auto' && sameSize(a === 'none' ? '0' : a, b === 'none' ? '0' : b);
  return plain(name, a) === plain(name, b);
};

export const isOwn = (p: ObservedProperty | undefined): boolean => p?.source === 'local' || p?.source === 'received';

type Seen = Partial<Record<PropertyName, ObservedProperty>>;

/** `none` and what is not known count as 0. */
export const bytesOf = (value: string | undefined): number => (value === undefined || !/^[0-9]/.test(value) ? 0 : parseSize(value));

/** ZFS takes a volume's size only in whole blocks. */
export const wholeBlocks = (size: string, seen: Seen): string => {
  const block = bytesOf(seen.volblocksize?.value);
  const bytes = parseSize(size);
  return block > 0 && bytes % block !== 0 ? String(Math.ceil(bytes / block) * block) : size;
};

/**
 * An inheritable value has to be the dataset's own: an inherited one would go when its parent changes. The others have
 * no other place to come from, and ZFS calls an unset quota a default even right after it was set to none.
 */
export const isSatisfied = (name: PropertyName, declared: string, seen: Seen): boolean => {
  const p = seen[name];
  if (declared === 'inherit') return !isOwn(p);
  if (p === undefined) return false;
  if (name === 'volsize') return sameValue(name, wholeBlocks(declared, seen), p.value);
  // ZFS keeps the number that `auto` came to: the volume's size and its metadata
  if (declared === 'auto') return bytesOf(p.value) >= bytesOf(seen.volsize?.value);
  if (!sameValue(name, declared, p.value)) return false;
  return PROPERTIES[name].inheritable ? isOwn(p) : true;
};

/** Values to set on something new: there, what is to be inherited is inherited. */
export const settable = (properties: Properties): Properties => {
  const out: Properties = {};
  for (const name of Object.keys(properties).sort() as PropertyName[]) {
    const value = properties[name];
    if (value !== undefined && value !== 'inherit') out[name] = value;
  }
  return out;
};
