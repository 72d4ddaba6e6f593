"""A pager for what is longer than the terminal: `$PAGER`, or `less -FRX`, which ends by itself where all fits on one screen."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO, cast

from archiver import children
from archiver.cli import terminal

if TYPE_CHECKING:
    from archiver.cli.context import Context

LESS = ("less", "-FRX")
_PASSED_ON = ("PATH", "HOME", "TERM", "LANG", "LC_ALL", "LC_CTYPE", "LESS", "COLUMNS", "LINES")
"""What a pager of the person's own needs of the environment: no passphrase and no token is among it."""


class Paged:
    """The pager's standard input, as wide as the terminal behind it. Once the pager was left, it takes everything silently."""

    encoding = "utf-8"

    def __init__(self, pipe: TextIO, behind: TextIO) -> None:
        self._pipe, self._behind, self._left = pipe, behind, False

    def write(self, text: str) -> int:
        """Write text, unless the reader has left."""
        if not self._left:
            try:
                self._pipe.write(text)
            except (BrokenPipeError, ValueError):
                self._left = True
        return len(text)

    def flush(self) -> None:
        """Write what is held back, unless the reader has left."""
        if not self._left:
            try:
                self._pipe.flush()
            except (BrokenPipeError, ValueError):
                self._left = True

    def isatty(self) -> bool:
        """Return True: a person reads it."""
        return True

    def fileno(self) -> int:
        """Return the terminal's descriptor, by which its width is asked for."""
        return self._behind.fileno()


@contextmanager
def paged(context: Context) -> Iterator[None]:
    """Let a person read what is printed inside in a pager; elsewhere than on a terminal, and with --json, print it."""
    console, out = context.console, sys.stdout
    command = None
    if not console.as_json and terminal.is_terminal(out) and terminal.is_terminal(sys.stdin):
        command = pager_of(context.environment)
    if command is None:
        yield
        return
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, env=_environment(context.environment), text=True, encoding="utf-8",
            errors="backslashreplace",
        )  # fmt: skip
    except OSError:  # it is gone, or no program
        yield
        return
    assert process.stdin is not None
    back = console.redirect(cast("TextIO", Paged(cast("TextIO", process.stdin), out)))
    try:
        yield
    finally:
        console.redirect(back)
        with suppress(OSError, ValueError):
            process.stdin.close()
        _wait(process)


def pager_of(environment: dict[str, str]) -> list[str] | None:
    """Return the command of the pager; None where there is none, or it is `cat`."""
    given = environment.get("PAGER")
    try:
        words = shlex.split(given) if given else list(LESS)
    except ValueError:
        return None
    found = children.program(words[0]) if words and words[0] != "cat" else None
    return [found, *words[1:]] if found is not None else None


def _environment(given: dict[str, str]) -> dict[str, str]:
    return {"LESSSECURE": "1", "LESSCHARSET": "utf-8"} | {name: given[name] for name in _PASSED_ON if name in given}


def _wait(process: subprocess.Popen[str]) -> None:
    """Wait until the person has left the pager; Ctrl-C there is the pager's."""
    while True:
        try:
            process.wait()
            return
        except KeyboardInterrupt:
            if os.name != "posix":
                raise
