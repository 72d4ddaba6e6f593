-- Captures that a person's own command began here, in their order: what LAST means. Worthless once forgotten.
CREATE TABLE own_captures (n INTEGER PRIMARY KEY, capture TEXT NOT NULL UNIQUE, person TEXT NOT NULL);
CREATE INDEX own_captures_person ON own_captures(person, n);
