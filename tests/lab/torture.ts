/** Samba's own test programs (`smbtorture`), one test at a time: each in a process of its own with a limit of its own. */
import { run } from '../../packages/lab/src/exec.ts';

export type Outcome = 'pass' | 'fail' | 'skip' | 'hang';
/** A line of smbtorture.txt; `none` was not tried, for the reason that stands there. */
export interface Listed {
  readonly ours: Outcome | 'none';
  readonly plain: Outcome | 'none';
  /** Both side by side took this long. */
  readonly seconds: number;
  readonly test: string;
  readonly reason: string;
}
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
    const name = /^ *((?:smb2|vfs\.fruit)[._].*)\.[^.]+$/.exec(line)?.[1];
    return name === undefined ? [] : [name];
  });
}
/** `smb2.create`, `vfs.fruit` */
export const suiteOf = (test: string): string => test.split('.').slice(0, 2).join('.');

const OUTCOMES: readonly string[] = ['pass', 'fail', 'skip', 'hang', 'none'];
const isOutcome = (word: string | undefined): word is Listed['ours'] => word !== undefined && OUTCOMES.includes(word);

export function parseList(text: string): Listed[] {
  return text.split('\n').flatMap((line): Listed[] => {
    if (line === '' || line.startsWith('#')) return [];
    const [, ours, plain, seconds, test = '', reason = ''] = /^(\w+) (\w+) +(\d+) (.+?)(?: # (.+))?$/.exec(line) ?? [];
    if (!isOutcome(ours) || !isOutcome(plain) || test === '') throw new Error(`smbtorture.txt: ${line}`);
    return [{ ours, plain, seconds: Number(seconds), test, reason }];
  });
}

const HEAD = `# Samba's own tests (tests/lab/smbtorture.test.ts): with a share of ours on ZFS, with a plain Samba on ext4, the seconds both took, the test.
# Behind a #: why ours is worse, or why it was not tried. "encrypted": it passes without encryption, which is looked at.
`;
export const renderList = (list: readonly Listed[]): string =>
  HEAD +
  [...list]
    .sort((a, b) => (a.test < b.test ? -1 : 1))
    .map((t) => `${t.ours} ${t.plain} ${String(t.seconds).padStart(3)} ${t.test}${t.reason === '' ? '' : ` # ${t.reason}`}\n`)
    .join('');

export async function torture(test: string, { port, share, auth, limitMs }: Target): Promise<Verdict> {
  const target = [`//127.0.0.1/${share}`, '-p', String(port), '-A', auth];
  // it is told which server it speaks to: where Samba is known to differ from Windows, it expects what Samba does
  // each is the only one of a suite of its name
  const argv = ['smbtorture', ...target, '--target=samba3', '--format=subunit', `${test}.${test.split('.').at(-1)}`];
  const { stdout, stderr, timedOut } = await run(argv, { timeoutMs: limitMs, hardKill: true });
  const ends = [...stdout.matchAll(/^(success|failure|error|skip): .*?(?: \[\n([\s\S]*?)^\]$)?$/gm)];
  const said = ends.map((e) => e[2]?.trim() ?? '').find((words) => words !== '') ?? '';
  if (timedOut) return { outcome: 'hang', said: `did not end within ${limitMs / 1000} s` };
  if (ends.some((e) => e[1] === 'failure' || e[1] === 'error') || ends.length === 0)
    return { outcome: 'fail', said: said || stderr.trim().split('\n').at(-1) || 'it said nothing' };
  return { outcome: ends.some((e) => e[1] === 'success') ? 'pass' : 'skip', said };
}
