"""Read feeds, which are lists that grow: a file, a folder, RSS or Atom, a Google Sheet. Each link is queued once.

A link is known by what it points at, so ten spellings of it are one job; the job's id follows from the feed and the link, so that it
cannot be queued twice. A row that is edited is noticed: its new link is queued, what was captured of the old one stays.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from archiver.capture.link_lists import Entry, ListRead, read_list
from archiver.capture.options import CaptureOptions
from archiver.errors import UsageError
from archiver.home.home import Home
from archiver.home.secret_values import SecretMask, mask_of
from archiver.jobs.entries import SharedEntry
from archiver.jobs.feed_model import Feed
from archiver.jobs.google_sheet import GoogleSheets, Sheet
from archiver.jobs.job import Job
from archiver.jobs.new_job import new_job
from archiver.jobs.queue import Queue
from archiver.jobs.queue_secrets import Unopened
from spiders.links import LinkProblem, read_http, safe_join, scheme_of, with_slashes, without_userinfo
from spiders.targets import NoTarget, parse_target
from storage.canonical import dumps
from storage.digest import sha256
from storage.errors import EvidenceError, disk_error

SLICE = 500
"""How many links are queued in one go: a sheet of fifty thousand does not hold up the rest."""
FETCH_SECONDS = 15.0
FETCH_LIMIT = 20 << 20


def kind_of(source: str) -> str:
    """Return what kind of feed a path or a link is. Raises `UsageError`."""
    if source.lower().startswith("https://docs.google.com/spreadsheets/"):
        return "sheet"
    if scheme_of(source) in ("https", "http"):
        return "rss"
    path = Path(source).expanduser()
    if path.is_dir():
        return "folder"
    if path.is_file():
        return "file"
    expected = "a file, a folder, or a link of RSS or a Google Sheet"
    raise UsageError(expected, repr(without_userinfo(source)), "Check the name.")


def checked_link(source: str) -> str:
    """Return the link of a feed as it is requested.

    Raises `UsageError` where it cannot be requested, and where a password is in it.
    """
    link = with_slashes(source)
    if isinstance(problem := read_http(link), LinkProblem):
        raise UsageError(
            "a valid link without a name or password",
            f"{without_userinfo(link)!r}: {problem}",
            "Check the link; remove everything before the @.",
        )
    return link


@dataclass(frozen=True)
class FeedResult:
    """Result of reading a feed."""

    queued: int
    """How many links were queued."""
    edited: tuple[str, ...]
    """What was edited, in words."""


class FeedReader:
    """Reads the feeds of one home, and queues what is new in them."""

    def __init__(self, home: Home, queue: Queue, tell: Callable[[str], None]) -> None:
        """`tell` is called with one line for the person: a feed that cannot be read, a row that was edited."""
        self._home, self._queue, self._tell = home, queue, tell
        self._mask = mask_of(home.config, home.environment)
        self._sheets = GoogleSheets(home)

    def read_due(self) -> int:
        """Read the feeds that are due; return how many links were queued.

        A feed that cannot be read is read again later. Raises `Unreachable`.
        """
        shared, queued = self._queue.shared, 0
        now, ours = shared.now(), self._home.ledger_key.name
        for entry in shared.entries.due("feed", now):
            feed = Feed.of(entry.id, entry.value)
            if feed.ledger != ours:
                continue
            try:
                done = self.read(entry)
            except EvidenceError as error:
                after = replace(feed, said=f"could not be read: {error.summary}")
                shared.entries.reschedule("feed", SharedEntry(feed.id, now + feed.every, after.value()), entry.due)
                self._tell(f"feed {feed.id}: {error.summary}")
                continue
            queued += done.queued
            for text in done.edited:
                self._tell(f"feed {feed.id}: {text}")
        return queued

    def read(self, entry: SharedEntry) -> FeedResult:
        """Read one feed: queue what is new, write back what has ended. Raises `EvidenceError`."""
        feed, shared = Feed.of(entry.id, entry.value), self._queue.shared
        found, sheet = self._source(feed)
        digest = sha256(dumps([[one.where, one.text] for one in found.entries])).hex()
        rows: dict[str, dict[str, Any]] = {}
        edited: tuple[str, ...] = ()
        if digest != feed.digest or feed.left or sheet:
            before = shared.entries.all("row", f"{feed.id}:")
            if any(one.unopened for one in before):
                raise Unopened(f"a row of feed {feed.id}")
            rows = {one.id: one.value for one in before}
        if digest != feed.digest:
            rows, edited = _changed(feed, found.entries, rows, self._mask)
            self._save(rows)
        jobs, left = _jobs(feed, rows)
        self._queue.add(jobs.values())
        queued = {name: {**rows[name], "queued": True} for name, key in _waiting(rows) if key in jobs}
        self._save(queued)
        rows.update(queued)
        if sheet is not None and feed.columns:
            self._save(sheet.write_back(feed, rows, self._queue))
        count = f"{len(found.entries)} rows, {len(jobs)} links queued" + (
            f", {left} still to be queued" if left else ""
        )
        after = replace(feed, digest=digest, left=left, said="; ".join([count, *edited[:5], *found.notes[:5]]))
        wait = 1.0 if left else feed.every
        shared.entries.reschedule("feed", SharedEntry(feed.id, shared.now() + wait, after.value()), entry.due)
        return FeedResult(len(jobs), edited)

    def _source(self, feed: Feed) -> tuple[ListRead, Sheet | None]:
        """Read what the source holds now."""
        if feed.kind == "sheet":
            sheet = self._sheets.open(feed.source, feed.column, self._home.proxy_for(feed.cases))
            return sheet.links(), sheet
        if feed.kind == "rss":
            return _rss(self._home, feed.source, self._home.proxy_for(feed.cases)), None
        path = Path(feed.source).expanduser()
        if feed.kind == "file":
            return read_list(str(path), feed.column, io.BytesIO()), None
        return _folder(path, feed.column), None

    def _save(self, rows: Mapping[str, dict[str, Any]]) -> None:
        self._queue.shared.entries.put_all("row", [SharedEntry(name, None, value) for name, value in rows.items()])


def _folder(path: Path, column: str | None) -> ListRead:
    """Read the lists in a folder. One that cannot be read keeps no other back. Raises `DiskError`."""
    entries: list[Entry] = []
    notes: list[str] = []
    try:
        files = sorted(one for one in path.iterdir() if one.is_file() and not one.name.startswith("."))
    except OSError as error:
        raise disk_error(error, f"looking into {path}") from error
    for one in files:
        try:
            found = read_list(str(one), column, io.BytesIO())
        except EvidenceError as error:
            notes.append(f"{one.name}: {error.found}")
            continue
        entries += [replace(entry, where=f"{one.name}, {entry.where}") for entry in found.entries]
    return ListRead(tuple(entries), None, tuple(notes))


def _session(home: Home, proxy: str | None) -> Any:
    """Open an HTTP session by the proxy that captures for the feed's cases take."""
    import requests

    made = requests.Session()
    made.trust_env = False
    if proxy:
        made.proxies = {"http": proxy, "https": proxy}
    made.headers["User-Agent"] = home.config.user_agent
    return made


def _rss(home: Home, source: str, proxy: str | None) -> ListRead:
    import feedparser  # type: ignore[import-untyped]
    import requests

    with _session(home, proxy) as session:

        def refuse_redirect(answer: requests.Response, **_: Any) -> None:
            """Refuse to be led where no feed may be added from: `requests` would send the password of a link."""
            if (target := session.get_redirect_target(answer)) is not None:
                checked_link(safe_join(answer.url, target) or target)

        session.hooks["response"].append(refuse_redirect)
        try:
            with session.get(checked_link(source), timeout=FETCH_SECONDS, stream=True) as answer:
                answer.raise_for_status()
                data = answer.raw.read(FETCH_LIMIT + 1, decode_content=True)
        except (requests.RequestException, OSError, ValueError) as error:
            said = f"{type(error).__name__}: {without_userinfo(str(error))[:160]}"
            raise UsageError("a feed that answers", said, "It is checked again later.") from error
    if len(data) > FETCH_LIMIT:
        raise UsageError(f"a feed below {FETCH_LIMIT >> 20} MiB", "a longer one", "Choose a shorter one.")
    found = feedparser.parse(data)
    if not found.entries and found.bozo:
        raise UsageError("RSS or Atom", str(found.get("bozo_exception", ""))[:120], "Check the link.")
    links = [(entry.get("id") or entry.get("link") or "", entry.get("link")) for entry in found.entries]
    return ListRead(tuple(Entry(f"entry {without_userinfo(name)}"[:200], link) for name, link in links if link))


def _changed(
    feed: Feed, entries: Iterable[Entry], before: Mapping[str, dict[str, Any]], mask: SecretMask
) -> tuple[dict[str, dict[str, Any]], tuple[str, ...]]:
    """Return what is known of each row, and what was edited. A row that only moved, because others were put in between, was not."""
    rows: dict[str, dict[str, Any]] = {}
    for entry in entries:
        target = parse_target(entry.text) if entry.is_link else NoTarget("no link in it", "")
        where = mask.text(entry.where)  # of an entry of RSS it may be a link, and ids are not encrypted
        name = f"{feed.id}:{where}"
        while name in rows:  # several links in one cell
            name += "+"
        key = None if isinstance(target, NoTarget) else target.key
        text = without_userinfo(entry.text) if key is None else entry.text
        rows[name] = {"where": where, "text": text, "key": key, "queued": False, "written": {}}
        if key is not None and mask.text(key) != key:  # it will be shown masked, and stored for the keys of its cases
            rows[name] |= {"job": feed.job(key), "cases": list(feed.cases)}
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
            old, new = (mask.text(text)[:80] for text in (was["text"], value["text"]))
            edited.append(f"{value['where']} was edited: {old} → {new}")
    return rows, tuple(edited)


def _waiting(rows: Mapping[str, dict[str, Any]]) -> list[tuple[str, str]]:
    """List name and key of the rows whose link is still to be queued."""
    return [(name, value["key"]) for name, value in rows.items() if value["key"] and not value["queued"]]


def _jobs(feed: Feed, rows: Mapping[str, dict[str, Any]]) -> tuple[dict[str, Job], int]:
    """Make the jobs of the next slice, by the key of their link. Returns them, and how many links are left after it."""
    options = CaptureOptions(cases=feed.cases, media=feed.media, account=feed.account)
    jobs: dict[str, Job] = {}
    waiting = dict.fromkeys(key for _, key in _waiting(rows))
    texts: dict[str, str] = {}
    for value in rows.values():
        texts.setdefault(value["key"], value["text"])
    for key in list(waiting)[:SLICE]:
        target = parse_target(texts[key])
        if not isinstance(target, NoTarget):
            jobs[key] = new_job(feed.job(key), target, options, {"feed": feed.id})
    return jobs, len(waiting) - len(jobs)
