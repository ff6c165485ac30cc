/** What people type. */
import { resolve } from 'node:path';

export const absolute = (path: string): string => resolve(path);
