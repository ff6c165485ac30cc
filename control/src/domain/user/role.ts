/** Who may do what: the one table. Every procedure names a permission; a role is a set of them. */
import { z } from 'zod';

export const Permission = z.enum([
  'public', // before any login: health, claim, login
  'self', // one's own session, password, second factor, tokens
  'system.read',
  'system.support',
  'system.update', // install, roll back, confirm: signed bundles only
  'system.restart',
  'storage.read',
  'storage.write', // through plans
  'data.read', // file contents
  'key.copy', // take a key file off the machine
  'share.read',
  'share.write',
  'plan.read',
  'plan.apply',
  'plan.approve', // destructive actions
  'state.read',
  'state.write',
  'events.read',
  'audit.read',
  'access.read',
  'access.write',
]);
export type Permission = z.infer<typeof Permission>;

export const Role = z.enum(['admin', 'operator', 'auditor', 'viewer']);
export type Role = z.infer<typeof Role>;

const viewer: Permission[] = ['public', 'self', 'system.read', 'storage.read', 'share.read', 'plan.read', 'events.read'];
export const ROLES: Record<Role, ReadonlySet<Permission>> = {
  admin: new Set(Permission.options),
  operator: new Set([
    ...viewer,
    'storage.write',
    'share.write',
    'plan.apply',
    'state.read',
    'state.write',
    'data.read',
    'system.support',
    'system.restart',
  ]),
  auditor: new Set([...viewer, 'state.read', 'audit.read', 'access.read', 'system.support']),
  viewer: new Set(viewer),
};
export const can = (role: Role, permission: Permission): boolean => ROLES[role].has(permission);
