"""kill -9 at random moments of capture, seal, sync, evict, dispose and rebuild: nothing sealed is lost, nothing is torn."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archiver.cli.main import main
from archiver.home.home import Home
from storage import canonical
from storage.digest import sha256_hex
from tests.support.places import Kept, add_place, evidence
from tests.support.soak import seeded
from tests.support.zygote import Zygote

KILLS_PER_HOME = 20
SEED = seeded(20261123)


@pytest.fixture
def worker() -> Iterator[Zygote]:
    made = Zygote("tests.support.copies_child")
    yield made
    made.close()


class World:
    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.kept = Kept(folder)
        self.disk = folder / "disk"
        self.disk.mkdir()
        add_place(self.kept.home, "archive", str(self.disk))
        self.kept.recovery()
        assert self.kept.run("keys", "new", "R-2", "--role", "reviewer") == 0
        assert self.kept.run("receive", str(folder / "words.txt"), "--from", "S-1", "--via", "usb") == 0
        self.sealed: dict[str, str] = {}

    def look(self) -> None:
        """What must be true after every kill and the next command."""
        home = Home(self.kept.home)
        assert self.kept.run("recovery", "list") == 0, "the next command that writes"
        assert self.kept.run("note", self.kept.captures[-1], "and one more") == 0
        code = self.kept.run("check", "--quiet")
        assert code in (0, 6), "6: some files are evicted"
        home = Home(self.kept.home)
        home.project()
        bodies = home.catalog.all_bodies()
        now = {
            body["detail"]["capture"]: body["detail"] for body in bodies if body["type"] in ("captured", "recovered")
        }
        gone = {body["detail"]["capture"] for body in bodies if body["type"] == "disposed"}
        for capture, digest in self.sealed.items():
            assert now[capture]["manifest_sha256"] == digest, "what was sealed is still what was sealed"
        self.sealed = {capture: detail["manifest_sha256"] for capture, detail in now.items()}
        for capture, detail in now.items():
            folder = self.kept.home / detail["folder"]
            if capture in gone:
                assert not folder.exists()
            else:
                self._held(capture, folder, detail)
        assert self.kept.run("fixity", "--remote") == 0, "no object is torn, none is lost"
        for path in self.disk.rglob("*"):
            assert (
                not path.is_file() or path.name.startswith(".") or path.read_bytes().startswith(b"age-encryption.org")
            )

    def _held(self, capture: str, folder: Path, detail: dict[str, Any]) -> None:
        """Every file is here, or its stub is and a copy was told of."""
        data = (folder / "manifest.json").read_bytes()
        assert sha256_hex(data) == detail["manifest_sha256"]
        for entry in canonical.loads(data)["files"]:
            path = folder / entry["name"]
            if path.exists():
                assert sha256_hex(path.read_bytes()) == entry["sha256"]
            else:
                assert path.with_name(f"{path.name}.evicted").exists()
                (copy,) = Home(self.kept.home).catalog.copies(capture=capture)
                assert entry["name"] in [item.get("name") for item in copy["objects"]]

    def whole(self, folder: Path) -> None:
        """At the end: everything comes back from the copies."""
        assert self.kept.run("sync") == 0
        assert self.kept.run("evict", "inbox", "--back") == 0
        words = ["restore", "--from", str(self.disk), "--recovery", str(self.kept.folder / "recovery.age-key")]
        assert main(["--home", str(folder), *words], None, {}) == 0
        assert without_stale_tiles(folder) == without_stale_tiles(self.kept.home)
        assert main(["--home", str(folder), "check"], None, {}) == 0


def without_stale_tiles(home: Path) -> dict[str, bytes]:
    """A kill may leave a partial tile that a wider one stands in place of, and a folder of a capture that never began."""
    return {name: data for name, data in evidence(home).items() if ".p/" not in name and "/." not in name}


def campaign(tmp_path: Path, worker: Zygote, kills: int, seed: int) -> None:
    moments = random.Random(seed)
    world: World | None = None
    for number in range(kills):
        if number % KILLS_PER_HOME == 0:
            if world is not None:
                world.whole(tmp_path / f"new-{number}")
                shutil.rmtree(tmp_path / f"new-{number}")
                shutil.rmtree(world.kept.folder)
            world = World(tmp_path / f"world-{number}")
        assert world is not None
        files = [str(world.kept.folder / name) for name in ("words.txt", "film.bin")]
        log = str(tmp_path / "log")
        child = worker.start({"home": str(world.kept.home), "files": files, "log": log, "seed": moments.random()})
        time.sleep(moments.uniform(0.02, 2.0))  # the moment is what the test is about
        worker.kill(child)
        world.look()
    assert world is not None
    world.whole(tmp_path / "new")


def test_kills_of_work_with_copies(tmp_path: Path, worker: Zygote) -> None:
    campaign(tmp_path, worker, 10, SEED)


@pytest.mark.soak("copies")
def test_a_thousand_kills_of_work_with_copies(tmp_path: Path, worker: Zygote) -> None:
    campaign(tmp_path, worker, 1000, SEED + 1)
