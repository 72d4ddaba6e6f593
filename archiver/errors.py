"""The error tree above storage's, and the one table of exit codes.

EvidenceError (storage.errors)
├── StorageError, FormatError, LedgerError, CatalogError, DiskError      4 (LedgerError 5)
└── ArchiverError
    ├── UsageError       what was asked for cannot be understood         1
    ├── ConfigError      archiver.toml, keys or the environment          1
    ├── NotFound         no such capture, case or file                   1
    ├── CannotTell       a check that lacks what it would need           6
    └── ProgramFault     any exception that is not of this tree          7
"""

from __future__ import annotations

from enum import IntEnum

from storage.errors import EvidenceError, LedgerError


class ExitCode(IntEnum):
    """Exit code of a command. Where several things happened, the highest counts."""

    OK = 0
    USAGE = 1
    PARTIAL = 2
    UNAVAILABLE = 3
    FAILED = 4
    CHECK_FAILED = 5
    CANNOT_TELL = 6
    FAULT = 7


EXIT_CODES = {
    ExitCode.OK: "all captured, or intact",
    ExitCode.USAGE: "usage or configuration",
    ExitCode.PARTIAL: "something is partial or was left out",
    ExitCode.UNAVAILABLE: "something is unavailable or refused",
    ExitCode.FAILED: "something was blocked or failed",
    ExitCode.CHECK_FAILED: "a check failed",
    ExitCode.CANNOT_TELL: "cannot tell (offline, missing key, signer unconfirmed, something not computed)",
    ExitCode.FAULT: "a fault of the program",
}

EXIT_BY_STATE = {True: ExitCode.OK, False: ExitCode.CHECK_FAILED, None: ExitCode.CANNOT_TELL}
"""Exit code of a check by whether it found all intact; None where it cannot tell."""


class ArchiverError(EvidenceError):
    """Something that a person asked for cannot be done as asked."""

    exit_code = ExitCode.USAGE


class UsageError(ArchiverError):
    """A request that cannot be understood."""


class ConfigError(ArchiverError):
    """archiver.toml, the keys or the environment are not as they must be."""


class NotFound(ArchiverError):
    """There is no such capture, case or file."""


class CannotTell(ArchiverError):
    """A check that lacks what it would need."""

    exit_code = ExitCode.CANNOT_TELL


def in_a_line(error: BaseException) -> str:
    """Return the type of an exception and what it says; also where its own text cannot be made."""
    import traceback  # late: `archiver --help` needs this module; it has words for what cannot say itself

    lines = traceback.format_exception_only(error)
    said = next((line for line in lines if not line.startswith("  ")), "").partition(": ")[2]
    said = " ".join(said.split())
    return type(error).__name__ + (f": {said}" if said else "")


ABOVE = "the traceback above"


class ProgramFault(ArchiverError):
    """An exception that nobody foresaw, as a person is told of it."""

    exit_code = ExitCode.FAULT

    def __init__(self, cause: BaseException, where: str = ABOVE) -> None:
        """`where`: what there is to read of it."""
        super().__init__(
            "a command without a fault of the program",
            f"a fault of the program: {in_a_line(cause)}",
            f"Report it with {where}. What was received is kept; the next command seals it.",
        )


def exit_code(error: EvidenceError) -> ExitCode:
    """Return the exit code with which an error of the tree ends a command."""
    if isinstance(error, ArchiverError):
        return error.exit_code
    return ExitCode.CHECK_FAILED if isinstance(error, LedgerError) else ExitCode.FAILED
