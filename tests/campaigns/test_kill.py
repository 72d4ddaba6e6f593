"""kill -9 at random moments: what a client saw completed is kept, nothing sealed changes, recovery says what it did."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from archiver.checks import Finding, check_home, worst
from archiver.checks.warcs import problems_of, read_records
from archiver.demo.scene import channel
from archiver.demo.server import Answer, Asked, Platforms
from archiver.demo.telegram import Telegram
from archiver.home.home import Home
from archiver.seal.recovery import Recovered, recover
from archiver.signer.local import LocalSigner
from storage.digest import sha256_hex
from storage.files import Lock
from storage.times import system_clock
from tests.conftest import plain_home
from tests.support import media_files
from tests.support.soak import seeded
from tests.support.zygote import Zygote

KILLS_PER_HOME = 10
SEED = seeded(20261122)


@pytest.fixture
def zygote() -> Iterator[Zygote]:
    made = Zygote()
    yield made
    made.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platforms]:
    """The channel, and a page whose film is large enough to be streamed to a file of its own."""
    folder = tmp_path_factory.mktemp("served")
    shown, _ = channel(folder / "media")
    telegram = Telegram([shown], b"\x89PNG small", system_clock)
    film = media_files.film(filling=random.Random(SEED).randbytes(1 << 20))

    def site(asked: Asked) -> Answer:
        if asked.path == "/film.html":
            return Answer(
                body=b"<html><body><p>film</p><video src='/film.mp4'></video><img src='/film.txt'></body></html>"
            )
        if asked.path == "/film.txt":
            return Answer(content_type="text/plain", body=b"a line of text\n" * 10000, repeat=12)
        return Answer(content_type="video/mp4", body=film, repeat=24)

    made = Platforms(folder / "certificates", {**telegram.sites(), "big.example": site})
    yield made
    made.stop()


def sealed_digests(home: Home) -> dict[str, str]:
    """Every file of every sealed capture."""
    found = {}
    for row in home.catalog.captures():
        for path in (home.path / row["folder"]).iterdir():
            found[str(path)] = sha256_hex(path.read_bytes())
    return found


def readable_records(home: Home) -> dict[str, str]:
    """Record id → payload digest, of every record that can be read and is what it says."""
    found = {}
    for path in (home.path / "captures").rglob("*.warc.gz"):
        for record in read_records(path):
            assert problems_of(record) == [], path
            again = record.get("WARC-Payload-Digest") if record.get("WARC-Type") == "revisit" else None
            found[record.get("WARC-Record-ID") or ""] = again or record.decoded_digest or record.payload_digest
    return found


def recovered_to_the_last(home: Home) -> list[Recovered]:
    """Also what a killed process's child held: one that was being started then keeps the locks until it has begun."""
    for _, folder, _ in home.state.open_captures():
        if (home.path / folder).is_dir():
            lock = Lock(home.path / folder / ".lock")
            lock.acquire()
            lock.release()
    done = recover(home, LocalSigner(home))
    home.project()
    return done


def listing(home: Home, capture: str) -> list[str]:
    return [
        f"{path.name} {path.stat().st_size}" for path in sorted((home.path / home.capture_folder(capture)).glob("*"))
    ]


def test_kill_at_random_moments(tmp_path: Path, served: Platforms, zygote: Zygote) -> None:
    campaign(tmp_path, served, zygote, kills=30, seed=SEED)


def campaign(tmp_path: Path, served: Platforms, zygote: Zygote, kills: int, seed: int) -> None:
    moments = random.Random(seed)
    assert served.network.roots is not None
    wanted, kills = kills, 0
    recovered = completed = 0
    while kills < wanted:
        home = plain_home(tmp_path / f"home-{kills}")
        log = tmp_path / f"log-{kills}"
        order = {
            "home": str(home.path),
            "log": str(log),
            "routes": dict(served.network.routes),
            "roots": str(served.network.roots.path),
        }
        before: dict[str, str] = {}
        for _ in range(min(KILLS_PER_HOME, wanted - kills)):
            child = zygote.start(order)
            time.sleep(moments.uniform(0.0, 1.2))  # the moment itself is what is random here
            zygote.kill(child)
            kills += 1
            done = recover(home, LocalSigner(home))
            home.project()
            recovered += len(done)
            for item in done:
                assert item.describe()
            now = sealed_digests(home)
            assert {path: now.get(path) for path in before} == before, "something sealed has changed"
            before = now
        recovered += len(recovered_to_the_last(home))
        lines = [json.loads(line) for line in log.read_bytes().splitlines()] if log.exists() else []
        completed += len(lines)
        kept = readable_records(home)
        for line in lines:
            assert kept.get(line["id"]) == line["digest"], f"lost: {line}; there: {listing(home, line['capture'])}"
        findings = check_home(home.path)
        assert worst(findings) == 0, [line.text() for line in findings if line.finding is Finding.DAMAGED]
        home.catalog.close()
        home.state.close()
    print(f"\n{kills} kills, {recovered} captures recovered, {completed} completed exchanges, none lost")
    assert recovered > wanted // 10
    assert completed > wanted


@pytest.mark.soak("kill")
@pytest.mark.parametrize("half", [1, 2])
def test_kill_a_thousand_times(tmp_path: Path, served: Platforms, zygote: Zygote, half: int) -> None:
    """The full campaign of `make soak`, in two halves for two cores."""
    campaign(tmp_path, served, zygote, kills=int(os.environ.get("EVIDENCE_KILLS", "1000")) // 2, seed=SEED + half)
