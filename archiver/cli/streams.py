"""Standard output and error as they may be: closed, full, a pipe that nobody reads any more, or not UTF-8.

`archiver --help` needs this module: it imports nothing that takes time.
"""

from __future__ import annotations

import io
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO


def prepare() -> None:
    """Make the streams usable.

    One that was closed leads nowhere, and a letter that one cannot show is escaped.
    Streams that a test or another program has put in their places are left as they are.
    """
    if None in (sys.stdin, sys.stdout, sys.stderr):
        _hold_low_descriptors()
    if sys.stdin is None or sys.stdin.closed:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 - it lasts as long as the process
    if sys.stdout is None or sys.stdout.closed:
        sys.stdout = _nowhere()
    if sys.stderr is None or sys.stderr.closed:
        sys.stderr = _nowhere()
    for stream, real in ((sys.stdout, sys.__stdout__), (sys.stderr, sys.__stderr__)):
        if stream is real and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def takes_every_letter(stream: TextIO) -> bool:
    """Return whether any letter can be written as it is: to UTF-8, or to a text in memory."""
    return not stream.encoding or stream.encoding.lower().replace("_", "-") in ("utf-8", "utf8")


def write(stream: TextIO, text: str) -> OSError | None:
    """Write and flush; return why the stream did not take it, or None.

    A reader who has left is no such reason. A stream that failed leads nowhere from then on, so that the work goes on
    and its failure is told once.
    """
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        _silence(stream)
    except OSError as error:
        _silence(stream)
        return error
    return None


def flush() -> OSError | None:
    """Write what is still held back; return why standard output did not take it, or None."""
    write(sys.stderr, "")
    return write(sys.stdout, "")


def _silence(stream: TextIO) -> None:
    """Let the stream lead nowhere: what it holds back would fail again when Python ends."""
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):  # none of the system's
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _hold_low_descriptors() -> None:
    """Fill the places of closed streams: else the next file that is opened would take what a child writes to them."""
    while (held := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(held, True)
    os.close(held)


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")
