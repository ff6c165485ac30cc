/**
 * Generations for real, with Debian's Nix inside the machine: systems that Nix builds there, as a profile at its place; boot entries by the hook that
 * NixOS calls; started by the boot loader, counted and judged. Listed, compared, activated, gone back from, given up, deleted and collected through the
 * API, as anybody would. What NixOS itself does (building its own packages, switching what runs) is not in it.
 */
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { Generation, GenerationDiff } from '../../control/src/domain/generation/generation.ts';
import { KERNEL_OPTIONS } from '../../packages/debian/src/disk.ts';
import { repository } from '../../packages/debian/src/places.ts';
import { must } from '../../packages/lab/src/exec.ts';
import { uiAnswers } from '../../packages/lab/src/start.ts';
import type { Vm } from '../../packages/lab/src/vm.ts';
import { type Call, change, claim, logIn } from './api.ts';
import { installDebs } from './debs.ts';
import { hasFailed, inOrder } from './failures.ts';
import { type Lab, openLab } from './lab.ts';
import { history, restartInto, slots } from './slots-kit.ts';

inOrder();
const MINUTE = 60_000;
const PROFILE = '/nix/var/nix/profiles/system';
const PARTS = '/persist/parts';
let lab: Lab;
let nas: Vm;
let call: Call;

const Listed = z.object({ available: z.literal(true), unknown: z.string().nullable(), generations: z.array(Generation) });
const list = async (): Promise<Generation[]> => {
  const { unknown, generations } = Listed.parse(await call('GET', '/api/generations'));
  expect(unknown).toBeNull();
  return generations;
};
/** `3 chosen, 2 runs next, 1`, newest first. */
const inWords = async (): Promise<string> =>
  (await list()).map((g) => [g.number, ...(['current', 'running', 'next'] as const).filter((k) => g[k])].join(' ')).join(', ');
const at = async (number: number): Promise<Generation> => {
  const found = (await list()).find((g) => g.number === number);
  if (found === undefined) throw new Error(`no generation ${number}`);
  return found;
};
const exists = async (path: string): Promise<boolean> => (await nas.run(['test', '-e', path])).exit === 0;
const activate = (number: number) => call('POST', '/api/generations/activate', { number });
const preUpgrade = async (): Promise<string[]> => {
  const { rows } = z
    .object({ rows: z.array(z.object({ dataset: z.string(), tag: z.string() })) })
    .parse(await call('GET', '/api/nixos/pre-upgrade-snapshots'));
  return rows.map((r) => `${r.dataset}@${r.tag}`);
};
const audit = async (): Promise<string[]> => {
  const { entries } = z
    .object({ entries: z.array(z.object({ action: z.string(), outcome: z.string(), reason: z.string() })) })
    .parse(await call('GET', '/api/audit?limit=30'));
  return entries.map((e) => `${e.action} ${e.outcome}: ${e.reason}`);
};

/** What `nixos-rebuild` does: builds a system, and gives the profile its next generation. */
const build = async (number: number, broken = ''): Promise<void> => {
  // time enough on a machine that is emulated beside others; the one that never comes up need not take it
  const params = [...KERNEL_OPTIONS, broken === '' ? 'dplane.deadline=800' : 'dplane.deadline=150'].map((o) => `"${o}"`);
  const args = Object.entries({ number: String(number), parts: PARTS, broken }).flatMap(([key, value]) => ['--argstr', key, value]);
  const settings = 'NIX_CONFIG=sandbox = false\nsubstitute = false\nbuild-users-group =\nfilter-syscalls = false';
  const nix = ['env', settings];
  const argv = [...nix, 'nix-build', '--no-out-link', `${PARTS}/system.nix`, ...args, '--arg', 'params', `[ ${params.join(' ')} ]`];
  const system = (await nas.must(argv, { timeoutMs: 15 * MINUTE })).trim();
  await nas.must([...nix, 'nix-env', '--profile', PROFILE, '--set', system]);
};
/** Until the system runs that the boot loader chose, judged and accounted for. */
const settled = async (before: string | null): Promise<void> => {
  await nas.until('the machine has started again', 15 * MINUTE, async () => {
    const now = await nas.bootId();
    return now !== null && now !== before;
  });
  await nas.forgetSsh();
  await slots(nas);
  await uiAnswers(nas);
  call = await logIn(nas);
};
const restart = async (): Promise<void> => {
  const before = await nas.bootId();
  await call('POST', '/api/system/restart', { confirm: 'restart' });
  await settled(before);
};

beforeAll(async () => {
  lab = await openLab('generations');
  nas = await lab.machine();
  call = await claim(nas, (await nas.must(['cat', '/var/lib/dplane/claim-code'])).trim());
  const disks = [1, 2].map((n) => `/dev/disk/by-id/virtio-test-disk${n}`);
  await change(nas, call, [{ kind: 'pool.create', pool: { name: 'tank', vdevs: [{ kind: 'mirror', disks }] } }]);
}, 30 * MINUTE);
afterAll(() => lab.close(hasFailed()), 5 * MINUTE);

test(
  'a machine that is no NixOS says so',
  async () => {
    expect(await call('GET', '/api/generations')).toMatchObject({ available: false, why: expect.stringContaining('not NixOS') });
    await expect(activate(1)).rejects.toThrow(/not NixOS/);
  },
  MINUTE * 5,
);

test(
  'systems are built and chosen; what starts is what has a boot entry, which none of them has',
  async () => {
    // the image's initrd, and /nix among what it keeps: a second archive behind the first replaces its list
    const folder = lab.folder;
    const kept = await must(['grep', '-E', '^[df] /', join(repository, 'packages/persist.list')]);
    writeFileSync(join(folder, 'persist.list'), `${kept}d /nix\n`);
    await must(
      [
        'sh',
        '-ec',
        'zstd -dqc "$2" > both; echo persist.list | cpio --quiet -o -H newc -R 0:0 >> both; zstd -qf both -o initrd',
        'more',
        folder,
        join(lab.slot.folder, 'initrd'),
      ],
      { cwd: folder },
    );
    copyFileSync(join(lab.slot.folder, 'vmlinuz'), join(folder, 'vmlinuz'));
    copyFileSync(join(repository, 'tests/lab/nixos/system.nix'), join(folder, 'system.nix'));
    await must(['tar', '-C', folder, '-cf', join(folder, 'parts.tar'), 'vmlinuz', 'initrd', 'system.nix']);
    await nas.sh(`mkdir -p ${PARTS} /persist/nix /nix; mount --bind /persist/nix /nix; tar -C ${PARTS} -x`, {
      input: { file: join(folder, 'parts.tar') },
    });

    await installDebs(nas, ['nix-bin']);
    await build(1);
    await build(2);
    await build(3, 'yes');
    expect(await inWords()).toBe('3 current, 2, 1');
    expect((await at(1)).label).toBe('26.05.1');
    expect(await nas.must(['dplane', 'generations'])).toContain('Generation 3 was chosen, but another system starts next');
  },
  45 * MINUTE,
);

test(
  'an entry that cannot be written: told, and the old one is still what starts',
  async () => {
    const before = await nas.must(['sh', '-c', 'ls /boot/loader/entries /boot/dplane/*']);
    await nas.sh('dd if=/dev/zero of=/boot/fill bs=1M status=none || true; sync');
    await expect(activate(2)).rejects.toThrow(/boot entry was not written.*lacks/s);
    expect(await inWords()).toBe('3 current, 2, 1');
    await nas.must(['rm', '/boot/fill']);
    expect(await nas.must(['sh', '-c', 'ls /boot/loader/entries /boot/dplane/*'])).toBe(before);
    expect(await preUpgrade()).toHaveLength(1);
  },
  30 * MINUTE,
);

test(
  'activated: snapshots before, a counted entry, and it may not be deleted; the restart takes it, and it is confirmed like an update',
  async () => {
    const { path } = await at(2);
    const done = await activate(2);
    expect(done).toMatchObject({ number: 2, snapshots: [expect.stringMatching(/^tank@pre-upgrade-\d{8}-\d{6}$/)] });
    const [snapshot = ''] = z.object({ snapshots: z.array(z.string()) }).parse(done).snapshots;
    expect(await nas.must(['zfs', 'list', '-H', '-o', 'name', snapshot])).toBe(`${snapshot}\n`);
    expect((await preUpgrade())[0]).toBe(snapshot);
    expect(await inWords()).toBe('3, 2 current next, 1');
    expect(await nas.must(['ls', '/boot/loader/entries'])).toMatch(/^dplane-a-1\.conf\ndplane-a-2\+3\.conf\n$/);
    await expect(call('POST', '/api/generations/delete', { numbers: [2] })).rejects.toThrow(/it starts next/);
    expect(await exists(path)).toBe(true);
    expect(await call('GET', '/api/system/restart')).toMatchObject({ next: expect.stringMatching(/NixOS 26\.05\.2 .*is tried/) });
    await restart();
    expect(await inWords()).toBe('3, 2 current running next, 1');
    expect(await slots(nas)).toMatchObject({ running: 'a', slots: [{ state: 'confirmed' }, { state: 'empty' }] });
    expect(history(await nas.must(['cat', '/persist/ota/history.jsonl'])).map((e) => `${e.kind} ${e.entry}`)).toEqual([
      'staged 2',
      'confirmed 2',
    ]);
  },
  45 * MINUTE,
);

test(
  'compared by package, as the store has them; told in a terminal',
  async () => {
    const diff = GenerationDiff.parse(await call('GET', '/api/generations/compare?from=1&to=2'));
    expect(diff.packages).toEqual([
      { name: 'nixos-system-nas', before: ['26.05.1'], after: ['26.05.2'] },
      { name: 'only-in', before: ['1'], after: ['2'] },
      { name: 'zfs-user', before: ['2.3.1'], after: ['2.3.2'] },
    ]);
    expect(await nas.must(['dplane', 'generations'])).toMatch(/26\.05\.2 .*runs, starts next/);
    expect(await nas.must(['dplane', 'generations', 'compare', '1', '2'])).toMatch(/zfs-user +changed +2\.3\.1 +2\.3\.2/);
  },
  30 * MINUTE,
);

test(
  'the power goes between the profile and the boot entry: the old one starts, and what happened is told',
  async () => {
    await nas.must(['mkfifo', '/persist/hold']);
    const asked = call('POST', '/api/generations/rollback').catch(() => null);
    await nas.until('the profile is switched and the entry waits', 4 * MINUTE, async () => {
      const r = await nas.run(['systemctl', 'is-active', 'dplane-generation-entry.service']);
      return r.stdout.trim() === 'active';
    });
    expect(await nas.must(['readlink', PROFILE])).toBe('system-1-link\n');
    await nas.sh('rm /persist/hold; sync');
    await nas.cut();
    await asked;
    await nas.start();
    await settled(null);
    expect(await inWords()).toBe('3, 2 running next, 1 current');
    await nas.until('the interruption is told', 4 * MINUTE, async () =>
      (await audit()).some((l) => l.startsWith('generation.activate interrupted')),
    );
    expect((await audit()).find((l) => l.startsWith('generation.activate failed'))).toMatch(
      /boot entry was not written; generation 2 starts next/,
    );
    // again, and it is as if nothing had been
    await activate(1);
    expect(await inWords()).toBe('3, 2 running, 1 current next');
    await activate(2);
    expect(await inWords()).toBe('3, 2 current running next, 1');
  },
  45 * MINUTE,
);

test(
  'one whose control plane does not start is given up by itself; the list says so, and what it fell back on was kept',
  async () => {
    const before = await nas.bootId();
    await activate(3);
    await restartInto(nas);
    await nas.until('it was tried and given up', 30 * MINUTE, async () => {
      const [id, running, told] = [
        await nas.bootId(),
        await nas.ask(['readlink', '/run/current-system']),
        await nas.ask(['cat', '/persist/ota/history.jsonl']),
      ];
      return id !== before && running?.includes('26.05.2') === true && told?.includes('verdict-failed') === true;
    });
    await settled(before);
    expect(await inWords()).toBe('3 current, 2 running next, 1');
    const told = history(await nas.must(['cat', '/persist/ota/history.jsonl'])).slice(-3);
    expect(told.map((e) => e.kind)).toEqual(['staged', 'verdict-failed', 'reverted']);
    expect(told[2]?.reason).toMatch(/control plane|dplaned/);
    await nas.until('it is an alert', 4 * MINUTE, async () => {
      const { alerts } = z.object({ alerts: z.array(z.object({ kind: z.string() })) }).parse(await call('GET', '/api/alerts'));
      return alerts.some((a) => a.kind === 'update.reverted');
    });
    expect(await nas.must(['dplane', 'generations'])).toContain('Generation 3 was chosen, but generation 2 starts next');
  },
  60 * MINUTE,
);

test(
  'deleted: not the chosen one; then it, and what only it needed is collected',
  async () => {
    const [one, three] = [await at(1), await at(3)];
    await expect(call('POST', '/api/generations/delete', { numbers: [3] })).rejects.toThrow(/chosen/);
    await activate(2);
    const only = (await nas.sh(`readlink ${three.path}/sw/*-only-in-3`)).trim();
    expect(await call('POST', '/api/generations/delete', { numbers: [3, 1] })).toEqual({ deleted: [3, 1], collecting: true });
    await nas.until('the store is cleaned up', 10 * MINUTE, async () => !(await exists(three.path)) && !(await exists(one.path)));
    expect(await exists(only)).toBe(false);
    expect(await inWords()).toBe('2 current running next');
    expect(await exists((await at(2)).path)).toBe(true);
    await expect(call('POST', '/api/generations/rollback')).rejects.toThrow(/no older generation/);
  },
  20 * MINUTE,
);
