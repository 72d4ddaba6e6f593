"""The files of a capture: each discovered, fetched once, looked into, and ended with its outcome."""

from __future__ import annotations

import mimetypes
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from archiver.capture.context import CaptureContext
from archiver.capture.dash_manifest import dash_stream
from archiver.capture.fetcher import FetchedFile, Fetcher, FetchRequest, take
from archiver.capture.media import MediaDownload, MediaJob
from archiver.capture.media_proof import MediaProof, stated_of
from archiver.capture.outcomes import of_whole
from archiver.capture.resume import PartialFile
from archiver.recorder.content_coding import decode_body
from archiver.recorder.exchange import ExchangeDone
from archiver.recorder.trackers import tracker
from archiver.tools.media.judgement import FILMS, SOUNDS, Stated, Verdict
from archiver.tools.media.kinds import MANIFESTS, OCTETS, Ends, media_type, named
from spiders.links import mask_userinfo, safe_join, safe_split
from spiders.page.files import css_links
from spiders.page.media_links import SCRIPTED
from spiders.posts import Attachment, Outcome

_STREAMS = (
    "application/vnd.apple.mpegurl",
    "application/x-mpegurl",
    "audio/mpegurl",
    "audio/x-mpegurl",
    "application/dash+xml",
)
"""Content types of manifests."""
_PICTURES = ("image", "poster", "icon")
CSS_LIMIT = 2 << 20
CSS_DEPTH = 3


class AttachmentFetches:
    """Fetches the files that pages and posts of one capture name."""

    def __init__(self, context: CaptureContext, fetcher: Fetcher, media: MediaDownload, proof: MediaProof) -> None:
        self._context, self._inventory = context, context.inventory
        self._fetcher, self._media, self._proof = fetcher, media, proof
        self.by_extractor: Callable[[], Awaitable[str | None]] | None = None
        """Waits for an extractor that is asked about the whole page; returns its name where it took the media."""

    def want(self, key: str, attachment: Attachment, parent: str, required: bool, depth: int = 0) -> bool:
        """Enter a file and start fetching it. Return whether the file counts for its parent."""
        inventory, options = self._inventory, self._context.options
        kind = "media" if attachment.extract_from else attachment.kind
        if not inventory.discover(key, kind, attachment.extract_from or attachment.url, parent):
            return key in self._context.tasks
        if attachment.url is None and attachment.extract_from is None:
            if attachment.reason == SCRIPTED and self.by_extractor is not None:
                self._context.tasks.start(key, self._left_to_extractor(key, self.by_extractor), lasting=True)
                return required
            inventory.end(key, Outcome.REFUSED, attachment.reason or "the page gives no link to it")
            return required
        if attachment.kind == "frame":
            inventory.end(key, Outcome.SKIPPED, attachment.reason)
            return False
        if not required and (listed := tracker(attachment.url or "", self._context.target.url)):
            inventory.end(key, Outcome.SKIPPED, f"known tracker ({listed}): not asked")
            return False
        captions = options.extras_only and attachment.extract_from is not None
        if required and not options.media and not captions:
            inventory.end(key, Outcome.SKIPPED, options.media_reason)
            return True
        extract = attachment.extract_from
        work = self._extract(key, attachment) if extract else self._fetch(key, attachment, required, depth)
        self._context.tasks.start(key, work, lasting=bool(attachment.extract_from))
        return required

    async def _left_to_extractor(self, key: str, by_extractor: Callable[[], Awaitable[str | None]]) -> None:
        """A player that a script fills: its video is among those that the page's extractor takes, if one does."""
        name = await by_extractor()
        if name is None:
            self._inventory.end(key, Outcome.REFUSED, SCRIPTED)
        else:
            self._inventory.end(key, Outcome.CAPTURED, f"taken by the extractor made for this site ({name})")

    async def _extract(self, key: str, attachment: Attachment) -> None:
        """Take the media of a page by the extractor."""
        assert attachment.extract_from is not None
        options = self._context.options
        page = self._context.exchanges.by_tag.get("page")
        record = page.record.record_id if page is not None and page.record is not None else None
        files = not options.extras_only
        job = MediaJob(key, attachment.extract_from, record, extras=not options.quick, files=files)
        outcome, reason, info = await self._media.take(job)
        if not files and outcome is Outcome.CAPTURED:
            outcome, reason = Outcome.SKIPPED, options.media_reason
        self._inventory.end(key, outcome, reason, info)

    async def _fetch(self, key: str, attachment: Attachment, required: bool, depth: int) -> None:
        """Stream one file into the WARC, and judge it where a post depends on it; a link is fetched once in a capture."""
        assert attachment.url is not None
        url = attachment.url if not attachment.url.startswith("//") else "https:" + attachment.url
        style = attachment.kind in ("style", "style part")
        async with self._context.slots:
            room = self._context.room_for(attachment.size)
            if room is not None:
                self._inventory.end(key, Outcome.FAILED, room)
                return
            got, asked = await self._got(key, url, attachment, style)
            if not required and attachment.kind in _PICTURES:
                got = await self._picture(got)
        stated = stated_of(attachment) if required else None
        facts: dict[str, Any] = {}
        if stated is not None:
            got, facts = await self._proof.settled(key, stated, got, lambda: self._again(key, asked))
            if facts.get("found") in MANIFESTS and stated.family in ("video", "audio"):
                await self._follow(key, asked, stated, got)
                return
        await self._media.assembled(key, url, attachment.file_name, got)
        self._inventory.end(key, got.outcome, got.reason, got.record, **got.facts, **facts)
        if style and got.outcome is Outcome.CAPTURED and got.done is not None and depth < CSS_DEPTH:
            self._style_parts(got.done, key, depth)

    async def _picture(self, got: FetchedFile) -> FetchedFile:
        """Return a picture that a page is shown with, or what came in its place: neither a page nor nothing is one."""
        if got.outcome is not Outcome.CAPTURED:
            return got
        if not got.size:
            return replace(got, outcome=Outcome.UNAVAILABLE, reason="0 bytes came in place of the picture")
        if (got.media_type or "").lower().startswith("image/"):
            return got
        kind = media_type(Ends(await self._media.beginning(got.pieces), b"", got.size))
        if kind not in ("text/html", "application/json"):
            return got
        return replace(got, outcome=Outcome.REFUSED, reason=f"{named(kind)} came in place of the picture")

    def arrived(self, key: str, done: ExchangeDone, parent: str) -> None:
        """Enter the file that a link itself leads to, and judge it by its bytes: nothing needs to be fetched."""
        attachment = _of_link(done)
        if self._inventory.discover(key, attachment.kind, mask_userinfo(done.uri), parent):
            self._context.tasks.start(key, self._judge_arrived(key, attachment, done))

    async def _judge_arrived(self, key: str, attachment: Attachment, done: ExchangeDone) -> None:
        """Judge it. A link promises less than a post does: a file of another kind than its server says is still that file."""
        outcome, reason = of_whole(done)
        record = done.record.record_id if done.record else None
        got = FetchedFile(outcome, reason, record, done, take(PartialFile(), done, None)[0].pieces)
        stated = stated_of(attachment)
        proof = await self._proof.of(key, stated, got) if stated and outcome is Outcome.CAPTURED else None
        facts: dict[str, Any] = proof.line() if proof else {}
        if stated and proof and proof.judgement.found in MANIFESTS:
            await self._follow(key, done.uri, stated, got)
            return
        if (
            stated
            and proof
            and proof.judgement.bad
            and not (
                proof.judgement.usable and proof.judgement.verdict is Verdict.WRONG and proof.judgement.found != OCTETS
            )
        ):
            got, facts = await self._proof.settled(key, stated, got, lambda: self._again(key, done.uri))
        self._inventory.end(key, got.outcome, got.reason, got.record, **got.facts, **facts)

    async def _follow(self, key: str, url: str, stated: Stated, manifest: FetchedFile) -> None:
        """Take what the manifest of a stream names: the manifest itself is not the video."""
        stream = dash_stream(await self._media.beginning(manifest.pieces))
        stated = replace(stated, duration=stated.duration or stream.seconds)
        page = self._context.exchanges.by_tag.get("page")
        record = page.record.record_id if page is not None and page.record is not None else None
        outcome, reason, info = await self._media.take(MediaJob(key, url, record, extras=False, stated=stated))
        if outcome is Outcome.SKIPPED:
            outcome, reason = Outcome.PARTIAL, f"the manifest of a stream that cannot be followed: {reason}"
        elif outcome is Outcome.CAPTURED and stream.live:
            outcome, reason = Outcome.PARTIAL, "a live stream (DASH): what it offered when it was asked for"
        self._inventory.end(key, outcome, reason, info)

    async def _again(self, key: str, url: str) -> FetchedFile:
        """Fetch a file anew: from its first byte, past what a cache on the way may hold."""
        async with self._context.slots:
            return await self._fetcher.fetch(FetchRequest(f"{key} again", url, headers=[("Cache-Control", "no-cache")]))

    async def _got(self, key: str, url: str, attachment: Attachment, style: bool) -> tuple[FetchedFile, str]:
        """Fetch a file; return it and the link that gave it."""
        larger = attachment.extra.get("original")
        if isinstance(larger, str) and larger != url:
            got = await self._fetcher.fetch(FetchRequest(key, larger))
            if got.outcome is Outcome.CAPTURED or self._context.port.stopped:
                return got, larger
            key = f"{key} smaller"
        text = style or attachment.kind == "script"
        if attachment.kind in (*FILMS, *SOUNDS, "document"):
            return await self._media.direct(key, url, attachment), url
        request = FetchRequest(key, url, text=text, keep_body=CSS_LIMIT if style else 0)
        return await self._fetcher.fetch(request), url

    def _style_parts(self, done: ExchangeDone, parent: str, depth: int) -> None:
        body = decode_body(done.body or b"", done.header("content-encoding"), CSS_LIMIT)
        if body is None:
            return
        for link in css_links(body.decode("utf-8", "replace")):
            joined = safe_join(done.uri, link)
            url = mask_userinfo(link if joined is None else joined)  # what cannot be read is listed all the same
            kind = "style part" if url.partition("?")[0].endswith(".css") else "image"
            self.want(f"requisite {url}", Attachment(kind, url), parent, required=False, depth=depth + 1)


def _of_link(done: ExchangeDone) -> Attachment:
    """A file as its server and its link name it."""
    kind = (done.header("content-type") or "").partition(";")[0].strip().lower()
    name = safe_split(done.uri).path.rpartition("/")[2]
    if "." not in name:
        name += mimetypes.guess_extension(kind) or ""
    if kind in ("", OCTETS, "binary/octet-stream"):  # the server does not say what it is, the link does
        kind = mimetypes.guess_type(name, strict=False)[0] or kind
    first = {"image": "photo", "video": "video", "audio": "audio"}.get(kind.partition("/")[0], "document")
    return Attachment("video" if kind in _STREAMS else first, done.uri, file_name=name, extra={"media_type": kind})
