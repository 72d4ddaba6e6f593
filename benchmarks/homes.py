"""Homes to measure in, and our commands run on them in processes of their own."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import trustme

from benchmarks.bench import Bench


def new_home(bench: Bench) -> Path:
    """Make a home without politeness: auto-archiver has none either."""
    home = plain_home(bench)
    change_settings(home, {"interval = 0.5": "interval = 0", "concurrency = 4": "concurrency = 64"})
    change_settings(home, {"rendered = true": "rendered = false", "retries = 2": "retries = 0"})
    return home


def change_settings(home: Path, lines: dict[str, str]) -> None:
    """Replace lines of a home's settings. Ends the trial where one is not there: it would measure something else."""
    path = home / "archiver.toml"
    text = path.read_text("utf-8")
    for before, after in lines.items():
        if before not in text:
            raise SystemExit(f"expected `{before}` in the settings of a new home, found none: mend the benchmark")
        text = text.replace(before, after)
    path.write_text(text, "utf-8")


def plain_home(bench: Bench) -> Path:
    """Make a home as the first run makes it."""
    from archiver.signer.create_home import SetupAnswers, create_home

    home = bench.new_folder() / "home"
    create_home(home, SetupAnswers(pseudonym="bench"))
    return home


def no_roots(bench: Bench) -> str:
    """Return a file of roots that nobody's certificate leads to, for a test network without TLS."""
    path = bench.folder / "no-roots.pem"
    path.write_bytes(trustme.CA().cert_pem.bytes())
    return str(path)


def ours(home: Path, network: dict[str, Any], words: list[str]) -> list[str]:
    """Return the words that run a command of ours in a home, against a test network."""
    order = {"home": str(home), "words": words, **network}
    return [sys.executable, "-m", "benchmarks.children.recorded", "main", json.dumps(order)]
