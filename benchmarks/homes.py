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
    path = home / "archiver.toml"
    text = path.read_text().replace("interval = 0.5", "interval = 0").replace("concurrency = 4", "concurrency = 64")
    text = text.replace("rendered = true", "rendered = false").replace("retries = 2", "retries = 0")
    path.write_text(text)
    return home


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
