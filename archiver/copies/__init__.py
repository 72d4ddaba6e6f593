"""Copies of what was sealed, at places that outlive this disk (docs/storage.md).

settings    which destinations there are
vault       what an object is called there, and for whom it is encrypted
ledgers     the ledger's copy; a second history is noticed here
syncing     the backlog, and working it off
policies    locks of cases, triage, quarantine
restoring   an empty home out of the copies alone
fixity      reading everything back; repairing from another copy
evicting    freeing local media, and fetching them back
disposing   putting away what must not be kept
others      what other people of the team keep at the same place
"""
