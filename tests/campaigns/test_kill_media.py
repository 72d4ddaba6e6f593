"""kill -9 in the middle of a large download in ranges: gone on with, put together again, nothing doubled."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from archiver.checks import Finding, check_home, worst
from archiver.demo.scene import START
from archiver.demo.server import Answer, Asked, Platforms
from archiver.demo.youtube import YouTube
from archiver.demo.youtube_model import Format, Video
from archiver.export.assemble import listed
from archiver.home.home import Home
from storage.digest import Sha256
from storage.lines import read_lines
from tests.conftest import plain_home
from tests.support import media_files
from tests.support.forked import Command, Forked
from tests.support.soak import seeded

SEED = seeded(20261122)
LINK = "https://www.youtube.com/watch?v=OneGigabyte"


def platform(folder: Path, size: int) -> Platforms:
    """A video of `size` bytes in one piece of noise after the other; its first answer is slow to leave room for kills."""
    unit = media_files.film(3600, random.Random(SEED).randbytes(1 << 20))
    film = Format(134, 'video/mp4; codecs="avc1.4d401e"', unit, 640, 360, repeat=size // len(unit))
    sound = Format(140, 'audio/mp4; codecs="mp4a.40.2"', media_files.sound(1))
    video = Video("OneGigabyte", "long", "long", START, 3600, [film, sound])
    return Platforms(folder, YouTube([video], b"\x89PNG small").sites())


def campaign(tmp_path: Path, size: int, kills: int, forked: Callable[[Command], Forked]) -> None:
    served = platform(tmp_path / "certificates", size)
    home = plain_home(tmp_path / "home")
    path = home.path / "archiver.toml"
    path.write_text(path.read_text().replace("probe = true", "probe = false"))
    command = Command(("capture", LINK, "--home", str(home.path)), served.network, tmp_path / "log")
    moments = random.Random(SEED)
    asked = Meter(served, size, kills)
    try:
        for turn in range(kills):
            process = forked(command)
            # The moment is that of a share of the file having been sent, and a random while after it.
            asked.wait_for((turn + 1) / (kills + 1), process)
            time.sleep(moments.uniform(0.0, 0.05))
            process.kill()
            process.wait()
        assert forked(command).wait(300) == 0, command.log.read_text()[-2000:]
    finally:
        served.stop()
    judge(home, size, kills)


class Meter:
    """Counts the bytes of the film that the server has been asked for, and holds it back so that kills fall inside."""

    def __init__(self, served: Platforms, size: int, kills: int) -> None:
        self._size = size
        self.reached = 0
        original = served.sites["rr1---sn-demo.googlevideo.com"]

        def metered(request: Asked) -> Answer:
            answer = original(request)
            wanted = request.headers.get("range", "")
            if request.query.get("itag") == "134" and wanted.startswith("bytes="):
                self.reached = max(self.reached, int(wanted[6:].partition("-")[0]))
            return answer

        served.sites["rr1---sn-demo.googlevideo.com"] = metered

    def wait_for(self, share: float, process: Forked) -> None:
        deadline = time.monotonic() + 120
        while self.reached < share * self._size - (11 << 20) and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.005)


def judge(home: Home, size: int, kills: int) -> None:
    captures = home.catalog.captures() if home.project() >= 0 else []
    final = home.path / captures[-1]["folder"]
    ended = {line["key"]: line for line in read_lines(final / "inventory.jsonl") if "outcome" in line}
    film = next(end for key, end in ended.items() if key.endswith("video 134"))
    assert film["outcome"] == "captured"
    found = listed(final)
    [assembly] = [item for item in found.assemblies.values() if item.name.endswith("f134.mp4")]
    unit = media_files.film(3600, random.Random(SEED).randbytes(1 << 20))
    whole, times = Sha256(), size // len(unit)
    size = times * len(unit)
    for _ in range(times):
        whole.update(unit)
    assert (assembly.size, assembly.sha256) == (size, whole.hexdigest()), "reproduced"
    # Nothing doubled: what all captures hold of the film, by the records, is the film and no more.
    held = 0
    for row in captures:
        for line in read_lines(home.path / row["folder"] / "records.jsonl"):
            mine = str(line.get("tag", "")).startswith("post OneGigabyte #0 OneGigabyte video 134")
            # A piece whose bytes an earlier capture holds at another place of the film is a revisit: the film repeats.
            if mine and line["type"] in ("response", "revisit") and line.get("status") == 206:
                held += line["payload_size"] or 0
    pieces = sum(piece.length for piece in assembly.pieces)
    assert pieces == size
    assert held == size, f"{held - size} bytes were fetched twice"
    used = {piece.capture for piece in assembly.pieces}
    print(
        f"\n{kills} kills, {len(captures)} captures, pieces in {len(used)} of them, {size} bytes reproduced, none doubled"
    )
    findings = check_home(home.path)
    assert worst(findings) == 0, [line.text() for line in findings if line.finding is Finding.DAMAGED]
    assert kills < 3 or len(used) >= 2


def test_killed_in_the_middle_of_a_film(tmp_path: Path, forked: Callable[[Command], Forked]) -> None:
    campaign(tmp_path, 96 << 20, 4, forked)


@pytest.mark.soak("media")
def test_a_gigabyte_and_a_hundred_kills(tmp_path: Path, forked: Callable[[Command], Forked]) -> None:
    """The full campaign of `make soak`."""
    campaign(tmp_path, 1 << 30, int(os.environ.get("EVIDENCE_MEDIA_KILLS", "100")), forked)


def test_exiftool_does_not_outlive_a_killed_process(tmp_path: Path) -> None:
    """It would wait for more for ever, and use the processor meanwhile."""
    import os
    import signal
    import time

    from tests.conftest import need

    need("exiftool")
    (tmp_path / "words.txt").write_text("words")
    program = (
        "import os, sys; from pathlib import Path; from archiver.tools.exiftool import ExifTool; tool = ExifTool();"
        "said = tool.read(Path(sys.argv[1])); assert 'error' not in said, said;"
        "print(tool._process.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "words.txt")], capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    group = int(done.stdout)
    for _ in range(200):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    os.killpg(group, signal.SIGKILL)
    raise AssertionError("exiftool goes on")
