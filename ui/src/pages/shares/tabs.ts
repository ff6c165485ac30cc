import type { Tab } from '../../parts/basic.tsx';
export const SHARES_TABS: readonly Tab[] = [
  { href: '/shares', label: 'Shares' },
  { href: '/shares/sessions', label: 'Sessions' },
  { href: '/shares/users', label: 'Users and groups' },
];
