/** A NixOS generation: one bootable closure. */
import { z } from 'zod';
export const Generation = z.object({
  number: z.number().int().positive(),
  createdAt: z.number(),
  label: z.string(),
  kernel: z.string(),
  zfs: z.string().nullable(),
  current: z.boolean(),
  booted: z.boolean(),
});
export type Generation = z.infer<typeof Generation>;
