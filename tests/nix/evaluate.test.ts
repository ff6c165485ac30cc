/** The flake: its files parse, its lock is whole, its modules evaluate, with our small lib and with nixpkgs' own where that is at hand. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { repository } from '../../packages/debian/src/places.ts';
import { run } from '../../packages/lab/src/exec.ts';
import { repositoryFiles } from '../repo/files.ts';
import { LIB, notRun, references, startNix, withoutReferences } from './nix.ts';

const nix = await startNix('the flake and its modules');
afterAll(() => nix?.remove());
const withNix = test.skipIf(nix === null);
const start = () => nix as NonNullable<typeof nix>;

const HOSTS = ['appliance', 'appliance-aarch64', 'example', 'vm'] as const;
const viewOf = (host: string): string => `view h.flake.nixosConfigurations.${host}`;
const nixFiles = repositoryFiles(repository).filter((path) => path.endsWith('.nix'));

withNix('every file parses, and one that does not is found', async () => {
  expect(nixFiles.length).toBeGreaterThan(30);
  const good = await start().run(['nix-instantiate', '--parse', ...nixFiles]);
  expect(good.exit, good.stderr).toBe(0);
  const folder = mkdtempSync(join(tmpdir(), 'dplane-parse-'));
  writeFileSync(join(folder, 'broken.nix'), '{ a = ; }');
  const broken = await start().run(['nix-instantiate', '--parse', join(folder, 'broken.nix')]);
  rmSync(folder, { recursive: true });
  expect(broken.exit).not.toBe(0);
});

const Lock = z.object({
  version: z.literal(7),
  root: z.literal('root'),
  nodes: z.record(
    z.string(),
    z.object({
      inputs: z.record(z.string(), z.union([z.string(), z.array(z.string())])).optional(),
      locked: z
        .object({
          type: z.literal('github'),
          rev: z.string().regex(/^[0-9a-f]{40}$/),
          narHash: z.string().regex(/^sha256-[A-Za-z0-9+/]{43}=$/),
          lastModified: z.int().positive(),
        })
        .optional(),
    }),
  ),
});

test('the lock file has three inputs, each pinned by revision and hash', () => {
  const lock = Lock.parse(JSON.parse(readFileSync(join(repository, 'flake.lock'), 'utf8')));
  expect(Object.keys(lock.nodes).sort()).toEqual(['disko', 'impermanence', 'nixpkgs', 'root']);
  for (const [name, node] of Object.entries(lock.nodes)) {
    expect(node.locked !== undefined, name).toBe(name !== 'root');
    for (const input of Object.values(node.inputs ?? {}))
      for (const name of [input].flat()) expect(Object.keys(lock.nodes)).toContain(name);
  }
});

withNix('Nix takes the lock as it is, without a network, and refuses one with an input missing', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'dplane-flake-'));
  try {
    for (const path of nixFiles.concat('flake.lock')) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      cpSync(join(repository, path), join(folder, path));
    }
    const argv = ['nix', 'flake', 'metadata', '--offline', '--no-update-lock-file', '--json', `path:${folder}`];
    const taken = await start().run(argv);
    expect(taken.exit, taken.stderr).toBe(0);
    expect(taken.stderr).not.toMatch(/lock file .* needs|would be/);
    const lock = JSON.parse(readFileSync(join(folder, 'flake.lock'), 'utf8'));
    delete lock.nodes.disko;
    delete lock.nodes.root.inputs.disko;
    writeFileSync(join(folder, 'flake.lock'), JSON.stringify(lock));
    const lacking = await start().run(argv);
    expect(lacking.exit).not.toBe(0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const View = z.object({
  services: z.record(z.string(), z.unknown()),
  etc: z.record(z.string(), z.object({ enable: z.boolean() })),
  persistence: z.record(z.string(), z.object({ directories: z.array(z.object({ directory: z.string() })), files: z.array(z.string()) })),
  users: z.record(z.string(), z.object({ uid: z.int().nullable() })),
  fileSystems: z.record(z.string(), z.object({ device: z.string().nullable(), fsType: z.string(), neededForBoot: z.boolean() })),
  boot: z.object({ kernel: z.string(), zfs: z.string(), module: z.string(), forceImportAll: z.boolean(), forceImportRoot: z.boolean() }),
  ssh: z.object({ settings: z.record(z.string(), z.unknown()) }),
  samba: z.object({ package: z.object({ path: z.string() }) }),
  discovery: z.unknown(),
  firewall: z.object({ enable: z.boolean(), allowedTCPPorts: z.array(z.int()), nftables: z.boolean() }),
});

withNix.for(HOSTS)('%s evaluates, every value of it', async (host) => {
  const view = View.parse(await start().evaluate(viewOf(host)));
  expect(view.boot).toMatchObject({ forceImportAll: false, forceImportRoot: false });
  expect(view.boot.kernel).toMatch(/^6\.12\./);
  expect(view.boot.zfs).toMatch(/^2\.3\./);
  expect(view.boot.module).toBe(view.boot.zfs);
  expect(view.fileSystems['/']).toMatchObject({ fsType: 'tmpfs' });
  expect(view.fileSystems['/nix']).toMatchObject({ device: '/dev/dplane/slot', neededForBoot: true });
  expect(view.fileSystems['/persist']).toMatchObject({ device: '/dev/disk/by-partlabel/persist', neededForBoot: true });
  expect(view.users.dplane).toMatchObject({ uid: 830 });
  expect(view.ssh.settings).toMatchObject({ PermitRootLogin: 'no', PasswordAuthentication: false, KbdInteractiveAuthentication: false });
  expect(view.firewall).toEqual({ enable: true, allowedTCPPorts: [8443, 445, 2049], nftables: true });
  expect(view.etc).toHaveProperty(['dplaneos/system.json']);
  // listed by macOS and Windows: Samba tells Avahi itself, so it has to be one that can
  expect(view.samba.package.path).toContain('enableMDNS');
  expect(view.discovery).toEqual({
    avahi: { enable: true, openFirewall: true, publish: { enable: true, userServices: true } },
    wsdd: { enable: true, openFirewall: true },
  });
});

withNix('what survives a restart is the list that the Debian image reads', async () => {
  const [appliance, example] = [
    View.parse(await start().evaluate(viewOf('appliance'))),
    View.parse(await start().evaluate(viewOf('example'))),
  ];
  const lines = readFileSync(join(repository, 'packages/persist.list'), 'utf8')
    .split('\n')
    .filter((line) => /^[df] /.test(line));
  const kept = (view: z.infer<typeof View>): string[] => [
    ...(view.persistence['/persist']?.directories.map((d) => `d ${d.directory}`) ?? []),
    ...(view.persistence['/persist']?.files.map((f) => `f ${f}`) ?? []),
  ];
  expect(kept(appliance)).toEqual(expect.arrayContaining(lines));
  // one with an id in its configuration needs no file for it
  expect(kept(example)).toEqual(expect.arrayContaining(lines.filter((line) => line !== 'f /etc/hostid')));
  expect(kept(example)).not.toContain('f /etc/hostid');
});

withNix('packages, apps, checks and shells evaluate, for both processors', async () => {
  const of = (system: string): string =>
    `{ packages = builtins.mapAttrs (_: p: p.outPath) h.flake.packages.${system};
       texts = builtins.mapAttrs (_: p: p.text or "") h.flake.packages.${system};
       apps = builtins.mapAttrs (_: a: a.program) h.flake.apps.${system};
       checks = builtins.mapAttrs (_: c: c.outPath) h.flake.checks.${system};
       scripts = builtins.mapAttrs (_: c: c.test.testScript or c.text) h.flake.checks.${system};
       shell = h.flake.devShells.${system}.default.outPath; formatter = h.flake.formatter.${system}.outPath; }`;
  for (const system of ['x86_64-linux', 'aarch64-linux']) {
    const found = z
      .object({
        packages: z.record(z.string(), z.string()),
        apps: z.record(z.string(), z.string()),
        checks: z.record(z.string(), z.string()),
      })
      .parse(await start().evaluate(of(system)));
    expect(Object.keys(found.packages)).toEqual(expect.arrayContaining(['control', 'ui', 'ota', 'image', 'bundle', 'installer']));
    expect(Object.keys(found.apps)).toEqual(['flash', 'ota', 'release', 'vm']);
    expect(Object.keys(found.checks)).toEqual(['boot-and-claim', 'options', 'rebuild', 'units', 'update-and-revert']);
  }
  // the machines of the VM tests are systems like any other
  const nodes = `builtins.mapAttrs (_: c: builtins.mapAttrs (_: node: view (h.nixosSystem { modules = [ node { nixpkgs.hostPlatform = "x86_64-linux"; } ]; })) (c.test.nodes or { })) h.flake.checks.x86_64-linux`;
  expect(await start().evaluate(nodes)).toHaveProperty(['boot-and-claim', 'nas', 'services', 'dplaned']);
  expect(await start().evaluate('builtins.attrNames h.flake.nixosModules')).toEqual(['appliance', 'default']);
});

withNix("the template is a whole machine of somebody's own, in 15 lines, and `nix flake init` writes it without a network", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'dplane-template-'));
  try {
    const [flake, own] = [join(folder, 'dplaneos'), join(folder, 'own')];
    for (const path of nixFiles.concat('flake.lock')) {
      mkdirSync(dirname(join(flake, path)), { recursive: true });
      cpSync(join(repository, path), join(flake, path));
    }
    mkdirSync(own);
    const r = await start().run(['nix', 'flake', 'init', '--offline', '-t', `path:${flake}`], { cwd: own });
    expect(r.exit, r.stderr).toBe(0);
    const written = ['flake.nix', 'nas.nix'].map((name) => readFileSync(join(own, name), 'utf8'));
    expect(written).toEqual(['flake.nix', 'nas.nix'].map((name) => readFileSync(join(repository, 'hosts/template', name), 'utf8')));
    expect(written.join('').split('\n').length - 1).toBeLessThanOrEqual(15);
  } finally {
    rmSync(folder, { recursive: true });
  }
  const system = `(h.flake.lib.hosts { nas = ${repository}/hosts/template/nas.nix; }).nas`;
  expect(await start().evaluate(`(view ${system}).hostName`)).toBe('nas');
});

withNix('the state that the example declares is one that the product takes, and a misspelt one is not', async () => {
  const state = await start().evaluate('h.flake.nixosConfigurations.example.config.services.dplaneos.state');
  const folder = mkdtempSync(join(tmpdir(), 'dplane-state-'));
  const check = async (value: object): Promise<{ exit: number | null; stderr: string }> => {
    writeFileSync(join(folder, 'state.json'), JSON.stringify({ version: 1, ...value }));
    return run([process.execPath, join(repository, 'control/src/state-main.ts'), join(folder, 'state.json')], { timeoutMs: 60_000 });
  };
  const declared = z
    .looseObject({ pools: z.array(z.unknown()), shares: z.array(z.unknown()), replication: z.array(z.unknown()) })
    .parse(state);
  expect([declared.pools.length, declared.shares.length, declared.replication.length]).toEqual([1, 3, 1]);
  expect(await check(declared)).toMatchObject({ exit: 0, stderr: '' });
  const wrong = await check({ ...declared, share: [] });
  expect(wrong.exit).toBe(1);
  expect(wrong.stderr).toMatch(/state\.json:1:\d+: .*share/);
  rmSync(folder, { recursive: true });
});

/** Options that are lists of names are sets: their order is that in which modules were read. */
const unordered = (v: unknown): unknown =>
  Array.isArray(v)
    ? v.map(unordered).sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)))
    : typeof v === 'object' && v !== null
      ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, unordered(x)]))
      : v;

withNix.for(HOSTS)("%s: nixpkgs' own lib comes to the same, and the modules of the inputs take it", async (host, { skip }) => {
  if (references === null) {
    notRun(`${host} with nixpkgs' lib`, withoutReferences);
    skip();
  }
  const small = await start().evaluate(viewOf(host));
  expect(unordered(await start().evaluate(viewOf(host), { real: 'lib' }))).toEqual(unordered(small));
  const whole = View.parse(await start().evaluate(viewOf(host), { real: 'inputs' }));
  expect(Object.keys(whole.services)).toContain('persist-persist-etc-machine-id');
});

withNix('each option that may be set names the file that declares it', async () => {
  const Files = z.record(z.string(), z.record(z.string(), z.string().regex(/^[a-z0-9-]+(\/[a-z0-9.-]+)*\.nix$/)));
  const declared = Files.parse(await start().evaluate('h.declared'));
  expect(Object.keys(declared).sort()).toEqual(['disko', 'impermanence', 'nixpkgs']);
  expect(Object.keys(declared.nixpkgs ?? {}).length).toBeGreaterThan(60);
});

withNix('copies of the inputs declare the options where the list says so', async ({ skip }) => {
  if (references === null) {
    notRun('the option list beside the inputs', withoutReferences);
    skip();
  }
  const Answer = z.object({ checked: z.array(z.string()), wrong: z.array(z.string()), unseen: z.array(z.string()) });
  const against = async (folder: string) =>
    Answer.parse(
      JSON.parse(
        (
          await start().run([
            'nix-instantiate',
            '--eval',
            '--strict',
            '--json',
            '-E',
            `import ${LIB}/declared.nix { references = "${folder}"; }`,
          ])
        ).stdout,
      ),
    );
  const { checked, wrong, unseen } = await against(references ?? '');
  expect(wrong).toEqual([]);
  expect(checked).toEqual(expect.arrayContaining(['disko.devices', 'disko.enableConfig', 'environment.persistence']));
  if (unseen.length > 0)
    notRun(
      `${unseen.length} of ${unseen.length + checked.length} options beside nixpkgs`,
      'no copy of nixpkgs is at hand; `nix flake check` does it',
    );

  // a tree of the same shape, in which one file declares something else, and another one what it should
  const tree = mkdtempSync(join(tmpdir(), 'dplane-nixpkgs-'));
  for (const name of ['nixpkgs.lib', 'disko', 'impermanence']) symlinkSync(join(references ?? '', name), join(tree, name));
  for (const [file, text] of [
    ['config/zram.nix', '{ lib, ... }: { options.zramSwap.enabled = lib.mkEnableOption "it"; }'],
    ['misc/documentation.nix', '{ config, lib, pkgs, baseModules, ... }: { options.documentation.enable = lib.mkEnableOption "it"; }'],
  ] as const) {
    const at = join(tree, 'nixpkgs/nixos/modules', file);
    mkdirSync(dirname(at), { recursive: true });
    writeFileSync(at, text);
  }
  const made = await against(tree);
  rmSync(tree, { recursive: true });
  expect(made.wrong).toEqual(['zramSwap.enable is not declared in config/zram.nix']);
  expect(made.checked).toContain('documentation.enable');
});

withNix('the check that holds the list to nixpkgs finds what does not exist, and what another file declares', async ({ skip }) => {
  if (references === null) {
    notRun('the check of the option list', withoutReferences);
    skip();
  }
  // with nixpkgs' own module system, which knows where an option comes from
  const check = (declared: string) =>
    `(import ${repository}/tests/nix/vm/options.nix { inherit (h) lib pkgs; systems = [ h.flake.nixosConfigurations.appliance ]; declared.nixpkgs = ${declared}; }).outPath`;
  expect(await start().evaluate(check('{ "zramSwap.enable" = "config/zram.nix"; }'), { real: 'lib' })).toMatch(/options-exist/);
  for (const [declared, words] of [
    ['{ "zramSwap.enabled" = "config/zram.nix"; }', /zramSwap\.enabled does not exist/],
    ['{ "zramSwap.enable" = "config/swap.nix"; }', /zramSwap\.enable is declared in .*config\/zram\.nix, not in config\/swap\.nix/],
  ] as const)
    await expect(start().evaluate(check(declared), { real: 'lib' })).rejects.toThrow(words);
});
