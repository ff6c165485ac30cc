/** `node state-main.ts FILE`: is this state.yaml right? Asks nobody, so that a build can (modules/state.nix). */
import { readFileSync } from 'node:fs';
import { parseState } from './engine/statefile.ts';

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('usage: state-main.ts FILE');
const checked = await parseState(readFileSync(file, 'utf8'));
if (!checked.ok) {
  for (const p of checked.problems) console.error(`${file}:${p.line}:${p.column}: ${p.path === '' ? '' : `${p.path}: `}${p.message}`);
  process.exitCode = 1;
}
