/**
 * The generation manager on a real Nix: a profile at its real place (in a mount namespace), three systems made of small derivations; listed, compared,
 * activated, rolled back, deleted and garbage-collected by the very code that the executor runs, with the real hook on a pretended boot partition.
 * systemd, a boot loader and starts are in tests/lab/generations.test.ts.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { repository } from '../../packages/debian/src/places.ts';
import { run } from '../../packages/lab/src/exec.ts';
import { notRun } from './nix.ts';

const folder = mkdtempSync(join(tmpdir(), 'dplane-generations-'));
afterAll(() => rmSync(folder, { recursive: true }));

const unshare = ['unshare', '--mount', '--propagation', 'private'];
const whyNot = async (): Promise<string | null> => {
  if (process.getuid?.() !== 0) return 'it takes root for a mount namespace with a /nix of its own';
  // not by starting it: as root it would make a /nix
  if (!existsSync('/usr/bin/nix-env')) return 'Nix is not installed (Debian: nix-bin)';
  return (await run([...unshare, 'true'])).exit === 0 ? null : 'this machine allows no mount namespaces';
};
const why = await whyNot();
if (why !== null) notRun('the generation manager on a real Nix', why);
const withNix = test.skipIf(why !== null);

const Line = z.object({ step: z.string(), value: z.unknown() });
const story = new Map<string, unknown>();
beforeAll(async () => {
  if (why !== null) return;
  const argv = [...unshare, join(repository, 'tests/nix/generations.sh'), folder, process.execPath];
  const r = await run([...argv, join(repository, 'tests/nix/generations-story.ts')], { timeoutMs: 120_000 });
  if (r.exit !== 0) throw new Error(`${r.stdout}\n${r.stderr}`.slice(-3000));
  for (const line of r.stdout.trim().split('\n')) {
    const { step, value } = Line.parse(JSON.parse(line));
    story.set(step, value);
  }
});

const generation = (number: number, more: { current?: boolean; running?: boolean; next?: boolean } = {}) => ({
  ...{ number, label: `26.05.${number}`, zfs: `2.3.${number}`, current: false, running: false, next: false },
  ...more,
});

withNix('listed, newest first, with what each says of itself', () => {
  expect(story.get('list')).toEqual([generation(3, { current: true, running: true, next: true }), generation(2), generation(1)]);
});

withNix('compared: the packages whose version differs, and no others', () => {
  const packages = z.array(z.looseObject({ name: z.string() })).parse(story.get('compare'));
  expect(packages).toContainEqual({ name: 'zfs-user', before: ['2.3.2'], after: ['2.3.3'] });
  expect(packages.map((p) => p.name)).not.toContain('samba');
});

withNix('activated: the profile and the boot entry, and nothing that runs', () => {
  expect(story.get('activate')).toMatchObject({ ok: true, value: { number: 2 } });
  expect(story.get('activated')).toEqual({
    list: [generation(3, { running: true }), generation(2, { current: true, next: true }), generation(1)],
    switched: true,
  });
});

withNix('refused: another system under the number', () => {
  expect(story.get('wrong path')).toMatchObject({ ok: false, refusal: { code: 'conflict' } });
});

withNix('a boot entry that is not written puts the profile back', () => {
  expect(story.get('no boot entry')).toMatchObject({
    ok: false,
    refusal: { why: expect.stringMatching(/lacks 12 MB; generation 2 starts next, as before/) },
  });
  expect(story.get('put back')).toEqual([generation(3, { running: true }), generation(2, { current: true, next: true }), generation(1)]);
});

withNix('the power goes between profile and boot entry: what starts is what has the entry; it can be done again', () => {
  expect(story.get('cut')).toEqual([generation(3, { running: true }), generation(2, { next: true }), generation(1, { current: true })]);
  expect(story.get('delete what was chosen')).toMatchObject({
    ok: false,
    refusal: { why: expect.stringContaining('it is the one that was chosen') },
  });
  expect(story.get('again')).toMatchObject({ ok: true });
  expect(story.get('done')).toEqual([generation(3, { running: true }), generation(2), generation(1, { current: true, next: true })]);
  // what runs, and the new one
  expect(story.get('entries')).toEqual(['dplane-a-7.conf', 'dplane-a-8+3.conf']);
  expect(story.get('back to two')).toMatchObject({ ok: true });
});

withNix('what a boot entry starts is not collected, whoever deletes its generation', () => {
  expect(story.get('collected')).toEqual({ listed: [2], three: true });
});

withNix('deleted, and what only it needed is gone from the store; what runs is kept', () => {
  expect(story.get('delete the one that runs')).toMatchObject({ ok: false, refusal: { code: 'blocked' } });
  expect(story.get('delete')).toMatchObject({ ok: true, value: { deleted: [1], collecting: true } });
  expect(story.get('deleted')).toEqual({
    list: [generation(3, { running: true }), generation(2, { current: true, next: true })],
    path: false,
    others: true,
  });
});

withNix('and back to the one that runs', () => {
  expect(story.get('activate back')).toMatchObject({ ok: true, value: { number: 3 } });
  expect(story.get('end')).toEqual([generation(3, { current: true, running: true, next: true }), generation(2)]);
});
