"""Telegram by an account against bare Telethon, on the same miniature server in a process of its own."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from benchmarks.bench import Bench
from benchmarks.processes import ROOT, first_line, running
from benchmarks.registry import Part, Row, Series, at_least, at_most, measures

CHILD = [sys.executable, "-m", "benchmarks.children.telegram"]
TELEGRAM = Part(
    "telegram",
    "Telegram by an account",
    "Against Telethon alone, on the same miniature server, which runs in a process of its own on the same two cores.",
    """Telethon alone makes an object from a message in a tenth of a millisecond. Keeping a message takes about one
millisecond. 0.6 ms of this are the object as canonical JSON with its commitments, a WARC member and its line, the post
and its line, and two lines of the inventory. 0.4 ms are the manifest, and the catalog's rows with full text in two
forms. All of it is Python under one interpreter lock. No real server delivers a thousand messages a second: each page
of a hundred messages takes a round trip, and Telegram orders clients that ask faster to wait.""",
)
BOUNDED = "A history of years must not need more memory than one of a week."


def _child(how: str, network: dict[str, Any], what: str) -> Series:
    words = [*CHILD, how, json.dumps(network), what]
    done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    result: Series = json.loads(done.stdout.splitlines()[-1])
    return result


@contextlib.contextmanager
def _server(messages: int, size: int) -> Iterator[dict[str, Any]]:
    with running([*CHILD, "serve", str(messages), str(size)]) as server:
        yield json.loads(first_line(server))


@measures(
    TELEGRAM,
    Row(name="history", what="a history of 10,000 messages: kept, hashed, read, filed, sealed", unit="messages/s",
        ours="ours", peer="bare", against="`iter_messages(wait_time=0)` into memory", goal=at_least(0.8),
        reason="The bar of every recorded transfer: a fifth slower at most. Why it is far from it stands below."),
    Row(name="paced", what="… the same", unit="messages/s", ours="ours", peer="paced",
        against="`iter_messages` as it comes, with its pause of a second a page",
        reason="No goal: this is what Telegram allows for long."),
    Row(name="history-memory", what="… peak memory", unit="MB", ours="memory", goal=at_most(200, "value"), reason=BOUNDED),
)  # fmt: skip
def history(bench: Bench) -> Iterator[Series]:
    """Keep a history, in turn with Telethon; once with Telethon's pauses."""
    count = bench.size(10_000)
    with _server(count, 1) as network:
        for number in bench.rounds():
            bare = count / _child("bare", network, "history")["seconds"]
            told = _child("ours", network, "history")
            paced = {} if number else {"paced": count / _child("bare", network, "paced")["seconds"]}
            yield {"bare": bare, "ours": count / told["seconds"], "memory": told["memory"], **paced}


@measures(
    TELEGRAM,
    Row(name="file", what="a file of 1 GiB in parts, several at a time, hashed, sealed", unit="MB/s", ours="ours",
        peer="bare", against="`download_media`", goal=at_least(0.8),
        reason="The bar of every recorded transfer: a fifth slower at most."),
    Row(name="file-memory", what="… peak memory", unit="MB", ours="memory", goal=at_most(200, "value"),
        reason="What is fetched goes to the disk in parts: memory must not grow with the size of a file."),
)  # fmt: skip
def large_file(bench: Bench) -> Iterator[Series]:
    """Fetch a large file, in turn with Telethon."""
    size = bench.size(1 << 30)
    with _server(1, size) as network:
        for _ in bench.rounds():
            bare = size / 1e6 / _child("bare", network, "file")["seconds"]
            told = _child("ours", network, "file")
            yield {"bare": bare, "ours": size / 1e6 / told["seconds"], "memory": told["memory"]}
