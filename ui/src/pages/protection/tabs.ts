import type { Tab } from '../../parts/basic.tsx';
export const PROTECTION_TABS: readonly Tab[] = [
  { href: '/protection', label: 'Snapshots' },
  { href: '/protection/schedules', label: 'Schedules' },
];
