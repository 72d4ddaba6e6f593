"""Checking a package of ours: `archiver check PACKAGE` does what the package's own `check.py` does, by other code.

That one uses Python's standard library alone; this one `cryptography`, `zipfile` and the readers of `archiver.checks`.
The tests hold the two against each other on honest and on tampered packages.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature

from archiver.checks.lines import Line, damaged, intact, missing, unknown
from archiver.checks.package import bag, captures, exhibits, ledger, records, signer, timestamps, wacz
from archiver.checks.package.files import Absent, PackageFiles, Unknown
from archiver.checks.proofs import Bad
from archiver.checks.stamps import NoOpenssl

__all__ = ["check_ours", "is_ours"]


def check_ours(
    folder: Path,
    wanted: str | None,
    older: bytes | None,
    now: datetime | None = None,
    roots: frozenset[str] = frozenset(),
    bodies: bool = True,
) -> list[Line]:
    """Check a package; return a line for each thing looked at.

    `wanted`: the fingerprint of its key, from elsewhere. `older`: an earlier checkpoint. `now`: as of when it is said
    which certificates have ended. `roots`: SHA-256 of the root certificates under which stamps count; empty: any, which
    the line names. `bodies`: whether the payload files and the records are read; who made the package has just done so.
    """
    files = PackageFiles(folder, wanted, older, now, roots, bodies)
    _check(files)
    return files.lines


def is_ours(folder: Path) -> bool:
    """Return whether a folder is such a package, or what is left of one."""
    return (folder / "proofs" / "vkey.txt").is_file() or (folder / "signature").is_dir()


def _check(files: PackageFiles) -> None:
    """Run the checks in order; where one fails, those that would build on it are left out."""
    if not _run(files, "files", bag.names):
        return
    _run(files, "bag", bag.bag)
    if not _run(files, "key", signer.key):
        return
    _run(files, "signature", signer.signature)
    _run(files, "signer", signer.signer)
    if not (_run(files, "ledger", ledger.ledger) and _run(files, "selection", ledger.selection)):
        return
    if files.older is not None:
        _run(files, "history", ledger.history)
    _run(files, "timestamps", timestamps.timestamps)
    timestamps.time(files)
    full = files.package["profile"] == "full"
    whole = not full or _run(files, "captures", captures.captures)
    _run(files, "clock", timestamps.clock)
    if full and _run(files, "wacz", wacz.wacz) and whole:
        read = not files.bodies or _run(files, "records", records.records)
        if read:
            _run(files, "index", records.index)
        if read and files.bodies:
            _run(files, "assemblies", records.assemblies)
    if whole:
        _run(files, "media", exhibits.media)
        _run(files, "posts", exhibits.posts)


def _run(files: PackageFiles, name: str, check: Callable[[PackageFiles], str]) -> bool:
    """Put one check into one line. Whatever stands in the files, it ends in a finding."""
    try:
        text = check(files)
    except Absent as error:
        files.lines.append(missing("package", name, str(error)))
    except (Unknown, NoOpenssl) as error:
        files.lines.append(unknown("package", name, str(error)))
    except Bad as error:
        files.lines.append(damaged("package", name, str(error)))
    except FileNotFoundError as error:
        files.lines.append(missing("package", name, f"{Path(error.filename or '').name} is not there"))
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, OSError, RecursionError) as error:
        files.lines.append(damaged("package", name, f"is not what it should be ({type(error).__name__}: {error})"))
    except (InvalidSignature, zipfile.BadZipFile, zlib.error, struct.error) as error:
        files.lines.append(damaged("package", name, f"is not what it should be ({type(error).__name__})"))
    else:
        if text:
            files.lines.append(intact("package", name, text))
        return True
    return False
