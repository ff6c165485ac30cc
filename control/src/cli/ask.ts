/** Questions to the person. Loaded only when one is asked. A secret is never echoed; Ctrl-C and Ctrl-D end the command. */
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { interrupted, usage } from './problems.ts';
import type { Terminal } from './terminal.ts';
import { clean } from './text.ts';

const read = (term: Terminal, question: string, hidden: boolean): Promise<string> =>
  new Promise((resolve, reject) => {
    const { stdin, stderr } = term.streams;
    let prompted = false;
    const output = new Writable({
      write: (chunk, _encoding, done) => {
        // readline echoes through its output: for a secret only the question itself passes.
        if (!hidden || !prompted) stderr.write(chunk);
        done();
      },
    });
    const rl = createInterface({ input: stdin, output, terminal: true, historySize: 0 });
    let answered = false;
    rl.on('SIGINT', () => rl.close());
    rl.on('close', () => {
      if (answered) return;
      stderr.write('\n');
      reject(interrupted('nothing was changed'));
    });
    rl.question(clean(question), (answer) => {
      answered = true;
      if (hidden) stderr.write('\n');
      rl.close();
      resolve(answer);
    });
    prompted = true;
  });

const mustAsk = (term: Terminal, what: string, instead: string): void => {
  if (!term.interactive) throw usage(what, 'there is no terminal to ask on', instead);
};

export const ask = async (term: Terminal, question: string, instead: string): Promise<string> => {
  mustAsk(term, question.replace(/[:?]\s*$/, ''), instead);
  return (await read(term, question, false)).trim();
};

export const askSecret = async (term: Terminal, question: string, instead: string): Promise<string> => {
  mustAsk(term, question.replace(/[:?]\s*$/, ''), instead);
  return read(term, question, true);
};

/** Only a clear yes is one. */
export const confirm = async (term: Terminal, question: string, instead: string): Promise<boolean> =>
  /^y(es)?$/i.test(await ask(term, `${question} [y/N] `, instead));

/** A secret from a pipe: the first line. */
export const firstLine = async (input: NodeJS.ReadableStream): Promise<string> => {
  let text = '';
  for await (const chunk of input) {
    text += String(chunk);
    if (text.includes('\n') || text.length > 4096) break;
  }
  return text.split(/\r?\n/)[0] ?? '';
};
