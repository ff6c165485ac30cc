/** The baseline of memory and start: an HTTPS server that answers /health, with a SQLite database open. Nothing else. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import Database from 'better-sqlite3';

const [folder = '.', port = '0'] = process.argv.slice(2);
const db = new Database(join(folder, 'bare.db'));
db.pragma('journal_mode = WAL');
const one = db.prepare('select 1 as one');
const server = createServer({ key: readFileSync(join(folder, 'key.pem')), cert: readFileSync(join(folder, 'cert.pem')) }, (_req, res) => {
  res.setHeader('content-type', 'application/json');
  res.end(JSON.stringify({ status: 'ok', ...(one.get() as { one: number }) }));
});
server.listen(Number(port), '127.0.0.1', () => console.log(`ready https://127.0.0.1:${port}`));
process.on('SIGTERM', () => process.exit(0));
