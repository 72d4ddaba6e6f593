"""Homes to measure in, and our commands run on them in processes of their own.

`python -m benchmarks.homes FOLDER [CAPTURES …]` makes the large ones, of 1,000, 10,000 and 50,000 captures with twenty
posts each: a million posts in the last. They are true homes, written by what writes every other; `archiver check` calls
them intact. Only nothing is synced: what a power cut would leave of them is of no interest.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trustme

from benchmarks.bench import Bench
from benchmarks.processes import ROOT

if TYPE_CHECKING:
    from archiver.home.home import Home
    from archiver.signer.local import LocalSigner

LARGE = (1_000, 10_000, 50_000)
POSTS = 20
"""Posts of each capture of a large home: a page of a channel."""
FORM = "large-homes/1"
"""Raise the number when what is made below changes: what was kept is then made again."""
CHANNELS = 500
CASES = 20
"""Besides `inbox`, which all captures are in; and `exported`, which the first thousand are in."""
EXPORTED = 1_000
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
STEP = timedelta(seconds=30)
"""Time between two captures."""
_SLICE = 50
"""How many captures are handed to a process at a time."""


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


# -- large homes ---------------------------------------------------------------------------------------


def large_homes(bench: Bench) -> dict[int, Path]:
    """Return the large homes by their number of captures; they are made at the first use, and kept for the next runs."""
    sizes = [bench.size(size) for size in LARGE]
    kept = bench.made / "large" if bench.small else kept_homes()
    made = kept / "made.json"
    if not made.exists() or json.loads(made.read_bytes()) != [FORM, sizes]:
        shutil.rmtree(kept, ignore_errors=True)
        words = [sys.executable, "-m", "benchmarks.homes", str(kept), *map(str, sizes)]
        subprocess.run(words, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
        made.write_text(json.dumps([FORM, sizes]))
    return {size: kept / str(size) for size in sizes}


def kept_homes() -> Path:
    """Return the folder that large homes are kept in: $ARCHIVER_BENCH_HOMES, or one beside other caches."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(os.environ.get("ARCHIVER_BENCH_HOMES") or f"{cache}/archiver-bench-homes")


def make_large(folder: Path, sizes: Sequence[int], posts: int = POSTS) -> dict[int, Path]:
    """Make homes of these numbers of captures below `folder`; return them by number.

    A smaller one holds what the larger ones began with; the folders of captures and events are the same files.
    """
    from archiver.home.home import Home
    from archiver.signer.create_home import SetupAnswers, create_home
    from archiver.signer.local import LocalSigner

    _without_sync()
    path = folder / "growing"
    create_home(path, SetupAnswers(pseudonym="bench", second=str(folder / "second")))
    (folder / "second").mkdir(exist_ok=True)
    home = Home(path, clock=lambda: FIRST)
    signer = LocalSigner(home)
    make_cases(home, signer)
    recipients, made = home.recipients(["inbox"]), {}
    with multiprocessing.get_context("spawn").Pool(os.cpu_count(), _without_sync) as pool:
        for start, end in zip((0, *sizes), sizes, strict=False):
            slices = [(path, n, min(n + _SLICE, end), posts, recipients) for n in range(start, end, _SLICE)]
            for order, folders in zip(slices, pool.imap(_write_slice, slices), strict=True):
                seal_captures(home, signer, order[1], folders)
            made[end] = _snapshot(home, folder / str(end), end)
            print(f"{end} captures", flush=True)
    home.catalog.close()
    shutil.rmtree(path)
    return made


def _without_sync() -> None:
    os.fsync = lambda fd: None


def make_cases(home: Home, signer: LocalSigner) -> None:
    """Make the cases that captures of large homes are in."""
    from archiver.signer.case_keys import new_case

    for name in (*_case_names(), "exported"):
        new_case(home, signer, name, [])


def _case_names() -> list[str]:
    return [f"case-{n:02}" for n in range(CASES)]


def capture_id(n: int) -> str:
    """Return the id of the capture number `n` of a large home, from 0."""
    letters = "0123456789abcdefghjkmnpqrstvwxyz"
    end = "".join(random.Random(n).choices(letters, k=8))
    return f"{FIRST + n * STEP:%Y%m%dT%H%M%S}-{end}"


def post_ids(n: int, posts: int = POSTS) -> list[str]:
    """Return the ids of the posts of a capture. Each tenth page of a channel is the one before, seen again."""
    page = n // CHANNELS
    first = (page - (page % 10 == 9)) * posts + 1
    return [f"{channel(n)}/{number}" for number in range(first, first + posts)]


def channel(n: int) -> str:
    """Return the handle of the channel that a capture is of."""
    return f"channel_{n % CHANNELS}"


def _write_slice(order: tuple[Path, int, int, int, list[str]]) -> list[str]:
    """Write capture folders into a home; return where they lie in it."""
    home, start, end, posts, recipients = order
    words = word_list()
    return [write_capture(home, n, posts, recipients, words) for n in range(start, end)]


def word_list() -> list[str]:
    """Return the words that posts are made of."""
    chance = random.Random(9)
    return ["".join(chance.choices("абвгдежзиклмнопрст", k=chance.randint(3, 9))) for _ in range(20_000)]


def write_capture(home: Path, n: int, posts: int, recipients: list[str], words: list[str]) -> str:
    """Write the folder of a capture into a home; return where it lies in it."""
    from storage.capture import CaptureWriter, Identity

    name, chance, moment = capture_id(n), random.Random(n), FIRST + n * STEP
    folder = f"captures/{name[:4]}/{name[4:6]}/{name[6:8]}/{name}"
    link, salt = f"https://t.me/s/{channel(n)}?before={n}", chance.randbytes(32)
    identity = Identity(name, name, 1, link, salt, {"name": "bench", "version": "0"}, test_routes=True)
    writer = CaptureWriter(home / folder, identity, recipients, lambda: moment, lambda: 0.0)
    writer.inventory({"kind": "target", "url": link, "platform": "telegram", "target_kind": "channel",
                      "id": channel(n), "target_salt": salt.hex()})  # fmt: skip
    lines = [_post(key, chance, words, moment) for key in post_ids(n, posts)]
    block = json.dumps(lines, ensure_ascii=False).encode()
    record = writer.resource(link, "application/json", block).record_id
    for line in _discovered(lines, record):
        writer.inventory(line)
    for line in lines:
        writer.post({**line, "record": record})
    writer.close("captured", None)
    writer.release()
    return folder


def _post(key: str, chance: random.Random, words: list[str], moment: datetime) -> dict[str, Any]:
    """Make the line of a post; four in ten have a photo."""
    handle, _, number = key.partition("/")
    published = f"{moment - timedelta(minutes=int(number)):%Y-%m-%dT%H:%M:%SZ}"
    photo = {"kind": "photo", "url": f"https://cdn.example/{key}.jpg", "width": 800, "height": 600}
    line = dict.fromkeys(("title", "lang", "reply_to", "forwarded_from", "likes", "replies", "reposts", "duration"))
    return {
        "platform": "telegram", "id": key, "url": f"https://t.me/{key}", "author_handle": handle, "author_name": "Өзен",
        "author_id": f"-100{handle[8:]}", "published_at": published, **line,
        "text": " ".join(chance.choices(words, k=chance.randint(10, 40))),
        "attachments": [photo] if int(number) % 5 < 2 else [], "views": chance.randrange(100_000), "edited": False,
        "outcome": "captured", "reason": None, "role": "target", "parser": "bench/1",
        "published": {"value": published, "precision": "second", "zone_known": True, "literal": published, "source": "bench"},
    }  # fmt: skip


def _discovered(lines: Sequence[dict[str, Any]], record: str) -> Iterator[dict[str, Any]]:
    """Yield the inventory of a page: itself, the count of its posts, each post, each photo."""
    yield {"state": "discovered", "key": "page", "kind": "page", "parent": "target"}
    yield {"kind": "census", "marker": "posts", "raw": len(lines), "parsed": len(lines), "agrees": True, "page": "page"}
    yield {"key": "page", "kind": "page", "outcome": "captured", "reason": None, "record": record}
    for line in lines:
        key = f"post {line['id']}"
        yield {"state": "discovered", "key": key, "kind": "post", "url": line["url"], "parent": "page"}
        for photo in range(len(line["attachments"])):
            own = {"key": f"{key} #{photo}", "kind": "photo"}
            yield {"state": "discovered", **own, "parent": key}
            yield {**own, "outcome": "skipped", "reason": "pictures were not asked for"}
        yield {"key": key, "kind": "post", "outcome": "captured", "reason": None, "record": record}


def seal_captures(home: Home, signer: LocalSigner, first: int, folders: Sequence[str]) -> None:
    """Seal captures under one checkpoint, to save the files that each has; each twentieth gets a note."""
    from archiver.seal.sealing import captured_event
    from storage.events import Event

    events = []
    for n, folder in enumerate(folders, first):
        moment = FIRST + n * STEP
        home.clock = lambda moment=moment: moment  # type: ignore[misc]
        cases = ["inbox", _case_names()[n % CASES], *(["exported"] if n < EXPORTED else [])]
        events.append(captured_event(home, Path(folder), cases))
        if n % 20 == 0:
            about = {"capture": capture_id(n), "post": post_ids(n)[0]}
            events.append(Event("annotated", home.clock(), {"kind": "note", "about": about, "text": f"seen by {n}"}))
    signer.append(events)


def _snapshot(home: Home, to: Path, size: int) -> Path:
    """Copy a home as it is now, with its catalog and a queue."""
    home.catalog._connection.execute("PRAGMA synchronous=OFF")
    home.project()
    home.catalog.checkpoint()
    for part in ("captures", "events"):
        shutil.copytree(home.path / part, to / part, copy_function=os.link)
    shutil.copytree(home.path, to, ignore=shutil.ignore_patterns("captures", "events", "jobs"), dirs_exist_ok=True)
    _queue(to, size)
    return to


def _queue(path: Path, size: int) -> None:
    """Give a home a queue: a job for each capture, all but a few of them done, and a watch for each tenth.

    The first job is queued as any other; the rest are rows like it.
    """
    from archiver.home.home import Home
    from archiver.jobs.entries import SharedEntry
    from archiver.jobs.job import Job
    from archiver.jobs.queue import QUEUE_FILE, AttemptResult, opened
    from storage.sqlite import connect

    home = Home(path)
    result = AttemptResult("done", "captured", None, (capture_id(0),)).line()
    with opened(home) as queue:
        queue.add([Job(capture_id(0), "capture", "https://t.me/channel_0/1")])
        queue.shared.claims.add(f"{capture_id(0)}.1", "bench", result)
        watch = {"link": "https://t.me/channel_0/1", "kind": "post", "every": 86400.0, "said": "as before"}
        queue.shared.entries.put_all("watch", [SharedEntry(f"{n:08}", time.time(), watch) for n in range(size // 10)])
    names = [f"{capture_id(n)}.1" for n in range(size)]
    ended = [n for n in range(1, size) if n % 100]
    database = connect(path / QUEUE_FILE, "Make the large homes again.", durable=False)
    database.execute("BEGIN")
    _repeat(database, "workflow_status", ({"workflow_uuid": names[n]} for n in range(1, size)))
    _repeat(database, "workflow_input", ({"workflow_uuid": names[n]} for n in range(1, size)))
    for table, name in (("workflow_input", "inputs"), ("workflow_status", "created_at")):
        change = (
            "replace(inputs, ?, substr(workflow_uuid, 1, 24))" if name == "inputs" else f"{name} + rowid + length(?)"
        )
        database.execute(f"UPDATE {table} SET {name}={change}", (capture_id(0),))
    _repeat(database, "archiver_claims", ({"attempt": names[n]} for n in ended))
    database.execute("DELETE FROM archiver_claims WHERE attempt=?", (names[0],))
    said = json.dumps(result)
    database.executemany("INSERT INTO workflow_output VALUES (?,?,NULL,0)", ((names[n], said) for n in ended))
    database.executemany(
        "UPDATE workflow_status SET status='SUCCESS' WHERE workflow_uuid=?", ((names[n],) for n in ended)
    )
    database.execute("COMMIT")
    database.close()


def _repeat(database: sqlite3.Connection, table: str, others: Iterable[dict[str, Any]]) -> None:
    """Add rows like the only one of a table, but for what is given."""
    names = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
    like = dict(zip(names, database.execute(f"SELECT * FROM {table}").fetchone(), strict=True))
    marks = ",".join(f":{name}" for name in names)
    database.executemany(f"INSERT INTO {table} VALUES ({marks})", ({**like, **other} for other in others))


if __name__ == "__main__":
    make_large(Path(sys.argv[1]), [int(word) for word in sys.argv[2:]] or list(LARGE))
