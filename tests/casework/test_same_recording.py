"""Copies of what was covered: found by digest, length and look; a package waits until a person has said what they are."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from archiver.cli.main import main
from archiver.home.home import Home
from archiver.tools.looks import Look, alike, hash_of, look_of
from tests.conftest import World, plain_home
from tests.support.films import film, walks

pytestmark = pytest.mark.usefixtures("no_browser")
VIDEO = "https://youtu.be/Zh5janSq001"


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A film; the same in another size and codec, and with a tone; another of the same length; a black one."""
    folder = tmp_path_factory.mktemp("films")
    found = {"one": film(folder / "one.mp4", walks)}
    found["other"] = film(folder / "other.mp4", lambda number: None, other=(0, 100))

    def made(name: str, *words: str) -> Path:
        subprocess.run(["ffmpeg", "-v", "error", "-y", *words, folder / name], check=True)
        return folder / name

    found["copy"] = made("copy.webm", "-i", str(found["one"]), "-vf", "scale=160:120", "-c:v", "libvpx", "-b:v", "200k")
    found["black"] = made("black.mp4", "-f", "lavfi", "-i", "color=black:s=64x48:r=5:d=4")
    return found


def test_a_copy_looks_like_its_original(films: dict[str, Path]) -> None:
    looks = {name: look_of(path, "video") for name, path in films.items()}
    assert alike(looks["one"], looks["copy"]) == "the same length (4.0 s) and a similar picture"
    assert alike(looks["one"], looks["other"]) is None
    assert looks["black"].hashes == (None, None)
    assert alike(looks["one"], looks["black"]) is None or "cannot be compared" in str(
        alike(looks["one"], looks["black"])
    )
    assert alike(looks["one"], look_of(films["one"], "photo")) is None, "a photo is no copy of a film"


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        (Look("sound", 4.0), Look("sound", 4.05), "the same length"),
        (Look("sound", 4.0), Look("sound", 4.2), None),
        (Look("photo", None, (0b1111,)), Look("photo", None, (0,)), "a similar picture"),
        (Look("photo", None, (2**20 - 1,)), Look("photo", None, (0,)), None),
        (Look("photo", None, (None,)), Look("photo", None, (None,)), None),
        (Look("video", None, (7, None)), Look("video", 4.0, (7, None)), "nobody can tell"),
        (Look("video", 100.0, (7,)), Look("video", 101.5, (7,)), None),
        (Look("video", 4.0, (None,)), Look("video", 4.0, (5,)), "cannot be compared"),
    ],
)
def test_which_looks_are_alike(one: Look, other: Look, why: str | None) -> None:
    said = alike(one, other)
    assert (said is None) if why is None else why in str(said)


def test_a_flat_picture_says_nothing() -> None:
    assert hash_of(bytes(72)) is None
    assert hash_of(b"") is None
    assert hash_of(bytes(range(72))) == 0
    assert hash_of(bytes(range(72, 0, -1))) == 2**64 - 1


class Shell:
    """Commands on a home, and what they said."""

    def __init__(self, path: Path, capsys: pytest.CaptureFixture[str], network: Any = None) -> None:
        self.path, self._capsys, self._network = plain_home(path).path, capsys, network

    def __call__(self, *words: str) -> tuple[int, str]:
        self._capsys.readouterr()
        code = main(["--home", str(self.path), *words], self._network, {})
        said = self._capsys.readouterr()
        return code, said.out + said.err

    def received(self, path: Path) -> str:
        """The capture of a file that was handed over."""
        assert self("receive", str(path), "--from", "S-1", "--via", "usb")[0] == 0
        return str(Home(self.path).catalog.captures("inbox")[-1]["id"])


def export(shell: Shell, to: Path) -> tuple[int, str]:
    return shell("export", "inbox", "--to", str(to), "--profile", "partner", "--yes", "--name", "p")


@pytest.mark.parametrize("protect", [("redact", "a face", "--box", "0,0,40,40"), ("quarantine", "unlawful")], ids=str)
def test_a_copy_that_is_not_covered_is_asked_about(
    films: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], protect: tuple[str, ...]
) -> None:
    shell = Shell(tmp_path / "home", capsys)
    first, copy, _ = (shell.received(films[name]) for name in ("one", "copy", "other"))
    command, *words = protect
    assert shell(command, first, *words)[0] == 0
    code, said = export(shell, tmp_path / "out")
    assert (code, copy in said) == (1, True), said
    assert "1 file that may be such a copy" in said
    assert not (tmp_path / "out").exists()
    assert shell("redact", copy, "another street", "--another")[0] == 0
    assert shell("redact", copy, "another street", "--another")[0] == 1, "nothing is left to say"
    code, said = export(shell, tmp_path / "out")
    assert code == 0, said
    everything = b"".join(path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert b"another street" not in everything, "it tells what is covered elsewhere"


def test_a_covered_copy_is_not_asked_about(
    films: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shell = Shell(tmp_path / "home", capsys)
    first, copy = (shell.received(films[name]) for name in ("one", "copy"))
    code, said = shell("redact", first, "a face", "--box", "0,0,40,40")
    assert (code, copy in said, "--another" in said) == (0, True, True), said
    assert "not covered" not in shell("redact", copy, "a face", "--box", "0,0,40,40")[1]
    assert export(shell, tmp_path / "out")[0] == 0


def test_a_video_in_two_files_is_covered_in_both(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shell = Shell(tmp_path / "home", capsys, world.network)
    assert shell("capture", VIDEO)[0] == 0
    capture = Home(shell.path).catalog.captures("inbox")[-1]["id"]
    code, said = shell("--json", "redact", capture, "a face", "--box", "0,0,50,50", "--mute", "0:01-0:02")
    assert code == 0, said
    made = json.loads(said.splitlines()[-1])
    types = [one["result"]["media_type"] for one in (made, *made["others"])]
    assert sorted(types) == ["audio/mp4", "video/mp4"]
    assert export(shell, tmp_path / "out")[0] == 0
    rows = [json.loads(line) for line in (tmp_path / "out/p/data/tables/files.jsonl").read_text().splitlines()]
    digests = {row["sha256"]: row["made"] for row in rows}
    for one in (made, *made["others"]):
        assert one["original"]["sha256"] not in digests
        assert digests[one["result"]["sha256"]] == "redacted"
    assert "captions" not in {row["kind"] for row in rows}, "they say what was silenced"
