import type { Tab } from '../../parts/basic.tsx';
export const CHANGES_TABS: readonly Tab[] = [
  { href: '/changes', label: 'Plans and runs' },
  { href: '/changes/state', label: 'state.yaml' },
  { href: '/changes/drift', label: 'Drift' },
  { href: '/changes/history', label: 'History' },
];
