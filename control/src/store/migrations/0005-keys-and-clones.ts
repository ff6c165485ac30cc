/** Copies of key files that someone said are kept elsewhere; clones that were made for a while. */
export const name = 'keys and clones';
export const sql = `
CREATE TABLE key_backups (
  id TEXT PRIMARY KEY,
  by TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE clones (
  name TEXT PRIMARY KEY,
  record TEXT NOT NULL
) STRICT, WITHOUT ROWID;
`;
