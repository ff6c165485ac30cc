/**
 * For tests: a command in a pseudo-terminal, typed at and read like by a person. Made by `script` (util-linux, essential on
 * Debian), so that no native module is needed. Waits for text, never for time.
 */
import { type ChildProcess, spawn } from 'node:child_process';

const word = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

export class Pty {
  readonly #child: ChildProcess;
  #seen = '';
  #read = 0;
  #ended: number | null = null;
  readonly #listeners = new Set<() => void>();
  readonly exit: Promise<number>;

  constructor(argv: readonly string[], env: NodeJS.ProcessEnv, columns = 80) {
    const line = `stty cols ${columns} rows 40; exec ${argv.map(word).join(' ')}`;
    this.#child = spawn('script', ['--quiet', '--return', '--flush', '--command', line, '/dev/null'], {
      env: { ...env, TERM: 'xterm-256color' },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#seen += text;
      this.#tell();
    });
    this.exit = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code) => {
        this.#ended = code ?? -1;
        this.#tell();
        resolve(this.#ended);
      });
    });
  }
  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  /** Everything so far, without colours and cursor movements. */
  get text(): string {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control sequences are exactly what is taken out
    return this.#seen.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, '').replaceAll('\r', '');
  }
  get raw(): string {
    return this.#seen;
  }

  /** Resolves once the text has come, behind what an earlier call has found. */
  async until(wanted: string, limitMs = 20_000): Promise<void> {
    const found = (): boolean => {
      const at = this.text.indexOf(wanted, this.#read);
      if (at < 0) return false;
      this.#read = at + wanted.length;
      return true;
    };
    if (found()) return;
    await new Promise<void>((resolve, reject) => {
      const finish = (e?: Error): void => {
        clearTimeout(limit);
        this.#listeners.delete(look);
        if (e) reject(e);
        else resolve();
      };
      const limit = setTimeout(() => finish(new Error(`no "${wanted}" within ${limitMs} ms in:\n${this.text}`)), limitMs);
      const look = (): void => {
        if (found()) finish();
        else if (this.#ended !== null) finish(new Error(`ended with ${this.#ended} before "${wanted}" in:\n${this.text}`));
      };
      this.#listeners.add(look);
    });
  }
  type(text: string): void {
    this.#child.stdin?.write(text);
  }
  /** A line with Enter. */
  enter(text = ''): void {
    this.type(`${text}\r`);
  }
  /** Waits for a question, then answers it. */
  async answer(question: string, text: string): Promise<void> {
    await this.until(question);
    this.enter(text);
  }
  kill(): void {
    this.#child.kill();
  }
}
