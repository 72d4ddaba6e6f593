"""What we hold: WARC files, capture folders, the ledger, the catalog. This room knows no platform."""
