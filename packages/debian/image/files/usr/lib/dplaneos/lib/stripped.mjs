// Loaded before a program of ours: takes over what the image has stripped already (packages/debian/src/stripped.ts), once per image.
import { cpSync, existsSync, readdirSync } from 'node:fs';
import { getCompileCacheDir } from 'node:module';

const from = '/usr/lib/dplaneos/stripped';
const to = getCompileCacheDir();
try {
  const mark = readdirSync(from).find((name) => name.startsWith('taken-over-'));
  if (to && mark && !existsSync(`${to}/${mark}`)) cpSync(from, to, { recursive: true });
} catch {
  // it only spares time
}
