import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PROPERTY_NAMES } from '../domain/property/property.ts';
import { DesiredState, EMPTY_STATE } from '../domain/state/state.ts';
import { MAX_STATE_BYTES, parseState, renderState, stateJsonSchema } from './statefile.ts';

const DISK = '/dev/disk/by-id/ata-A';
const head = `version: 1\npools:\n  - name: tank\n    vdevs: [{kind: stripe, disks: [${DISK}]}]\n`;

const problems = async (text: string) => {
  const check = await parseState(text);
  return check.ok ? [] : check.problems;
};

describe('parseState', { timeout: 60_000 }, () => {
  test('says of every problem at once where it is and what was expected', async () => {
    const text = `${head}    optoins: {}
datasets:
  - name: tank/a
    properties: {quota: 10X, compresion: on}
  - name: tank/a
shares:
  - kind: smb
    nme: x
`;
    expect(await problems(text)).toMatchObject([
      { line: 5, column: 5, path: 'pools[0].optoins', message: 'unknown key "optoins": did you mean "options"?' },
      { line: 8, column: 25, path: 'datasets[0].properties.quota', message: expect.stringContaining('512M, 10G or 1.5T') },
      { line: 8, column: 30, path: 'datasets[0].properties.compresion', message: 'unknown key "compresion": did you mean "compression"?' },
      { line: 11, column: 5, path: 'shares[0].name', message: 'it is missing (expected string)' },
      { line: 11, column: 5, path: 'shares[0].dataset' },
      { line: 12, column: 5, path: 'shares[0].nme', message: 'unknown key "nme": did you mean "name"?' },
    ]);
  });

  test.each([
    ['/dev/sda', 'move between boots', 'version: 1\npools:\n  - name: tank\n    vdevs: [{kind: stripe, disks: [/dev/sda]}]\n'],
    ['a name twice', 'declared twice', `${head}datasets:\n  - name: tank/a\n  - name: tank/a\n`],
    ['a key twice', 'unique', 'version: 1\nversion: 1\n'],
    ['a second document', 'multiple documents', 'version: 1\n---\nversion: 1\n'],
    ['an alias', 'aliases are not taken', 'version: &v 1\npools: *v\n'],
    ['an anchor', 'anchors are not taken', 'version: &v 1\n'],
    ['a tag', 'tags are not taken', 'version: !!int 1\n'],
    ['a merge key', 'unknown key "<<"', 'version: 1\n<<: {pools: []}\n'],
    ['__proto__', 'a key of plain text', 'version: 1\n__proto__: {pools: []}\n'],
    ['nothing', 'the file is empty', '# only a comment\n'],
    ['a list', 'expected object', '- version: 1\n'],
    ['another version', 'expected 1', 'version: 2\n'],
    ['a size beyond ZFS', 'larger than', `${head}datasets:\n  - name: tank/a\n    properties: {quota: 17E}\n`],
    ['a relative mount point', 'absolute path', `${head}datasets:\n  - name: tank/a\n    properties: {mountpoint: ../etc}\n`],
    ['an unknown share kind', "Expected 'smb' | 'nfs'", `${head}shares:\n  - kind: ftp\n`],
  ])('refuses %s', async (_what, message, text) => {
    const found = await problems(text);
    expect(found.map((p) => p.message).join('\n')).toContain(message);
    for (const p of found) expect(p.line).toBeGreaterThan(0);
  });

  test('keeps the digits of guids and sizes that are written as numbers', async () => {
    const check = await parseState(
      `${head}datasets:\n  - {name: tank/a, guid: 12345678901234567890, properties: {copies: 2, quota: 4096}}\n`,
    );
    expect(check).toMatchObject({
      ok: true,
      state: { datasets: [{ guid: '12345678901234567890', properties: { copies: '2', quota: '4096' } }] },
    });
  });

  test('takes marks of anchors, tags and brackets inside of text', async () => {
    const check = await parseState(`${head}shares:\n  - {kind: smb, name: s, dataset: tank, comment: "&a *b !c [[[[[[[[[[[[[[[[[[[["}\n`);
    expect(check).toMatchObject({ ok: true, state: { shares: [{ comment: '&a *b !c [[[[[[[[[[[[[[[[[[[[' }] } });
  });

  test('refuses what is too large or too deep without building it', async () => {
    expect((await problems('x'.repeat(MAX_STATE_BYTES + 1)))[0]?.message).toContain('larger than 4 MiB');
    for (const hostile of ['[', '{a: ', '- ', '? ', 'x: ', '""', '!a ', '[{'])
      expect((await problems(hostile.repeat(300_000))).length, hostile).toBeGreaterThan(0);
    expect((await problems(`[ ${'"" '.repeat(300_000)}`)).length).toBeGreaterThan(0);
    expect((await problems('- &a\n'.repeat(300_000))).length).toBeLessThan(102);
  });

  test('never throws', async () => {
    const pieces = fc.array(
      fc.oneof(
        fc.constantFrom(
          'version: 1\n',
          'pools:\n',
          '  - ',
          'name: ',
          'tank',
          '\n',
          ': ',
          '- ',
          '? ',
          '[',
          ']',
          '{',
          '}',
          ',',
          '"',
          "'",
          '|',
          '>',
          '&a ',
          '*a',
          '!!x ',
          '#',
          '%YAML 1.1\n',
          '---\n',
          '...\n',
          '\t',
          '\0',
          '\u2028',
          '\ufeff',
          'datasets:\n',
        ),
        fc.string({ unit: 'binary', maxLength: 8 }),
      ),
      { maxLength: 40 },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          pieces.map((p) => p.join('')),
          fc.string({ unit: 'binary', maxLength: 200 }),
          fc.json().map((j) => `version: 1\npools: ${j}\n`),
        ),
        async (text) => {
          const check = await parseState(text);
          if (!check.ok) expect(check.problems.length).toBeGreaterThan(0);
          if (!check.ok) for (const p of check.problems) expect(p.line >= 1 && p.column >= 1 && p.message !== '').toBe(true);
        },
      ),
      { numRuns: 600 },
    );
  });
});

describe('renderState', { timeout: 60_000 }, () => {
  const word = fc.stringMatching(/^[a-z][a-z0-9_-]{0,8}$/);
  const comment = fc.string({ maxLength: 20 }).map((s) => s.replace(/[\p{Cc}\p{Zl}\p{Zp}%"\\]/gu, ''));
  const state = fc
    .record({
      ignore: fc.boolean(),
      autotrim: fc.constantFrom('on', 'off', undefined),
      comment: fc.constantFrom('', 'no', '1', 'a: b # c', '- x', 'null', '~', "it's"),
      datasets: fc.uniqueArray(
        fc.record({
          name: word,
          guid: fc.option(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
          quota: fc.constantFrom('none', '10G', '10737418240', undefined),
          volume: fc.boolean(),
        }),
        { selector: (d) => d.name, maxLength: 6 },
      ),
      shares: fc.uniqueArray(
        fc.record({ name: word, comment, readOnly: fc.boolean(), nfs: fc.boolean(), users: fc.uniqueArray(word, { maxLength: 3 }) }),
        { selector: (s) => s.name, maxLength: 4 },
      ),
    })
    .map((r) =>
      DesiredState.safeParse({
        version: 1,
        ignore_extraneous: r.ignore,
        pools: [
          {
            name: 'tank',
            guid: '18446744073709551615',
            vdevs: [
              { kind: 'stripe', disks: [DISK] },
              { kind: 'stripe', role: 'cache', disks: [`${DISK}2`] },
            ],
            options: { autotrim: r.autotrim, comment: r.comment },
            properties: { atime: 'off' },
          },
        ],
        datasets: r.datasets.map((d) => ({
          name: `tank/${d.name}`,
          kind: d.volume ? 'volume' : 'filesystem',
          ...(d.guid === null ? {} : { guid: String(d.guid) }),
          properties: d.volume ? { volsize: '1G' } : d.quota === undefined ? {} : { quota: d.quota },
        })),
        shares: r.shares.map((s) =>
          s.nfs
            ? {
                kind: 'nfs',
                name: s.name,
                dataset: 'tank',
                comment: s.comment,
                clients: [{ host: '10.0.0.0/8', access: 'ro' }, { host: '*' }],
              }
            : { kind: 'smb', name: s.name, dataset: 'tank', comment: s.comment, readOnly: s.readOnly, validUsers: s.users },
        ),
        schedules: [{ name: 'daily', dataset: 'tank', cron: '0 3 * * *', keep: { daily: 7 } }],
        replication: [
          { name: 'off-site', source: 'tank', target: { host: 'backup.example', user: 'zfs', dataset: 'store/tank' }, cron: '30 3 * * *' },
        ],
      }),
    )
    .filter((r) => r.success)
    .map((r) => r.data as DesiredState); // filtered just above

  test('is read back as it was', async () => {
    await fc.assert(
      fc.asyncProperty(state, async (s) => {
        expect(await parseState(await renderState(s))).toEqual({ ok: true, state: s });
      }),
      { numRuns: 100 },
    );
  });

  test('leaves out what goes without saying', async () => {
    const text = await renderState({ ...EMPTY_STATE, datasets: [{ name: 'tank/a', kind: 'filesystem', properties: {} }] });
    expect(text.split('\n').filter((l) => !l.startsWith('#'))).toEqual(['', 'version: 1', 'datasets:', '  - name: tank/a', '']);
  });
});

test('the JSON Schema knows every property', () => {
  const schema = JSON.stringify(stateJsonSchema());
  expect(schema).toContain('https://json-schema.org/draft/2020-12/schema');
  for (const name of PROPERTY_NAMES) expect(schema).toContain(`"${name}"`);
});
