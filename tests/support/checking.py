"""The two checkers of packages in this process, where a test compares their verdicts and not how they are started.

What is a function of bytes alone, and dear, is asked once for the same bytes: `openssl`, and Ed25519 in plain Python; and,
where packages are made, Chromium's prints and ffmpeg's stills. The packages of a module differ in a file or two.
"""

from __future__ import annotations

import contextlib
import functools
import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from archiver.checks import stamps
from archiver.export import check as script
from archiver.export import report
from archiver.export.printing import print_pdf
from archiver.export.report import page
from archiver.export.stills import draw


def asked_once(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of hashable values that remembers its answers. What it raises is not remembered."""
    return functools.wraps(function)(functools.lru_cache(4096)(function))


_FASTER = (
    (script, "openssl", asked_once(script.openssl)),
    (script, "ed25519", asked_once(script.ed25519)),
    (stamps, "openssl", asked_once(stamps.openssl)),
)


@contextlib.contextmanager
def remembering() -> Iterator[pytest.MonkeyPatch]:
    """Both checkers ask `openssl` only what was not asked before in this process."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name, function in _FASTER:
            patch.setattr(module, name, function)
        yield patch


class MadeOnce:
    """A print or a drawing of a file, made once for the same bytes; within `anew` whatever was made before."""

    def __init__(self, make: Callable[..., Any]) -> None:
        self._make, self._made = make, dict[tuple[bytes, tuple[object, ...]], Any]()

    def __call__(self, path: Path, *how: Any) -> Any:
        key = (path.read_bytes(), tuple(one for one in how if not isinstance(one, Path)))  # not where it is made
        if key not in self._made:
            self._made[key] = self._make(path, *how)
        return self._made[key]

    @contextlib.contextmanager
    def anew(self) -> Iterator[None]:
        before, self._made = self._made, {}
        yield
        self._made = {**before, **self._made}


PRINT, DRAW = MadeOnce(print_pdf), MadeOnce(draw)


@contextlib.contextmanager
def making_once() -> Iterator[None]:
    """Packages whose report or pictures are the same bytes are printed and drawn once."""
    with remembering() as patch:
        patch.setattr(report, "print_pdf", PRINT)
        patch.setattr(page, "draw", DRAW)
        yield


@contextlib.contextmanager
def without_prints() -> Iterator[None]:
    """Packages have no report.pdf, as where Chromium is not installed."""
    with remembering() as patch:
        patch.setattr(report, "print_pdf", lambda *given: None)
        patch.setattr(page, "draw", DRAW)
        yield


def by_script_here(package: Path, *words: str) -> tuple[int, str]:
    """The exit code of `check.py`, and what it printed."""
    out, wrong = io.StringIO(), io.StringIO()
    with remembering() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(wrong):
        patch.setattr(sys, "argv", ["check.py", str(package), *words])
        code: int = script.main()
    assert wrong.getvalue() == "", wrong.getvalue()
    return code, out.getvalue()
