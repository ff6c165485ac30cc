/**
 * What a boot entry starts is kept in the store: a start that fails falls back on an entry, and Nix knows nothing of entries. Without this,
 * `nix-collect-garbage -d` during a trial would remove the system that is to come back.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Places } from '../slots/places.ts';

const SYSTEM = /^(\/nix\/store\/[0-9a-z]{32}-[A-Za-z0-9+._?=-]+)\/init$/;

/** `starts`: the `init=` of every entry. Roots of entries that are gone go, too. */
export const keepRoots = async (places: Places, starts: readonly (string | null)[]): Promise<void> => {
  if (!existsSync(places.gcRoots)) return;
  const folder = join(places.gcRoots, 'dplane');
  await mkdir(folder, { recursive: true });
  const wanted = new Map(starts.flatMap((start) => SYSTEM.exec(start ?? '')?.[1] ?? []).map((path) => [basename(path), path]));
  const there = await readdir(folder);
  for (const [name, path] of wanted) if (!there.includes(name)) await symlink(path, join(folder, name));
  for (const name of there) if (!wanted.has(name)) await rm(join(folder, name), { force: true });
};
