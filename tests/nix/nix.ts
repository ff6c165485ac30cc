/**
 * Debian's Nix for tests: evaluates and builds in a scratch store of its own, so that nothing is put into /nix and nobody has to be root. There is no
 * nixpkgs and no binary cache: packages are stand-ins (lib/stub-pkgs.nix), what is built is built with the machine's own tools (lib/native.nix).
 *
 * What needs more is named in `references`: a folder with nixpkgs.lib, disko and impermanence, in DPLANE_NIX_REFERENCES or in the cache. Without it
 * those tests are skipped, and say so.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheFolder, repository } from '../../packages/debian/src/places.ts';
import { type Result, run } from '../../packages/lab/src/exec.ts';

export const LIB = join(repository, 'tests/nix/lib');

const folder = process.env.DPLANE_NIX_REFERENCES ?? join(cacheFolder(), 'nix-references');
export const references: string | null = ['nixpkgs.lib', 'disko', 'impermanence'].every((name) => existsSync(join(folder, name)))
  ? folder
  : null;

export const notRun = (what: string, why: string): void => void process.stderr.write(`not run: ${what}: ${why}\n`);
export const withoutReferences = 'no copies of nixpkgs.lib, disko and impermanence are at hand (DPLANE_NIX_REFERENCES)';

export type Nix = {
  readonly run: (argv: readonly string[], options?: { cwd?: string }) => Promise<Result>;
  /** The value of an expression; `h` in it is lib/flake.nix. What can't be evaluated is thrown with Nix's own words. */
  readonly evaluate: (expression: string, options?: { real?: 'lib' | 'inputs' }) => Promise<unknown>;
  /** Why it can't be evaluated; fails when it can. */
  readonly refusal: (expression: string) => Promise<string>;
  /** Path of what was built. */
  readonly build: (expression: string, ...flags: string[]) => Promise<string>;
  readonly remove: () => void;
};

/** Null, and said so, when there is no Nix on this machine. */
export const startNix = async (what: string): Promise<Nix | null> => {
  const store = mkdtempSync(join(tmpdir(), 'dplane-nix-'));
  const env = {
    ...{ NIX_STORE_DIR: join(store, 'store'), NIX_STATE_DIR: join(store, 'var'), NIX_LOG_DIR: join(store, 'log') },
    ...{ NIX_CONF_DIR: join(store, 'etc'), XDG_CACHE_HOME: join(store, 'cache'), HOME: store, NIX_REMOTE: 'local', NIX_PATH: '' },
    NIX_CONFIG: 'experimental-features = nix-command flakes\nbuild-users-group =\nsandbox = false\nsubstitute = false',
  };
  const nix = (argv: readonly string[], options: { cwd?: string } = {}): Promise<Result> =>
    run(argv, { timeoutMs: 120_000, env, cwd: repository, ...options });
  if ((await nix(['nix-instantiate', '--version'])).startError !== undefined) {
    rmSync(store, { recursive: true });
    notRun(what, 'Nix is not installed (Debian: nix-bin)');
    return null;
  }
  const instantiate = (expression: string, real?: 'lib' | 'inputs'): Promise<Result> => {
    const with_ = real === undefined ? '' : ` references = "${references}"; inputs = ${real === 'inputs'};`;
    const whole = `let h = import ${LIB}/flake.nix {${with_} }; view = import ${LIB}/view.nix { inherit (h) lib; }; in ${expression}`;
    return nix(['nix-instantiate', '--eval', '--strict', '--json', '-E', whole]);
  };
  return {
    run: nix,
    evaluate: async (expression, { real } = {}) => {
      const r = await instantiate(expression, real);
      if (r.exit !== 0) throw new Error(r.stderr.slice(-4000));
      const value: unknown = JSON.parse(r.stdout);
      return value;
    },
    refusal: async (expression) => {
      const r = await instantiate(expression);
      if (r.exit === 0) throw new Error(`it was accepted: ${r.stdout.slice(0, 500)}`);
      return r.stderr;
    },
    build: async (expression, ...flags) => {
      const r = await nix(['nix-build', '--no-out-link', ...flags, '-E', expression]);
      if (r.exit !== 0) throw new Error(r.stderr.slice(-4000));
      return r.stdout.trim();
    },
    // what Nix has built is read-only, for its owner, too
    remove: () => {
      void run(['chmod', '-R', 'u+w', store]).then(() => rmSync(store, { recursive: true, force: true }));
    },
  };
};
