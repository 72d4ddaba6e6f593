"""What a terminal shows: how wide it is, how wide a text is on it, where a line may break, and colour."""

from __future__ import annotations

import os
import re

TYPE_CHECKING = False  # `typing` would be a tenth of the start of the program
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO

DEFAULT_COLUMNS = 80

_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"
_COLOURS = {"✓": "\x1b[32m", "◐": "\x1b[33m", "✗": "\x1b[31m"}
_MARK = re.compile(r"([ \d/]*)([✓◐✗])(?=[ \n]|$)")
_HEADING = re.compile(r"^(?:usage:|[a-z][^\n:]*:$)", re.MULTILINE)
_NEVER_FIRST = "、。，．！？：；）」』】》〉’”"
"""Punctuation of Chinese and Japanese that does not begin a line."""


def columns(stream: TextIO | None = None) -> int:
    """Return the width of the terminal: `COLUMNS` where it is set, 80 where there is no terminal."""
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given) > 0:
        return int(given)
    if stream is None:
        return DEFAULT_COLUMNS
    try:
        return os.get_terminal_size(stream.fileno()).columns or DEFAULT_COLUMNS
    except (OSError, ValueError):  # no terminal, or a stream without a descriptor
        return DEFAULT_COLUMNS


def is_terminal(stream: TextIO) -> bool:
    """Return whether a person watches the stream: lines are broken and progress is drawn."""
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def is_colourful(stream: TextIO, environment: Mapping[str, str] | None = None) -> bool:
    """Return whether colour may be written: on a terminal that has it, unless NO_COLOR is set (no-color.org)."""
    given = os.environ if environment is None else environment
    return is_terminal(stream) and not given.get("NO_COLOR") and given.get("TERM") != "dumb"


def painted_mark(text: str) -> str:
    """Return the text with the mark that it begins with, ✓ ◐ or ✗, in colour."""
    found = _MARK.match(text)
    if found is None:
        return text
    lead, mark = found.groups()
    return f"{lead}{_COLOURS[mark]}{mark}{_PLAIN}{text[found.end() :]}"


def painted_headings(text: str) -> str:
    """Return a help text with its headings in bold."""
    return _HEADING.sub(lambda found: f"{_BOLD}{found[0]}{_PLAIN}", text)


def width_of(text: str) -> int:
    """Return how many columns the text takes: two for a wide letter (CJK), none for a combining one."""
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    return sum(
        0 if category(letter) in ("Mn", "Me", "Cf") else 2 if east_asian_width(letter) in "WF" else 1 for letter in text
    )


def cut(text: str, width: int) -> str:
    """Return as much of the text as fits into `width` columns."""
    if width_of(text) <= width:
        return text
    taken = 0
    for at, letter in enumerate(text):
        taken += width_of(letter)
        if taken > width:
            return text[:at]
    return text


def padded(text: str, width: int) -> str:
    """Return the text with blanks after it, so that it takes `width` columns."""
    return text + " " * (width - width_of(text))


def wrapped(text: str, width: int) -> str:
    """Break each line between words where it is longer than `width` columns; what follows hangs below its first words.

    A word that is longer than a line stays whole: a link can be copied. Between the letters of CJK a line may break too.
    """
    return "\n".join(_broken(line, width) if width_of(line) > width else line for line in text.split("\n"))


def _broken(line: str, width: int) -> str:
    hang = _hang_of(line, width)
    lines, current, taken = [], "", 0
    for gap, word in _pieces(line):
        wide = width_of(word)
        if current.strip() and taken + len(gap) + wide > width:
            lines.append(current)
            current, taken = " " * hang, hang
            gap = ""
        current += gap + word
        taken += len(gap) + wide
    return "\n".join([*lines, current])


def _hang_of(line: str, width: int) -> int:
    """Return where the later lines begin: below the text beside a label (`  kept      1 post`), else below the first word."""
    label = re.match(r"\s*(?:\S+(?: \S+)?)?\s{2,}(?=\S)", line)
    hang = len(label[0]) if label else len(line) - len(line.lstrip())
    return hang if hang <= width // 3 else 4


def _pieces(line: str) -> list[tuple[str, str]]:
    """Return the words of a line, each with the blanks before it; a wide letter counts as a word."""
    found: list[tuple[str, str]] = []
    for part in re.finditer(r"(\s*)(\S+)", line):
        gap, word = part.groups()
        if word.isascii():
            found.append((gap, word))
            continue
        piece = ""
        for letter in word:
            # A break is allowed on both sides of a wide letter.
            if piece and letter not in _NEVER_FIRST and (width_of(letter) == 2 or width_of(piece[-1]) == 2):
                found.append((gap, piece))
                gap, piece = "", ""
            piece += letter
        found.append((gap, piece))
    return found
