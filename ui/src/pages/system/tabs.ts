import type { Tab } from '../../parts/basic.tsx';
export const SYSTEM_TABS: readonly Tab[] = [
  { href: '/system', label: 'About' },
  { href: '/system/updates', label: 'Updates' },
  { href: '/system/generations', label: 'Generations' },
];
