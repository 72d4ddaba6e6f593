"""The catalog: durable captures, a million posts, ten million digests, making it again."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.bench import Bench
from benchmarks.homes import plain_home
from benchmarks.processes import ROOT
from benchmarks.registry import Part, Row, Series, at_least, at_most, measures

PROVENANCE = Part(
    "provenance",
    "Provenance: durable captures",
    "A capture's rows (event, capture, a post with full text) in the tables of catalog and ledger.",
    """A capture becomes rows in four tables with nine indexes, and full text in two forms. Captures that are written
one by one wait for the disk, because each is a durable transaction of its own; the table shows beside it how fast the
disk is. Sealing is slower by design: event, tiles, head and checkpoint are separate files, and each is synced before
the next is written.""",
)
MILLION = Part("million", "A catalog of a million posts")
DIGESTS = Part(
    "digests", "Ten million digests", "Measured on the index that the recorder uses, in a process of its own."
)
REBUILD = Part("rebuild", "Making the catalog again", "Fifty captures of a channel with 2,000 records each.")
FLAT = "What costs more with every post is unusable at a million. Flat, within what this kind of machine varies by."


def _capture(connection: sqlite3.Connection, number: int) -> None:
    from storage.catalog_rows import insert_posts

    capture, day = f"20261122T000000-{number:08d}", "2026-11-22T00:00:00.000000Z"
    connection.execute("INSERT INTO events VALUES (?,?,?,?,?,?)", (number, "captured", day, "bench", "0" * 64, "{}"))
    values = (capture, number, "run", 1, f"captures/{capture}", f"https://t.me/c/{number}", "telegram", "post", "a", "b",
              "captured", None, 1, "0" * 64, 0)  # fmt: skip
    connection.execute(f"INSERT INTO captures VALUES ({','.join('?' * len(values))})", values)
    post = {"platform": "telegram", "id": f"c/{number}", "author_name": "Өзен"}
    insert_posts(connection, capture, [{**post, "text": f"Алаңда адамдар жиналып жатыр {number}"}])


def _captures_a_second(folder: Path, group: int, count: int) -> float:
    from storage.catalog import Catalog

    catalog = Catalog(folder / "catalog.sqlite")
    start = time.perf_counter()
    for at in range(0, count, group):
        with catalog.transaction() as connection:
            for number in range(at, at + group):
                _capture(connection, number)
    rate = count / (time.perf_counter() - start)
    catalog.close()
    shutil.rmtree(folder)
    return rate


def _synced_a_second(path: Path) -> float:
    start, count = time.perf_counter(), 500
    with open(path, "wb", buffering=0) as out:
        for _ in range(count):
            out.write(bytes(4096))
            os.fdatasync(out.fileno())
    return count / (time.perf_counter() - start)


@measures(
    PROVENANCE,
    Row(name="single", what="durable captures, each its own transaction", unit="captures/s", ours="single",
        peer="synced", against="4 kB appended and synced on this disk", goal=at_least(2000, "value"),
        reason="A prototype reached 2,340; more than the disk syncs is not to be had."),
    Row(name="grouped", what="… grouped by 1,000", unit="captures/s", ours="grouped", goal=at_least(14_000, "value"),
        reason="A prototype reached 14,953 in groups of 100."),
)  # fmt: skip
def durable(bench: Bench) -> Iterator[Series]:
    """Insert captures one by one and in groups; see what the disk allows."""
    for _ in bench.rounds():
        yield {
            "single": _captures_a_second(bench.new_folder(), 1, bench.size(3000)),
            "synced": _synced_a_second(bench.folder / "synced"),
            "grouped": _captures_a_second(bench.new_folder(), 1000, 1000 * bench.size(20)),
        }


@measures(
    PROVENANCE,
    Row(name="sealed", what="events sealed one by one, tiles and checkpoint synced", unit="events/s", ours="sealed",
        reason="No goal: each file is synced before the next, so that a crash leaves nothing half sealed."),
)  # fmt: skip
def sealed(bench: Bench) -> Iterator[Series]:
    """Append events to a ledger one by one."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from storage.events import Author, Event
    from storage.ledger import Ledger
    from storage.note import NoteSigner
    from storage.times import system_clock

    for _ in bench.rounds():
        folder = bench.new_folder()
        ledger = Ledger(folder, NoteSigner("bench", Ed25519PrivateKey.generate()), folder / "head", "bench")
        author = Author("bench", Ed25519PrivateKey.generate())
        start = time.perf_counter()
        for number in range(100):
            ledger.append([Event("captured", system_clock(), {"n": number})], author)
        yield {"sealed": 100 / (time.perf_counter() - start)}


@measures(
    MILLION,
    Row(name="insert", what="insert of a post, last tenth of a million", unit="ms", ours="last", peer="first",
        against="the first tenth", goal=at_most(1.3), reason=FLAT),
    Row(name="two-words", what="search for two words among a million posts", unit="ms", ours="two",
        goal=at_most(200, "value"), reason="A search that answers at once is used; one that does not is replaced by guessing."),
    Row(name="one-word", what="… for one word", unit="ms", ours="one", goal=at_most(200, "value"),
        reason="As for two words."),
)  # fmt: skip
def million(bench: Bench) -> Iterator[Series]:
    """Fill a catalog; one sample for each 10,000 posts of its first and last tenth, then one for each search."""
    from storage.catalog import Catalog
    from storage.catalog_rows import insert_posts

    count = bench.size(1_000_000)
    step = max(1, count // 100)
    catalog = Catalog(bench.folder / "million.sqlite")
    chance = random.Random(9)
    words = ["".join(chance.choices("абвгдежзиклмнопрст", k=chance.randint(3, 9))) for _ in range(20000)]
    with catalog.transaction() as connection:
        connection.execute("PRAGMA foreign_keys=OFF")
    catalog._connection.execute("PRAGMA foreign_keys=OFF")
    costs = []
    for start in range(0, count, step):
        posts: list[dict[str, Any]] = [
            {"platform": "telegram", "id": f"c/{n}", "url": f"https://t.me/c/{n}", "author_handle": f"a{n % 3000}",
             "text": " ".join(chance.choices(words, k=12))}
            for n in range(start, start + step)
        ]  # fmt: skip
        before = time.perf_counter()
        with catalog.transaction() as connection:
            insert_posts(connection, f"capture-{start}", posts)
        costs.append((time.perf_counter() - before) / step * 1000)
    for first, last in zip(costs[:10], costs[-10:], strict=True):
        yield {"first": first, "last": last}
    for name, many, times in (("two", 2, 200), ("one", 1, 50)):
        for _ in range(times):
            before = time.perf_counter()
            catalog.find(" ".join(chance.choices(words, k=many)), 20)
            yield {name: (time.perf_counter() - before) * 1000}
    catalog.close()


LOOK = """
import random, sys, time
from pathlib import Path
from benchmarks.processes import peak
from storage.catalog import Catalog
catalog, chance = Catalog(Path(sys.argv[1])), random.Random(11)
for _ in range(1000):
    before = time.perf_counter()
    catalog.sealed_payload(f"sha256:{chance.randbytes(32).hex()}", ["inbox"])
    print((time.perf_counter() - before) * 1000)
print(peak())
"""


@measures(
    DIGESTS,
    Row(name="look", what="whether a payload is among 10,000,000", unit="ms", ours="look",
        reason="No goal: the recorder asks it of each answer, of which each takes longer to come."),
    Row(name="memory", what="… peak memory", unit="MB", ours="memory", goal=at_most(100, "value"),
        reason="The index must not have to fit into memory."),
)  # fmt: skip
def digests(bench: Bench) -> Iterator[Series]:
    """Fill the index; one sample for each round: the median of a thousand looks."""
    import subprocess

    from storage.catalog import Catalog

    path, chance, count = bench.folder / "digests.sqlite", random.Random(10), bench.size(10_000_000)
    catalog = Catalog(path)
    catalog._connection.execute("PRAGMA foreign_keys=OFF")
    catalog._connection.execute("PRAGMA synchronous=OFF")  # how it is filled is not what is measured
    catalog._connection.execute("PRAGMA cache_size=-2000000")
    names = 'capture,n,id,type,date,file,"offset",length,payload_digest'
    for start in range(0, count, 100_000):
        with catalog.transaction() as connection:
            connection.executemany(
                f"INSERT INTO records ({names}) VALUES (?,?,?,?,?,?,?,?,?)",
                (
                    (f"c{n // 2000}", n, f"<urn:uuid:{n}>", "response", "2026", "f", n, 9,
                     f"sha256:{chance.randbytes(32).hex()}")
                    for n in range(start, start + 100_000)
                ),
            )  # fmt: skip
    catalog.close()
    for _ in bench.rounds():
        words = [sys.executable, "-c", LOOK, str(path)]
        said = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT)
        *times, most = map(float, said.stdout.split())
        yield {"look": statistics.median(times), "memory": most}


@measures(
    REBUILD,
    Row(name="rate", what="catalog made again from the captures", unit="records/s", ours="rate",
        goal=at_least(20_000, "value"), reason="A catalog is disposable only if a night is enough to make it again."),
)  # fmt: skip
def rebuild(bench: Bench) -> Iterator[Series]:
    """Make the catalog of a home again."""
    from archiver.home.home import Home
    from archiver.seal.sealing import captured_event
    from archiver.signer.local import LocalSigner
    from storage.capture import CaptureWriter, Identity

    home = plain_home(bench)
    opened = Home(home)
    count, each = 0, bench.size(2000)
    for number in range(50):
        capture = f"20261123T0000{number:02d}-{number:08d}"
        folder = opened.capture_folder(capture)
        identity = Identity(capture, "run", 1, "https://t.me/c", bytes(32), {"name": "bench", "version": "0"}, True)
        writer = CaptureWriter(home / folder, identity, opened.recipients(["inbox"]), opened.clock, time.monotonic)
        writer.resources([(f"urn:x:{number}:{n}", "application/json", b'{"id":%d}' % n, {}) for n in range(each)])
        count += each + 1
        writer.close("captured", None)
        writer.release()
        LocalSigner(opened).append([captured_event(opened, folder, ["inbox"])])
    for _ in bench.rounds(most=3):
        start = time.perf_counter()
        opened.rebuild_catalog()
        yield {"rate": count / (time.perf_counter() - start)}
