"""Opening age identities."""

from __future__ import annotations

from pathlib import Path

import pyrage

from archiver.errors import ConfigError


def identity_in(path: Path) -> list[pyrage.x25519.Identity]:
    """Open the age identities in a file. Raises `ConfigError`."""
    try:
        lines = path.expanduser().read_text("utf-8").split()
        return [pyrage.x25519.Identity.from_str(line) for line in lines if line.startswith("AGE-SECRET-KEY-")]
    except (OSError, UnicodeDecodeError, pyrage.IdentityError) as error:
        raise ConfigError(f"an age identity in {path}", str(error), "Name the file with the AGE-SECRET-KEY.") from error
