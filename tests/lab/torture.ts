/** Samba's own test programs (`smbtorture`), one test at a time: each in a process of its own with a limit of its own. */
import { run } from '../../packages/lab/src/exec.ts';

export type Outcome = 'pass' | 'fail' | 'skip' | 'hang';
export interface Verdict {
  readonly outcome: Outcome;
  /** Its own words about a failure, or why it was not tried. */
  readonly said: string;
}
export interface Target {
  readonly port: number;
  readonly share: string;
  /** A file that only we read, as -A takes it. */
  readonly auth: string;
  readonly limitMs: number;
}

export async function listTests(): Promise<string[]> {
  const { stdout } = await run(['smbtorture', '--list']);
  return stdout.split('\n').flatMap((line) => {
    const name = line.trim();
    return /^(smb2|vfs\.fruit)[._]/.test(name) ? [name] : [];
  });
}
/** `smb2.create`, `vfs.fruit` */
export const suiteOf = (test: string): string => test.split('.').slice(0, 2).join('.');

export async function torture(test: string, { port, share, auth, limitMs }: Target): Promise<Verdict> {
  const target = [`//127.0.0.1/${share}`, '-p', String(port), '-A', auth];
  // it is told which server it speaks to: where Samba is known to differ from Windows, it expects what Samba does
  const argv = ['smbtorture', ...target, '--target=samba3', '--format=subunit', test];
  const { stdout, stderr, timedOut } = await run(argv, { timeoutMs: limitMs, hardKill: true });
  const ends = [...stdout.matchAll(/^(success|failure|error|skip): .*?(?: \[\n([\s\S]*?)^\]$)?$/gm)];
  const said = ends.map((e) => e[2]?.trim() ?? '').find((words) => words !== '') ?? '';
  if (timedOut) return { outcome: 'hang', said: `did not end within ${limitMs / 1000} s` };
  if (ends.some((e) => e[1] === 'failure' || e[1] === 'error') || ends.length === 0)
    return { outcome: 'fail', said: said || stderr.trim().split('\n').at(-1) || 'it said nothing' };
  return { outcome: ends.some((e) => e[1] === 'success') ? 'pass' : 'skip', said };
}
