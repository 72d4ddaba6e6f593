"""Files that a person hands over: hashed first, untouched, private where they could betray, checked on arrival."""

from __future__ import annotations

import base64
import json
import os
import random
import zipfile
from pathlib import Path
from typing import Any

import pyrage
import pytest

from archiver.demo import media
from archiver.home.home import Home
from archiver.intake import receive
from archiver.intake.receive import safe_suffix
from storage.assembly import payload
from storage.digest import Sha256, sha256_hex
from tests.conftest import Shell, need
from tests.support import media_files, saved
from tests.support.captures import ended, everything, folder_of, records

GIVEN = ["--from", "S-014", "--via", "signal"]


def private_values(shell: Shell, result: dict[str, Any]) -> list[dict[str, Any]]:
    key = next(
        line for line in (shell.home / "keys/cases/inbox.age-key").read_text().splitlines() if line.startswith("AGE-")
    )
    identity = pyrage.x25519.Identity.from_str(key)
    data = pyrage.decrypt((folder_of(shell, result) / "private.age").read_bytes(), [identity])
    value: Any = json.loads(data)
    return list(value["values"] if isinstance(value, dict) else value)


def stored(shell: Shell, result: dict[str, Any], key: str) -> bytes:
    [line] = [line for line in records(shell, result) if line.get("received") == key]
    return b"".join(payload(folder_of(shell, result) / line["file"], line["offset"], 0, 1 << 40))


def arrival(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [item for item in results if "arrival_check" in item]


@pytest.fixture
def handed(tmp_path: Path) -> Path:
    folder = tmp_path / "from the source"
    (folder / "sub").mkdir(parents=True)
    (folder / "VID_20220105_1240 +77011234567.mp4").write_bytes(
        media_files.film(filling=random.Random(1).randbytes(300_000))
    )
    (folder / "sub" / "note.txt").write_text("Снято с крыши, 12:40")
    return folder


def test_a_folder_is_received_untouched(shell: Shell, handed: Path) -> None:
    code, [result] = shell.json("receive", str(handed), *GIVEN, "--consent", "hold,court", "--refused", "name")
    assert (code, result["outcome"]) == (0, "captured")
    film = next(handed.glob("*.mp4")).read_bytes()
    ends = ended(shell, result)
    assert (ends["file 1"]["sha256"], ends["file 1"]["size"], ends["file 1"]["kind"]) == (
        sha256_hex(film),
        len(film),
        "video",
    )
    assert stored(shell, result, "file 1") == film
    assert stored(shell, result, "file 2").decode() == "Снято с крыши, 12:40"
    assert shell("check")[0] == 0


def test_what_a_file_says_of_its_maker_stays_private(shell: Shell, handed: Path) -> None:
    _, [result] = shell.json("receive", str(handed), *GIVEN)
    seen = everything(folder_of(shell, result))
    for secret in (b"77011234567", b"VID_2022", b"note.txt", b"from the source", b"S-014"):
        assert secret not in seen, secret
    values = private_values(shell, result)
    names = [base64.b64decode(item["value_base64"]) for item in values if item["name"] == "file name"]
    assert names == [b"VID_20220105_1240 +77011234567.mp4", b"sub/note.txt"]
    facts = [json.loads(base64.b64decode(item["value_base64"])) for item in values if item["name"] == "metadata"]
    assert facts[0]["modified_ns"] == next(handed.glob("*.mp4")).stat().st_mtime_ns
    assert (facts[0]["source"], facts[0]["via"]) == ("S-014", "signal")
    shown = shell("show", str(result["capture"]), "--inventory")[1]
    assert "77011234567" not in shown


def test_source_and_consent_are_signed_by_the_receiver(shell: Shell, handed: Path) -> None:
    _, [result] = shell.json("receive", str(handed), *GIVEN, "--consent", "hold,court", "--refused", "name")
    home = Home(shell.home)
    notes = {row["kind"]: json.loads(row["body"]) for row in home.catalog.annotations(str(result["capture"]))}
    assert (notes["source"]["source"], notes["source"]["via"]) == ("S-014", "signal")
    assert notes["consent"]["consent"] == {"hold": True, "court": True, "publish": None, "name": False}
    assert {row["agent"] for row in home.catalog.annotations(str(result["capture"]))} == {"tester"}
    _, found = shell.json("find", "S-014")
    assert found


def test_hostile_names_links_and_pipes(shell: Shell, tmp_path: Path) -> None:
    folder = tmp_path / "card"
    folder.mkdir()
    hostile = [
        b"..\\..\\evil.txt",
        b"\x1b[31mred.txt",
        b"line\nbreak.txt",
        b"\xff\xfe.bin",
        b"-rf",
        ("ж" * 100).encode(),
    ]
    for name in hostile:
        (folder / os.fsdecode(name)).write_bytes(b"x" + name)
    os.symlink("/etc/passwd", folder / "passwd")
    os.symlink("/etc", folder / "etc")
    os.mkfifo(folder / "pipe")
    code, out, _ = shell("receive", str(folder), *GIVEN)
    assert code == 0
    assert "\x1b" not in out
    [capture] = Home(shell.home).catalog.captures()
    result = {"folder": capture["folder"]}
    ends = ended(shell, result)
    reasons = sorted(str(line["reason"]) for line in ends.values() if line["outcome"] == "skipped")
    assert reasons == ["a symbolic link: not followed", "a symbolic link: not followed", "no ordinary file"]
    assert sum(line["outcome"] == "captured" for line in ends.values()) == len(hostile)
    assert b"root:" not in everything(folder_of(shell, result))
    assert shell("check")[0] == 0


def test_a_link_given_by_itself_is_not_followed(shell: Shell, tmp_path: Path) -> None:
    os.symlink("/etc/passwd", tmp_path / "link")
    code, [result] = shell.json("receive", str(tmp_path / "link"), *GIVEN)
    assert (code, result["outcome"], result["reason"]) == (2, "skipped", "a symbolic link: not followed")


def test_a_file_that_becomes_a_link_is_not_followed(tmp_path: Path) -> None:
    """Between looking and opening, somebody may put a link in its place."""
    (tmp_path / "secret").write_text("not handed over")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(OSError, match="symbolic links"):
        receive._copied(tmp_path / "link", tmp_path / "copy", Sha256())
    assert not (tmp_path / "copy").exists()


def test_an_unreadable_card_keeps_what_can_be_read(shell: Shell, handed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, left = os.read, [3]

    def failing(descriptor: int, size: int) -> bytes:
        if size != receive.READ:
            return real(descriptor, size)
        left[0] -= 1
        if left[0] < 0:
            raise OSError(5, "Input/output error")
        return real(descriptor, 1000)

    monkeypatch.setattr("archiver.intake.receive.os.read", failing)
    film = next(handed.glob("*.mp4"))
    code, [result] = shell.json("receive", str(film), *GIVEN)
    assert (code, result["outcome"]) == (2, "partial")
    assert result["reason"] == "the medium cannot be read beyond byte 3000: Input/output error"
    monkeypatch.undo()
    assert stored(shell, result, "file 1") == film.read_bytes()[:3000]
    assert shell("check")[0] == 0


def test_a_file_that_cannot_be_opened(shell: Shell, handed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def failing(path: Any, flags: int, *more: Any, **named: Any) -> int:
        if str(path).endswith("note.txt"):
            raise OSError(13, "Permission denied")
        return real(path, flags, *more, **named)

    monkeypatch.setattr("archiver.intake.receive.os.open", failing)
    code, [result] = shell.json("receive", str(handed), *GIVEN)
    assert (code, result["outcome"]) == (2, "partial")
    assert "1 of 2 files incomplete: it cannot be opened: Permission denied" in str(result["reason"])
    assert ended(shell, result)["file 1"]["outcome"] == "captured"


def test_a_file_that_changes_while_it_is_read(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "growing.log"
    path.write_bytes(b"a" * 2000)
    real = receive._copied

    def slow(source: Path, copy: Path, running: Any) -> str | None:
        done = real(source, copy, running)
        path.write_bytes(b"b" * 3000)
        return done

    monkeypatch.setattr("archiver.intake.receive._copied", slow)
    _, [result] = shell.json("receive", str(path), *GIVEN)
    assert (result["outcome"], result["reason"]) == ("partial", "the file changed while it was read")
    assert stored(shell, result, "file 1") == b"a" * 2000


def test_a_zip_bomb_is_kept_and_not_unpacked(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archiver.checks.packages.GROWN", 32 << 20)  # in use it is a gigabyte, which takes long to pack
    path = tmp_path / "bomb.wacz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("datapackage.json", "{}")
        with archive.open("archive/data.warc.gz", "w", force_zip64=True) as entry:
            for _ in range(33):
                entry.write(bytes(1 << 20))
    code, results = shell.json("receive", str(path), *GIVEN)
    assert (code, results[0]["outcome"]) == (6, "captured"), "the file is evidence; what is not unpacked is not checked"
    [check] = arrival(results)
    assert "not unpacked" in check["findings"][0]["what"]
    assert stored(shell, results[0], "file 1") == path.read_bytes()


@pytest.mark.parametrize(
    ("name", "intact", "said"),
    [
        ("browsertrix/example.wacz", True, ""),
        ("py-wacz/valid_signed_example_1.wacz", None, "the chain of the signer's certificate"),
        ("scoop/example.com.wacz", True, ""),
        ("integrity-preprocessor/bad-anon-sig.wacz", False, "the signature does not fit the package"),
        ("pywb/invalid_example_1.wacz", False, "listed and missing"),
        ("chatnoir-resiliparse/clipped.warc.gz", False, "truncated gzip stream"),
        ("warcio/example.warc.gz", True, ""),
    ],
)
def test_packages_of_others_on_arrival(
    shell: Shell, recordings: Path, name: str, intact: bool | None, said: str
) -> None:
    code, results = shell.json("receive", str(recordings / "warc" / name), *GIVEN)
    [check] = arrival(results)
    assert (check["intact"], code) == (intact, {True: 0, False: 5, None: 6}[intact])
    assert said in json.dumps(check["findings"])
    kept = [line for line in records(shell, results[0]) if str(line["uri"]).startswith("urn:archiver:arrival-check:")]
    assert [line.get("intact") for line in kept] == [intact], "the result is kept beside the file"


def test_all_archives_of_others_in_one_hand_over(
    shell: Shell, recordings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forty-five files of a dozen makers: each is kept, each is checked, and only the damaged ones are said to be."""
    from tests.support.foreign import DAMAGED, INTACT, UNCHECKED, read_short_pages_only

    read_short_pages_only(monkeypatch)

    code, results = shell.json("receive", str(recordings / "warc"), *GIVEN)
    assert (code, results[0]["outcome"]) == (5, "captured")
    checks = arrival(results)
    assert len(checks) == len(INTACT) + len(UNCHECKED) + len(DAMAGED)
    assert sum(check["intact"] is None for check in checks) == len(UNCHECKED)
    assert sum(check["intact"] is False for check in checks) == len(DAMAGED)
    assert shell("check")[0] == 0


def test_posts_in_a_received_warc_can_be_found(shell: Shell, recordings: Path) -> None:
    _, [result, _] = shell.json("receive", str(recordings / "warc/warcio/example.warc.gz"), *GIVEN)
    _, found = shell.json("find", "Example Domain")
    assert [item["capture"] for item in found] == [result["capture"]]


def bag(folder: Path) -> Path:
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "film.bin").write_bytes(b"film")
    (folder / "bagit.txt").write_text("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
    (folder / "manifest-sha256.txt").write_text(f"{sha256_hex(b'film')}  data/film.bin\n")
    return folder


def test_a_bag_is_checked_on_arrival(shell: Shell, tmp_path: Path) -> None:
    code, results = shell.json("receive", str(bag(tmp_path / "bag")), *GIVEN)
    assert (code, arrival(results)[0]["intact"]) == (0, True)
    (tmp_path / "bag/data/film.bin").write_bytes(b"fIlm")
    code, results = shell.json("receive", str(tmp_path / "bag"), *GIVEN)
    assert code == 5
    assert arrival(results)[0]["findings"][0]["what"] == "not what manifest-sha256.txt says"
    assert results[0]["outcome"] == "captured"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--from", "Aigul Bekova", "--via", "signal"], "a pseudonym for the source"),
        (["--from", "77011234567", "--via", "signal"], "a pseudonym for the source"),
        (["--from", "a@b.kz", "--via", "signal"], "a pseudonym for the source"),
        (["--from", "S-014", "--via", "\x1b[31m"], "how it arrived"),
        ([*GIVEN, "--consent", "everything"], "consent to any of hold, court, publish, name"),
        ([*GIVEN, "--consent", "hold", "--refused", "hold"], "both"),
        ([*GIVEN, "--case", "nosuch"], "archiver case new nosuch"),
    ],
)
def test_bad_input(shell: Shell, handed: Path, words: list[str], said: str) -> None:
    code, _, err = shell("receive", str(handed), *words)
    assert code == 1
    assert said in err
    assert Home(shell.home).catalog.captures() == []


def test_nothing_there(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "an empty folder" in shell("receive", str(tmp_path / "empty"), *GIVEN)[2]
    assert "Check the name" in shell("receive", str(tmp_path / "nosuch"), *GIVEN)[2]
    assert Home(shell.home).catalog.captures() == []


def test_what_a_source_is_to_be_asked_for_again_is_said_at_once(shell: Shell, tmp_path: Path) -> None:
    need("ffmpeg")
    film = media._film(need("ffmpeg"), 1, 440, "64x36")
    given = {
        "1 whole.mp4": film,
        "2 cut.mp4": film[:-900],
        "3 empty.mp4": b"",
        "4 page.mp4": b"<!DOCTYPE html><html>403</html>",
        "5 photo.png": media.picture()[:900],
        "6 broken.avi": media_files.film()[:12] + bytes(len(media_files.film()) - 12),
        "7 call.wav": media_files.sound(),
        "8 whole.bin": b"anything",
    }
    folder = tmp_path / "handed"
    folder.mkdir()
    for name, data in given.items():
        (folder / name).write_bytes(data)
    code, results = shell.json("receive", str(folder), *GIVEN)
    assert (code, results[0]["outcome"]) == (0, "captured"), "what was handed over was taken as it is"
    said = {line["damaged"]: str(line["reason"]) for line in results if "damaged" in line}
    assert list(said) == ["file 2", "file 3", "file 4", "file 5", "file 6"]
    for key, words in (("file 2", "bytes are there"), ("file 3", "0 bytes"), ("file 4", "an HTML page under the name of a video"),
                       ("file 5", "IEND"), ("file 6", "cannot be opened")):  # fmt: skip
        assert words in said[key]
    ends = ended(shell, results[0])
    assert {key: end["damage"] for key, end in ends.items() if "damage" in end} == said
    assert [ends[f"file {number}"]["found"] for number in (1, 4, 5, 7)] == [
        "video/mp4",
        "text/html",
        "image/png",
        "audio/wav",
    ]
    assert [ends[f"file {number}"]["kind"] for number in (1, 4, 5, 7)] == ["video", "document", "photo", "audio"]
    assert [stored(shell, results[0], f"file {number}") for number in (2, 4)] == [
        given["2 cut.mp4"],
        given["4 page.mp4"],
    ]
    _, out, _ = shell("receive", str(folder), *GIVEN)
    assert "file 2, '2 cut.mp4'" in out
    assert "ask the source for them again" in out


def test_the_type_of_a_record_is_what_the_bytes_show(shell: Shell, tmp_path: Path) -> None:
    brands = b"\0\0\0\x1cftypheic\0\0\0\0mif1heicmiaf" + b"\0\0\0\x08meta"
    (tmp_path / "IMG_1.HEIC").write_bytes(brands)
    _, [result] = shell.json("receive", str(tmp_path / "IMG_1.HEIC"), *GIVEN)
    end = ended(shell, result)["file 1"]
    [line] = [line for line in records(shell, result) if line["id"] == end["record"]]
    assert (line["content_type"], end["kind"], end["found"]) == ("image/heic", "photo", "image/heic")
    assert "damage" not in end


@pytest.fixture
def three(tmp_path: Path) -> Path:
    folder = tmp_path / "three"
    folder.mkdir()
    for name, data in (("a.txt", b"first"), ("m.warc", saved.warc()), ("z.txt", b"last")):
        (folder / name).write_bytes(data)
    return folder


class Odd(Exception):
    """What no reader is known to raise."""


@pytest.mark.parametrize("reader", ["kind_of", "looked_at", "by_tools", "check_path", "read_file"])
def test_a_file_that_breaks_a_reader_is_kept_and_said_and_stops_no_other(
    shell: Shell, three: Path, monkeypatch: pytest.MonkeyPatch, reader: str
) -> None:
    real = getattr(receive, reader)

    def breaking(first: Any, *more: Any) -> Any:
        if reader == "by_tools" or str(getattr(first, "name", "")).endswith(".warc"):
            raise Odd("a secret of the file")
        return real(first, *more)

    monkeypatch.setattr(f"archiver.intake.receive.{reader}", breaking)
    code, results = shell.json("receive", str(three), *GIVEN)
    assert (code, results[0]["outcome"]) == (6, "captured")
    assert [stored(shell, results[0], f"file {n}") for n in (1, 3)] == [b"first", b"last"]
    assert stored(shell, results[0], "file 2") == (three / "m.warc").read_bytes()
    [said] = [check for check in arrival(results) if check["arrival_check"] == "file 2"]
    assert "it broke a reader of this program (Odd), and is kept as it is" in json.dumps(said["findings"])
    assert "a secret of the file" not in json.dumps(results)
    assert shell("check")[0] == 0
    assert "it broke a reader" in shell("show", results[0]["capture"])[1]


def test_all_files_are_stored_before_one_is_looked_into(
    shell: Shell, three: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("archiver.intake.receive.looked_at", killed)
    shell("receive", str(three), *GIVEN)
    monkeypatch.undo()
    shell("case", "new", "other")  # seals what is there, as any command that writes
    [capture] = Home(shell.home).catalog.captures()
    result = {"capture": capture["id"], "folder": capture["folder"]}
    assert [stored(shell, result, f"file {n}") for n in (1, 2, 3)] == [
        b"first",
        (three / "m.warc").read_bytes(),
        b"last",
    ]


def test_a_file_that_was_not_kept_as_a_copy_is_looked_into_all_the_same(
    shell: Shell, three: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ends() -> dict[str, Any]:
        _, results = shell.json("receive", str(three), *GIVEN)
        return {key: {**end, "record": "", "salt": ""} for key, end in ended(shell, results[0]).items()}

    plenty = ends()
    monkeypatch.setattr("archiver.intake.receive.COPIES", 0)
    assert ends() == plenty
    assert list((shell.home / "scratch").glob("received-*")) == []


def test_endings() -> None:
    endings = [
        safe_suffix(name)
        for name in (b"a.warc.gz", b"a.ARC.LZ4", b"A.MP4", b"x", b"a.b/../c", b"x.\xd0\xb6", b"y.tar.zst")
    ]
    assert endings == [".warc.gz", ".arc.lz4", ".mp4", "", "", "", ".zst"]
