"""The root of the one error tree.

EvidenceError                     expected / found / next step
├── StorageError                  something held on disk is not as it should be
│   ├── FormatError               bytes that do not follow our own formats
│   ├── LedgerError               the ledger is damaged, forked or rolled back
│   ├── CatalogError              the catalog cannot be read (it can be rebuilt)
│   ├── DiskError                 the disk refused: full, read-only, gone
│   └── StoreError                a place that keeps copies
│       ├── Unreachable           nobody answered, or not in time: worth another try
│       ├── Refused               credentials, policy, no such bucket: a person has to look
│       └── OtherContent          something else lies under our key
└── (archiver.errors adds what a person can do wrong, and the exit codes)
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager


class EvidenceError(Exception):
    """An error that says what was expected, what was found, and what the person can do next."""

    def __init__(self, expected: str, found: str, next_step: str) -> None:
        super().__init__(f"{expected}; found: {found}. {next_step}")
        self.expected = expected
        self.found = found
        self.next_step = next_step

    @property
    def summary(self) -> str:
        """What was expected and what was found, in one line."""
        return f"expected {self.expected}; found {self.found}"


class StorageError(EvidenceError):
    """Something held on disk is not as it should be."""


class FormatError(StorageError):
    """Bytes that do not follow our own formats."""


class LedgerError(StorageError):
    """The ledger is damaged, forked, or older than what its key has signed."""


class CatalogError(StorageError):
    """The catalog cannot be read. It is a projection and can be rebuilt."""


class DiskError(StorageError):
    """The disk refused a write: full, read-only or gone."""


class StoreError(StorageError):
    """A place that keeps copies did not do what was asked."""


class Unreachable(StoreError):
    """Nobody answered, or not in time, or the server had a fault of its own: worth another try."""


class Refused(StoreError):
    """The place answered, and another try will not change its answer: credentials, policy, no such bucket."""


class OtherContent(StoreError):
    """Something else lies under a key that we wrote, or wanted to write."""


_REFUSALS = (errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ENOLCK)


def is_refusal(error: OSError) -> bool:
    """Return whether an `OSError` is a disk's refusal; of rights, only where it names a file: sockets have them too."""
    return error.errno in _REFUSALS or (isinstance(error, PermissionError) and error.filename is not None)


def disk_error(error: OSError, doing: str) -> DiskError:
    """Translate an `OSError` met while `doing` something into an error that a person can act on."""
    hints = {
        errno.ENOSPC: "Free some space; what was received so far is kept and will be sealed as partial.",
        errno.EDQUOT: "Raise the quota; what was received so far is kept and will be sealed as partial.",
        errno.EROFS: "Mount the disk writable, or choose another folder with --home.",
        errno.EACCES: "Give this user the right to write there, or choose another folder with --home.",
        errno.ENOLCK: "Keep the home on a disk whose file system gives locks; some network shares do not.",
    }
    hint = hints.get(error.errno or 0, "Look at the disk, then run the command again.")
    where = f" at {error.filename}" if error.filename else ""
    return DiskError(f"a writable disk ({doing})", f"{error.strerror or error}{where}", hint)


@contextmanager
def disk_refusals(doing: str) -> Iterator[None]:
    """Translate what the disk refuses inside the `with` block, whichever call meets it, into `DiskError`."""
    try:
        yield
    except OSError as error:
        if is_refusal(error):
            raise disk_error(error, doing) from error
        raise
