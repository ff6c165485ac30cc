/** Who may use a share, in words. Pure. */
import type { Outputs } from '../../data/trpc.ts';

export type ObservedShare = Outputs['shares']['list']['shares'][number];

export const who = (s: ObservedShare['spec']): string => {
  if (s.kind === 'nfs') return s.clients.map((c) => `${c.host} ${c.access === 'ro' ? 'reads' : 'reads and writes'}`).join(', ');
  const people = s.validUsers.length > 0 ? s.validUsers.join(', ') : 'everyone with an account';
  return `${s.guests ? 'guests and ' : ''}${people}${s.readOnly ? `, read only${s.writeUsers.length > 0 ? ` but for ${s.writeUsers.join(', ')}` : ''}` : ''}`;
};
