/** All procedures, one router a noun. `AppRouter` is what clients are typed by. */
import { access, recover } from './routers/access.ts';
import { gitops } from './routers/gitops.ts';
import { keys } from './routers/keys.ts';
import { me } from './routers/me.ts';
import { plans, runs } from './routers/plans.ts';
import { audit, events } from './routers/records.ts';
import { clones } from './routers/clones.ts';
import { claim, session } from './routers/session.ts';
import { schedules } from './routers/schedules.ts';
import { preview } from './routers/preview.ts';
import { shareUsers } from './routers/share-users.ts';
import { disks } from './routers/disks.ts';
import { datasets, pools, shares, snapshots } from './routers/storage.ts';
import { alerts, system } from './routers/system.ts';
import { generations } from './routers/generations.ts';
import { nixos, updates } from './routers/updates.ts';
import { router } from './trpc.ts';

export const appRouter = router({
  system,
  alerts,
  claim,
  session,
  me,
  access,
  recover,
  pools,
  disks,
  datasets,
  snapshots,
  keys,
  clones,
  preview,
  schedules,
  shares,
  shareUsers,
  plans,
  runs,
  gitops,
  updates,
  generations,
  nixos,
  events,
  audit,
});
export type AppRouter = typeof appRouter;
