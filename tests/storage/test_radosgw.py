"""Ceph's S3: it knows locks and holds, and neither conditions nor checksums. The contract holds all the same."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from archiver.cli.main import main
from archiver.home.home import Home
from storage.objects import Content, Lock, at_least, keep
from storage.s3 import S3Store
from storage.times import system_clock
from tests.conftest import need
from tests.support.object_store_contract import (
    KEYS,
    test_keys_that_somebody_would_read_as_others,
    test_ranges,
    test_the_same_again_is_no_error_and_other_content_is,
    test_what_is_not_there,
    test_what_was_put_comes_back,
)
from tests.support.places import CREDENTIALS, Kept, add_place, client, evidence, radosgw

PART = 5 << 20
"""Bytes; less it does not take, as AWS does not."""
__all__ = [
    "test_keys_that_somebody_would_read_as_others",
    "test_ranges",
    "test_the_same_again_is_no_error_and_other_content_is",
    "test_what_is_not_there",
    "test_what_was_put_comes_back",
]


@pytest.fixture(scope="module")
def ceph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    for program in ("radosgw", "ceph-mon", "ceph-osd", "ceph-mgr"):
        need(program)
    folder = tmp_path_factory.mktemp("ceph")
    with radosgw(folder) as url:
        yield url
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def bucket(ceph: str) -> str:
    name = f"b{random.randrange(10**12)}"
    client(ceph).create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    return name


@pytest.fixture
def part() -> int:
    return PART


@pytest.fixture
def store(ceph: str, bucket: str) -> S3Store:
    made = S3Store(bucket, "", ceph, "us-east-1", pause=lambda seconds: None, part=PART, **KEYS)
    made.probe()
    return made


def test_what_it_was_seen_to_do(store: S3Store) -> None:
    assert asdict(store.abilities) == {"conditions": False, "checksums": False, "versions": True, "lock": True}
    assert not list(store.list()), "a probe leaves nothing behind"


@pytest.mark.parametrize("mode", ["governance", "compliance"])
def test_a_lock_holds(ceph: str, bucket: str, store: S3Store, mode: str) -> None:
    until = (system_clock() + timedelta(days=2)).replace(microsecond=0)
    stored, how = keep(store, "k", Content.of(b"seen"), Lock(mode, until))
    assert how == "read back"
    assert stored.lock == Lock(mode, until)
    s3 = client(ceph)
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=bucket, Key="k", VersionId=stored.version)
    shorter = {"Mode": mode.upper(), "RetainUntilDate": until - timedelta(days=1)}
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object_retention(Bucket=bucket, Key="k", VersionId=stored.version, Retention=shorter)
    longer = store.lock("k", stored.version, Lock(mode, until + timedelta(days=1)))
    assert at_least(longer, Lock(mode, until + timedelta(days=1)))
    # Somebody with the bucket's keys writes over it: what was put is still there, under its version.
    s3.put_object(Bucket=bucket, Key="k", Body=b"other")
    assert b"".join(store.get("k", version=stored.version)) == b"seen"


def test_a_hold_holds_until_it_is_lifted(ceph: str, bucket: str, store: S3Store) -> None:
    stored, _ = keep(store, "k", Content.of(b"seen"), Lock(hold=True))
    with pytest.raises(ClientError, match="AccessDenied"):
        client(ceph).delete_object(Bucket=bucket, Key="k", VersionId=stored.version)
    assert store.remove("k")
    store.lock("k", stored.version, Lock())
    assert not store.remove("k")
    assert store.head("k") is None


def test_a_lock_of_a_file_in_parts(store: S3Store, tmp_path: Path) -> None:
    path = tmp_path / "film"
    path.write_bytes(random.Random(3).randbytes(2 * PART + 5))
    until = (system_clock() + timedelta(days=2)).replace(microsecond=0)
    stored, _ = keep(store, "film", Content.of(path), Lock("governance", until))
    assert at_least(stored.lock, Lock("governance", until))


def test_what_may_be_removed_and_what_not(store: S3Store) -> None:
    until = (system_clock() + timedelta(days=2)).replace(microsecond=0)
    keep(store, "governed", Content.of(b"a"), Lock("governance", until))
    keep(store, "compliant", Content.of(b"b"), Lock("compliance", until))
    assert not store.remove("governed"), "by who has the right to pass a governance lock"
    (left,) = store.remove("compliant")
    assert left.lock == Lock("compliance", until)


def test_a_round_locks_and_disposal(
    ceph: str, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    kept = Kept(tmp_path)
    recovery = kept.recovery()
    add_place(kept.home, "archive", f"s3://{bucket}/case", False, ceph)
    first, second = kept.captures
    assert kept.run("triage", "inbox") == 0
    assert kept.run("sync") == 0
    out = capsys.readouterr().out
    assert "overwrites files, so archiver looks before each upload" in out
    assert "were read back, every byte" in out
    (copy,) = Home(kept.home).catalog.copies(capture=first)
    s3 = client(ceph)
    for item in copy["objects"]:
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.delete_object(Bucket=bucket, Key=f"case/{item['key']}", VersionId=item["version"])
    assert kept.run("lock", "inbox", "compliance", "--days", "30", "--because", "trial", "--yes") == 0
    assert kept.run("fixity") == 0
    assert kept.run("evict", "inbox") == 0
    assert kept.run("evict", "inbox", "--back") == 0
    assert kept.run("keys", "new", "R-2", "--role", "reviewer") == 0
    assert kept.run("dispose", first, "--basis", "§ 184b") == 0
    assert kept.run("--as", "R-2", "dispose", first, "--confirm", "--yes") == 0, (
        "a governance lock gives way to the right"
    )
    assert kept.run("sync") == 0
    words = ["restore", "--from", f"s3://{bucket}/case", "--endpoint", ceph, "--recovery", str(recovery)]
    assert main(["--home", str(tmp_path / "new"), *words], None, {}) == 0
    assert evidence(tmp_path / "new") == evidence(kept.home)
    assert [row["id"] for row in Home(tmp_path / "new").catalog.captures()] == [second]
