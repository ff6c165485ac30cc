/** No operation destroys a pool: neither the vocabulary nor any code that builds an argv knows how. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Operation } from '../../domain/operation/operation.ts';

const SOURCE = join(import.meta.dirname, '..', '..');
/** The simulated host answers like the real tool, so it has to know the word. */
const NOT_SENT = /[\\/]host[\\/](sim|fixtures)[\\/]|\.test\.ts$/;
/** The one that erases what an approval names. */
const ERASES = /[\\/]change[\\/]erase\.ts$/;
const sources = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => join(SOURCE, name))
  .filter((path) => !NOT_SENT.test(path));

/** Text of each argv literal that begins with the tool: from `'zpool'` to the end of that list. */
const argvs = (text: string, tool: string): string[] =>
  [...text.matchAll(new RegExp(`\\[\\s*['"\`]${tool}['"\`][^\\]]*`, 'g'))].map((m) => m[0]);

test('the vocabulary has no such operation', () => {
  const kinds = Operation.options.map((o) => o.shape.kind.value);
  expect(kinds).toContain('dataset.destroy');
  expect(kinds.filter((k) => k.startsWith('pool.'))).toEqual([
    'pool.create',
    'pool.set',
    'pool.scrub',
    'pool.replace',
    'pool.attach',
    'pool.detach',
    'pool.online',
    'pool.offline',
    'pool.reopen',
    'pool.clear',
    'pool.add',
    'pool.remove',
    'pool.trim',
    'pool.keep',
    'pool.scan',
    'pool.events',
    'pool.import',
    'pool.export',
    'pool.checkpoint',
    'pool.upgrade',
    'pool.forget',
    'pool.gate',
    'pool.beat',
    'pool.fail',
    'pool.reserve',
  ]);
  expect(kinds.filter((k) => k.startsWith('disk.'))).toEqual(['disk.smart', 'disk.test', 'disk.erase']);
});

test('no operation touches a key for updates, and no source calls what does', () => {
  const kinds = Operation.options.map((o) => o.shape.kind.value);
  expect(kinds.filter((k) => k.startsWith('update.') || k.startsWith('system.'))).toEqual([
    'update.apply',
    'update.cancel',
    'update.rollback',
    'update.confirm',
    'system.restart',
  ]);
  const verbs = sources.flatMap((path) => argvs(readFileSync(path, 'utf8'), 'dplane-ota')).map((argv) => /,\s*'([a-z-]+)'/.exec(argv)?.[1]);
  expect(verbs.sort()).toEqual(['inspect', 'mark-good', 'rollback']);
});

test('no source builds an argv that could', () => {
  const found = sources.flatMap((path) => argvs(readFileSync(path, 'utf8'), 'zpool').map((argv) => ({ path, argv })));
  expect(found.length).toBeGreaterThan(5);
  for (const { path, argv } of found) {
    // the subcommand is a literal: nothing that comes in can choose it
    const verb = /^\[\s*'zpool',\s*'([a-z]+)'/.exec(argv)?.[1];
    expect(verb, `${path}: ${argv}`).toMatch(
      /^(create|get|set|scrub|status|list|version|import|events|iostat|replace|attach|detach|online|offline|reopen|clear|add|remove|trim|export|checkpoint|upgrade)$/,
    );
    if (verb === 'import') expect(argv).not.toContain('-D');
    expect(argv, path).not.toMatch(/['"]-f['"]/);
  }
  for (const path of sources)
    if (!ERASES.test(path))
      expect(readFileSync(path, 'utf8'), path).not.toMatch(/['"`]zpool destroy|['"`]labelclear|['"`]wipefs|['"`]blkdiscard/);
  // force is for one thing in one place: a pool that another machine had last, and an approval for it
  const forced = sources.filter((path) => {
    const text = readFileSync(path, 'utf8');
    return /['"]zpool['"]/.test(text) && /['"]-f['"]/.test(text);
  });
  expect(forced.map((path) => path.split('/').slice(-2).join('/'))).toEqual(['change/portable.ts']);
  // and that one waits for an approval, looks whose the disk is, and forces nothing
  const erase = sources.filter((path) => ERASES.test(path)).map((path) => readFileSync(path, 'utf8'));
  expect(erase).toHaveLength(1);
  expect(erase[0]).toMatch(/approval === null[\s\S]*disk\.system[\s\S]*disk\.pool !== null[\s\S]*'wipefs', '--all', '--quiet', path\]/);
});

test('no argv destroys more than it names: -r, -R and -f are never passed to zfs destroy', () => {
  const found = sources.flatMap((path) => argvs(readFileSync(path, 'utf8'), 'zfs').map((argv) => ({ path, argv })));
  const destroys = found.filter(({ argv }) => argv.includes("'destroy'"));
  expect(destroys.length).toBeGreaterThan(2);
  // -nvp only tells what would be
  for (const { path, argv } of destroys) expect(argv.replace("'-nvp'", ''), path).not.toMatch(/'-[a-zA-Z]+'/);
});

test('the check would notice one', () => {
  expect(argvs("run(['zpool', 'destroy', name])", 'zpool')).toEqual(["['zpool', 'destroy', name"]);
  expect(argvs("run([\n  'zfs',\n  'destroy', '-r', name])", 'zfs')).toEqual(["[\n  'zfs',\n  'destroy', '-r', name"]);
});
