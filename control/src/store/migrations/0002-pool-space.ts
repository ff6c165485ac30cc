/** How full each pool was: one row a pool, step and slot; the last value seen in a slot stays. */
export const name = 'pool-space';
export const sql = `
CREATE TABLE pool_space (
  pool TEXT NOT NULL,
  step INTEGER NOT NULL,
  slot INTEGER NOT NULL,
  at INTEGER NOT NULL,
  size INTEGER NOT NULL,
  allocated INTEGER NOT NULL,
  PRIMARY KEY (pool, step, slot)
) STRICT, WITHOUT ROWID;
`;
