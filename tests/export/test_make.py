"""A package made by the library alone: asked first, and nothing is left where the answer is no."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from archiver.copies.evict import CopiesFetch
from archiver.errors import NotFound, UsageError
from archiver.export.make import Leaked, Package, PackageRequest, make_package
from archiver.export.preview import PreviewLine
from archiver.home.home import Home
from archiver.signer.local import LocalSigner
from archiver.signer.withheld import LocalDecryptor
from archiver.tools import chromium
from tests.support.checking import without_prints
from tests.support.kept_homes import unpack_home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(unpack_home(tmp_path_factory.mktemp("kept")), environment={})


def make(home: Home, request: PackageRequest, confirm: Callable[[list[PreviewLine]], bool]) -> Package | None:
    signer, decryptor = LocalSigner(home), LocalDecryptor(home.path)
    with without_prints():
        return make_package(home, signer, request, confirm, fetch=CopiesFetch(home), decryptor=decryptor)


def test_what_becomes_visible_is_shown_and_a_no_leaves_nothing(home: Home, tmp_path: Path) -> None:
    seen: list[PreviewLine] = []

    def refuse(lines: list[PreviewLine]) -> bool:
        seen.extend(lines)
        return False

    events = len(home.catalog.all_bodies())
    assert make(home, PackageRequest("almaty", tmp_path / "out", "public"), refuse) is None
    assert not (tmp_path / "out").exists()
    assert len(home.catalog.all_bodies()) == events
    named = dict(seen)
    assert named["captures"] == "all 4 of the case almaty"
    assert named["encrypted"].startswith("NO")
    assert "time" in named, "nothing of this home was stamped"


def test_a_package_is_a_value(home: Home, tmp_path: Path) -> None:
    made = make(home, PackageRequest("almaty", tmp_path, "partner", name="for-them"), lambda lines: True)
    assert made is not None
    assert (made.path, made.encrypted, made.resumed) == (tmp_path / "for-them", False, 0)
    assert made.searched.leaks == ()
    written = [path for path in made.path.rglob("*") if path.is_file() and not path.name.startswith("tagmanifest")]
    assert made.files <= len(written)
    event = home.catalog.event_bodies(("exported",))[-1]
    assert (event["seq"], event["detail"]["tagmanifest_sha256"]) == (made.event, made.tagmanifest_sha256)
    with pytest.raises(UsageError, match="yet"):
        make(home, PackageRequest("almaty", tmp_path, "partner", name="for-them"), lambda lines: True)


def test_a_machine_without_the_programs_of_others_makes_a_package_that_says_so(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No Chromium, no openssl, no ffmpeg: there is no PDF and there are no stills, and nothing is said that is not so."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(chromium, "BEHIND_SCRIPTS", ())
    signer, decryptor = LocalSigner(home), LocalDecryptor(home.path)
    request = PackageRequest("almaty", tmp_path / "out", "full", plain=True, name="bare")
    made = make_package(home, signer, request, lambda lines: True, fetch=CopiesFetch(home), decryptor=decryptor)
    assert made is not None
    text = (made.path / "data" / "report.html").read_text("utf-8")
    assert not (made.path / "data" / "report.pdf").exists()
    drawn = re.findall(r">media/[^<]*\.(?:mp4|png|jpg)</a>", text)
    assert drawn
    assert "<figure>" not in text
    assert text.count("No picture of it is shown here: ffmpeg is not installed. Open the file itself.") == len(drawn)
    assert "where it is there" in (made.path / "START-HERE.html").read_text("utf-8")


@pytest.mark.parametrize("profile", ["", "everything", "FULL"])
def test_a_profile_that_is_none_is_refused(tmp_path: Path, profile: str) -> None:
    with pytest.raises(UsageError, match="--profile"):
        PackageRequest("almaty", tmp_path, profile)


def test_leaks_are_accepted_only_in_a_full_package(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--accept-leaks"):
        PackageRequest("almaty", tmp_path, "public", accept_leaks=True)


@pytest.mark.parametrize("name", ["../up", ".hidden", "a/b", "a" * 82, "a b"])
def test_a_name_that_leads_elsewhere_is_refused(home: Home, tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="--name"):
        make(home, PackageRequest("almaty", tmp_path, "public", name=name), lambda lines: True)


def test_a_case_that_is_not_there_is_named(home: Home, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        make(home, PackageRequest("nowhere", tmp_path, "public"), lambda lines: True)


def test_a_secret_stops_it_before_it_is_signed(home: Home, tmp_path: Path) -> None:
    """And, where it is accepted, the package says so."""
    words = str(home.catalog.captures("almaty")[0]["target"]).encode()
    guarded = Home(home.path, environment={"ARCHIVER_SECRETS": words.decode()})
    request = PackageRequest("almaty", tmp_path, "full", plain=True, name="leaky")
    with pytest.raises(Leaked):
        make(guarded, request, lambda lines: True)
    assert not (tmp_path / "leaky").exists()
    accepted = PackageRequest("almaty", tmp_path, "full", plain=True, name="leaky", accept_leaks=True)
    made = make(guarded, accepted, lambda lines: True)
    assert made is not None
    assert made.searched.leaks
