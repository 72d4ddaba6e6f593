"""The keys of a home in the hands of a test."""

from __future__ import annotations

from archiver.home.home import Home
from archiver.signer.local import LocalSigner
from storage.note import Signer


def ledger_signer(home: Home) -> Signer:
    """Open the ledger's key, as somebody could who holds the home."""
    keyring = LocalSigner(home).keyring
    return Signer(keyring.ledger.name, keyring.private("ledger"))
