"""Feeds: lists that grow. A file, a watched folder, RSS or Atom, a Google Sheet; looked at again and again, each link queued once.

A link is known by what it points at, so ten spellings of it are one job; the job's id follows from the feed and the link, so that it
cannot be queued twice. A row that is edited is noticed: its new link is queued, what was captured of the old one stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archiver.capture.link_lists import Entry, ListRead, read_list
from archiver.capture.options import Options
from archiver.capture.support import unsupported, walked
from archiver.errors import UsageError
from archiver.jobs.feed_model import Feed
from archiver.jobs.google_sheet import Sheet
from archiver.jobs.job import Job, packed
from archiver.jobs.queue import Queue
from archiver.jobs.shared_state import Thing
from spiders.targets import NoTarget, parse_target
from storage.canonical import dumps
from storage.digest import sha256
from storage.errors import EvidenceError, disk_error

if TYPE_CHECKING:
    from archiver.home.home import Home

SLICE = 500
"""How many links are queued in one go: a sheet of fifty thousand does not hold up the rest."""
FETCH_SECONDS = 15.0
FETCH_LIMIT = 20 << 20


def kind_of(source: str) -> str:
    """Raises `UsageError`."""
    if source.startswith("https://docs.google.com/spreadsheets/"):
        return "sheet"
    if source.startswith(("https://", "http://")):
        return "rss"
    path = Path(source).expanduser()
    if path.is_dir():
        return "folder"
    if path.is_file():
        return "file"
    raise UsageError("a file, a folder, or a link of RSS or a Google Sheet", repr(source), "Check the name.")


def read(home: Home, feed: Feed) -> tuple[ListRead, Sheet | None]:
    """What the source holds now. Raises `EvidenceError`."""
    if feed.kind == "sheet":
        sheet = Sheet(home, feed.source, feed.column)
        return sheet.links(), sheet
    if feed.kind == "rss":
        return _rss(home, feed.source), None
    path = Path(feed.source).expanduser()
    if feed.kind == "file":
        return read_list(str(path), feed.column, _nothing()), None
    entries: list[Entry] = []
    notes: list[str] = []
    try:
        files = sorted(one for one in path.iterdir() if one.is_file() and not one.name.startswith("."))
    except OSError as error:
        raise disk_error(error, f"looking into {path}") from error
    for one in files:
        try:
            found = read_list(str(one), feed.column, _nothing())
        except EvidenceError as error:  # one file that cannot be read keeps no other back
            notes.append(f"{one.name}: {error.found}")
            continue
        entries += [replace(entry, where=f"{one.name}, {entry.where}") for entry in found.entries]
    return ListRead(tuple(entries), None, tuple(notes)), None


def _nothing() -> Any:
    import io

    return io.BytesIO()


def session(home: Home) -> Any:
    """By the way out that captures take."""
    import requests

    made = requests.Session()
    made.trust_env = False
    if home.config.proxy:
        made.proxies = {"http": home.config.proxy, "https": home.config.proxy}
    made.headers["User-Agent"] = home.config.user_agent
    return made


def _rss(home: Home, source: str) -> ListRead:
    import feedparser  # type: ignore[import-untyped]
    import requests

    try:
        with session(home) as asking, asking.get(source, timeout=FETCH_SECONDS, stream=True) as answer:
            answer.raise_for_status()
            data = answer.raw.read(FETCH_LIMIT + 1, decode_content=True)
    except (requests.RequestException, OSError, ValueError) as error:  # ValueError: it led to what is no link
        raise UsageError(
            "a feed that answers", type(error).__name__ + f": {error}"[:160], "Looked at again later."
        ) from error
    if len(data) > FETCH_LIMIT:
        raise UsageError(f"a feed below {FETCH_LIMIT >> 20} MiB", "a longer one", "Choose a shorter one.")
    found = feedparser.parse(data)
    if not found.entries and found.bozo:
        raise UsageError("RSS or Atom", str(found.get("bozo_exception", ""))[:120], "Check the link.")
    links = [(entry.get("id") or entry.get("link") or "", entry.get("link")) for entry in found.entries]
    return ListRead(tuple(Entry(f"entry {name}"[:200], link) for name, link in links if link))


@dataclass(frozen=True)
class Ticked:
    """What a look at a feed came to."""

    queued: int
    edited: tuple[str, ...]
    notes: tuple[str, ...]


def tick(home: Home, queue: Queue, thing: Thing) -> Ticked:
    """Reads the source, queues what is new, writes back what has ended. Raises `EvidenceError`."""
    feed, board = Feed.of(thing.id, thing.value), queue.board
    found, sheet = read(home, feed)
    digest = sha256(dumps([[entry.where, entry.text] for entry in found.entries])).hex()
    rows = (
        {one.id: one.value for one in board.things("row", f"{feed.id}:")}
        if digest != feed.digest or feed.left or sheet
        else {}
    )
    edited: tuple[str, ...] = ()
    if digest != feed.digest:
        rows, edited = _changed(feed, found.entries, rows)
        board.put_all("row", [Thing(name, None, value) for name, value in rows.items()])
    jobs, left = _jobs(feed, rows)
    queue.add(jobs.values())
    done = [(name, {**rows[name], "queued": True}) for name, key in _waiting(rows) if key in jobs]
    board.put_all("row", [Thing(name, None, value) for name, value in done])
    rows.update(dict(done))
    if sheet is not None and feed.columns:
        board.put_all("row", [Thing(name, None, value) for name, value in sheet.write_back(feed, rows, queue).items()])
    count = f"{len(found.entries)} rows, {len(jobs)} links queued" + (f", {left} still to be queued" if left else "")
    after = replace(feed, digest=digest, left=left, said="; ".join([count, *edited[:5], *found.notes[:5]]))
    wait = 1.0 if left else feed.every
    board.moved("feed", Thing(feed.id, board.now() + wait, after.value()), thing.due)
    return Ticked(len(jobs), edited, found.notes)


def _changed(
    feed: Feed, entries: Iterable[Entry], before: Mapping[str, dict[str, Any]]
) -> tuple[dict[str, dict[str, Any]], tuple[str, ...]]:
    """Row → what is known of it, and what was edited. Rows that only moved, because others were put between, were not."""
    rows: dict[str, dict[str, Any]] = {}
    for entry in entries:
        target = parse_target(entry.text) if entry.is_link else NoTarget("no link in it", "")
        name = f"{feed.id}:{entry.where}"
        while name in rows:  # several links in one cell
            name += "+"
        key = None if isinstance(target, NoTarget) else target.key
        rows[name] = {"where": entry.where, "text": entry.text, "key": key, "queued": False, "written": {}}
        if isinstance(target, NoTarget):
            rows[name]["reason"] = target.reason
    known = {value["key"]: value for value in before.values()}
    still = {value["key"] for value in rows.values()}
    edited = []
    for name, value in rows.items():
        was = before.get(name)
        if value["key"] in known:
            value["queued"] = known[value["key"]]["queued"]
            if was is not None and was["key"] == value["key"]:
                value["written"] = was["written"]
        elif was is not None and was["text"] != value["text"] and was["key"] not in still:
            edited.append(f"{value['where']} was edited: {was['text'][:80]} → {value['text'][:80]}")
    return rows, tuple(edited)


def _waiting(rows: Mapping[str, dict[str, Any]]) -> list[tuple[str, str]]:
    return [(name, value["key"]) for name, value in rows.items() if value["key"] and not value["queued"]]


def _jobs(feed: Feed, rows: Mapping[str, dict[str, Any]]) -> tuple[dict[str, Job], int]:
    """Link's key → its job, for the next slice; and how many are left after it."""
    options = packed(Options(cases=feed.cases, media=feed.media, account=feed.account))
    by_account = feed.account is not None
    jobs: dict[str, Job] = {}
    waiting = dict.fromkeys(key for _, key in _waiting(rows))
    texts: dict[str, str] = {}
    for value in rows.values():
        texts.setdefault(value["key"], value["text"])
    for key in list(waiting)[:SLICE]:
        target = parse_target(texts[key])
        if not isinstance(target, NoTarget):
            walk = unsupported(target, account=by_account) is not None and walked(target, by_account) is not None
            jobs[key] = Job(feed.job(key), "crawl" if walk else "capture", target.url, options, {"feed": feed.id})
    return jobs, len(waiting) - len(jobs)


def feeds_due(home: Home, queue: Queue, tell: Callable[[str], None]) -> int:
    """Looks at the feeds of this home that are due. A feed that cannot be read is looked at again later. How many were queued."""
    queued, now, ours = 0, queue.board.now(), home.ledger_key.name
    for thing in queue.board.due("feed", now):
        feed = Feed.of(thing.id, thing.value)
        if feed.ledger != ours:
            continue
        try:
            done = tick(home, queue, thing)
        except EvidenceError as error:
            after = replace(feed, said=f"could not be read: expected {error.expected}; found {error.found}")
            queue.board.moved("feed", Thing(feed.id, now + feed.every, after.value()), thing.due)
            tell(f"feed {feed.id}: expected {error.expected}; found {error.found}")
            continue
        queued += done.queued
        for text in done.edited:
            tell(f"feed {feed.id}: {text}")
    return queued
