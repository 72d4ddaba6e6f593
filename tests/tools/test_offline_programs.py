"""Programs that need no network are refused one by the kernel, and files that are none of theirs."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from archiver import children, fence
from archiver.children import python_reads, run, start
from archiver.demo.media import picture
from archiver.export import stills
from archiver.tools import ffmpeg, probe
from archiver.tools.exiftool import ExifTool
from tests.conftest import CI, need

EVERYTHING = ("-protocol_whitelist", "file,http,tcp,udp,crypto,data", "-allowed_extensions", "ALL", "-f", "hls")
"""What ffmpeg would have to be told to follow a playlist into a network."""
FENCES = {fence.NO_SOCKETS: "refuse_sockets", fence.LANDLOCK: "restrict_files"}


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    children._fences_here.cache_clear()
    yield
    children._fences_here.cache_clear()


@pytest.fixture
def playlist(tmp_path: Path) -> Iterator[tuple[Path, socket.socket]]:
    """A film that is a list of pieces, which lie at an address of this machine; and what listens there."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        path = tmp_path / "film.m3u8"
        piece = f"http://127.0.0.1:{listener.getsockname()[1]}/0.ts"
        path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{piece}\n#EXT-X-ENDLIST\n")
        yield path, listener


def _lacking(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """A kernel that gives less."""
    for name in names:
        monkeypatch.setattr(fence, FENCES[name], lambda *_: False)


def _needs(name: str) -> None:
    if name not in children.fences(sys.executable):
        # A filter of system calls is given by every kernel of ours; Landlock not by all.
        pytest.fail("not in force") if CI and name == fence.NO_SOCKETS else pytest.skip(f"this kernel gives no {name}")


@contextmanager
def _reached(listener: socket.socket) -> Iterator[list[str]]:
    """Who connects meanwhile: each is sent away at once, so that nobody waits for an answer."""
    said: list[str] = []

    def send_away() -> None:
        with suppress(OSError):
            while True:
                client, address = listener.accept()
                client.close()
                said.append(str(address))

    thread = threading.Thread(target=send_away, daemon=True)
    thread.start()
    yield said
    listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


WAYS = {
    "ffmpeg draws": lambda path: stills.draw(path, "video", path.parent),
    "ffmpeg merges": lambda path: _merge(path),
    "ffprobe": lambda path: probe._by_ffprobe(need("ffprobe"), path),
}


def _merge(path: Path) -> None:
    with pytest.raises(ffmpeg.ConversionError):
        ffmpeg.merge([path], path.parent)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "lacking", [[], [fence.NO_SOCKETS], [fence.LANDLOCK], [fence.NO_SOCKETS, fence.LANDLOCK]], ids=str
)
def test_a_file_does_not_lead_ffmpeg_to_the_network(
    way: str, lacking: list[str], playlist: tuple[Path, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if it were told to follow every protocol. Without a fence it does: so the file would have led it there."""
    need("ffmpeg")
    path, listener = playlist
    for module in (stills, ffmpeg, probe):
        monkeypatch.setattr(module, "FILES_ONLY", EVERYTHING)
    _lacking(monkeypatch, *lacking)
    with _reached(listener) as reached:
        WAYS[way](path)
    assert bool(reached) is not bool(children.fences(need("ffmpeg")))


TRIES = """
import json, os, socket, sys
host, port, mine, theirs, out = sys.argv[1:]
def tried(what):
    try:
        what()
        return "did"
    except OSError as error:
        return type(error).__name__
def datagram():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one: one.sendto(b"hello", (host, int(port)))
def unix():
    with socket.socket(socket.AF_UNIX) as one: one.connect(out + "/listens")
print(json.dumps({
    "tcp": tried(lambda: socket.create_connection((host, int(port)), 5).close()), "datagram": tried(datagram),
    "unix": tried(unix), "pair": tried(socket.socketpair),
    "reads": tried(lambda: open(mine).read()), "reads theirs": tried(lambda: open(theirs).read()),
    "writes": tried(lambda: open(out + "/made", "w")), "writes theirs": tried(lambda: open(theirs, "a")),
    "environment": tried(lambda: open(f"/proc/{os.getppid()}/environ").read()),
}))
"""


@pytest.mark.parametrize("held", [[fence.NO_SOCKETS], [fence.LANDLOCK], [fence.NO_SOCKETS, fence.LANDLOCK]], ids=str)
def test_what_each_fence_refuses_any_code(held: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _lacking(monkeypatch, *(set(FENCES) - set(held)))
    for name in held:
        _needs(name)
    mine, theirs, out = tmp_path / "mine", tmp_path / "theirs", tmp_path / "out"
    mine.write_text("mine")
    theirs.write_text("theirs")
    out.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket(socket.AF_UNIX) as local:
        local.bind(f"{out}/listens")
        local.listen()
        words = [sys.executable, "-c", TRIES, "127.0.0.1", listener.getsockname()[1], mine, theirs, out]
        done = run(words, reads=[mine, *python_reads()], writes=[out], timeout=60)
    said = json.loads(done.stdout)
    no, sockets, landlock = "PermissionError", fence.NO_SOCKETS in held, fence.LANDLOCK in held
    assert (said["reads"], said["writes"], said["pair"], said["tcp"]) == ("did", "did", "did", no)
    assert (said["datagram"], said["unix"]) == ((no, no) if sockets else ("did", "did"))
    refused = (said["reads theirs"], said["writes theirs"], said["environment"])
    assert refused == ((no,) * 3 if landlock else ("did",) * 3)
    assert theirs.read_text() == "theirs"


def test_exiftool_reads_on_and_has_no_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its process lives as long as ours: what the kernel says of it is what holds."""
    need("exiftool")
    _needs(fence.NO_SOCKETS)
    photo = tmp_path / "photo.png"
    photo.write_bytes(picture(64, 64, 5))
    reader = ExifTool()
    try:
        assert [reader.read(photo)[0]["File:FileType"] for _ in range(2)] == ["PNG", "PNG"]
        assert reader._process is not None
        status = Path(f"/proc/{reader._process.pid}/status").read_text()
        assert "Seccomp:\t2" in status
        assert "NoNewPrivs:\t1" in status
    finally:
        reader.close()


def test_this_process_itself_is_not_fenced_in() -> None:
    assert children.fences(sys.executable) or not CI
    run([sys.executable, "-c", ""], reads=None)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        socket.create_connection(listener.getsockname(), 5).close()


def test_a_program_that_hangs_is_killed() -> None:
    before = time.monotonic()
    with pytest.raises(subprocess.TimeoutExpired):
        run([sys.executable, "-c", "import time; time.sleep(60)"], reads=None, timeout=0.2)
    assert time.monotonic() - before < 20
    commands = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not [command for command in commands if b"time.sleep(60)" in command]


def test_a_program_that_is_not_there_is_said_to_be_missing() -> None:
    with pytest.raises(FileNotFoundError):
        start(["/nonexistent/ffmpeg"], reads=None)


def test_a_program_out_of_a_snap_is_started_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """What starts it gains privileges, which no fence of ours lets it."""
    monkeypatch.setattr(children, "_SNAP", os.path.realpath(sys.executable))
    children._is_snap.cache_clear()
    try:
        assert children.fences(sys.executable) == []
        done = run([sys.executable, "-c", "print(open('/proc/self/status').read())"], reads=None, text=True)
        assert "NoNewPrivs:\t0" in done.stdout
    finally:
        children._is_snap.cache_clear()


def test_a_fence_costs_little() -> None:
    """In processor time of ours and of the thread, beside what a start takes anyway."""
    children.fences("/bin/true")
    began = time.thread_time(), time.process_time()
    for _ in range(50):
        run(["/bin/true"], reads=[], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert (time.process_time() - began[1]) / 50 < 0.02
