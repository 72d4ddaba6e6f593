"""Copies of what was sealed, at places that outlive this disk (docs/how-to/storage.md).

destinations           the places, opened as the settings say
vault, packing         what an object is called there, how it is packed, and for whom it is encrypted
ledger_copy            the ledger's copy; a second history is noticed here. `ledger_repair` mends the one at home by it
sync                   the backlog, and working it off
locks                  locks of cases, triage, quarantine
restore                an empty home out of the copies alone
fixity                 reading everything back; repairing from another copy
evict, stubs           freeing local media and fetching them back; what stands in their place
dispose                putting away what must not be kept
team                   what other people of the team keep at the same place
"""
