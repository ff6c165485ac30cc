/** Says what is being built and how long it took: one line a step, redrawn in place on a terminal. */
export class Progress {
  readonly #terminal: boolean;
  readonly #started = Date.now();

  constructor(terminal: boolean = process.stdout.isTTY === true) {
    this.#terminal = terminal;
  }

  async step<T>(what: string, work: (tell: (detail: string) => void) => Promise<T>): Promise<T> {
    const from = Date.now();
    let detail = '';
    const seconds = () => `${((Date.now() - from) / 1000).toFixed(0).padStart(4)} s`;
    const draw = () =>
      process.stdout.write(`\r\x1b[K${seconds()}  ${what}  ${detail.slice(0, (process.stdout.columns ?? 80) - what.length - 12)}`);
    const timer = this.#terminal ? setInterval(draw, 500) : undefined;
    if (this.#terminal) draw();
    else console.log(`     …  ${what}`);
    try {
      const value = await work((text) => {
        const line =
          text
            .trimEnd()
            .split('\n')
            .at(-1)
            ?.replaceAll(/[^\x20-\x7e]/g, '') ?? '';
        if (line !== '') detail = line;
      });
      console.log(`${this.#terminal ? '\r\x1b[K' : ''}${seconds()}  ${what}`);
      return value;
    } catch (error) {
      console.log(`${this.#terminal ? '\r\x1b[K' : ''}${seconds()}  ${what}: FAILED`);
      throw error;
    } finally {
      clearInterval(timer);
    }
  }

  total(): string {
    return `${((Date.now() - this.#started) / 1000).toFixed(0)} s`;
  }
}
