"""Tree, notes, tiles, and what a crash, a rollback and a fork do to them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from archiver.checks import proofs
from archiver.checks.home import _read_tile, tile_name
from storage import merkle
from storage.errors import FormatError, LedgerError
from storage.events import Author, Event
from storage.ledger import Ledger, LedgerReader, Tiles, tile_number, tile_path, unpack_entries
from storage.note import Checkpoint, NoteSigner, VerifierKey, open_note, sign
from storage.times import system_clock

pytestmark = pytest.mark.thorough("formats")

VECTOR = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
VECTOR_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
"""Leaves and the roots of every prefix, as published with Certificate Transparency's reference tree."""


def leaves(count: int) -> list[bytes]:
    return [merkle.leaf_hash(n.to_bytes(2, "big")) for n in range(count)]


def test_published_vectors() -> None:
    hashes = [merkle.leaf_hash(bytes.fromhex(text)) for text in VECTOR]
    for size, root in enumerate(VECTOR_ROOTS, 1):
        assert merkle.root_of(hashes[:size]).hex() == root
        assert proofs.tree_root(hashes[:size]).hex() == root
    assert merkle.root_of([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@given(st.integers(1, 200), st.data())
def test_proofs_hold_and_altered_ones_do_not(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(0, size))
    hashes = leaves(size)
    subtree, root = merkle.subtree_of(hashes), merkle.root_of(hashes)
    path = merkle.inclusion_proof(index, size, subtree)
    assert merkle.check_inclusion(hashes[index], index, size, path, root)
    assert proofs.included(hashes[index], index, size, path, root), "the checker's own code agrees"
    assert path == proofs.inclusion_path(hashes, index)
    assert not merkle.check_inclusion(hashes[index], index, size, path, bytes(32))
    assert not merkle.check_inclusion(hashes[index], size, size, path, root)
    old_root = merkle.root_of(hashes[:old])
    consistency = merkle.consistency_proof(old, size, subtree)
    assert merkle.check_consistency(old, size, old_root, root, consistency)
    if 0 < old < size:
        assert not merkle.check_consistency(old, size, bytes(32), root, consistency)
        assert not merkle.check_consistency(old, size, old_root, root, [*consistency, bytes(32)])
    if path:
        altered = [bytes([path[0][0] ^ 1]) + path[0][1:], *path[1:]]
        assert not merkle.check_inclusion(hashes[index], index, size, altered, root)


def test_two_different_lists_have_different_roots() -> None:
    """Doubling the last leaf, the classic confusion, changes the root."""
    assert merkle.root_of(leaves(3)) != merkle.root_of([*leaves(3), leaves(3)[-1]])


def test_signed_note_of_the_specification() -> None:
    key = VerifierKey.parse("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
    assert key.key_id.hex() == "530d903a"
    with pytest.raises(FormatError):
        VerifierKey.parse("example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")


def test_notes() -> None:
    one, other = (NoteSigner(name, Ed25519PrivateKey.generate()) for name in ("a.example/1", "b.example/2"))
    note = sign("origin\n1\nroot\n", one, other)
    assert open_note(note, [one.key]) == "origin\n1\nroot\n"
    assert open_note(note, [other.key, one.key]) == "origin\n1\nroot\n"
    with pytest.raises(FormatError, match="known key"):
        open_note(sign("text\n", one), [other.key])
    with pytest.raises(FormatError, match="fit"):
        open_note(note.replace("origin", "0rigin"), [one.key])
    with pytest.raises(FormatError):
        open_note("no signature\n", [one.key])


@given(st.text(max_size=200))
def test_a_checkpoint_parser_accepts_only_what_it_would_print(text: str) -> None:
    try:
        parsed = Checkpoint.parse(text)
    except FormatError:
        return
    assert parsed.text() == text


@given(st.text(max_size=300))
def test_any_note_text_is_refused_with_a_typed_error(text: str) -> None:
    with pytest.raises(FormatError):
        open_note(text, [])
    with pytest.raises(proofs.Bad):
        proofs.read_note(text.encode("utf-8", "replace"), "x+00000000+AA==")


def test_tile_names() -> None:
    assert tile_number(0) == "000"
    assert tile_number(1234067) == "x001/x234/067"
    assert tile_path(1, 5, 17) == "tile/1/005.p/17"
    for number in (0, 7, 255, 999, 1000, 123456, 1234067):
        assert tile_name(number) == tile_number(number)


class Fixture:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.signer = NoteSigner("archiver.invalid/test", Ed25519PrivateKey.generate())
        self.author = Author("tester", Ed25519PrivateKey.generate())
        self.ledger = self.open()

    def open(self) -> Ledger:
        return Ledger(self.folder, self.signer, self.folder / "head", "archiver/test")

    def add(self, count: int = 1) -> None:
        self.ledger.append([Event("checked", system_clock(), {"n": n}) for n in range(count)], self.author)


@pytest.fixture
def fixture(tmp_path: Path) -> Fixture:
    return Fixture(tmp_path)


@pytest.mark.parametrize("grows", [1, 253, 300], ids=["wider", "whole", "beyond"])
@pytest.mark.parametrize(
    "read", [lambda folder: Tiles(folder, 3)._read("entries", 0, 3), lambda folder: _read_tile(folder, "entries", 0, 3)]
)
def test_a_tile_that_grows_while_it_is_read(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch, grows: int, read: Callable[[Path], bytes]
) -> None:
    """Another process appends: the tile that was looked for is gone when it is read, its leaves are in the next one."""
    fixture.add(3)
    before = unpack_entries(read(fixture.ledger.folder))
    real = Path.read_bytes

    def late(path: Path) -> bytes:
        if "/entries/" in str(path):
            monkeypatch.setattr(Path, "read_bytes", real)
            fixture.add(grows)
        return real(path)

    monkeypatch.setattr(Path, "read_bytes", late)
    assert unpack_entries(read(fixture.ledger.folder))[:3] == before


@pytest.mark.parametrize("batches", [[1, 1, 1], [255, 1, 1], [256, 256], [300, 1], [1, 700], [3, 253, 256, 5]])
def test_tiles_give_the_tree(fixture: Fixture, batches: list[int]) -> None:
    for batch in batches:
        fixture.add(batch)
    checkpoint = fixture.ledger.checkpoint()
    assert checkpoint.size == sum(batches)
    tiles = Tiles(fixture.ledger.folder, checkpoint.size)
    entries = [entry for n in range(-(-checkpoint.size // 256)) for entry in tiles.entries(n)]
    hashes = [merkle.leaf_hash(entry) for entry in entries]
    assert merkle.root_of(hashes) == checkpoint.root
    for index in {0, checkpoint.size // 2, checkpoint.size - 1}:
        assert merkle.check_inclusion(
            hashes[index], index, checkpoint.size, fixture.ledger.inclusion(index), checkpoint.root
        )
    size = 0
    for batch in batches:
        size += batch
        proof = fixture.ledger.consistency(size)
        assert merkle.check_consistency(size, checkpoint.size, merkle.root_of(hashes[:size]), checkpoint.root, proof)


def test_entries_are_cut_apart_again() -> None:
    with pytest.raises(FormatError):
        unpack_entries(b"\x00\x05abc")


def test_events_written_before_a_crash_are_adopted(fixture: Fixture) -> None:
    fixture.add()
    saved = fixture.folder / "saved"
    shutil.copytree(fixture.ledger.folder, saved)
    head = (fixture.folder / "head").read_text()
    fixture.add()
    # As if the process had died right after the event was synced:
    shutil.rmtree(fixture.ledger.folder)
    shutil.copytree(saved, fixture.ledger.folder)
    (fixture.folder / "head").write_text(head)
    assert fixture.open().recover() == 1
    assert fixture.open().checkpoint().size == 2


def test_a_head_that_was_not_published_is_published(fixture: Fixture) -> None:
    fixture.add(2)
    before = (fixture.ledger.folder / "checkpoint").read_bytes()
    fixture.add()
    (fixture.ledger.folder / "checkpoint").write_bytes(before)
    (fixture.ledger.folder / "checkpoints" / "3").unlink()
    assert fixture.open().recover() == 1
    assert fixture.open().checkpoint().size == 3


def test_a_rolled_back_ledger_signs_nothing(fixture: Fixture) -> None:
    fixture.add(2)
    saved = fixture.folder / "backup"
    shutil.copytree(fixture.ledger.folder, saved)
    fixture.add(3)
    shutil.rmtree(fixture.ledger.folder)
    shutil.copytree(saved, fixture.ledger.folder)
    with pytest.raises(LedgerError, match="rolled back"):
        fixture.add()
    assert fixture.open().checkpoint().size == 2


def test_a_fork_signs_nothing(fixture: Fixture, tmp_path: Path) -> None:
    fixture.add(2)
    other = Fixture(tmp_path / "other")
    other.signer = fixture.signer
    other.ledger = other.open()
    other.add(2)
    shutil.rmtree(fixture.ledger.folder)
    shutil.copytree(other.ledger.folder, fixture.ledger.folder)
    with pytest.raises(LedgerError, match="second history"):
        fixture.add()


@pytest.mark.parametrize("name", ["checkpoint", "tile/0/000.p/3", "tile/entries/000.p/3"])
def test_a_damaged_ledger_is_refused_and_not_changed(fixture: Fixture, name: str) -> None:
    fixture.add(3)
    path = fixture.ledger.folder / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))
    before = {p: p.read_bytes() for p in fixture.ledger.folder.rglob("*") if p.is_file()}
    if name.startswith("tile/entries"):  # entries are covered by the hashes; `check` compares them
        return
    with pytest.raises(LedgerError):
        fixture.add()
    assert {p: p.read_bytes() for p in fixture.ledger.folder.rglob("*") if p.is_file()} == before


def test_two_processes_append_side_by_side(fixture: Fixture) -> None:
    import threading

    others = [fixture.open() for _ in range(4)]

    def work(ledger: Ledger) -> None:
        for n in range(10):
            ledger.append([Event("checked", system_clock(), {"n": n})], fixture.author)

    threads = [threading.Thread(target=work, args=(ledger,)) for ledger in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fixture.ledger.checkpoint().size == 40
    seqs = {body["seq"] for n in range(40) if (body := fixture.ledger.read_event(n))}
    assert seqs == set(range(40))


def test_a_reader_reads_what_the_writer_wrote_and_writes_nothing(fixture: Fixture, tmp_path: Path) -> None:
    reader = LedgerReader(fixture.folder, lambda: fixture.signer.key)
    assert reader.checkpoint().size == 0
    assert not reader.folder.exists()
    fixture.add(300)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert reader.checkpoint() == fixture.ledger.checkpoint()
    assert reader.read_event(299) == fixture.ledger.read_event(299)
    assert reader.read_event(300) is None
    assert reader.inclusion(7) == fixture.ledger.inclusion(7)
    assert reader.consistency(256) == fixture.ledger.consistency(256)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_a_reader_follows_a_hand_over_and_refuses_another_key(fixture: Fixture) -> None:
    keys = [fixture.signer.key]
    reader = LedgerReader(fixture.folder, lambda: keys[-1])
    fixture.add()
    keys.append(NoteSigner("stranger/1", Ed25519PrivateKey.generate()).key)
    with pytest.raises(LedgerError):
        reader.checkpoint()
    keys.append(fixture.signer.key)
    assert reader.checkpoint().size == 1


def test_a_hand_over_while_a_reader_reads_is_no_damage(fixture: Fixture) -> None:
    """Between the reading of the checkpoint and that of its key, and the other way round."""
    fixture.add()
    stale = NoteSigner(fixture.signer.name, Ed25519PrivateKey.generate())
    asked = iter([stale.key, fixture.signer.key])
    assert LedgerReader(fixture.folder, lambda: next(asked, fixture.signer.key)).checkpoint().size == 1
    path = fixture.folder / "ledger" / "checkpoint"
    note = path.read_text("utf-8")
    path.write_text(sign(note.partition("\n\n")[0] + "\n", stale), "utf-8")

    def meanwhile() -> VerifierKey:
        path.write_text(note, "utf-8")
        return fixture.signer.key

    assert LedgerReader(fixture.folder, meanwhile).checkpoint().size == 1
