/** The simulated Nix: a profile of systems, and the few commands that look at it or change it. A machine without one is no NixOS. */
import { PROFILE } from '../../domain/generation/generation.ts';
import { type Answer, done, failed, said } from './getopt.ts';
import type { SimModel, World } from './model.ts';
import type { Tool } from './words.ts';

export type SimGeneration = { number: number; path: string; at: number; packages: string[] };
export type SimNix = {
  generations: SimGeneration[];
  current: number;
  running: string;
  /** Numbers of those that have a boot entry, in the order in which they are tried. */
  entries: number[];
};

const FOLDER = PROFILE.slice(0, PROFILE.lastIndexOf('/'));
const hash = (text: string): string => {
  let h = 7n;
  for (const c of text) h = (h * 1_099_511_628_211n + BigInt(c.codePointAt(0) ?? 0)) & ((1n << 160n) - 1n);
  return h
    .toString(32)
    .replaceAll(/[eotu]/g, 'x')
    .padStart(32, '0')
    .slice(-32);
};
const storePath = (name: string): string => `/nix/store/${hash(name)}-${name}`;

/** A machine's history: each with a label, kernel and OpenZFS, and what else is in it. The newest runs. */
export const freshNix = (
  model: SimModel,
  systems: readonly { at: number; label: string; kernel: string; zfs: string; more: readonly string[] }[],
): SimNix => {
  const generations = systems.map(({ at, label, kernel, zfs, more }, i): SimGeneration => {
    const path = storePath(`nixos-system-nas-${label}`);
    model.texts[`${path}/nixos-version`] = label;
    model.texts[`${path}/etc/dplaneos/system.json`] = JSON.stringify({
      ...{ product: 'dplaneos', version: '0.1.0', index: i + 1, arch: 'x86_64' },
      ...{ kernel, zfs },
    });
    const packages = [`linux-${kernel}`, `zfs-user-${zfs}`, `zfs-kernel-${zfs}-${kernel}`, ...more].map(storePath);
    return { number: i + 1, path, at, packages: [path, ...packages] };
  });
  const last = generations.at(-1);
  return { generations, current: last?.number ?? 0, running: last?.path ?? '', entries: last ? [last.number] : [] };
};

export const find: Tool = (w, args) => {
  const nix = w.model.nix;
  if (nix === undefined || !args.includes(FOLDER)) return failed(`find: '${FOLDER}': No such file or directory\n`);
  const line = (path: string, at: number, to: string): string => `${path}\t${(at / 1000).toFixed(10)}\t${to}\n`;
  const newest = nix.generations.at(-1)?.at ?? 0;
  return said(
    [
      line(PROFILE, newest, `system-${nix.current}-link`),
      ...nix.generations.map((g) => line(`${PROFILE}-${g.number}-link`, g.at, g.path)),
      line('/run/current-system', newest, nix.running),
      line('/run/booted-system', newest, nix.running),
    ].join(''),
  );
};

export const nixStore: Tool = (w, args) => {
  const found = w.model.nix?.generations.find((g) => g.path === args.at(-1));
  if (args[0] === '--query') return found ? said(`${found.packages.join('\n')}\n`) : failed(`error: path '${args.at(-1)}' is not valid\n`);
  return args[0] === '--gc' ? said('0 store paths deleted, 0.00 MiB freed\n') : failed(`error: unrecognised flag '${args[0]}'\n`);
};

/** The command in a unit of its own: here it is simply run. */
export const systemdRun: Tool = (w, args) => {
  const at = args.findIndex((a) => !a.startsWith('-'));
  const [program = '', ...rest] = args.slice(at);
  if (program === 'nix-env') return nixEnv(w, rest);
  if (program === 'nix-store') return said('');
  if (program.endsWith('/bin/switch-to-configuration')) {
    const nix = w.model.nix;
    const found = nix?.generations.find((g) => program.startsWith(`${g.path}/`));
    if (nix === undefined || found === undefined) return failed(`Failed to find executable ${program}\n`);
    // as the hook keeps them: the new one, and the one that runs
    nix.entries = [
      found.number,
      ...nix.entries.filter((n) => n !== found.number && nix.generations.some((g) => g.number === n && g.path === nix.running)),
    ];
    return said('');
  }
  return failed(`Failed to find executable ${program}: No such file or directory\n`);
};

const nixEnv = (w: World, args: readonly string[]): Answer => {
  const nix = w.model.nix;
  if (nix === undefined || args[0] !== '--profile' || args[1] !== PROFILE) return failed('error: no such profile\n');
  const numbers = args.slice(3).map(Number);
  if (args[2] === '--switch-generation') {
    if (!nix.generations.some((g) => g.number === numbers[0])) return failed(`error: profile version ${numbers[0]} does not exist\n`);
    nix.current = numbers[0] ?? nix.current;
    return done();
  }
  if (args[2] === '--delete-generations') {
    if (numbers.includes(nix.current)) return failed(`error: cannot delete current version of profile '${PROFILE}'\n`);
    nix.generations = nix.generations.filter((g) => !numbers.includes(g.number));
    return done();
  }
  return failed('error: no operation specified\n');
};
