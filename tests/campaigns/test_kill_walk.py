"""A long channel walked to its end through kill -9: every post kept once, no page asked for that was done."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from archiver.checks import Finding, check_home, worst
from archiver.demo import media
from archiver.demo.scene import START
from archiver.demo.server import Answer, Asked, Platforms
from archiver.demo.telegram import PAGE, DemoChannel, DemoPost, Medium, Telegram
from archiver.home.home import Home
from storage.lines import read_lines
from storage.times import system_clock
from tests.conftest import plain_home
from tests.support.forked import Command, Forked
from tests.support.soak import seeded

SEED = seeded(20261122)
LINK = "https://t.me/s/long_channel"
PROGRAM = """
import json, resource, sys
from pathlib import Path
from archiver.cli.main import main
from archiver.recorder.network import TestNetwork
from archiver.recorder.tls import Roots
order = json.loads(sys.argv[1])
network = TestNetwork({key: tuple(value) for key, value in order["routes"].items()}, Roots(Path(order["roots"]), "test"))
code = main(["crawl", order["link"], "--home", order["home"]], network, {})
print(json.dumps({"peak_kb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}), file=sys.stderr)
raise SystemExit(code)
"""


def platform(folder: Path, count: int) -> Platforms:
    """A channel of `count` posts; every tenth has a photo, so that files are under way when the kill comes."""
    posts = [
        DemoPost(
            number, START + timedelta(minutes=number), f"Хабар № {number}",
            [Medium("photo", f"photo-{number}.jpg", media.picture(40, 30, number % 256), "image/jpeg")] if number % 10 == 0 else [],
        )
        for number in range(1, count + 1)
    ]  # fmt: skip
    channel = DemoChannel("long_channel", "Long", -1001, posts)
    files = channel.files()
    telegram = Telegram([channel], b"\x89PNG small", system_clock)

    def file(asked: Asked) -> Answer:
        medium = files.get(asked.path)
        return Answer(200, "image/jpeg", medium.body) if medium else Answer(200, "image/png", b"\x89PNG small")

    return Platforms(folder, {"t.me": telegram.web, "cdn4.telesco.pe": file})


def pages(served: Platforms) -> list[str]:
    return [asked.query.get("before", "newest") for asked in served.log if asked.path == "/s/long_channel"]


def campaign(tmp_path: Path, count: int, kills: int, forked: Callable[[Command], Forked]) -> None:
    served = platform(tmp_path / "certificates", count)
    home = plain_home(tmp_path / "home")
    command = Command(("crawl", LINK, "--home", str(home.path)), served.network, tmp_path / "log")
    moments = random.Random(SEED)
    all_pages = -(-count // PAGE)
    try:
        for turn in range(kills):
            process = forked(command)
            deadline = time.monotonic() + 120
            while len(set(pages(served))) < all_pages * (turn + 1) // (kills + 1) and process.poll() is None:
                assert time.monotonic() < deadline
                time.sleep(0.002)
            time.sleep(moments.uniform(0.0, 0.06))  # the moment itself is what is random here
            process.kill()
            process.wait()
        assert forked(command).wait(300) == 0, command.log.read_text()[-2000:]
        asked = Counter(pages(served))
    finally:
        served.stop()
    assert len(asked) == all_pages
    repeated = sum(asked.values()) - all_pages
    assert repeated <= 4 * kills, f"{repeated} pages were asked for again after {kills} kills"
    judge(home, count, kills, repeated)


def judge(home: Home, count: int, kills: int, repeated: int) -> None:
    home.project()
    ended: Counter[str] = Counter()
    photos: Counter[str] = Counter()
    captures = home.catalog.captures()
    for row in captures:
        for line in read_lines(home.path / row["folder"] / "inventory.jsonl"):
            key = str(line.get("key", ""))
            if line.get("outcome") == "captured" and key.startswith("post "):
                (photos if "#" in key else ended)[key] += 1
    assert set(ended) == {f"post long_channel/{number}" for number in range(1, count + 1)}, "lost"
    assert set(ended.values()) == {1}, f"doubled: {[key for key, times in ended.items() if times > 1][:5]}"
    assert {key.partition(" #")[0] for key in photos} == {
        f"post long_channel/{number}" for number in range(10, count + 1, 10)
    }
    assert len({row["run"] for row in captures}) == 1
    assert len({row["part"] for row in captures}) == len(captures)
    assert home.state.unfinished_runs("telegram:channel:long_channel") == []
    findings = check_home(home.path)
    assert worst(findings) == 0, [line.text() for line in findings if line.finding is Finding.DAMAGED]
    print(
        f"\n{count} posts, {kills} kills, {len(captures)} captures, {repeated} pages asked again, nothing lost or doubled"
    )


def test_killed_in_the_middle_of_a_walk(tmp_path: Path, forked: Callable[[Command], Forked]) -> None:
    campaign(tmp_path, 400, 5, forked)


@pytest.mark.soak("walks")
def test_ten_thousand_posts_and_twenty_kills(tmp_path: Path, forked: Callable[[Command], Forked]) -> None:
    """The full campaign of `make soak`."""
    campaign(tmp_path, 10_000, int(os.environ.get("EVIDENCE_WALK_KILLS", "20")), forked)


def walked(tmp_path: Path, count: int) -> tuple[int, int]:
    """(requests for pages, peak memory in kB) of one walk that nobody disturbs."""
    served = platform(tmp_path / f"certificates-{count}", count)
    home = plain_home(tmp_path / f"home-{count}")
    assert served.network.roots is not None
    order = {
        "home": str(home.path), "link": LINK, "roots": str(served.network.roots.path),
        "routes": {key: list(value) for key, value in served.network.routes.items()},
    }  # fmt: skip
    try:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, json.dumps(order)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()[-2000:]
        return len(pages(served)), json.loads(done.stderr.splitlines()[-1])["peak_kb"]
    finally:
        served.stop()


@pytest.mark.soak("walks")
def test_memory_stays_flat_over_ten_thousand_posts(tmp_path: Path) -> None:
    """Requests are pages; ten times the posts take no more memory than the parts of a walk do."""
    few, small = walked(tmp_path, 2_000)
    many, large = walked(tmp_path, 10_000)
    print(f"\n2,000 posts: {small} kB, {few} requests; 10,000 posts: {large} kB, {many} requests")
    assert (few, many) == (100, 500)
    assert large < small * 1.15
