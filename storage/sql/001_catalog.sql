-- The catalog: a projection of captures/ and events/. Deleting it loses nothing; `archiver catalog rebuild` makes it again.
CREATE TABLE cases (
  name TEXT PRIMARY KEY,
  created TEXT NOT NULL,
  recipients TEXT NOT NULL,           -- JSON list of age public keys
  seq INTEGER NOT NULL
);
CREATE TABLE events (
  seq INTEGER PRIMARY KEY,
  type TEXT NOT NULL,
  time TEXT NOT NULL,
  agent TEXT NOT NULL,
  salted_hash TEXT NOT NULL,          -- as in the ledger's leaf
  body TEXT                           -- canonical JSON; NULL where it was disposed of
);
CREATE TABLE captures (
  id TEXT PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES events(seq),
  run TEXT NOT NULL,
  part INTEGER NOT NULL,
  folder TEXT NOT NULL,
  target TEXT,
  platform TEXT,
  kind TEXT,
  opened TEXT NOT NULL,
  closed TEXT NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('captured','partial','unavailable','refused','blocked','failed','skipped')),
  reason TEXT,
  posts INTEGER NOT NULL,
  manifest_sha256 TEXT NOT NULL,
  test_routes INTEGER NOT NULL
);
CREATE INDEX captures_run ON captures(run, part);
CREATE INDEX captures_target ON captures(target);
CREATE TABLE case_captures (
  "case" TEXT NOT NULL REFERENCES cases(name),
  capture TEXT NOT NULL REFERENCES captures(id),
  seq INTEGER NOT NULL,
  PRIMARY KEY ("case", capture)
);
CREATE TABLE records (
  capture TEXT NOT NULL REFERENCES captures(id),
  n INTEGER NOT NULL,
  id TEXT NOT NULL,
  type TEXT NOT NULL,
  uri TEXT,
  date TEXT NOT NULL,
  file TEXT NOT NULL,
  "offset" INTEGER NOT NULL,
  length INTEGER NOT NULL,
  block_digest TEXT,
  payload_digest TEXT,
  payload_size INTEGER,
  status INTEGER,
  content_type TEXT,
  truncated TEXT,
  PRIMARY KEY (capture, n)
);
CREATE INDEX records_uri ON records(uri);
CREATE INDEX records_payload ON records(payload_digest);
CREATE TABLE posts (
  capture TEXT NOT NULL REFERENCES captures(id),
  n INTEGER NOT NULL,
  platform TEXT NOT NULL,
  id TEXT,
  url TEXT,
  author_handle TEXT,
  author_name TEXT,
  published_at TEXT,
  title TEXT,
  text TEXT,
  lang TEXT,
  edited INTEGER,
  views INTEGER,
  record TEXT,
  line TEXT NOT NULL,                 -- the whole line of posts.jsonl
  PRIMARY KEY (capture, n)
);
CREATE INDEX posts_url ON posts(url);
CREATE INDEX posts_author ON posts(author_handle);
CREATE INDEX posts_published ON posts(published_at);
CREATE TABLE attachments (
  capture TEXT NOT NULL,
  post INTEGER NOT NULL,
  n INTEGER NOT NULL,
  kind TEXT NOT NULL,
  url TEXT,
  file_name TEXT,
  duration REAL,
  size INTEGER,
  PRIMARY KEY (capture, post, n),
  FOREIGN KEY (capture, post) REFERENCES posts(capture, n)
);
CREATE TABLE inventory (
  capture TEXT NOT NULL REFERENCES captures(id),
  n INTEGER NOT NULL,
  key TEXT,
  kind TEXT,
  outcome TEXT CHECK (outcome IN ('captured','partial','unavailable','refused','blocked','failed','skipped')),
  reason TEXT,
  line TEXT NOT NULL,
  PRIMARY KEY (capture, n)
);
CREATE INDEX inventory_outcome ON inventory(outcome);
CREATE TABLE annotations (
  seq INTEGER PRIMARY KEY REFERENCES events(seq),
  kind TEXT NOT NULL,
  capture TEXT,
  post TEXT,
  attachment INTEGER,
  segment TEXT,
  text TEXT,
  body TEXT NOT NULL
);
CREATE INDEX annotations_capture ON annotations(capture);
CREATE VIRTUAL TABLE search USING fts5(
  folded, skeleton, capture UNINDEXED, n UNINDEXED, kind UNINDEXED,
  tokenize = "unicode61 remove_diacritics 0"
);
