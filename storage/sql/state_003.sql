-- What a walk has found and has yet to capture on its own, in the order in which it was found.
CREATE TABLE frontier (
  run TEXT NOT NULL, n INTEGER NOT NULL, key TEXT NOT NULL, link TEXT NOT NULL, done INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (run, key)
);
