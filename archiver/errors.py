"""The error tree above storage's, and the one table of exit codes.

EvidenceError (storage.errors)
├── StorageError, FormatError, LedgerError, CatalogError, DiskError      4 (LedgerError 5)
└── ArchiverError
    ├── UsageError       what was asked for cannot be understood         1
    ├── ConfigError      archiver.toml, keys or the environment          1
    ├── NotFound         no such capture, case or file                   1
    └── CannotTell       a check that lacks what it would need           6
"""

from __future__ import annotations

from storage.errors import EvidenceError, LedgerError

EXIT_CODES = {
    0: "all captured, or intact",
    1: "usage or configuration",
    2: "something is partial",
    3: "something is unavailable or refused",
    4: "something was blocked or failed",
    5: "a check failed",
    6: "cannot tell (offline, missing key, signer unconfirmed)",
}


class ArchiverError(EvidenceError):
    """What a person asked for cannot be done as asked."""

    exit_code = 1


class UsageError(ArchiverError):
    """What was asked for cannot be understood."""


class ConfigError(ArchiverError):
    """archiver.toml, the keys or the environment are not as they must be."""


class NotFound(ArchiverError):
    """No such capture, case or file."""


class CannotTell(ArchiverError):
    """A check that lacks what it would need."""

    exit_code = 6


def exit_code(error: EvidenceError) -> int:
    if isinstance(error, ArchiverError):
        return error.exit_code
    return 5 if isinstance(error, LedgerError) else 4
