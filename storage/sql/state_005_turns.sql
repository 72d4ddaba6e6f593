-- Whose turn it is at which host, across the processes of this home. Worthless once they have ended.
CREATE TABLE turn_hosts (host TEXT PRIMARY KEY, next_start REAL NOT NULL, quiet_until REAL NOT NULL);
CREATE TABLE turn_holders (holder TEXT PRIMARY KEY, until REAL NOT NULL);
CREATE TABLE turns_held (host TEXT NOT NULL, holder TEXT NOT NULL, running INTEGER NOT NULL, PRIMARY KEY (host, holder));
-- What was carried out of a shared queue and is not known there yet: told as soon as it can be reached.
CREATE TABLE claims (attempt TEXT PRIMARY KEY, done TEXT NOT NULL);
