/** smbclient on this machine, as somebody who was given an address, a name and a password. The password goes through a file. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Result, run } from '../../packages/lab/src/exec.ts';
import type { Account } from './plain-samba.ts';

export interface SmbClient {
  /** For files that are put and got. */
  readonly folder: string;
  argv(share: string, account: Account): string[];
  run(share: string, account: Account, ...commands: string[]): Promise<Result>;
  /** All that it said. */
  said(share: string, account: Account, ...commands: string[]): Promise<string>;
  /** Makes a file here; gives its path. */
  file(name: string, content: string | Buffer): string;
  close(): void;
}

export function smbClient(port: () => number, timeoutMs = 240_000): SmbClient {
  const folder = mkdtempSync(join(tmpdir(), 'dplaneos-smb-'));
  const argv = (share: string, { name, password }: Account): string[] => {
    const file = join(folder, `auth-${createHash('sha256').update(`${name}\n${password}`).digest('hex').slice(0, 16)}`);
    writeFileSync(file, `username = ${name}\npassword = ${password}\n`, { mode: 0o600 });
    return ['smbclient', `//127.0.0.1/${share}`, '-p', String(port()), '-A', file, '-m', 'SMB3'];
  };
  const client: SmbClient = {
    folder,
    argv,
    run: (share, account, ...commands) => run([...argv(share, account), '-c', commands.join('; ')], { timeoutMs }),
    said: async (...args) => {
      const r = await client.run(...args);
      return `${r.stdout}${r.stderr}`;
    },
    file: (name, content) => {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
  return client;
}
