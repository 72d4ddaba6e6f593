"""Parts of an export by themselves: sort keys, pictures, what the script needs, errors."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from archiver.errors import ArchiverError
from archiver.export.report.wording import who
from archiver.export.stills import draw
from archiver.export.wacz import sort_key

if TYPE_CHECKING:
    from archiver.export.profiles import PackageView


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://www.example.org/A/B?b=2&a=1#x", "org,example)/a/b?a=1&b=2"),
        ("http://example.org", "org,example)/"),
        ("https://example.org:8443/x/", "org,example:8443)/x"),
        ("urn:view:https://t.me/X", "urn:view:https://t.me/x"),
    ],
)
def test_sort_keys(url: str, key: str) -> None:
    assert sort_key(url) == key


@pytest.mark.parametrize("kind", ["photo", "sticker", "video"])
def test_what_cannot_be_drawn_says_so(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A HEIC of a phone is the usual case: the file is there, and its picture is not."""
    photo = tmp_path / "photo.heic"
    photo.write_bytes(b"\x00\x00\x00\x18ftypheic" + bytes(500))
    drawn = draw(photo, kind, tmp_path)
    assert (drawn.pictures, drawn.lacking) == ((), "ffmpeg does not draw this file")
    assert draw(photo, "document", tmp_path).lacking is None
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert draw(photo, kind, tmp_path).lacking == "ffmpeg is not installed"


@pytest.mark.parametrize(
    ("role", "said"), [("analyst", "an analyst"), ("collector", "a collector"), ("reviewer", "a reviewer")]
)
def test_who_did_it_in_a_public_package(role: str, said: str) -> None:
    shown = cast("PackageView", SimpleNamespace(profile="public"))
    assert who(shown, {"agent": {"id": "aru", "role": role}}) == said


def test_errors_are_of_the_one_tree() -> None:
    from archiver.export.make import Leaked

    assert issubclass(Leaked, ArchiverError)
