/** SHA-512 of what is in memory, computed off the main thread: several run beside each other. */
import { webcrypto } from 'node:crypto';

export const digest = async (bytes: Buffer<ArrayBuffer>): Promise<string> =>
  Buffer.from(await webcrypto.subtle.digest('SHA-512', bytes)).toString('hex');
