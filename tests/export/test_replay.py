"""pywb, which we did not write, indexes and replays every WARC that a capture makes."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from archiver.cli.main import main
from archiver.home.home import Home
from archiver.recorder.proxy import Recorder
from storage.capture import CaptureWriter
from storage.lines import read_lines
from tests.conftest import CI, World
from tests.support.corpus import CORPUS
from tests.support.rawserver import RawServer

PYWB = Path(__file__).parents[2] / ".venv-replay" / "bin"


@pytest.fixture(scope="module")
def pywb() -> Path:
    if not (PYWB / "wayback").exists():
        message = "pywb is not in .venv-replay; scripts/setup.sh test installs it"
        pytest.fail(message) if CI else pytest.skip(message)
    return PYWB


def index(pywb: Path, folder: Path, warcs: list[Path]) -> list[str]:
    """CDXJ lines that pywb makes of the files."""

    def run(*words: str) -> None:
        subprocess.run([str(pywb / "wb-manager"), *words], cwd=folder, capture_output=True, text=True, check=True)

    run("init", "case")
    for path in warcs:
        shutil.copy(path, folder / path.name)
    run("add", "case", *(path.name for path in warcs))
    return (folder / "collections" / "case" / "indexes" / "index.cdxj").read_text().splitlines()


def test_pywb_indexes_every_answer_of_the_corpus(
    pywb: Path, tmp_path: Path, new_writer: Callable[..., CaptureWriter], open_recorder: Callable[..., Recorder]
) -> None:
    server = RawServer(tmp_path / "server", False)
    writer = new_writer("corpus")
    port = open_recorder(network=server.network).open(writer)
    for number, case in enumerate(CORPUS):
        server.answers[f"/{number}"] = case.raw
    waiting = [port.fetch(f"{server.base}/{number}", []) for number in range(len(CORPUS))]
    for future in waiting:
        future.result(60)
    port.close()
    server.close()
    writer.close("captured", None)
    folder = tmp_path / "pywb"
    folder.mkdir()
    lines = index(pywb, folder, sorted(writer.folder.glob("*.warc.gz")))
    responses = [line for line in read_lines(writer.folder / "records.jsonl") if line["type"] == "response"]
    assert len([line for line in lines if "raw)/" in line or "org,example,raw" in line]) >= len(responses)


@pytest.fixture
def wayback(pywb: Path, tmp_path: Path, home: Home, world: World) -> Iterator[str]:
    """A running pywb over a capture of a Telegram post and a page."""
    links = ["https://t.me/ozen_today/16", "https://blog.ozen.example/2011/12/17/square"]
    links += ["https://www.youtube.com/watch?v=Zh5janSq001"]
    assert main(["capture", *links, "--home", str(home.path)], world.network, {}) == 0
    folder = tmp_path / "pywb"
    folder.mkdir()
    index(pywb, folder, sorted((home.path / "captures").rglob("*.warc.gz")))
    with socket.create_server(("127.0.0.1", 0)) as free:
        number = free.getsockname()[1]
    command = [str(pywb / "wayback"), "-p", str(number), "-b", "127.0.0.1"]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    base = f"http://127.0.0.1:{number}/case"
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", number), 1):
                break
            time.sleep(0.1)  # its server has no other way to say that it is ready
        yield base
    finally:
        process.terminate()
        process.wait(20)


def test_pywb_replays_what_was_recorded(wayback: str, world: World) -> None:
    def replayed(url: str) -> bytes:
        with urllib.request.urlopen(f"{wayback}/id_/{url}", timeout=30) as answer:
            data: bytes = answer.read()
            return data

    page = replayed("https://t.me/ozen_today/16?embed=1&mode=tme")
    assert "Төрт файл".encode() in page
    video = next(
        medium for medium in world.telegram.channels["ozen_today"].files().values() if medium.name == "album-18.mp4"
    )
    assert replayed("https://cdn4.telesco.pe/file/album-18.mp4") == video.body
    watch = replayed("https://www.youtube.com/watch?v=Zh5janSq001")
    assert b"var ytInitialPlayerResponse" in watch
    assert "Жаңаөзен, 5 января: площадь".encode() in watch
    import gzip

    article = replayed("https://blog.ozen.example/2011/12/17/square")
    article = gzip.decompress(article) if article[:2] == b"\x1f\x8b" else article
    assert "Жаңаөзен".encode() in article
