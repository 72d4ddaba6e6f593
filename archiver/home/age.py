"""Public age keys."""

from __future__ import annotations

import pyrage

from archiver.errors import UsageError


def recipients_of(keys: list[str]) -> list[pyrage.x25519.Recipient]:
    """Parse age public keys into recipients. Raises `UsageError`."""
    found = []
    for text in keys:
        try:
            found.append(pyrage.x25519.Recipient.from_str(text))
        except pyrage.RecipientError as error:
            raise UsageError("an age public key (age1…)", repr(text[:20]), "Check the key with its owner.") from error
    return found
