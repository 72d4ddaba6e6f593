"""10,000 planted secrets and identities: none in `public`, none of the collector's side in `partner`.

The search here is not the program's own: everything in a package is unpacked by other code, and each value is looked for.
"""

from __future__ import annotations

import base64
import functools
import gzip
import io
import re
import secrets
import socket
import subprocess
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import hyperscan
import pytest

from archiver.cli.main import main
from archiver.demo.media import video
from archiver.demo.server import Answer, Asked, Platforms
from archiver.home.home import Home
from tests.conftest import plain_home
from tests.support.packages import PackagedCase, both, by_script, copy_of, digest, sign_package, write_manifests
from tests.support.signing import ledger_signer
from tests.support.tampering.scene import Scene
from tests.support.tampering.tables import rewritten

PAGES = 10
EACH = 1000
KINDS = ("cookie", "header", "hidden", "address", "source", "script")


class Leaky:
    """Pages in which 1,000 values each are planted: in cookies, headers, forms, scripts, words; and photos with a place."""

    def __init__(self, folder: Path) -> None:
        self.planted: dict[str, set[bytes]] = {kind: set() for kind in (*KINDS, "gps")}
        self.photo = self._photo_with_place(folder)
        self.film = self._film_with_place(folder)
        self.pages = {f"/{number}": self._page(number) for number in range(PAGES)}
        self.served = Platforms(folder / "served", {"leaky.example": self.site, "leaky2.example": self.site})

    def _photo_with_place(self, folder: Path) -> bytes:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "photo.jpg"
        subprocess.run(
            ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=s=320x240", "-frames:v", "1", path], check=True
        )
        self.planted["gps"] |= {b"43.3412", b"CAMERA-SERIAL-7788", b"Owner Of The Phone"}
        subprocess.run(
            ["exiftool", "-q", "-overwrite_original", "-GPSLatitude=43.3412", "-GPSLatitudeRef=N", "-GPSLongitude=52.8619",
             "-GPSLongitudeRef=E", "-SerialNumber=CAMERA-SERIAL-7788", "-OwnerName=Owner Of The Phone",
             "-Comment=43.3412 CAMERA-SERIAL-7788 Owner Of The Phone", path], check=True,
        )  # fmt: skip
        return path.read_bytes()

    def _film_with_place(self, folder: Path) -> bytes:
        path = folder / "film.mp4"
        path.write_bytes(video(folder, 1, 300)[0])
        words = ["-GPSCoordinates=43.3412, 52.8619, 0", "-Title=CAMERA-SERIAL-7788", "-Artist=Owner Of The Phone"]
        subprocess.run(["exiftool", "-q", "-overwrite_original", *words, path], check=True)
        return path.read_bytes()

    def _new(self, kind: str, number: int) -> str:
        value = f"{kind[0]}{secrets.token_hex(9)}"
        if kind == "address":
            value = f"2001:db8:{secrets.token_hex(2)}:{secrets.token_hex(2)}::{number + 1:x}"
        if kind == "source":
            value = f"witness_{secrets.token_hex(6)}"
        self.planted[kind].add(value.encode())
        return value

    def _page(self, number: int) -> Answer:
        share = {"cookie": 60, "header": 60, "hidden": 260, "address": 200, "source": 160, "script": 260}
        made = {kind: [self._new(kind, n) for n in range(count)] for kind, count in share.items()}
        headers = [("Set-Cookie", f"c{n}={value}; Path=/") for n, value in enumerate(made["cookie"])]
        headers += [(f"X-Session-{n}", value) for n, value in enumerate(made["header"])]
        forms = "".join(f"<input type=hidden name=csrf value={value}>" for value in made["hidden"])
        script = "".join(f"var t='{value}';" for value in made["script"])
        words = "".join(
            f"<p>A long enough paragraph of the article, which greets a visitor from {value} and goes on to say that people "
            "stood in the square in the morning.</p>"
            for value in made["address"]
        )
        comments = "".join(
            f'<li class="comment" id="comment-{number}{n}"><cite class="fn">{name}</cite><p>I was there.</p></li>'
            for n, name in enumerate(made["source"])
        )
        body = (
            f"<html><head><title>Page {number}</title><script>{script}</script></head><body><article><h1>The square</h1>{words}"
            f"<img src='/photo.jpg'><video src='/film.mp4'></video></article><form>{forms}</form>"
            f"<ol class='commentlist'>{comments}</ol></body></html>"
        )
        return Answer(body=body.encode(), headers=headers)

    def site(self, asked: Asked) -> Answer:
        if asked.path == "/photo.jpg":
            return Answer(content_type="image/jpeg", body=self.photo)
        if asked.path == "/film.mp4":
            return Answer(content_type="video/mp4", body=self.film)
        return self.pages.get(asked.path, Answer(status=404))


@pytest.fixture(scope="module")
def leaky(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Leaky]:
    made = Leaky(tmp_path_factory.mktemp("leaky"))
    yield made
    made.served.stop()


@pytest.fixture(scope="module")
def packages(leaky: Leaky, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("leaks")
    home = plain_home(folder / "home")
    links = [f"https://leaky.example/{number}" for number in range(PAGES)]

    def run(*words: str, environment: dict[str, str] | None = None) -> int:
        return main(["--home", str(home.path), *words], leaky.served.network, environment or {})

    run("keys", "new", "R-2", "--role", "reviewer")
    run("capture", *links, environment={"ARCHIVER_SECRETS": "configured-secret-value-1\nconfigured-secret-value-2"})
    film = folder / "handed-over-film.mp4"
    film.write_bytes(leaky.film)
    run("receive", str(film), "--from", "S-777", "--via", "usb")
    for row in Home(home.path).catalog.captures("inbox"):
        run("--as", "R-2", "review", row["id"], "publish", "words and pictures were looked at")
    made = {}
    for profile in ("partner", "public"):
        assert run("export", "inbox", "--to", str(folder), "--profile", profile, "--yes", "--name", profile) == 0
        made[profile] = folder / profile
    made["home"] = home.path
    return made


def everything(package: Path) -> bytes:
    """All bytes of a package and everything that is packed in them, base64 undone, and its names."""
    out = io.BytesIO()

    def take(data: bytes, depth: int = 0) -> None:
        out.write(data + b"\n")
        if depth > 3:
            return
        if data.startswith(b"\x1f\x8b"):
            take(gzip.decompress(data), depth + 1)
        if data.startswith(b"PK\x03\x04"):
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                for name in archive.namelist():
                    take(archive.read(name), depth + 1)
        for match in re.finditer(rb"stream\r?\n", data) if data.startswith(b"%PDF") else ():
            try:
                take(zlib.decompressobj().decompress(data[match.end() :]), depth + 1)
            except zlib.error:
                continue
        for match in re.finditer(rb"[A-Za-z0-9+/]{40,}={0,2}", data):
            text = match[0]
            for start in range(4):
                part = text[start:]
                out.write(base64.b64decode(part[: len(part) // 4 * 4] + b"") + b"\n")

    for path in sorted(package.rglob("*")):
        out.write(path.relative_to(package).as_posix().encode() + b"\n")
        if path.is_file():
            take(path.read_bytes())
    return out.getvalue()


def found_in(data: bytes, values: set[bytes]) -> list[bytes]:
    """Return the values that stand in `data`, as they are or in hex. One pass for all: there are ten thousand."""
    ordered = sorted(values)
    found: set[bytes] = set()

    def told(number: int, *_: object) -> None:
        found.add(ordered[number // 2])

    search_for(tuple(ordered)).scan(data, match_event_handler=told)
    assert all(value in data or value.hex().encode() in data for value in found)
    return sorted(found)


@functools.cache
def search_for(ordered: tuple[bytes, ...]) -> hyperscan.Database:
    """A search for values, two numbers each: as it is, in hex. Each kind is looked for in several places."""
    forms = [form for value in ordered for form in (value, value.hex().encode())]
    search = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    search.compile(
        expressions=[b"".join(b"\\x%02x" % byte for byte in form) for form in forms],
        ids=list(range(len(forms))),
        elements=len(forms),
        flags=[hyperscan.HS_FLAG_SINGLEMATCH] * len(forms),
    )
    return search


def test_ten_thousand_were_planted_and_recorded(leaky: Leaky, packages: dict[str, Path]) -> None:
    assert sum(len(values) for values in leaky.planted.values()) >= PAGES * EACH
    raw = b"".join(gzip.decompress(path.read_bytes()) for path in packages["home"].rglob("*.warc.gz"))
    for kind in ("header", "hidden", "address", "source", "script"):  # else nothing is shown by their absence below
        assert len(found_in(raw, leaky.planted[kind])) == len(leaky.planted[kind]), kind
    posts = b"".join(path.read_bytes() for path in packages["home"].rglob("posts.jsonl"))
    assert len(found_in(posts, leaky.planted["address"])) > 1000
    assert len(found_in(posts, leaky.planted["source"])) > 1000


def test_none_of_it_is_public(leaky: Leaky, packages: dict[str, Path]) -> None:
    data = everything(packages["public"])
    for kind, values in leaky.planted.items():
        assert found_in(data, values) == [], kind
    more = {b"configured-secret-value-1", b"S-777", b"handed-over-film.mp4", str(packages["home"]).encode(), b"tester"}
    if len(socket.gethostname()) >= 6:
        more.add(socket.gethostname().encode())
    assert found_in(data, more) == []
    media = list((packages["public"] / "data" / "media").glob("*"))
    assert [path.suffix for path in media] == [".mp4"]  # it was approved, and made anew
    assert b"CAMERA-SERIAL-7788" in leaky.film


def test_nothing_of_the_collector_s_side_reaches_a_partner(leaky: Leaky, packages: dict[str, Path]) -> None:
    data = everything(packages["partner"])
    for kind in ("cookie", "header", "hidden", "address", "script"):
        assert found_in(data, leaky.planted[kind]) == [], kind
    assert found_in(data, {b"configured-secret-value-1", b"handed-over-film.mp4", str(packages["home"]).encode()}) == []
    assert found_in(data, leaky.planted["source"])  # a partner sees who posted


def test_both_are_intact(packages: dict[str, Path]) -> None:
    for profile in ("partner", "public"):
        assert by_script(packages[profile])[0] == 6  # nothing but the signer unconfirmed


def test_a_public_package_whose_media_still_tell_is_refused(
    leaky: Leaky, packages: dict[str, Path], tmp_path: Path
) -> None:
    """An insider puts the film as it was received in the place of the copy, and signs anew."""
    package = copy_of(packages["public"], tmp_path)
    film = next((package / "data" / "media").glob("*.mp4"))
    scene = Scene(package, cast(PackagedCase, None), tmp_path)
    for data, expected, words in (
        (leaky.film, 5, "carries more than sound and picture"),
        (leaky.photo, 6, "no PNG and no MP4"),
    ):
        old = digest(film)
        film.write_bytes(data)

        def change(lines: list[Any], old: str = old) -> None:
            for line in lines:
                if line["sha256"] == old:
                    line.update(sha256=digest(film), bytes=film.stat().st_size)

        rewritten(scene, "files", change)
        write_manifests(package)
        home = Home(packages["home"])
        sign_package(package, ledger_signer(home))
        code, said = both(package, None)
        assert code == expected, said
        assert said.count(words) == 2
