/** What permissions a dataset's folder has now, and how far a change of them is: asked when somebody looks. Needs no root. */
import { PermissionProgress, type SeenPermissions } from '../domain/permission/permission.ts';
import { ok, refuse, type Result } from '../domain/refusal.ts';
import { PROGRESS_FILE, statArgv } from '../host/change/permit.ts';
import type { Host } from '../host/host.ts';
import type { Observer } from './observer.ts';

export type Permissions = {
  of(dataset: string): Promise<Result<SeenPermissions & { progress: PermissionProgress | null }>>;
};

export const createPermissions = (host: Host, observer: Observer): Permissions => ({
  of: async (dataset) => {
    const what = `permissions of ${dataset}`;
    const { observed } = await observer.get(10_000);
    const seen = observed.datasets.find((d) => d.name === dataset);
    if (!seen) return refuse('not-found', what, 'there is no such dataset', 'look at the list of datasets');
    if (seen.kind !== 'filesystem' || !seen.mounted || seen.mountpoint === null)
      return refuse('conflict', what, 'it is not mounted, so its files are out of reach', 'mount it first');
    const r = await host.run(statArgv(seen.mountpoint), { timeoutMs: 10_000 });
    const m = /^([0-9]+) ([0-9]+) ([0-7]{1,4})$/.exec(r.stdout.trim());
    if (!m) return refuse('failed', what, (r.failure ?? r.stderr.trim()) || 'stat says nothing', 'look at the folder on the host');
    const text = await host.readText(PROGRESS_FILE).catch(() => null);
    const progress = text === null ? null : PermissionProgress.safeParse(JSON.parse(text)).data;
    const [, owner, group, mode = ''] = m;
    return ok({ owner: Number(owner), group: Number(group), mode, progress: progress?.dataset === dataset ? progress : null });
  },
});
