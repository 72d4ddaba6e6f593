"""What a watch observes: posts that are new, edited or removed, pinned messages, changes of the chat itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from archiver.home.ports import Signer
from archiver.telegram.albums import WaitingAlbums
from archiver.telegram.posts import PostReading, numbers_of
from archiver.telegram.watched_chat import WatchedChat
from spiders.posts import Absence, Availability, Outcome, Post
from spiders.telegram.api.account_api import KeptAnswer
from spiders.telegram.api.collector import ChatRef
from spiders.telegram.api.messages import identity
from storage import canonical
from storage.digest import sha256_hex
from storage.events import Event

COUNTERS = frozenset({"views", "forwards", "reactions", "replies", "_account", "edit_hide", "edit_date", "pinned"})
"""What of a message changes without anybody having edited it."""


@dataclass
class Told:
    """News for a person. `what`: new, edited, removed, pinned, unpinned, info."""

    what: str
    post: str | None
    text: str
    facts: dict[str, Any] = field(default_factory=dict)


class Observations:
    """Enters what a watch observes of one chat. `tell` is called for each thing that happens."""

    def __init__(self, watched: WatchedChat, signer: Signer, tell: Callable[[Told], None]) -> None:
        self._watched, self._signer, self.tell = watched, signer, tell
        self._home, self._key = watched.home, watched.target.key
        self.albums = WaitingAlbums()
        self.quiet = False
        """What stands there when a watch begins is not news."""
        self._gone: set[int] = set()
        """Removed before they were posts of ours; numbers never come back."""

    @property
    def _place(self) -> ChatRef:
        return self._watched.place

    async def albums_due(self, every: bool = False) -> None:
        """Enter the albums whose last member came a while ago. `every`: all of them, without waiting."""
        for name, album in self.albums.due(every):
            whole = await self._watched.ask.with_album(self._place, min(album.numbers()), False, None)
            self.albums.forget(name)
            await self.observe(whole)
            there = {message["id"] for message in whole.messages if message["_"] != "MessageEmpty"}
            for kept in album.kept:  # what was removed again meanwhile was there all the same
                if not there.issuperset(kept.numbers()):
                    await self.observe(kept)

    async def observe(self, kept: KeptAnswer, whole: bool = True) -> None:
        """Enter the posts of an answer: new, edited, or as they were.

        Not `whole`: members of an album come one by one.
        """
        session = self._watched.session
        digests = {message["id"]: content(message) for message in kept.messages if message["_"] != "MessageEmpty"}
        seen: list[tuple[int, str, str, str | None]] = []
        for post in sorted(kept.posts, key=lambda post: numbers_of(post)[:1]):
            numbers = [number for number in numbers_of(post) if number in digests]
            known = [self._home.state.watch_last(self._key, number) for number in numbers]
            changed = [n for n, last in zip(numbers, known, strict=True) if last is None or last[0] != digests[n]]
            if not changed or post.outcome is Outcome.UNAVAILABLE:
                continue
            new = any(last is None for last in known)
            if new and not whole and post.extra.get("grouped_id"):
                self.albums.add(post.extra["grouped_id"], kept)
                continue
            key = None
            if not new or session.inventory.has(f"post {post.id}"):
                key = f"edit {post.id} {kept.answer.strip('<>')[-8:]}"
            reading = PostReading.of(post, kept, role="target" if new else "edit")
            self._watched.capture.posts.take(self._place, reading, "watch", key=key)
            seen += [(n, digests[n], session.context.capture_id, kept.records.get(n)) for n in changed]
            if not self.quiet:  # what stands there when a watch begins is not news
                words = post.text or post.extra.get("action_in_words") or ""
                self.tell(Told("new" if new else "edited", post.id, words, {"published": _date(post)}))
            if post.extra.get("action") in ("chat edit title", "chat edit photo", "chat delete photo"):
                await self.info()
        if seen:
            self._home.state.watch_saw(self._key, seen)
            self._home.state.watch_removed(self._key, [row[0] for row in seen if row[0] in self._gone])

    async def info(self) -> None:
        """Record the chat itself again, after its title, photo or description changed."""
        session = self._watched.session
        kept = await self._watched.ask.about(self._place)
        record, full = next(iter(kept.more.values()))
        state = canonical.dumps([_stable(full), _stable(kept.people.get(self._place.id))])
        key = f"chat {self._place.place} {sha256_hex(state)[:8]}"
        if not session.inventory.discover(key, "chat", None, "target"):
            return
        self._watched.capture.info.pictures(self._place, key, full, kept)
        peer = kept.peers.get(self._place.id)
        title = peer.name if peer is not None else self._place.title
        session.inventory.end(key, Outcome.CAPTURED, None, record, title=title)
        if title != self._place.title:
            self.tell(Told("info", None, f"title is now {title}", {"title": title}))
            self._watched.chat = replace(self._place, title=title)
        else:
            self.tell(Told("info", None, "photo or description changed"))

    def pinned(self, number: int, pinned: bool, record: str) -> None:
        """Enter that a message was pinned, or is no longer."""
        session = self._watched.session
        post = identity(self._place.place, number)
        what = "pinned" if pinned else "unpinned"
        key = f"{what} {post} {record.strip('<>')[-8:]}"
        if session.inventory.discover(key, "pin", None, "target"):
            session.inventory.end(key, Outcome.CAPTURED, what, record)
            self.tell(Told(what, post, ""))

    def removed(self, numbers: list[int], how: str, kept: KeptAnswer, shown: str, control: int | None) -> None:
        """Enter messages that are gone.

        Each becomes an event, with the last observation and what shows the removal.
        """
        session = self._watched.session
        events, gone = [], []
        for number in numbers:
            post = identity(self._place.place, number)
            last = self._home.state.watch_last(self._key, number)
            if last is not None and last[3]:
                continue  # was seen to be gone before
            key = f"removal {post}"
            record = kept.records.get(number, shown)
            if last is None:
                self._gone.add(number)
            before = {"capture": last[1], "record": last[2]} if last is not None else self._before(post, number)
            if not session.inventory.discover(key, "removal", None, "target"):
                continue
            reason = "Telegram announced its removal"
            if how == "empty answer":
                reason = (
                    f"Telegram answers that there is no such message, and in the same answer gives message {control}"
                )
            said = Absence(
                Availability.UNAVAILABLE, "removed", said="messageEmpty" if control else "updateDeleteChannelMessages"
            )
            session.inventory.end(key, Outcome.CAPTURED, reason, record, last=before, absence=said.line())
            detail = {
                "post": post, "platform": "telegram", "capture": session.context.capture_id, "record": record, "how": how,
                "control": control, "last": before, "account": self._watched.options.account,
            }  # fmt: skip
            events.append(Event("removed", self._home.clock(), {k: v for k, v in detail.items() if v is not None}))
            gone.append(number)
            self.tell(Told("removed", post, reason, {"last": before}))
        if events:
            self._signer.append(events)
        self._home.state.watch_removed(self._key, gone)

    def _before(self, post: str | None, number: int) -> dict[str, Any] | None:
        """The last observation of a post: a member of an album that is still waited for, or by any earlier capture."""
        if self._watched.is_open and (record := self.albums.record_of(number)) is not None:
            return {"capture": self._watched.session.context.capture_id, "record": record}
        found = self._home.catalog.observations(post) if post else []
        return {"capture": found[-1]["capture"], "record": found[-1]["record"]} if found else None


def content(message: dict[str, Any]) -> str:
    """Return a digest of what a message says.

    Counters are left out, and commitments, which are new each time.
    """
    return sha256_hex(canonical.dumps(_stable(message)))


def _stable(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get("_") in ("PollResults", "WebPage", "WebPagePending"):
            return {"_": value["_"], "url": value.get("url")}  # Telegram makes and counts these by itself
        return {key: _stable(item) for key, item in value.items() if key not in COUNTERS and key != "commitment"}
    if isinstance(value, list):
        return [_stable(item) for item in value]
    return value


def _date(post: Post) -> str | None:
    return post.published.text() if post.published else None
