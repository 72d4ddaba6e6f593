-- Operational state, not evidence: losing it costs time, never a capture.
CREATE TABLE open_captures (id TEXT PRIMARY KEY, folder TEXT NOT NULL, opened TEXT NOT NULL, cases TEXT NOT NULL);
CREATE TABLE runs (
  run TEXT PRIMARY KEY, target TEXT NOT NULL, parts INTEGER NOT NULL, cursor TEXT, done INTEGER NOT NULL, options TEXT NOT NULL
);
CREATE INDEX runs_target ON runs(target, done);
