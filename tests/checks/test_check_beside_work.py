"""`check` beside a home at work: what is only just being written is no damage."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from archiver.checks import check_home
from archiver.checks.lines import Finding
from tests.conftest import World, plain_home
from tests.support.forked import Command, Forked


def test_captures_are_sealed_meanwhile(tmp_path: Path, world: World, forked: Callable[[Command], Forked]) -> None:
    home = plain_home(tmp_path / "home")
    links = [f"https://t.me/ozen_today/{number}" for number in (11, 12, 13, 15, 21, 22, 23, 24, 25, 26)]
    words = ("--home", str(home.path), "capture", *links, "--at-once", "4")
    capturing = forked(Command(words, world.network, tmp_path / "log"))
    damaged: set[str] = set()
    checks = 0
    while capturing.poll() is None:
        damaged |= {line.text() for line in check_home(home.path) if line.finding is Finding.DAMAGED}
        checks += 1
    assert damaged == set()
    assert checks > 3
