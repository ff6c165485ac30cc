/** Datasets: `zfs list -j -p` of one pool, with every property we manage and where its value comes from. */
import type { ObservedDataset } from '../../domain/dataset/dataset.ts';
import { keyFileOf, kindOfKey } from '../../domain/key/key.ts';
import { type ObservedProperty, PROPERTY_NAMES, type PropertyName, type PropertySource, ruleOf } from '../../domain/property/property.ts';
import type { Result } from '../../domain/refusal.ts';
import { count, type Fields, fields, guid, oneOf, reading, text, unreadable } from '../parse.ts';
import { body, property, type Property, type Source } from './json.ts';

const FACTS = [
  'type',
  'guid',
  'creation',
  'used',
  'available',
  'referenced',
  'usedbysnapshots',
  'compressratio',
  'mounted',
  'origin',
  'encryption',
  'keystatus',
] as const;
/** Of keys; recordings of before 0013 don't have them. */
const KEY_FACTS = ['encryptionroot', 'keyformat', 'keylocation'] as const;
const COLUMNS = [...FACTS, ...KEY_FACTS, ...PROPERTY_NAMES].join(',');

/** Exact numbers (-p), all properties, no snapshots. Never --json-int: it loses guids above 2^63. */
export const datasetsArgv = (pool: string): string[] => [
  'zfs',
  'list',
  '-j',
  '-p',
  '-t',
  'filesystem,volume',
  '-o',
  `name,${COLUMNS}`,
  '-r',
  pool,
];

const SOURCE: Readonly<Record<Source, PropertySource>> = {
  NONE: 'none',
  DEFAULT: 'default',
  LOCAL: 'local',
  INHERITED: 'inherited',
  RECEIVED: 'received',
  TEMPORARY: 'temporary',
};
/** With -p ZFS prints 0 for a limit that isn't there; people and state files say none. */
const NONE_WHEN_ZERO: ReadonlySet<string> = new Set(['quota', 'refquota', 'reservation', 'refreservation']);
const TYPES = new Set(['FILESYSTEM', 'VOLUME']);
const YES_NO = new Set(['yes', 'no', '-']);
const KEYS = new Set(['available', 'unavailable', 'none', '-']);
const RATIO = /^[0-9]+\.[0-9]+$/;

/** Most values are the same everywhere: one frozen object each, instead of 30 for every dataset. */
type Interned = Map<string, ObservedProperty>;
const managed = (seen: Interned, name: PropertyName, p: Property): ObservedProperty => {
  const value = p.value === '0' && NONE_WHEN_ZERO.has(name) ? 'none' : p.value;
  const inherited = p.source === 'INHERITED';
  const key = inherited ? `${value}\n${p.from}` : `${value}\n\n${p.source}`;
  const known = seen.get(key);
  if (known !== undefined) return known;
  const made = Object.freeze(inherited ? { value, source: SOURCE[p.source], from: p.from } : { value, source: SOURCE[p.source] });
  seen.set(key, made);
  return made;
};

const dataset = (name: string, v: unknown, snapshots: number, wanted: readonly PropertyName[], interned: Interned): ObservedDataset => {
  const d = fields(v, name);
  if (d.name !== name) unreadable(`${name} is listed under another name`);
  const kind = oneOf<'FILESYSTEM' | 'VOLUME'>(TYPES, d.type, `the type of ${name}`) === 'VOLUME' ? 'volume' : 'filesystem';
  const props: Fields = fields(d.properties, `the properties of ${name}`);
  const value = (fact: (typeof FACTS)[number]): string => property(props, fact, name).value;
  const properties: ObservedDataset['properties'] = {};
  for (const p of wanted) {
    const seen = property(props, p, name);
    const on = ruleOf(p).on;
    // what doesn't apply is "-", with a source left over from the property before it: not a value
    if (on === 'both' || on === kind) properties[p] = managed(interned, p, seen);
  }
  const ratio = value('compressratio');
  if (!RATIO.test(ratio)) unreadable(`compressratio of ${name} is not a ratio`);
  const mountpoint = kind === 'volume' ? '-' : property(props, 'mountpoint', name).value;
  const origin = value('origin');
  const key = oneOf<'available' | 'unavailable' | 'none' | '-'>(KEYS, value('keystatus'), `keystatus of ${name}`);
  return {
    name: text(d.name, name),
    guid: guid(value('guid'), `guid of ${name}`),
    kind,
    createdAt: count(value('creation'), `creation of ${name}`) * 1000,
    used: count(value('used'), `used of ${name}`),
    available: count(value('available'), `available of ${name}`),
    referenced: count(value('referenced'), `referenced of ${name}`),
    usedBySnapshots: count(value('usedbysnapshots'), `usedbysnapshots of ${name}`),
    compressRatio: Number(ratio),
    mounted: oneOf<string>(YES_NO, value('mounted'), `mounted of ${name}`) === 'yes',
    mountpoint: mountpoint.startsWith('/') ? mountpoint : null,
    origin: origin === '-' ? null : origin,
    encryption: value('encryption'),
    ...keyOf(name, props),
    keyStatus: key === '-' ? 'none' : key,
    snapshots,
    properties,
  };
};

const keyOf = (name: string, props: Fields): Pick<ObservedDataset, 'encryptionRoot' | 'keyKind' | 'keyFile'> => {
  if (props.encryptionroot === undefined) return {};
  const [root = '-', format = '-', location = '-'] = KEY_FACTS.map((f) => property(props, f, name).value);
  if (root === '-' || root === '') return { encryptionRoot: null, keyKind: null, keyFile: null };
  return root === name
    ? { encryptionRoot: root, keyKind: kindOfKey(format, location), keyFile: keyFileOf(location) }
    : { encryptionRoot: root, keyKind: null, keyFile: null };
};

/** `counts`: how many snapshots each dataset has, from the index. */
export const parseDatasets = (
  stdout: string,
  counts: ReadonlyMap<string, number>,
  wanted: readonly PropertyName[] = PROPERTY_NAMES,
): Result<ObservedDataset[]> =>
  reading('the datasets', () => {
    const all = body(stdout, 'zfs list', 'datasets');
    const interned: Interned = new Map();
    return Object.keys(all).map((name) => dataset(name, all[name], counts.get(name) ?? 0, wanted, interned));
  });
