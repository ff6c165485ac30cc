/** What a person sees of `dplane-ota`: results on stdout, everything said about them on stderr; no byte of a file steers the terminal. */
import type { Refusal } from '../../../control/src/domain/refusal.ts';

export type Streams = { stdout: NodeJS.WriteStream; stderr: NodeJS.WriteStream; stdin: NodeJS.ReadStream };

const clean = (text: string): string => text.replaceAll(/[^\x20-\x7e\u00a1-\u024f\u2010-\u2027\u2500-\u27bf\n]/g, '?');

export type Terminal = {
  out: (text: string) => void;
  err: (text: string) => void;
  /** Replaces the line before; only on a terminal. */
  live: (text: string) => void;
  refused: (r: Refusal) => void;
  heading: (text: string) => string;
};

export const terminal = (s: Streams): Terminal => {
  const colour = (stream: NodeJS.WriteStream): boolean => stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
  const paint = (stream: NodeJS.WriteStream, code: string, text: string): string => (colour(stream) ? `\x1b[${code}m${text}\x1b[0m` : text);
  let live = false;
  const end = (): void => {
    if (live) s.stderr.write('\r\x1b[K');
    live = false;
  };
  return {
    out: (text) => {
      end();
      s.stdout.write(`${clean(text)}\n`);
    },
    err: (text) => {
      end();
      s.stderr.write(`${clean(text)}\n`);
    },
    live: (text) => {
      if (s.stderr.isTTY !== true) return;
      s.stderr.write(`\r\x1b[K${clean(text).slice(0, (s.stderr.columns ?? 80) - 1)}`);
      live = true;
    },
    refused: (r) => {
      end();
      s.stderr.write(`${paint(s.stderr, '31;1', 'no:')} ${clean(r.what)}: ${clean(r.why)}\n`);
      if (r.todo !== '') s.stderr.write(`    ${clean(r.todo)}\n`);
    },
    heading: (text) => paint(s.stdout, '1', text),
  };
};

/** Asks without showing what is typed. Null when there is nobody to ask. */
export const askSecret = (s: Streams, question: string): Promise<string | null> => {
  const { stdin, stderr } = s;
  if (stdin.isTTY !== true) return Promise.resolve(null);
  stderr.write(question);
  return new Promise((resolve) => {
    let typed = '';
    const finish = (value: string | null): void => {
      stdin.off('data', onData);
      stdin.setRawMode(false);
      stdin.pause();
      stderr.write('\n');
      resolve(value);
    };
    const onData = (bytes: Buffer): void => {
      for (const c of bytes.toString('utf8')) {
        if (c === '\r' || c === '\n' || c === '\u0003' || c === '\u0004') {
          finish(c === '\r' || c === '\n' ? typed : null);
          return;
        }
        if (c === '\u007f' || c === '\b') typed = [...typed].slice(0, -1).join('');
        else if (c >= ' ') typed += c;
      }
    };
    stdin.setRawMode(true);
    stdin.resume();
    stdin.on('data', onData);
  });
};
