"""What Telegram tells of a chat beside its messages: description, photo, pinned messages, topics, stories."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from archiver.capture.session import CaptureSession
from archiver.telegram.posts import PostReading, PostsByAccount
from spiders.json_access import obj
from spiders.posts import Absence, Availability, Outcome
from spiders.telegram.api.account_api import KeptAnswer
from spiders.telegram.api.attachments import STORY_STATES, story_facts
from spiders.telegram.api.collector import ChatRef, Collector
from spiders.telegram.api.errors import TelegramError
from spiders.telegram.api.messages import Setting, link_of, read_messages
from spiders.telegram.api.peers import marked
from spiders.telegram.api.tl import files_in


class ChatInfo:
    """Asks for a chat's own facts, pictures and stories, within one capture."""

    def __init__(self, session: CaptureSession, collector: Collector, posts: PostsByAccount) -> None:
        self._session, self._context, self._inventory = session, session.context, session.inventory
        self._ask, self._posts = collector, posts

    async def about(self, chat: ChatRef) -> None:
        """Enter what Telegram tells of the chat itself, before its messages."""
        key = f"chat {chat.place}"
        self._inventory.discover(key, "chat", link_of(f"{chat.place}/1"), "target", title=chat.title)
        try:
            kept = await self._ask.about(chat)
        except TelegramError as trouble:
            self._inventory.end(key, trouble.outcome, trouble.reason, trouble.record)
            self._inventory.require(key)
            return
        for record, full in kept.more.values():
            self.pictures(chat, key, full, kept)
            self._inventory.end(key, Outcome.CAPTURED, None, record, facts=_facts(full))
            if isinstance(linked := full.get("linked_chat_id"), int):
                self._linked(linked, "discussion group of this channel, or channel of this group")
            if isinstance(before := full.get("migrated_from_chat_id"), int):
                self._inventory.discover(f"group {before}", "linked", None, key)
                reason = f"the group's older messages are in basic group {before}: archiver crawl -- -{before}"
                self._inventory.end(f"group {before}", Outcome.SKIPPED, reason)
        await self._listed(chat, "pinned messages", self._ask.pinned)
        await self._topics(chat)
        if chat.is_channel:
            await self._stories(chat)

    def pictures(self, chat: ChatRef, key: str, full: dict[str, Any], kept: KeptAnswer) -> None:
        """Enter the chat's own photo, in whatever sizes it is shown."""
        for where, file in files_in(full):
            self._posts.take_loose(chat, key, where, file, kept, 0)

    def _linked(self, number: int, reason: str) -> None:
        known = self._ask.peers.get(-(10**12) - number)
        where = known.handle if known and known.handle else f"c/{number}"
        url = f"https://t.me/{where}"
        if self._inventory.discover(f"chat {where}", "linked", url, "target"):
            self._inventory.end(f"chat {where}", Outcome.SKIPPED, f"{reason}: archiver crawl {url}")

    async def _listed(self, chat: ChatRef, what: str, ask: Callable[[ChatRef], Any]) -> None:
        """A list of messages that are in the history too: the list is kept, they are posts where the history brings them."""
        self._inventory.discover(what, what, None, "target")
        try:
            numbers: list[int] = []
            record = None
            async for kept in ask(chat):
                numbers += kept.numbers()
                record = record or kept.answer
        except TelegramError as trouble:
            gone = trouble.outcome in (Outcome.UNAVAILABLE, Outcome.REFUSED)
            self._inventory.end(what, Outcome.SKIPPED if gone else trouble.outcome, trouble.reason, trouble.record)
            self._inventory.require(what)
            return
        self._inventory.end(what, Outcome.CAPTURED, None, record, messages=numbers)

    async def _topics(self, chat: ChatRef) -> None:
        if chat.broadcast or not chat.is_channel:
            return
        try:
            async for kept in self._ask.topics(chat):
                for uri, (record, topic) in kept.more.items():
                    key = f"topic {chat.place}/{uri.rpartition(':')[2]}"
                    self._inventory.discover(key, "topic", f"https://t.me/{chat.place}/{topic.get('id')}", "target")
                    self._inventory.end(key, Outcome.CAPTURED, topic.get("title"), record)
        except TelegramError as trouble:
            if trouble.name != "CHANNEL_FORUM_MISSING":
                self._inventory.discover("topics", "topics", None, "target")
                self._inventory.end("topics", trouble.outcome, trouble.reason, trouble.record)
                self._inventory.require("topics")

    async def _stories(self, chat: ChatRef) -> None:
        only_named: dict[int, str] = {}
        try:
            async for kept in self._ask.stories(chat):
                for record, story in kept.more.values():
                    if story.get("_") == "StoryItemSkipped":
                        only_named[story["id"]] = record
                    else:
                        only_named.pop(story["id"], None)
                        self._story(chat, story, record, kept)
        except TelegramError as trouble:
            self._inventory.discover("stories", "stories", None, "target")
            none = trouble.outcome is Outcome.UNAVAILABLE
            self._inventory.end("stories", Outcome.SKIPPED if none else trouble.outcome, trouble.reason, trouble.record)
            self._inventory.require("stories")
        for number, record in only_named.items():
            self._no_story(chat, number, Outcome.PARTIAL, STORY_STATES["StoryItemSkipped"], record)

    def _no_story(self, chat: ChatRef, number: int, outcome: Outcome, reason: str, record: str) -> None:
        """Enter a story of which Telegram gives no more than its number."""
        post_id = f"{chat.place}/s/{number}"
        if not self._inventory.discover(f"post {post_id}", "story", f"https://t.me/{post_id}", "stories"):
            return
        gone = outcome is Outcome.UNAVAILABLE
        said = Absence(Availability.UNAVAILABLE, "not found", said="storyItemDeleted").line() if gone else None
        self._inventory.end(f"post {post_id}", outcome, reason, record, absence=said)
        if not gone:
            self._inventory.require(f"post {post_id}")

    async def one_story(self, chat: ChatRef, number: int) -> None:
        """Capture a single story."""
        kept = await self._ask.numbered_stories(chat, [number])
        shown = [(record, story) for record, story in kept.more.values() if story.get("_") == "StoryItem"]
        for record, story in shown:
            self._story(chat, story, record, kept)
        if shown:
            self._session.answered(Outcome.CAPTURED, None)
            return
        instead = [(record, str(story.get("_"))) for record, story in kept.more.values()]
        record, name = next(iter(instead), (kept.answer, ""))
        reason = (
            STORY_STATES.get(name) or f"Telegram gives no story {number}: it has expired, was removed, or never was"
        )
        outcome = Outcome.PARTIAL if name == "StoryItemSkipped" else Outcome.UNAVAILABLE
        state = Availability.PRESENT if outcome is Outcome.PARTIAL else Availability.UNAVAILABLE
        said = Absence(
            state, None if outcome is Outcome.PARTIAL else "not found", said=name[:1].lower() + name[1:] or None
        )
        self._inventory.discover("target", "story", self._context.target.url, None)
        self._inventory.end("target", outcome, reason, record, absence=said.line())
        self._session.answered(outcome, reason)

    def _story(self, chat: ChatRef, story: dict[str, Any], record: str, kept: KeptAnswer) -> None:
        """A story reads as a message does: a caption, a date, one picture or video. In place of one may stand that it is gone."""
        if story.get("_") == "StoryItemDeleted":
            self._no_story(chat, story["id"], Outcome.UNAVAILABLE, STORY_STATES["StoryItemDeleted"], record)
            return
        number = story.get("id") if isinstance(story.get("id"), int) else 0
        like = {"_": "Message", "id": number, "date": story.get("date"), "message": story.get("caption"),
                "entities": story.get("entities"), "media": story.get("media"), "post": True}  # fmt: skip
        read = read_messages([like], Setting(self._ask.peers))[0]
        author = marked(story.get("from_id")) or chat.id  # in a group, whoever posted it there
        known = self._ask.peers.get(author)
        views = obj(story.get("views"))
        facts = {key: value for key, value in story_facts(story).items() if key not in ("published", "edited")}
        post = replace(
            read, id=f"{chat.place}/s/{number}", url=f"https://t.me/{chat.place}/s/{number}",
            author_handle=known.handle if known else None, author_name=known.name if known else None,
            author_id=str(author), views=views.get("views_count"), edited=bool(story.get("edited")),
            extra={**read.extra, "kind": "story", **facts},
        )  # fmt: skip
        self._posts.take(chat, PostReading(post, record, kept.files, number or 0), "stories")


def _facts(full: dict[str, Any]) -> dict[str, Any]:
    names = ("about", "participants_count", "admins_count", "online_count", "linked_chat_id", "pinned_msg_id", "pts",
             "slowmode_seconds", "ttl_period")  # fmt: skip
    return {name: full[name] for name in names if full.get(name) is not None}
