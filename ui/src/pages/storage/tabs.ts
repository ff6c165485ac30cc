import type { Tab } from '../../parts/basic.tsx';
export const STORAGE_TABS: readonly Tab[] = [
  { href: '/storage', label: 'Pools' },
  { href: '/storage/tree', label: 'As one tree' },
  { href: '/storage/datasets', label: 'Datasets' },
  { href: '/storage/disks', label: 'Disks' },
];
