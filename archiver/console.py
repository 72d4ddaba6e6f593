"""What a person sees: progress while it runs, short results, JSON lines where asked for."""

from __future__ import annotations

import json
import shutil
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from archiver.capture import Act, Result

_MARKS = {
    "captured": "✓",
    "partial": "◐",
    "unavailable": "–",
    "refused": "–",
    "blocked": "✗",
    "failed": "✗",
    "skipped": "·",
}


def size(count: int) -> str:
    """`1.9 MB`: decimal units, as files are sold and sent."""
    value = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    raise AssertionError("unreachable")


class Console:
    """Writes for a person or, with `as_json`, one JSON object a line."""

    def __init__(self, as_json: bool, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self.as_json = as_json
        self._out = out or sys.stdout
        self._err = err or sys.stderr
        self._live = self._err.isatty() and not as_json
        self._last = 0.0
        self._drawn = False
        self._acts: dict[str, Act] = {}
        self._mutex = threading.Lock()

    def say(self, text: str = "") -> None:
        self._clear()
        if not self.as_json:
            print(text, file=self._out, flush=True)

    def warn(self, text: str) -> None:
        self._clear()
        print(text, file=self._err, flush=True)

    def data(self, value: dict[str, Any]) -> None:
        """A JSON line with --json; nothing otherwise."""
        if self.as_json:
            print(json.dumps(value, ensure_ascii=False, separators=(",", ":")), file=self._out, flush=True)

    # -- progress ----------------------------------------------------------------------------------------

    def progress(self, act: Act) -> None:
        """One line, redrawn, on a terminal; elsewhere nothing between the lines of the results."""
        if not self._live:
            return
        with self._mutex:
            self._acts[act.capture_id] = act
            now = time.monotonic()
            if now - self._last < 0.1:
                return
            self._last = now
            acts = [a for a in self._acts.values() if not a.writer.closed]
            self._acts = {a.capture_id: a for a in acts}
            if not acts:
                return
            stored = size(sum(a.writer.bytes_stored for a in acts))
            waiting = sum(a.waiting for a in acts)
            posts = sum(a.posts for a in acts)
            text = f"  {len(acts)} open · {posts} posts · {waiting} files under way · {stored} · {acts[-1].target.url}"
            width = shutil.get_terminal_size().columns - 1
            print("\r" + text[:width].ljust(width), end="", file=self._err, flush=True)
            self._drawn = True

    def _clear(self) -> None:
        if self._drawn:
            width = shutil.get_terminal_size().columns - 1
            print("\r" + " " * width + "\r", end="", file=self._err, flush=True)
            self._drawn = False

    # -- results -----------------------------------------------------------------------------------------

    def result(self, result: Result) -> None:
        self._clear()
        self.data(result_line(result))
        if self.as_json:
            return
        reason = f": {result.reason}" if result.reason else ""
        part = f" (part {result.part})" if result.part > 1 or result.target.kind == "channel" else ""
        self.say(f"{_MARKS[result.outcome]} {result.outcome}{reason}")
        self.say(f"  {result.target.url}{part}")
        posts = (
            f"{result.posts} post{'s' if result.posts != 1 else ''}, " if result.target.platform == "telegram" else ""
        )
        self.say(f"  kept      {posts}{result.kept} things in the inventory, {size(result.stored_bytes)}")
        if result.not_kept:
            self.say(f"  not kept  {len(result.not_kept)}:")
            for item in result.not_kept[:5]:
                self.say(f"            {item['key']}: {item['outcome']}, {item['reason']}")
            if len(result.not_kept) > 5:
                self.say(
                    f"            … and {len(result.not_kept) - 5} more: archiver show {result.capture} --inventory"
                )
        self.say(f"  where     {result.folder}")
        sealed = f"sealed as event {result.seq}" if result.seq is not None else "NOT SEALED"
        self.say(f"  proof     {sealed} · NOT TIMESTAMPED")
        if result.test_routes:
            self.say("            made with test routes: not evidence")
        for warning in result.warnings:
            self.warn(f"  ! {warning}")


def result_line(result: Result) -> dict[str, Any]:
    return {
        "capture": result.capture,
        "run": result.run,
        "part": result.part,
        "url": result.target.url,
        "target": result.target.key,
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
