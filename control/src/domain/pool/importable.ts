/** A pool that lies on the disks of this machine and is not in use: what is known of it before it is taken. */
import { z } from 'zod';
import { Guid } from '../names.ts';

export const Importable = z.object({
  /** As it was called; another name can be given to it. Not necessarily one that we would accept. */
  name: z.string(),
  guid: Guid,
  state: z.string(),
  /** ZFS's own words. */
  status: z.string().nullable(),
  action: z.string().nullable(),
  /** It can be taken as it is, or by force. */
  importable: z.boolean(),
  /** Another machine had it last, and did not give it up. */
  foreign: z.boolean(),
  /** That machine, from the labels of its disks. */
  lastHost: z.object({ name: z.string(), id: z.string() }).nullable(),
  /** Vdevs and disks as ZFS prints them, with their state. */
  config: z.array(z.object({ name: z.string(), state: z.string(), depth: z.number().int(), note: z.string() })),
});
export type Importable = z.infer<typeof Importable>;
