/** The two system slots. */
import { z } from 'zod';
export const SlotName = z.enum(['a', 'b']);
export const Slot = z.object({
  name: SlotName,
  role: z.enum(['active', 'inactive']),
  state: z.enum(['empty', 'staged', 'trying', 'confirmed', 'failed']),
  version: z.string().nullable(),
  next: z.boolean(),
  triesLeft: z.number().int().nonnegative().nullable(),
});
export type Slot = z.infer<typeof Slot>;
