"""Whatever a power cut or a bad disk made of an unsealed folder: other commands work, and what is sealed is true."""

from __future__ import annotations

import json
import os
import random
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest

from archiver.checks.home import check_home
from archiver.checks.lines import Finding
from archiver.cli.main import main
from archiver.signer.withheld import LocalDecryptor
from storage import canonical
from storage.capture import CaptureWriter
from storage.records import Exchange
from storage.recovery import recover_folder
from storage.times import system_clock
from storage.warc import complete_members, parse_header
from tests.conftest import World, plain_home
from tests.support.soak import SOAK, Tried, seeded

FILM = "https://youtu.be/Zh5janSq001"
"""Its video comes in pieces."""
POST = "https://t.me/ozen_today/11"
MARK = b"words that somebody else left here"


@dataclass(frozen=True)
class Left:
    """A home with one sealed capture and two that a process left open: of a film, and of a post that is held already."""

    home: Path
    film: str
    post: str
    world: World


@pytest.fixture(scope="module")
def left(world: World, tmp_path_factory: pytest.TempPathFactory) -> Left:
    work = tmp_path_factory.mktemp("left")
    home = plain_home(work / "home").path
    assert main(["--home", str(home), "capture", POST], world.network, {}) == 0
    opened: list[Path] = []

    def dies(writer: CaptureWriter, *given: object, **more: object) -> NoReturn:
        if not opened:
            half_a_film(writer)
        shutil.copytree(writer.folder, work / writer.folder.name)
        opened.append(writer.folder)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CaptureWriter, "close", dies)
        for link in (FILM, POST):
            main(["--home", str(home), "capture", link], world.network, {})
    for folder in opened:
        shutil.rmtree(folder)
        (work / folder.name).rename(folder)
    film, post = (str(folder.relative_to(home)) for folder in opened)
    return Left(home, film, post, world)


def half_a_film(writer: CaptureWriter) -> None:
    """A large answer of which half came: a spool."""
    sink = writer.exchange(
        Exchange("https://big.example/film.mp4", system_clock(), [b"GET / HTTP/1.1\r\n\r\n"]), threading.Event().set
    )
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n"
    sink.head(head, status=200, content_type="text/plain", content_encoding=None, expected=9_000_000, chunked=False)
    for number in range(3):
        piece = b"".join(b"%d line %d of many\n" % (number, n * n) for n in range(50_000))
        sink.body(piece, piece)
    sink.abandon()


# -- the kinds of damage -----------------------------------------------------------------------------

Damage = Callable[[Path], None]


def changed(pattern: str, change: Callable[[bytes], bytes]) -> Damage:
    """Another content of the first file that fits."""

    def damage(folder: Path) -> None:
        path = first(folder, pattern)
        path.write_bytes(change(path.read_bytes()))

    return damage


def first(folder: Path, pattern: str) -> Path:
    return sorted(folder.glob(pattern))[0]


def all_gone(pattern: str) -> Damage:
    def damage(folder: Path) -> None:
        for path in list(folder.glob(pattern)):
            path.unlink()

    return damage


def both(one: Damage, other: Damage) -> Damage:
    def damage(folder: Path) -> None:
        one(folder)
        other(folder)

    return damage


def zeros(at: float, size: int = 300) -> Callable[[bytes], bytes]:
    """Zeros from a place on, a part of the whole."""

    def change(data: bytes) -> bytes:
        start = int(len(data) * at)
        end = min(len(data), start + size)
        return data[:start] + bytes(end - start) + data[end:]

    return change


def no_bytes(data: bytes) -> bytes:
    return b""


def all_zeros(data: bytes) -> bytes:
    return bytes(len(data))


def folder_with_file(path: Path) -> None:
    path.mkdir()
    (path / "in it").write_bytes(MARK)


def as_folder(pattern: str) -> Damage:
    def damage(folder: Path) -> None:
        path = first(folder, pattern)
        path.unlink()
        folder_with_file(path)

    return damage


def as_link(pattern: str) -> Damage:
    def damage(folder: Path) -> None:
        path = first(folder, pattern)
        path.unlink()
        path.symlink_to("/etc/hostname")

    return damage


def beside(name: str, make: Callable[[Path], object]) -> Damage:
    def damage(folder: Path) -> None:
        make(folder / name)

    return damage


def closed(then: Damage) -> Damage:
    """The process died between the manifest and the event; then came the damage."""

    def damage(folder: Path) -> None:
        recover_folder(folder, system_clock, lambda report: None, lambda record, digest: "20260101T000000-aaaaaaaa")
        then(folder)

    return damage


def line(name: str, edit: Callable[[dict[str, Any]], object], number: int = 0) -> Damage:
    """A line that can be read and says something else."""

    def damage(folder: Path) -> None:
        path = folder / name
        lines = path.read_bytes().splitlines()
        value = json.loads(lines[number])
        edit(value)
        lines[number] = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        path.write_bytes(b"\n".join(lines) + b"\n")

    return damage


WHOLE, ASIDE, LOST = "nothing is lost", "something is set aside", "something is lost"
LINES = ("records.jsonl.open", "posts.jsonl.open", "inventory.jsonl.open")
WARC, SPOOL = "*.warc.gz.open", "*.spool"
KINDS: dict[str, tuple[Damage, str]] = {"none": (lambda folder: None, WHOLE)}
for each in LINES:
    KINDS |= {
        f"{each} empty": (changed(each, no_bytes), WHOLE),
        f"{each} gone": (all_gone(each), WHOLE),
        f"{each} torn": (changed(each, lambda data: data[:-40]), ASIDE),
        f"{each} zeros at its start": (changed(each, zeros(0)), ASIDE),
        f"{each} zeros in the middle": (changed(each, zeros(0.5)), ASIDE),
        f"{each} zeros at its end": (changed(each, lambda data: data[:-200] + bytes(200)), ASIDE),
        f"{each} all zeros": (changed(each, all_zeros), ASIDE),
        f"{each} zeros behind it": (changed(each, lambda data: data + bytes(512) + b"\n"), ASIDE),
        f"{each} other words behind it": (changed(each, lambda data: data + MARK), ASIDE),
        f"{each} other JSON in it": (changed(each, lambda data: b'[1]\n{"a":1}\n' + data), ASIDE),
        f"{each} a folder": (as_folder(each), ASIDE),
        f"{each} a link": (as_link(each), ASIDE),
    }
KINDS |= {
    "a record listed twice": (changed(LINES[0], lambda data: data + data.splitlines(keepends=True)[2]), ASIDE),
    "a record listed wrong, then right": (changed(LINES[0], lambda data: wrong_line(data) + data), ASIDE),
    "a thing discovered twice": (changed(LINES[2], lambda data: data + data), ASIDE),
    "a record listed elsewhere": (line(LINES[0], lambda one: one.update(offset=7), 3), WHOLE),
    "a record listed with another digest": (line(LINES[0], lambda one: one.update(block_digest="sha256:00"), 3), ASIDE),
    "a record listed with another link": (line(LINES[0], lambda one: one.update(uri="https://other.example/"), 3), ASIDE),
    "a record with half a line": (line(LINES[0], lambda one: one.pop("offset"), 3), ASIDE),
    "a record listed that never was": (line(LINES[0], lambda one: one.update(id="<urn:uuid:0>"), 3), LOST),
    "a post of no platform": (line(LINES[1], lambda one: one.pop("platform")), ASIDE),
    "another link": (line(LINES[2], lambda one: one.update(url="https://other.example/")), ASIDE),
    "an outcome of no kind": (line(LINES[2], lambda one: one.update(key="page 9", outcome="fine"), -1), ASIDE),
    "warc empty": (changed(WARC, no_bytes), LOST),
    "warc gone": (lambda folder: first(folder, WARC).unlink(), LOST),
    "warcs gone": (all_gone(WARC), LOST),
    "warcs and lines gone": (both(all_gone(WARC), all_gone(LINES[0])), LOST),
    "warc cut": (changed(WARC, lambda data: data[: len(data) // 2]), LOST),
    "warc torn at its end": (changed(WARC, lambda data: data[:-3]), LOST),
    "warc zeros at its start": (changed(WARC, zeros(0, 3000)), LOST),
    "warc zeros in the middle": (changed(WARC, zeros(0.5)), LOST),
    "warc zeros at its end": (changed(WARC, zeros(0.98, 10**9)), LOST),
    "warc all zeros": (changed(WARC, all_zeros), LOST),
    "warc with other bytes behind it": (changed(WARC, lambda data: data + MARK), ASIDE),
    "warc with zeros behind it": (changed(WARC, lambda data: data + bytes(4096)), ASIDE),
    "warc with other bytes before it": (changed(WARC, lambda data: MARK + data), ASIDE),
    "warc without its warcinfo": (lambda folder: without_first(first(folder, WARC)), WHOLE),
    "a piece of a film zeroed": (lambda folder: without_piece(folder), LOST),
    "warc a folder": (as_folder(WARC), LOST),
    "private record empty": (changed("private.age-lines.open", no_bytes), WHOLE),
    "private record gone": (all_gone("private.age-lines.open"), WHOLE),
    "private record torn": (changed("private.age-lines.open", lambda data: data[:-9]), ASIDE),
    "private record zeros": (changed("private.age-lines.open", all_zeros), ASIDE),
    "private record zeros behind it": (changed("private.age-lines.open", lambda data: data + bytes(512)), ASIDE),
    "open.json empty": (changed("open.json", no_bytes), ASIDE),
    "open.json zeros": (changed("open.json", all_zeros), ASIDE),
    "open.json gone": (all_gone("open.json"), WHOLE),
    "open.json half": (changed("open.json", lambda data: data[:200]), ASIDE),
    "open.json of something else": (changed("open.json", lambda data: b'{"a":1}'), ASIDE),
    "open.json and inventory gone": (both(all_gone("open.json"), all_gone(LINES[2])), WHOLE),
    "open.json a folder": (as_folder("open.json"), ASIDE),
    "manifest empty": (beside("manifest.json", Path.touch), ASIDE),
    "manifest zeros": (beside("manifest.json", lambda path: path.write_bytes(bytes(200))), ASIDE),
    "manifest other JSON": (beside("manifest.json", lambda path: path.write_bytes(b"{}")), ASIDE),
    "closed": (closed(lambda folder: None), WHOLE),
    "closed, manifest zeros": (closed(changed("manifest.json", all_zeros)), ASIDE),
    "closed, manifest gone": (closed(all_gone("manifest.json")), WHOLE),
    "closed, records empty": (closed(changed("records.jsonl", no_bytes)), ASIDE),
    "closed, posts zeros": (closed(changed("posts.jsonl", all_zeros)), ASIDE),
    "closed, inventory gone": (closed(all_gone("inventory.jsonl")), ASIDE),
    "closed, warc empty": (closed(changed("*.warc.gz", no_bytes)), LOST),
    "closed, private record empty": (closed(changed("private.age-lines", no_bytes)), ASIDE),
    "closed, something beside it": (closed(beside("more", lambda path: path.write_bytes(MARK))), ASIDE),
    "private.age of zeros": (beside("private.age", lambda path: path.write_bytes(bytes(400))), ASIDE),
    "spool zeros": (changed(SPOOL, all_zeros), ASIDE),
    "spool zeros in the middle": (changed(SPOOL, zeros(0.5, 5000)), ASIDE),
    "spool empty": (changed(SPOOL, no_bytes), ASIDE),
    "spool without its warcinfo": (changed(SPOOL, zeros(0, 100)), ASIDE),
    "spool's note zeros": (changed("*.spool.json", all_zeros), ASIDE),
    "spool's note empty": (changed("*.spool.json", no_bytes), ASIDE),
    "spool's note half": (changed("*.spool.json", lambda data: b'{"offset":1}'), ASIDE),
    "spool's note gone": (all_gone("*.spool.json"), ASIDE),
    "spool gone": (all_gone(SPOOL), ASIDE),
    "a hidden file": (beside(".DS_Store", lambda path: path.write_bytes(MARK)), ASIDE),
    "a name that no reader takes": (beside("nötes 1.txt", lambda path: path.write_bytes(MARK)), ASIDE),
    "a pipe": (beside("pipe", lambda path: os.mkfifo(path)), ASIDE),
    "a folder inside": (beside("lost+found", folder_with_file), ASIDE),
    "half a write": (beside(".records.jsonl.new", lambda path: path.write_bytes(MARK[:9])), WHOLE),
    "a file under both of its names": (beside("posts.jsonl", Path.touch), ASIDE),
    "the lock a folder": (as_folder(".lock"), "it is left"),
}  # fmt: skip


FURTHER = (
    "none", "records.jsonl.open torn", "inventory.jsonl.open all zeros", "warc cut", "warc gone", "open.json zeros", "closed",
    "closed, manifest zeros", "manifest other JSON", "spool zeros", "a folder inside", "the lock a folder",
)  # fmt: skip
"""What is put right by the first command is looked at by others too: by one of each sort of damage, in `make soak` by all."""


def wrong_line(data: bytes) -> bytes:
    """The line of a record with another digest."""
    value = json.loads(data.splitlines()[3])
    return json.dumps({**value, "block_digest": "sha256:00", "salt": "0" * 64}, separators=(",", ":")).encode() + b"\n"


def without_first(path: Path) -> None:
    path.write_bytes(path.read_bytes()[next(complete_members(path)).length :])


def without_piece(folder: Path) -> None:
    """Zeros in an answer that holds a piece of a file, where the list of its pieces is whole."""
    path = first(folder, WARC)
    of_film = [
        one for one in complete_members(path) if b"googlevideo" in one.head[:600] and b"WARC-Type: response" in one.head
    ]
    with open(path, "r+b") as stream:
        stream.seek(of_film[0].offset + 200)
        stream.write(bytes(100))


def readable(folder: Path) -> tuple[set[str], set[str]]:
    """What can be read in the files of a folder, whatever they are called: salts of lines, ids of records."""
    salts, ids = set(), set()
    for path in folder.rglob("*"):
        if path.is_symlink() or not path.is_file():
            continue
        for raw in path.read_bytes().split(b"\n"):
            try:
                value = json.loads(raw)
            except ValueError:
                continue
            if isinstance(value, dict) and "salt" in value:
                salts.add(value["salt"])
        ids |= {
            dict(parse_header(one.head))["WARC-Record-ID"] for one in complete_members(path) if one.head[:5] == b"WARC/"
        }
    return salts, ids


@pytest.mark.thorough("damage")
@pytest.mark.parametrize(
    ("which", "kind"),
    [("film", kind) for kind in KINDS] + [("post", kind) for kind in KINDS if kind.startswith(("records", "warc "))],
)
def test_whatever_befell_an_unsealed_folder(
    which: str, kind: str, left: Left, tmp_path: Path, capsys: pytest.CaptureFixture[str], tried: Tried
) -> None:
    tried("kinds of damage to a capture that was open", 1)
    home = tmp_path / "home"
    shutil.copytree(left.home, home)
    folder = home / getattr(left, which)
    damage, end = KINDS[kind]
    damage(folder)
    salts, ids = readable(folder)
    marked = any(MARK in path.read_bytes() for path in folder.rglob("*") if path.is_file())
    sealed = next(path.parent.name for path in home.glob("captures/*/*/*/*/manifest.json") if path.parent != folder)
    more = [["status"], ["catalog", "rebuild"]] if SOAK or kind in FURTHER else []
    for words in (["note", sealed, "seen"], *more):
        code = main(["--home", str(home), *words], left.world.network, {})
        assert code == 0, (words, capsys.readouterr().err)
    findings = [one for one in check_home(home) if one.finding is Finding.DAMAGED]
    if end == "it is left":
        assert [one.detail for one in findings] == ["was never sealed; `archiver catalog rebuild` seals it"]
        return
    assert not findings, [one.text() for one in findings]
    manifest = canonical.loads((folder / "manifest.json").read_bytes())
    assert (manifest["outcome"], manifest["capture"], manifest["test_routes"]) == ("partial", folder.name, True)
    said = manifest["recovered"]
    found = LOST if "lost" in said else ASIDE if "set_aside" in said else WHOLE
    assert found == end, said
    kept_salts, kept_ids = readable(folder)
    assert ids <= kept_ids
    gone = salts - kept_salts
    assert not gone, gone
    assert marked == any(MARK in path.read_bytes() for path in folder.iterdir())
    assert {entry["name"] for entry in manifest["files"]} | {"manifest.json"} == {
        path.name for path in folder.iterdir()
    }
    for name in said.get("set_aside", {}) | said.get("lost", {}):
        assert (folder / name).exists()


RANDOM: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "cut": lambda data, chance: data[: chance.randrange(len(data))],
    "zeros in it": lambda data, chance: zeros(chance.random(), chance.choice((1, 100, 4096)))(data),
    "zeros to its end": lambda data, chance: zeros(chance.random(), len(data))(data),
    "a bit turned": lambda data, chance: _at(data, chance, lambda piece: bytes([piece[0] ^ 1 << chance.randrange(8)]) + piece[1:]),
    "other bytes in it": lambda data, chance: _at(data, chance, lambda piece: chance.randbytes(len(piece))),
    "a piece left out": lambda data, chance: _at(data, chance, lambda piece: b""),
    "a piece twice": lambda data, chance: _at(data, chance, lambda piece: piece * 2),
    "something before it": lambda data, chance: chance.randbytes(chance.randint(1, 600)) + data,
    "something behind it": lambda data, chance: data + chance.randbytes(chance.randint(1, 600)),
}  # fmt: skip
FILES = (*LINES, WARC, "private.age-lines.open", "open.json", SPOOL, "*.spool.json")


def _at(data: bytes, chance: random.Random, change: Callable[[bytes], bytes]) -> bytes:
    """Change a piece of it, somewhere."""
    start = chance.randrange(len(data))
    piece = data[start : start + chance.randint(1, 500)]
    return data[:start] + change(piece) + data[start + len(piece) :]


@pytest.mark.soak("damage")
@pytest.mark.parametrize("kind", RANDOM)
@pytest.mark.parametrize("file", FILES)
def test_damage_at_any_place_of_any_file(
    file: str, kind: str, left: Left, tmp_path: Path, capsys: pytest.CaptureFixture[str], tried: Tried
) -> None:
    """What lies where is the seed's. What can still be read is kept, whatever it is then called, and every command works."""
    chance = random.Random(f"{seeded(20261202)} {file} {kind}")
    for number in range(3):
        home = tmp_path / f"home-{number}"
        shutil.copytree(left.home, home)
        folder = home / left.film
        path = first(folder, file)
        path.write_bytes(RANDOM[kind](path.read_bytes(), chance))
        salts, ids = readable(folder)
        sealed = next(one.parent.name for one in home.glob("captures/*/*/*/*/manifest.json") if one.parent != folder)
        for words in (["note", sealed, "seen"], ["status"], ["catalog", "rebuild"]):
            code = main(["--home", str(home), *words], left.world.network, {})
            assert code == 0, (number, words, capsys.readouterr().err)
        damaged = [one.text() for one in check_home(home) if one.finding is Finding.DAMAGED]
        assert not damaged, (number, damaged)
        assert canonical.loads((folder / "manifest.json").read_bytes())["outcome"] == "partial"
        kept_salts, kept_ids = readable(folder)
        assert (salts - kept_salts, ids - kept_ids) == (set(), set()), number
        tried("random damage to a capture that was open", 1)


def test_what_was_withheld_before_the_process_died_can_be_opened(left: Left, tmp_path: Path) -> None:
    """It lies in private.age-lines, one age file a line, each of several values; a line that is none hinders no other."""
    home = tmp_path / "home"
    shutil.copytree(left.home, home)
    path = home / left.film / "private.age-lines.open"
    path.write_bytes(b"not an age file\n" + path.read_bytes())
    assert recover_folder(path.parent, system_clock, lambda report: None, lambda record, digest: None) is not None
    assert [value.name for value in LocalDecryptor(home).withheld(path.parent)]


@pytest.mark.parametrize(
    ("name", "damaged"), [(".open.json.new", False), ("open.json", True), ("records.jsonl.open", True)]
)
def test_a_capture_that_died_as_it_began_is_no_damage(name: str, damaged: bool, tmp_path: Path) -> None:
    """Nothing was received, and no command takes it for a capture: half of its first file lies there."""
    home = plain_home(tmp_path / "home").path
    folder = home / "captures" / "2026" / "11" / "30" / "20261130T120000-abcdefgh"
    folder.mkdir(parents=True)
    (folder / ".lock").touch()
    (folder / name).write_bytes(MARK)
    assert any(one.finding is Finding.DAMAGED for one in check_home(home)) == damaged
