"""Homes to measure in, and our commands run on them in processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def timed(command: list[str], **given: Any) -> float:
    """Run a command and return its seconds; one that fails ends the benchmark."""
    start = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **given)
    took = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(
            f"{command[:6]} ended with {done.returncode}:\n{done.stdout[-2000:].decode('utf-8', 'replace')}"
        )
    return took


def new_home(folder: Path) -> Path:
    """Make a home without politeness: auto-archiver has none either."""
    from archiver.signer.create_home import SetupAnswers, create_home

    home = Path(tempfile.mkdtemp(dir=folder)) / "home"
    create_home(home, SetupAnswers(pseudonym="bench"))
    path = home / "archiver.toml"
    text = path.read_text().replace("interval = 0.5", "interval = 0").replace("concurrency = 4", "concurrency = 64")
    text = text.replace("rendered = true", "rendered = false").replace("retries = 2", "retries = 0")
    path.write_text(text)
    return home


def ours(home: Path, network: dict[str, Any], words: list[str]) -> list[str]:
    """Return the words that run a command of ours in a home, against a test network."""
    order = {"home": str(home), "words": words, **network}
    return [sys.executable, "-m", "benchmarks.recorded", "main", json.dumps(order)]
