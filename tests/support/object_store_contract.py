"""The contract of object stores, as tests.

A test module that imports them brings a fixture `store` to meet it with, and `part`: of how many bytes the parts are that it sends.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from storage.errors import OtherContent
from storage.objects import Content, ObjectStore, keep
from storage.s3 import S3Store

KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
"""What the stores on loopback let in."""


def large(part: int) -> bytes:
    """Return what is sent in three parts, the last of them a short one."""
    return random.Random(1).randbytes(2 * part + 1000)


def test_what_was_put_comes_back(store: ObjectStore, part: int, tmp_path: Path) -> None:
    path, film = tmp_path / "film", large(part)
    path.write_bytes(film)
    for key, source, data in (("a/small", b"seen", b"seen"), ("a/none", b"", b""), ("b/large", path, film)):
        content = Content.of(source)
        stored, how = keep(store, key, content)
        assert (stored.key, stored.size) == (key, len(data))
        # moto states no checksum of what came in parts.
        assert how == (
            "stated" if store.truthful and (len(data) <= part or not isinstance(store, S3Store)) else "read back"
        )
        assert b"".join(store.get(key, version=stored.version)) == data
        assert store.head(key) == stored
    assert [(one.key, one.size) for one in store.list()] == [("a/none", 0), ("a/small", 4), ("b/large", len(film))]
    assert [one.key for one in store.list("a/")] == ["a/none", "a/small"]
    assert [one.key for one in store.list("c")] == []


def test_ranges(store: ObjectStore, part: int) -> None:
    film = large(part)
    store.put("k", Content.of(film))
    for start, length in ((0, 1), (3, 5), (part - 2, 4), (len(film) - 3, 3), (7, 0), (9, None)):
        expected = film[start:] if length is None else film[start : start + length]
        assert b"".join(store.get("k", start, length)) == expected, (start, length)


def test_what_is_not_there(store: ObjectStore) -> None:
    assert store.head("nothing") is None
    with pytest.raises(KeyError):
        list(store.get("nothing"))
    assert list(store.list()) == []


@pytest.mark.parametrize("size", ["small", "large"])
def test_the_same_again_is_no_error_and_other_content_is(store: ObjectStore, part: int, size: str) -> None:
    data = b"first" if size == "small" else large(part)
    first = store.put("k", Content.of(data))
    assert store.put("k", Content.of(data)) == first
    other = data[:-1] + bytes([data[-1] ^ 1])
    with pytest.raises(OtherContent):
        keep(store, "k", Content.of(other))
    with pytest.raises(OtherContent):
        keep(store, "k", Content.of(data + b"more"))
    assert b"".join(store.get("k")) == data
    assert len(list(store.list())) == 1


UNSAFE = ("", "/a", "a/", "a//b", "../a", "a/../b", "a b", "a\\b", "ä", ".hidden", "a\n", "x" * 901)


def test_keys_that_somebody_would_read_as_others(store: ObjectStore) -> None:
    for key in UNSAFE:
        with pytest.raises(ValueError, match="not safe"):
            store.put(key, Content.of(b"x"))
