/**
 * Owner, group and mode of a dataset's folder, and of all that is in it when asked for. A snapshot comes first; links are changed, never
 * followed; other file systems below are left alone. How far it is stands in a file that the daemon reads.
 */
import { ok, refuse, type Result } from '../../domain/refusal.ts';
import { MODES, type PermissionOperation } from '../../domain/permission/permission.ts';
import { type ChangeContext, type Changed, change, identify, ran, read, rows, shown, unverified } from './host.ts';

export const PROGRESS_FILE = '/run/dplane/permissions.json';
const TELL_MS = 1_000;
/** Two million files on slow disks. */
const LIMIT_MS = 6 * 3_600_000;

/**
 * Entries of an access list for others than the owner and the group hold beside the mode, up to what the group may: one that was left from before would
 * give what was just taken. A dataset without access lists refuses even to be asked.
 */
const WITHOUT_LIST = ['setfacl', '-b', '--'];
const listArgv = (path: string): string[] => ['getfacl', '-c', '--skip-base', '--absolute-names', '--', path];

export const statArgv = (path: string): string[] => ['stat', '-c', '%u %g %a', '--', path];

export const permit = async ({ host, clock }: ChangeContext, op: PermissionOperation): Promise<Changed> => {
  const what = `permissions of ${op.name}`;
  const seen = await identify(host, op.name, op.guid, ['mounted', 'mountpoint', 'readonly', 'acltype']);
  if (!seen.ok) return seen;
  const path = shown(seen.value, 'mountpoint');
  if (shown(seen.value, 'mounted') !== 'yes' || !path.startsWith('/') || path === '/')
    return refuse('conflict', what, 'it is not mounted, so its files are out of reach', 'mount it first');
  if (shown(seen.value, 'readonly') === 'on') return refuse('conflict', what, 'it is read only', 'set readonly=off first');
  const hasLists = shown(seen.value, 'acltype') === 'posix';
  if (op.snapshot !== null) {
    const name = `${op.name}@${op.snapshot}-${Math.trunc(clock() / 1000)}`;
    const taken = await change(host, ['zfs', 'snapshot', name]);
    if (!taken.ok) return taken;
    const there = await read(host, ['zfs', 'list', '-H', '-o', 'name', '-t', 'snapshot', name]);
    if (!there.ok) return there;
    const done = await everything({ host, clock }, op, path, hasLists);
    if (!done.ok)
      return { ok: false, refusal: { ...done.refusal, todo: `some of it is changed; go back with: dplane snapshot rollback ${name}` } };
    return finish(host, op, path, hasLists, { snapshot: name, files: done.value.files });
  }
  return topFolder(host, op, path, hasLists);
};

export const topFolder = async (
  host: ChangeContext['host'],
  op: Pick<PermissionOperation, 'name' | 'owner' | 'group' | 'access'>,
  path: string,
  hasLists = false,
): Promise<Changed> => {
  const owner = await change(host, ['chown', '-h', '--', `${op.owner}:${op.group}`, path]);
  if (!owner.ok) return owner;
  if (hasLists) {
    const plain = await change(host, [...WITHOUT_LIST, path]);
    if (!plain.ok) return plain;
  }
  const mode = await change(host, ['chmod', '--', MODES[op.access].folder, path]);
  return mode.ok ? finish(host, op, path, hasLists, {}) : mode;
};

/** find visits the folder that something else is mounted on, and what lies below a missing mount can't be changed: both are left out. */
const datasetsBelow = async (host: ChangeContext['host'], name: string, path: string): Promise<Result<string[]>> => {
  const list = await read(host, ['zfs', 'list', '-Hp', '-t', 'filesystem', '-o', 'name,mountpoint', '-r', name]);
  if (!list.ok) return list;
  const places = rows(list.value).flatMap(([dataset, at = '-']) => (dataset !== name && at.startsWith(`${path}/`) ? [at] : []));
  // -path takes a pattern
  const tests = places.map((at) => ['-path', at.replace(/[\\*?[\]]/g, '\\$&')]);
  return ok(tests.length === 0 ? [] : ['(', ...tests.flatMap((t, i) => (i === 0 ? t : ['-o', ...t])), ')', '-prune', '-o']);
};

const everything = async (
  { host, clock }: Pick<ChangeContext, 'host' | 'clock'>,
  op: PermissionOperation,
  path: string,
  hasLists: boolean,
): Promise<Changed & ({ ok: true; value: { files: number } } | { ok: false })> => {
  const { folder, file } = MODES[op.access];
  const used = await read(host, ['df', '--output=iused', '--', path]);
  const total = used.ok ? Number(used.value.split('\n')[1]?.trim()) || 0 : 0;
  const below = await datasetsBelow(host, op.name, path);
  if (!below.ok) return below;
  const own = ['-exec', 'chown', '-h', `${op.owner}:${op.group}`, '{}', '+'];
  const plain = hasLists ? ['-exec', ...WITHOUT_LIST, '{}', '+'] : [];
  const argv = [
    ...['find', path, '-xdev', ...below.value, '-printf', '.\n', '('],
    ...['-type', 'd', ...own, ...plain, '-exec', 'chmod', folder, '{}', '+'],
    ...['-o', '-type', 'f', ...own, ...plain, '-exec', 'chmod', file, '{}', '+'],
    ...['-o', ...own, ')'],
  ];
  let done = 0;
  let told = 0;
  const tell = (): Promise<void> =>
    host.writeText(PROGRESS_FILE, `${JSON.stringify({ dataset: op.name, done, total, at: clock() })}\n`, 0o644);
  await tell();
  const lines = host.lines(argv, { timeoutMs: LIMIT_MS });
  for (let next = await lines.next(); ; next = await lines.next()) {
    if (next.done) {
      await change(host, ['unlink', PROGRESS_FILE]);
      return ran(next.value)
        ? ok({ files: done })
        : refuse(
            'failed',
            `permissions of ${op.name}`,
            (next.value.failure ?? next.value.stderr.trim()).slice(0, 300),
            'look at the dataset',
          );
    }
    done += 1;
    if (clock() - told < TELL_MS) continue;
    told = clock();
    await tell();
  }
};

const finish = async (
  host: ChangeContext['host'],
  op: Pick<PermissionOperation, 'name' | 'owner' | 'group' | 'access'>,
  path: string,
  hasLists: boolean,
  more: Record<string, unknown>,
): Promise<Changed> => {
  if (hasLists) {
    const list = await read(host, listArgv(path));
    if (!list.ok) return list;
    if (list.value.trim() !== '') return unverified(`permissions of ${op.name}`, 'its folder still has an access list');
  }
  const now = await read(host, statArgv(path));
  if (!now.ok) return now;
  const wanted = `${op.owner} ${op.group} ${Number(MODES[op.access].folder)}`;
  return now.value.trim() === wanted
    ? ok(more)
    : unverified(`permissions of ${op.name}`, `its folder shows ${now.value.trim()}, not ${wanted}`);
};
