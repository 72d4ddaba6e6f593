"""One capture while it is open, from a target to a sealed folder.

Drivers and the engine alone see a session. It owns the context and hands the helpers to each other; what they may know of
a capture is the context. Spiders say what they saw; files that belong to it stream in beside them; every discovered thing
ends in the inventory with an outcome and a reason.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from archiver.capture.assemblies import AssemblyBuilder
from archiver.capture.attachments import AttachmentFetches
from archiver.capture.claims import ExtractorClaims
from archiver.capture.context import CaptureOrder, CaptureServices, open_context
from archiver.capture.fetcher import Fetcher
from archiver.capture.file_tasks import GRACE_SECONDS
from archiver.capture.inventory import Ending
from archiver.capture.known_secrets import without_secrets
from archiver.capture.media import MediaDownload
from archiver.capture.media_proof import MediaProof
from archiver.capture.outcomes import of_whole
from archiver.capture.posts import PostIntake, Sighting, Want
from archiver.capture.result import CaptureResult, Progress
from archiver.capture.screenshot import Screenshot
from archiver.capture.verdict import ProgramRun, Statement, at_best, by_mirror, of_program, stop_reason, verdict
from archiver.checks.clocks import servers_apart
from archiver.errors import in_a_line
from archiver.home.log import Telling, keep_fault, noted
from archiver.home.secret_values import secrets_of
from archiver.recorder.exchange import ExchangeDone
from archiver.seal.sealing import seal
from archiver.tools.programs import programs_of
from spiders.availability import classify
from spiders.items import Counted, Led, Noted, Reached, Seen, Verdict
from spiders.link_forms import Form
from spiders.links import mask_userinfo, safe_split
from spiders.posts import Attachment, Outcome, Parsed, Post
from spiders.targets import Target, page
from storage import canonical
from storage.errors import CatalogError

_log = logging.getLogger(__name__)


class CaptureSession:
    """One open capture: takes what drivers report, fetches what that names, and closes the capture.

    Runs on the main thread's loop.
    """

    def __init__(self, services: CaptureServices, order: CaptureOrder) -> None:
        """Open the capture. Raises `StorageError`."""
        self._services = services
        self._loop = asyncio.get_running_loop()
        self.context = context = open_context(services, order, self._exchange_done, self._task_ended, self.broken)
        self.inventory = context.inventory
        self.assemblies = AssemblyBuilder(context)
        self.proof = MediaProof(context, self.assemblies, services.probe)
        self.posts = PostIntake(context)
        fetcher = Fetcher(context.port, context.config.user_agent)
        self._media = MediaDownload(context, fetcher, self.assemblies, self.posts, self.proof, services.extractors)
        self._attachments = AttachmentFetches(context, fetcher, self._media, self.proof)
        self._claims = ExtractorClaims(context, services.extractors, self._media, self._attachments)
        self._screenshot = Screenshot(context, services.browser)
        self._answer: Ending | None = None
        self._conclusion: Ending | None = None
        self._walk_ended = False
        self._asked = context.shown_target
        self._led: Led | None = None
        self._hops = 0
        self._original: Ending | None = None
        self._exit_code: int | None = None
        _log.info("capture %s begins", context.capture_id)

    def progress(self) -> Progress:
        """Return how far the capture has come."""
        context = self.context
        received = context.port.received + context.received_elsewhere
        return Progress(
            context.capture_id, context.shown_target.url, self.posts.count, context.tasks.waiting, received,
            context.writer.closed,
        )  # fmt: skip

    def _report(self) -> None:
        self._services.report(self.progress())

    def begin(self) -> None:
        """Start what runs beside the driver."""
        self._claims.begin()

    # -- what the recorder reports ----------------------------------------------------------------------

    def _exchange_done(self, done: ExchangeDone) -> None:
        """On the recorder's thread."""
        self.context.exchanges.add(done)
        self._loop.call_soon_threadsafe(self._heard, done)

    def _heard(self, done: ExchangeDone) -> None:
        """On the loop, which would only log what is raised here."""
        with Telling(self.broken):
            self._answered(done)
            self._report()

    def _answered(self, done: ExchangeDone) -> None:
        """Where the target's page was answered, a browser can show it while we read it."""
        if done.tag in self.context.promise.first_tags and done.status is not None and done.status < 300:
            self._screenshot.begin()

    def _task_ended(self, error: BaseException | None) -> None:
        """Say faults of our own, never swallow them: a file that broke our code leaves the capture partial."""
        if error is not None:
            self.broken(error)
        self._report()

    # -- what drivers report ----------------------------------------------------------------------------

    def seen(self, item: Any, claimed: Mapping[str, Any] | None = None) -> None:
        """Enter what a spider reports. `claimed`: who claims it, where the spider does not run in this process."""
        if isinstance(item, Seen):
            self._page_seen(item, claimed or {})
        elif isinstance(item, Noted):
            self._noted(item)
        elif isinstance(item, Counted):
            self.inventory.counted(item)
        elif isinstance(item, Reached):
            self._reached(item.cursor)
        elif isinstance(item, Verdict):
            self._conclusion = (item.outcome, item.reason)
        elif isinstance(item, Led):
            self._led_on(item)
        self._report()

    def answered(self, outcome: Outcome, reason: str | None) -> None:
        """Record what the platform says of the target itself."""
        self._answer = (outcome, reason)

    def broken(self, error: BaseException) -> None:
        """Record that something of the program itself broke; from any thread.

        Whatever else is said of it, the capture is then partial.
        """
        context = self.context
        place = keep_fault(_log, error, "capture %s: a fault of ours", context.capture_id)
        secrets = secrets_of(context.config, context.home.environment)
        self.inventory.fault(noted(without_secrets(in_a_line(error), secrets), place))

    def parser_failed(self, error: BaseException, link: str) -> None:
        """Record that a parser of ours broke on what a link answered."""
        place = keep_fault(_log, error, "capture %s: our parser failed", self.context.capture_id)
        self.inventory.fault(noted(f"our parser failed: {type(error).__name__} on {link}", place))

    def program_ended(self, code: int) -> None:
        """Record the exit code of a program that ran behind the recorder."""
        self._exit_code = code

    def program_failed(self, reason: str) -> None:
        """Record why a program could not be run behind the recorder."""
        self._conclusion = (Outcome.FAILED, f"the program could not be run: {reason}")

    def take_post(self, post: Post, sighting: Sighting, want: Want | None = None) -> None:
        """Enter a post and start fetching its files. `want`: what fetches them, where it is not the web."""
        self.posts.take(post, sighting, want or self._attachments.want, self._attachments.want)

    def fetch_file(self, key: str, attachment: Attachment, parent: str, required: bool) -> bool:
        """Enter a file and start fetching it. Return whether the file counts for its parent."""
        return self._attachments.want(key, attachment, parent, required)

    def _page_seen(self, item: Seen, claimed: Mapping[str, Any]) -> None:
        context, inventory, parsed = self.context, self.inventory, item.parsed
        done = context.exchanges.by_tag.get(item.tag)
        record = done.record.record_id if done and done.record else None
        outcome, reason = _page_outcome(parsed, done)
        absence = classify(parsed, done.status if done else None)
        about = {"layout": parsed.layout, "page": parsed.page or None, **claimed}
        inventory.discover(item.key, "page", item.url, "target", **about)
        inventory.census(parsed.census, item.key)
        # An error page may quote posts; nothing on it is an observation of one.
        readable = done is not None and done.status is not None and done.status < 400
        posts = list(parsed.posts) if readable else []
        facts = {"record": record, "parser": parsed.parser, "layout": parsed.layout, **claimed}
        for post in posts:
            wanted = item.wanted is None or post.id in item.wanted
            self.take_post(post, Sighting(item.key, facts, wanted, item.apart))
        if (posts or outcome is Outcome.CAPTURED) and not context.options.quick:
            for requisite in parsed.requisites:
                self._attachments.want(f"requisite {requisite.url}", requisite, item.key, required=False)
        asked = context.exchanges.asked[item.tag]
        inventory.end(
            item.key, outcome, reason, record, absence=absence.line(), asked=asked if asked > 1 else None,
            partly_decoded=_partly(done),
        )  # fmt: skip
        self._services.blocked_hosts.met(host_of(item.url), absence, parsed.layout, outcome)
        if parsed.layout == "file" and outcome is Outcome.CAPTURED and done is not None:
            self._attachments.arrived("file", done, item.key)
            inventory.subjects.append("file")
        if item.needed:
            inventory.require(item.key)
        if item.final:
            self._answer = (outcome, reason)
            self._claims.page_read(outcome)
            if outcome is Outcome.BLOCKED and context.promise.extractor_despite_wall:
                self._extract_despite_wall(item.key)

    def _extract_despite_wall(self, parent: str) -> None:
        """The page met a wall. The extractor asks in another way and may still reach the video: it is tried."""
        video = Attachment("video", None, extract_from=self.context.target.url)
        if self._attachments.want("video", video, parent, required=True):
            self.inventory.subjects.append("video")

    def _noted(self, item: Noted) -> None:
        facts = {"target": item.target.key} if item.target else {}
        if self.inventory.discover(item.key, item.kind, item.url, "target", **facts, **item.facts):
            self.inventory.end(item.key, item.outcome, item.reason)
            if item.target is not None:
                self.posts.found.append(item.target)

    def _led_on(self, item: Led) -> None:
        """Enter every hop of a redirect to another target."""
        self._led = item
        nexts = (*item.hops[1:], item.url)
        for url, following in zip(item.hops, nexts, strict=True):
            self._hops += 1
            key = f"redirect {self._hops}"
            target = {"target": item.target.key} if following == item.url else {}
            self.inventory.discover(key, "redirect", url, "target", **target)
            said = f"leads to {mask_userinfo(following)}"
            self.inventory.end(key, Outcome.CAPTURED, said, self.context.exchanges.record_of(url))

    def _reached(self, cursor: str | None) -> None:
        self._walk_ended = cursor is None
        if self.context.walk is not None:
            self.context.tasks.follow(self._checkpoint(cursor, self.context.tasks.under_way()))

    async def _checkpoint(self, cursor: str | None, before: list[asyncio.Task[None]]) -> None:
        """Remember how far the walk has come, once everything before it has its outcome."""
        context = self.context
        assert context.walk is not None
        await asyncio.gather(*before, return_exceptions=True)
        if not context.interrupted and not context.port.stopped:
            found, self.posts.found = self.posts.found, []
            context.walk.reached(cursor, found)

    def enough(self) -> bool:
        """Return whether this part is full, so that a walk should go on in the next.

        A capture of one thing is never full.
        """
        context, limit = self.context, self.context.options.limit
        if context.interrupted or context.port.stopped or (limit is not None and self.posts.count >= limit):
            return True
        return context.walk is not None and self.full()

    def full(self) -> bool:
        """Return whether this part has reached its bounds."""
        options, writer = self.context.options, self.context.writer
        full = writer.counts["post"] >= options.part_posts or writer.bytes_stored >= options.part_bytes
        return full or writer.elapsed() >= options.part_seconds

    # -- another target than the one that was asked for --------------------------------------------------

    def next_target(self) -> Target | None:
        """Return the target that a redirect led to since this was last called, or None."""
        led, self._led = self._led, None
        return led.target if led is not None else None

    def go_on_with(self, target: Target) -> None:
        """Turn to that target: what is asked and promised from now on is its own."""
        self._answer = self._conclusion = None
        self.context.go_on_with(target)

    async def needs_mirror(self) -> bool:
        """Return whether the link named a mirror and the original is not to be had.

        A mirror is never asked beside an original that is there, nor for a walk.
        """
        context = self.context
        if context.target.mirror is None or context.walk is not None:
            return False
        await self.settle()
        ended = self.inventory.ended
        kept = (Outcome.CAPTURED, Outcome.PARTIAL)
        if any(ended[key][0] in kept for key in self.inventory.subjects if key in ended):
            return False
        outcome, _ = self._verdict()
        return outcome not in (Outcome.CAPTURED, Outcome.SKIPPED) and not (context.interrupted or context.port.stopped)

    def go_on_with_mirror(self) -> None:
        """Turn to the mirror's page. How the original ended is remembered: the page is a copy of it at best."""
        mirror = self.context.target.mirror
        assert mirror is not None
        self._original = self._verdict()
        self.inventory.subjects.clear()
        self.go_on_with(replace(page(mirror), form=Form.MIRROR, mirror=mirror))

    # -- the end ----------------------------------------------------------------------------------------

    def interrupt(self) -> None:
        """Request nothing new; close and seal what is there as partial, after `GRACE_SECONDS` at most.

        A page that takes longer is cut; what has arrived of it is kept.
        """
        self.context.interrupt()
        self.context.tasks.cancel()
        asyncio.get_running_loop().call_later(GRACE_SECONDS, self.context.port.cut)

    def show_page(self) -> None:
        """Show the target's page in a browser, if it was read and that is wanted and has not begun."""
        if self._answer is not None:
            self._screenshot.begin()

    async def settle(self) -> None:
        """Wait until every file and post has its outcome."""
        self._claims.page_read(Outcome.FAILED)  # where no page was read until now, none will be
        await self.context.tasks.settle()

    def abandon(self) -> None:
        """Close the port and release the folder without finishing the capture, since the disk refuses.

        The next command closes and seals what is there.
        """
        self.context.port.close()
        self.context.writer.release()

    def finish(self) -> CaptureResult:
        """Close, seal and project the capture. Raises `StorageError` where the disk or the ledger does not allow it."""
        context = self.context
        context.port.close()
        stop = "interrupted" if context.interrupted else context.port.stopped
        self.inventory.end_open(stop or "ended without an outcome")
        outcome, reason = self._verdict()
        reason = context.secrets.clean(reason)
        if self._answer is None and outcome is not Outcome.CAPTURED:
            # No answer was read: the target itself is what was discovered and not kept.
            self.inventory.discover("target", context.target.kind, context.target.url, None)
            first = next(filter(None, map(context.exchanges.by_tag.get, context.promise.first_tags)), None)
            self.inventory.end("target", outcome, reason, partly_decoded=_partly(first))
        context.originals.close()
        manifest = canonical.loads(context.writer.close(str(outcome), reason, self._facts() or None))
        try:
            cases = list(context.options.cases)
            seq = seal(context.home, self._services.signer, context.folder, cases).seq
        finally:
            context.writer.release()
        _log.info("capture %s ends: %s, event %d", context.capture_id, outcome, seq)
        warnings: list[str] = [f"the clock: {said}"] if (said := servers_apart(manifest["clock"])) else []
        try:
            context.home.project()
        except CatalogError as error:
            warnings.append(str(error))
        return CaptureResult(
            capture=context.capture_id,
            run=context.order.run,
            part=context.order.part,
            target=self._asked,
            led_to=context.shown_target if context.shown_target.key != self._asked.key else None,
            outcome=outcome,
            reason=reason,
            folder=context.folder,
            posts=self.posts.count,
            kept=dict(self.inventory.kept),
            not_kept=context.secrets.clean(self.inventory.not_kept()),
            stored_bytes=context.writer.bytes_stored,
            seq=seq,
            test_routes=context.test_routes,
            found=list(self.posts.found),
            walk_ended=self._walk_ended,
            part_full=self.enough() and not stop,
            warnings=warnings,
        )

    def _facts(self) -> dict[str, Any]:
        """What the manifest says of the programs that took part, beside this one."""
        pool, media = self._services.extractors, self._media.facts
        extractor = (pool.version, pool.runtime, pool.beside) if media else None
        programs = programs_of(self.context.home.path, extractor, self.proof.used, self._screenshot.shown_by)
        return {**({"media": media} if media else {}), **({"programs": programs} if programs else {})}

    def _verdict(self) -> Ending:
        context = self.context
        failed = context.writer.failed
        stop = stop_reason(
            context.interrupted, None if failed is None else failed.found, context.port.stopped, self.posts.count
        )
        if self._exit_code is not None:
            said = Statement(self._answer, self._conclusion)
            run = ProgramRun(self._exit_code, context.exchanges.count, context.exchanges.answered)
            return of_program(self.inventory, run, said, stop)
        statement = Statement(self._answer, self._conclusion, at_best(context.target), context.exchanges.asked)
        needs = context.needs
        exchanges = context.exchanges.by_tag
        if self._original is None:
            return verdict(self.inventory, exchanges, statement, stop, context.promise, needs)
        promise = replace(context.promise, first_tags=("mirror",))
        copy = verdict(self.inventory, exchanges, statement, stop, promise, needs)
        return copy if stop is not None else by_mirror(self._original, copy)


def _page_outcome(parsed: Parsed, done: ExchangeDone | None) -> Ending:
    if done is None:
        return Outcome.FAILED, "no exchange was recorded for it"
    outcome, reason = of_whole(done)
    kind = parsed.absence.kind if parsed.absence is not None else None
    if done.status == 403 and kind is not None and parsed.outcome in (Outcome.BLOCKED, Outcome.REFUSED):
        # Challenges come with this status as well as pages that want a login: what the page says tells them apart.
        return parsed.outcome, f"{parsed.reason} (HTTP 403)"
    if outcome is not Outcome.CAPTURED:
        return outcome, reason
    return parsed.outcome or Outcome.CAPTURED, parsed.reason


def _partly(done: ExchangeDone | None) -> dict[str, str | int] | None:
    return done.partly.line() if done is not None and done.partly is not None else None


def host_of(url: str) -> str:
    """Return the host of a link, or "" where it has none."""
    return safe_split(url).hostname or ""
