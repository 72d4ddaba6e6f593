"""One capture of Telegram by an account: which answers are asked for, and what of them is entered in the inventory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from archiver.errors import ArchiverError
from archiver.telegram.flood_waits import AccountPauses
from archiver.telegram.records import ActKeep, TelegramFiles, media_uri
from spiders.date_range import Span
from spiders.items import Counted, Reached, Verdict
from spiders.json_access import obj
from spiders.posts import Absence, Attachment, Outcome, Post, State
from spiders.telegram.api.asking import Kept
from spiders.telegram.api.attachments import OTHER_QUALITY
from spiders.telegram.api.collector import ChatRef, Collector, Hole, Page
from spiders.telegram.api.errors import Trouble
from spiders.telegram.api.file_parts import Renew
from spiders.telegram.api.messages import LAYOUT, PARSER, Setting, identity, link_of, read_messages
from spiders.telegram.api.tl import Location, files_in

if TYPE_CHECKING:
    from archiver.capture.session import Act

UNDER_WAY = 60
"""Files that may wait while the next page of a history is asked for."""


async def collect(act: Act) -> None:
    """Runs the capture to its end. Raises `EvidenceError` for what is no fault of Telegram's."""
    name = act.options.account
    assert name is not None
    config = act.home.config
    try:
        client, account = await act.archive.telegram.client(name, config.exit_for(act.options.cases))
    except Trouble as trouble:
        Ending(act).with_(trouble)
        return
    except ArchiverError as error:  # the account's file, key or passphrase
        reason = f"{error.expected}: {error.found}. {error.next_step}"
        Ending(act).with_(Trouble(Outcome.FAILED, reason, Absence(State.UNKNOWN)))
        return
    act.withheld_everywhere(account.api_hash)
    act.writer.hosts.add(str(client.session.server_address))
    test = act.recorder.network is not None
    collector = Collector(
        client, ActKeep(act), name, config.telegram.patience, 0.0 if test else config.telegram.interval,
        lambda: act.interrupted, AccountPauses(act.recorder, client, name),
    )  # fmt: skip
    gathering = Gathering(act, collector)
    work = asyncio.ensure_future(gathering.run())
    stop = asyncio.ensure_future(act.stopped())
    try:
        await asyncio.wait([work, stop], return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            await work
    except Trouble as trouble:
        Ending(act).with_(trouble)
    finally:
        for task in (work, stop):
            task.cancel()
        await asyncio.gather(work, stop, return_exceptions=True)


class Ending:
    """How a trouble ends a capture."""

    def __init__(self, act: Act) -> None:
        self._act = act

    def with_(self, trouble: Trouble) -> None:
        act = self._act
        reason = trouble.reason
        if trouble.logged_out:
            reason += f"; archiver telegram login --account {act.options.account}"
        if act.posts:
            outcome = Outcome.PARTIAL
            reason = f"{act.posts} posts kept, then: {reason}"
        else:
            outcome = trouble.outcome
        if act.discover("target", act.target.kind, act.target.url, None):
            act.end("target", outcome, reason, trouble.record, absence=trouble.absence.line())
        act.settled(outcome, reason)
        act.seen(Verdict(outcome, reason))


class Gathering:
    """The navigation of one capture."""

    def __init__(self, act: Act, collector: Collector) -> None:
        self._act, self._ask = act, collector
        self.asking = collector
        self._files = TelegramFiles(act, collector)
        self._by_file: dict[tuple[int, str], str] = {}
        """(file, size) → the attachment under which it is fetched in this capture."""

    async def run(self) -> None:
        act = self._act
        target = act.target
        if target.kind in ("post", "private post", "comment"):
            chat, number, comment = await self._named_post()
            if act.going is not None:
                await self._thread(chat, number)
            elif comment is not None:
                await self._comment(chat, number, comment)
            else:
                await self._single(chat, number)
            return
        if target.kind == "story":
            await self._one_story(await self.chat(), int(target.id.rpartition("/")[2]))
            return
        await self._walk(await self.chat())

    # -- which chat -------------------------------------------------------------------------------------

    async def chat(self) -> ChatRef:
        """The channel or group that the target names. Raises `Trouble`."""
        target = self._act.target
        if target.kind == "invite":
            chat = await self._ask.by_invite(target.id)
        elif target.kind == "private channel":
            chat = await self._ask.by_number(-(10**12) - int(target.id))
        elif target.kind == "private group":
            chat = await self._ask.by_number(-int(target.id))
        else:
            chat = await self._ask.by_name(target.handle or target.id)
        self._met(chat)
        return chat

    async def _named_post(self) -> tuple[ChatRef, int, int | None]:
        target = self._act.target
        post, _, comment = target.id.partition("#")
        where, _, number = post.rpartition("/")
        if where.startswith("c/") or target.kind == "private post":
            chat = await self._ask.by_number(-(10**12) - int(where.removeprefix("c/")))
        else:
            chat = await self._ask.by_name(target.handle or where)
        self._met(chat)
        return chat, int(number), int(comment) if comment else None

    def _met(self, chat: ChatRef) -> None:
        act = self._act
        asked = (act.target.handle or "").lower()
        if asked and chat.place.lower() != asked:
            reason = f"asked for {act.target.handle}, Telegram answers with {chat.place}"
            if act.discover(f"name {chat.place}", "name", link_of(f"{chat.place}/1"), "target"):
                act.end(f"name {chat.place}", Outcome.CAPTURED, reason)
        if chat.restricted and act.discover(f"restriction {chat.place}", "restriction", None, "target"):
            said = Absence(State.WITHHELD, "withheld", "platform", chat.restricted)
            act.end(f"restriction {chat.place}", Outcome.CAPTURED, chat.restricted, absence=said.line())

    # -- one post ---------------------------------------------------------------------------------------

    async def _single(self, chat: ChatRef, number: int) -> None:
        act = self._act
        kept = await self._ask.with_album(chat, number, act.target.single, None)
        if not _there(kept, number):
            newest = await self._ask.newest(chat, 1)
            control = next((one for one in newest.numbers() if one != number), None)
            kept = await self._ask.with_album(chat, number, True, control)
            if not _there(kept, number):
                self._absent(chat, number, kept, control)
                return
        self._page(chat, kept, "answer")
        act.settled(Outcome.CAPTURED, None)
        if act.options.comments:
            await self._comments(chat, identity(chat.place, number) or str(number), number)

    def _absent(self, chat: ChatRef, number: int, kept: Kept, control: int | None) -> None:
        """Telegram has no such message now. Whether it ever had one, it does not say."""
        act = self._act
        post_id = identity(chat.place, number)
        reason = f"Telegram answers that there is no message {number}"
        if control is not None:
            reason += f", and in the same answer gives message {control}"
        said = Absence(State.UNAVAILABLE, "not found", said="messageEmpty")
        act.discover(f"post {post_id}", "post", act.target.url, "target")
        act.end(
            f"post {post_id}", Outcome.UNAVAILABLE, reason, kept.records.get(number, kept.answer), absence=said.line()
        )
        act.settled(Outcome.UNAVAILABLE, reason)

    async def _comment(self, chat: ChatRef, number: int, comment: int) -> None:
        parent = identity(chat.place, number) or str(number)
        kept = await self._ask.comment(chat, number, comment, parent)
        if not kept.posts:
            reason = f"Telegram answers that there is no comment {comment} under {parent}"
            key = f"post {parent}?comment={comment}"
            self._act.discover(key, "comment", self._act.target.url, "target")
            said = Absence(State.UNAVAILABLE, "not found")
            self._act.end(key, Outcome.UNAVAILABLE, reason, kept.answer, absence=said.line())
            self._act.settled(Outcome.UNAVAILABLE, reason)
            return
        self._page(chat, kept, "answer")
        self._act.settled(Outcome.CAPTURED, None)

    async def _comments(self, chat: ChatRef, parent: str, number: int) -> None:
        """Everything that stands under a post."""
        act = self._act
        key = f"comments {parent}"
        if not act.discover(key, "comments", None, f"post {parent}"):
            return
        counts: list[int] = []
        found, record = 0, None
        try:
            async for page in self._ask.history(chat, None, Span(), thread=number, parent=parent):
                self._page(chat, page.kept, key)
                found += len(page.kept.messages)
                counts += [page.kept.count] if page.kept.count is not None else []
                record = record or page.kept.answer
                await act.below(UNDER_WAY)
                if act.interrupted or act.port.stopped:
                    act.end(key, Outcome.PARTIAL, act.port.stopped or "interrupted", record)
                    return
        except Trouble as trouble:
            if trouble.outcome is Outcome.UNAVAILABLE:
                act.end(key, Outcome.SKIPPED, f"no comments: {trouble.reason}", trouble.record)
                return
            act.end(key, Outcome.PARTIAL if found else trouble.outcome, trouble.reason, trouble.record)
            act.needs(key)
            return
        act.end(key, Outcome.CAPTURED, None, record)
        self._held_against(f"comments on {parent}", counts, found)

    # -- walks ------------------------------------------------------------------------------------------

    async def _thread(self, chat: ChatRef, number: int) -> None:
        """A message and everything under it: comments, a topic, a thread of a group."""
        act = self._act
        assert act.going is not None
        parent = identity(chat.place, number) or str(number)
        cursor = _cursor(act.going.state.cursor)
        if cursor is None:
            kept = await self._ask.with_album(chat, number, False, None)
            self._page(chat, kept, "answer")
        act.settled(Outcome.CAPTURED, None)
        under = parent if chat.broadcast else None
        async for page in self._ask.history(
            chat, cursor, self._span(), act.options.oldest_first, thread=number, parent=under
        ):
            if not await self._turn(chat, page, None):
                return

    async def _walk(self, chat: ChatRef) -> None:
        act = self._act
        assert act.going is not None
        cursor, found, stated = _going(act.going.state.cursor)
        if cursor is None:
            await self._about(chat)
        act.settled(Outcome.CAPTURED, None)
        whole = self._span().open and act.options.limit is None
        async for page in self._ask.history(chat, cursor, self._span(), act.options.oldest_first):
            if cursor is None and not page.kept.messages and chat.restricted:
                said = Absence(State.WITHHELD, "withheld", "platform", chat.restricted)
                raise Trouble(Outcome.REFUSED, f"Telegram does not show it: {chat.restricted}", said)
            found += len(page.kept.messages)
            counts = [count for count in (stated, page.kept.count) if count is not None]
            stated = stated if stated is not None else page.kept.count
            for post in page.kept.posts if act.options.comments else ():
                if post.replies and post.extra.get("comments_in") and post.id and self._span().may_hold(post.published):
                    await self._comments(chat, post.id, int(post.id.rpartition("/")[2]))
            if not await self._turn(chat, page, (found, stated)):
                return
            if page.cursor is None and whole and counts and chat.is_channel:
                self._held_against("messages", counts, found)

    def _held_against(self, what: str, stated: list[int], found: int) -> None:
        """Counts that Telegram states beside what came. Posts come and go meanwhile: between the first and the last is right."""
        if stated:
            low, high = min(stated), max(stated)
            self._act.seen(Counted(what, low if found < low else high if found > high else found, found))

    async def _turn(self, chat: ChatRef, page: Page, so_far: tuple[int, int | None] | None) -> bool:
        """Takes a page in and remembers how far it came. False: this part ends here."""
        act = self._act
        self._page(chat, page.kept, "history")
        for hole in page.holes:
            self._hole(hole)
        reached = None
        if page.cursor is not None:
            reached = str(page.cursor) if so_far is None else f"{page.cursor} {so_far[0]} {so_far[1] or 0}"
        act.seen(Reached(reached))
        await act.below(UNDER_WAY)
        return not act.enough()

    def _span(self) -> Span:
        return Span(self._act.options.since, self._act.options.until)

    async def _about(self, chat: ChatRef) -> None:
        """What Telegram tells of the chat itself, before its messages."""
        act = self._act
        key = f"chat {chat.place}"
        act.discover(key, "chat", link_of(f"{chat.place}/1"), "target", title=chat.title)
        try:
            kept = await self._ask.about(chat)
        except Trouble as trouble:
            act.end(key, trouble.outcome, trouble.reason, trouble.record)
            act.needs(key)
            return
        for record, full in kept.more.values():
            self.pictures(chat, key, full, kept)
            act.end(key, Outcome.CAPTURED, None, record, facts=_facts(full))
            if isinstance(linked := full.get("linked_chat_id"), int):
                self._linked(linked, "discussion group of this channel, or channel of this group")
            if isinstance(before := full.get("migrated_from_chat_id"), int):
                act.discover(f"group {before}", "linked", None, key)
                reason = f"the group's older messages are in basic group {before}: archiver crawl -- -{before}"
                act.end(f"group {before}", Outcome.SKIPPED, reason)
        await self._listed(chat, "pinned messages", self._ask.pinned)
        await self._topics(chat)
        if chat.is_channel:
            await self._stories(chat)

    def pictures(self, chat: ChatRef, key: str, full: dict[str, Any], kept: Kept) -> None:
        """The chat's own photo, in whatever sizes it is shown."""
        for where, file in files_in(full):
            self._loose(chat, key, where, file, kept, 0)

    def observed(self, chat: ChatRef, post: Post, kept: Kept, key: str | None, role: dict[str, str]) -> None:
        """A post that a watch has come by; `key` where the capture has seen it before."""
        number, record, more = _held(post, kept)
        self._post(chat, post, "watch", record, kept.files, True, number, {**more, **role}, key)

    def _linked(self, number: int, reason: str) -> None:
        known = self._ask.peers.get(-(10**12) - number)
        where = known.handle if known and known.handle else f"c/{number}"
        url = f"https://t.me/{where}"
        if self._act.discover(f"chat {where}", "linked", url, "target"):
            self._act.end(f"chat {where}", Outcome.SKIPPED, f"{reason}: archiver crawl {url}")

    async def _listed(self, chat: ChatRef, what: str, ask: Callable[[ChatRef], Any]) -> None:
        """A list of messages that are in the history too: the list is kept, they are posts where the history brings them."""
        act = self._act
        act.discover(what, what, None, "target")
        try:
            numbers: list[int] = []
            record = None
            async for kept in ask(chat):
                numbers += kept.numbers()
                record = record or kept.answer
        except Trouble as trouble:
            gone = trouble.outcome in (Outcome.UNAVAILABLE, Outcome.REFUSED)
            act.end(what, Outcome.SKIPPED if gone else trouble.outcome, trouble.reason, trouble.record)
            act.needs(what)
            return
        act.end(what, Outcome.CAPTURED, None, record, messages=numbers)

    async def _topics(self, chat: ChatRef) -> None:
        act = self._act
        if chat.broadcast or not chat.is_channel:
            return
        try:
            async for kept in self._ask.topics(chat):
                for uri, (record, topic) in kept.more.items():
                    key = f"topic {chat.place}/{uri.rpartition(':')[2]}"
                    act.discover(key, "topic", f"https://t.me/{chat.place}/{topic.get('id')}", "target")
                    act.end(key, Outcome.CAPTURED, topic.get("title"), record)
        except Trouble as trouble:
            if trouble.name != "CHANNEL_FORUM_MISSING":
                act.discover("topics", "topics", None, "target")
                act.end("topics", trouble.outcome, trouble.reason, trouble.record)
                act.needs("topics")

    async def _stories(self, chat: ChatRef) -> None:
        act = self._act
        try:
            async for kept in self._ask.stories(chat):
                for record, story in kept.more.values():
                    self._story(chat, story, record, kept)
        except Trouble as trouble:
            act.discover("stories", "stories", None, "target")
            none = trouble.outcome is Outcome.UNAVAILABLE
            act.end("stories", Outcome.SKIPPED if none else trouble.outcome, trouble.reason, trouble.record)
            act.needs("stories")

    async def _one_story(self, chat: ChatRef, number: int) -> None:
        act = self._act
        kept = await self._ask.story(chat, number)
        shown = [(record, story) for record, story in kept.more.values() if story.get("_") == "StoryItem"]
        for record, story in shown:
            self._story(chat, story, record, kept)
        if shown:
            act.settled(Outcome.CAPTURED, None)
            return
        reason = f"Telegram gives no story {number}: it has expired, was removed, or never was"
        said = Absence(State.UNAVAILABLE, "not found")
        act.discover("target", "story", act.target.url, None)
        act.end("target", Outcome.UNAVAILABLE, reason, kept.answer, absence=said.line())
        act.settled(Outcome.UNAVAILABLE, reason)

    def _story(self, chat: ChatRef, story: dict[str, Any], record: str, kept: Kept) -> None:
        """A story reads as a message does: a caption, a date, one picture or video."""
        number = story.get("id") if isinstance(story.get("id"), int) else 0
        like = {"_": "Message", "id": number, "date": story.get("date"), "message": story.get("caption"),
                "entities": story.get("entities"), "media": story.get("media"), "post": True}  # fmt: skip
        read = read_messages([like], Setting(self._ask.peers))[0]
        known = self._ask.peers.get(chat.id)
        views = obj(story.get("views"))
        post = replace(
            read, id=f"{chat.place}/s/{number}", url=f"https://t.me/{chat.place}/s/{number}",
            author_handle=known.handle if known else None, author_name=known.name if known else None,
            author_id=str(chat.id), views=views.get("views_count"),
            extra={**read.extra, "kind": "story", "expires": story.get("expire_date")},
        )  # fmt: skip
        self._post(chat, post, "stories", record, kept.files, True, number or 0, {})

    # -- what an answer brings --------------------------------------------------------------------------

    def _page(self, chat: ChatRef, kept: Kept, parent: str) -> None:
        span = self._span()
        for post in kept.posts:
            if post.outcome is Outcome.UNAVAILABLE:
                continue  # the empty answer beside it
            number, record, more = _held(post, kept)
            self._post(chat, post, parent, record, kept.files, span.may_hold(post.published), number, more)

    def _post(
        self, chat: ChatRef, post: Post, parent: str, record: str | None, files: dict[int, Location], wanted: bool,
        number: int, more: dict[str, Any], key: str | None = None,
    ) -> None:  # fmt: skip
        act = self._act
        facts = {"record": record, "parser": PARSER, "layout": LAYOUT, **more}

        def want(part: str, attachment: Attachment, owner: str, required: bool) -> bool:
            message = int(attachment.post_id) if attachment.post_id else number
            return self._want(chat, part, attachment, owner, files, message)

        act.take_post(post, parent, facts, wanted, want, key=key)

    def _want(
        self, chat: ChatRef, part: str, attachment: Attachment, key: str, files: dict[int, Location], message: int
    ) -> bool:
        """Enters a file and starts fetching it."""
        act = self._act
        file = attachment.extra.get("file_id")
        location = files.get(int(file)) if isinstance(file, str) and file.isdigit() else None
        act.discover(part, attachment.kind, attachment.url, key, file_id=file)
        if attachment.reason == OTHER_QUALITY:
            act.end(part, Outcome.SKIPPED, OTHER_QUALITY)
            return False
        if not act.options.media:
            act.end(part, Outcome.SKIPPED, act.options.media_reason)
            return True
        if location is None:
            act.end(part, Outcome.REFUSED, attachment.reason or "Telegram gives no file for it")
            return True
        renew = self._renewal(chat, message, location)
        act.fetching(part, self._fetch(part, attachment, location, media_uri(chat.id, message, location.id), renew))
        if letter := attachment.extra.get("thumbnail_size"):
            name = f"{part} preview"
            if act.discover(name, "preview", None, key):
                small = replace(location, thumb=str(letter), size=None)
                uri = media_uri(chat.id, message, location.id, str(letter))
                act.fetching(name, self._fetch(name, Attachment("preview"), small, uri, renew))
        return True

    def _loose(self, chat: ChatRef, parent: str, where: str, file: dict[str, Any], kept: Kept, message: int) -> None:
        """A file that belongs to no message: the chat's own photo."""
        number = str(file.get("id"))
        location = kept.files.get(int(number)) if number.isdigit() else None
        if location is None or not self._act.options.media:
            return
        part = f"{parent} {where}"
        self._act.discover(part, "chat photo", None, parent)

        async def none() -> Location | None:
            return None

        work = self._fetch(part, Attachment("photo"), location, media_uri(chat.id, message, location.id), none)
        self._act.fetching(part, work)

    async def _fetch(
        self,
        part: str,
        attachment: Attachment,
        location: Location,
        uri: str,
        renew: Renew,
    ) -> None:
        act = self._act
        same = self._by_file.setdefault((location.id, location.thumb), part)
        if same != part:
            outcome, reason = await act.same_as(same)
            act.end(part, outcome, reason or f"the same file as {same}")
            return
        async with act.slots:
            if (room := act.room_for(attachment.size)) is not None:
                act.end(part, Outcome.FAILED, room)
                return
            got = await self._files.bring(part, attachment, location, uri, renew)
        probe = await act.looked_into(part, attachment, got)
        act.end(part, got.outcome, got.reason, got.record, **probe)

    def _renewal(self, chat: ChatRef, message: int, location: Location) -> Renew:
        """Asks for the message again, which brings a reference that is valid again."""

        async def renew() -> Location | None:
            if not message:
                return None
            fresh = (await self._ask.messages(chat, [message])).files.get(location.id)
            return replace(fresh, thumb=location.thumb, size=location.size, dc=location.dc) if fresh else None

        return renew

    def _hole(self, hole: Hole) -> None:
        act = self._act
        one = hole.first == hole.last
        named = f"{hole.first}" if one else f"{hole.first}–{hole.last}"
        key, facts = f"ids {named}", {"first": hole.first, "last": hole.last}
        if not act.discover(key, "hole", None, "history", **facts):
            return
        if hole.record is None:
            act.end(
                key,
                Outcome.SKIPPED,
                f"{hole.last - hole.first + 1} ids without a message in the history: not asked one by one",
            )
            return
        said = Absence(State.UNAVAILABLE, "not found", said="messageEmpty")
        act.end(
            key, Outcome.UNAVAILABLE, "Telegram answers that there is no such message: deleted, or never used", hole.record,
            absence=said.line(),
        )  # fmt: skip


def _there(kept: Kept, number: int) -> bool:
    return any(message["id"] == number and message["_"] != "MessageEmpty" for message in kept.messages)


def _numbers(post: Post) -> list[int]:
    texts = post.album_ids or ((post.id or "").replace("?comment=", "/").rpartition("/")[2],)
    return [int(text) for text in texts if text.isdecimal()]


def _held(post: Post, kept: Kept) -> tuple[int, str | None, dict[str, Any]]:
    """Return the post's number, the record that holds it, and those of all members of an album.

    A post without a number (0 here, as for a story without one) is held by the answer that brought it.
    """
    numbers = _numbers(post)
    if not numbers:
        return 0, kept.answer, {}
    more = {"records": [kept.records[n] for n in numbers if n in kept.records]} if len(numbers) > 1 else {}
    return numbers[0], kept.records.get(numbers[0]), more


def _cursor(text: str | None) -> int | None:
    return int(text.split(" ")[0]) if text else None


def _going(text: str | None) -> tuple[int | None, int, int | None]:
    """(where to go on, messages found so far, how many the platform stated at the beginning)."""
    if not text:
        return None, 0, None
    parts = [int(part) for part in text.split(" ")]
    return parts[0], parts[1] if len(parts) > 1 else 0, (parts[2] or None) if len(parts) > 2 else None


def _facts(full: dict[str, Any]) -> dict[str, Any]:
    names = ("about", "participants_count", "admins_count", "online_count", "linked_chat_id", "pinned_msg_id", "pts",
             "slowmode_seconds", "ttl_period")  # fmt: skip
    return {name: full[name] for name in names if full.get(name) is not None}
