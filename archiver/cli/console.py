"""What a person sees: progress while it runs, short results, JSON lines where asked for."""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, TextIO

from archiver.cli import streams, terminal
from archiver.cli.text import kept
from archiver.text.plain import harmless, size
from spiders.links import without_userinfo

if TYPE_CHECKING:
    from collections.abc import Callable

    from archiver.capture.result import CaptureResult, Progress
    from storage.errors import EvidenceError

EVERY = 30.0
"""Seconds between two lines of progress where there is no terminal."""
_MARKS = {
    "captured": "✓",
    "partial": "◐",
    "unavailable": "–",
    "refused": "–",
    "blocked": "✗",
    "failed": "✗",
    "skipped": "·",
}


class Console:
    """Writes for a person or, with `as_json`, one JSON object a line.

    A stream that fails ends no work: a reader who left is nobody's fault, and any other failure of standard output is
    kept in `failure` for who ends the command.
    """

    def __init__(self, as_json: bool, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self.as_json = as_json
        self._out = out or sys.stdout
        self._err = err or sys.stderr
        self.failure: OSError | None = None
        self.clean: Callable[[str], str] = str
        """Takes the secrets out of what a fault says, once it is known which there are."""
        self.mask: Callable[[Any], Any] = lambda value: value
        """Takes what is secret out of each line, for commands that list links of the queue."""
        self.guard: Callable[[Any], Any] = lambda value: value
        """Takes the values that the settings call secret out of each line of any command."""
        self._live = terminal.is_terminal(self._err) and not as_json
        self._last = self._told = 0.0
        self._drawn = False
        self._open: dict[str, Progress] = {}
        self._pace = ""
        self._mutex = threading.Lock()

    def say(self, text: str = "") -> None:
        """Print text for a person; nothing with --json. Control characters in it are shown as codes."""
        self._clear()
        if not self.as_json:
            self._write_out(self._laid_out(str(self.guard(self.mask(text))), self._out))

    def paragraph(self, text: str, most: int | None = None) -> None:
        """Show what somebody wrote: indented, at most `most` lines.

        Lines are broken between words at the width of the terminal.
        """
        lines = terminal.wrapped(harmless(text), terminal.columns(self._out) - 4).split("\n")
        self.say("\n".join(f"    {line}" if line else "" for line in lines[:most]))

    def art(self, text: str) -> None:
        """Print a drawing with control sequences of our own, such as a QR code."""
        self._clear()
        if not self.as_json:
            self._write_out(text)

    def sheet(self, text: str) -> None:
        """Print rows for a spreadsheet, as they are; on a terminal, control characters in them are shown as codes."""
        self._clear()
        self._write_out(harmless(text) if terminal.is_terminal(self._out) else text)

    def warn(self, text: str) -> None:
        """Write to standard error, whose lines are kept in logs.

        Passwords of links that are quoted are left out.
        """
        self._clear()
        streams.write(self._err, self._laid_out(without_userinfo(str(self.guard(self.mask(text)))), self._err) + "\n")

    def tell_fault(self, text: str) -> None:
        """Write to standard error what may quote anything; the secrets that are known are left out."""
        self.warn(self.clean(text))

    def _laid_out(self, text: str, stream: TextIO) -> str:
        """Return the text as a terminal shows it best: lines broken between words, marks in colour. A pipe gets it as it is."""
        text = harmless(text)
        if not terminal.is_terminal(stream):
            return text
        text = terminal.wrapped(text, terminal.columns(stream))
        return terminal.painted_mark(text) if terminal.is_colourful(stream) and not self.as_json else text

    def redirect(self, out: TextIO) -> TextIO:
        """Write to another stream from now on, such as a pager's; return the one before."""
        before, self._out = self._out, out
        return before

    @property
    def columns(self) -> int:
        """Width of standard output in columns; 80 where it is no terminal."""
        return terminal.columns(self._out)

    def data(self, value: dict[str, Any]) -> None:
        """Print a value as a line of JSON with --json; nothing otherwise."""
        if self.as_json:
            ascii_only = not streams.takes_every_letter(self._out)  # the stream's own escapes are not JSON's
            self._write_out(json.dumps(self.guard(self.mask(value)), ensure_ascii=ascii_only, separators=(",", ":")))

    def _write_out(self, text: str) -> None:
        self.failure = streams.write(self._out, text + "\n") or self.failure

    # -- progress ----------------------------------------------------------------------------------------

    def progress(self, progress: Progress) -> None:
        """Draw the progress of captures on one line of a terminal; elsewhere nothing."""
        if not self._live:
            return
        with self._mutex:
            if progress.closed:
                self._open.pop(progress.capture, None)
            else:
                self._open[progress.capture] = progress
            now = time.monotonic()
            if now - self._last < 0.1:
                return
            self._last = now
            captures = list(self._open.values())
            if not captures:
                return
            received = size(sum(one.received for one in captures))
            waiting = sum(one.waiting for one in captures)
            posts = sum(one.posts for one in captures)
            text = f"  {self._pace}{len(captures)} open · {posts} posts · {waiting} files under way · {received} · {captures[-1].url}"
            self._draw(text)

    @property
    def is_live(self) -> bool:
        """Whether a terminal shows progress."""
        return self._live

    def pace(self, text: str) -> None:
        """Show on the line of progress from now on how far a list has come."""
        self._pace = f"{text} · " if text else ""

    def progress_line(self, text: str) -> None:
        """Draw the progress of any other work on one line of a terminal; elsewhere nothing."""
        now = time.monotonic()
        if not self._live or now - self._last < 0.1:
            return
        with self._mutex:
            self._last = now
            self._draw(f"  {text}")

    def progress_of_work(self, text: str) -> None:
        """Tell the progress of long work: on one line of a terminal, elsewhere a line each half minute; not with --json."""
        if self._live:
            self.progress_line(text)
            return
        now = time.monotonic()
        self._told = self._told or now
        if not self.as_json and now - self._told >= EVERY:
            self._told = now
            self.warn(f"  {text}")

    def _draw(self, text: str) -> None:
        width = terminal.columns(self._err) - 1
        streams.write(self._err, "\r" + terminal.padded(terminal.cut(text, width), width))
        self._drawn = True

    def _clear(self) -> None:
        if self._drawn:
            width = terminal.columns(self._err) - 1
            streams.write(self._err, "\r" + " " * width + "\r")
            self._drawn = False

    # -- results -----------------------------------------------------------------------------------------

    def line(self, result: CaptureResult, position: int, total: int) -> None:
        """Print one result of many, on one line."""
        self.data(result_line(result))
        reason = f": {result.reason}" if result.reason else f" · {kept(result.kept)}"
        self.say(
            f"{position:>{len(str(total))}}/{total} {_MARKS[result.outcome]} {result.target.url} {result.outcome}{reason}"
        )
        for warning in result.warnings:
            self.warn(f"  ! {warning}")

    def not_captured(self, link: str, error: EvidenceError) -> None:
        """Say what kept a link from being captured at all, on standard error."""
        self.warn(f"✗ {link}\n  expected {error.expected}\n  found    {error.found}\n  next     {error.next_step}")

    def sealed(self, result: CaptureResult) -> None:
        """Print one capture of the many that a watch makes, on one line."""
        self.data(result_line(result))
        reason = f": {result.reason}" if result.reason else ""
        event = f"sealed as event {result.seq}" if result.seq is not None else "NOT SEALED"
        self.say(
            f"  {_MARKS[result.outcome]} {result.capture}  {kept(result.kept)}{reason} · {event} · NOT TIMESTAMPED"
        )
        for warning in result.warnings:
            self.warn(f"  ! {warning}")

    def result(self, result: CaptureResult) -> None:
        """Print everything that a person is told of one capture, and its warnings."""
        self._clear()
        self.data(result_line(result))
        if self.as_json:
            return
        reason = f": {result.reason}" if result.reason else ""
        part = f" (part {result.part})" if result.target.kind == "channel" else ""
        self.say(f"{_MARKS[result.outcome]} {result.outcome}{reason}")
        self.say(f"  {result.target.url}{part}")
        if result.led_to is not None:
            self.say(f"  led to    {result.led_to.url}")
        self.say(f"  kept      {kept(result.kept)} · {size(result.stored_bytes)}")
        missing = result.missing
        if missing:
            self.say(f"  not kept  {len(missing)}:")
            for item in missing[:5]:
                self.say(f"            {item['key']}: {item['outcome']}, {item['reason']}")
            if len(missing) > 5:
                self.say(f"            … and {len(missing) - 5} more: archiver show {result.capture} --inventory")
        self.say(f"  where     {result.folder}")
        sealed = f"sealed as event {result.seq}" if result.seq is not None else "NOT SEALED"
        self.say(f"  proof     {sealed} · NOT TIMESTAMPED")
        if result.test_routes:
            self.say("            made with test routes: not evidence")
        for warning in result.warnings:
            self.warn(f"  ! {warning}")


def result_line(result: CaptureResult) -> dict[str, Any]:
    """Return the result of a capture as the JSON object that --json prints."""
    return {
        "capture": result.capture,
        "run": result.run,
        "part": result.part,
        "url": result.target.url,
        "target": result.target.key,
        "led_to": result.led_to.url if result.led_to is not None else None,
        "outcome": str(result.outcome),
        "reason": result.reason,
        "posts": result.posts,
        "kept": result.kept,
        "not_kept": result.not_kept,
        "bytes": result.stored_bytes,
        "folder": str(result.folder),
        "event": result.seq,
        "timestamped": False,
        "test_routes": result.test_routes,
        "warnings": result.warnings,
    }
