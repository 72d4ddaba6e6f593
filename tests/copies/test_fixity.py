"""Freeing local files and fetching them back; reading everything back, and repairing it from a copy."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from archiver.cli.main import main
from tests.support.copied import At, bodies, lines
from tests.support.places import FILM, Kept, add_place, evidence, new_bucket

# -- eviction --------------------------------------------------------------------------------------------


def test_large_files_are_freed_and_come_back_when_they_are_read(
    kept: Kept, every: At, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film, (_, second) = kept.film, kept.captures
    before = film.read_bytes()
    assert kept.run("evict", "inbox") == 4, "no copy yet"
    assert film.exists()
    assert kept.run("sync") == 0
    assert kept.run("evict", "inbox") == 0
    stub = film.with_name(f"{film.name}.evicted")
    assert not film.exists()
    assert json.loads(stub.read_bytes())["places"] == ["archive"]
    capsys.readouterr()
    assert kept.run("check") == 6
    assert "lie at the copies" in capsys.readouterr().out
    assert kept.run("show", second) == 0
    assert "freed here: 1 file," in capsys.readouterr().out
    assert kept.run("catalog", "rebuild") == 0
    assert kept.run("fixity") == 0
    assert kept.run("export", "inbox", "--to", str(tmp_path), "--profile", "full", "--no-encrypt", "--yes") in (0, 6)
    assert film.read_bytes() == before
    assert not stub.exists()
    assert kept.run("check") == 0
    assert bodies(kept.home, "evicted")[0]["detail"]["files"][0]["name"] == film.name


def test_a_file_stays_where_its_copy_is_damaged(kept: Kept, at: At, capsys: pytest.CaptureFixture[str]) -> None:
    assert kept.run("sync") == 0
    (key,) = (key for key in at.objects() if "/file/" in key)
    data = bytearray(at.objects()[key])
    data[len(data) // 2] ^= 1
    at.spoil(key, bytes(data))
    assert kept.run("evict", "inbox") == 4
    assert kept.film.stat().st_size > len(FILM)
    assert not bodies(kept.home, "evicted")


def test_a_stub_without_a_copy_is_said(
    kept: Kept, disk: At, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kept.run("sync") == 0
    assert kept.run("evict", "inbox") == 0
    shutil.move(disk.where, tmp_path / "unplugged")
    assert kept.run("evict", "inbox", "--back") == 6
    assert "Connect the place" in capsys.readouterr().err
    shutil.move(tmp_path / "unplugged", disk.where)
    assert kept.run("evict", "inbox", "--back") == 0
    assert kept.run("check") == 0


def test_two_copies_may_be_asked_for(kept: Kept, disk: At, s3: str) -> None:
    assert kept.run("sync") == 0
    assert kept.run("evict", "inbox", "--copies", "2") == 4
    add_place(kept.home, "cloud", f"s3://{new_bucket(s3)}", False, s3)
    assert kept.run("sync") == 0
    assert kept.run("evict", "inbox", "--copies", "2") == 0


# -- fixity ----------------------------------------------------------------------------------------------


def every_kind_here(home: Path) -> list[str]:
    return sorted(
        {
            path.name if "archiver-" not in path.name else "warc"
            for path in (home / "captures").rglob("*")
            if path.is_file()
        }
    )


HERE = ["inventory.jsonl", "manifest.json", "posts.jsonl", "private.age", "records.jsonl", "warc", "film"]


# What is damaged here is found without the copies; only where the repair comes from differs: a pack, or a file of its own.
@pytest.mark.parametrize(
    ("at", "kind"),
    [*(("folder", kind) for kind in HERE), ("own s3", "manifest.json"), ("own s3", "film"), ("s3", "warc")],
    indirect=["at"],
)
def test_a_flipped_bit_here_is_found_named_and_repaired(
    kept: Kept, at: At, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert set(every_kind_here(kept.home)) == {
        "inventory.jsonl",
        "manifest.json",
        "posts.jsonl",
        "private.age",
        "records.jsonl",
        "warc",
    }
    assert kept.run("sync") == 0
    folder = kept.folder_of(kept.captures[0])
    path = kept.film if kind == "film" else next(folder.glob("*.warc.gz")) if kind == "warc" else folder / kind
    before = path.read_bytes()
    data = bytearray(before or b"x")
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert kept.run("--json", "fixity", "--local") == 5
    found = next(line["damaged"] for line in lines(capsys) if "damaged" in line)
    assert (found["where"], found["name"]) == ("home", path.name)
    assert path.read_bytes() == bytes(data), "never silently"
    assert kept.run("fixity", "--repair") == 0
    assert path.read_bytes() == before
    assert [one.read_bytes() for one in (kept.home / "damaged").rglob(f"{path.name}.*")] == [bytes(data)]
    (repaired,) = bodies(kept.home, "repaired")
    assert repaired["detail"]["from"] == "archive"
    assert kept.run("check") == 0
    assert kept.run("fixity") == 0


@pytest.mark.parametrize("damage", ["flipped", "gone"])
def test_a_damaged_event_here_is_found_and_repaired(kept: Kept, at: At, damage: str) -> None:
    assert kept.run("sync") == 0
    path = kept.home / "events" / "000000" / "0000000003.json"
    before = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(before.replace(b'"salt":"', b'"salt":"00', 1)[: len(before)])
    assert kept.run("fixity", "--local") == 5
    assert kept.run("fixity", "--repair") == 0
    assert path.read_bytes() == before
    assert kept.run("fixity") == 0
    assert kept.run("check") == 0


LEDGER = {
    "the checkpoint": "ledger/checkpoint",
    "an older checkpoint": "ledger/checkpoints/2",
    "a tile of hashes": "ledger/tile/0/000.p/*",
    "a tile of entries": "ledger/tile/entries/000.p/*",
    "what the key has signed": "keys/ledger.head",
}


@pytest.mark.parametrize("damage", ["flipped", "cut", "gone"])
@pytest.mark.parametrize("kind", LEDGER)
def test_a_damaged_ledger_here_is_found_named_and_repaired(
    kept: Kept, disk: At, kind: str, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kept.run("sync") == 0
    assert kept.run("note", kept.captures[0], "not copied yet") == 0
    path = max(kept.home.glob(LEDGER[kind]), key=lambda one: int(one.name) if one.name.isdigit() else 0)
    before = path.read_bytes()
    data = bytearray(before)
    data[len(data) // 3] ^= 1
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(bytes(data) if damage == "flipped" else before[: len(before) // 2])
    name = path.relative_to(kept.home).as_posix()
    # Where the newest is gone, the next command publishes again what the key has signed, as after a crash.
    quiet = damage == "gone" and kind in ("the checkpoint", "an older checkpoint", "what the key has signed")
    assert kept.run("fixity", "--local") in ((0, 5) if quiet else (5,))
    assert not path.exists() if damage == "gone" and not quiet else True, "never silently"
    capsys.readouterr()
    assert kept.run("--json", "fixity", "--repair") == 0
    said = [line["damaged"] for line in lines(capsys) if isinstance(line.get("damaged"), dict)]
    # The signed result of the first look has rewritten the head already, from the checkpoint.
    assert [one["name"] for one in said] == [name] or quiet or path.name == "ledger.head", said
    assert kept.run("check") == 0
    assert kept.run("fixity") == 0
    if kind in (
        "a tile of hashes",
        "a tile of entries",
    ):  # it has grown meanwhile, by the event that tells of the repair
        assert before in max(path.parent.iterdir(), key=lambda one: int(one.name)).read_bytes()
    elif kind == "an older checkpoint":
        assert path.read_bytes() == before
    assert kept.run("sync") == 0


def test_events_and_the_tile_beside_them_lost_come_back_from_a_copy(kept: Kept, at: At) -> None:
    """Nothing here knows the entries any more."""
    assert kept.run("sync") == 0
    before = evidence(kept.home)
    for path in [*(kept.home / "ledger").rglob("*"), *(kept.home / "events").rglob("*")]:
        if path.is_file():
            path.unlink()
    assert kept.run("note", kept.captures[0], "on nothing") == 5
    assert kept.run("fixity", "--repair") == 0
    after = evidence(kept.home)
    assert {name: data for name, data in before.items() if name.startswith("events/")}.items() <= after.items()
    assert kept.run("check") == 0
    assert kept.run("sync") == 0


def test_two_things_lost_that_no_copy_has_are_not_guessed(kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    last = max((kept.home / "events").rglob("*.json"))
    last.write_bytes(last.read_bytes().replace(b'"salt":"', b'"salt":"0', 1))
    (tile,) = (kept.home / "ledger" / "tile" / "entries").rglob("[0-9]*.p/*")
    data = bytearray(tile.read_bytes())
    data[-5] ^= 1
    tile.write_bytes(data)
    before = evidence(kept.home)
    assert kept.run("fixity", "--repair") == 5
    assert "Nothing was changed" in capsys.readouterr().err
    assert evidence(kept.home) == before


def test_a_copy_ahead_of_the_key_is_no_repair(kept: Kept, disk: At, tmp_path: Path) -> None:
    """A home that was rolled back is not rolled forward by the way: that is for a person to decide."""
    twin = kept.again(tmp_path / "twin")
    assert kept.run("note", kept.captures[0], "only here") == 0
    assert kept.run("sync") == 0
    before = evidence(twin.home)
    (twin.home / "ledger" / "checkpoint").write_bytes(b"nothing")
    assert twin.run("fixity", "--repair") == 5
    (twin.home / "ledger" / "checkpoint").write_bytes(before["ledger/checkpoint"])
    assert evidence(twin.home) == before


KINDS = ["capture", "file", "key", "ledger", "tile", "checkpoint"]
THERE = [
    *(("folder", kind, damage) for kind in KINDS for damage in ("flipped", "gone")),
    *(("own s3", kind, "flipped") for kind in KINDS if kind != "key"),
    *(("own s3", kind, "gone") for kind in ("capture", "tile")),
    *(("s3", "key", damage) for damage in ("flipped", "gone")),
    ("s3", "file", "flipped"),
    ("own folder", "capture", "flipped"),
    ("own folder", "file", "gone"),
]
"""Each damage of each kind at one place, and each kind at a place of the other sort: places are read by the same code."""


@pytest.mark.parametrize(("at", "kind", "damage"), THERE, indirect=["at"])
def test_damage_at_a_copy_is_found_named_and_repaired(
    kept: Kept, at: At, kind: str, damage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kept.run("sync") == 0
    there = at.objects()
    key = max(key for key in there if f"/{kind}/" in key)
    data = bytearray(there[key])
    data[-20] ^= 1
    at.spoil(key, bytes(data) if damage == "flipped" else None)
    capsys.readouterr()
    code = kept.run("--json", "fixity")
    said = [line["damaged"] for line in lines(capsys) if "damaged" in line and "where" in str(line["damaged"])]
    if (kind, damage) == ("checkpoint", "gone"):
        assert code == 0, "an older checkpoint is a whole copy too; the next round puts the newest again"
        return
    assert code == 5
    assert said
    assert (kind, damage) == ("ledger", "gone") or [item for item in said if key.endswith(item["name"])], said
    assert kept.run("fixity", "--repair") == 0
    assert kept.run("fixity") == 0
    words = [*at.restore_words, "--recovery", str(kept.folder / "recovery.age-key")]
    assert kept.run("sync") == 0
    before = evidence(kept.home)
    assert main(["--home", str(tmp_path / "new"), *words], None, {}) == 0
    assert evidence(tmp_path / "new") == before


def test_what_is_read_can_be_chosen(kept: Kept, at: At, capsys: pytest.CaptureFixture[str]) -> None:
    assert kept.run("sync") == 0
    for words, captures in ((["--sample", "1"], 1), (["--older-than", "1"], 1), ([kept.captures[0]], 1), ([], 2)):
        assert kept.run("--json", "fixity", *words) == 0
        assert lines(capsys)[-1]["captures"] == captures, words
    assert kept.run("--json", "fixity", "--older-than", "1") == 0
    assert lines(capsys)[-1]["captures"] == 0, "all of it was read just now"
    checked = bodies(kept.home, "checked")
    assert all(body["detail"]["kind"] == "fixity" and body["signature"] for body in checked)


def test_a_place_that_does_not_answer_cannot_be_told_of(
    kept: Kept, disk: At, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kept.run("sync") == 0
    add_place(kept.home, "cloud", "s3://nowhere-bucket", False, "http://127.0.0.1:9")
    assert kept.run("fixity") == 6
    assert "cloud did not answer" in capsys.readouterr().err
