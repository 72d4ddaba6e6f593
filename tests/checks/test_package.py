"""The checks of a package one by one, each over a value that holds only what it builds on."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from archiver.checks.package import bag, exhibits, ledger, records, signer, timestamps, wacz
from archiver.checks.package.files import SMALL, Absent, PackagedCapture, PackageFiles, SealedLines, Unknown
from archiver.checks.proofs import Bad
from storage.digest import sha256_hex
from storage.merkle import leaf_hash, root_of
from storage.note import Checkpoint, NoteSigner, sign


def filled(folder: Path, files: dict[str, bytes]) -> PackageFiles:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return PackageFiles(folder, names=set(files))


def test_a_file_is_read_only_if_it_is_there_and_small(tmp_path: Path) -> None:
    files = filled(tmp_path, {"a": b"1"})
    assert files.read("a") == b"1"
    with pytest.raises(Absent):
        files.read("b")
    with open(tmp_path / "a", "r+b") as stream:
        stream.truncate(SMALL + 1)  # sparse: takes no room
    with pytest.raises(Bad, match="larger"):
        files.read("a")


@pytest.mark.parametrize("line", ["", "ab  data/x", f"{'0' * 64}  ../x", f"{'0' * 64}  data/x\n{'0' * 64}  data/x"])
def test_a_manifest_has_only_whole_lines_of_names_within(tmp_path: Path, line: str) -> None:
    files = filled(tmp_path, {"manifest": f"{line}\n".encode()})
    with pytest.raises(Bad):
        files.manifest("manifest", 64)


def test_names_are_found_and_odd_ones_refused(tmp_path: Path) -> None:
    files = filled(tmp_path, {"data/a.txt": b"", "bagit.txt": b""})
    files.names.clear()
    assert bag.names(files) == ""
    assert files.names == {"data/a.txt", "bagit.txt"}
    (tmp_path / "data" / "A.txt").write_bytes(b"")
    with pytest.raises(Bad, match="only in case"):
        bag.names(PackageFiles(tmp_path))
    (tmp_path / "link").symlink_to("bagit.txt")
    with pytest.raises(Bad, match="link"):
        bag.names(PackageFiles(tmp_path))


def test_the_signer_is_who_was_named_or_who_handed_over(tmp_path: Path) -> None:
    old, new = (NoteSigner(f"a.example/{n}", Ed25519PrivateKey.generate()) for n in (1, 2))
    handed = sign(f"archiver-key-handover/1\n{old.key}\n{new.key}\n", old, new).encode()
    files = filled(tmp_path, {"proofs/vkey.txt": f"{new.key}\n".encode(), "proofs/handovers/1": handed})
    assert signer.key(files) == ""
    assert files.keys == [str(new.key), str(old.key)]
    with pytest.raises(Unknown, match="unconfirmed"):
        signer.signer(files)
    files.wanted = sha256_hex(str(new.key).encode())
    assert signer.signer(files) == "the key that was named"
    files.wanted = sha256_hex(str(old.key).encode())
    assert "handed over" in signer.signer(files)
    files.wanted = "0" * 64
    with pytest.raises(Bad, match="a key other than"):
        signer.signer(files)


def test_the_ledger_is_rebuilt_and_continues_what_was_given(tmp_path: Path) -> None:
    one = NoteSigner("a.example/1", Ed25519PrivateKey.generate())
    leaves = [leaf_hash(bytes([n])) for n in range(5)]

    def note(size: int) -> bytes:
        return sign(Checkpoint(one.name, size, root_of(leaves[:size])).text(), one).encode()

    package = f'{{"checkpoint":{{"root":"{root_of(leaves).hex()}","size":5}},"key":"{one.key}"}}'
    files = filled(
        tmp_path,
        {
            "data/package.json": package.encode(),
            "proofs/checkpoint.txt": note(5),
            "proofs/leaves.bin": b"".join(leaves),
        },
    )
    files.keys = [str(one.key)]
    assert ledger.ledger(files) == "5 events under a signed checkpoint"
    files.older = note(3)
    assert ledger.history(files) == "continues the checkpoint of 3 events"
    leaves.append(leaf_hash(b"later"))
    files.older = note(6)
    with pytest.raises(Unknown, match="older"):
        ledger.history(files)
    files.roots[3] = bytes(32)
    with pytest.raises(Bad, match="another history"):
        ledger.prefix(files, note(3), "it")


def test_time_counts_the_captures_before_a_stamp(tmp_path: Path) -> None:
    files = PackageFiles(tmp_path, package={"captures": [{"event": 0}, {"event": 9}]})
    timestamps.time(files)
    assert "NOT TIMESTAMPED: no outsider" in files.lines[-1].detail


def test_a_wacz_has_nothing_before_its_entries(tmp_path: Path) -> None:
    path = tmp_path / "data" / "archive.wacz"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("datapackage.json", b"{}")
    files = PackageFiles(tmp_path)
    with pytest.raises(KeyError, match="profile"):  # the ZIP itself is as it should be
        wacz.wacz(files)
    assert files.entries["datapackage.json"][1] == 2
    path.write_bytes(b"before" + path.read_bytes())
    with pytest.raises(Bad, match="stands before it"):
        wacz.wacz(PackageFiles(tmp_path))


def test_records_of_a_file_that_is_not_in_the_wacz(tmp_path: Path) -> None:
    files = filled(tmp_path, {"data/captures/c/records.jsonl": b""})
    manifest = {"recovered": None, "files": [{"name": "records.jsonl", "sha256": sha256_hex(b"")}]}
    capture = PackagedCapture("c", manifest, SealedLines(tmp_path), {"a.warc.gz": {"size": 1}})
    files.captures.append(capture)
    with pytest.raises(Absent, match="not in the WACZ"):
        records.records(files)
    files = PackageFiles(tmp_path, entries={"archive/other.warc.gz": (0, 1)})
    with pytest.raises(Bad, match="belongs to no capture"):
        records.records(files)


def test_lines_are_read_as_they_were_sealed_or_not_at_all(tmp_path: Path) -> None:
    name = "data/captures/c/posts.jsonl"
    filled(tmp_path, {name: b'{"id": 1}\n'})
    manifest = {"files": [{"name": "posts.jsonl", "sha256": sha256_hex(b'{"id": 1}\n')}]}
    assert PackagedCapture("c", manifest, SealedLines(tmp_path)).posts == [{"id": 1}]
    with pytest.raises(Bad, match="was not sealed with the capture"):
        _ = PackagedCapture("c", manifest, SealedLines(tmp_path)).inventory
    filled(tmp_path, {name: b'{"id": 2}\n'})
    with pytest.raises(Bad, match="differs from what was sealed"):
        _ = PackagedCapture("c", manifest, SealedLines(tmp_path)).posts


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_exhibits_are_read_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(exhibits, "READ", size)
    cards = [{"exhibit": f"E{n:04}", "words": '"],[{' * n} for n in range(1, 30)]
    for text, said in ((json.dumps(cards), 29), (json.dumps(cards, indent=1) + "\n", 29), (" [ ] ", 0)):
        files = filled(tmp_path, {"data/posts.json": text.encode()})
        files.package = {"profile": "public"}
        assert exhibits.posts(files).startswith(f"{said} exhibits")
    for text in ("", "{}", "[{}", "[{}] x", "[1]", "[{},", "[{}{}]", "[,{}]", "nonsense"):
        files = filled(tmp_path, {"data/posts.json": text.encode()})
        files.package = {"profile": "public"}
        with pytest.raises(Bad, match="data"):
            exhibits.posts(files)


def test_a_capture_that_is_named_twice(tmp_path: Path) -> None:
    files = PackageFiles(tmp_path, package={"captures": [{"event": 1}, {"event": 1}], "not_in_package": []})
    with pytest.raises(Bad, match="named twice"):
        ledger.selection(files)
    files.package = {"captures": [{"event": 1}], "not_in_package": []}
    with pytest.raises(Absent, match="proof of event 1"):
        ledger.selection(files)
