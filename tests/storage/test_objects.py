"""One contract of object stores, met by all of them; and what befalls S3 on the way."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from storage.errors import OtherContent, Refused, StoreError, Unreachable
from storage.objects import Content, FolderStore, Lock, MemoryStore, ObjectStore, Stored, keep
from storage.s3 import Abilities, S3Store
from storage.times import system_clock
from tests.support.faults import FAULTS, Gateway
from tests.support.object_store_contract import (
    KEYS,
    large,
    test_keys_that_somebody_would_read_as_others,
    test_ranges,
    test_the_same_again_is_no_error_and_other_content_is,
    test_what_is_not_there,
    test_what_was_put_comes_back,
)
from tests.support.places import new_bucket

PART = 1 << 20
"""Bytes. A body of two parts and a bit that is cut in the middle has by then yielded a whole piece, which is not asked for again."""
LARGE = large(PART)
__all__ = [
    "test_keys_that_somebody_would_read_as_others",
    "test_ranges",
    "test_the_same_again_is_no_error_and_other_content_is",
    "test_what_is_not_there",
    "test_what_was_put_comes_back",
]


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, int]]:
    """A real S3 over HTTP: moto's, which takes smaller parts than others (test_radosgw.py sends 5 MiB)."""
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("moto.s3.models.S3_UPLOAD_PART_MIN_SIZE", PART)
        running.start()
        yield running.get_host_and_port()
        running.stop()


@pytest.fixture
def part() -> int:
    return PART


@pytest.fixture
def gateway(server: tuple[str, int]) -> Iterator[Gateway]:
    made = Gateway(*server)
    yield made
    made.stop()


@pytest.fixture
def bucket(server: tuple[str, int]) -> str:
    return new_bucket("http://{}:{}".format(*server))


def s3(url: str, bucket: str, abilities: Abilities | None = None, prefix: str = "", part: int = PART) -> S3Store:
    return S3Store(bucket, prefix, url, "us-east-1", abilities or Abilities(), lambda seconds: None, part, **KEYS)


@pytest.fixture(params=["memory", "folder", "s3", "s3 that promises nothing", "s3 under a prefix"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "memory":
        return MemoryStore()
    if request.param == "folder":
        return FolderStore(tmp_path / "copies")
    url, name = request.getfixturevalue("gateway").url, request.getfixturevalue("bucket")
    nothing = Abilities(False, False, False, False)
    return s3(url, name, nothing if "nothing" in request.param else None, "team/" if "prefix" in request.param else "")


# -- the contract ----------------------------------------------------------------------------------------


def test_many_at_once_and_one_wins(store: ObjectStore) -> None:
    contents = [Content.of(f"from {number}".encode()) for number in range(8)]

    def one(content: Content) -> str | None:
        try:
            return store.put("k", content).key
        except OtherContent:
            return None

    with ThreadPoolExecutor(8) as several:
        done = list(several.map(one, contents))
    data = b"".join(store.get("k"))
    assert data in [b"".join(content.pieces()) for content in contents]
    if not isinstance(store, S3Store) or store.abilities.conditions:  # a server that ignores conditions lets two pass
        assert done.count("k") == 1
        assert data == f"from {done.index('k')}".encode()


# -- stores that are not what they say ---------------------------------------------------------------------


class Lying(MemoryStore):
    """Changes what it takes, and states the right checksum all the same."""

    def __init__(self, truthful: bool, change: Callable[[bytes], bytes]) -> None:
        super().__init__()
        self.truthful, self._change = truthful, change  # type: ignore[misc]
        self._right: dict[str, Stored] = {}

    def put(self, key: str, content: Content, lock: Lock | None = None) -> Stored:
        data = b"".join(content.pieces())
        self._right[key] = Stored(key, len(data), "1", f"sha256:{content.sha256}", lock)
        super().put(key, Content.of(self._change(data)), lock)
        return self._right[key]

    def head(self, key: str, version: str | None = None) -> Stored | None:
        found = super().head(key)
        return replace(self._right[key], size=found.size) if found else None


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data[:-1] + b"?", lambda data: b""])
def test_a_store_that_lies_is_found_out_by_reading_back(change: Callable[[bytes], bytes]) -> None:
    with pytest.raises(OtherContent):
        keep(Lying(False, change), "k", Content.of(b"evidence"))


def test_a_lock_that_was_not_set() -> None:
    class Forgetful(MemoryStore):
        def put(self, key: str, content: Content, lock: Lock | None = None) -> Stored:
            return super().put(key, content, None)

    until = system_clock() + timedelta(days=1)
    for lock in (Lock("governance", until), Lock("compliance", until), Lock(hold=True)):
        assert keep(MemoryStore(), "k", Content.of(b"x"), lock)[0].lock == lock
        with pytest.raises(StoreError, match="locked as asked"):
            keep(Forgetful(), "k", Content.of(b"x"), lock)


# -- S3 ----------------------------------------------------------------------------------------------------


def test_a_lock_is_asked_for_and_read_back(gateway: Gateway, bucket: str) -> None:
    store = s3(gateway.url, bucket)
    until = system_clock() + timedelta(days=30)
    for key, data in (("small", b"x"), ("large", LARGE)):
        stored, _ = keep(store, key, Content.of(data), Lock("governance", until, hold=True))
        assert stored.version
        assert stored.lock is not None
        assert (stored.lock.mode, stored.lock.hold) == ("governance", True)


def test_a_later_version_does_not_hide_what_was_put(gateway: Gateway, bucket: str) -> None:
    store = s3(gateway.url, bucket)
    stored, _ = keep(store, "k", Content.of(b"evidence"))
    store._client.put_object(Bucket=bucket, Key="k", Body=b"something else")  # with a stolen key, say
    assert b"".join(store.get("k", version=stored.version)) == b"evidence"
    with pytest.raises(OtherContent):
        store.put("k", Content.of(b"evidence"))


def test_what_the_server_does_is_tried(gateway: Gateway, bucket: str) -> None:
    found = s3(gateway.url, bucket).probe()
    # moto takes content with a wrong checksum: what it states proves nothing, so every byte is read back.
    assert found == Abilities(conditions=True, checksums=False, versions=True, lock=True)
    store = s3(gateway.url, bucket, found)
    assert keep(store, "k", Content.of(b"evidence"))[1] == "read back"


def test_no_bucket(gateway: Gateway) -> None:
    for asked in (lambda store: store.probe(), lambda store: store.put("k", Content.of(b"x"))):
        with pytest.raises(Refused, match="NoSuchBucket") as caught:
            asked(s3(gateway.url, "nobody-made-this"))
        assert "Make the bucket" in caught.value.next_step
    with pytest.raises(Refused):
        list(s3(gateway.url, "nobody-made-this").list())


def test_nobody_answers(bucket: str) -> None:
    store = s3("http://127.0.0.1:9", bucket)
    with pytest.raises(Unreachable):
        store.put("k", Content.of(b"x"))
    with pytest.raises(Unreachable):
        store.head("k")


def requests_of_a_put(gateway: Gateway, bucket: str, data: bytes) -> int:
    before = len(gateway.asked)
    keep(s3(gateway.url, bucket), "fault-free", Content.of(data))
    return len(gateway.asked) - before


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("data", [b"small", LARGE], ids=["at once", "in parts"])
def test_each_call_fails_in_each_way(gateway: Gateway, bucket: str, data: bytes, fault: str) -> None:
    """Once, at each request in turn: the end is the same as without a fault, and nothing lies there twice."""
    for at in range(requests_of_a_put(gateway, bucket, data)):
        start = len(gateway.asked)
        gateway.trouble = lambda number, method, path, start=start, at=at: fault if number == start + at else None  # type: ignore[misc]
        store = s3(gateway.url, bucket)
        stored, _ = keep(store, f"k{at}", Content.of(data))
        gateway.trouble = lambda number, method, path: None
        assert b"".join(store.get(f"k{at}", version=stored.version)) == data
        versions = store._client.list_object_versions(Bucket=bucket, Prefix=f"k{at}").get("Versions", [])
        assert len([one for one in versions if one["Key"] == f"k{at}"]) == 1, (fault, at)


@pytest.mark.parametrize("fault", FAULTS)
def test_reading_goes_on_where_it_broke(gateway: Gateway, bucket: str, fault: str) -> None:
    store = s3(gateway.url, bucket)
    store.put("k", Content.of(LARGE))
    start = len(gateway.asked)
    gateway.trouble = lambda number, method, path: fault if number in (start, start + 1) else None
    assert b"".join(store.get("k")) == LARGE
    assert b"".join(store.get("k", 100, PART)) == LARGE[100 : 100 + PART]


def test_an_upload_that_broke_goes_on_with_the_parts_that_are_there(gateway: Gateway, bucket: str) -> None:
    """From another machine too: what lies there is asked of the server."""
    gateway.trouble = lambda number, method, path: "error" if "partNumber=3" in path else None
    with pytest.raises(Unreachable):
        s3(gateway.url, bucket).put("k", Content.of(LARGE))
    gateway.trouble = lambda number, method, path: None
    start = len(gateway.asked)
    stored, _ = keep(s3(gateway.url, bucket), "k", Content.of(LARGE))
    sent = [path for method, path in gateway.asked[start:] if method == "PUT"]
    assert len(sent) == 1
    assert "partNumber=3" in sent[0]
    assert b"".join(s3(gateway.url, bucket).get("k", version=stored.version)) == LARGE


def test_an_upload_that_was_completed_and_nobody_heard_of_it(gateway: Gateway, bucket: str) -> None:
    """The answer is lost, and asked again the server no longer knows the upload, as AWS may say."""
    completions = 0

    def trouble(number: int, method: str, path: str) -> str | None:
        nonlocal completions
        if method != "POST" or "uploadId" not in path:
            return None
        completions += 1
        return "answer-lost" if completions == 1 else "no-such-upload"

    gateway.trouble = trouble
    store = s3(gateway.url, bucket)
    stored, _ = keep(store, "k", Content.of(LARGE))
    assert b"".join(store.get("k", version=stored.version)) == LARGE
    assert completions == 2


def test_it_gives_up_after_some_tries_and_says_what_to_do(gateway: Gateway, bucket: str) -> None:
    waits: list[float] = []
    store = S3Store(bucket, "", gateway.url, "us-east-1", Abilities(), waits.append, PART, **KEYS)
    gateway.trouble = lambda number, method, path: "slow-down"
    with pytest.raises(Unreachable, match="SlowDown") as caught:
        store.put("k", Content.of(b"x"))
    assert "archiver sync" in caught.value.next_step
    assert waits == [0.2, 0.4, 0.8, 1.6]


def test_a_long_listing(gateway: Gateway, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "10")  # a page of moto's; elsewhere it is 1,000
    store = s3(gateway.url, bucket)
    for number in range(25):
        store.put(f"k{number:05}", Content.of(b"x"))
    start = len(gateway.asked)
    assert [one.key for one in store.list()] == [f"k{number:05}" for number in range(25)]
    assert len(gateway.asked) - start == 3


@pytest.mark.parametrize(
    ("place", "folders", "file"), [(0o700, 0o700, 0o600), (0o2775, 0o2775, 0o644), (0o777, 0o775, 0o644)], ids=oct
)
def test_a_shared_folder_is_read_by_whoever_reads_the_place(
    place: int, folders: int, file: int, tmp_path: Path
) -> None:
    (tmp_path / "place").mkdir()
    (tmp_path / "place").chmod(place)
    before = os.umask(0o077)
    try:
        FolderStore(tmp_path / "place").put("home/blobs/one", Content.of(b"x"))
    finally:
        os.umask(before)
    modes = {name: stat.S_IMODE((tmp_path / "place" / name).stat().st_mode) for name in ("home", "home/blobs/one")}
    assert modes == {"home": folders, "home/blobs/one": file}
