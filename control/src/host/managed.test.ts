/** Share files: what is rendered is read back, and no share can say more than a share says. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NfsShare, SmbShare } from '../domain/share/share.ts';
import { HEADER } from './managed.ts';
import { parseExports, renderExports } from './nfs/exports.ts';
import { parseSmb, renderSmb } from './samba/conf.ts';

/** Texts that try to be syntax, and ordinary ones. */
const nasty = fc.oneof(
  fc.string({
    maxLength: 24,
    unit: fc.constantFrom(
      'a',
      'B',
      '7',
      ' ',
      '\n',
      '\r',
      '\t',
      '\0',
      '[',
      ']',
      '=',
      '#',
      ';',
      '"',
      "'",
      '\\',
      '%',
      '$',
      '(',
      ')',
      ',',
      '/',
      '.',
      '-',
      '_',
      '@',
      '*',
      ':',
      'ü',
      '\u2028',
      '\u0085',
    ),
  }),
  fc.constantFrom(
    'media',
    'Time Machine',
    'a\n[global]\nroot preexec = id',
    'x\\',
    'a]b',
    '#a',
    '/sub/folder',
    '@family',
    '192.168.1.0/24',
    'fe80::/64',
    '*',
    'host(rw)',
    '/a b',
    '/a\n*(rw,no_root_squash)',
  ),
);
const mostly =
  <T>(...usual: T[]) =>
  <U>(odd: fc.Arbitrary<U>): fc.Arbitrary<T | U> =>
    fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...usual) }, { weight: 1, arbitrary: odd });
const base = {
  name: mostly('media', 'Time Machine', 'a.b-c_d', 'x')(nasty),
  dataset: mostly('tank/media', 'tank/a b', 'tank')(nasty),
  folder: mostly('', '/sub', '/a b/c [x]', '/;#=')(nasty),
  comment: mostly('', 'films', '[global]; # = x', 'guest ok = yes')(nasty),
};
const smb = fc
  .record({
    kind: fc.constant('smb' as const),
    ...base,
    readOnly: fc.boolean(),
    browseable: fc.boolean(),
    guests: fc.boolean(),
    validUsers: fc.array(mostly('anna', '@family')(nasty), { maxLength: 3 }),
    writeUsers: fc.array(mostly('anna', '@family')(nasty), { maxLength: 3 }),
    previousVersions: fc.boolean(),
    preset: fc.constantFrom('general', 'time-machine', 'media', 'homes', 'windows-acl'),
    encrypt: fc.constantFrom('off', 'desired', 'required'),
  })
  .map((s) => SmbShare.safeParse(s));
const nfs = fc
  .record({
    kind: fc.constant('nfs' as const),
    ...base,
    clients: fc.array(
      fc.record({
        host: mostly('*', '10.0.0.0/8', 'fe80::/64', 'host.lan')(nasty),
        access: fc.constantFrom('ro', 'rw'),
        squash: fc.constantFrom('root', 'all', 'none'),
        sync: fc.boolean(),
      }),
      { minLength: 1, maxLength: 3 },
    ),
  })
  .map((s) => NfsShare.safeParse(s));
const good = <T>(list: readonly { success: boolean; data?: T }[]): T[] =>
  list.flatMap((r) => (r.success && r.data !== undefined ? [r.data] : []));
const mountpoints = fc.oneof(
  fc.constantFrom<string | null>('/mnt/x', '/mnt/a b', '/', null),
  nasty.map((n) => `/${n}`),
);

const KEYS = new Set(
  'path|comment|read only|browseable|guest ok|valid users|write list|server smb encrypt|vfs objects|shadow:snapdir|shadow:sort|shadow:format|shadow:localtime|fruit:time machine|fruit:metadata|fruit:posix_rename|map to guest|server signing|fruit:time machine max size|wide links|shadow:snapdirseverywhere|inherit acls|map acl inherit|store dos attributes|strict locking'.split(
    '|',
  ),
);

describe('SMB', () => {
  test('whatever is accepted renders to its own lines and nothing else, and reads back', () => {
    let seen = 0;
    fc.assert(
      fc.property(fc.array(smb, { maxLength: 5 }), mountpoints, (raw, at) => {
        const shares = good(raw);
        seen += shares.length;
        const text = renderSmb(shares, new Map(shares.map((s) => [s.dataset, at])));
        let sections = 0;
        // Samba ends lines at \n, and goes on behind a backslash
        for (const line of text.split(/[\n\r\u0085\u2028]/)) {
          expect(line.endsWith('\\')).toBe(false);
          if (line === '' || line.startsWith('#') || line === '[global]') continue;
          if (/^\[[^[\]]+\]$/.test(line)) sections += 1;
          else expect(KEYS.has(/^\t([a-z_: ]+) = ./.exec(line)?.[1] ?? line)).toBe(true);
        }
        expect(sections).toBeLessThanOrEqual(shares.length);
        const back = parseSmb(text);
        expect(back.problems).toEqual([]);
        expect(back.shares.map((s) => s.spec)).toEqual(shares);
        expect(back.shares.filter((s) => s.path !== null).length).toBe(sections);
      }),
      { numRuns: 500 },
    );
    expect(seen).toBeGreaterThan(200);
  });
});

describe('NFS', () => {
  test('whatever is accepted renders to its own lines and nothing else, and reads back', () => {
    let seen = 0;
    fc.assert(
      fc.property(fc.array(nfs, { maxLength: 5 }), mountpoints, (raw, at) => {
        const shares = good(raw);
        seen += shares.length;
        const text = renderExports(shares, new Map(shares.map((s) => [s.dataset, at])));
        const lines = text.split(/[\n\r]/).filter((l) => l !== '' && !l.startsWith('#'));
        for (const line of lines)
          expect(line).toMatch(
            /^"\/[^"\\]*"( [A-Za-z0-9.:*/-]+\((ro|rw),(sync|async),(no_)?(root|all)_squash,no_subtree_check(,mountpoint(=\/[A-Za-z0-9/._-]+)?)?\))+$/,
          );
        const back = parseExports(text);
        expect(back.problems).toEqual([]);
        expect(back.shares.map((s) => s.spec)).toEqual(shares);
        expect(back.shares.filter((s) => s.path !== null).length).toBe(lines.length);
      }),
      { numRuns: 500 },
    );
    expect(seen).toBeGreaterThan(200);
  });
});

describe('edited by hand', () => {
  const share = SmbShare.parse({ kind: 'smb', name: 'media', dataset: 'tank/media', comment: 'films' });
  const text = renderSmb([share, { ...share, name: 'music' }], new Map([['tank/media', '/mnt/tank/media']]));
  test('a changed line, a changed spec, garbage: a problem, and the other share stands', () => {
    for (const edited of [
      text.replace('guest ok = no', 'guest ok = yes'),
      text.replace('"comment":"films"', '"comment":"x"'),
      text.replace('{"kind":"smb"', '{"kind":"smb'),
      text.replace('\tread only = no\n', ''),
    ]) {
      const r = parseSmb(edited);
      expect(r.problems).toHaveLength(1);
      expect(r.shares.map((s) => s.spec.name)).toEqual(['music']);
    }
  });
  test('a file of someone else, added lines, no file at all', () => {
    expect(parseSmb('[global]\nguest ok = yes\n')).toMatchObject({ shares: [], problems: [{ code: 'conflict' }] });
    expect(parseSmb(`${text}[extra]\n\tpath = /\n`).problems).toHaveLength(1);
    expect(parseSmb(text.replace(HEADER, `${HEADER}[extra]\n`)).problems).toHaveLength(1);
    expect(parseSmb('')).toEqual({ shares: [], problems: [] });
  });
  test('any text at all is an answer', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(text.length), (junk, at) => {
        const r = parseSmb(text.slice(0, at) + junk + text.slice(at));
        const e = parseExports(junk);
        expect(r.shares.length + r.problems.length + e.shares.length + e.problems.length).toBeGreaterThanOrEqual(1);
      }),
    );
  });
});

test('what an earlier version wrote otherwise holds, and is no edit; a changed line below its checksum is one', () => {
  const share = SmbShare.parse({ kind: 'smb', name: 'docs', dataset: 'tank/docs' });
  const now = renderSmb([share], new Map([['tank/docs', '/mnt/docs']]));
  const json = /^# dplaneos-share: (.+)$/m.exec(now)?.[1] ?? '';
  const older = '[docs]\n\tpath = /mnt/docs\n\tread only = no\n';
  const sum = createHash('sha256').update(`${json}\n${older}`).digest('hex').slice(0, 16);
  const file = `${HEADER}\n# dplaneos-share: ${json}\n# dplaneos-sum: ${sum}\n${older}`;
  expect(parseSmb(file)).toEqual({ shares: [{ spec: share, path: '/mnt/docs' }], problems: [] });
  expect(parseSmb(file.replace('read only = no', 'read only = yes')).problems).toHaveLength(1);
});
