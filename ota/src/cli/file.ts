/** Signatures of files that are no bundles, such as the image that is flashed. */
import { access } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type Result, ok, refuse } from '../../../control/src/domain/refusal.ts';
import { signFile as sign, verifyFile as verify } from '../keys/file.ts';
import { trustOf } from './bundle.ts';
import { type Context, type Run, text } from './command.ts';
import { openSigner } from './keys.ts';
import { absolute } from './words.ts';

const theFile = async (c: Context, what: string): Promise<Result<string>> => {
  const path = absolute(c.positionals[0] ?? '');
  return (await access(path).then(
    () => true,
    () => false,
  ))
    ? ok(path)
    : refuse('not-found', `${what} ${path}`, 'there is no such file, or it may not be read');
};

export const signFile: Run = async (c) => {
  const path = await theFile(c, 'signing');
  if (!path.ok) return path;
  const signer = await openSigner(c);
  if (!signer.ok) return signer;
  const folder = text(c, 'output');
  const output = folder === undefined ? `${path.value}.sig` : join(absolute(folder), `${basename(path.value)}.sig`);
  const done = await sign(path.value, output, signer.value);
  return done.ok ? ok({ value: { path: path.value, ...done.value }, text: [`${output}: signed by ${done.value.keyId}`] }) : done;
};

export const verifyFile: Run = async (c) => {
  const path = await theFile(c, 'verifying');
  if (!path.ok) return path;
  const trust = await trustOf(c);
  if (!trust.ok) return trust;
  const done = await verify(path.value, absolute(text(c, 'signature') ?? `${path.value}.sig`), trust.value);
  return done.ok
    ? ok({
        value: { path: path.value, ...done.value },
        text: [`${path.value}: signed by ${done.value.keyId}, every byte is what was signed`],
      })
    : done;
};
