"""What the tests record is sound: to two libraries that read WARC, and to our own check.

Looked at are the closed captures below a test's `tmp_path` when it ends, and those that a module shares when its last test has
ended. A test that damages captures, or seals what is wrong, says so: `@pytest.mark.damages`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from archiver.checks import home as home_check
from archiver.checks.captures import check_capture
from archiver.checks.lines import Finding
from archiver.checks.warcs import digest_of_file
from storage.digest import Sha256

_IN_A_HOME = re.compile(r".*/captures/\d{4}/\d\d/\d\d/[^/]+")
LEFT_OPEN = "open"
"""What a killed process left is a home's fault, and no recording yet."""
OF_A_TARGET = ("inventory", "census", "posts")
_accepted: set[str] = set()
"""Digests of captures that were found sound: a home that many tests copy is looked at once in a process."""


@pytest.fixture(autouse=True)
def what_was_recorded_is_sound(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each test, look at every closed capture that it made, unless it damages them."""
    looked_at = "tmp_path" in request.fixturenames and request.node.get_closest_marker("damages") is None
    folder: Path | None = request.getfixturevalue("tmp_path") if looked_at else None
    yield
    if folder is not None:
        require_sound_captures([folder])


@pytest.fixture(scope="module", autouse=True)
def what_a_module_shares_is_sound(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[None]:
    """After a module's last test, look at the homes that its tests shared: none of them may have been damaged there."""
    base = tmp_path_factory.getbasetemp()
    before = set(base.iterdir())
    yield
    own = {path for path in base.iterdir() if path not in before and not path.name.startswith("test_")}
    require_sound_captures(own)
    for folder in own:
        for settings in folder.glob("**/archiver.toml"):
            lines = home_check.check_home(settings.parent)
            found = [line for line in lines if line.finding is Finding.DAMAGED and line.check != LEFT_OPEN]
            assert not found, [line.text() for line in found]


def require_sound_captures(folders: Iterable[Path]) -> None:
    """Fail where a closed capture below these folders is refused by a library, or called damaged by our check."""
    for manifest in (path for folder in folders for path in folder.rglob("manifest.json")):
        if not (_IN_A_HOME.fullmatch(str(manifest.parent)) or (manifest.parent / "records.jsonl").exists()):
            continue  # of another program
        if (seen := _digest(manifest.parent)) not in _accepted:
            for path in manifest.parent.glob("*.warc.gz"):
                accepted_by_others(path)
            if not any((above / "bagit.txt").exists() or above.suffix == ".partial" for above in manifest.parents):
                require_intact(manifest.parent)  # a package, and one that was not finished, holds parts of captures
            _accepted.add(seen)


def require_intact(capture: Path) -> None:
    """Fail where our own check calls anything of a closed capture damaged.

    One outside of a home was written without a target and posts: its files and records alone are looked at.
    """
    at_home = _IN_A_HOME.fullmatch(str(capture)) is not None
    place = "/".join(capture.parts[-5:]) if at_home else f"captures/2026/11/22/{capture.name}"
    sealed = digest_of_file(capture / "manifest.json")[1]
    lines = check_capture(capture, {"capture": capture.name, "folder": place, "manifest_sha256": sealed}, None)
    found = [line for line in lines if line.finding is Finding.DAMAGED and (at_home or line.check not in OF_A_TARGET)]
    assert not found, f"our own check calls what a test recorded damaged: {[line.text() for line in found]}"


def accepted_by_others(path: Path) -> None:
    """Fail where warcio or fastwarc does not read a WARC file to its end, or finds a digest that is wrong."""
    from fastwarc.warc import ArchiveIterator as FastIterator
    from warcio.archiveiterator import ArchiveIterator

    count = 0
    with open(path, "rb") as stream:
        for record in ArchiveIterator(stream, check_digests="raise"):
            record.raw_stream.read()
            assert record.digest_checker.passed is not False, path
            count += 1
    with open(path, "rb") as stream:
        for record in FastIterator(stream, parse_http=False):
            assert record.verify_block_digest(), path
            count -= 1
    assert count == 0, path


def _digest(capture: Path) -> str:
    """Return what tells a capture from every other: the names and bytes of its files."""
    running = Sha256()
    for path in sorted(capture.iterdir()):
        if path.is_file():
            running.update(f"{path.name} {digest_of_file(path)}\n".encode())
    return running.label()
