"""Whether an extractor of its own reads a page, asked beside the page's own request; and then the media that it finds.

A page of a platform that has no parser here (TikTok, VK, Rutube, Reddit, …) names its videos in ways that only yt-dlp
knows. The question itself needs no network: it compares the link with what each extractor is made for.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable
from typing import Any

from archiver.capture.attachments import AttachmentFetches
from archiver.capture.context import CaptureContext
from archiver.capture.inventory import MEDIA_OF_PAGE
from archiver.capture.media import MediaDownload, MediaJob
from archiver.tools.ytdlp_info import finds_nothing
from archiver.tools.ytdlp_pool import ExtractorDied, ExtractorPool
from spiders.link_forms import Form
from spiders.links import safe_split
from spiders.posts import Outcome

CLAIM_SECONDS = 60.0
MOST = 10
"""Videos that are taken of a page which lists several, as a user's page does."""
_ONLY_PAGES = (Form.UNKNOWN, Form.NOT_CAPTURED)
"""Forms of links on a platform's host that are kept as pages: yt-dlp may know them."""
_ELSEWHERE = (Form.SHORT, Form.MIRROR)
"""What these lead to or show is asked about itself."""
_RESERVED = frozenset({"example", "test", "invalid", "localhost", "local", "onion", "internal"})
"""Names in which no public site can lie (RFC 6761 and its registry): no extractor is made for one."""


class ExtractorClaims:
    """Asks, for one capture of a page, whether an extractor is made for its link, and takes what that finds."""

    def __init__(
        self, context: CaptureContext, extractors: ExtractorPool, media: MediaDownload, attachments: AttachmentFetches
    ) -> None:
        self._context, self._extractors = context, extractors
        self._media, self._attachments = media, attachments
        self._read: asyncio.Future[bool] = _undecided()

    def begin(self) -> None:
        """Ask beside the page's request, where media are wanted and an extractor can exist for the link.

        Called again where the capture goes on with another target: then that one counts.
        """
        self.page_read(Outcome.FAILED)
        options, target = self._context.options, self._context.target
        # A quick first pass leaves it to the second.
        wanted = (options.media and not options.quick and not options.extras_only) or options.page_media
        wanted = wanted and (target.platform == "page" or target.form in _ONLY_PAGES) and target.form not in _ELSEWHERE
        self._attachments.by_extractor = None
        if not wanted or not _public(target.url):
            return
        ended: asyncio.Future[str | None] = _undecided()
        self._read = _undecided()
        self._attachments.by_extractor = _waiting(ended)
        self._context.tasks.start(
            f"{MEDIA_OF_PAGE} {target.url}", self._work(target.url, self._read, ended), lasting=True
        )

    def page_read(self, outcome: Outcome) -> None:
        """Tell how the page itself ended; where it is not there, its media are not asked for."""
        if not self._read.done():
            self._read.set_result(outcome not in (Outcome.UNAVAILABLE, Outcome.FAILED, Outcome.SKIPPED))

    async def _work(self, url: str, read: asyncio.Future[bool], ended: asyncio.Future[str | None]) -> None:
        name = None
        try:
            claimed = await self._claimed(url)
            if claimed is not None and await asyncio.shield(read):
                name = claimed if await self._take(url, claimed) else None
        finally:
            if not ended.done():
                ended.set_result(name)

    async def _claimed(self, url: str) -> str | None:
        inventory = self._context.inventory
        try:
            return await self._extractors.claims(url, CLAIM_SECONDS)
        except (ExtractorDied, TimeoutError) as error:
            why = f"nobody knows whether an extractor reads this page: {error or 'yt-dlp did not answer'}"
            if inventory.discover(MEDIA_OF_PAGE, "media", url, "page"):
                inventory.end(MEDIA_OF_PAGE, Outcome.FAILED, why)
            return None

    async def _take(self, url: str, claimed: str) -> bool:
        """Take the media of the page; return whether they were kept."""
        inventory = self._context.inventory
        if self._context.interrupted or self._context.port.stopped:
            return False
        key = MEDIA_OF_PAGE if not inventory.has(MEDIA_OF_PAGE) else f"{MEDIA_OF_PAGE}: {url}"
        inventory.discover(key, "media", url, "page", extractor=claimed)
        inventory.subjects.append(key)
        page = self._context.exchanges.by_tag.get("page")
        record = page.record.record_id if page is not None and page.record is not None else None
        outcome, reason, info = await self._media.take(MediaJob(key, url, record, most=MOST))
        if outcome is not Outcome.CAPTURED and finds_nothing(reason):
            outcome, reason = (
                Outcome.SKIPPED,
                f"the extractor made for this site ({claimed}) finds no video on this page",
            )
        inventory.end(key, outcome, reason, info)
        return outcome is Outcome.CAPTURED


def _undecided() -> asyncio.Future[Any]:
    return asyncio.get_running_loop().create_future()


def _waiting(ended: asyncio.Future[str | None]) -> Callable[[], Awaitable[str | None]]:
    """Wait for the extractor that took the page's media; its name, or None where none did."""

    async def wait() -> str | None:
        return await asyncio.shield(ended)

    return wait


def _public(url: str) -> bool:
    host = (safe_split(url).hostname or "").rstrip(".").lower()
    try:
        ipaddress.ip_address(host)
    except ValueError:
        labels = host.split(".")
        second = len(labels) > 1 and labels[-2] == "example" and labels[-1] in ("com", "net", "org")
        return len(labels) > 1 and labels[-1] not in _RESERVED and not second
    return False
