"""Power cuts on a real file system: ext4 on a loop device, whose image is copied at random moments and mounted again.

A copy of the image holds what the kernel had written to the device: what was never synced is missing or cut, as it is
after a power cut. It is taken while nothing is written to the device, so that it is one moment's. What it does not show:
a disk that loses what it said was written, and sectors torn in the middle.
"""

from __future__ import annotations

import json
import os
import random
import re
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from archiver.checks.home import check_home
from archiver.checks.lines import Finding
from archiver.cli.main import main
from tests.conftest import CI, World, need, plain_home
from tests.support.forked import Command, Forked
from tests.support.soak import Tried, seeded

SEED = seeded(20261130)
SIZE = 96 << 20
POST, FILM = "https://t.me/ozen_today/11", "https://youtu.be/Zh5janSq001"
AtHome = Callable[..., int]
SEALED = re.compile(r"captures/\d{4}/\d\d/\d\d/[\w-]+")


@dataclass(frozen=True)
class Disk:
    """A file system in a file, mounted at `place`; copies of it are mounted at `cut`."""

    image: Path
    place: Path
    cut: Path

    def copy(self) -> Path:
        """Copy the image as it is at one moment: again, where something was written to the device meanwhile.

        Each copy is another file. One that is written over may still be mounted elsewhere: a process with mounts of its
        own (`unshare --mount`) keeps them, and a new mount then shows what was cached of the copy before.
        """
        device = run("losetup", "--noheadings", "--output", "NAME", "--associated", str(self.image)).split()[0]
        written = Path("/sys/block") / Path(device).name / "stat"
        copy = self.image.with_name(f"cut-{secrets.token_hex(4)}.img")
        for _ in range(200):
            before = written.read_text().split()[4:7]
            shutil.copyfile(self.image, copy)
            if written.read_text().split()[4:7] == before:
                return copy
        raise AssertionError("the device was written to all the time")


def run(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=60).stdout


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    for program in ("mkfs.ext4", "e2fsck", "mount", "losetup"):
        need(program)
    made = Disk(tmp_path / "disk.img", tmp_path / "place", tmp_path / "cut")
    made.place.mkdir()
    made.cut.mkdir()
    with open(made.image, "wb") as image:
        image.truncate(SIZE)
    try:
        run("mkfs.ext4", "-q", "-F", str(made.image))
        run("mount", "-o", "loop", str(made.image), str(made.place))
    except (subprocess.CalledProcessError, OSError) as error:
        (pytest.fail if CI else pytest.skip)(f"loop devices cannot be mounted here: {error}")
    yield made
    for place in (made.cut, made.place):
        subprocess.run(["umount", "-l", str(place)], capture_output=True, check=False)


@pytest.fixture(scope="module")
def template(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two captures and a recovery key beside it."""
    work = tmp_path_factory.mktemp("template")
    home = plain_home(work / "home")
    for link in (POST, FILM):
        assert main(["--home", str(home.path), "capture", link], world.network, {}) == 0
    (work / "handed").mkdir()
    (work / "handed" / "note.txt").write_bytes(b"words of a witness\n" * 2000)
    assert main(["--home", str(home.path), "recovery", "new", str(work / "recovery.age-key")], world.network, {}) == 0
    return work


def commands(place: Path, template: Path, first: str) -> dict[str, Sequence[str]]:
    return {
        "capture": ("capture", "https://t.me/ozen_today/16"),
        "crawl": ("crawl", "https://t.me/s/ozen_today", "--limit", "30"),
        "receive": ("receive", str(template / "handed"), "--from", "S-014", "--via", "signal"),
        "export": ("export", "inbox", "--to", str(place / "out"), "--profile", "full", "--yes", "--name", "pack"),
        "rotate": ("keys", "rotate"),
        "sync": ("sync",),
        "seal": ("note", first, "words"),
        "case": ("case", "new", "almaty"),
    }


def campaign(
    disk: Disk, template: Path, world: World, forked: Callable[[Command], Forked], cuts: int, seed: int
) -> None:
    """`cuts` power cuts: in the middle of a command, right after its end, or after a killed one was recovered."""
    chance = random.Random(seed)
    names = list(commands(disk.place, template, ""))
    wrong, held = [], 0

    def at_home(home: Path, *words: str) -> int:
        return forked(Command(["--home", str(home), *words], world.network, template / "after.log")).wait()

    for number in range(cuts):
        for left in disk.place.iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        home, log = disk.place / "home", template / f"log-{seed}-{number}"
        shutil.copytree(template / "home", home, symlinks=True)
        (disk.place / "copies").mkdir()
        (disk.place / "out").mkdir()
        set_second(home, disk.place / "copies")
        sealed = sorted(path.parent.relative_to(home) for path in home.glob("captures/*/*/*/*/manifest.json"))
        os.sync()
        name = names[number % len(names)]
        how = chance.choice(["middle", "end", "recovered"])
        words = ["--home", str(home), *commands(disk.place, template, sealed[0].name)[name]]
        process = forked(Command(words, world.network, log))
        if how != "end":
            time.sleep(chance.uniform(0.05, 3.0 if name in ("capture", "crawl", "export") else 1.2))
            process.kill()
        code = process.wait()
        if how == "recovered":
            code = -9
            forked(Command(["--home", str(home), "case", "list"], world.network, log)).wait()
        copy = disk.copy()
        said = log.read_text("utf-8")
        log.unlink()
        subprocess.run(["e2fsck", "-fy", str(copy)], capture_output=True, check=False, timeout=60)
        run("mount", "-o", "loop", str(copy), str(disk.cut))
        try:
            found = list(after_the_cut(disk.cut, name, code, said, [str(one) for one in sealed], at_home))
        finally:
            run("umount", str(disk.cut))
            copy.unlink()
        wrong += [{"cut": number, "command": name, "how": how, "code": code, "wrong": one} for one in found]
        held += len(set(SEALED.findall(said)))
    print(f"\n{cuts} power cuts, {held} captures said to be sealed, {len(wrong)} things wrong")
    assert not wrong, json.dumps(wrong, indent=1, ensure_ascii=False)


def set_second(home: Path, place: Path) -> None:
    path = home / "archiver.toml"
    path.write_text(re.sub(r"(?m)^second = .*$", f'second = "{place}"', path.read_text("utf-8")), "utf-8")


def after_the_cut(disk: Path, name: str, code: int, said: str, sealed: list[str], at_home: AtHome) -> Iterator[str]:
    """What is wrong on the disk after the power cut."""
    home = disk / "home"
    path = home / "archiver.toml"
    path.write_text(re.sub(r"(?m)^second = .*$", f'second = "{disk / "copies"}"', path.read_text("utf-8")), "utf-8")
    for capture in {*sealed, *SEALED.findall(said)}:
        if not (home / capture / "manifest.json").exists():
            yield f"{capture} was said to be sealed, and is not there"
    if name == "export" and code == 0:
        packages = [one.stat().st_size for one in (disk / "out").glob("pack.tar.age")]
        if not packages or not packages[0]:
            yield "the package is empty or not there"
    if name == "case" and code == 0 and not (home / "keys" / "cases" / "almaty.age-key").exists():
        yield "the key of the case is not there"
    first = Path(sealed[0]).name
    for words in (["note", first, "after the cut"], ["status"], ["sync"] if name == "sync" else ["case", "list"]):
        if at_home(home, *words) != 0:
            yield f"{words[0]} does not work any more"
    for line in check_home(home):
        if line.finding is Finding.DAMAGED:
            yield f"check: {line.text()}"


def test_a_few_power_cuts(disk: Disk, template: Path, world: World, forked: Callable[[Command], Forked]) -> None:
    campaign(disk, template, world, forked, 6, SEED)


@pytest.mark.soak("power")
@pytest.mark.parametrize("half", [1, 2])
def test_sixty_power_cuts(
    disk: Disk, template: Path, world: World, forked: Callable[[Command], Forked], half: int, tried: Tried
) -> None:
    campaign(disk, template, world, forked, 30, SEED + half)
    tried("power cuts", 30)
