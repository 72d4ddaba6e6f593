"""What of a log record may be written down: without `--debug` only what is known to name nobody.

A message of ours is a constant of the program; of what is filled in, ids, numbers, outcomes and types pass. Messages of
other libraries, and the texts of exceptions, hold links, phone numbers or tokens: of those the names and types pass.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

OURS = ("archiver", "spiders", "storage")
"""The packages whose messages are constants; a test looks for any that are not."""
_ID = re.compile(
    r"(?P<capture>[0-9]{8}T[0-9]{6}-[0-9a-z]{8})(\.[0-9]+)?"
    r"|(urn:uuid:|<urn:uuid:)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}>?"
    r"|[0-9a-f]{64}"
)
"""A capture, run, job (or an attempt at it), a WARC record, a digest."""
NEVER_WHOLE = ("telethon",)
"""Libraries whose texts may hold keys that no setting names."""
WITHHELD = "(withheld)"
_NAME = re.compile(r"[\w.<>]+", re.ASCII)
_SPEECHLESS = "<exception str() failed>"
_DEEPEST = 20
"""How many causes of causes, or groups within groups, are followed."""


def plain_text(record: logging.LogRecord) -> str:
    """Return what of a record names nobody: for what anybody may read who helps with a fault."""
    said = _message(record) if _is_ours(record) else ""
    name = known_module(record.name)
    where = f"{name}:{record.lineno}" if _is_ours(record) else name
    lines = [f"{where} {said}".rstrip()]
    if record.exc_info and (error := record.exc_info[1]) is not None:
        lines[0] += f" [{type_name(error)}]"
        lines += _trace(error, 0)
    return "\n".join(lines)


def whole_text(record: logging.LogRecord) -> str:
    """Return a record with all that it says, and the texts of its exceptions. Secrets are not taken out yet."""
    if record.name.partition(".")[0] in NEVER_WHOLE:
        return plain_text(record)
    # By way of `traceback`, which has words for what cannot say itself, whatever it raises.
    said = "".join(traceback.format_exception_only(_Said(record))).partition(": ")[2].rstrip("\n")
    if said == _SPEECHLESS and isinstance(record.msg, str):
        said = record.msg
    text = f"{record.name}:{record.lineno} {said}"
    if record.exc_info and record.exc_info[1] is not None:
        text += "\n" + "".join(traceback.format_exception(record.exc_info[1]))
    return text


class _Said(Exception):
    """What a record says, as the text of an exception."""

    def __init__(self, record: logging.LogRecord) -> None:
        super().__init__()
        self._record = record

    def __str__(self) -> str:
        return self._record.getMessage()


def known_module(name: str) -> str:
    """Return the name of a logger as far as it is that of a module that is loaded: the rest may be anything."""
    while name and name not in sys.modules:
        name = name.rpartition(".")[0]
    return name or "another"


def type_name(error: BaseException) -> str:
    """Return the type of an exception, with its module where it is no builtin one."""
    kind = type(error)
    module = known_module(str(kind.__module__))
    if not _NAME.fullmatch(kind.__qualname__):  # made while the program ran: the name may be anything
        return f"{module}.{WITHHELD}"
    return kind.__qualname__ if module == "builtins" else f"{module}.{kind.__qualname__}"


def _is_ours(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] in OURS and isinstance(record.msg, str)


def _message(record: logging.LogRecord) -> str:
    given = record.args if isinstance(record.args, tuple) else ()
    try:
        return str(record.msg) % tuple(_allowed(value) for value in given)
    except (TypeError, ValueError, OverflowError):  # a text in the place of a number, or one without end
        return str(record.msg)


def _allowed(value: object) -> object:
    if value is None or (isinstance(value, (bool, int, float)) and not isinstance(value, Enum)):
        return value
    if isinstance(value, Enum):
        return value.value if isinstance(value.value, (str, int)) else value.name
    if isinstance(value, type):
        return value.__qualname__
    return value if isinstance(value, str) and _ID.fullmatch(value) else WITHHELD


def _trace(error: BaseException, depth: int) -> Iterator[str]:
    """Yield file, line and function of each frame, and the types of the exceptions, what caused one before it."""
    if depth > _DEEPEST:
        yield "…"
        return
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        yield from _trace(before, depth + 1)
        yield "then:"
    for frame, line in traceback.walk_tb(error.__traceback__):
        yield f"{_shown_file(frame.f_code.co_filename)}:{line} {frame.f_code.co_qualname}"
    yield type_name(error)
    for member in error.exceptions if isinstance(error, BaseExceptionGroup) else ():
        yield "in it:"
        yield from (f"  {line}" for line in _trace(member, depth + 1))


def _shown_file(name: str) -> str:
    """Return the path of a source file from the folder that it was imported from: above it may stand a person's name."""
    path = Path(name)
    roots = [Path(entry) for entry in sys.path if entry]
    within = [path.relative_to(root) for root in roots if path.is_relative_to(root)]
    return str(min(within, key=lambda one: len(one.parts))) if within else "elsewhere"
