/** systemd's own program for the counter of the boot entry that was started. Where it lies differs. */
import type { Host } from '../../../control/src/host/host.ts';

const PROGRAMS = ['/usr/lib/systemd/systemd-bless-boot', '/run/current-system/systemd/lib/systemd/systemd-bless-boot'];

/** `clean`: this start is not counted. `indeterminate`: on trial. Null when it can't be asked. */
export type BlessState = 'clean' | 'indeterminate' | 'good' | 'bad';
const STATES: readonly string[] = ['clean', 'indeterminate', 'good', 'bad'] satisfies BlessState[];

const ask = async (host: Host, word: string): Promise<{ ok: boolean; text: string }> => {
  for (const program of PROGRAMS) {
    const r = await host.run([program, word], { timeoutMs: 15_000 });
    if (r.failure !== 'missing')
      return { ok: r.exit === 0 && r.failure === null, text: (r.stdout || r.stderr || String(r.failure)).trim() };
  }
  return { ok: false, text: 'systemd-bless-boot is not installed' };
};

export const blessState = async (host: Host): Promise<BlessState | null> => {
  const { ok, text } = await ask(host, 'status');
  // one of its own words, compared above
  return ok && STATES.includes(text) ? (text as BlessState) : null;
};
/** Null when it is done, words when not. */
export const bless = async (host: Host, as: 'good' | 'bad'): Promise<string | null> => {
  const { ok, text } = await ask(host, as);
  return ok ? null : text;
};
