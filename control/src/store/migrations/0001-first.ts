/** The first schema. STRICT everywhere: a value of the wrong type is an error when it is written, not when it is read. */
export const name = 'first';
export const sql = `
CREATE TABLE events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  severity TEXT NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
  subject TEXT NOT NULL,
  message TEXT NOT NULL,
  actor TEXT NOT NULL,
  data TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_subject ON events (subject, seq);
CREATE VIRTUAL TABLE events_fts USING fts5 (kind, subject, message, actor, content = 'events', content_rowid = 'seq');
CREATE TRIGGER events_fts_add AFTER INSERT ON events BEGIN
  INSERT INTO events_fts (rowid, kind, subject, message, actor) VALUES (new.seq, new.kind, new.subject, new.message, new.actor);
END;
CREATE TRIGGER events_fts_drop AFTER DELETE ON events BEGIN
  INSERT INTO events_fts (events_fts, rowid, kind, subject, message, actor)
    VALUES ('delete', old.seq, old.kind, old.subject, old.message, old.actor);
END;

CREATE TABLE audit (
  seq INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  actor_kind TEXT NOT NULL,
  actor_name TEXT NOT NULL,
  actor_via TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('allowed', 'denied', 'succeeded', 'failed', 'interrupted')),
  reason TEXT NOT NULL,
  detail TEXT NOT NULL,
  hmac TEXT NOT NULL CHECK (octet_length(hmac) = 64)
) STRICT;
CREATE VIRTUAL TABLE audit_fts USING fts5 (actor_name, action, subject, outcome, reason, detail, content = 'audit', content_rowid = 'seq');
CREATE TRIGGER audit_fts_add AFTER INSERT ON audit BEGIN
  INSERT INTO audit_fts (rowid, actor_name, action, subject, outcome, reason, detail)
    VALUES (new.seq, new.actor_name, new.action, new.subject, new.outcome, new.reason, new.detail);
END;

CREATE TABLE plans (
  digest TEXT PRIMARY KEY,
  plan TEXT NOT NULL,
  actor TEXT NOT NULL,
  yaml TEXT,
  source TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX plans_by_time ON plans (created_at);

CREATE TABLE approvals (
  id TEXT PRIMARY KEY,
  plan_digest TEXT NOT NULL,
  approval TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  used_at INTEGER
) STRICT;
CREATE INDEX approvals_by_plan ON approvals (plan_digest);

CREATE TABLE runs (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  plan_digest TEXT NOT NULL,
  actor TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('running', 'succeeded', 'failed', 'interrupted')),
  started_at INTEGER NOT NULL,
  ended_at INTEGER,
  account TEXT NOT NULL
) STRICT;
CREATE INDEX runs_unfinished ON runs (number) WHERE state = 'running';
CREATE TABLE steps (
  run INTEGER NOT NULL REFERENCES runs (number) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  action_id TEXT NOT NULL,
  state TEXT NOT NULL,
  started_at INTEGER,
  ended_at INTEGER,
  problem TEXT,
  note TEXT,
  operation_id TEXT,
  PRIMARY KEY (run, position),
  UNIQUE (run, action_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE states (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  yaml TEXT NOT NULL,
  digest TEXT NOT NULL,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('saved', 'applied', 'captured'))
) STRICT;
CREATE INDEX states_by_kind ON states (kind, id);
CREATE TABLE identities (name TEXT PRIMARY KEY, guid TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE alerts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  severity TEXT NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
  message TEXT NOT NULL,
  opened_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  resolved_at INTEGER
) STRICT;
CREATE UNIQUE INDEX alerts_open ON alerts (kind, subject) WHERE resolved_at IS NULL;

CREATE TABLE users (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  role TEXT NOT NULL CHECK (role IN ('admin', 'operator', 'auditor', 'viewer')),
  password TEXT NOT NULL,
  totp_secret TEXT,
  totp_last_step INTEGER NOT NULL,
  recovery_codes TEXT NOT NULL,
  disabled INTEGER NOT NULL CHECK (disabled IN (0, 1)),
  created_at INTEGER NOT NULL,
  last_login_at INTEGER
) STRICT;
CREATE TABLE sessions (
  id_hash TEXT PRIMARY KEY,
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  csrf TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  last_seen_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  origin TEXT NOT NULL,
  agent TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE TABLE tokens (
  id TEXT PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  scopes TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  last_used_at INTEGER
) STRICT;
CREATE INDEX tokens_by_user ON tokens (user_id);

CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;
