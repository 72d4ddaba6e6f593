"""Packages: what each profile shows, that the same makes the same, that others' tools agree, and what goes wrong well."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyrage
import pytest

from archiver.checks import check_home, worst
from archiver.cli.main import main
from archiver.export.bag import Bag
from archiver.export.encrypting import pack
from archiver.export.replay import archive_in, installed, server
from archiver.home.home import Home
from storage.digest import sha256_hex
from tests.support.checking import DRAW, PRINT, making_once, without_prints
from tests.support.packages import LINKS, TOOLS, PackagedCase, both, by_script, copy_of, flipped, lacking, said_by

IDENTIFIER = "urn:archiver:bagit-profile:2"
FORBIDDEN = (
    "authentic", "original", "admissible", "verified", "verify", "first posted", "deleted by the author", "casualt",
    "the author filmed", "qualified time",
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def dear_things_once() -> Iterator[None]:
    """The same report is printed once, the same film drawn once; where it matters, a test has them made anew."""
    with making_once():
        yield


@pytest.fixture
def unprinted() -> Iterator[None]:
    """For packages whose reports are printed nowhere else, and whose prints nobody reads."""
    with without_prints():
        yield


def lines(package: Path, name: str) -> list[dict[str, Any]]:
    """The lines of a table."""
    return [json.loads(line) for line in (package / "data" / "tables" / f"{name}.jsonl").read_bytes().splitlines()]


# -- others' tools ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["full", "partner", "public"])
def test_every_profile_is_a_bag_that_both_checkers_and_bagit_accept(
    profile: str, case: PackagedCase, request: pytest.FixtureRequest
) -> None:
    package = request.getfixturevalue(profile)
    code, said = both(package, case.fingerprint)
    assert code == 0, said
    assert "is valid" in said_by("bagit.py", "--validate", package)


def test_every_profile_keeps_to_the_bagit_profile_that_it_names(full: Path, partner: Path, public: Path) -> None:
    for package in (full, partner, public):
        said_by("bagit_profile.py", "--no-logfile", "--file", package / "bagit-profile.json", IDENTIFIER, package)
    (copy := full.parent / "without").mkdir()
    copied = copy_of(full, copy)
    (copied / "proofs" / "vkey.txt").unlink()
    tool = [TOOLS / "bagit_profile.py", "--no-logfile", "--file", copied / "bagit-profile.json", IDENTIFIER, copied]
    assert subprocess.run(tool, capture_output=True, check=False).returncode != 0


def test_the_wacz_under_the_tools_of_others(full: Path, tmp_path: Path) -> None:
    wacz = full / "data" / "archive.wacz"
    assert "Validation succeeded" in said_by("wacz", "validate", "-f", wacz)
    with zipfile.ZipFile(wacz) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path)
    warcs = sorted((tmp_path / "archive").glob("*.warc.gz"))
    said_by("warcio", "check", *warcs)
    fast = Path(sys.executable).with_name("fastwarc")
    subprocess.run([fast, "check", warcs[0]], capture_output=True, check=True)
    from fastwarc.warc import ArchiveIterator

    for path in warcs:
        with open(path, "rb") as stream:
            assert all(record.verify_block_digest() for record in ArchiveIterator(stream, parse_http=False))
    import gzip

    ours = {}
    for line in gzip.decompress((tmp_path / "indexes" / "index.cdx.gz").read_bytes()).decode().splitlines():
        key, stamp, facts = line.split(" ", 2)
        value = json.loads(facts)
        ours[value["filename"], value["offset"]] = (key, stamp, value["url"], value["length"], value["mime"])
    theirs = {}
    for line in said_by("cdxj-indexer", "-s", *warcs).splitlines():
        if " {" not in line:
            continue  # what it says of itself
        key, stamp, facts = line.split(" ", 2)
        value = json.loads(facts)
        theirs[value["filename"].rpartition("/")[2], value["offset"]] = (
            key, stamp, value["url"], value["length"], value.get("mime"),
        )  # fmt: skip
    assert ours == theirs


@pytest.mark.parametrize("profile", ["full", "partner", "public"])
def test_timestamps_under_openssl_and_ots(profile: str, request: pytest.FixtureRequest) -> None:
    package: Path = request.getfixturevalue(profile)
    folders = sorted((package / "proofs" / "timestamps").iterdir())
    assert folders
    for folder in folders:
        for path in folder.glob("*.tsr"):
            root = path.with_suffix(".root").read_text().strip()
            done = subprocess.run(
                ["openssl", "ts", "-verify", "-data", folder / "checkpoint.txt", "-in", path, "-CAfile",
                 package / "proofs" / "roots" / f"{root}.pem", "-untrusted", path.with_suffix(".pem")],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert "Verification: OK" in done.stdout
        assert "PendingAttestation" in said_by("ots", "info", folder / "opentimestamps.ots")


# -- the same makes the same -----------------------------------------------------------------------------


def content(package: Path) -> dict[str, bytes]:
    return {path.relative_to(package).as_posix(): path.read_bytes() for path in package.rglob("*") if path.is_file()}


@pytest.mark.parametrize("profile", ["full", "partner", "public"])
def test_the_same_selection_gives_the_same_bytes(
    profile: str, case: PackagedCase, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    first: Path = request.getfixturevalue(profile)
    case.run("tag", case.home.catalog.captures("inbox")[0]["id"], "something", "else")  # of another case, later
    with PRINT.anew(), DRAW.anew():
        second = case.export(profile, tmp_path)
    assert second.name == first.name
    one, two = content(first), content(second)
    assert one.keys() == two.keys()
    assert [name for name in one if one[name] != two[name]] == []


def interrupt_at(monkeypatch: pytest.MonkeyPatch, case: PackagedCase, to: Path, count: int) -> None:
    """Begin a full export, which is interrupted at that file."""
    writes = 0
    true_write = Bag.write

    def failing(self: Bag, name: str, data: object) -> object:
        nonlocal writes
        writes += 1
        if writes == count:
            raise KeyboardInterrupt
        return true_write(self, name, data)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Bag, "write", failing)
        words = ("export", "almaty", "--to", str(to), "--profile", "full", "--yes", "--no-encrypt")
        assert case.run(*words) == 4


def test_an_interrupted_export_goes_on_where_it_stood(
    case: PackagedCase, full: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt_at(monkeypatch, case, tmp_path, 40)
    partial = next(tmp_path.iterdir())
    assert partial.name.endswith(".partial")
    assert not (partial / "signature").exists()
    # What a file that was not synced holds after the machine died: as long as it should be, and nothing in it.
    lost = partial / "proofs" / "checkpoint.txt"
    lost.write_bytes(bytes(lost.stat().st_size))
    package = case.export("full", tmp_path)
    assert content(package) == content(full)


def test_nothing_that_lies_at_the_target_is_believed(
    case: PackagedCase, full: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a shared disk somebody changes what an interrupted export left, and a journal as earlier releases kept it there."""
    to, outside = tmp_path / "usb", tmp_path / "outside"
    interrupt_at(monkeypatch, case, to, 60)
    partial = next(to.iterdir())
    forged = partial / "proofs" / "checkpoint.txt"
    forged.write_bytes(b"FORGED WORDS")
    said = {"name": "proofs/checkpoint.txt", "size": 12, "sha256": sha256_hex(b"FORGED WORDS")}
    [journal] = (case.home.path / "exports").glob("*.journal")
    (partial / ".journal").write_text(journal.read_text().split("\n")[0] + "\n" + json.dumps(said) + "\n")
    (partial / "data" / "evil").mkdir()
    (partial / "data" / "evil" / "more.html").write_text("<script>")
    (partial / "data" / "tables").mkdir(exist_ok=True)
    (partial / "data" / "tables" / "posts.jsonl").unlink(missing_ok=True)
    (partial / "data" / "tables" / "posts.jsonl").symlink_to(outside / "not-there-yet")
    shutil.move(partial / "data" / "events", outside)
    (partial / "data" / "events").symlink_to(outside)
    before = content(outside)
    assert content(case.export("full", to)) == content(full)
    assert content(outside) == before


@pytest.mark.parametrize("made", ["the folder", "the partial folder"])
def test_a_link_where_the_package_is_to_be(case: PackagedCase, tmp_path: Path, made: str) -> None:
    to, outside = tmp_path / "usb", tmp_path / "outside"
    for folder in (to, outside):
        folder.mkdir()
    name = "p" if made == "the folder" else "p.partial"
    (to / name).symlink_to(outside if name == "p.partial" else tmp_path / "nowhere")
    words = ("export", "almaty", "--to", str(to), "--profile", "partner", "--yes", "--name", "p")
    assert case.run(*words) == (1 if name == "p" else 0)
    assert not list(outside.iterdir())
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("lines", [2, 30, 60])
def test_killed_at_a_random_moment_and_begun_again(case: PackagedCase, full: Path, tmp_path: Path, lines: int) -> None:
    """kill -9 when that many files were complete: the same command then makes the same package."""
    words = ["export", "almaty", "--to", str(tmp_path), "--profile", "full", "--yes", "--no-encrypt"]
    command = [sys.executable, "-m", "archiver", "--home", str(case.home.path), *words]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    journals = case.home.path / "exports"
    while running.poll() is None:
        if any(path.read_bytes().count(b"\n") > lines for path in journals.glob("*.journal")):
            running.kill()
            break
    running.wait()
    assert list(journals.glob("*.journal")), "it was done before it could be killed"
    assert not (tmp_path / full.name).exists()
    assert content(case.export("full", tmp_path)) == content(full)
    assert not list(journals.glob("*.journal"))
    assert worst(check_home(case.home.path)) == 0


@pytest.mark.usefixtures("unprinted")
def test_a_disk_that_changes_what_was_written(
    case: PackagedCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every file is read again before the signature."""
    true_finish = Bag.finish

    def failing(self: Bag, *given: object) -> object:
        path = next((self.partial / "data" / "media").iterdir())
        path.write_bytes(flipped(path.read_bytes(), 9))
        return true_finish(self, *given)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Bag, "finish", failing)
        words = ("export", "almaty", "--to", str(tmp_path), "--profile", "partner", "--yes", "--name", "p")
        assert case.run(*words) == 4
    assert "as it was written" in capsys.readouterr().err
    assert not (tmp_path / "p").exists()
    assert not (tmp_path / "p.partial" / "signature").exists()
    assert both(case.export("partner", tmp_path, "--name", "p"), case.fingerprint)[0] == 0


def test_an_export_to_a_place_where_one_is(case: PackagedCase, full: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = content(full)
    code = case.run("export", "almaty", "--to", str(full.parent), "--profile", "full", "--yes", "--no-encrypt")
    assert code == 1
    assert "Remove it" in capsys.readouterr().err
    assert content(full) == before


# -- encryption ------------------------------------------------------------------------------------------


def test_full_is_encrypted_to_the_case_unless_it_is_asked_not_to_be(case: PackagedCase, tmp_path: Path) -> None:
    assert case.run("export", "almaty", "--to", str(tmp_path / "out"), "--profile", "full", "--yes") == 0
    sealed = next((tmp_path / "out").iterdir())
    assert sealed.name.endswith(".tar.age")
    assert sealed.read_bytes().startswith(b"age-encryption.org/v1")
    assert not any((case.home.path / "exports").iterdir())
    assert case.run("check", str(sealed), "--fingerprint", case.fingerprint) == 0
    other = tmp_path / "cut.tar.age"
    other.write_bytes(sealed.read_bytes()[:-5000])
    assert case.run("check", str(other), "--fingerprint", case.fingerprint) == 2
    counsel = pyrage.x25519.Identity.generate()
    words = ("--to", str(tmp_path / "counsel"), "--profile", "full", "--yes", "--encrypt-to", str(counsel.to_public()))
    assert case.run("export", "almaty", *words) == 0
    theirs = next((tmp_path / "counsel").iterdir())
    empty = tmp_path / "elsewhere"
    assert main(["--home", str(empty), "check", str(theirs)], None, {}) == 6
    identity = tmp_path / "identity"
    identity.write_text(f"{counsel}\n")
    asked = ["--home", str(empty), "check", str(theirs), "--identity", str(identity), "--fingerprint", case.fingerprint]
    assert main(asked, None, {}) == 0
    # As somebody without our program opens it.
    unpacked = tmp_path / "unpacked"
    unpacked.mkdir()
    plain = pyrage.decrypt(theirs.read_bytes(), [counsel])
    subprocess.run(["tar", "x", "-C", unpacked], input=plain, check=True)
    assert by_script(next(unpacked.iterdir()), "--fingerprint", case.fingerprint)[0] == 0


def test_an_encrypted_package_is_on_the_disk_before_the_plain_one_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """File and folder, in this order; and what lies under the name that its beginnings once had is left alone."""
    plain, to, precious = tmp_path / "p", tmp_path / "usb", tmp_path / "precious"
    for folder in (plain, to):
        folder.mkdir()
    (plain / "words.txt").write_text("words")
    precious.write_text("of somebody else")
    (to / "p.tar.age.part").symlink_to(precious)
    (to / f".p.tar.age.{'0' * 16}.part").symlink_to(precious)
    synced, true_sync = [], os.fsync

    def sync(number: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{number}"))
        true_sync(number)

    monkeypatch.setattr(os, "fsync", sync)
    pack(plain, to / "p.tar.age", [pyrage.x25519.Identity.generate().to_public()])
    file, around = synced
    assert re.fullmatch(r".*/usb/\.p\.tar\.age\.[0-9a-f]{16}\.part", file)
    assert around == str(to)
    assert precious.read_text() == "of somebody else"
    assert sorted(path.name for path in to.iterdir()) == ["p.tar.age", "p.tar.age.part"]
    assert (to / "p.tar.age").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["age1nothing", "AGE-SECRET-KEY-1", "", "ssh-ed25519 AAAA"])
def test_an_age_key_that_is_none(
    text: str, case: PackagedCase, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = case.run(
        "export", "almaty", "--to", str(tmp_path / "x"), "--profile", "partner", "--yes", "--encrypt-to", text
    )
    assert code == 1
    assert "age public key" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


# -- what is asked first ---------------------------------------------------------------------------------


def test_it_shows_who_becomes_visible_and_asks(
    case: PackagedCase, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert case.run("export", "almaty", "--to", str(tmp_path), "--profile", "full") == 1
    shown = capsys.readouterr()
    assert "ozen_today" in shown.out
    assert "tester (collector)" in shown.out
    assert "1 privileged note left out" in shown.out
    assert "--yes" in shown.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("nothing", "--profile", "full"), 1, "the case 'nothing'"),
        (("almaty", "--profile", "press"), 1, "full, partner, public"),
        (("almaty", "--profile", "full", "--name", "../x"), 1, "--name"),
        (("almaty", "--profile", "full", "--only", "zzzz"), 1, "a capture"),
        (("almaty", "--profile", "full", "--checkpoint", "1"), 1, "a checkpoint over the whole package"),
        (("almaty", "--profile", "public", "--accept-leaks"), 1, "--accept-leaks"),
    ],
)
def test_bad_input(
    words: tuple[str, ...], code: int, said: str, case: PackagedCase, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert case.run("export", *words, "--to", str(tmp_path / "x"), "--yes", "--no-encrypt") == code
    assert said in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_an_empty_case(case: PackagedCase, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case.run("case", "new", "empty")
    assert case.run("export", "empty", "--to", str(tmp_path / "x"), "--profile", "full", "--yes") == 1
    assert "Capture something" in capsys.readouterr().err


@pytest.mark.usefixtures("unprinted")
def test_captures_that_failed_are_in_the_package_and_say_so(case: PackagedCase, tmp_path: Path) -> None:
    case.run("case", "new", "failures")
    assert case.run("capture", "https://t.me/ozen_today/14", "--case", "failures") == 3
    assert case.run("capture", "https://nowhere.invalid/", "--case", "failures") == 4
    for profile in ("full", "partner", "public"):
        words = ["--profile", profile, "--yes", "--name", profile, *(["--no-encrypt"] if profile == "full" else [])]
        assert case.run("export", "failures", "--to", str(tmp_path), *words) == 0
        code, said = both(tmp_path / profile, case.fingerprint)
        assert code == 0, said
        outcomes = {line["outcome"] for line in lines(tmp_path / profile, "not-kept")}
        assert {"unavailable", "failed"} <= outcomes or profile == "public"
        assert "2 of 2 captures of this case" in (tmp_path / profile / "data" / "report.html").read_text()


def test_a_capture_that_was_damaged_is_not_packed(
    case: PackagedCase, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = case.home.path / case.home.catalog.captures("almaty")[0]["folder"]
    path = next(folder.glob("*.warc.gz"))
    whole = path.read_bytes()
    path.write_bytes(whole[:1000] + bytes([whole[1000] ^ 1]) + whole[1001:])
    try:
        words = (
            "export",
            "almaty",
            "--to",
            str(tmp_path),
            "--profile",
            "full",
            "--yes",
            "--no-encrypt",
            "--name",
            "damaged",
        )
        assert case.run(*words) == 4
        assert "as it was sealed" in capsys.readouterr().err
        assert not (tmp_path / "damaged").exists()
    finally:
        path.write_bytes(whole)


def test_no_space(
    case: PackagedCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import shutil

    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("archiver.export.target.shutil.disk_usage", lambda path: usage._replace(free=1000))
    assert case.run("export", "almaty", "--to", str(tmp_path / "x"), "--profile", "full", "--yes", "--no-encrypt") == 4
    assert "Free some space" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


# -- the selection ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("unprinted")
def test_n_of_m_with_commitments_for_the_rest(case: PackagedCase, tmp_path: Path) -> None:
    package = case.export("full", tmp_path, "--only", case.captures[LINKS[0]])
    about = json.loads((package / "data" / "package.json").read_bytes())
    assert (len(about["captures"]), len(about["not_in_package"])) == (1, 5)
    code, said = both(package, case.fingerprint)
    assert code == 0, said
    assert "1 of the 6 captures of this case that the signer lists; 5 are shown only as commitments" in said
    for capture in case.captures.values():  # of the others not even the id
        found = [name for name, data in content(package).items() if capture.encode() in data]
        assert bool(found) == (capture == case.captures[LINKS[0]])
    assert "1 of 6 captures" in (package / "data" / "report.html").read_text()


# -- profiles --------------------------------------------------------------------------------------------


def test_partner_has_no_raw_records_and_names_people(partner: Path) -> None:
    names = content(partner)
    assert not any(name.startswith(("data/events", "data/captures")) or name.endswith(".wacz") for name in names)
    assert "ozen_today" in {line["post"].get("author_handle") for line in lines(partner, "posts")}
    assert any(line["what"].endswith("annotations") for line in lines(partner, "withheld"))
    assert b"counsel only" not in b"".join(names.values())


def test_public_names_only_who_is_official_and_shows_only_what_was_reviewed(public: Path) -> None:
    shown = {(line["post"].get("platform"), line["author"]) for line in lines(public, "posts")}
    assert ("x", "ozen_today") in shown
    hidden = [line for line in lines(public, "posts") if line["post"].get("platform") is None]
    assert [line["post"]["text"] for line in hidden] == ["Полная запись, 40 минут."]  # a second person let it out
    assert {line["author"] for line in hidden} == {"an account that is not named"}
    assert {line["item"] for line in lines(public, "withheld")} == {""}, (
        "how much of which item is missing tells which it is"
    )
    assert not list(public.glob("data/media/*"))
    assert lines(public, "files") == []
    words = (public / "data" / "tables" / "posts.jsonl").read_text()
    assert "Төрт файл" not in words  # unreviewed counts as sensitive
    report = (public / "data" / "report.html").read_text()
    assert "Uniformed men fired." in report  # a second person agreed
    assert "t.me/ozen_today/16" not in report


@pytest.mark.usefixtures("unprinted")
def test_media_go_public_when_a_second_person_approved_them(case: PackagedCase, tmp_path: Path) -> None:
    album = case.captures[LINKS[0]]
    assert case.run("review", album, "publish", "fine", "--post", "ozen_today/16", "--attachment", "1") == 1
    assert (
        case.run("--as", "R-2", "review", album, "publish", "no faces", "--post", "ozen_today/16", "--attachment", "1")
        == 0
    )
    package = case.export("public", tmp_path, "--name", "approved")
    media = list(package.glob("data/media/*"))
    assert [path.suffix for path in media] == [".png"]
    kept = {line["sha256"] for line in lines(case.export("partner", tmp_path / "p"), "files")}
    from tests.support.packages import digest

    assert digest(media[0]) not in kept
    code, said = both(package, case.fingerprint)
    assert code == 0, said
    assert case.run("quarantine", album, "unlawful", "--post", "ozen_today/16") == 0
    package = case.export("full", tmp_path / "q", "--name", "quarantined")
    assert {"what": f"the capture {album}", "why": "quarantined"}.items() <= lines(package, "withheld")[0].items()
    assert not any("album" in path.name for path in package.glob("data/media/*"))
    assert not [path for path in package.rglob("*") if album in str(path)], "neither its pictures nor its recording"
    code, said = both(package, case.fingerprint)
    assert code == 0, said


# -- the report ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["full", "partner", "public"])
def test_the_report_says_nothing_it_must_not(profile: str, request: pytest.FixtureRequest) -> None:
    text = (request.getfixturevalue(profile) / "data" / "report.html").read_text("utf-8")
    plain = re.sub(r"<style>.*?</style>|<blockquote>.*?</blockquote>|<[^>]+>", " ", text, flags=re.DOTALL).lower()
    for word in FORBIDDEN:
        assert word not in plain, word
    assert "complete" not in plain
    assert "Content-Security-Policy" in text
    assert "default-src 'none'" in text.replace("&#x27;", "'")
    assert not re.search(r"<script|\son\w+=|javascript:|https?://[^<\s\"]*\"", text)


def test_page_one_answers_in_five_lines_each(full: Path, case: PackagedCase) -> None:
    text = (full / "data" / "report.html").read_text("utf-8")
    boxes = re.findall(r'<section class="box">(.*?)</section>', text, re.DOTALL)
    assert len(boxes) == 5
    assert all(box.count("<li>") <= 5 for box in boxes)
    assert case.fingerprint[:8] in boxes[4]
    assert "NOT EVIDENCE" in text
    assert "Shots at the square" in text
    assert "UTC+0500" in text
    assert "over the horizon" in text
    assert "no shots are heard" in text
    assert "reviewed by R-2" in text


@pytest.mark.parametrize("profile", ["full", "partner", "public"])
def test_the_report_refers_to_what_is_there(profile: str, request: pytest.FixtureRequest) -> None:
    package = request.getfixturevalue(profile)
    text, readme = ((package / name).read_text("utf-8") for name in ("data/report.html", "README.txt"))
    assert ("wacz, openssl" in text) == ("wacz validate" in readme) == (profile == "full")
    assert ("table not-kept" in text) == (profile != "public")


@pytest.mark.usefixtures("unprinted")
def test_what_strangers_wrote_is_never_markup(case: PackagedCase, tmp_path: Path) -> None:
    album = case.captures[LINKS[2]]
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)> \u202e =cmd|' /C calc'!A0"
    case.run("note", album, evil)
    package = case.export("full", tmp_path, "--name", "evil")
    text = (package / "data" / "report.html").read_text("utf-8")
    assert "<script" not in text
    assert "<img src=x" not in text
    assert "&lt;script&gt;" in text
    assert "\u202e" not in text
    assert any(line["detail"].get("text") == evil for line in lines(package, "annotations"))


def test_cells_that_would_be_formulas(case: PackagedCase) -> None:
    from archiver.text.cells import csv_bytes

    text = csv_bytes(["a"], [["=1+1"], ["@x"], ["-5"], ["+7 701"], ["plain"], ["a\nb"]]).decode("utf-8-sig")
    assert [row[0] for row in csv.reader(io.StringIO(text))] == ["a", "'=1+1", "'@x", "-5", "'+7 701", "plain", "a\nb"]


def test_the_report_says_what_is_wrong_with_a_received_file(full: Path) -> None:
    text = (full / "data" / "report.html").read_text("utf-8")
    assert text.count("Damaged already when it was received: its index (moov) is missing.") == 1
    assert "No picture of it is shown here: ffmpeg " in text


def test_the_report_in_a_browser_asks_nobody_and_fits_a_phone(full: Path) -> None:
    from playwright import sync_api as playwright

    from archiver.tools.chromium import program

    if program() is None:
        lacking("Chromium is not installed")
    asked: list[str] = []
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program(), args=["--no-sandbox"])
        for width in (390, 1280):
            page = browser.new_page(viewport={"width": width, "height": 900})
            page.on("request", lambda request: asked.append(request.url))
            page.on("console", lambda message: asked.append(message.text))
            page.goto((full / "data" / "report.html").as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate("getComputedStyle(document.querySelector('.box')).borderStyle") == "solid"
            assert page.evaluate(
                "[...document.images].every(image => image.naturalWidth > 0 || image.closest('details'))"
            )
        browser.close()
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    pdf = (full / "data" / "report.pdf").read_bytes()
    assert pdf.startswith(b"%PDF-")


def test_the_recordings_are_replayed_in_a_browser_without_a_network(full: Path) -> None:
    from playwright import sync_api as playwright

    from archiver.tools.chromium import program

    if program() is None or (viewer := installed({})) is None:
        lacking("Chromium, or ReplayWeb.page, is not installed")
    serving = server(archive_in(full), viewer, 0)
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{serving.server_port}/"
    asked: list[str] = []
    try:
        with playwright.sync_playwright() as started:
            browser = started.chromium.launch(executable_path=program(), args=["--no-sandbox"])
            page = browser.new_page()
            page.on("request", lambda request: asked.append(request.url))
            for link, script in (
                ("https://t.me/ozen_today/16?embed=1&mode=tme", "document.body.innerText.includes('Төрт файл')"),
                ("https://blog.ozen.example/2011/12/17/square", "document.body.innerText.includes('Автор: Серік О.')"),
                (LINKS[2], "document.querySelector('#react-root, script, main') !== null"),
                (
                    "https://t.me/ozen_today/16?embed=1&mode=tme",
                    "[...document.querySelectorAll('video')].some(v => v.readyState > 0)",
                ),
            ):
                page.goto(address)
                page.evaluate("link => document.querySelector('replay-web-page').setAttribute('url', link)", link)
                assert shows(page, script), link
            browser.close()
    finally:
        serving.shutdown()
        serving.server_close()
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []


def shows(page: Any, script: str) -> bool:
    """Whether a frame of the replay comes to show it."""
    for _ in range(600):
        for frame in page.frames[2:]:
            with contextlib.suppress(Exception):  # a frame that is just being replaced
                if frame.evaluate(script):
                    return True
        page.wait_for_timeout(100)
    return False


def test_an_export_is_an_event_and_reveals_nothing_of_itself_in_the_next(case: PackagedCase) -> None:
    home = Home(case.home.path)
    event = home.catalog.event_bodies(("exported",))[0]["detail"]
    assert event["profile"] in ("full", "partner", "public")
    assert len(event["tagmanifest_sha256"]) == 64


@pytest.mark.usefixtures("unprinted")
def test_a_secret_stops_the_export_before_the_signature(
    case: PackagedCase, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A configured secret that stands in what a post says: nothing is signed, and the message does not say it either."""
    words = [
        "--home",
        str(case.home.path),
        "export",
        "almaty",
        "--to",
        str(tmp_path),
        "--profile",
        "partner",
        "--yes",
        "--name",
        "leak",
        "--only",  # without files that look like those which another test quarantined
        case.captures[LINKS[3]],
    ]
    assert main(words, case.network, {"ARCHIVER_SECRETS": "ozen_today"}) == 4
    shown = capsys.readouterr()
    assert "a configured secret" in shown.err
    assert "without secrets" in shown.err
    assert not (tmp_path / "leak").exists()
    assert not list(tmp_path.iterdir()), "nothing of it is left where packages go"


def test_copies_are_unchanged_by_checking(full: Path, tmp_path: Path, case: PackagedCase) -> None:
    package = copy_of(full, tmp_path)
    before = content(package)
    both(package, case.fingerprint)
    assert content(package) == before


def test_the_script_runs_on_its_own_python(full: Path, case: PackagedCase, tmp_path: Path) -> None:
    """Nothing of ours is importable: only the standard library."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(full / "check.py"), "--fingerprint", case.fingerprint],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
