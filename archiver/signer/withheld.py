"""Opening what captures withhold: their private records, encrypted for the keys of their cases."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path

import pyrage

from archiver.errors import ConfigError
from archiver.home.ports import WithheldValue
from archiver.signer.age import identity_in


class LocalDecryptor:
    """Opens with the keys of the cases that lie in a home. Implements `archiver.home.ports.Decryptor`."""

    def __init__(self, home: Path) -> None:
        self._keys = home / "keys" / "cases"

    def withheld(self, folder: Path) -> Iterator[WithheldValue]:
        """Decrypt the private record of a capture, as far as the keys here can. Raises `OSError`."""
        for sealed in _blobs(folder):
            try:
                record = json.loads(pyrage.decrypt(sealed, self._identities))
            except (ValueError, pyrage.DecryptError):
                continue
            # A line of an interrupted capture is the list of values alone.
            for item in record if isinstance(record, list) else record.get("values", []):
                yield WithheldValue(str(item.get("name", "")), base64.b64decode(item.get("value_base64", "")))

    def decrypted(self, data: bytes) -> bytes | None:
        """Decrypt what is encrypted for a key of a case; return None where no key here opens it."""
        for _ in range(2):
            with suppress(pyrage.DecryptError, ValueError):
                return bytes(pyrage.decrypt(data, self._identities))
            self.__dict__.pop("_identities", None)  # a case may have been made since
        return None

    @cached_property
    def _identities(self) -> list[pyrage.x25519.Identity]:
        """One that cannot be read opens nothing, and hinders no other."""
        found: list[pyrage.x25519.Identity] = []
        for path in sorted(self._keys.glob("*.age-key")):
            with suppress(ConfigError):
                found += identity_in(path)
        return found


def _blobs(folder: Path) -> Iterator[bytes]:
    if (folder / "private.age").exists():
        yield (folder / "private.age").read_bytes()
    if (folder / "private.age-lines").exists():
        for line in (folder / "private.age-lines").read_bytes().splitlines():
            yield base64.b64decode(line)
