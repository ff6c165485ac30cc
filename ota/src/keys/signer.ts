/** Whoever holds the key: a file that was decrypted, or a program that talks to an HSM. What it gives back is believed only when the public key agrees. */
import { type Result, refuse } from '../../../control/src/domain/refusal.ts';
import { keyId } from './public.ts';
import { verifyBytes } from './signature.ts';

export type Signer = { publicKey: Uint8Array; sign: (message: Uint8Array) => Promise<Result<Uint8Array>> };

export const signChecked = async (what: string, message: Uint8Array, signer: Signer): Promise<Result<Uint8Array>> => {
  const signature = await signer.sign(message);
  if (!signature.ok || verifyBytes(message, signature.value, signer.publicKey)) return signature;
  return refuse(
    'failed',
    what,
    `what the signer returned is not a signature of the key ${keyId(signer.publicKey)}`,
    'Is it the private half of that public key? Nothing was written.',
  );
};
