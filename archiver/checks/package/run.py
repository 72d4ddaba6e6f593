"""Running one check of a package: whatever stands in the files, it ends in a line, never in a crash."""

from __future__ import annotations

import csv
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, ParamSpec, cast

from cryptography.exceptions import InvalidSignature
from isal.igzip_lib import IsalError

from archiver.checks.lines import Finding
from archiver.checks.package.files import Absent, PackageFiles, Unknown
from archiver.checks.proofs import Bad
from archiver.checks.stamps import NoOpenssl

_UNREADABLE: tuple[type[BaseException], ...] = (
    ValueError, LookupError, TypeError, AttributeError, EOFError, ArithmeticError, RuntimeError, struct.error,
    zlib.error, cast("type[BaseException]", IsalError), zipfile.BadZipFile, csv.Error, InvalidSignature,
)  # fmt: skip
"""What reading bytes of strangers in a format that they are not in raises."""


P = ParamSpec("P")


def run(
    files: PackageFiles, name: str, check: Callable[Concatenate[PackageFiles, P], str], *more: P.args, **named: P.kwargs
) -> bool:
    """Put the result of one check into one line, where it has words; return whether it found nothing wrong."""
    say = files.report.say
    try:
        text = check(files, *more, **named)
    except Absent as error:
        say(Finding.MISSING, name, str(error))
    except (Unknown, NoOpenssl) as error:
        say(Finding.UNKNOWN, name, str(error))
    except Bad as error:
        say(Finding.TAMPERED, name, str(error))
    except FileNotFoundError as error:
        say(Finding.MISSING, name, f"{Path(error.filename or '').name} is not there")
    except OSError as error:
        where = Path(error.filename or "").name or "a file"
        say(Finding.UNKNOWN, name, f"{where} cannot be read: {error.strerror or error}. Copy the package again")
    except MemoryError:
        say(Finding.UNKNOWN, name, "this machine has not enough memory for it: check it on a larger one")
    except _UNREADABLE as error:
        said = f"({type(error).__name__}: {error})"
        say(Finding.TAMPERED, name, f"cannot be read in its expected format {said}")
    else:
        if text:
            say(Finding.INTACT, name, text)
        return True
    return False
