/** Keys of encrypted datasets. Unlocking, locking and changing them are plans (`dataset.unlock`, ...); what a person types comes in here, and goes on sealed. */
import { z } from 'zod';
import { KeyFileEntry, SealedKey, TypedSecret } from '../../domain/key/key.ts';
import { DatasetName } from '../../domain/names.ts';
import { orThrow } from '../../domain/refusal.ts';
import { refusal } from '../errors.ts';
import { nothing, on, router } from '../trpc.ts';
import { proven, Typed } from './me.ts';

export const keys = router({
  list: on({
    permission: 'storage.read',
    about: 'The key files of this machine: which dataset each opens, and whether somebody keeps a copy elsewhere. Never what is in them.',
    rest: { method: 'GET', path: '/api/zfs/keys' },
    answer: z.object({ files: z.array(KeyFileEntry) }),
  })
    .input(nothing)
    .query(async ({ ctx }) => ({ files: orThrow(await ctx.services.engine.keys.list()) })),
  seal: on({
    permission: 'storage.write',
    about:
      'Seals a passphrase (or the 64 letters of a key file): for one dataset, on which it is tried first, or for a new one. Good for an hour.',
    rest: { method: 'POST', path: '/api/zfs/keys/seal' },
    answer: z.object({ sealed: SealedKey }),
  })
    .input(z.strictObject({ opens: DatasetName.nullable().default(null), secret: TypedSecret }))
    .mutation(async ({ ctx, input }) => {
      const { engine, access } = ctx.services;
      const { actor } = ctx.who();
      if (input.opens === null) return { sealed: orThrow(await engine.keys.seal(actor, null, input.secret)) };
      const dataset = `dataset ${input.opens}`;
      const wait = access.datasetKeys.begin(ctx.address, dataset);
      if (wait > 0)
        throw refusal(
          'rate-limited',
          'Too many attempts',
          `the next one is allowed in ${Math.ceil(wait / 1000)} s`,
          'Wait, then try again.',
        );
      const sealed = await engine.keys.seal(actor, input.opens, input.secret);
      if (sealed.ok) access.datasetKeys.succeeded(ctx.address, dataset);
      else if (sealed.refusal.code !== 'invalid') access.datasetKeys.void(ctx.address, dataset);
      return { sealed: orThrow(sealed) };
    }),
  copy: on({
    permission: 'key.copy',
    about:
      'What is in the key file of a dataset, as 64 letters: for a copy kept elsewhere. Takes the own password again, and is accounted for.',
    rest: { method: 'POST', path: '/api/zfs/keys/copy' },
    answer: z.object({ dataset: DatasetName, keyFile: z.string(), hex: z.string() }),
  })
    .input(z.strictObject({ dataset: DatasetName, password: Typed }))
    .mutation(async ({ ctx, input }) => {
      // root of the machine reads the file anyway
      if (ctx.who().kind !== 'local-root') await proven(ctx, input.password);
      return { dataset: input.dataset, ...orThrow(await ctx.services.engine.keys.copy(ctx.who().actor, input.dataset)) };
    }),
  backedUp: on({
    permission: 'key.copy',
    about: 'Says that a copy of the key file of a dataset is kept elsewhere: who loses the only one loses the data.',
    rest: { method: 'POST', path: '/api/zfs/keys/backed-up' },
    answer: KeyFileEntry,
  })
    .input(z.strictObject({ dataset: DatasetName }))
    .mutation(async ({ ctx, input }) => orThrow(await ctx.services.engine.keys.backedUp(ctx.who().actor, input.dataset))),
});
