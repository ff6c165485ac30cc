/** People who use the control plane. */
import { z } from 'zod';
import { Permission, Role } from './role.ts';

export const UserName = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,31}$/, 'a user name begins with a small letter and holds small letters, digits, _ and -');
export const MIN_PASSWORD = 12;
export const Password = z.string().min(MIN_PASSWORD, `a password has at least ${MIN_PASSWORD} characters`).max(256);

/** Why this password is refused, or undefined. Long beats odd: no character classes, no common or derived ones. */
export const whyWeak = (password: string, user: string): string | undefined => {
  const low = password.toLowerCase();
  if (password.length < MIN_PASSWORD) return `it has ${password.length} characters; at least ${MIN_PASSWORD} are needed`;
  if (new Set(low).size < 5) return 'it repeats the same few characters';
  if (user.length >= 3 && low.includes(user.toLowerCase())) return 'it contains the user name';
  if (/^(?:0123|1234|abcd|qwer|asdf|password|passwort|letmein|dplane|admin)/.test(low) && password.length < 20)
    return 'it begins like the passwords that are tried first';
  return undefined;
};

export const User = z.object({
  id: z.number().int().positive(),
  name: UserName,
  role: Role,
  disabled: z.boolean(),
  totp: z.boolean(),
  createdAt: z.number(),
  lastLoginAt: z.number().nullable(),
});
export type User = z.infer<typeof User>;

export const Session = z.object({
  id: z.string(),
  user: UserName,
  createdAt: z.number(),
  lastSeenAt: z.number(),
  expiresAt: z.number(),
  from: z.string(),
  agent: z.string(),
  current: z.boolean(),
});
export const ApiToken = z.object({
  id: z.string(),
  name: z.string().min(1).max(64),
  user: UserName,
  scopes: z.array(Permission),
  createdAt: z.number(),
  expiresAt: z.number(),
  lastUsedAt: z.number().nullable(),
});
export type ApiToken = z.infer<typeof ApiToken>;

/** Whoever acts: what audit entries and events name. */
export const Actor = z.object({
  kind: z.enum(['user', 'token', 'local-root', 'system']),
  name: z.string(),
  via: z.string(),
});
export type Actor = z.infer<typeof Actor>;
