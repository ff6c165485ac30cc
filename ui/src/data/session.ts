/**
 * Who is at the keyboard. A session that ends under an open page leaves the page as it is and asks to log in over it, so that nothing
 * typed is lost.
 */
import { createSignal } from 'solid-js';
import type { Permission } from '../../../control/src/domain/user/role.ts';
import type { User } from '../../../control/src/domain/user/user.ts';
import { startLive, stopLive } from './live.ts';
import { problemOf } from './problem.ts';
import { trpc } from './trpc.ts';

export type SessionState = 'asking' | 'unreachable' | 'unclaimed' | 'nobody' | 'in' | 'expired';

const [state, setState] = createSignal<SessionState>('asking');
const [user, setUser] = createSignal<User | null>(null);
const [permissions, setPermissions] = createSignal<ReadonlySet<Permission>>(new Set());
const [simulated, setSimulated] = createSignal(false);
/** The name of the machine: what tells two open boxes apart. */
const [host, setHost] = createSignal('');
export { host, simulated, state as sessionState, user };

/** Undefined when it may; else why not, in words for a disabled button. */
export const whyNot = (permission: Permission): string | undefined =>
  permissions().has(permission) ? undefined : `The role ${user()?.role ?? ''} does not have the permission ${permission}.`;
export const may = (permission: Permission): boolean => permissions().has(permission);

let waiting: ((back: boolean) => void)[] = [];

/** The daemon said that nobody is logged in. */
export const denied = (): void => {
  stopLive();
  setState((s) => (s === 'in' || s === 'expired' ? 'expired' : 'nobody'));
};

export const enter = async (): Promise<void> => {
  const [who, rights, info] = await Promise.all([
    trpc.session.get.query(),
    trpc.session.permissions.query(),
    trpc.system.info.query().catch(() => null), // not every token may ask
  ]);
  setHost(info?.host ?? '');
  const before = user()?.name;
  setUser(who.user);
  setSimulated(who.simulated);
  setPermissions(new Set(rights.permissions));
  if (before !== undefined && before !== who.user?.name) {
    // Somebody else: what the other one left open is not theirs to see.
    location.reload();
    return;
  }
  setState('in');
  startLive(denied);
  const woken = waiting;
  waiting = [];
  for (const wake of woken) wake(true);
};

const RETRY = 2_000;
export const boot = async (): Promise<void> => {
  try {
    const claim = await trpc.claim.status.query();
    setSimulated(claim.simulated);
    if (!claim.claimed) {
      setState('unclaimed');
      return;
    }
    await enter();
  } catch (error) {
    const { code } = problemOf(error);
    if (code === 'unauthenticated') setState('nobody');
    else {
      setState('unreachable');
      setTimeout(() => void boot(), RETRY);
    }
  }
};

export const logout = async (): Promise<void> => {
  stopLive();
  await trpc.session.logout.mutate().catch(() => undefined);
  location.assign('/');
};

/** Does it; when the session has ended meanwhile, waits for the login and does it then. Other refusals are thrown. */
export const ask = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    if (problemOf(error).code !== 'unauthenticated' || state() === 'nobody') throw error;
    denied();
    const back = await new Promise<boolean>((resolve) => waiting.push(resolve));
    if (!back) throw error;
    return await work();
  }
};
