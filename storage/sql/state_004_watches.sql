-- Where watches stand: how far the platform's updates were taken in, and the last observation of each message.
CREATE TABLE watches (target TEXT PRIMARY KEY, pts INTEGER NOT NULL, facts TEXT NOT NULL);
CREATE TABLE watched (
  target TEXT NOT NULL, message INTEGER NOT NULL, digest TEXT NOT NULL, capture TEXT NOT NULL, record TEXT,
  removed INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (target, message)
);
