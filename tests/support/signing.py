"""The keys of a home in the hands of a test."""

from __future__ import annotations

from archiver.home.home import Home
from archiver.signer.local import LocalSigner
from storage.note import NoteSigner


def ledger_signer(home: Home) -> NoteSigner:
    """Open the ledger's key, as somebody could who holds the home."""
    keyring = LocalSigner(home).keyring
    return NoteSigner(keyring.ledger.name, keyring.private("ledger"))
