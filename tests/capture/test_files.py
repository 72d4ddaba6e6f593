"""Fetching files: ranges, breaks, redirects, changed files, resumption in a later capture. The bytes are kept once."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from archiver.cli.main import main
from archiver.demo.server import Answer, Asked, Platforms
from archiver.export.assemble import listed, write
from archiver.home.home import Home
from archiver.home.people import fingerprint
from storage.digest import sha256_hex
from storage.lines import read_lines
from tests.support import media_files
from tests.support.packages import both

LENGTH = 300_000


def body(seed: int) -> bytes:
    """A film of `LENGTH` bytes."""
    return media_files.film(filling=random.Random(seed).randbytes(LENGTH - len(media_files.film())))


BODY = body(3)
TAG = '"v1"'
MOVED = "/%D1%84%D0%B8%D0%BB%D1%8C%D0%BC%201.mp4"


class Film:
    """A page with a film; `behave` may answer instead of the file."""

    def __init__(self) -> None:
        self.behave: Callable[[Asked, int], Answer | None] = lambda asked, turn: None
        self.turn = 0
        self.tag: str | None = TAG
        self.ranges = True
        self.asked: list[str] = []

    def __call__(self, asked: Asked) -> Answer:
        if asked.path == "/":
            return Answer(body=b"<html><body><p>film</p><video src='/film.mp4'></video></body></html>")
        if asked.path not in ("/film.mp4", MOVED):
            return Answer(404, "text/plain", b"no")
        self.turn += 1
        self.asked.append(asked.headers.get("range", "whole"))
        return self.behave(asked, self.turn) or self.file(asked)

    def file(self, asked: Asked, cut: int | None = None, body: bytes = BODY) -> Answer:
        """The file or the range asked for; broken off after `cut` bytes of body."""
        headers = [("ETag", self.tag)] if self.tag else []
        wanted = asked.headers.get("range", "")
        if self.ranges and wanted.startswith("bytes=") and asked.headers.get("if-range", self.tag) == self.tag:
            first, _, last = wanted[6:].partition("-")
            start, end = int(first), min(int(last or len(body)), len(body) - 1)
            headers.append(("Content-Range", f"bytes {start}-{end}/{len(body)}"))
            status, part = 206, body[start : end + 1]
        else:
            status, part = 200, body
        if cut is None:
            return Answer(status, "video/mp4", part, headers)
        head = f"HTTP/1.1 {status} X\r\nContent-Type: video/mp4\r\nContent-Length: {len(part)}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers)
        return Answer(raw=head.encode() + b"\r\n" + part[:cut])


@pytest.fixture
def film() -> Film:
    return Film()


@pytest.fixture
def served(tmp_path: Path, film: Film) -> Iterator[Platforms]:
    made = Platforms(tmp_path / "certificates", {"film.example": film})
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archiver.capture.fetcher.PAUSES", (0.0, 0.0, 0.0))
    monkeypatch.setattr("archiver.capture.fetcher.Fetcher.__init__.__defaults__", ((0.0, 0.0, 0.0),))


def capture(home: Home, served: Platforms) -> tuple[int, dict[str, Any], Path]:
    """Captures the page: exit code, the film's end in the inventory, the capture's folder."""
    code = main(["capture", "https://film.example/", "--home", str(home.path)], served.network, {})
    folder = home.path / home.catalog.captures()[-1]["folder"]
    ended = {line["key"]: line for line in read_lines(folder / "inventory.jsonl") if "outcome" in line}
    [key] = [name for name in ended if name.endswith(" #0")]
    assert main(["check", "--home", str(home.path), "--quiet"], None, {}) == 0
    return code, ended[key], folder


def test_a_whole_file_is_one_record(home: Home, served: Platforms, film: Film) -> None:
    code, end, folder = capture(home, served)
    assert (code, end["outcome"]) == (0, "captured")
    assert film.asked == ["whole"]
    assert listed(folder).assemblies == {}
    record = next(line for line in read_lines(folder / "records.jsonl") if line["id"] == end["record"])
    assert record["payload_digest"] == f"sha256:{sha256_hex(BODY)}"


def test_a_broken_connection_is_gone_on_with(home: Home, served: Platforms, film: Film, tmp_path: Path) -> None:
    film.behave = lambda asked, turn: film.file(asked, cut=70_000) if turn < 4 else None
    code, end, folder = capture(home, served)
    assert (code, end["outcome"]) == (0, "captured")
    assert film.asked == ["whole", "bytes=70000-", "bytes=140000-", "bytes=210000-"]
    [assembly] = listed(folder).assemblies.values()
    assert (assembly.sha256, assembly.size, len(assembly.pieces)) == (sha256_hex(BODY), len(BODY), 4)
    assert write(assembly, listed(folder).places, tmp_path / "film.mp4")
    named = [line["assembly"] for line in read_lines(folder / "inventory.jsonl") if line.get("assembly")]
    assert named == [assembly.sha256], "else packages and tables would hold its first piece for the file"
    assert (tmp_path / "film.mp4").read_bytes() == BODY


def test_a_server_that_brings_nothing_more_ends_it(home: Home, served: Platforms, film: Film) -> None:
    film.behave = lambda asked, turn: film.file(asked, cut=70_000 if turn == 1 else 0)
    code, end, folder = capture(home, served)
    assert (code, end["outcome"]) == (2, "partial")
    assert "70000 of 300000 bytes kept" in end["reason"]
    assert len(film.asked) == 5, "asked four times for the rest"
    [assembly] = listed(folder).assemblies.values() or [None]
    assert assembly is None or assembly.about["outcome"] == "partial"


def test_a_file_that_changes_meanwhile_is_begun_anew(home: Home, served: Platforms, film: Film) -> None:
    other = body(4)

    def change(asked: Asked, turn: int) -> Answer:
        if turn == 1:
            return film.file(asked, cut=70_000)
        film.tag = '"v2"'
        return film.file(asked, body=other)

    film.behave = change
    code, end, folder = capture(home, served)
    assert (code, end["outcome"]) == (0, "captured")
    record = next(line for line in read_lines(folder / "records.jsonl") if line["id"] == end["record"])
    assert record["payload_digest"] == f"sha256:{sha256_hex(other)}", "never half of one and half of the other"


def test_a_server_without_ranges_is_not_asked_for_ever(home: Home, served: Platforms, film: Film) -> None:
    film.ranges = False
    film.behave = lambda asked, turn: film.file(asked, cut=70_000)
    code, end, _ = capture(home, served)
    assert (code, end["outcome"]) == (2, "partial")
    assert len(film.asked) == 2


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("bytes 5-300004/300009", "from byte 5 where 70000"),
        ("bytes 70000-299999/400000", "changed from 300000 to 400000"),
        ("chunks 1-2/3", "without saying which part"),
    ],
)
def test_a_wrong_range_is_never_put_together(home: Home, served: Platforms, film: Film, field: str, said: str) -> None:
    def lie(asked: Asked, turn: int) -> Answer:
        if turn == 1:
            return film.file(asked, cut=70_000)
        return Answer(206, "video/mp4", BODY[70_000:], [("Content-Range", field), ("ETag", TAG)])

    film.behave = lie
    code, end, _ = capture(home, served)
    assert (code, end["outcome"]) == (2, "partial")
    assert said in end["reason"]


def test_redirects_are_followed_and_ranges_asked_where_they_led(home: Home, served: Platforms, film: Film) -> None:
    def move(asked: Asked, turn: int) -> Answer | None:
        if "there" not in asked.query:
            return Answer(302, "text/plain", b"", [("Location", "/film.mp4?there=1")])
        return film.file(asked, cut=200_000) if turn == 2 else None

    film.behave = move
    code, end, _ = capture(home, served)
    assert (code, end["outcome"]) == (0, "captured")
    assert film.asked == ["whole", "whole", "bytes=200000-"], "the rest is asked for where the file was found"


def test_a_redirect_beyond_ascii_is_read_as_browsers_do(home: Home, served: Platforms, film: Film) -> None:
    """`Location` as UTF-8, as most servers write it; with a blank in it."""

    def move(asked: Asked, turn: int) -> Answer | None:
        if asked.path == "/film.mp4":
            return Answer(302, "text/plain", b"", [("Location", "/фильм 1.mp4")])
        assert asked.path == MOVED
        return None

    film.behave = move
    code, end, _ = capture(home, served)
    assert (code, end["outcome"]) == (0, "captured")


def test_a_redirect_to_no_link_is_said(home: Home, served: Platforms, film: Film) -> None:
    film.behave = lambda asked, turn: Answer(302, "text/plain", b"", [("Location", "http://[x")])
    code, end, _ = capture(home, served)
    assert (code, end["outcome"]) == (2, "skipped")
    assert end["reason"].startswith("a link that cannot be asked for")
    assert end["reason"].endswith("a redirect led to 'http://[x')")


def test_a_later_capture_goes_on_where_a_broken_one_stood(
    home: Home, served: Platforms, film: Film, tmp_path: Path
) -> None:
    """As after `kill -9`: the first capture holds the beginning, the second asks only for the rest."""
    film.behave = lambda asked, turn: film.file(asked, cut=120_000 if turn == 1 else 0)
    code, end, first = capture(home, served)
    assert (code, end["outcome"]) == (2, "partial")
    film.behave, film.asked = (lambda asked, turn: None), []
    code, end, second = capture(home, served)
    assert (code, end["outcome"]) == (0, "captured")
    assert end["reason"] == "resumed: 120000 bytes lay in an earlier capture"
    assert film.asked == ["bytes=120000-"]
    [assembly] = listed(second).assemblies.values()
    assert [piece.capture for piece in assembly.pieces] == [first.name, None]
    places = {**listed(first).places, **listed(second).places}
    assert write(assembly, places, tmp_path / "film.mp4")
    assert (tmp_path / "film.mp4").read_bytes() == BODY
    # A package of the second brings the first, which holds the beginning: else nobody could put the file together.
    words = ["--profile", "full", "--no-encrypt", "--yes", "--to", str(tmp_path), "--name", "p", "--only", second.name]
    assert main(["export", "inbox", "--home", str(home.path), *words], None, {}) == 0
    assert {path.name for path in (tmp_path / "p" / "data" / "captures").iterdir()} == {first.name, second.name}
    assert BODY in [path.read_bytes() for path in (tmp_path / "p" / "data" / "media").iterdir()], "whole"
    code, said = both(tmp_path / "p", fingerprint(home.ledger_key_text()))
    assert code == 0, said
    # What is whole is not resumed: a third capture is an observation of its own.
    film.asked = []
    capture(home, served)
    assert film.asked == ["whole"]


def test_without_a_validator_nothing_is_resumed(home: Home, served: Platforms, film: Film) -> None:
    film.tag = None
    film.behave = lambda asked, turn: film.file(asked, cut=120_000 if turn == 1 else 0)
    capture(home, served)
    film.behave, film.asked = (lambda asked, turn: None), []
    code, end, _ = capture(home, served)
    assert (code, end["outcome"]) == (0, "captured")
    assert film.asked == ["whole"]


def test_another_version_is_not_resumed(home: Home, served: Platforms, film: Film) -> None:
    film.behave = lambda asked, turn: film.file(asked, cut=120_000 if turn == 1 else 0)
    capture(home, served)
    other = body(5)
    film.tag, film.asked = '"v2"', []
    film.behave = lambda asked, turn: film.file(asked, body=other)
    code, end, folder = capture(home, served)
    assert (code, end["outcome"]) == (0, "captured")
    assert film.asked == ["bytes=120000-"], "asked with If-Range; the server gave the whole new file"
    record = next(line for line in read_lines(folder / "records.jsonl") if line["id"] == end["record"])
    assert record["payload_digest"] == f"sha256:{sha256_hex(other)}"


def test_no_room_on_the_disk_keeps_page_and_post(home: Home, served: Platforms) -> None:
    path = home.path / "archiver.toml"
    path.write_text(path.read_text().replace("reserve_bytes = 268435456", f"reserve_bytes = {1 << 60}"))
    code, end, folder = capture(home, served)
    assert code == 2
    assert end["outcome"] == "failed"
    assert "no room on the disk" in end["reason"]
    assert any(line["type"] == "response" and line["status"] == 200 for line in read_lines(folder / "records.jsonl"))
