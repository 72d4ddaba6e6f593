"""The same bytes once: what a sealed capture of the case holds is referred to, and a package always brings it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from archiver.demo.server import Answer
from archiver.home.home import Home
from storage.lines import read_lines
from storage.salvage import line_from_header
from storage.sink import REVISIT_AT
from storage.warc import complete_members
from tests.conftest import Shell, World

ALBUM = "https://t.me/ozen_today/16"
VIDEO = "/file/album-18.mp4"
LARGE = bytes(range(256)) * 8000
"""Above what is kept in memory, so that it goes to a file of its own."""


@pytest.fixture(params=[100_000, len(LARGE)], ids=["in memory", "in a file of its own"])
def film(request: pytest.FixtureRequest, shell: Shell, world: World) -> bytes:
    data = LARGE[: request.param]
    world.telegram.trouble[VIDEO] = Answer(content_type="video/mp4", body=data)
    return data


def records(shell: Shell, result: dict[str, Any]) -> list[dict[str, Any]]:
    return list(read_lines(shell.home / str(result["folder"]) / "records.jsonl"))


def capture(shell: Shell, *words: str) -> dict[str, Any]:
    code, [result] = shell.json("capture", ALBUM, *words)
    assert (code, result["outcome"]) == (0, "captured")
    return result


def revisits(shell: Shell, result: dict[str, Any]) -> list[dict[str, Any]]:
    return [line for line in records(shell, result) if line["type"] == "revisit"]


def test_the_same_video_is_kept_once(shell: Shell, film: bytes) -> None:
    first, second = capture(shell), capture(shell)
    assert not revisits(shell, first)
    again = revisits(shell, second)
    (line,) = (one for one in again if str(one["uri"]).endswith(VIDEO))
    (held,) = (one for one in records(shell, first) if str(one["uri"]).endswith(VIDEO) and one["type"] == "response")
    assert line["refers"] == {"capture": first["capture"], "record": held["id"]}
    assert (line["payload_digest"], line["payload_size"]) == (held["payload_digest"], len(film))
    assert all(one["payload_size"] >= REVISIT_AT for one in again)
    size = sum(path.stat().st_size for path in (shell.home / str(second["folder"])).glob("*.warc.gz"))
    assert size < len(film)
    assert shell("check")[0] == 0
    out = shell("check", str(second["capture"]))[1]
    assert "payloads lie in earlier captures" in out
    third = capture(shell)
    assert {one["refers"]["capture"] for one in revisits(shell, third)} == {first["capture"]}, "never to a reference"


def test_a_revisit_that_was_written_and_not_listed_is_listed_with_where_its_bytes_lie(
    shell: Shell, film: bytes
) -> None:
    """As a kill between the two leaves it: found by `tests/campaigns/test_kill.py`."""
    capture(shell)
    second = capture(shell)
    home = Home(shell.home)
    home.project()
    listed = {line["id"]: line for line in revisits(shell, second)}
    found = {}
    for path in (shell.home / str(second["folder"])).glob("*.warc.gz"):
        for one in complete_members(path):
            line = line_from_header(path.name, one.offset, one.length, one.head, home.catalog.holder)
            if line["type"] == "revisit":
                found[line["id"]] = line
    assert listed
    assert {key: line["refers"] for key, line in found.items()} == {k: line["refers"] for k, line in listed.items()}


def test_a_revisit_is_one_by_the_standard(shell: Shell, film: bytes) -> None:
    """WARC 1.1, 6.7.2: profile, payload digest, what it refers to; its block is the head alone."""
    from warcio.archiveiterator import ArchiveIterator

    capture(shell)
    second = capture(shell)
    found = []
    for path in (shell.home / str(second["folder"])).glob("*.warc.gz"):
        with open(path, "rb") as stream:
            for record in ArchiveIterator(stream, check_digests="raise"):
                if record.rec_type == "revisit":
                    assert record.raw_stream.read() == b""
                    found.append(record.rec_headers)
    assert found
    for headers in found:
        assert headers["WARC-Profile"] == "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
        assert headers["WARC-Truncated"] == "length"
        for name in ("WARC-Payload-Digest", "WARC-Refers-To", "WARC-Refers-To-Target-URI", "WARC-Refers-To-Date"):
            assert headers[name]


def test_only_within_a_case(shell: Shell, film: bytes) -> None:
    assert shell("case", "new", "almaty")[0] == 0
    capture(shell)
    other = capture(shell, "--case", "almaty")
    assert not revisits(shell, other), "a case stands by itself"
    both = capture(shell, "--case", "almaty", "--case", "inbox")
    assert not revisits(shell, both), "what it would refer to is in one of the two only"


def damage(shell: Shell, first: dict[str, Any]) -> None:
    line = next(one for one in records(shell, first) if str(one["uri"]).endswith(VIDEO) and one["type"] == "response")
    path = shell.home / str(first["folder"]) / line["file"]
    data = bytearray(path.read_bytes())
    data[line["offset"] + line["length"] - 40] ^= 1
    path.write_bytes(data)


def remove(shell: Shell, first: dict[str, Any]) -> None:
    for path in (shell.home / str(first["folder"])).glob("*.warc.gz"):
        path.rename(path.with_name(f"{path.name}.away"))


def hide(shell: Shell, first: dict[str, Any]) -> None:
    assert shell("quarantine", str(first["capture"]), "unlawful")[0] == 0


@pytest.mark.parametrize("what", [damage, remove, hide])
def test_good_bytes_are_never_given_up_for_bad_ones(shell: Shell, film: bytes, what: Any) -> None:
    first = capture(shell)
    what(shell, first)
    second = capture(shell)
    assert not [one for one in revisits(shell, second) if str(one["uri"]).endswith(VIDEO)]
    shutil.rmtree(shell.home / str(first["folder"]))  # what was damaged is no longer for others to read


def test_other_bytes_under_the_same_link_are_kept(shell: Shell, world: World, film: bytes) -> None:
    capture(shell)
    world.telegram.trouble[VIDEO] = Answer(content_type="video/mp4", body=film[::-1])
    second = capture(shell)
    assert not [one for one in revisits(shell, second) if str(one["uri"]).endswith(VIDEO)]


def test_a_body_that_is_cut_is_kept_as_it_came(shell: Shell, world: World, film: bytes) -> None:
    capture(shell)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: %d\r\n\r\n" % (len(film) + 5)
    world.telegram.trouble[VIDEO] = Answer(raw=head + film)
    _, [second] = shell.json("capture", ALBUM)
    assert not [one for one in revisits(shell, second) if str(one["uri"]).endswith(VIDEO)]


@pytest.mark.parametrize("profile", ["full", "partner"])
def test_a_package_brings_the_originals(shell: Shell, film: bytes, tmp_path: Path, profile: str) -> None:
    first, second = capture(shell), capture(shell)
    plain = ["--no-encrypt"] if profile == "full" else []
    words = [
        "export",
        "inbox",
        "--to",
        str(tmp_path),
        "--profile",
        profile,
        "--yes",
        *plain,
        "--only",
        str(second["capture"]),
    ]
    assert shell(*words)[0] == 0
    (package,) = tmp_path.glob("inbox-*")
    media = [path.read_bytes() for path in package.glob("data/media/*")]
    if profile == "partner":
        assert film in media
    text = (package / "data" / "package.json").read_text() if (package / "data" / "package.json").exists() else ""
    from archiver.home.people import fingerprint

    said = fingerprint(Home(shell.home).ledger_key_text())
    done = subprocess.run(
        [sys.executable, str(package / "check.py"), str(package), "--fingerprint", said],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 6), done.stdout
    assert shell("check", str(package), "--fingerprint", said)[0] in (0, 6)
    assert "TAMPERED" not in done.stdout + text
    assert first["capture"]


def test_what_others_refer_to_is_not_disposed_of(shell: Shell, film: bytes) -> None:
    first, second = capture(shell), capture(shell)
    code, _, err = shell("dispose", str(first["capture"]), "--basis", "x")
    assert code == 1
    assert str(second["capture"]) in err


def test_what_refers_to_something_quarantined_is_not_copied_either(shell: Shell, film: bytes, tmp_path: Path) -> None:
    from tests.support.places import add_place

    first, second = capture(shell), capture(shell)
    hide(shell, first)
    (tmp_path / "disk").mkdir()
    add_place(shell.home, "archive", str(tmp_path / "disk"), own=True)
    assert shell.json("sync")[1][-1]["quarantined"] == 2
    code, _, err = shell(
        "export",
        "inbox",
        "--to",
        str(tmp_path),
        "--profile",
        "full",
        "--no-encrypt",
        "--yes",
        "--only",
        str(second["capture"]),
    )
    assert code == 1
    assert "quarantined" in err


def test_what_is_referred_to_goes_along_into_another_case(shell: Shell, film: bytes) -> None:
    first, second = capture(shell), capture(shell)
    assert shell("case", "new", "almaty")[0] == 0
    code, out, _ = shell("case", "add", "almaty", str(second["capture"]))
    assert code == 0
    assert f"{first['capture']} is added too" in out
    assert {row["id"] for row in Home(shell.home).catalog.captures("almaty")} == {first["capture"], second["capture"]}


def test_a_reference_without_its_original_is_found(shell: Shell, film: bytes) -> None:
    first, second = capture(shell), capture(shell)
    damage(shell, first)
    code, out, _ = shell("check", str(second["capture"]))
    assert code == 5
    assert "has changed" in out
    shutil.rmtree(shell.home / str(first["folder"]))
    code, out, _ = shell("check", str(second["capture"]))
    assert code == 6
    assert "cannot be read" in out


def test_the_post_of_a_repeated_capture_has_its_files(shell: Shell, film: bytes) -> None:
    capture(shell)
    second = capture(shell)
    lines = [line for line in read_lines(shell.home / str(second["folder"]) / "inventory.jsonl") if line.get("outcome")]
    known = {line["id"] for line in records(shell, second)}
    assert all(line["record"] in known for line in lines if line.get("record")), (
        "an outcome names a record of its own capture"
    )
    assert json.loads(shell("show", str(second["capture"]), "--json")[1].splitlines()[0])["outcome"] == "captured"
