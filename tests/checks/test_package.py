"""The checks of a package one by one, each over a value that holds only what it builds on."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.checks.package import bag, index, ledger, places, records, signer, tables, timestamps, version1, wacz
from archiver.checks.package.files import SMALL, Absent, PackagedCapture, PackageFiles, SealedLines, Unknown
from archiver.checks.proofs import Bad
from archiver.export import check as script
from archiver.export.wacz import sort_key as exported_key
from archiver.text.cells import csv_line
from storage.digest import sha256_hex
from storage.merkle import leaf_hash, root_of
from storage.note import Checkpoint, NoteSigner, sign
from storage.times import system_clock
from tests.support.packages import write_zip


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
    (tmp_path / ".DS_Store").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    assert bag.names(files) == ""
    assert (files.names, files.left, files.bare) == ({"data/a.txt", "bagit.txt"}, [".DS_Store"], ["empty"])
    (tmp_path / "data" / "A.txt").write_bytes(b"")
    with pytest.raises(Bad, match="only in case"):
        bag.names(PackageFiles(tmp_path))
    (tmp_path / "link").symlink_to("bagit.txt")
    with pytest.raises(Bad, match="link"):
        bag.names(PackageFiles(tmp_path))


def test_the_signer_is_who_was_named_or_who_handed_over(tmp_path: Path) -> None:
    old, new = (NoteSigner(f"a.example/{n}", Ed25519PrivateKey.generate()) for n in (1, 2))
    handed = sign(f"archiver-key-handover/1\n{old.key}\n{new.key}\n", old, new).encode()
    files = filled(tmp_path, {"proofs/vkey.txt": f"{new.key}\n".encode(), "proofs/handovers/001.note": handed})
    assert signer.key(files) == ""
    assert files.keys == [str(new.key), str(old.key)]
    with pytest.raises(Unknown, match="unconfirmed"):
        signer.signer(files)
    files.wanted = sha256_hex(str(new.key).encode())
    assert (signer.signer(files), files.handed) == ("the key that you named signed", 0)
    files.wanted = sha256_hex(str(old.key).encode())
    assert (signer.signer(files), files.handed) == ("the key that you named handed over to the one that signed", 1)
    files.wanted = "0" * 64
    with pytest.raises(Bad, match="a key other than"):
        signer.signer(files)
    with pytest.raises(Unknown, match="no outsider saw"):
        signer.retired(files)
    files.leaves[4], files.times[4] = {"type": "key-handover"}, system_clock()
    with pytest.raises(Unknown, match="no outsider saw"):
        signer.retired(files)  # a checkpoint of 4 events does not hold event 4
    files.times[5] = system_clock()
    assert signer.retired(files).startswith("its hand-over is event 4")


def test_hand_overs_are_read_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    keys = [NoteSigner("a.example/k", Ed25519PrivateKey.generate()) for _ in range(1001)]
    notes = {
        f"proofs/handovers/{number:03d}.note": sign(
            f"archiver-key-handover/1\n{old.key}\n{new.key}\n", old, new
        ).encode()
        for number, (old, new) in enumerate(pairwise(keys), 1)
    }
    files = filled(tmp_path, {"proofs/vkey.txt": f"{keys[-1].key}\n".encode(), **notes})
    assert signer.key(files) == ""
    assert files.keys == [str(one.key) for one in reversed(keys)]
    names = {str(name) for name in notes}
    assert script.handed_over(str(tmp_path), names, str(keys[-1].key)) == files.keys
    names.remove("proofs/handovers/007.note")
    files.names.remove("proofs/handovers/007.note")
    with pytest.raises(Bad, match=r"007\.note is not there"):
        signer.key(files)
    with pytest.raises(script.Tampered, match=r"007\.note is not there"):
        script.handed_over(str(tmp_path), names, str(keys[-1].key))


WORDS = signer.in_words("ab" * 32)


@pytest.mark.parametrize(
    "given",
    [
        " ".join(WORDS), ", ".join(WORDS), "-".join(WORDS).upper(), "".join(WORDS), ":".join(WORDS), "AB:" * 31 + "ab",
        "abab abab " * 7 + "abababab", f"  {'ab' * 32}\n", "\u2013".join(WORDS),
    ],
)  # fmt: skip
def test_a_fingerprint_as_people_write_it(given: str) -> None:
    assert signer.plain_fingerprint(given) in ("ab" * 32, "".join(WORDS))
    assert script.given_fingerprint(given) == signer.plain_fingerprint(given)


@pytest.mark.parametrize(
    "given",
    [
        "  ", " ".join(WORDS[:7]), " ".join(WORDS)[:-1] + "x", "ab" * 8 + "…", "ab" * 31 + "a", "0x" + "ab" * 32,
        "SHA256:" + "ab" * 32, f'"{" ".join(WORDS)}"',
    ],
)  # fmt: skip
def test_what_is_no_fingerprint_says_nothing_of_the_package(given: str) -> None:
    with pytest.raises(Unknown, match="is no fingerprint"):
        signer.plain_fingerprint(given)
    with pytest.raises(script.CannotTell, match="is no fingerprint"):
        script.given_fingerprint(given)


@pytest.mark.parametrize(
    "given",
    [
        "ab" * 32, "AB" * 32, ":".join(["AB"] * 32), f"sha256 Fingerprint={':'.join(['AB'] * 32)}", "0x" + "ab" * 32,
        f"SHA256 Fingerprint={'ab' * 32}", f"SHA-256: {' '.join(['AB'] * 32)}",
    ],
)  # fmt: skip
def test_a_root_as_openssl_and_browsers_write_it(given: str) -> None:
    assert signer.plain_root(given) == script.plain_root(given) == "ab" * 32


def test_a_root_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Unknown, match="no fingerprint of a root"):
        signer.plain_root("DigiCert")
    with pytest.raises(SystemExit) as ended:
        script.plain_root("DigiCert")
    assert ended.value.code == 6


def test_the_ledger_is_rebuilt_and_continues_what_was_given(tmp_path: Path) -> None:
    one = NoteSigner("a.example/1", Ed25519PrivateKey.generate())
    leaves = [leaf_hash(bytes([n])) for n in range(5)]

    def note(size: int) -> bytes:
        return sign(Checkpoint(one.name, size, root_of(leaves[:size])).text(), one).encode()

    files = filled(tmp_path, {"proofs/checkpoint.txt": note(5), "proofs/leaves.bin": b"".join(leaves)})
    files.package = {"checkpoint": {"root": root_of(leaves).hex(), "size": 5}, "key": str(one.key)}
    files.keys = [str(one.key)]
    assert ledger.ledger(files) == "5 events under a signed checkpoint"
    files.older = note(3)
    assert ledger.history(files) == "continues the checkpoint of 3 events that you named"
    leaves.append(leaf_hash(b"later"))
    files.older = note(6)
    with pytest.raises(Unknown, match="older"):
        ledger.history(files)
    kept = note(3)
    for spoilt in (
        kept.replace(b"\n", b"\r\n"), kept + b"\n", kept.rstrip(), b"\xef\xbb\xbf" + kept, b"> " + kept, b"", b"%PDF-1.4",
        kept.replace("—".encode(), b"-"), kept.decode().encode("utf-16"), kept.replace(b"\n3\n", b"\n4\n"),
        note(3).replace(b"a.example/1", b"b.example/1"),
    ):  # fmt: skip
        files.older = spoilt
        with pytest.raises(Unknown):
            ledger.history(files)
        with pytest.raises(script.CannotTell):
            script.given_checkpoint(spoilt, files.keys)
    files.older = b"\xef\xbb\xbf" + kept  # an editor's mark before it makes it no checkpoint of another ledger
    with pytest.raises(Unknown, match="is no checkpoint"):
        ledger.history(files)
    with pytest.raises(script.CannotTell, match="is no checkpoint"):
        script.given_checkpoint(files.older, files.keys)
    files.roots[3] = bytes(32)
    with pytest.raises(Bad, match="another history"):
        ledger.prefix(files, note(3), "it")


def test_time_counts_the_captures_before_a_stamp(tmp_path: Path) -> None:
    files = PackageFiles(tmp_path, package={"captures": [{"event": 0}, {"event": 9}]})
    files.report.profile = "full"
    assert timestamps.time(files) == ""
    assert "NOT TIMESTAMPED: no authority" in files.report.lines[-1].detail
    files.times[5] = system_clock()
    timestamps.time(files)
    assert files.report.beside == [
        "NOT TIMESTAMPED", "time by roots that came with the package", "1 of 2 captures NOT TIMESTAMPED",
    ]  # fmt: skip


def test_a_wacz_has_nothing_before_its_entries(tmp_path: Path) -> None:
    path = tmp_path / "data" / "archive.wacz"
    path.parent.mkdir()
    write_zip(path, [("datapackage.json", b"{}")])
    files = PackageFiles(tmp_path)
    with pytest.raises(Absent, match="is not in the WACZ"):  # the ZIP itself is as it should be
        wacz.wacz(files)
    assert files.entries["datapackage.json"][1] == 2
    path.write_bytes(b"before" + path.read_bytes())
    with pytest.raises(Bad, match="something stands between"):
        wacz.wacz(PackageFiles(tmp_path))


KEYS = {
    "https://www.example.org/A/B?b=2&a=1#x": "org,example)/a/b?a=1&b=2",
    "http://example.org": "org,example)/",
    "https://example.org:8443/x//": "org,example:8443)/x",
    "http://u:p@WWW12.example.org:80/ a?": "org,example)/%20a",
    "https://www.org/": "org,www)/",
    "https://[::1]/X": "https://[::1]/x",
    "urn:view:https://t.me/X y": "urn:view:https://t.me/x%20y",
    "http:///x": "http:///x",
}


@pytest.mark.parametrize("link", list(KEYS))
def test_the_key_of_a_link_in_the_index(link: str) -> None:
    assert index.sort_key(link) == script.sort_key(link) == exported_key(link) == KEYS[link]


@given(st.text(alphabet="htp:/?#&=@[]wW. 1aΣİ\u0130é", max_size=24).map("http://{}".format))
@settings(max_examples=300)
def test_any_link_has_the_same_key_for_all(link: str) -> None:
    assert index.sort_key(link) == exported_key(link)


@given(st.text(alphabet="=+-@＝＠;,|\t\r\n \x00\x07\u200b\u202e\ufeff\u00a0\ud8001.a'\"", max_size=12))
@settings(max_examples=500)
def test_cells_are_the_same_for_all(text: str) -> None:
    assert tables.cell(text) == script.cell(text)
    assert tables.csv_line([tables.cell(text)]) == csv_line([text])


def test_names_by_profile(tmp_path: Path) -> None:
    said = {
        "made": "2026-11-22",
        "name": "n",
        "software": "archiver/1",
        "tables": [{"name": "a.b", "rule": "events"}],
        "captures": [],
        "checkpoint": {"root": "", "size": 0},
        "key": "",
        "not_in_package": [],
        "withheld": 0,
        "format": "archiver-package/2",
    }
    for profile, name, good in (
        ("full", "data/archive.wacz", True), ("partner", "data/archive.wacz", False), ("public", "proofs/items/1.tlog-proof", False),
        ("full", "START-HEREXhtml", False), ("full", "data/tables/a.b.csv", True), ("full", "data/tables/aXb.csv", False),
        ("public", "data/media/I0001-1.jpg", False), ("partner", "data/media/I0001-1-2.jpg", True),
        ("full", "proofs/timestamps/021/checkpoint.txt", False), ("full", "data/view/a/b/c.html", False),
    ):  # fmt: skip
        folder = tmp_path / f"{profile}-{name.replace('/', '-')}"
        package = json.dumps(said | {"profile": profile}, sort_keys=True, separators=(",", ":")).encode()
        files = filled(folder, {"data/package.json": package, name: b"", "bag-info.txt": b""})
        with pytest.raises(Bad, match="bag-info.txt says" if good else "has no place"):
            places.places(files)


def test_records_of_a_file_that_is_not_in_the_wacz(tmp_path: Path) -> None:
    files = filled(tmp_path, {"data/captures/c/records.jsonl": b""})
    manifest = {"recovered": None, "files": [{"name": "records.jsonl", "sha256": sha256_hex(b"")}]}
    files.captures.append(PackagedCapture("c", 1, manifest, SealedLines(tmp_path), {"a.warc.gz": {"size": 1}}))
    with pytest.raises(Absent, match="not in the WACZ"):
        records.records(files)


def test_lines_are_read_as_they_were_sealed_or_not_at_all(tmp_path: Path) -> None:
    name = "data/captures/c/posts.jsonl"
    filled(tmp_path, {name: b'{"id": 1}\n'})
    manifest = {"files": [{"name": "posts.jsonl", "sha256": sha256_hex(b'{"id": 1}\n')}]}
    assert PackagedCapture("c", 1, manifest, SealedLines(tmp_path)).posts == [{"id": 1}]
    with pytest.raises(Bad, match="was not sealed with the capture"):
        _ = PackagedCapture("c", 1, manifest, SealedLines(tmp_path)).inventory
    filled(tmp_path, {name: b'{"id": 2}\n'})
    with pytest.raises(Bad, match="differs from what was sealed"):
        _ = PackagedCapture("c", 1, manifest, SealedLines(tmp_path)).posts


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_exhibits_are_read_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(version1, "READ", size)
    cards = [{"exhibit": f"E{n:04}", "words": '"],[{' * n} for n in range(1, 30)]
    for text, said in ((json.dumps(cards), 29), (json.dumps(cards, indent=1) + "\n", 29), (" [ ] ", 0)):
        files = filled(tmp_path, {"data/posts.json": text.encode()})
        files.report.profile = "public"
        assert version1.posts(files).startswith(f"{said} exhibits")
    for text in ("", "{}", "[{}", "[{}] x", "[1]", "[{},", "[{}{}]", "[,{}]", "nonsense"):
        files = filled(tmp_path, {"data/posts.json": text.encode()})
        files.report.profile = "public"
        with pytest.raises(Bad, match="data"):
            version1.posts(files)


def test_a_capture_that_is_named_twice(tmp_path: Path) -> None:
    files = PackageFiles(tmp_path, package={"captures": [{"event": 1}, {"event": 1}], "not_in_package": []})
    files.leaves[1] = {"type": "captured"}
    with pytest.raises(Bad, match="named twice"):
        ledger.selection(files)
    files = PackageFiles(tmp_path, package={"captures": [{"event": 1}], "not_in_package": []})
    with pytest.raises(Absent, match="proof of event 1"):
        ledger.selection(files)
