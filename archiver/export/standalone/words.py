"""What a check says: findings, lines, the verdict.

intact        the check was made, and what it looked at is as it was
note          worth knowing; says nothing against integrity
cannot tell   the check lacks what it would need
MISSING       something that belongs to the package is not there
TAMPERED      something is not what it was when the package was made
"""

from __future__ import annotations

import datetime
import functools
import os
import re
import struct
import sys
import zlib
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

FORMAT = "archiver-package/2"
READ = 1 << 20
SMALL = 256 << 20  # files that are read as a whole may not be larger
SIZES = (  # what an archiver writes is far smaller: more would only cost the time and memory of who checks
    (r"proofs/(?!leaves\.bin).*|signature/.*", 1 << 20),
    (r"data/package\.json|data/events/.*|data/captures/[^/]+/manifest\.json", 16 << 20),
)
DEEP = 16  # folders inside each other: a package has four
NAME = r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*"  # what every file of a package is called


class Tampered(Exception):
    """Something is not what it was when the package was made. The text says what."""


class Missing(Exception):
    """Something that belongs to the package is not there."""


class CannotTell(Exception):
    """The check lacks what it would need."""


WORDS: dict[type[Exception], str] = {Tampered: "TAMPERED", Missing: "MISSING", CannotTell: "cannot tell"}
UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, OSError, EOFError, ArithmeticError,
              RecursionError, struct.error, zlib.error)  # fmt: skip


def tampered_if(wrong: object, text: str, kind: type[Exception] = Tampered) -> None:
    if wrong:
        raise kind(text)


missing_if = functools.partial(tampered_if, kind=Missing)
cannot_tell_if = functools.partial(tampered_if, kind=CannotTell)


def most_of(name: str) -> int:
    """How large a file may be that is read as a whole, in bytes."""
    return next((most for pattern, most in SIZES if re.fullmatch(pattern, name)), SMALL)


def is_moment(text: str) -> bool:
    """Whether a text is a time in UTC that a calendar has, like 2026-11-22T08:25:28.311178Z."""
    match = re.fullmatch(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}:[0-9]{2}:[0-5][0-9])(\.[0-9]{1,6})?Z", text)
    return match is not None and is_day(match[1]) and match[2] < "24" and match[2][3:] < "60"


def is_day(text: str) -> bool:
    try:
        return bool(re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text)) and bool(
            datetime.date(*map(int, text.split("-")))
        )
    except ValueError:
        return False


def first(names: Iterable[object]) -> object:
    """The first of what was found wrong, for a line; nothing where nothing was."""
    return next(iter(names), "")


class Report:
    """The lines of the result, each with one of five words in front, and what the verdict has to add."""

    def __init__(self) -> None:
        self.found: set[str] = set()
        self.plain: list[str] = []

    def say(self, word: str, about: str, text: object) -> None:
        self.found.add(word)
        print(f"{word:<11}  {shown(about):<28}  {shown(text)}")

    def check(self, about: str, function: Callable[..., Any], *arguments: Any) -> bool:
        """Runs one check; its result is a line. Whatever goes wrong inside is a finding, never a crash."""
        try:
            text = function(*arguments)
        except (Tampered, Missing, CannotTell) as error:
            self.say(WORDS[type(error)], about, str(error))
        except FileNotFoundError as error:
            self.say("MISSING", about, f"{os.path.basename(str(error.filename))} is not there")
        except OSError as error:
            where = os.path.basename(str(error.filename or "a file"))
            self.say("cannot tell", about, f"{where} cannot be read: {error.strerror or error}. Copy the package again")
        except MemoryError:
            self.say("cannot tell", about, "this machine has not enough memory for it: check it on a larger one")
        except UNREADABLE as error:
            self.say("TAMPERED", about, f"cannot be read in its expected format ({type(error).__name__}: {error})")
        else:
            if text:
                self.say("intact", about, text)
            return True
        return False

    def add(self, text: str) -> None:
        """Something that the verdict itself has to say."""
        if text not in self.plain:
            self.plain.append(text)

    def exit_code(self) -> int:
        codes = (("TAMPERED", 5), ("MISSING", 2), ("cannot tell", 6))
        return next((code for word, code in codes if word in self.found), 0)


def shown(text: object) -> str:
    """Words of strangers on a terminal: control characters, line ends, and marks that turn the direction or are not seen, as codes."""
    marks = (
        "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
        "\U000e0000-\U000e007f]"
    )
    return re.sub(marks, lambda match: f"\\x{ord(match[0]):02x}", str(text))


VERDICTS = {
    0: "INTACT, and signed by the key that you named",
    2: "INCOMPLETE: something is missing",
    5: "TAMPERED: do not rely on this package",
    6: "CANNOT TELL: see the lines above",
}


def verdict(code: int, profile: str | None, plain: list[str]) -> str:
    """The last line: the verdict, which kind of package was checked, and what has to be known beside it."""
    about = [f"profile {profile}"] if profile else []
    return "; ".join([VERDICTS[code], *about, *plain])


def stop(text: str) -> NoReturn:
    """Ends with exit code 6: nothing was checked."""
    print(f"cannot tell: {shown(text)}")
    sys.exit(6)
