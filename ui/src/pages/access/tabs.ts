import type { Tab } from '../../parts/basic.tsx';
export const ACCESS_TABS: readonly Tab[] = [
  { href: '/access', label: 'People' },
  { href: '/access/roles', label: 'Roles' },
  { href: '/access/tokens', label: 'Tokens' },
  { href: '/access/sessions', label: 'Sessions' },
  { href: '/access/me', label: 'My account' },
];
