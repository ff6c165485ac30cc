/**
 * The system profile of NixOS: which generations there are, what is in each, and the argv that change them. Reading needs no root. What starts next is
 * asked of the boot entries, as the updater tells them, and not of the profile: a power cut may come between the two, and a start may be given up.
 */
import { type Generation, type Generations, PROFILE, StorePath } from '../../domain/generation/generation.ts';
import { type Result, ok, refuse } from '../../domain/refusal.ts';
import type { Host } from '../host.ts';
import { hasSlots, readStatus } from '../ota/files.ts';

const FOLDER = PROFILE.slice(0, PROFILE.lastIndexOf('/'));
const READ_MS = 20_000;
const CLOSURE_MS = 60_000;

/** One process says it all: the links of the profile, the system that runs and the one that was started. */
export const linksArgv = (): string[] => [
  ...['find', FOLDER, '/run', '-maxdepth', '1', '-type', 'l'],
  ...['(', '-name', 'system', '-o', '-name', 'system-*-link', '-o', '-name', 'current-system', '-o', '-name', 'booted-system', ')'],
  ...['-printf', '%p\\t%T@\\t%l\\n'],
];
export const closureArgv = (path: string): string[] => ['nix-store', '--query', '--requisites', path];

/**
 * Changes run as a unit of their own: Nix wants a root without the executor's fences, and neither a restart of this process nor a
 * time limit may leave a profile and its boot entry at odds.
 */
const asUnit = (name: string, ...argv: string[]): string[] => [
  ...['systemd-run', '--quiet', '--collect', '--wait', '--pipe', '--service-type=exec', `--unit=dplane-${name}`],
  ...argv,
];
export const switchProfileArgv = (number: number): string[] =>
  asUnit('generation', 'nix-env', '--profile', PROFILE, '--switch-generation', String(number));
/** Writes the boot entry, and touches nothing that runs. */
export const bootEntryArgv = (path: string): string[] => asUnit('generation-entry', `${path}/bin/switch-to-configuration`, 'boot');
export const deleteArgv = (numbers: readonly number[]): string[] =>
  asUnit('generation', 'nix-env', '--profile', PROFILE, '--delete-generations', ...numbers.map(String));
/** Not waited for: it may take minutes, and what it frees is seen when it is free. */
export const collectArgv = (): string[] => [
  ...['systemd-run', '--quiet', '--collect', '--no-block', '--unit=dplane-collect-garbage'],
  ...['nix-store', '--gc'],
];

const NOT_NIXOS = {
  why: 'this machine has no generations: it is not NixOS',
  todo: 'elsewhere the packages of the distribution are updated, and the image has its two slots',
};

const SystemFile = /"kernel":"([^"]{1,64})".*"zfs":"([^"]{1,64})"/;

type Entries = { kind: 'own' } | { kind: 'known'; starts: readonly string[]; next: string | null } | { kind: 'unknown'; why: string };
/** On a machine without slots the boot loader of NixOS follows the profile. */
const bootEntries = async (host: Host): Promise<Entries> => {
  const status = await readStatus(host);
  if (!status.ok) return { kind: 'unknown', why: status.refusal.why };
  if (status.value?.available) {
    const [next = null] = status.value.starts;
    return { kind: 'known', starts: status.value.starts.flatMap((s) => s ?? []), next };
  }
  if (!(await hasSlots(host))) return { kind: 'own' };
  return { kind: 'unknown', why: status.value?.why ?? 'the updater has not said yet which boot entries there are' };
};

export const readGenerations = async (host: Host, now: number): Promise<Result<Generations>> => {
  const r = await host.run(linksArgv(), { timeoutMs: READ_MS, maxOutput: 1024 * 1024 });
  if (r.failure !== null && r.failure !== 'missing')
    return refuse('unavailable', 'reading the generations', `find: ${r.failure}`, 'try again');
  const links = new Map<string, { at: number; to: string }>();
  for (const line of r.stdout.split('\n')) {
    const [path, time, to] = line.split('\t');
    if (path !== undefined && time !== undefined && to !== undefined) links.set(path, { at: Math.round(Number(time) * 1000), to });
  }
  const profile = links.get(PROFILE);
  // on other systems there is no such folder; find says so, and what it found in /run is nothing of ours
  if (profile === undefined) return ok({ available: false, at: now, ...NOT_NIXOS });
  const current = profile.to.replace(/^.*\//, '');
  const [running, booted] = ['/run/current-system', '/run/booted-system'].map((path) => links.get(path)?.to);

  const entries = await bootEntries(host);
  const generations: Generation[] = [];
  for (const [path, { at, to }] of links) {
    const number = /\/system-([1-9][0-9]{0,5})-link$/.exec(path)?.[1];
    if (number === undefined) continue;
    if (!StorePath.safeParse(to).success)
      return refuse(
        'failed',
        `reading ${path}`,
        `it leads to ${to.slice(0, 200)}, which is no path of the store`,
        'look at it on the machine',
      );
    const [label, system] = await Promise.all(['nixos-version', 'etc/dplaneos/system.json'].map((name) => textOf(host, `${to}/${name}`)));
    const found = SystemFile.exec(system ?? '');
    const stands = path.endsWith(`/${current}`);
    const init = `${to}/init`;
    generations.push({
      ...{ number: Number(number), path: to, createdAt: at, label: label?.trim().slice(0, 200) || null },
      ...{ kernel: found?.[1] ?? null, zfs: found?.[2] ?? null },
      ...{ current: stands, running: to === running, booted: to === booted },
      ...{ next: entries.kind === 'known' ? entries.next === init : entries.kind === 'own' && stands },
      entry: entries.kind === 'known' && entries.starts.includes(init),
    });
  }
  const unknown = entries.kind === 'unknown' ? entries.why : null;
  return ok({ available: true, at: now, generations: generations.sort((a, b) => b.number - a.number), unknown });
};

/** A generation that doesn't say is none the less a generation. */
const textOf = (host: Host, path: string): Promise<string | null> => host.readText(path).catch(() => null);

export const readClosure = async (host: Host, path: string): Promise<Result<string[]>> => {
  const r = await host.run(closureArgv(path), { timeoutMs: CLOSURE_MS });
  if (r.failure === null && r.exit === 0) return ok(r.stdout.split('\n').filter((line) => line !== ''));
  return refuse(
    'unavailable',
    `what is in ${path}`,
    `nix-store: ${(r.failure ?? r.stderr.trim()).slice(0, 300)}`,
    'look at it on the machine',
  );
};
