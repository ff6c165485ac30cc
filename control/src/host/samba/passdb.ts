/**
 * Samba's own accounts (passdb). Hashes go in through a file that only root reads and never through an argv; `pdbedit` reads it in the format
 * of the old smbpasswd file.
 */
import { ok, type Result, refuse } from '../../domain/refusal.ts';

export const IMPORT_FILE = '/run/dplane-exec/smbpasswd';
export const importArgv = (): string[] => ['pdbedit', '-i', `smbpasswd:${IMPORT_FILE}`];
export const listArgv = (): string[] => ['pdbedit', '-L', '-w'];
export const deleteArgv = (name: string): string[] => ['pdbedit', '-x', '-u', name];

export type PassdbEntry = { name: string; uid: number; hash: string | null; disabled: boolean };

const NONE = 'X'.repeat(32);
/** ada:20001:<LM>:<NT>:[U          ]:LCT-6B01BEC7: */
const LINE = /^([^:]+):([0-9]+):[^:]{32}:([0-9A-Fa-fX*N ]{32}|NO PASSWORD[^:]*):\[([A-Z ]+)\]:LCT-[0-9A-F]{8}:/;

export const parsePassdb = (stdout: string): Result<PassdbEntry[]> => {
  const entries: PassdbEntry[] = [];
  for (const line of stdout.split('\n')) {
    if (line.trim() === '') continue;
    const m = LINE.exec(line);
    // without the line: it holds a hash
    if (!m)
      return refuse('failed', "Samba's accounts", 'pdbedit lists something that is not understood', 'look at `pdbedit -L` on the host');
    const [, name = '', uid = '', hash = '', flags = ''] = m;
    entries.push({
      name,
      uid: Number(uid),
      hash: /^[0-9A-Fa-f]{32}$/.test(hash) ? hash.toUpperCase() : null,
      disabled: flags.includes('D'),
    });
  }
  return ok(entries);
};

export const renderPassdb = (entries: readonly PassdbEntry[], now: number): string => {
  const changed = Math.trunc(now / 1000)
    .toString(16)
    .toUpperCase()
    .padStart(8, '0');
  return entries
    .map((e) => `${e.name}:${e.uid}:${NONE}:${e.hash ?? NONE}:[${`U${e.disabled ? 'D' : ''}`.padEnd(11)}]:LCT-${changed}:\n`)
    .join('');
};
