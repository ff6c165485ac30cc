/**
 * Generations of NixOS: the systems that a profile keeps, each one bootable. A generation's identity is its store path; the number is where it
 * stands. Activating one makes it start next, counted and judged like an update (docs/adr/0006-slots.md); nothing is switched beneath running services.
 */
import { z } from 'zod';
import { Millis } from '../names.ts';

export const PROFILE = '/nix/var/nix/profiles/system';
export const MAX_DELETED = 200;

export const GenerationNumber = z.number().int().min(1).max(999_999);
export const StorePath = z
  .string()
  .regex(/^\/nix\/store\/[0-9a-z]{32}-[A-Za-z0-9+._?=-]{1,211}$/, 'expected a path such as /nix/store/...-nixos-system-nas');
/** Number and identity: what an operation names, so that another system under the same number is never taken for it. */
export const GenerationRef = z.strictObject({ number: GenerationNumber, path: StorePath });
export type GenerationRef = z.infer<typeof GenerationRef>;

export const Generation = z.object({
  number: GenerationNumber,
  path: StorePath,
  createdAt: Millis,
  /** What NixOS calls it; null when it doesn't say. */
  label: z.string().nullable(),
  kernel: z.string().nullable(),
  zfs: z.string().nullable(),
  /** The profile stands here: somebody chose it. Whether it starts next is the boot loader's matter. */
  current: z.boolean(),
  /** The boot loader takes it at the next start. */
  next: z.boolean(),
  /** There is a boot entry for it: next, or what a start that fails falls back on. */
  entry: z.boolean(),
  /** It runs now. */
  running: z.boolean(),
  /** The machine started with it. */
  booted: z.boolean(),
});
export type Generation = z.infer<typeof Generation>;

export const Generations = z.discriminatedUnion('available', [
  z.object({ available: z.literal(false), at: Millis, why: z.string(), todo: z.string() }),
  z.object({
    available: z.literal(true),
    at: Millis,
    /** Newest first. */
    generations: z.array(Generation),
    /** Why nobody can say now which of them starts next; null when it is known. */
    unknown: z.string().nullable(),
  }),
]);
export type Generations = z.infer<typeof Generations>;

export const PackageChange = z.object({
  name: z.string(),
  /** Versions; an empty list where it isn't. */
  before: z.array(z.string()),
  after: z.array(z.string()),
});
export type PackageChange = z.infer<typeof PackageChange>;
export const GenerationDiff = z.object({ from: GenerationNumber, to: GenerationNumber, packages: z.array(PackageChange) });
export type GenerationDiff = z.infer<typeof GenerationDiff>;

/** Why it can't be made the one that starts next; null when it can. */
export const whyNoActivate = (g: Generation): string | null =>
  g.current && g.next ? (g.running ? 'it runs, and starts next' : 'it starts next already') : null;

/** Chosen, and yet the boot loader takes another one: it did not come up, its entry was never written, or the other slot is next. */
export const isPassedOver = (g: Generation): boolean => g.current && !g.next;
export const whyPassedOver = (g: Generation, all: readonly Generation[]): string => {
  const next = all.find((other) => other.next);
  return `Generation ${g.number} was chosen, but ${next ? `generation ${next.number}` : 'another system'} starts next: ${g.number} did not come up when it was tried, or its boot entry was not written.`;
};

/** Why it can't be deleted; null when it can. */
export const whyNoDelete = (g: Generation): string | null =>
  g.next
    ? 'it starts next'
    : g.running
      ? 'it runs'
      : g.current
        ? 'it is the one that was chosen'
        : g.booted
          ? 'the machine was started with it'
          : g.entry
            ? 'a boot entry starts it when another one fails'
            : null;

/** The one that was made before the one that starts next: what a rollback takes. */
export const beforeCurrent = (generations: readonly Generation[]): Generation | null => {
  const current = generations.find((g) => g.next) ?? generations.find((g) => g.current);
  if (current === undefined) return null;
  return generations.reduce<Generation | null>((best, g) => (g.number < current.number && g.number > (best?.number ?? 0) ? g : best), null);
};

/** `/nix/store/<hash>-zfs-user-2.3.7-lib` -> zfs-user, 2.3.7-lib: the version begins at the first dash before a digit, as Nix has it. */
export const packageOf = (path: string): { name: string; version: string } => {
  const base = path.replace(/^.*\//, '').slice(33);
  const at = base.search(/-[0-9]/);
  return at < 0 ? { name: base, version: '' } : { name: base.slice(0, at), version: base.slice(at + 1) };
};

/** What is in one closure and not in the other, by package. Rebuilds of the same version are no change. */
export const comparePackages = (before: readonly string[], after: readonly string[]): PackageChange[] => {
  const versions = (paths: readonly string[]): Map<string, Set<string>> => {
    const found = new Map<string, Set<string>>();
    for (const path of paths) {
      const { name, version } = packageOf(path);
      const of = found.get(name) ?? new Set();
      found.set(name, of.add(version));
    }
    return found;
  };
  const [a, b] = [versions(before), versions(after)];
  return [...new Set([...a.keys(), ...b.keys()])].sort().flatMap((name) => {
    const sorted = (of: Map<string, Set<string>>): string[] => [...(of.get(name) ?? [])].sort();
    const [was, is] = [sorted(a), sorted(b)];
    return was.join('\n') === is.join('\n') ? [] : [{ name, before: was, after: is }];
  });
};
