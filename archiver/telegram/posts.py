"""Posts that an account has read, and their files."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from archiver.capture.media_proof import stated_of
from archiver.capture.posts import BROKEN_OFF, Sighting
from archiver.capture.session import CaptureSession
from archiver.telegram.records import TelegramFiles, media_uri
from spiders.posts import Attachment, Outcome, Post
from spiders.telegram.api.account_api import KeptAnswer
from spiders.telegram.api.attachments import OTHER_QUALITY
from spiders.telegram.api.collector import ChatRef, Collector
from spiders.telegram.api.file_parts import Renew
from spiders.telegram.api.messages import LAYOUT, PARSER
from spiders.telegram.api.tl import Location


@dataclass(frozen=True)
class PostReading:
    """A post as an answer holds it. `files`: of the whole answer, by id. `number`: of its (first) message."""

    post: Post
    record: str | None
    files: dict[int, Location]
    number: int
    facts: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, post: Post, kept: KeptAnswer, **facts: Any) -> PostReading:
        """Return a post of messages as `kept` holds it. `facts`: what its line says beside where it was read."""
        numbers = numbers_of(post)
        if not numbers:  # as for a story without one: the answer that brought it holds it
            return cls(post, kept.answer, kept.files, 0, facts)
        more = {"records": [kept.records[n] for n in numbers if n in kept.records]} if len(numbers) > 1 else {}
        return cls(post, kept.records.get(numbers[0]), kept.files, numbers[0], {**more, **facts})


class PostsByAccount:
    """Enters the posts of one capture, and fetches their files by the account."""

    def __init__(self, session: CaptureSession, collector: Collector) -> None:
        self._session, self._context, self._inventory = session, session.context, session.inventory
        self._ask = collector
        self._files = TelegramFiles(session, collector)
        self._by_file: dict[tuple[int, str], str] = {}
        """(file, size) → the attachment under which it is fetched in this capture."""

    def take(
        self, chat: ChatRef, reading: PostReading, parent: str, *, wanted: bool = True, key: str | None = None
    ) -> None:
        """Enter a post and start fetching its files. `key`: where the capture has seen it before."""
        facts = {"record": reading.record, "parser": PARSER, "layout": LAYOUT, **reading.facts}

        def want(part: str, attachment: Attachment, owner: str, required: bool) -> bool:
            message = int(attachment.post_id) if attachment.post_id else reading.number
            return self._want(chat, part, attachment, owner, reading.files, message)

        self._session.take_post(reading.post, Sighting(parent, facts, wanted, key=key), want)

    def _want(
        self, chat: ChatRef, part: str, attachment: Attachment, key: str, files: dict[int, Location], message: int
    ) -> bool:
        """Enter a file and start fetching it."""
        file = attachment.extra.get("file_id")
        location = files.get(int(file)) if isinstance(file, str) and file.isdecimal() else None
        self._inventory.discover(part, attachment.kind, attachment.url, key, file_id=file)
        if attachment.reason == OTHER_QUALITY:
            self._inventory.end(part, Outcome.SKIPPED, OTHER_QUALITY)
            return False
        if not self._context.options.media:
            self._inventory.end(part, Outcome.SKIPPED, self._context.options.media_reason)
            return True
        if location is None:
            self._inventory.end(part, Outcome.REFUSED, attachment.reason or "Telegram gives no file for it")
            return True
        renew = self._renewal(chat, message, location)
        self._context.tasks.start(
            part, self._fetch(part, attachment, location, media_uri(chat.id, message, location.id), renew)
        )
        if letter := attachment.extra.get("thumbnail_size"):
            name = f"{part} preview"
            if self._inventory.discover(name, "preview", None, key):
                small = replace(location, thumb=str(letter), size=None)
                uri = media_uri(chat.id, message, location.id, str(letter))
                self._context.tasks.start(name, self._fetch(name, Attachment("preview"), small, uri, renew))
        return True

    def take_loose(
        self, chat: ChatRef, parent: str, where: str, file: dict[str, Any], kept: KeptAnswer, message: int
    ) -> None:
        """Fetch a file that belongs to no message: the chat's own photo."""
        number = str(file.get("id"))
        location = kept.files.get(int(number)) if number.isdecimal() else None
        if location is None or not self._context.options.media:
            return
        part = f"{parent} {where}"
        self._inventory.discover(part, "chat photo", None, parent)

        async def none() -> Location | None:
            return None

        work = self._fetch(part, Attachment("photo"), location, media_uri(chat.id, message, location.id), none)
        self._context.tasks.start(part, work)

    async def _fetch(
        self,
        part: str,
        attachment: Attachment,
        location: Location,
        uri: str,
        renew: Renew,
    ) -> None:
        same = self._by_file.setdefault((location.id, location.thumb), part)
        if same != part:
            outcome, reason = await self._same_as(same)
            self._inventory.end(part, outcome, reason or f"the same file as {same}")
            return
        async with self._context.slots:
            if (room := self._context.room_for(attachment.size)) is not None:
                self._inventory.end(part, Outcome.FAILED, room)
                return
            got = await self._files.bring(part, attachment, location, uri, renew)
        stated = stated_of(attachment) if got.outcome is Outcome.CAPTURED else None
        proof = await self._session.proof.of(part, stated, got) if stated is not None else None
        # Said, and no more: Telegram hands out the file as it was posted, and its digests show that nothing is missing.
        self._inventory.end(part, got.outcome, got.reason, got.record, **got.facts, **(proof.line() if proof else {}))

    async def _same_as(self, part: str) -> tuple[Outcome, str | None]:
        """What became of a file that is fetched under another name."""
        await self._context.tasks.wait_for([part])
        outcome, reason = self._inventory.ended.get(part, BROKEN_OFF)
        return outcome, reason if outcome is not Outcome.CAPTURED else None

    def _renewal(self, chat: ChatRef, message: int, location: Location) -> Renew:
        """Make what asks for the message again: the answer brings a file reference that is valid again."""

        async def renew() -> Location | None:
            if not message:
                return None
            fresh = (await self._ask.messages(chat, [message])).files.get(location.id)
            return replace(fresh, thumb=location.thumb, size=location.size, dc=location.dc) if fresh else None

        return renew


def numbers_of(post: Post) -> list[int]:
    """Return the numbers of the messages that make a post."""
    texts = post.album_ids or ((post.id or "").replace("?comment=", "/").rpartition("/")[2],)
    return [int(text) for text in texts if text.isdecimal()]
