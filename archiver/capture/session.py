"""One act of capturing: from a target to a sealed folder.

`Act` owns the one `CaptureWriter` of a capture and hands it to recorder, files and media. Spiders say what they saw;
files that belong to it stream in beside them; every discovered thing ends in the inventory with an outcome and a reason.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from archiver.capture.assemblies import Pieces
from archiver.capture.attachments import Fetching
from archiver.capture.dedup import Originals
from archiver.capture.fetcher import Files
from archiver.capture.media import Media
from archiver.capture.options import Options
from archiver.capture.outcomes import UNASKABLE, of_exchange
from archiver.capture.result import Result
from archiver.capture.screenshot import picture
from archiver.capture.walk_state import KNOWN
from archiver.home.home import Home
from archiver.recorder.dial import Exit
from archiver.recorder.exchange import ExchangeDone, Limits
from archiver.seal.sealing import seal
from archiver.version import software
from spiders.availability import classify
from spiders.items import Counted, Noted, Reached, Seen, Verdict
from spiders.links import safe_split
from spiders.platforms import platform_named
from spiders.posts import Attachment, Outcome, Parsed, Post
from spiders.targets import Target, parse_target
from spiders.youtube.captions import parse_track
from spiders.youtube.player import info as parse_info
from storage.capture import CaptureWriter, Identity
from storage.errors import CatalogError
from storage.records import RecordRef

if TYPE_CHECKING:
    from archiver.capture.engine import Archive
    from archiver.capture.walk_state import Going

GRACE_SECONDS = 5.0
"""How long media that are under way may take to be put together after Ctrl-C."""


Want = Callable[[str, Attachment, str, bool], bool]
"""(inventory key, attachment, parent, required) → whether the file counts for its parent."""
Progress = Callable[["Act"], None]


class Act(Fetching):
    """A single capture while it is open. Runs on the main thread's loop."""

    def __init__(
        self,
        home: Home,
        archive: Archive,
        target: Target,
        run: str,
        part: int,
        options: Options,
        progress: Progress,
        loop: asyncio.AbstractEventLoop,
        going: Going | None = None,
        capture_id: str | None = None,
    ) -> None:
        """`capture_id`: the one to make, where it follows from a job; else a new one."""
        super().__init__([value.decode("utf-8", "replace") for value in home.config.secret_values])
        self.going = going
        self.promise = platform_named(target.platform).promise
        self.home, self.archive, self.target, self.options = home, archive, target, options
        self.recorder = recorder = archive.recorder
        shown = replace(target, url=self.clean(target.url), id=self.clean(target.id))
        self.shown_target = shown
        self.run, self.part = run, part
        self._progress = progress
        self._loop = loop
        self.capture_id = capture_id or home.new_capture_id(home.clock())
        self.folder = home.capture_folder(self.capture_id)
        recipients = home.recipients(list(options.cases))
        salt = os.urandom(32)
        identity = Identity(
            self.capture_id, run, part, shown.url, salt, software(), test_routes=recorder.network is not None
        )
        home.state.capture_opened(self.capture_id, str(self.folder), self.capture_id[:15], list(options.cases))
        self.writer = CaptureWriter(home.path / self.folder, identity, recipients, home.clock, time.monotonic)
        self._originals = Originals(home, tuple(options.cases))
        self.writer.original = self._originals.find
        config = home.config
        limits = Limits(
            response_bytes=config.response_bytes,
            response_seconds=config.response_seconds,
            capture_bytes=config.capture_bytes,
            capture_seconds=config.capture_seconds,
        )
        way = Exit(config.second_proxy if options.second_exit else config.exit_for(options.cases))
        self.port = recorder.open(self.writer, limits, config.secret_values, self._exchange_done, way)
        self._asked: Counter[str] = Counter()
        self.refs: dict[str, RecordRef] = {}
        """Where the answers of this capture lie, by record id."""
        self.by_uri: dict[str, str] = {}
        """The record of the last whole answer to each link."""
        self._tasks: set[asyncio.Task[None]] = set()
        self.files = Files(self.port, config.user_agent)
        self.pieces = Pieces(self)
        self.media = Media(self)
        self._stop = asyncio.Event()
        self._post_keys: set[str] = set()
        self._needed: list[str] = []
        """Pages without which the capture is partial."""
        self._verdict: tuple[Outcome, str | None] | None = None
        self._final: tuple[Outcome, str | None] | None = None
        self.posts = 0
        """Posts that the capture is about; comments are not counted among them."""
        self.arrived = 0
        """Bytes that came by other ways than the recorder."""
        self.walk_ended = False
        self.found: list[Target] = []
        """What can be captured on its own, not yet handed on."""
        self.interrupted = False
        self.writer.inventory(
            {
                "kind": "target",
                "url": shown.url,
                "platform": shown.platform,
                "target_kind": shown.kind,
                "id": shown.id,
                "target_salt": salt.hex(),
            }
        )

    def shown(self) -> None:
        self._progress(self)

    # -- what the recorder and the spiders report ------------------------------------------------------

    def _exchange_done(self, done: ExchangeDone) -> None:
        """On the recorder's thread."""
        if done.tag:
            self._exchanges[done.tag] = done
            self._asked[done.tag] += 1
        if done.record is not None:
            self.refs[done.record.record_id] = done.record
            if done.complete:
                self.by_uri[done.uri] = done.record.record_id
        self._loop.call_soon_threadsafe(self._progress, self)
        self._loop.call_soon_threadsafe(self._answered, done)

    def seen(self, item: Any) -> None:
        """Takes what a spider reports."""
        if isinstance(item, Seen):
            self._page_seen(item)
        elif isinstance(item, Noted):
            self._noted(item)
        elif isinstance(item, Counted):
            self.counted(item)
        elif isinstance(item, Reached):
            self.walk_ended = item.cursor is None
            if self.going is not None:
                before = [*self._tasks, *(task for task in self._fetches.values() if not task.done())]
                self._spawn(self._checkpoint(item.cursor, before))
        elif isinstance(item, Verdict):
            self._verdict = (item.outcome, item.reason)
        self._progress(self)

    async def _checkpoint(self, cursor: str | None, before: list[asyncio.Task[None]]) -> None:
        """Remembers how far the walk has come, once everything before it has its outcome."""
        assert self.going is not None
        found, self.found = self.found, []
        await asyncio.gather(*before, return_exceptions=True)
        if not self.interrupted and not self.port.stopped:
            self.going.reached(cursor, found)

    def _noted(self, item: Noted) -> None:
        facts = {"target": item.target.key} if item.target else {}
        if self.discover(item.key, item.kind, item.url, "target", **facts, **item.facts):
            self.end(item.key, item.outcome, item.reason)
            if item.target is not None:
                self.found.append(item.target)

    def fetching(self, key: str, work: Coroutine[Any, Any, None]) -> None:
        """A file that something else than the page fetcher brings; the post that it belongs to waits for it."""
        task = asyncio.ensure_future(work)
        self._fetches[key] = task
        task.add_done_callback(self._ended_somehow)

    def settled(self, outcome: Outcome, reason: str | None) -> None:
        """What the platform says of the target itself."""
        self._final = (outcome, reason)

    def needs(self, key: str) -> None:
        """Without this part of it the capture is partial."""
        self._needed.append(key)

    def withheld_everywhere(self, secret: str) -> None:
        """A value that reaches no line from now on."""
        if secret not in self._secrets:
            self._secrets.append(secret)

    async def same_as(self, part: str) -> tuple[Outcome, str | None]:
        """What became of a file that is fetched under another name."""
        task = self._fetches.get(part)
        if task is not None:
            await asyncio.gather(task, return_exceptions=True)
        outcome, reason = self._ended.get(part, (Outcome.FAILED, "its fetching broke off"))
        return outcome, reason if outcome is not Outcome.CAPTURED else None

    async def below(self, count: int) -> None:
        """Waits until fewer than `count` files are under way."""
        while (waiting := [task for task in self._fetches.values() if not task.done()]) and len(waiting) >= count:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)

    def recorded(self, code: int) -> None:
        """The end of a program that ran behind the recorder: its exit code decides."""
        if code == 0:
            self._final = (Outcome.CAPTURED, None)
        else:
            self._verdict = (Outcome.PARTIAL, f"the program ended with exit code {code}")

    def parser_failed(self, what: str) -> None:
        self.fault(f"our parser failed: {what}")

    def _page_seen(self, item: Seen) -> None:
        done = self._exchanges.get(item.tag)
        record = done.record.record_id if done and done.record else None
        outcome, reason = self._page_outcome(item.parsed, done)
        absence = classify(item.parsed, done.status if done else None)
        self.discover(item.key, "page", item.url, "target", layout=item.parsed.layout, page=item.parsed.page or None)
        self.census(item.parsed.census, item.key)
        posts = list(item.parsed.posts)
        if done is None or done.status is None or done.status >= 400:
            posts = []  # an error page may quote posts; nothing on it is an observation of one
        for post in posts:
            self._post_seen(post, item, record)
        if (posts or outcome is Outcome.CAPTURED) and not self.options.quick:
            for requisite in item.parsed.requisites:
                self._want(f"requisite {requisite.url}", requisite, item.key, required=False)
        again = self._asked[item.tag] if self._asked[item.tag] > 1 else None
        self.end(item.key, outcome, reason, record, absence=absence.line(), asked=again)
        self.archive.walls.met(host_of(item.url), absence, item.parsed.layout, outcome)
        if item.needed:
            self._needed.append(item.key)
        if item.final:
            self._final = (outcome, reason)
            if self.promise.extractor_despite_wall and outcome is Outcome.BLOCKED:
                self._despite_wall(item.key)

    def _despite_wall(self, parent: str) -> None:
        """The page met a wall. The extractor asks in another way and may still reach the video: it is tried."""
        video = Attachment("video", None, extract_from=self.target.url)
        if self._want("video", video, parent, required=True):
            self._post_keys.add("video")

    def _page_outcome(self, parsed: Parsed, done: ExchangeDone | None) -> tuple[Outcome, str | None]:
        if done is None:
            return Outcome.FAILED, "no exchange was recorded for it"
        outcome, reason = of_exchange(done)
        if outcome is not Outcome.CAPTURED:
            return outcome, reason
        return parsed.outcome or Outcome.CAPTURED, parsed.reason

    def _post_seen(self, post: Post, item: Seen, record: str | None) -> None:
        wanted = item.wanted is None or post.id in item.wanted
        facts = {"record": record, "parser": item.parsed.parser, "layout": item.parsed.layout}
        self.take_post(post, item.key, facts, wanted, self._want, apart=item.apart)

    def take_post(
        self,
        post: Post,
        parent: str,
        facts: dict[str, Any],
        wanted: bool,
        want: Want,
        *,
        apart: bool = False,
        key: str | None = None,
    ) -> None:
        """Enters a post and starts fetching its files. `facts`: what its line says of where it was read.

        `key`: another than `post ID`, where one capture sees a post more than once.
        """
        key, record = key or f"post {post.id}", facts.get("record")
        remark = post.extra.get("kind") in ("comment", "chat")
        promise = platform_named(post.platform).promise
        word = key.partition(" ")[0]
        kind = str(post.extra["kind"]) if remark else promise.post_word if word == "post" else word
        over = not remark and self.options.limit is not None and self.posts >= self.options.limit
        if not self.discover(key, kind, post.url, parent):
            return
        if self.going is not None and self.going.met(key):
            self.end(key, Outcome.SKIPPED, KNOWN)
            if apart:  # what that part had found it could no longer hand on
                self._hand_on(post.url)
            return
        role = "target" if wanted and not over else "beside the target"
        self.writer.post(self.clean({**post.line(), "role": role, **facts}))
        if not wanted or over:
            for number, attachment in enumerate(post.attachments):
                part = f"{key} #{number}"
                self.discover(part, attachment.kind, attachment.url, key)
                self.end(part, Outcome.SKIPPED, "belongs to a post beside the target")
            self.end(key, Outcome.SKIPPED, "beside the target: read, its files not fetched")
            return
        self.posts += not remark
        self._post_keys.add(key)
        if apart:
            self._listed(key, post, record)
            return
        parts = []
        for number, attachment in enumerate(post.attachments):
            part = f"{key} #{number}"
            if attachment.kind in promise.told:
                self.discover(part, attachment.kind, attachment.url, key)
                self.end(part, Outcome.CAPTURED, "in the page itself", record)
                continue
            if want(part, attachment, key, True):
                parts.append(part)
            if attachment.thumbnail and not self.options.quick:
                thumbnail = Attachment("thumbnail", attachment.thumbnail)
                self._want(f"requisite {attachment.thumbnail}", thumbnail, key, required=False)
        if parts:
            self._spawn(self._finish_post(key, post, parts, record))
        else:
            self.end(key, post.outcome, post.reason, record)

    def _listed(self, key: str, post: Post, record: str | None) -> None:
        """An entry of a list: what it says is kept here, the thing itself is captured on its own."""
        for number, attachment in enumerate(post.attachments):
            self.discover(f"{key} #{number}", attachment.kind, attachment.url, key)
            self.end(f"{key} #{number}", Outcome.SKIPPED, "belongs to what is captured on its own")
        self._hand_on(post.url)
        self.end(key, Outcome.CAPTURED, "as the list shows it; itself in a capture of its own in this run", record)

    def _hand_on(self, url: str | None) -> None:
        found = parse_target(url or "")
        if isinstance(found, Target):
            self.found.append(found)

    async def _finish_post(self, key: str, post: Post, parts: list[str], record: str | None) -> None:
        waiting = [task for part in parts if (task := self._fetches.get(part))]
        if waiting:
            await asyncio.gather(*waiting, return_exceptions=True)
        bad = [
            (part, *self._ended[part])
            for part in parts
            if part in self._ended and self._ended[part][0] is not Outcome.CAPTURED
        ]
        by_policy = all(
            outcome is Outcome.SKIPPED and not (reason or "").startswith(UNASKABLE) for _, outcome, reason in bad
        )
        if bad and not by_policy:
            reason = f"{len(bad)} of {len(parts)} attachments not kept: {bad[0][2]}"
            self.end(key, Outcome.PARTIAL, reason, record)
        elif post.outcome is not Outcome.CAPTURED:
            self.end(key, post.outcome, post.reason, record)
        else:
            self.end(key, Outcome.CAPTURED, "without its files, as asked" if bad else None, record)

    def _answered(self, done: ExchangeDone) -> None:
        """The target's page was answered: a browser can show it while we read it."""
        if done.tag in self.promise.first_tags and done.status is not None and done.status < 300:
            self._picture()

    def pictured(self) -> None:
        """Shows the target's page, if that is wanted and has not begun. It stands beside the post: without it the post is whole."""
        if self._final is not None:
            self._picture()

    def _picture(self) -> None:
        if platform_named(self.target.platform).kind(self.target.kind).members_only:
            return  # nothing that a browser without the account could show
        if not self.options.screenshot or self.interrupted or self.port.stopped or "screenshot" in self._fetches:
            return
        task = asyncio.ensure_future(picture(self))
        self._fetches["screenshot"] = task
        task.add_done_callback(self._ended_somehow)

    async def stopped(self) -> None:
        """Returns when the person stops the capture."""
        await self._stop.wait()

    async def pause(self, seconds: float) -> None:
        """Waits, and no longer than until the person stops the capture."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)

    def captions_read(self, key: str, url: str, body: bytes, record: str | None, lang: str, automatic: bool) -> None:
        """A caption track as a post, so that what was said can be searched for."""
        parsed = parse_track(body, url, lang, automatic)
        for post in parsed.posts:
            line = {
                **post.line(),
                "record": record,
                "parser": parsed.parser,
                "layout": parsed.layout,
                "role": "captions",
            }
            line["id"] = post.id or key
            self.writer.post(self.clean(line))

    def described(self, whole: Any, record: str | None) -> None:
        """A video of which no page could be read: what the extractor was told stands as its post."""
        if self.posts or not isinstance(whole, dict):
            return
        parsed = parse_info(whole)
        for post in parsed.posts:
            self.posts += 1
            line = {**post.line(), "record": record, "parser": parsed.parser, "layout": parsed.layout, "role": "target"}
            self.writer.post(self.clean(line))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(self._ended_somehow)

    # -- the end ----------------------------------------------------------------------------------------

    def enough(self) -> bool:
        """Whether this part is full and a walk should go on in the next. A capture of one thing is never full."""
        options = self.options
        if self.interrupted or self.port.stopped or (options.limit is not None and self.posts >= options.limit):
            return True
        return self.going is not None and self.full()

    def full(self) -> bool:
        """Whether this part has reached its bounds."""
        options = self.options
        full = self.writer.counts["post"] >= options.part_posts or self.writer.bytes_stored >= options.part_bytes
        return full or self.writer.elapsed() >= options.part_seconds

    def interrupt(self) -> None:
        """Ctrl-C: nothing new is asked for; what is there is closed and sealed as partial."""
        self.interrupted = True
        self._stop.set()
        self.port.stop("interrupted by the person")
        for task in self._fetches.values():
            if task in self._extracting:
                # It notices by itself, and puts together what it has; if it does not, it is cut off.
                self._loop.call_later(GRACE_SECONDS, task.cancel)
            else:
                task.cancel()

    async def settle(self) -> None:
        """Waits until every file and post has its outcome."""
        while True:
            pending = [task for task in self._fetches.values() if not task.done()] + list(self._tasks)
            if not pending:
                return
            await asyncio.gather(*pending, return_exceptions=True)

    def finish(self) -> Result:
        """Closes, seals and projects. Raises `StorageError` where the disk or the ledger do not allow it."""
        self.port.close()
        stop = "interrupted" if self.interrupted else self.port.stopped
        for key in list(self._open):
            self.end(key, Outcome.FAILED, stop or "ended without an outcome")
        outcome, reason = self._outcome()
        reason = self.clean(reason)
        if self._final is None:  # no answer was read: the target itself is what was discovered and not kept
            self.discover("target", self.target.kind, self.target.url, None)
            self.end("target", outcome, reason)
        warnings: list[str] = []
        self._originals.close()
        self.writer.close(str(outcome), reason, {"media": self.media.facts} if self.media.facts else None)
        try:
            seq: int | None = seal(self.home, self.archive.signer, self.folder, list(self.options.cases)).seq
        finally:
            self.writer.release()
        try:
            self.home.project()
        except CatalogError as error:
            warnings.append(str(error))
        not_kept = [
            {"key": key, "outcome": str(how), "reason": why}
            for key, (how, why) in self._ended.items()
            if how not in (Outcome.CAPTURED, Outcome.SKIPPED)
        ]
        return Result(
            capture=self.capture_id,
            run=self.run,
            part=self.part,
            target=self.shown_target,
            outcome=outcome,
            reason=reason,
            folder=self.folder,
            posts=self.posts,
            kept=dict(self._kept),
            not_kept=self.clean(not_kept),
            stored_bytes=self.writer.bytes_stored,
            seq=seq,
            test_routes=self.recorder.network is not None,
            found=list(self.found),
            walk_ended=self.walk_ended,
            part_full=self.enough() and not stop,
            warnings=warnings,
        )

    def _outcome(self) -> tuple[Outcome, str | None]:
        """The capture's outcome: what the platform said of the target, then what is missing of it."""
        if self.interrupted:
            return Outcome.PARTIAL, "interrupted by the person"
        if self.writer.failed is not None:
            return Outcome.PARTIAL, f"the disk failed: {self.writer.failed.found}"
        if self.port.stopped:
            return Outcome.PARTIAL if self.posts else Outcome.FAILED, self.port.stopped
        if self._problems:
            return Outcome.PARTIAL, self._problems[0]
        if self._verdict is not None:
            return self._verdict
        if self._final is None:
            return self._without_answer()
        outcome, reason = self._final
        if outcome is not Outcome.CAPTURED:
            return outcome, reason
        posts = {key: self._ended[key] for key in self._post_keys if key in self._ended}
        bad = [(how, why) for how, why in posts.values() if how not in (Outcome.CAPTURED, Outcome.SKIPPED)]
        kept = (Outcome.CAPTURED, Outcome.SKIPPED)
        pages = [self._ended[key] for key in self._needed if self._ended[key][0] not in kept]
        ours = [
            (how, why)
            for key, (how, why) in self._ended.items()
            if key.startswith("requisite ") and how in (Outcome.FAILED, Outcome.BLOCKED, Outcome.PARTIAL)
        ]
        if pages:
            return Outcome.PARTIAL, f"a page of it: {pages[0][1]}"
        if bad:
            return Outcome.PARTIAL, bad[0][1] if len(
                posts
            ) == 1 else f"{len(bad)} of {len(posts)} posts incomplete: {bad[0][1]}"
        if self._disagreements:
            return Outcome.PARTIAL, f"counts do not agree: {'; '.join(self._disagreements[:3])}"
        if ours:
            return Outcome.PARTIAL, f"{len(ours)} files of the page not kept: {ours[0][1]}"
        return Outcome.CAPTURED, None

    def _without_answer(self) -> tuple[Outcome, str | None]:
        """No spider read an answer: what the recorder saw of the target's own request says why."""
        for tag in self.promise.first_tags:
            done = self._exchanges.get(tag)
            if done is None:
                continue
            outcome, reason = of_exchange(done)
            if outcome is Outcome.CAPTURED and done.status is not None:
                return Outcome.PARTIAL, "the answer was recorded but could not be read"
            if done.status is not None and 300 <= done.status < 400:
                return Outcome.FAILED, "more than ten redirects, or a redirect that leads nowhere"
            return outcome if outcome is not Outcome.SKIPPED else Outcome.REFUSED, reason
        return Outcome.FAILED, "no request was answered"

    @property
    def waiting(self) -> int:
        return sum(1 for task in self._fetches.values() if not task.done())


def host_of(url: str) -> str:
    """The host of a link, or "" where it has none."""
    return safe_split(url).hostname or ""
