"""A home to measure in has the settings that the rows speak of."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from benchmarks.bench import Bench
from benchmarks.homes import change_settings, new_home


def test_a_home_to_measure_in_is_not_polite(tmp_path: Path) -> None:
    home = new_home(Bench(tmp_path, tmp_path, 1, True, lambda what: None))
    text = (home / "archiver.toml").read_text("utf-8")
    assert all(line in text for line in ("interval = 0\n", "concurrency = 64", "rendered = false", "retries = 0"))
    assert tomllib.loads(text)
    change_settings(home, {"probe = true": "probe = false"})  # as the history of Telegram is measured
    with pytest.raises(SystemExit, match="expected `nosuch = 1` in the settings"):
        change_settings(home, {"nosuch = 1": "nosuch = 2"})
