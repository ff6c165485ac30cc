/** What is known of each disk, and its counts and temperatures over time: a row where a value changed. */
export const name = 'disk-health';
export const sql = `
CREATE TABLE disk_health (
  disk TEXT PRIMARY KEY,
  record TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE disk_readings (
  disk TEXT NOT NULL,
  field TEXT NOT NULL,
  at INTEGER NOT NULL,
  value INTEGER NOT NULL,
  PRIMARY KEY (disk, field, at)
) STRICT, WITHOUT ROWID;
`;
