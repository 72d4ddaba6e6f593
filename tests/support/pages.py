"""What a page of the documents shows: commands to type, files to write, and what is printed."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(r"^```(\w+)(.*)\n((?:.*\n)*?)```$", re.MULTILINE)
_VARIES = re.compile(
    r"(?P<any>…)|(?P<turn>^\d+(?=/\d+ ))|(?P<id>\d{8}T\d{6}-[a-z0-9]{8})|(?P<day>\d{4}/\d\d/\d\d/)|(?P<size>[\d.]+ [kM]?B\b)|(?P<bytes>[\d,]+ bytes)"
)
"""What another day, key or release of ffmpeg changes; everything else is compared."""
_LIKE = {
    "any": ".*",
    "turn": r"\d+",
    "id": r"\d{8}T\d{6}-[a-z0-9]{8}",
    "day": r"\d{4}/\d\d/\d\d/",
    "size": r"[\d.]+ [kM]?B",
    "bytes": r"[\d,]+ bytes",
}


@dataclass(frozen=True)
class Block:
    """A block of a page: its language, what stands behind that, and its text."""

    language: str
    about: str
    text: str

    @property
    def title(self) -> str:
        """Return the name of the file that the block shows, or ""."""
        found = re.search(r'title="(.+?)"', self.about)
        return found[1] if found else ""


def blocks(page: str) -> list[Block]:
    """Return the blocks of a page of docs/, in order."""
    text = (DOCS / page).read_text("utf-8")
    return [Block(one, about.strip(), body) for one, about, body in _BLOCK.findall(text)]


def commands(text: str) -> list[tuple[list[str], int]]:
    """Return the commands of a block, with the exit code that it promises for each."""
    found = []
    for line in text.splitlines():
        command, _, comment = line.partition(" # ")
        code = re.search(r"exit code (\d)", comment)
        words = shlex.split(command.removeprefix("$ "))
        assert words[0] == "archiver"
        found.append((words[1:], int(code[1]) if code else 0))
    return found


def shown(page: str, kind: str = "") -> list[tuple[list[str], int]]:
    """Return the commands that a page shows in blocks of this kind, with the exit code that it promises for each."""
    return [
        one
        for block in blocks(page)
        if block.language == "console" and block.about == kind.strip()
        for one in commands(block.text)
    ]


def missing(text: str, printed: str) -> list[str]:
    """Return the lines of a block that were not printed; what varies from day to day may differ."""
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    return [line for line in text.splitlines() if line and not any(_pattern(line).fullmatch(one) for one in lines)]


def _pattern(line: str) -> re.Pattern[str]:
    """Return what a printed line has to match."""
    line = " ".join(line.split())
    made, at = "", 0
    for found in _VARIES.finditer(line):
        made += re.escape(line[at : found.start()]) + _LIKE[str(found.lastgroup)]
        at = found.end()
    return re.compile(made + re.escape(line[at:]))
