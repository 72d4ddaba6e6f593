"""Values planted wherever something can be withheld: in no package that must not have them, in any file or spelling."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.planted_case import FORBIDDEN, KINDS, PlantedCase
from tests.support.soak import SOAK, Tried, seeded
from tests.support.spelled import CLAIMED, Finder

pytestmark = pytest.mark.thorough("planted")
POSTS = 10_000 // len(KINDS) + 1 if SOAK else 12


def test_what_must_not_be_shown_stands_nowhere(
    tmp_path: Path, tried: Tried, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if not SOAK:
        monkeypatch.setattr("archiver.export.stills.program", lambda name: None)
        monkeypatch.setattr("archiver.export.printing.program", lambda: None)
    case = PlantedCase(tmp_path, POSTS, seeded(23))
    tried("planted values", len(case.values))
    finders = {
        kind: Finder({value: kind for value, own in case.values.items() if own == kind}, CLAIMED) for kind in KINDS
    }
    for profile, forbidden in FORBIDDEN.items():
        package = case.export(profile, profile).path
        found, files = [], 0
        for path in sorted(package.rglob("*")):
            name = path.relative_to(package).as_posix()
            data = path.read_bytes() if path.is_file() else b""
            if path.suffix == ".pdf":  # its letters are numbers of a font
                data += subprocess.run(["pdftotext", "-raw", path, "-"], capture_output=True, check=True).stdout
            files += path.is_file()
            for kind in KINDS:
                finders[kind].look_into(
                    name, name.encode() + b"\n" + data if path.suffix in (".html", ".pdf") else data
                )
                finders[kind].look(name, name)
        there = {kind for kind in KINDS if finders[kind].places}
        for kind in forbidden & there:
            found += finders[kind].report()
        tried(f"files of a {profile} package searched", files)
        tried("values found that must not be there", len(found))
        assert not found, found[:10]
        if profile == "full":  # else nothing is shown by their absence from the others
            assert there == set(KINDS) - forbidden, set(KINDS) - forbidden - there
        for finder in finders.values():
            finder.places.clear()
    said = capsys.readouterr()
    assert "no known secret found" in said.out
