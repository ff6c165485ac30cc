/** The places of the interface, in the order of the rail. What has no engine yet is not among them. */
import type { Permission } from '../../../control/src/domain/user/role.ts';
import type { IconName } from '../parts/Icon.tsx';

export type Place = { href: string; label: string; icon: IconName; needs: Permission; words?: string };
export const PLACES: readonly Place[] = [
  { href: '/', label: 'Overview', icon: 'overview', needs: 'storage.read' },
  { href: '/storage', label: 'Storage', icon: 'storage', needs: 'storage.read' },
  { href: '/shares', label: 'Shares', icon: 'shares', needs: 'share.read' },
  { href: '/protection', label: 'Protection', icon: 'protection', needs: 'storage.read' },
  { href: '/changes', label: 'Changes', icon: 'changes', needs: 'plan.read' },
  { href: '/activity', label: 'Activity', icon: 'activity', needs: 'events.read' },
  { href: '/access', label: 'Access', icon: 'access', needs: 'self' },
  { href: '/system', label: 'System', icon: 'system', needs: 'system.read' },
];
/** Parts of places that have an address of their own, for the palette. */
export const PARTS: readonly { href: string; label: string }[] = [
  { href: '/storage/tree', label: 'Storage as one tree' },
  { href: '/storage/datasets', label: 'Datasets' },
  { href: '/storage/disks', label: 'Disks' },
  { href: '/protection/schedules', label: 'Snapshot schedules' },
  { href: '/shares/users', label: 'Users and groups for shares' },
  { href: '/changes/state', label: 'Edit state.yaml' },
  { href: '/changes/drift', label: 'Drift' },
  { href: '/changes/history', label: 'History of state.yaml' },
  { href: '/activity/alerts', label: 'Alerts' },
  { href: '/activity/audit', label: 'Audit log' },
  { href: '/system/updates', label: 'Updates' },
  { href: '/system/generations', label: 'Generations of NixOS' },
  { href: '/access/me', label: 'My account' },
  { href: '/access/tokens', label: 'API tokens' },
  { href: '/access/sessions', label: 'Sessions' },
];
