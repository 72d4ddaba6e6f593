"""A home that is copied from round after round has the destinations of its round only."""

from __future__ import annotations

from pathlib import Path

from archiver.home.home import Home
from archiver.signer.create_home import SetupAnswers, create_home
from benchmarks.parts.copies import set_destinations


def test_a_third_round_finds_the_home_as_the_first_did(tmp_path: Path) -> None:
    home = tmp_path / "home"
    create_home(home, SetupAnswers(pseudonym="bench"))
    for number in range(3):
        names = {f"r{number}": "s3://one", f"t{number}": "s3://two"}
        set_destinations(home, f"http://127.0.0.1:{9000 + number}", **names)
        found = Home(home).config.copies.destinations
        assert {one.name: one.where for one in found} == names
        assert {one.endpoint for one in found} == {f"http://127.0.0.1:{9000 + number}"}
