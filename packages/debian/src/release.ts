/**
 * Releases: a signed bundle of what this commit builds, with checksums; and the other way round, whether a published bundle is what this
 * commit builds. Both are `dplane-ota`'s work: the signing key stays where it is, an encrypted file or behind the program of an HSM.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawnLong } from '../../lab/src/exec.ts';
import { KERNEL_OPTIONS } from './disk.ts';
import { BUILT_FROM } from './deb.ts';
import { commitTime, repository } from './places.ts';
import { hashOf, type Slot } from './slot.ts';

const YEAR_S = 365 * 86_400;

const ota = async (...argv: string[]): Promise<number> =>
  (await spawnLong([process.execPath, join(repository, 'ota/src/main.ts'), ...argv], { output: 'inherit' }).ended).exit ?? 1;
const parts = (slot: Slot): string[] => [
  ...['--slot', join(slot.folder, 'slot.erofs')],
  ...['--kernel', join(slot.folder, 'vmlinuz'), '--initrd', join(slot.folder, 'initrd')],
];

/** `signer`: words of `dplane-ota sign`, such as `--key FILE`. Nothing in a bundle comes from the clock: the same commit, the same bytes. */
export async function release(slot: Slot, signer: readonly string[]): Promise<number> {
  const folder = join(repository, 'artifacts');
  mkdirSync(folder, { recursive: true });
  const name = `dplaneos-${slot.system.version}-${slot.system.arch}.bundle`;
  const file = join(folder, name);
  const system = join(folder, 'system.json');
  writeFileSync(system, JSON.stringify({ ...slot.system, poolFeatures: slot.poolFeatures }));
  const made = await commitTime(BUILT_FROM);
  const dates = ['--created', String(made), '--not-after', String(made + YEAR_S)];
  const options = KERNEL_OPTIONS.flatMap((option) => ['--option', option]);
  const built = await ota('build', file, ...parts(slot), '--system', system, ...dates, ...options, ...signer);
  if (built !== 0) return built;
  const sums = [`${await hashOf(file, 'sha512')}  ${name}`, `${await hashOf(join(slot.folder, 'slot.erofs'), 'sha512')}  slot.erofs`];
  writeFileSync(`${file}.sha512`, `${sums.join('\n')}\n`);
  console.log(`${file}\n${file}.sha512`);
  if (signer.length === 0)
    console.log('It is not signed: no machine takes it. A key: npm run ota -- keygen FILE; then: npm run bundle -- --key FILE');
  return 0;
}

export const verifyRelease = (slot: Slot, words: readonly string[]): Promise<number> => ota('verify-release', ...words, ...parts(slot));
