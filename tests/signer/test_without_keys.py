"""What a copy of a home shows and allows to whoever has it without `keys/`."""

from __future__ import annotations

import gzip
import shutil
import time
from pathlib import Path

import pyrage
import pytest

from archiver.home.home import Home
from archiver.signer.local import LocalSigner
from archiver.signer.withheld import LocalDecryptor
from storage.capture import CaptureWriter, Identity
from storage.errors import EvidenceError
from storage.events import Event


@pytest.fixture
def copied(home: Home, tmp_path: Path) -> Home:
    """A home with a capture that withholds something, and the copy of it that somebody took."""
    identity = Identity(
        "20261129T130000-abcdefgh", "run", 1, "https://example.org/", bytes(32), {"name": "test", "version": "0"}, True
    )
    writer = CaptureWriter(
        home.path / "captures" / "one", identity, home.recipients(["inbox"]), home.clock, time.monotonic
    )
    writer.resource("https://example.org/", "text/plain", b"words of a post")
    writer.withhold([("request", "cookie", b"a value kept from view")])
    writer.close("captured", None)
    writer.release()
    copy = tmp_path / "copy"
    shutil.copytree(home.path, copy, ignore=shutil.ignore_patterns("keys"))
    return Home(copy)


def test_posts_can_be_read_and_withheld_values_cannot(home: Home, copied: Home) -> None:
    folder = copied.path / "captures" / "one"
    assert b"words of a post" in b"".join(gzip.decompress(path.read_bytes()) for path in folder.glob("*.warc.gz"))
    sealed = (folder / "private.age").read_bytes()
    assert b"a value kept from view" not in b"".join(path.read_bytes() for path in folder.iterdir())
    assert [one.value for one in LocalDecryptor(home.path).withheld(folder)] == [b"a value kept from view"]
    assert not list(LocalDecryptor(copied.path).withheld(folder))
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(sealed, [pyrage.x25519.Identity.generate()])


def test_nothing_can_be_signed(copied: Home) -> None:
    before = (copied.path / "ledger" / "checkpoint").read_bytes()
    with pytest.raises(EvidenceError):
        LocalSigner(copied).append([Event("checked", copied.clock(), {})])
    with pytest.raises(EvidenceError):
        LocalSigner(copied).sign_note("words\n")
    assert (copied.path / "ledger" / "checkpoint").read_bytes() == before


def test_a_checkpoint_to_give_away_is_small(home: Home) -> None:
    assert len((home.path / "ledger" / "checkpoint").read_bytes()) < 300
