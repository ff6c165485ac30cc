/**
 * Random `zfs` commands over a few names, so that they meet each other: most make sense, some must be refused. No rollback: it takes the
 * folders that children are mounted on, and what can be mounted afterwards is left to chance.
 */
import fc from 'fast-check';

type Argv = readonly string[];

const top = fc.constantFrom('tank/a', 'tank/b', 'tank/c');
const dataset = fc.oneof(
  { weight: 4, arbitrary: top },
  { weight: 3, arbitrary: fc.tuple(top, fc.constantFrom('x', 'y')).map(([up, name]) => `${up}/${name}`) },
  { weight: 1, arbitrary: fc.constantFrom('tank/a/x/deep', 'tank/b/y/deep', 'tank/v', 'tank/nosuch/child') },
);
const tag = fc.constantFrom('s1', 's2', 's3');
const snapshot = fc.tuple(dataset, tag).map(([name, which]) => `${name}@${which}`);
const hold = fc.constantFrom('keep', 'backup');

/** Values that fit, values that don't, and what nothing knows. No limit near what is used: that is known only when it was written. */
const assignment = fc.oneof(
  fc.constantFrom('compression=lz4', 'compression=zstd-9', 'compression=off', 'compression=gzip-6', 'compression=nosuch'),
  fc.constantFrom('atime=on', 'atime=off', 'atime=perhaps', 'readonly=off', 'sync=always', 'sync=standard', 'snapdir=visible'),
  fc.constantFrom(
    'recordsize=16K',
    'recordsize=1M',
    'recordsize=100000',
    'copies=2',
    'copies=4',
    'checksum=sha256',
    'xattr=sa',
    'acltype=posixacl',
  ),
  fc.constantFrom('quota=100M', 'quota=none', 'quota=20M', 'quota=1.5G', 'quota=much', 'refquota=50M', 'refquota=none', 'refquota=20M'),
  fc.constantFrom('reservation=10M', 'reservation=none', 'reservation=900G', 'volsize=32M', 'volsize=12345', 'used=1', 'nosuch=1'),
  fc.constantFrom('org.dplaneos:purpose=films', 'org.dplaneos:note=two words', 'casesensitivity=mixed', 'canmount=on', 'canmount=noauto'),
);
const property = fc.constantFrom(
  'compression',
  'atime',
  'recordsize',
  'quota',
  'org.dplaneos:purpose',
  'mountpoint',
  'used',
  'nosuch',
  'checksum',
);

const words = (text: string, ...rest: readonly string[]): Argv => [...text.split(' '), ...rest];

const operation: fc.Arbitrary<Argv> = fc.oneof(
  { weight: 6, arbitrary: dataset.map((name) => words('zfs create', name)) },
  { weight: 2, arbitrary: fc.tuple(assignment, dataset).map(([value, name]) => words('zfs create -o', value, name)) },
  { weight: 1, arbitrary: dataset.map((name) => words('zfs create -p', name)) },
  { weight: 1, arbitrary: fc.constantFrom('16M', '12345', '900G').map((size) => words('zfs create -V', size, 'tank/v')) },
  { weight: 2, arbitrary: dataset.map((name) => words('zfs destroy', name)) },
  // a recursive destroy that meets a hold ends half-way; with several children, which of them are gone is left to chance
  { weight: 1, arbitrary: fc.constantFrom('tank/a/x', 'tank/b/y', 'tank/c/x').map((name) => words('zfs destroy -r', name)) },
  { weight: 4, arbitrary: fc.tuple(dataset, dataset).map((names) => words('zfs rename', ...names)) },
  { weight: 6, arbitrary: snapshot.map((name) => words('zfs snapshot', name)) },
  { weight: 2, arbitrary: snapshot.map((name) => words('zfs snapshot -r', name)) },
  { weight: 3, arbitrary: snapshot.map((name) => words('zfs destroy', name)) },
  { weight: 1, arbitrary: snapshot.map((name) => words('zfs destroy -r', name)) },
  { weight: 2, arbitrary: fc.tuple(snapshot, tag).map(([name, to]) => words('zfs rename', name, `${name.split('@')[0]}@${to}`)) },
  { weight: 4, arbitrary: fc.tuple(snapshot, dataset).map(([name, to]) => words('zfs clone', name, to)) },
  { weight: 3, arbitrary: dataset.map((name) => words('zfs promote', name)) },
  { weight: 3, arbitrary: fc.tuple(hold, snapshot).map((names) => words('zfs hold', ...names)) },
  { weight: 3, arbitrary: fc.tuple(hold, snapshot).map((names) => words('zfs release', ...names)) },
  { weight: 6, arbitrary: fc.tuple(assignment, dataset).map(([value, name]) => words('zfs set', value, name)) },
  { weight: 3, arbitrary: fc.tuple(property, dataset).map((names) => words('zfs inherit', ...names)) },
);

/** Something to begin with: refusals of what is not there are soon seen. */
const BEGINNING: readonly Argv[] = [
  ...['tank/a', 'tank/a/x', 'tank/a/x/deep', 'tank/b', 'tank/c'].map((name) => words('zfs create', name)),
  words('zfs snapshot -r tank/a@s1'),
  words('zfs clone tank/a/x@s1 tank/c/x'),
];

export const sequence = (length: number, seed: number): readonly Argv[] => [
  ...BEGINNING,
  ...fc.sample(operation, { numRuns: length - BEGINNING.length, seed }),
];
