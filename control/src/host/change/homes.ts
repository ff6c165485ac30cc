/**
 * Folders of private homes: one for each account, its own, made before it is needed; with a new name the folder goes along. The folder that holds
 * them belongs to root and nobody else writes into it, or nothing is made: somebody could put a link where a home is to be.
 */
import type { SmbShare } from '../../domain/share/share.ts';
import { ACCOUNTS_FILE, parseAccounts } from '../accounts/record.ts';
import type { Host } from '../host.ts';
import { type ManagedShare, pathOf } from '../managed.ts';
import { parseSmb, SMB_FILE } from '../samba/conf.ts';
import { mountedAt, readMounts } from '../zfs/mounts.ts';
import { change, read } from './host.ts';
import { statArgv } from './permit.ts';

type Renamed = { from: string; to: string };

/** May this account use the share? A group's members are asked of the record. */
const uses = (s: SmbShare, name: string, groups: readonly string[]): boolean =>
  s.validUsers.length === 0 || s.validUsers.includes(name) || groups.some((g) => s.validUsers.includes(`@${g}`));

const placesOf = async (host: Host): Promise<ManagedShare<SmbShare>[]> => {
  const mounts = await readMounts(host);
  if (mounts === null) return [];
  const at = mountedAt(mounts);
  return parseSmb((await host.readText(SMB_FILE)) ?? '').shares.filter(
    // where the file says it is, and where it is
    ({ spec, path }) => spec.preset === 'homes' && path !== null && path === pathOf(spec, at),
  );
};

/** What was made and what could not be, in words. */
export const makeHomes = async (host: Host, renamed?: Renamed): Promise<string[]> => {
  const places = await placesOf(host);
  if (places.length === 0) return [];
  const accounts = parseAccounts(await host.readText(ACCOUNTS_FILE));
  if (!accounts.ok) return [accounts.refusal.why];
  const notes: string[] = [];
  for (const { spec, path } of places) {
    if (path === null) continue;
    const seen = await read(host, statArgv(path));
    const [owner, , mode = '777'] = seen.ok ? seen.value.trim().split(' ') : [];
    if (owner !== '0' || (Number.parseInt(mode, 8) & 0o022) !== 0) {
      notes.push(`no homes are made in ${path}: others than root may write there`);
      continue;
    }
    if (!seen.ok || (Number.parseInt(mode, 8) & 0o001) === 0) await change(host, ['chmod', '--', '0755', path]);
    const there = new Set((await host.list(path)) ?? []);
    if (renamed && there.has(renamed.from) && !there.has(renamed.to)) {
      const moved = await change(host, [
        'mv',
        '--no-clobber',
        '--no-target-directory',
        '--',
        `${path}/${renamed.from}`,
        `${path}/${renamed.to}`,
      ]);
      if (moved.ok) there.add(renamed.to);
      else notes.push(`the home of ${renamed.from} stays where it is: ${moved.refusal.why}`);
    }
    for (const u of accounts.value.users) {
      if (there.has(u.name) || u.disabled || !uses(spec, u.name, u.groups)) continue;
      const home = `${path}/${u.name}`;
      // fails when something of this name came meanwhile, and follows nothing
      const made = await change(host, ['mkdir', '--mode=0700', '--', home]);
      const given = made.ok ? await change(host, ['chown', '-h', '--', `${u.id}:${u.id}`, home]) : made;
      if (!given.ok) notes.push(`no home for ${u.name} in ${path}: ${given.refusal.why}`);
    }
  }
  return notes;
};
