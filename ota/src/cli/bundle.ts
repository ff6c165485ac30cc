/** Bundles on the command line: what can be done with one on any machine. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { BundleSource, type BundleInfo } from '../../../control/src/domain/bundle/bundle.ts';
import { type Refusal, type Result, ok, refuse } from '../../../control/src/domain/refusal.ts';
import { idleSlot, runningSlot, SlotStatus, SystemInfo, whyNoUpdate } from '../../../control/src/domain/slot/slot.ts';
import { formatBytes } from '../../../control/src/domain/units.ts';
import { openSource } from '../apply/open.ts';
import { checkPolicy } from '../apply/policy.ts';
import { readFeatures, readPools } from '../apply/pools.ts';
import { buildBundle } from '../bundle/build.ts';
import { compareRelease } from '../bundle/compare.ts';
import type { Source } from '../bundle/reader.ts';
import { signBundle } from '../bundle/sign.ts';
import { asResult, infoOf, inspectBundle, verifyBundle } from '../bundle/verify.ts';
import { parsePublicKey } from '../keys/public.ts';
import { readTrust, type Trust } from '../keys/trust.ts';
import { readOptional } from '../slots/files.ts';
import { type Context, list, type Run, text } from './command.ts';
import { openSigner, wantsSigner } from './keys.ts';
import { absolute } from './words.ts';

export const trustOf = async (c: Context): Promise<Result<Trust>> => {
  const files = list(c, 'public-key');
  if (files.length === 0) return readTrust(c.places);
  const keys: Trust['keys'][number][] = [];
  for (const file of files) {
    const key = parsePublicKey(await readFile(file, 'utf8'));
    if (!key.ok) return key;
    keys.push({ ...key.value, source: 'enrolled', revoked: false });
  }
  return ok({ keys });
};

export const sourceOf = (word: string): Result<BundleSource> => {
  const url = /^[a-z]+:\/\//i.test(word);
  const parsed = BundleSource.safeParse(url ? { kind: 'url', url: word } : { kind: 'file', path: absolute(word) });
  return parsed.success
    ? ok(parsed.data)
    : refuse(
        'invalid',
        `reading ${word.slice(0, 80)}`,
        parsed.error.issues[0]?.message ?? 'it is no bundle',
        'Give a path or an http(s) address.',
      );
};

const withBundle = async <T>(c: Context, use: (source: Source, trust: Trust) => Promise<Result<T>>): Promise<Result<T>> => {
  const trust = await trustOf(c);
  if (!trust.ok) return trust;
  const from = sourceOf(c.positionals[0] ?? '');
  if (!from.ok) return from;
  const source = await asResult(() => openSource(c.places, { source: from.value }, c.signal));
  if (!source.ok) return source;
  try {
    return await use(source.value, trust.value);
  } finally {
    await source.value.close();
  }
};

/** Why it would be refused on this machine, as far as anybody may see it; null elsewhere. */
const refusedHere = async (c: Context, manifest: Parameters<typeof checkPolicy>[0]): Promise<Refusal | null> => {
  const file = await readOptional(c.places.status);
  const status = file === null ? null : SlotStatus.safeParse(JSON.parse(file));
  if (!status?.success || !status.data.available) return null;
  const why = whyNoUpdate(status.data);
  const what = `installing version ${manifest.system.version}`;
  if (why !== null) return refuse('conflict', what, why).refusal;
  const running = runningSlot(status.data).system;
  if (running === null) return null;
  const pools = await readPools(c.host);
  const features = pools.ok ? await readFeatures(c.host, pools.value) : pools;
  if (!features.ok) return features.refusal;
  const said = checkPolicy(manifest, {
    running,
    highestIndex: status.data.highestIndex,
    now: Date.now(),
    slotSize: (await slotSize(c, idleSlot(status.data).name)) ?? Number.MAX_SAFE_INTEGER,
    pools: features.value,
  });
  return said.ok ? null : said.refusal;
};

/** As the kernel says it, which anybody may read. */
const slotSize = async (c: Context, slot: 'a' | 'b'): Promise<number | null> => {
  const { realpath } = await import('node:fs/promises');
  const device = await realpath(c.places.slot(slot)).catch(() => null);
  const sectors = device && (await readOptional(`${c.places.sys}/class/block/${device.split('/').at(-1)}/size`));
  return sectors ? Number(sectors) * 512 : null;
};

const date = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
const told = (i: BundleInfo, head: string): string[] => [
  head,
  `  release    ${i.system.version} (index ${i.system.index}, ${i.system.arch})`,
  `  holds      Linux ${i.system.kernel}, OpenZFS ${i.system.zfs}`,
  `  size       ${formatBytes(i.size)}, ${formatBytes(i.imageSize)} unpacked`,
  `  made       ${date(i.createdAt)}, valid until ${date(i.notAfter)}`,
  `  signed by  ${i.keyId}`,
  ...(i.refusal === null
    ? []
    : [`  it would be refused here: ${i.refusal.why}`, ...(i.refusal.todo === '' ? [] : [`  ${i.refusal.todo}`])]),
];

export const inspect: Run = (c) =>
  withBundle(c, async (source, trust) => {
    const opened = await inspectBundle(source, trust);
    if (!opened.ok) return opened;
    const info = { ...infoOf(opened.value), refusal: await refusedHere(c, opened.value.manifest) };
    return ok({ value: info, text: told(info, `${source.name}: its signature is good`) });
  });

export const verify: Run = (c) =>
  withBundle(c, async (source, trust) => {
    const manifest = await verifyBundle(source, trust, (done, total) => c.terminal.live(`${Math.floor((done / total) * 100)} %`));
    if (!manifest.ok) return manifest;
    const { system, keyId } = manifest.value;
    return ok({
      value: { system, keyId, chunks: manifest.value.slot.chunks.length },
      text: [`${source.name}: release ${system.version}, signed by ${keyId}, every byte is what was signed`],
    });
  });

export const verifyRelease: Run = (c) =>
  withBundle(c, async (source, trust) => {
    const [slot, kernel, initrd] = [text(c, 'slot'), text(c, 'kernel'), text(c, 'initrd')];
    if (slot === undefined || kernel === undefined || initrd === undefined)
      return refuse(
        'invalid',
        'comparing',
        'there is nothing to compare with',
        'Give what you built: --slot FILE --kernel FILE --initrd FILE',
      );
    const opened = await inspectBundle(source, trust);
    if (!opened.ok) return opened;
    const found = await compareRelease(opened.value, { slot, kernel, initrd });
    if (!found.ok) return found;
    const { differences, sums } = found.value;
    if (differences.length > 0)
      return refuse(
        'conflict',
        `release ${opened.value.manifest.system.version}`,
        `what was built here is not what was published: ${differences.slice(0, 8).join('; ')}${differences.length > 8 ? ` (and ${differences.length - 8} more)` : ''}`,
        'Build from the very commit of the release, with its locked inputs.',
      );
    return ok({ value: { equal: true, sums }, text: sums });
  });

const Image = SystemInfo.extend({ poolFeatures: z.array(z.string()).optional() });
const words = (all: string): string[] => all.split(/\s+/).filter((w) => w !== '' && !w.startsWith('#'));
const when = (given: string | undefined): number =>
  given === undefined ? Number.NaN : /^[0-9]+$/.test(given) ? Number(given) * 1000 : Date.parse(given);

export const build: Run = async (c) => {
  const what = 'building a bundle';
  const [output = ''] = c.positionals;
  const need = ['slot', 'kernel', 'initrd', 'system', 'not-after'].filter((n) => text(c, n) === undefined);
  if (need.length > 0)
    return refuse('invalid', what, `what is missing: ${need.map((n) => `--${n}`).join(', ')}`, 'dplane-ota build --help');
  const image = Image.safeParse(JSON.parse(await readFile(text(c, 'system') ?? '', 'utf8')));
  if (!image.success)
    return refuse('invalid', what, `${text(c, 'system')}: ${image.error.issues[0]?.path.join('.')} ${image.error.issues[0]?.message}`);
  const created = when(text(c, 'created') ?? process.env.SOURCE_DATE_EPOCH);
  const notAfter = when(text(c, 'not-after'));
  if (Number.isNaN(created) || Number.isNaN(notAfter))
    return refuse('invalid', what, 'a date is missing or not one', 'Give --created (or SOURCE_DATE_EPOCH) and --not-after, as 2026-11-21');
  const { poolFeatures, ...system } = image.data;
  const [features, options] = [text(c, 'pool-features'), text(c, 'options-file')];
  const number = (name: string): Record<string, number> =>
    text(c, name) === undefined ? {} : { [name.replace(/-(.)/g, (_, l: string) => l.toUpperCase())]: Number(text(c, name)) };
  const manifest = await buildBundle(
    {
      ...{ slot: text(c, 'slot') ?? '', kernel: text(c, 'kernel') ?? '', initrd: text(c, 'initrd') ?? '' },
      system: SystemInfo.parse(system),
      poolFeatures: features === undefined ? (poolFeatures ?? []) : words(await readFile(features, 'utf8')),
      options: [...list(c, 'option'), ...(options === undefined ? [] : words(await readFile(options, 'utf8')))],
      ...{ createdAt: created, notAfter, minIndex: 1 },
      ...{ ...number('min-index'), ...number('chunk-size'), ...number('level') },
    },
    output,
  );
  if (!manifest.ok) return manifest;
  const { packed, size, chunks } = manifest.value.slot;
  const line = `${output}: release ${manifest.value.system.version}, ${formatBytes(size)} in ${formatBytes(packed)}, ${chunks.length} chunks`;
  const value = { output, version: manifest.value.system.version, packed, chunks: chunks.length };
  if (!wantsSigner(c))
    return ok({ value: { ...value, keyId: null }, text: [`${line}, not signed`, `Sign it with: dplane-ota sign ${output} --key FILE`] });
  const signed = await signIt(c, output);
  return signed.ok ? ok({ value: { ...value, keyId: signed.value.keyId }, text: [`${line}, signed by ${signed.value.keyId}`] }) : signed;
};

const signIt = async (c: Context, path: string): Promise<Result<{ keyId: string }>> => {
  const signer = await openSigner(c);
  return signer.ok ? signBundle(path, signer.value) : signer;
};

export const sign: Run = async (c) => {
  const [path = ''] = c.positionals;
  const signed = await signIt(c, path);
  return signed.ok ? ok({ value: { path, ...signed.value }, text: [`${path}: signed by ${signed.value.keyId}`] }) : signed;
};
