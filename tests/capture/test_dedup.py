"""The same bytes once: what a sealed capture of the case holds is referred to, and a package always brings it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from archiver.demo.server import Answer
from archiver.home.home import Home
from archiver.home.people import fingerprint
from storage.lines import read_lines
from storage.salvage import line_from_header
from storage.sink import REVISIT_AT
from storage.warc import complete_members
from tests.conftest import Shell, World, plain_home
from tests.support import media_files
from tests.support.captures import OnHome
from tests.support.commands import Commands

ALBUM = "https://t.me/ozen_today/16"
VIDEO = "/file/album-18.mp4"
LARGE = media_files.film(filling=bytes(range(256)) * 8000)
"""Above what is kept in memory, so that it goes to a file of its own."""


IN_MEMORY, IN_A_FILE = media_files.film(filling=LARGE[:100_000]), LARGE
both_sizes = pytest.mark.parametrize("film", [IN_MEMORY, IN_A_FILE], ids=["in memory", "in a file of its own"])
"""For what a capture decides while it writes. What others make of the records is shown by one size: they look the same."""


Results = tuple[dict[str, Any], dict[str, Any]]


class Twice(Commands):
    """A home in which the album was captured twice, and how that ended."""

    def __init__(self, home: Path, world: World, film: bytes) -> None:
        super().__init__(home, world.network)
        serve(world, film)
        self.first, self.second = capture(self), capture(self)


def serve(world: World, film: bytes) -> None:
    world.telegram.trouble[VIDEO] = Answer(content_type="video/mp4", body=film)


@pytest.fixture(scope="module")
def made_twice(tmp_path_factory: pytest.TempPathFactory, world: World) -> Callable[[bytes], Twice]:
    """Made once for each size; tests only read it."""
    return cache(lambda film: Twice(plain_home(tmp_path_factory.mktemp("twice") / "home").path, world, film))


@pytest.fixture
def twice(made_twice: Callable[[bytes], Twice], shell: Shell, world: World) -> Results:
    """How the two captures ended; the shell's home is a copy of theirs."""
    made = made_twice(IN_MEMORY)
    shutil.rmtree(shell.home)
    shutil.copytree(made.home, shell.home)
    serve(world, IN_MEMORY)
    return made.first, made.second


def records(shell: OnHome, result: dict[str, Any]) -> list[dict[str, Any]]:
    return list(read_lines(shell.home / str(result["folder"]) / "records.jsonl"))


def capture(shell: Shell | Commands, *words: str) -> dict[str, Any]:
    code, [result] = shell.json("capture", ALBUM, *words)
    assert (code, result["outcome"]) == (0, "captured")
    return result


def revisits(shell: OnHome, result: dict[str, Any]) -> list[dict[str, Any]]:
    return [line for line in records(shell, result) if line["type"] == "revisit"]


@both_sizes
def test_the_same_video_is_kept_once(made_twice: Callable[[bytes], Twice], film: bytes) -> None:
    shell = made_twice(film)
    first, second = shell.first, shell.second
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
    out = shell("check", str(second["capture"]), "--verbose")[1]
    assert "payloads lie in earlier captures" in out


def test_a_revisit_refers_to_the_bytes_and_never_to_a_reference(shell: Shell, twice: Results) -> None:
    first, _ = twice
    third = capture(shell)
    assert {one["refers"]["capture"] for one in revisits(shell, third)} == {first["capture"]}


def test_a_revisit_that_was_written_and_not_listed_is_listed_with_where_its_bytes_lie(
    made_twice: Callable[[bytes], Twice],
) -> None:
    """As a kill between the two leaves it: found by `tests/campaigns/test_kill.py`."""
    shell = made_twice(IN_MEMORY)
    second = shell.second
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


@both_sizes
def test_a_revisit_is_one_by_the_standard(made_twice: Callable[[bytes], Twice], film: bytes) -> None:
    """WARC 1.1, 6.7.2: profile, payload digest, what it refers to; its block is the head alone."""
    from warcio.archiveiterator import ArchiveIterator

    shell = made_twice(film)
    second = shell.second
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


def test_only_within_a_case(shell: Shell, twice: Results) -> None:
    assert shell("case", "new", "almaty")[0] == 0
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


@both_sizes
@pytest.mark.parametrize("what", [damage, remove, hide])
def test_good_bytes_are_never_given_up_for_bad_ones(shell: Shell, world: World, film: bytes, what: Any) -> None:
    serve(world, film)
    first = capture(shell)
    what(shell, first)
    second = capture(shell)
    assert not [one for one in revisits(shell, second) if str(one["uri"]).endswith(VIDEO)]
    shutil.rmtree(shell.home / str(first["folder"]))  # what was damaged is no longer for others to read


@both_sizes
def test_other_bytes_under_the_same_link_are_kept(shell: Shell, world: World, film: bytes) -> None:
    serve(world, film)
    capture(shell)
    serve(world, film[:-1] + b"\xff")
    second = capture(shell)
    assert not [one for one in revisits(shell, second) if str(one["uri"]).endswith(VIDEO)]


@both_sizes
def test_a_body_that_is_cut_is_kept_as_it_came(shell: Shell, world: World, film: bytes) -> None:
    serve(world, film)
    capture(shell)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: %d\r\n\r\n" % (len(film) + 5)
    world.telegram.trouble[VIDEO] = Answer(raw=head + film)
    _, [second] = shell.json("capture", ALBUM)
    assert not [one for one in revisits(shell, second) if str(one["uri"]).endswith(VIDEO)]


@pytest.mark.parametrize("profile", ["full", "partner"])
def test_a_package_brings_the_originals(made_twice: Callable[[bytes], Twice], tmp_path: Path, profile: str) -> None:
    shell = made_twice(IN_MEMORY)
    plain = ["--no-encrypt"] if profile == "full" else []
    words = ["export", "inbox", "--to", str(tmp_path), "--profile", profile, "--yes", *plain]
    assert shell(*words, "--only", str(shell.second["capture"]))[0] == 0
    (package,) = tmp_path.glob("inbox-*")
    media = [path.read_bytes() for path in package.glob("data/media/*")]
    if profile == "partner":
        assert IN_MEMORY in media
    text = (package / "data" / "package.json").read_text() if (package / "data" / "package.json").exists() else ""
    said = fingerprint(Home(shell.home).ledger_key_text())
    own = [sys.executable, str(package / "check.py"), str(package), "--fingerprint", said]
    done = subprocess.run(own, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 6), done.stdout
    assert shell("check", str(package), "--fingerprint", said)[0] in (0, 6)
    assert "TAMPERED" not in done.stdout + text


def test_what_others_refer_to_is_not_disposed_of(shell: Shell, twice: Results) -> None:
    first, second = twice
    code, _, err = shell("dispose", str(first["capture"]), "--basis", "x")
    assert code == 1
    assert str(second["capture"]) in err


def test_what_refers_to_something_quarantined_is_not_copied_either(
    shell: Shell, twice: Results, tmp_path: Path
) -> None:
    from tests.support.places import add_place

    first, second = twice
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


def test_what_is_referred_to_goes_along_into_another_case(shell: Shell, twice: Results) -> None:
    first, second = twice
    assert shell("case", "new", "almaty")[0] == 0
    code, out, _ = shell("case", "add", "almaty", str(second["capture"]))
    assert code == 0
    assert f"{first['capture']} is added too" in out
    assert {row["id"] for row in Home(shell.home).catalog.captures("almaty")} == {first["capture"], second["capture"]}


def test_a_reference_without_its_original_is_found(shell: Shell, twice: Results) -> None:
    first, second = twice
    damage(shell, first)
    code, out, _ = shell("check", str(second["capture"]))
    assert code == 5
    assert "has changed" in out
    shutil.rmtree(shell.home / str(first["folder"]))
    code, out, _ = shell("check", str(second["capture"]))
    assert code == 6
    assert "cannot be read" in out


def test_the_post_of_a_repeated_capture_has_its_files(made_twice: Callable[[bytes], Twice]) -> None:
    shell = made_twice(IN_MEMORY)
    second = shell.second
    lines = [line for line in read_lines(shell.home / str(second["folder"]) / "inventory.jsonl") if line.get("outcome")]
    known = {line["id"] for line in records(shell, second)}
    assert all(line["record"] in known for line in lines if line.get("record")), (
        "an outcome names a record of its own capture"
    )
    assert json.loads(shell("show", str(second["capture"]), "--json")[1].splitlines()[0])["outcome"] == "captured"
