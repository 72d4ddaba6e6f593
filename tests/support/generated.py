"""What the miniature platforms show, generated once in a process: each test module starts platforms of its own."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from archiver.demo import media


def _in_any_folder(make: Callable[..., Any]) -> Callable[..., Any]:
    """`make(folder, …)`, whose result does not depend on the folder it works in."""
    made: dict[tuple[object, ...], Any] = {}

    @functools.wraps(make)
    def once(folder: Path, *how: object) -> Any:
        if how not in made:
            with pytest.MonkeyPatch.context() as patch:  # what it makes on the way must lie in this folder
                patch.setattr(media, "video", _VIDEO)
                made[how] = make(folder, *how)
        return made[how]

    return once


_VIDEO = media.video
_ONCE = {
    "video": _in_any_folder(media.video),
    "separate": _in_any_folder(media.separate),
    "segments": _in_any_folder(media.segments),
    "picture": functools.cache(media.picture),
}


@contextlib.contextmanager
def generated_once() -> Iterator[None]:
    """Films and pictures that were generated before in this process are not generated again."""
    with pytest.MonkeyPatch.context() as patch:
        for name, make in _ONCE.items():
            patch.setattr(media, name, make)
        yield
