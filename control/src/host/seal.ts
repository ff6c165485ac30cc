/** Secrets under a key that only root reads: AES-256-GCM, as text. What is sealed for one purpose can't be opened for another. */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

const NONCE = 12;
const TAG = 16;

export type Seal = {
  /** Which key, in 8 letters that say nothing of it. */
  readonly id: string;
  seal(secret: Buffer, purpose: string): string;
  /** Null when it was changed, or sealed with another key or for another purpose. */
  open(sealed: string, purpose: string): Buffer | null;
};

export const sealWith = (key: Buffer): Seal => ({
  id: createHash('sha256').update('dplaneos key id\0').update(key).digest('hex').slice(0, 8),
  seal: (secret, purpose) => {
    const nonce = randomBytes(NONCE);
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(purpose));
    return Buffer.concat([nonce, cipher.update(secret), cipher.final(), cipher.getAuthTag()]).toString('base64url');
  },
  open: (sealed, purpose) => {
    const bytes = Buffer.from(sealed, 'base64url');
    if (bytes.length < NONCE + TAG) return null;
    try {
      const cipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE), { authTagLength: TAG }).setAAD(Buffer.from(purpose));
      cipher.setAuthTag(bytes.subarray(bytes.length - TAG));
      return Buffer.concat([cipher.update(bytes.subarray(NONCE, bytes.length - TAG)), cipher.final()]);
    } catch {
      return null;
    }
  },
});
