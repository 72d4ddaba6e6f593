-- Where copies lie, by the newest event about each; and what was disposed of.
CREATE TABLE copies (
  destination TEXT NOT NULL,
  capture TEXT NOT NULL,
  seq INTEGER NOT NULL REFERENCES events(seq),
  objects TEXT NOT NULL,              -- JSON list, as in the event
  PRIMARY KEY (destination, capture)
);
CREATE INDEX copies_capture ON copies(capture);
CREATE TABLE disposed (
  capture TEXT PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES events(seq),
  folder TEXT NOT NULL,
  manifest_sha256 TEXT NOT NULL
);
-- Captures that hold no bytes of their own of something that lies in another: the lender.
CREATE TABLE lent (capture TEXT NOT NULL, lender TEXT NOT NULL, PRIMARY KEY (capture, lender));
CREATE INDEX lent_lender ON lent(lender);
