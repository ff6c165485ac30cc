/** Signing keys on the command line: making one, and opening whatever signs. */
import { constants } from 'node:fs';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Result, ok, refuse } from '../../../control/src/domain/refusal.ts';
import type { Signer } from '../keys/signer.ts';
import { decryptSeed, encryptSeed, MIN_PASSPHRASE, newSeed } from '../keys/private.ts';
import { keyId, parsePublicKey, renderPublicKey } from '../keys/public.ts';
import { publicOf, SIGNATURE_BYTES, signBytes } from '../keys/signature.ts';
import { type Context, type Run, text } from './command.ts';
import { askSecret } from './terminal.ts';

const passphrase = async (c: Context, what: string, twice: boolean): Promise<Result<string>> => {
  const file = text(c, 'passphrase-file');
  if (file !== undefined) {
    const [line = ''] = (await readFile(file, 'utf8')).split('\n');
    return ok(line);
  }
  const no = refuse('invalid', what, 'there is nobody to ask for a passphrase', 'Give --passphrase-file FILE, or run it in a terminal.');
  const first = await askSecret(c.streams, 'Passphrase (is not shown): ');
  if (first === null) return no;
  if (!twice) return ok(first);
  const second = await askSecret(c.streams, 'Once more: ');
  return second === first ? ok(first) : refuse('invalid', what, 'the two are not the same', 'Try again.');
};

const writeNew = async (path: string, content: string, mode: number): Promise<void> => {
  const file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, mode);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
};

export const keygen: Run = async (c) => {
  const [path = ''] = c.positionals;
  const what = `making the key ${path}`;
  const secret = await passphrase(c, what, true);
  if (!secret.ok) return secret;
  if (secret.value.length < MIN_PASSPHRASE)
    return refuse('invalid', what, `a passphrase has ${MIN_PASSPHRASE} characters or more`, 'Five random words do well.');
  const seed = newSeed();
  const comment = text(c, 'comment') ?? '';
  const publicKey = publicOf(seed);
  try {
    await writeNew(path, await encryptSeed(seed, secret.value, comment.slice(0, 200)), 0o600);
    await writeNew(`${path}.pem`, renderPublicKey(publicKey, comment), 0o644);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST')
      return refuse('conflict', what, 'that file exists', 'A key is never overwritten: choose another name.');
    throw error;
  }
  const id = keyId(publicKey);
  return ok({
    value: { id, private: path, public: `${path}.pem` },
    text: [
      `key ${id}`,
      `  private, under its passphrase: ${path}`,
      `  public, for images and machines: ${path}.pem`,
      'Keep the private file and its passphrase apart, and a copy of both.',
    ],
  });
};

/** Runs somebody else's program for the signature; whatever it says is verified before it is used. */
const commandSigner = (c: Context, program: string, publicKey: Uint8Array): Signer => ({
  publicKey,
  sign: async (message) => {
    const what = `signing with ${program}`;
    const folder = await mkdtemp(join(tmpdir(), 'dplane-sign-'));
    try {
      const [input, output] = [join(folder, 'message'), join(folder, 'signature')];
      await writeFile(input, message, { mode: 0o600 });
      const args = c.after.map((a) => a.replaceAll('{message}', input).replaceAll('{signature}', output));
      const r = await c.host.run([program, ...args], {
        timeoutMs: 300_000,
        input: Buffer.from(message).toString('utf8'),
        signal: c.signal,
      });
      if (r.exit !== 0)
        return refuse(
          'failed',
          what,
          (r.failure ?? r.stderr.trim()).slice(0, 500) || `it ended with ${r.exit}`,
          'It runs in / with an empty environment: give whole paths.',
        );
      const said = r.stdout.trim();
      const bytes = c.after.some((a) => a.includes('{signature}'))
        ? await readFile(output).catch(() => Buffer.alloc(0))
        : Buffer.from(said, /^[0-9a-f]{128}$/i.test(said) ? 'hex' : 'base64');
      if (bytes.length !== SIGNATURE_BYTES)
        return refuse('failed', what, `it gave ${bytes.length} bytes, a signature has ${SIGNATURE_BYTES}`);
      return ok(new Uint8Array(bytes));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
});

export const wantsSigner = (c: Context): boolean => text(c, 'key') !== undefined || text(c, 'sign-command') !== undefined;

export const openSigner = async (c: Context): Promise<Result<Signer>> => {
  const what = 'signing';
  const [key, program, pem] = [text(c, 'key'), text(c, 'sign-command'), text(c, 'public-key')];
  if (key !== undefined && program !== undefined) return refuse('invalid', what, 'either --key or --sign-command', 'Give one of them.');
  if (program !== undefined) {
    if (pem === undefined)
      return refuse('invalid', what, 'whose signature it will be is not said', 'Give its public half: --public-key FILE');
    const publicKey = parsePublicKey(await readFile(pem, 'utf8'));
    return publicKey.ok ? ok(commandSigner(c, program, publicKey.value.bytes)) : publicKey;
  }
  if (key === undefined)
    return refuse('invalid', what, 'no key is given', 'Give --key FILE, or --sign-command PROGRAM with --public-key FILE.');
  const file = await readFile(key, 'utf8');
  const secret = await passphrase(c, what, false);
  if (!secret.ok) return secret;
  const opened = await decryptSeed(file, secret.value);
  if (!opened.ok) return opened;
  const { seed, publicKey } = opened.value;
  return ok({ publicKey, sign: async (message) => ok(signBytes(message, seed)) });
};
