"""What a terminal shows: how wide it is, how wide a text is on it, where a line may break, and colour.

`archiver --help` needs this module: it imports neither `re` nor `typing`, which would double the time of its start.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import TextIO

DEFAULT_COLUMNS = 80

_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"
_COLOURS = {"✓": "\x1b[32m", "◐": "\x1b[33m", "✗": "\x1b[31m"}
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
    """Return whether a person watches the stream: then lines are broken and progress is drawn."""
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def is_colourful(stream: TextIO, environment: Mapping[str, str] | None = None) -> bool:
    """Return whether colour may be written: on a terminal that has it, unless NO_COLOR is set (no-color.org)."""
    given = os.environ if environment is None else environment
    return is_terminal(stream) and not given.get("NO_COLOR") and given.get("TERM") != "dumb"


def painted_mark(text: str) -> str:
    """Return the text with the mark that it begins with, ✓ ◐ or ✗, in colour. `3/17` may stand before the mark."""
    rest = text.lstrip(" 0123456789/")
    mark = rest[:1]
    if mark not in _COLOURS or not rest[1:2].isspace():
        return text
    return f"{text[: len(text) - len(rest)]}{_COLOURS[mark]}{mark}{_PLAIN}{rest[1:]}"


def painted_headings(text: str) -> str:
    """Return a help text with its headings in bold."""
    return "\n".join(_painted_heading(line) for line in text.split("\n"))


def _painted_heading(line: str) -> str:
    if line.startswith("usage:"):
        return f"{_BOLD}usage:{_PLAIN}{line.removeprefix('usage:')}"
    heading = line.endswith(":") and line[:1].islower()
    return f"{_BOLD}{line}{_PLAIN}" if heading else line


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


def wrapped(text: str, width: int, hang: int | None = None) -> str:
    """Break each line between words where it is longer than `width` columns.

    What follows hangs below column `hang`, or below the first words of its line. A word that is longer than a line
    stays whole: a link can be copied. Between the letters of CJK a line may break too.
    """
    return "\n".join(_broken(line, width, hang) if width_of(line) > width else line for line in text.split("\n"))


def _broken(line: str, width: int, hang: int | None) -> str:
    hang = _hang_of(line, width) if hang is None else hang
    lines, current, taken = [], "", 0
    for gap, word in _pieces(line):
        wide = width_of(word)
        if current.strip() and taken + len(gap) + wide > width:
            lines.append(current)
            current, taken, gap = " " * hang, hang, ""
        current += gap + word
        taken += len(gap) + wide
    return "\n".join([*lines, current])


def _hang_of(line: str, width: int) -> int:
    """Return where the later lines begin: below the text beside a label (`  kept      1 post`), else below the first word."""
    first = len(line) - len(line.lstrip(" "))
    label, gap, rest = line[first:].partition("  ")
    text = len(line) - len(rest.lstrip(" "))
    hang = text if gap and label.count(" ") <= 1 and rest.strip() else first
    return hang if hang <= width // 3 else min(first + 4, width // 3)


def _pieces(line: str) -> Iterator[tuple[str, str]]:
    """Return the words of a line, each with the blanks before it; a wide letter counts as a word."""
    gap = ""
    for number, word in enumerate(line.split(" ")):
        gap += " " if number else ""
        if not word:
            continue
        if word.isascii():
            yield gap, word
        else:
            for piece in _between_wide_letters(word):
                yield gap, piece
                gap = ""
        gap = ""


def _between_wide_letters(word: str) -> Iterator[str]:
    piece = ""
    for letter in word:
        if piece and letter not in _NEVER_FIRST and 2 in (width_of(letter), width_of(piece[-1])):
            yield piece
            piece = ""
        piece += letter
    yield piece
