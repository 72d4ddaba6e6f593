"""The search for secrets: in every dress, through every wrapping, and never stumbling over what it reads."""

from __future__ import annotations

import base64
import gzip
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.signer.leaks import Searcher, search
from archiver.signer.secrets import key_values

DRESSES: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda value: b"before " + value + b" after",
    "hex": lambda value: value.hex().encode(),
    "base64": lambda value: base64.b64encode(b"xy" + value + b"z"),
    "base64url": lambda value: base64.urlsafe_b64encode(value + b"??"),
    "utf-16": lambda value: value.decode().encode("utf-16"),
    "gzip": lambda value: gzip.compress(b"a" * 1000 + value),
    "percent": lambda value: quote(value, safe="").encode(),
    "pdf": lambda value: b"%PDF-1.7\n1 0 obj\nstream\n" + zlib.compress(value) + b"\nendstream",
    "entities": lambda value: value.decode().encode("ascii", "xmlcharrefreplace"),
}


@pytest.mark.parametrize("dress", list(DRESSES))
def test_a_secret_is_found_in_every_dress(dress: str, tmp_path: Path) -> None:
    value = "тайна/s3cret+value=".encode()
    (tmp_path / "file.bin").write_bytes(DRESSES[dress](value))
    assert [(leak.name, leak.file) for leak in search(tmp_path, {value: "it"}).leaks] == [("it", "file.bin")]
    assert search(tmp_path, {b"another-secret": "it"}).leaks == ()


def test_a_secret_in_a_zip_in_a_name_and_in_a_png(tmp_path: Path) -> None:
    value = b"s3cret-value-9"
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.gz", gzip.compress(b"x" * 5000 + value))
    (tmp_path / "s3cret-value-9.txt").write_text("nothing")
    chunk = b"k\0\0" + zlib.compress(value)
    png = b"\x89PNG\r\n\x1a\n" + len(chunk).to_bytes(4, "big") + b"zTXt" + chunk + b"\0\0\0\0"
    (tmp_path / "p.png").write_bytes(png)
    assert {leak.file for leak in search(tmp_path, {value: "it"}).leaks} == {"a.zip", "s3cret-value-9.txt", "p.png"}


@given(st.binary(min_size=8, max_size=40), st.binary(max_size=300), st.integers(1, 50))
def test_a_secret_is_found_across_pieces(value: bytes, around: bytes, size: int) -> None:
    data = around + value + around
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    assert Searcher({value: "it"}).chunks(pieces) == {"it"}


@given(st.binary(max_size=2000))
def test_the_search_never_stumbles(data: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for name, start in (
            ("a.gz", b"\x1f\x8b"),
            ("b.zip", b"PK\x03\x04"),
            ("c.pdf", b"%PDF-"),
            ("d.png", b"\x89PNG\r\n\x1a\n"),
        ):
            (Path(folder) / name).write_bytes(start + data)
        search(Path(folder), {b"a secret that is not there": "it"})


def test_a_key_of_random_bytes_is_searched_for_as_a_whole() -> None:
    """A line end among them would leave parts that are too short to be found."""
    random = bytes(range(128, 140)) + b"\nab\n" + bytes(range(140, 156))
    assert key_values(random) == [random]
    assert key_values(b"-----BEGIN PRIVATE KEY-----\nMC4CAQ\n-----END PRIVATE KEY-----\n") == [b"MC4CAQ"]
