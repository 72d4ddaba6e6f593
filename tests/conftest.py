"""What the tests share: a home, the miniature platforms, the recordings, and how thorough to be."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyrage
import pytest

from archiver.cli.main import main
from archiver.demo.scene import Scene
from archiver.demo.scene import platforms as start_platforms
from archiver.home.home import Home
from archiver.recorder.network import TestNetwork
from archiver.recorder.proxy import Recorder
from archiver.signer.create_home import SetupAnswers, create_home
from storage.capture import CaptureWriter, Identity
from storage.times import system_clock
from tests.support.forked import Command, Forked
from tests.support.generated import generated_once
from tests.support.telegram_world import TelegramShell, TelegramWorld, made_world
from tests.support.zygote import Zygote

pytest_plugins = [
    "tests.support.sizes",
    "tests.support.soak",
    "tests.support.in_memory",
    "tests.support.sound",
    "tests.support.cheap_children",
]
CI = os.environ.get("CI") == "true"
FIXTURES = Path(__file__).resolve().parents[2] / "shared" / "fixtures"


@pytest.fixture(scope="session")
def recordings() -> Path:
    """Real recordings of the platforms, which are not part of the project."""
    if not FIXTURES.is_dir():
        pytest.skip(f"the recordings are not at {FIXTURES}; these tests need them")
    return FIXTURES


def need(program: str) -> str:
    """The program's path, or a skip that names it; in CI its absence is a failure."""
    found = shutil.which(program) or shutil.which(program, path="/usr/bin:/usr/sbin:/usr/local/bin")
    if found is None:
        if CI:
            pytest.fail(f"{program} is not installed; scripts/setup.sh test installs it")
        pytest.skip(f"{program} is not installed")
    return found


@pytest.fixture(scope="session")
def age_identity() -> pyrage.x25519.Identity:
    return pyrage.x25519.Identity.generate()


@pytest.fixture
def new_writer(tmp_path: Path, age_identity: pyrage.x25519.Identity) -> Callable[..., CaptureWriter]:
    """Makes open capture folders below tmp_path."""
    count = 0

    def make(name: str | None = None) -> CaptureWriter:
        nonlocal count
        count += 1
        capture_id = f"20261122T000000-test{count:04d}"
        software = {"name": "archiver", "version": "test"}
        identity = Identity(capture_id, "run", 1, "https://example.org/", bytes(32), software, True)
        folder = tmp_path / (name or f"capture-{count}")
        return CaptureWriter(folder, identity, [str(age_identity.to_public())], system_clock, time.monotonic)

    return make


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The miniature platforms, one for each test module."""
    with generated_once():
        scene = start_platforms(tmp_path_factory.mktemp("platforms"))
    try:
        yield World(scene)
    finally:
        scene.served.stop()


class World:
    def __init__(self, scene: Scene) -> None:
        self.served, self.telegram, self.news = scene.served, scene.telegram, scene.news
        self.youtube, self.x, self.facebook = scene.youtube, scene.x, scene.facebook
        self.others = scene.others

    @property
    def network(self) -> TestNetwork:
        return self.served.network


@pytest.fixture(scope="session")
def new_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `home` is a copy of: making a home takes twenty times as long as copying it."""
    return plain_home(tmp_path_factory.mktemp("new") / "home").path


@pytest.fixture
def home(new_home: Path, tmp_path: Path) -> Home:
    """A fresh home. Pages are not shown in a browser unless a test asks for it: that has tests of its own.

    All have the same keys; `plain_home` makes one with keys of its own.
    """
    return Home(shutil.copytree(new_home, tmp_path / "home"))


NEW_HOME = ("--create", "--direct", "--no-timestamps")
"""Options by which a first run asks nothing: a home at the place that `--home` names, which no authority stamps."""


def plain_home(path: Path) -> Home:
    """A home that shows no page in a browser and asks no busy host again: both have tests of their own."""
    made = create_home(path, SetupAnswers(pseudonym="tester"))
    set_in(made, rendered="false", retries="0")
    return made


def set_in(home: Home, **settings: str) -> None:
    """Changes lines of archiver.toml."""
    path = home.path / "archiver.toml"
    text = path.read_text("utf-8")
    for name, value in settings.items():
        text, count = re.subn(rf"(?m)^{name} = .*$", lambda _, line=f"{name} = {value}": line, text)
        assert count, name
    path.write_text(text, "utf-8")
    home.__dict__.pop("config", None)


@pytest.fixture
def no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine without Chromium: no page is shown in it and no report printed. Both have tests of their own."""
    for module in ("archiver.tools.chromium", "archiver.export.printing"):
        monkeypatch.setattr(f"{module}.program", lambda: None)


class NoLimiter:
    """Politeness has tests of its own; elsewhere it would only make them slow."""

    async def acquire(self, host: str) -> None:
        return

    def release(self, host: str) -> None:
        return

    def penalise(self, host: str, seconds: float) -> None:
        return

    async def quiet(self, host: str) -> float:
        return 0.0

    def close(self) -> None:
        pass


@pytest.fixture
def open_recorder() -> Iterator[Callable[..., Recorder]]:
    """Makes recorders that are closed at the end of the test."""
    made: list[Recorder] = []

    def make(**arguments: object) -> Recorder:
        made.append(Recorder(**{"limiter": NoLimiter(), **arguments}))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for recorder in made:
        recorder.close()


class Shell:
    """Runs commands on one home and keeps what they printed."""

    def __init__(self, home: Path, world: World, capsys: pytest.CaptureFixture[str]) -> None:
        self.home, self._world, self.network, self._capsys = home, world, world.network, capsys
        self.environment: dict[str, str] = {}

    def __call__(self, *words: str) -> tuple[int, str, str]:
        self._capsys.readouterr()
        code = main(["--home", str(self.home), *words], self.network, self.environment)
        shown = self._capsys.readouterr()
        return code, shown.out, shown.err

    def json(self, *words: str) -> tuple[int, list[dict[str, object]]]:
        code, out, _ = self("--json", *words)
        return code, [json.loads(line) for line in out.splitlines()]


@pytest.fixture
def shell(home: Home, world: World, capsys: pytest.CaptureFixture[str]) -> Shell:
    world.telegram.trouble.clear()
    world.news.trouble.clear()
    world.youtube.trouble.clear()
    world.x.trouble.clear()
    world.facebook.trouble.clear()
    world.served.log.clear()
    return Shell(home.path, world, capsys)


@pytest.fixture(scope="module")
def telegram() -> Iterator[TelegramWorld]:
    """A miniature Telegram behind data centres on loopback, one for each test module."""
    world = made_world()
    try:
        yield world
    finally:
        world.api.stop()


@pytest.fixture
def by_account(home: Home, telegram: TelegramWorld, capsys: pytest.CaptureFixture[str]) -> TelegramShell:
    """Commands on a home with an account."""
    telegram.api.trouble.clear()
    telegram.api.asked.clear()
    telegram.logged_in(home)
    return TelegramShell(home, telegram, capsys)


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Programs that a test runs beside itself; what is left of them at its end is killed."""
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            process.kill()


@pytest.fixture(scope="session")
def forking() -> Iterator[Zygote]:
    """The process that `forked` forks commands from; it is made when the first test asks for it."""
    made = Zygote("tests.support.forked")
    yield made
    made.close()


@pytest.fixture
def forked(forking: Zygote) -> Iterator[Callable[[Command], Forked]]:
    """Starts commands in processes of their own; what is left of them at the end of the test is killed."""
    processes: list[Forked] = []

    def start(command: Command) -> Forked:
        processes.append(Forked(forking, command))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait()
