"""The files of a capture: each discovered, fetched once, looked into, and ended with its outcome."""

from __future__ import annotations

import asyncio
from typing import Any

from archiver.capture.assemblies import Pieces
from archiver.capture.fetcher import FileGot, Files
from archiver.capture.inventory import Inventory
from archiver.capture.media import Job, Media, free_room
from archiver.capture.options import Options
from archiver.home.home import Home
from archiver.recorder.content_coding import decode_body
from archiver.recorder.exchange import ExchangeDone
from archiver.recorder.proxy import Port
from archiver.recorder.trackers import tracker
from archiver.tools.probe import probed
from spiders.links import safe_join
from spiders.page.parse import css_links
from spiders.posts import Attachment, Outcome
from spiders.targets import Target

FETCHES_AT_ONCE = 6
CSS_LIMIT = 2 << 20
CSS_DEPTH = 3


class Fetching(Inventory):
    """What a capture does with the files that its pages name. `Act` says which."""

    home: Home
    options: Options
    target: Target
    port: Port
    files: Files
    media: Media
    pieces: Pieces

    def __init__(self, secrets: list[str]) -> None:
        super().__init__(secrets)
        self._exchanges: dict[str, ExchangeDone] = {}
        self._fetches: dict[str, asyncio.Task[None]] = {}
        self._extracting: set[asyncio.Task[None]] = set()
        self._problems: list[str] = []
        self.slots = asyncio.Semaphore(FETCHES_AT_ONCE)

    def shown(self) -> None:
        """Tells the person how far it has come."""

    def fault(self, what: str) -> None:
        """A fault of the program's own: the capture cannot be called whole."""
        self._problems.append(f"a fault of ours: {what}" if not what.startswith("our ") else what)

    def _want(self, key: str, attachment: Attachment, parent: str, required: bool, depth: int = 0) -> bool:
        """Enters a file and starts fetching it. Returns whether the file counts for its parent."""
        kind = "media" if attachment.extract_from else attachment.kind
        if not self.discover(key, kind, attachment.extract_from or attachment.url, parent):
            return key in self._fetches
        if attachment.url is None and attachment.extract_from is None:
            self.end(key, Outcome.REFUSED, attachment.reason or "the page gives no link to it")
            return required
        if attachment.kind == "frame":
            self.end(key, Outcome.SKIPPED, attachment.reason)
            return False
        if not required and (listed := tracker(attachment.url or "", self.target.url)):
            self.end(key, Outcome.SKIPPED, f"known tracker ({listed}): not asked")
            return False
        captions = self.options.extras_only and attachment.extract_from is not None
        if required and not self.options.media and not captions:
            self.end(key, Outcome.SKIPPED, self.options.media_reason)
            return True
        work = self._extract(key, attachment) if attachment.extract_from else self._fetch(key, attachment, depth)
        task = asyncio.ensure_future(work)
        self._fetches[key] = task
        if attachment.extract_from:
            self._extracting.add(task)
        task.add_done_callback(self._ended_somehow)
        return required

    def _ended_somehow(self, task: asyncio.Task[None]) -> None:
        """Our own faults are said, never swallowed: a file that broke our code leaves the capture partial."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self.fault(f"{type(error).__name__}: {error}")
        self.shown()

    async def _extract(self, key: str, attachment: Attachment) -> None:
        """Media of a page, by the extractor."""
        assert attachment.extract_from is not None
        page = self._exchanges.get("page")
        record = page.record.record_id if page is not None and page.record is not None else None
        files = not self.options.extras_only
        job = Job(key, attachment.extract_from, record, extras=not self.options.quick, files=files)
        outcome, reason, info = await self.media.take(job)
        if not files and outcome is Outcome.CAPTURED:
            outcome, reason = Outcome.SKIPPED, self.options.media_reason
        self.end(key, outcome, reason, info)

    async def _fetch(self, key: str, attachment: Attachment, depth: int) -> None:
        """Streams one file into the WARC; the same link is fetched once in a capture."""
        assert attachment.url is not None
        url = attachment.url if not attachment.url.startswith("//") else "https:" + attachment.url
        style = attachment.kind in ("style", "style part")
        async with self.slots:
            room = self.room_for(attachment.size)
            if room is not None:
                self.end(key, Outcome.FAILED, room)
                return
            got = await self._got(key, url, attachment, style)
        self.end(key, got.outcome, got.reason, got.record, **await self.looked_into(key, attachment, got))
        if style and got.outcome is Outcome.CAPTURED and got.done is not None and depth < CSS_DEPTH:
            self._style_parts(got.done, key, depth)

    async def _got(self, key: str, url: str, attachment: Attachment, style: bool) -> FileGot:
        larger = attachment.extra.get("original")
        if isinstance(larger, str) and larger != url:
            got = await self.files.get(key, larger)
            if got.outcome is Outcome.CAPTURED or self.port.stopped:
                return got
            key = f"{key} smaller"
        text = style or attachment.kind == "script"
        if attachment.kind in ("video", "audio", "gif", "document"):
            return await self.media.direct(key, url, attachment)
        return await self.files.get(key, url, text=text, keep_body=CSS_LIMIT if style else 0)

    async def looked_into(self, key: str, attachment: Attachment, got: FileGot) -> dict[str, Any]:
        """What ffprobe and its kin say of a file that was kept, as a record about it."""
        wanted = attachment.kind in ("video", "audio", "gif") and got.outcome is Outcome.CAPTURED
        record = await self.probed(key, got) if wanted else None
        return {"probe": record} if record else {}

    async def probed(self, key: str, got: FileGot) -> str | None:
        """The record of what the probes say of a file. None where none is wanted or installed."""
        if not got.pieces or not self.home.config.probe or self.options.quick:
            return None
        return await asyncio.to_thread(probed, self, key, got)

    def _style_parts(self, done: ExchangeDone, parent: str, depth: int) -> None:
        body = decode_body(done.body or b"", done.header("content-encoding"), CSS_LIMIT)
        if body is None:
            return
        for link in css_links(body.decode("utf-8", "replace")):
            joined = safe_join(done.uri, link)
            url = link if joined is None else joined  # what cannot be read is listed all the same
            if joined is None or url.startswith(("http://", "https://")):
                kind = "style part" if url.partition("?")[0].endswith(".css") else "image"
                self._want(f"requisite {url}", Attachment(kind, url), parent, required=False, depth=depth + 1)

    def room_for(self, size: int | None) -> str | None:
        """Why a file of that size should not be started, or None."""
        return free_room(self.home.path, size, self.home.config.reserve_bytes)
