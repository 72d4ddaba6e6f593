-- Files that arrived in part, and lists of links. Operational: losing it means asking for bytes again.
CREATE TABLE files_begun (key TEXT NOT NULL, capture TEXT NOT NULL, PRIMARY KEY (key, capture));
CREATE TABLE lists (run TEXT PRIMARY KEY, key TEXT NOT NULL, done INTEGER NOT NULL);
CREATE INDEX lists_key ON lists(key, done);
CREATE TABLE list_results (
  run TEXT NOT NULL, pass TEXT NOT NULL, target TEXT NOT NULL, result TEXT NOT NULL, PRIMARY KEY (run, pass, target)
);
