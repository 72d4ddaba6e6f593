"""What the programs are given that archiver starts: no secret of ours in environment or arguments, no programs, no cores."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from archiver import children, fence
from archiver.checks.stamps import openssl
from archiver.demo.media import picture
from archiver.export import printing, stills
from archiver.home.home import Home
from archiver.home.notify_config import NotifyRule
from archiver.jobs import notify
from archiver.recorder.tls import ThrowAwayAuthority
from archiver.tools import chromium, ffmpeg, reencode
from archiver.tools.exiftool import ExifTool
from archiver.tools.probe import MediaProbe
from archiver.tools.ytdlp_pool import ExtractorPool
from tests.conftest import need

pytestmark = pytest.mark.usefixtures("real_children")
PLANTED = {
    name: f"planted-{number}"
    for number, name in enumerate(
        ("ARCHIVER_PASSPHRASE", "ARCHIVER_SECRETS", "ARCHIVER_TELEGRAM_API_HASH", "AWS_ACCESS_KEY_ID",
         "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "GITHUB_TOKEN", "ANYTHING_AT_ALL")
    )
}  # fmt: skip
TELLS = """#!/bin/sh
/bin/cat /proc/$$/environ > "{out}/$$.environ"
/bin/cat /proc/$$/cmdline > "{out}/$$.cmdline"
/bin/cat /proc/$$/limits > "{out}/$$.limits"
exit 1
"""
"""A program that tells what it was given. What the kernel holds of a process stays as it was given."""


@pytest.fixture(autouse=True)
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in PLANTED.items():
        monkeypatch.setenv(name, value)


def _judge(environ: bytes, cmdline: bytes, limits: str) -> bool:
    """Hold what a program was given against what it may be given; return whether that could be read in full."""
    given = dict(entry.partition("=")[::2] for entry in environ.decode("utf-8", "replace").split("\0") if "=" in entry)
    for name, value in PLANTED.items():
        assert name not in given, cmdline
        assert value.encode() not in environ + cmdline
    assert next(line for line in limits.splitlines() if line.startswith("Max core file size")).split()[4] == "0"
    if "PATH" not in given:  # Chromium's processes write their titles over it
        return False
    assert os.path.isdir(given["PATH"]), given["PATH"]
    assert os.listdir(given["PATH"]) == [], cmdline
    assert given["HOME"] != os.environ["HOME"]
    return True


def _descendants(of: int) -> set[int]:
    found: set[int] = set()
    with suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
        for task in list(Path(f"/proc/{of}/task").iterdir()):
            with suppress(FileNotFoundError, ProcessLookupError):  # a thread, likewise
                for child in map(int, (task / "children").read_text().split()):
                    found |= {child} | _descendants(child)
    return found


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder where programs tell what they were given. Each that was started is judged."""
    folder, out = tmp_path / "programs", tmp_path / "told"
    folder.mkdir()
    out.mkdir()
    for name in ("ffmpeg", "ffprobe", "openssl", "chromium", "python"):
        path = folder / name
        path.write_text(TELLS.format(out=out))
        path.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(fence, "restrict_files", lambda *_: False)  # they write what they were given
    yield folder
    told = sorted(out.glob("*.limits"))
    assert told, "none was started"
    for one in told:
        environ, cmdline = one.with_suffix(".environ").read_bytes(), one.with_suffix(".cmdline").read_bytes()
        assert _judge(environ, cmdline, one.read_text())


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    path.write_bytes(picture(64, 64, 5))
    return path


def _merge(path: Path, home: Home) -> None:
    with pytest.raises(ffmpeg.ConversionError):
        ffmpeg.merge([path, path], path.parent)


def _size(path: Path, home: Home) -> None:
    with pytest.raises(ffmpeg.ConversionError):
        reencode.picture_size(path)


def _message(path: Path, home: Home) -> None:
    rule = NotifyRule(
        name="mine", targets=("json://127.0.0.1:9/planted-9",), events=("captured",), case=None, content=False
    )
    assert notify.send(home, rule, "title", "text")


SHORT: dict[str, Callable[[Path, Home], object]] = {
    "ffmpeg merges": _merge,
    "ffmpeg tells its version": lambda path, home: ffmpeg.version(children.program("ffmpeg") or ""),
    "ffprobe tells of a file": lambda path, home: MediaProbe().facts(path, c2pa_marked=False),
    "ffprobe tells a size": _size,
    "ffmpeg draws": lambda path, home: stills.draw(path, "video", home.path),
    "openssl": lambda path, home: openssl("version"),
}


@pytest.mark.parametrize("start", SHORT.values(), ids=SHORT)
def test_programs_are_given_an_environment_of_their_own(
    start: Callable[[Path, Home], object], programs: Path, photo: Path, home: Home
) -> None:
    start(photo, home)


def test_python_of_ours_is_given_an_environment_of_its_own(
    programs: Path, photo: Path, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", str(programs / "python"))
    _message(photo, home)


def _watched(work: Callable[[Callable[[], None]], object], least: int) -> None:
    """Judge all that lives under this process when `work` says so."""
    before = _descendants(os.getpid())
    seen: set[int] = set()

    def judge() -> None:
        for one in _descendants(os.getpid()) - before:
            place = Path(f"/proc/{one}")
            cmdline = (place / "cmdline").read_bytes()  # empty where it has ended
            if cmdline and _judge((place / "environ").read_bytes(), cmdline, (place / "limits").read_text()):
                seen.add(one)

    work(judge)
    assert len(seen) >= least


def test_exiftool_and_what_feeds_it(photo: Path) -> None:
    need("exiftool")
    reader = ExifTool()

    def work(judge: Callable[[], None]) -> None:
        assert reader.read(photo)[0]["File:FileType"] == "PNG"
        judge()

    try:
        _watched(work, least=3)
    finally:
        reader.close()


def test_an_exiftool_that_asks_env_for_perl(photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = need("exiftool")
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "exiftool").write_text(f'#!/usr/bin/env perl\nexec "{real}", @ARGV;\n')
    (folder / "exiftool").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    reader = ExifTool()
    try:
        assert reader.read(photo)[0]["File:FileType"] == "PNG"
    finally:
        reader.close()


@pytest.mark.services
def test_the_extractor() -> None:
    async def run(judge: Callable[[], None]) -> None:
        pool = ExtractorPool(b"")
        try:
            await pool.claims("https://www.youtube.com/watch?v=aaaaaaaaaaa", 60)
            judge()
        finally:
            await pool.close()

    _watched(lambda judge: asyncio.run(run(judge)), least=1)


@pytest.mark.services
def test_chromium_and_the_driver_of_playwright() -> None:
    if chromium.missing() is not None:
        pytest.skip(str(chromium.missing()))

    async def run(judge: Callable[[], None]) -> None:
        browser = chromium.Browser(ThrowAwayAuthority(datetime.now(UTC)))
        try:
            await browser._started()
            judge()
        finally:
            await browser.close()

    _watched(lambda judge: asyncio.run(run(judge)), least=2)


@pytest.mark.services
def test_chromium_that_prints(tmp_path: Path, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    need("chromium")
    report = tmp_path / "report.html"
    report.write_text("<p>words</p>")
    seen: list[dict[str, str]] = []
    original = subprocess.run

    def watched(command: list[str], env: dict[str, str], **given: Any) -> Any:
        seen.append(env)
        return original(command, env=env, **given)

    monkeypatch.setattr(subprocess, "run", watched)
    made = printing.print_pdf(report, "2026-01-01T00:00:00Z", "p", home.path)
    assert made is not None
    assert made.startswith(b"%PDF")
    assert not set(PLANTED) & set(seen[0])


def test_a_script_before_chromium_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such scripts set keys of Google's, and call other programs by their names."""
    script, real = tmp_path / "chromium", tmp_path / "real"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(chromium, "BEHIND_SCRIPTS", (str(real),))
    assert chromium.program() == str(script)
    assert chromium.environment(str(script), "/")["PATH"] == "/usr/bin:/bin"
    shutil.copy("/bin/true", real)
    assert chromium.program() == str(real)


def test_an_environment_costs_next_to_nothing() -> None:
    children.environment()
    start = time.perf_counter()
    for _ in range(100):
        children.environment()
    assert (time.perf_counter() - start) / 100 < 0.001
