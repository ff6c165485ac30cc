/** syncfs(2), which Node does not offer: the coreutils program does it for one file system. */
import type { Host } from '../../../control/src/host/host.ts';

const LIMIT_MS = 120_000;

export const syncAll =
  (host: Host) =>
  async (path: string): Promise<void> => {
    const r = await host.run(['sync', '-f', path], { timeoutMs: LIMIT_MS });
    if (r.exit !== 0 || r.failure !== null) throw new Error(`sync -f ${path}: ${r.failure ?? r.stderr.trim()}`);
  };
