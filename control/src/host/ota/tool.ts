/** The updater's program and its unit: argv, and what they answer. `dplane-ota ... --json` says one line: a value or a refusal. */
import { z } from 'zod';
import { BundleInfo, type BundleSource } from '../../domain/bundle/bundle.ts';
import { Refusal, type Result, ok, refuse } from '../../domain/refusal.ts';
import type { Host } from '../host.ts';

export const APPLY_UNIT = 'dplane-ota-apply.service';
const INSPECT_MS = 60_000;
/** Boot entries on a slow disk. */
const CHANGE_MS = 120_000;
const UNIT_MS = 20_000;

const Said = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), value: z.unknown() }),
  z.object({ ok: z.literal(false), refusal: Refusal }),
]);

const ask = async (host: Host, argv: readonly string[], timeoutMs: number, signal?: AbortSignal): Promise<Result<unknown>> => {
  const what = argv.slice(0, 2).join(' ');
  const r = await host.run(argv, { timeoutMs, maxOutput: 1024 * 1024, ...(signal && { signal }) });
  if (r.failure === 'missing')
    return refuse('unavailable', what, 'the updater is not installed on this machine', 'install the appliance image');
  if (r.failure === 'timeout')
    return refuse('timeout', what, `it did not answer within ${timeoutMs / 1000} s`, 'try again; look at the network and the disk');
  let json: unknown;
  try {
    json = JSON.parse(r.stdout.trim().split('\n').at(-1) ?? '');
  } catch {
    json = null;
  }
  const said = Said.safeParse(json);
  if (said.success) return said.data.ok ? ok(said.data.value) : { ok: false, refusal: said.data.refusal };
  const words = (r.failure ?? r.stderr.trim().split('\n').at(-1) ?? '').slice(0, 300);
  return refuse('failed', what, `it gave no answer that can be read${words === '' ? '' : `: ${words}`}`, `run \`${what}\` on the machine`);
};

/** Reads the head of a bundle and verifies its signature; writes nothing and needs no privilege. */
export const inspect = async (
  host: Host,
  source: Exclude<BundleSource, { kind: 'upload' }>,
  signal?: AbortSignal,
): Promise<Result<BundleInfo>> => {
  const said = await ask(host, ['dplane-ota', 'inspect', '--json', source.kind === 'url' ? source.url : source.path], INSPECT_MS, signal);
  if (!said.ok) return said;
  const info = BundleInfo.safeParse(said.value);
  return info.success ? ok(info.data) : refuse('failed', 'dplane-ota inspect', 'its answer is not understood here', 'report this');
};
export const rollback = (host: Host): Promise<Result<unknown>> => ask(host, ['dplane-ota', 'rollback', '--json'], CHANGE_MS);
export const markGood = (host: Host): Promise<Result<unknown>> => ask(host, ['dplane-ota', 'mark-good', '--json'], CHANGE_MS);

/** Is an apply at work? `absent`: there is no such unit here. */
export const applyUnit = async (host: Host): Promise<Result<'absent' | 'working' | 'resting'>> => {
  const r = await host.run(['systemctl', 'show', '--property=LoadState,ActiveState', APPLY_UNIT], { timeoutMs: UNIT_MS });
  const state = /^ActiveState=(\S+)$/m.exec(r.stdout)?.[1];
  if (r.exit !== 0 || state === undefined)
    return refuse(
      'unavailable',
      'asking for the updater',
      `systemctl: ${(r.failure ?? r.stderr.trim()).slice(0, 300)}`,
      'look at the machine',
    );
  if (/^LoadState=not-found$/m.test(r.stdout)) return ok('absent');
  return ok(['active', 'activating', 'reloading', 'deactivating'].includes(state) ? 'working' : 'resting');
};
export const startApplyArgv = (): string[] => ['systemctl', 'start', '--no-block', APPLY_UNIT];
export const stopApplyArgv = (): string[] => ['systemctl', 'stop', APPLY_UNIT];
export const rebootArgv = (): string[] => ['systemctl', 'reboot', '--no-block'];
