"""The pages of docs/how-to for everyday tasks, followed step by step: what they show is typed, written and printed."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from archiver.cli.main import main
from archiver.home.home import Home
from archiver.signer.create_home import SetupAnswers, create_home
from tests.conftest import CI, World, set_in
from tests.support.pages import DOCS, Block, blocks, commands, missing

ROOT = Path(__file__).parents[2]
READERS = ROOT / ".venv-readers" / "bin" / "python"
ELSEWHERE = {"install", "upgrade", "check", "telegram", "spiders", "storage", "running", "query"}
"""Pages that other tests follow."""
FOLLOWED = {
    "back-up",
    "capture-a-list",
    "check-on-windows",
    "get-files-out",
    "hand-over-a-package",
    "search",
    "receive-a-file",
    "work-as-a-team",
}


class Reader:
    """Somebody who follows pages in the folder that they are in."""

    def __init__(self, world: World) -> None:
        self.home, self.world = Path("home").resolve(), world
        self.printed = ""

    def follow(self, page: str) -> None:
        for block in blocks(f"how-to/{page}.md"):
            if block.language == "console":
                for words, code in commands(block.text):
                    self.type(words, code)
            elif block.language == "text":
                assert missing(block.text, self.printed) == [], self.printed[-2000:]
            elif block.language == "python":
                self.run_python(block)
            elif block.language == "powershell":
                self.run_powershell(block)
            elif block.title == "archiver.toml":
                self.add_settings(block)
            else:
                Path(block.title).write_text(block.text, "utf-8")

    def type(self, words: list[str], code: int) -> None:
        if "ID" in words:
            last = Home(self.home).catalog.captures()[-1]["id"]
            words = [last if word == "ID" else word for word in words]
        words = [self.fingerprint() if word == "WORDS" else word for word in words]
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            found = main(["--home", str(self.home), *words], self.world.network, {})
        self.printed += said.getvalue()
        assert found == code, (words, said.getvalue())

    def fingerprint(self) -> str:
        return re.findall(r"in words +(.+)", self.printed)[-1]

    def add_settings(self, block: Block) -> None:
        place = Path("archive").resolve()
        place.mkdir()
        assert "/media/archive/evidence" in block.text
        path = self.home / "archiver.toml"
        path.write_text(path.read_text() + block.text.replace("/media/archive/evidence", str(place)))

    def run_python(self, block: Block) -> None:
        if not READERS.exists():
            (pytest.fail if CI else pytest.skip)("pandas is not in .venv-readers; scripts/setup.sh test does it")
        self.run([str(READERS), "-c", block.text])

    def run_powershell(self, block: Block) -> None:
        """What calls Python runs here too; the rest is Windows' own."""
        if block.text.startswith("py "):
            words = shlex.split(block.text.replace("eight words that you were told", self.fingerprint()))
            self.run([sys.executable, *words[1:]])

    def run(self, command: list[str]) -> None:
        ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert ran.returncode == 0, (ran.stdout, ran.stderr)
        self.printed += ran.stdout


@pytest.fixture(scope="module")
def listed(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home that the page about lists leaves; the other pages go on from it."""
    folder = tmp_path_factory.mktemp("listed")
    set_in(create_home(folder / "home", SetupAnswers(pseudonym="aru")), rendered="false", retries="0")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for module in ("archiver.tools.chromium", "archiver.export.printing"):
            patch.setattr(f"{module}.program", lambda: None)
        Reader(world).follow("capture-a-list")
    return folder / "home"


@pytest.fixture
def reader(listed: Path, world: World, tmp_path: Path, no_browser: None, monkeypatch: pytest.MonkeyPatch) -> Reader:
    shutil.copytree(listed, tmp_path / "home")
    monkeypatch.chdir(tmp_path)
    return Reader(world)


def test_every_page_is_followed_by_a_test() -> None:
    assert {path.stem for path in (DOCS / "how-to").glob("*.md")} == FOLLOWED | ELSEWHERE


def test_getting_files_out(reader: Reader) -> None:
    reader.follow("get-files-out")


def test_searching(reader: Reader) -> None:
    reader.follow("search")


def test_receiving_a_file(reader: Reader, world: World) -> None:
    folder = Path("from-phone")
    folder.mkdir()
    (folder / "statement.txt").write_text("I stood at the school.", "utf-8")
    (folder / "IMG_0001.png").write_bytes(world.telegram.avatar)
    reader.follow("receive-a-file")


def test_working_as_a_team(reader: Reader) -> None:
    reader.follow("work-as-a-team")


def test_backing_up(reader: Reader) -> None:
    Path("usb").mkdir()
    reader.follow("back-up")


def test_handing_over_a_package_and_checking_it_on_windows(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    reader.follow("hand-over-a-package")
    shutil.copy(ROOT / "archiver" / "export" / "check.py", "out/check.py")
    monkeypatch.chdir("out")
    reader.follow("check-on-windows")
