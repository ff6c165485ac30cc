/** QEMU's control socket: one command, one answer. Opened for a conversation and closed again; QEMU serves one at a time. */
import { createConnection, type Socket } from 'node:net';
import { createInterface, type Interface } from 'node:readline';

export class Qmp {
  readonly #socket: Socket;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#reader = createInterface({ input: socket });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  static async open(path: string): Promise<Qmp> {
    const socket = createConnection(path);
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    socket.on('error', () => {});
    const qmp = new Qmp(socket);
    await qmp.#next();
    await qmp.command('qmp_capabilities');
    return qmp;
  }

  async command(execute: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    this.#socket.write(`${JSON.stringify({ execute, arguments: args })}\n`);
    for (;;) {
      const answer = await this.#next();
      if ('return' in answer) return answer.return;
      if ('error' in answer) throw new Error(`QEMU refused ${execute}: ${JSON.stringify(answer.error)}`);
    }
  }

  async #next(): Promise<Record<string, unknown>> {
    const line = await this.#lines.next();
    if (line.done === true) throw new Error('QEMU closed its control socket');
    return JSON.parse(line.value);
  }

  close(): void {
    this.#reader.close();
    this.#socket.destroy();
  }
}
