/** All addresses. Every page but the first is loaded when it is opened. */
import { Route, Router } from '@solidjs/router';
import { type Component, type JSX, lazy } from 'solid-js';
import { Frame } from './frame/Frame.tsx';

/** A named export as what `lazy` wants. */
const page = <K extends string>(load: () => Promise<Record<K, Component>>, name: K) =>
  lazy(() => load().then((m) => ({ default: m[name] })));

const Overview = page(() => import('./pages/Overview.tsx'), 'Overview');
const storage = () => import('./pages/storage/Storage.tsx');
const Pools = page(storage, 'Pools');
const Disks = page(storage, 'Disks');
const StorageTree = page(() => import('./pages/storage/StorageTree.tsx'), 'StorageTree');
const Datasets = page(() => import('./pages/storage/Datasets.tsx'), 'Datasets');
const Pool = page(() => import('./pages/storage/Pool.tsx'), 'Pool');
const Replace = page(() => import('./pages/storage/Replace.tsx'), 'Replace');
const ImportPools = page(() => import('./pages/storage/ImportPools.tsx'), 'ImportPools');
const Disk = page(() => import('./pages/storage/Disk.tsx'), 'Disk');
const Dataset = page(() => import('./pages/storage/Dataset.tsx'), 'Dataset');
const Shares = page(() => import('./pages/shares/Shares.tsx'), 'Shares');
const Share = page(() => import('./pages/shares/Share.tsx'), 'Share');
const ShareSessions = page(() => import('./pages/shares/Sessions.tsx'), 'ShareSessions');
const ShareUsers = page(() => import('./pages/shares/Users.tsx'), 'ShareUsers');
const Protection = page(() => import('./pages/Protection.tsx'), 'Protection');
const Schedules = page(() => import('./pages/protection/Schedules.tsx'), 'Schedules');
const Browse = page(() => import('./pages/protection/Browse.tsx'), 'Browse');
const Changes = page(() => import('./pages/changes/Changes.tsx'), 'Changes');
const Drift = page(() => import('./pages/changes/Drift.tsx'), 'Drift');
const StateHistory = page(() => import('./pages/changes/Drift.tsx'), 'StateHistory');
const EditState = page(() => import('./pages/changes/EditState.tsx'), 'EditState');
const PlanPage = page(() => import('./pages/changes/PlanPage.tsx'), 'PlanPage');
const RunPage = page(() => import('./pages/changes/PlanPage.tsx'), 'RunPage');
const Activity = page(() => import('./pages/Activity.tsx'), 'Activity');
const Alerts = page(() => import('./pages/Activity.tsx'), 'Alerts');
const AuditLog = page(() => import('./pages/Activity.tsx'), 'AuditLog');
const People = page(() => import('./pages/access/Access.tsx'), 'People');
const Roles = page(() => import('./pages/access/Access.tsx'), 'Roles');
const Tokens = page(() => import('./pages/access/Tokens.tsx'), 'Tokens');
const Sessions = page(() => import('./pages/access/Tokens.tsx'), 'Sessions');
const Me = page(() => import('./pages/access/Me.tsx'), 'Me');
const System = page(() => import('./pages/system/System.tsx'), 'System');
const Generations = page(() => import('./pages/system/Generations.tsx'), 'Generations');
const Updates = page(() => import('./pages/system/Updates.tsx'), 'Updates');
const Living = page(() => import('./pages/Living.tsx'), 'Living');
const Nowhere = page(() => import('./pages/Nowhere.tsx'), 'Nowhere');

export const App = (): JSX.Element => (
  <Router root={Frame}>
    <Route path="/" component={Overview} />
    <Route path="/storage" component={Pools} />
    <Route path="/storage/disks" component={Disks} />
    <Route path="/storage/disks/:id" component={Disk} />
    <Route path="/storage/import" component={ImportPools} />
    <Route path="/storage/tree" component={StorageTree} />
    <Route path="/storage/datasets" component={Datasets} />
    <Route path="/storage/pools/:name" component={Pool} />
    <Route path="/storage/pools/:name/replace/:disk" component={Replace} />
    <Route path="/storage/datasets/*name" component={Dataset} />
    <Route path="/shares" component={Shares} />
    <Route path="/shares/sessions" component={ShareSessions} />
    <Route path="/shares/users" component={ShareUsers} />
    <Route path="/shares/:kind/:name" component={Share} />
    <Route path="/protection" component={Protection} />
    <Route path="/protection/schedules" component={Schedules} />
    <Route path="/protection/browse" component={Browse} />
    <Route path="/changes" component={Changes} />
    <Route path="/changes/state" component={EditState} />
    <Route path="/changes/drift" component={Drift} />
    <Route path="/changes/history" component={StateHistory} />
    <Route path="/changes/plans/:digest" component={PlanPage} />
    <Route path="/changes/runs/:id" component={RunPage} />
    <Route path="/activity" component={Activity} />
    <Route path="/activity/alerts" component={Alerts} />
    <Route path="/activity/audit" component={AuditLog} />
    <Route path="/access" component={People} />
    <Route path="/access/roles" component={Roles} />
    <Route path="/access/tokens" component={Tokens} />
    <Route path="/access/sessions" component={Sessions} />
    <Route path="/access/me" component={Me} />
    <Route path="/system" component={System} />
    <Route path="/system/updates" component={Updates} />
    <Route path="/system/generations" component={Generations} />
    <Route path="/living" component={Living} />
    <Route path="*" component={Nowhere} />
  </Router>
);
