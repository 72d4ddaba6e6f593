"""What a colleague, or whoever keeps our copies, wrote into a manifest or an event: it names nothing outside of its folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from archiver.checks.captures import check_capture
from archiver.checks.lines import Finding
from archiver.cli.main import main
from archiver.copies.dispose import destroy_here
from archiver.home.home import Home
from archiver.seal.sealing import captured_event
from archiver.signer.local import LocalSigner
from archiver.version import software
from storage import canonical
from storage.capture import CaptureWriter, Identity
from storage.digest import sha256_hex
from storage.errors import FormatError
from storage.events import Event
from storage.files import create, write_synced
from storage.manifest import capture_place, is_name, listed_files
from tests.support.places import FILM, Kept, add_place

STRANGE = [
    "../../../../../../escaped.bin", "..", ".", "", ".hidden", "a/b", "/etc/passwd", "a\\b", "C:x", "a..b", "-rf", "a\nb", "a\x00b",
    "bücher", "a b", "x" * 201, "manifest.json", "MANIFEST.json", None, 7, ["a"],
]  # fmt: skip


def entry(name: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "size": 1, "sha256": "0" * 64, **more}


@pytest.mark.parametrize("name", STRANGE)
def test_a_name_that_is_none(name: Any) -> None:
    with pytest.raises(FormatError):
        listed_files({"files": [entry("good.warc.gz"), entry(name)]})


@pytest.mark.parametrize(
    "manifest",
    [
        [], None, {}, {"files": {}}, {"files": ["a"]}, {"files": [entry("a"), entry("A")]}, {"files": [entry("a", size=-1)]},
        {"files": [entry("a", size=True)]}, {"files": [entry("a", sha256="../x")]}, {"files": [{"name": "a"}]},
    ],
)  # fmt: skip
def test_a_list_of_files_that_is_none(manifest: Any) -> None:
    with pytest.raises(FormatError):
        listed_files(manifest)


@pytest.mark.parametrize(
    "folder", ["../../x", "captures/2026/../11/a", "captures/2026/11/22/b", "/captures/2026/11/a", "captures//1/2/a", 3]
)
def test_a_place_that_is_none(folder: Any) -> None:
    with pytest.raises(FormatError):
        capture_place({"folder": folder, "capture": "a"})
    assert capture_place({"folder": "captures/2026/11/22/a", "capture": "a"}) == "captures/2026/11/22/a"


def test_every_name_that_we_give_is_one(kept: Kept) -> None:
    for path in (kept.home / "captures").rglob("*"):
        assert path.name == ".lock" or is_name(path.name), path


def test_no_link_is_followed_where_we_write(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"of somebody else")
    for name in ("a", ".b.new"):
        (tmp_path / name).symlink_to(precious)
    with create(tmp_path / "a") as stream:
        stream.write(b"new")
    write_synced(tmp_path / "b", b"new")
    assert precious.read_bytes() == b"of somebody else"
    assert [(tmp_path / name).read_bytes() for name in "ab"] == [b"new"] * 2
    assert not (tmp_path / "a").is_symlink()


def forge(home: Home, change: Callable[[Path, dict[str, Any]], None], folder: str | None = None) -> str:
    """Seal one more capture, whose manifest or event says what `change` makes of it. Return its id."""
    moment = home.clock()
    capture = home.new_capture_id(moment)
    place, url = home.capture_folder(capture), "https://example.org/"
    identity = Identity(capture, capture, 1, url, bytes(32), software(), test_routes=False)
    writer = CaptureWriter(home.path / place, identity, home.recipients(["inbox"]), home.clock, monotonic)
    target = {"kind": "target", "url": url, "platform": "page", "target_kind": "page", "id": url}
    writer.inventory({**target, "target_salt": bytes(32).hex()})
    writer.close("captured", None)
    path = home.path / place / "manifest.json"
    manifest = canonical.loads(path.read_bytes())
    change(home.path / place, manifest)
    path.write_bytes(canonical.dumps(manifest))
    event = captured_event(home, place, ["inbox"])
    if folder is not None:
        event = Event(event.type, event.time, {**event.detail, "folder": folder})
    LocalSigner(home).append([event])
    writer.release()
    return capture


def listing(name: str, data: bytes) -> Callable[[Path, dict[str, Any]], None]:
    def change(folder: Path, manifest: dict[str, Any]) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
        manifest["files"].append({"name": name, "size": len(data), "sha256": sha256_hex(data)})

    return change


@pytest.fixture
def trusting(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A hand that copies whatever it was told to, as whoever writes there can."""
    monkeypatch.setattr("archiver.copies.packing.listed_files", lambda manifest: manifest["files"])
    monkeypatch.setattr("archiver.copies.sync.pack", _pack_anything)
    return monkeypatch


def _pack_anything(files: list[tuple[str, bytes]]) -> bytes:
    from storage.packs import pack

    return pack([(name, data) for name, data in files if data])  # what is empty is not looked for there


def colleague(kept: Kept, place: Path, names: list[str]) -> list[str]:
    """Copy to `place` what a hostile colleague sealed."""
    place.mkdir()
    add_place(kept.home, "archive", str(place), own=True)
    home = Home(kept.home)
    strange = [forge(home, listing(name, FILM[: 3 << 20] if "big" in name else b"")) for name in names]
    home.project()
    assert kept.run("sync") == 0
    return strange


@pytest.mark.parametrize("way", ["restore", "sync"])
@pytest.mark.damages
def test_nothing_is_written_outside(
    kept: Kept, way: str, tmp_path: Path, trusting: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    outside = tmp_path / "elsewhere" / "big-absolute.bin"
    names = ["../../../../../../big-escaped.bin", str(outside), "../../../../../../empty-escaped"]
    strange = colleague(kept, tmp_path / "disk", names)
    good = set(kept.captures) - set(strange)
    shutil.rmtree(outside.parent)
    for left in kept.home.parent.rglob("*escaped*"):
        left.unlink()
    trusting.undo()
    capsys.readouterr()
    if way == "restore":
        into = tmp_path / "a" / "b" / "new"
        words = ["restore", "--from", str(tmp_path / "disk"), "--recovery", str(kept.folder / "recovery.age-key")]
        assert main(["--home", str(into), *words], None, {}) == 2
    else:
        (tmp_path / "two").mkdir()
        two = Kept(tmp_path / "two")
        add_place(two.home, "team", str(tmp_path / "disk"), own=True)
        for name in ("inbox",):
            shutil.copy(kept.home / "keys" / "cases" / f"{name}.age-key", two.home / "keys" / "cases")
        assert two.run("sync", "--from", "team") == 2
        (into,) = (two.home / "others").iterdir()
    said = capsys.readouterr()
    told = said.out + said.err
    assert all(f"{capture}: expected plain names of files in what was sealed; found " in told for capture in strange)
    assert {path.name for path in (into / "captures").glob("*/*/*/2*")} == good
    assert not list(tmp_path.rglob("*escaped*"))
    assert not outside.exists()


@pytest.mark.damages
def test_what_strange_names_mean_here(kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    """A home that holds such a capture reads, copies, frees and packs nothing of it, and says so."""
    home = Home(kept.home)
    strange = forge(home, listing("../neighbour.bin", b"x"))
    (kept.folder / "disk").mkdir()
    add_place(kept.home, "archive", str(kept.folder / "disk"), own=True)
    for words in (["check"], ["fixity"], ["sync"], ["evict", strange], ["export", "inbox", "--profile", "full", "--no-encrypt",
                  "--yes", "--to", str(kept.folder / "out")]):  # fmt: skip
        assert kept.run(*words) != 0, words
        said = capsys.readouterr()
        assert "neighbour" in said.out + said.err, words
    assert not (kept.folder / "out" / "neighbour.bin").exists()


def test_an_event_that_names_another_folder(kept: Kept, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither is it read as a capture, nor is what lies there removed as disposed of."""
    home = Home(kept.home)
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "diary").write_text("mine")
    away = "../" * len(home.path.parts) + str(precious)[1:]
    capture = forge(home, lambda folder, manifest: None, away)
    detail = {"capture": capture, "folder": away, "manifest_sha256": "0" * 64, "seqs": [], "large": []}
    home.project()
    assert home.catalog.capture(capture) is None
    (line,) = check_capture(home.path / away, detail, None)
    assert line.finding is Finding.DAMAGED
    LocalSigner(home).append([Event("disposed", home.clock(), detail)])
    home.project()
    assert destroy_here(home) == []
    assert (precious / "diary").exists()
