/** Snapshot schedules, and how far each has come. */
export const name = 'schedules';
export const sql = `
CREATE TABLE schedules (
  name TEXT PRIMARY KEY,
  spec TEXT NOT NULL,
  handled_at INTEGER NOT NULL,
  begun TEXT,
  last TEXT
) STRICT, WITHOUT ROWID;
`;
