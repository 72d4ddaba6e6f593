"""Many links in one run: order, duplicates, two passes, resumption, and the result sheet."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from archiver.capture.engine import CaptureEngine
from archiver.capture.link_lists import Entry, ListRead
from archiver.capture.list_copy import NotCopied, copy_name, write_copy
from archiver.capture.options import CaptureOptions
from archiver.capture.outcomes import EXIT_BY_OUTCOME, RETRIED
from archiver.capture.result import CaptureResult
from archiver.capture.result_sheet import NO_LINK, ORDER, SAME, STATUS, Row, next_action, write_sheet
from archiver.capture.support import kind_of, platform_of, whole
from archiver.errors import ExitCode, exit_code
from archiver.home.home import Home
from archiver.recorder.redact import cleaned
from archiver.text.judged import in_words
from archiver.text.spellings import Spellings, all_spellings
from spiders.links import without_userinfo
from spiders.platforms import names
from spiders.posts import Outcome
from spiders.targets import NoTarget, Target, parse_target
from storage.canonical import dumps
from storage.digest import sha256_hex
from storage.errors import EvidenceError
from storage.times import utc_text

SHEET_EVERY = 20
MOST_WORDS = 2000
"""Characters of a post that a sheet shows."""
MOST_FILES = 20
"""Files of a capture that a sheet names."""
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,19}):/{1,3}")


@dataclass(frozen=True)
class CaptureEnded:
    """News that the capture of one link has ended, as number `position` of `total` where it is in a list."""

    result: CaptureResult
    position: int | None = None
    total: int | None = None


@dataclass(frozen=True)
class Broken:
    """News that a link could not be captured at all; its place where it is in a list."""

    target: Target
    error: EvidenceError
    position: int | None = None
    total: int | None = None


@dataclass(frozen=True)
class NotStarted:
    """News that a link was not begun, since the run was stopped."""

    target: Target


@dataclass(frozen=True)
class WalkedOnly:
    """News that a link leads to a whole channel, which a list does not capture; its place where it is in a list."""

    target: Target
    position: int | None = None
    total: int | None = None


@dataclass(frozen=True)
class Pace:
    """News of how fast a list is worked through: so many links are `done` of `total`, after `seconds` of this run.

    `new`: how many of them in this run.
    """

    done: int
    total: int
    new: int
    seconds: float

    @property
    def left(self) -> float:
        """Seconds that the rest takes at this pace."""
        return (self.total - self.done) * self.seconds / self.new


@dataclass(frozen=True)
class SecondPass:
    """News that the extras of so many links are captured now."""

    links: int


BatchEvent = CaptureEnded | Broken | NotStarted | WalkedOnly | SecondPass | Pace
"""What a batch tells as it happens."""


@dataclass(frozen=True)
class LinkOutcome:
    """Outcome of one link, as the state and the sheet keep it."""

    outcome: Outcome
    reason: str | None
    capture: str
    posts: int = 0
    files: int = 0
    missing: int = 0
    at: str = ""
    cookies: str = ""
    """Name in [accounts] of the cookies that are sent for such a link, or ""."""

    def value(self) -> dict[str, Any]:
        """Return the outcome as the state keeps it."""
        return {**asdict(self), "outcome": str(self.outcome)}

    @classmethod
    def of(cls, value: dict[str, Any]) -> LinkOutcome:
        """Read an outcome that `value` returned."""
        return cls(**{**value, "outcome": Outcome(value["outcome"])})


class Batch:
    """Links of one command. `targets` has each link once, however it is spelled."""

    def __init__(
        self,
        home: Home,
        entries: tuple[Entry, ...] | list[Entry],
        options: CaptureOptions,
        tell: Callable[[BatchEvent], None],
    ) -> None:
        """`tell` is called for each thing that happens."""
        self._home, self.options, self._tell = home, options, tell
        self.entries = list(entries)
        self.targets: dict[str, Target] = {}
        self.wrong: dict[int, NoTarget] = {}
        self._keys: list[str | None] = []
        for number, entry in enumerate(self.entries):
            found = parse_target(entry.text) if entry.is_link else _no_link(entry.text)
            if isinstance(found, NoTarget):
                self.entries[number] = replace(entry, text=without_userinfo(entry.text))
                self.wrong[number] = found
                self._keys.append(None)
            else:
                known = self.targets.setdefault(found.key, found)
                if found.mirror and not known.mirror:  # the row that names it asks for it, whichever row comes first
                    self.targets[found.key] = replace(known, mirror=found.mirror)
                self._keys.append(found.key)
        self.done: dict[str, LinkOutcome] = {}
        self.extras: dict[str, LinkOutcome] = {}
        self.followed: set[str] = set()
        self.run = ""
        self.resumed = 0
        self.walked: list[Target] = []
        """Whole channels among the links, which a list does not capture."""
        self.queued: dict[str, str] = {}
        """The jobs that were made of them, by the keys of their targets."""
        self._sheets: list[Path] = []
        self._texts: dict[str, dict[str, str]] = {}
        self._listed = False
        self._since_sheet = 0

    @property
    def key(self) -> str:
        """Digest that is the same for the same links, options and cases; an unfinished run is found by it.

        Every option counts that changes what a capture of a list holds. Not among them, since no option of `capture
        --list` sets them: `since`, `until`, `limit`, `holes`, `oldest_first` (of walks), `second_proxy` (of a watch's
        second look). `extras_only` and `media_reason` follow from `quick`. How Telegram is asked counts as in a walk
        (`by`): what an account sees and what its public pages show are not one run. Lists that an older release left
        unfinished do not say, and begin anew.
        """
        facts = {
            "targets": sorted(self.targets), "cases": list(self.options.cases), "media": self.options.media,
            "comments": self.options.comments, "screenshot": self.options.screenshot, "quick": self.options.quick,
            "merge": self.options.merge, "follow": self.options.follow, "by": self.options.account,
        }  # fmt: skip
        return sha256_hex(dumps(facts))

    def begin(self, listed: bool, restart: bool, sheets: list[Path] | None = None) -> None:
        """Take up an unfinished run over the same list, or begin a new one."""
        state = self._home.state
        earlier = state.unfinished_list(self.key) if listed and not restart else None
        self.run = earlier or self._home.new_capture_id(self._home.clock())
        self._listed = listed
        if not listed:
            return
        folder = self._home.path / "lists" / self.run
        self._sheets = sheets or [folder / "results.csv", folder / "results.xlsx"]
        if earlier is None:
            state.list_begun(self.run, self.key)
        marks = {_mark(key): key for key in self.targets}
        for stage, known in (("first", self.done), ("extras", self.extras)):
            for target, value in state.results(self.run, stage).items():
                done = LinkOutcome.of(value)
                if done.outcome not in RETRIED and target in marks:
                    known[marks[target]] = done
        self.resumed = len(self.done)
        self.sheet()

    def ordered(self) -> list[Target]:
        """List the targets; in a quick run, those whose posts vanish soonest come first."""
        targets = list(self.targets.values())
        if self.options.quick:
            order = names()
            targets.sort(key=lambda target: order.index(target.platform))
        return targets

    async def capture(self, engine: CaptureEngine, at_once: int) -> list[int]:
        """Capture everything of the first pass, then the extras; return exit codes.

        One failure stops nothing else.
        """
        codes: list[int] = [ExitCode.USAGE] if self.wrong else []
        codes += [EXIT_BY_OUTCOME[done.outcome] for done in self.done.values()]
        first = [target for target in self.ordered() if target.key not in self.done]
        if self.options.media and any(kind_of(target).extractor for target in first):
            engine.warm_extractor()
        if self.options.screenshot and first:
            engine.warm_browser()
        codes += await self._pass(engine, first, self.options, at_once, "first", self.done)
        if self.options.quick and not engine.stopping:
            kept = (Outcome.CAPTURED, Outcome.PARTIAL)
            more = [
                target for target in self.ordered()
                if platform_of(target).promise.second_pass and target.key not in self.extras
                and (known := self.done.get(target.key)) is not None and known.outcome in kept
            ]  # fmt: skip
            if more:
                self._tell(SecondPass(len(more)))
            codes += await self._pass(engine, more, self.options, at_once, "extras", self.extras)
        tried = all(key in self.done for key in self.targets)
        if self._listed:
            self.sheet()
            if tried and not engine.stopping and not any(done.outcome in RETRIED for done in self.done.values()):
                self._home.state.list_done(self.run)
        return codes

    async def _pass(
        self,
        engine: CaptureEngine,
        targets: list[Target],
        options: CaptureOptions,
        at_once: int,
        stage: str,
        known: dict[str, LinkOutcome],
    ) -> list[int]:
        slots = asyncio.Semaphore(max(1, at_once))
        codes: list[int] = []
        before, began, total = len(known), time.monotonic(), len(targets) + len(known)

        def place() -> tuple[int | None, int | None]:
            return (len(known), total) if self._listed else (None, None)

        async def one(number: int, target: Target) -> None:
            async with slots:
                if engine.stopping:
                    codes.append(ExitCode.FAILED)
                    if not self._listed:
                        self._tell(NotStarted(target))
                    return
                if kind_of(target).list_skips:
                    self._settle(
                        stage,
                        target,
                        known,
                        LinkOutcome(Outcome.SKIPPED, whole("channel", target), ""),
                    )
                    self.walked.append(target)
                    self._tell(WalkedOnly(target, *place()))
                    codes.append(ExitCode.USAGE)
                    return
                chosen = options if stage == "first" else second_pass(options, self.done[target.key].capture)
                try:
                    result = await engine.capture(target, chosen, self.run, number)
                except EvidenceError as error:
                    self._settle(stage, target, known, LinkOutcome(Outcome.FAILED, str(error), ""))
                    self._tell(Broken(target, error, *place()))
                    codes.append(exit_code(error))
                    return
                self._settle(stage, target, known, of_result(result, self._home.clock))
                self._tell(CaptureEnded(result, *place()))
                if self._listed and len(known) < total:
                    self._tell(Pace(len(known), total, len(known) - before, time.monotonic() - began))
                codes.append(EXIT_BY_OUTCOME[result.outcome] if stage == "first" else ExitCode.OK)
                codes.extend(await self._followed(engine, result))

        await asyncio.gather(*(one(number, target) for number, target in enumerate(targets, 1)))
        return codes

    async def _followed(self, engine: CaptureEngine, result: CaptureResult) -> list[int]:
        """Posts and videos that a page named, each once in a run, in captures of their own."""
        codes = []
        for target in result.found:
            if engine.stopping or target.key in self.targets or target.key in self.followed:
                continue
            self.followed.add(target.key)
            number = len(self.targets) + len(self.followed)
            try:
                got = await engine.capture(target, replace(self.options, follow=False), self.run, number)
            except EvidenceError as error:
                codes.append(self._failed(target, error))
                continue
            self._tell(CaptureEnded(got))
            codes.append(EXIT_BY_OUTCOME[got.outcome])
        return codes

    def _settle(self, stage: str, target: Target, known: dict[str, LinkOutcome], done: LinkOutcome) -> None:
        known[target.key] = done
        if not self._listed:
            return
        self._home.state.save_result(self.run, stage, _mark(target.key), done.value())
        self._since_sheet += 1
        if self._since_sheet >= SHEET_EVERY:
            self.sheet()

    def _failed(self, target: Target, error: EvidenceError) -> int:
        self._tell(Broken(target, error))
        return exit_code(error)

    # -- the sheet ------------------------------------------------------------------------------------------------

    def rows(self) -> list[Row]:
        """Return the rows of the result sheet, one for each entry."""
        first: dict[str, str] = {}
        rows = []
        for number, (entry, key) in enumerate(zip(self.entries, self._keys, strict=True)):
            row = Row(entry.where, entry.text)
            if key is None:
                wrong = self.wrong[number]
                rows.append(replace(row, status=NO_LINK, reason=wrong.reason, next=wrong.next_step))
                continue
            target = self.targets[key]
            row = replace(row, platform=target.platform, kind=target.kind)
            if key in first:
                rows.append(replace(row, status=SAME, reason=f"the same {target.kind} as {first[key]}"))
                continue
            first[key] = entry.where
            rows.append(self._row(row, key))
        return rows

    def _row(self, row: Row, key: str) -> Row:
        done, more = self.done.get(key), self.extras.get(key)
        if done is None:
            return replace(row, next="run the same list again")
        outcome, reason, said = done.outcome, done.reason, done.reason or ""
        if judged := self._home.catalog.reassessment(done.capture) if done.capture else None:
            outcome, reason = Outcome(judged["outcome"]), judged["reason"]
            said = "; ".join(part for part in (said, in_words(judged)) if part)
        job = self.queued.get(key)
        return replace(
            row,
            status=STATUS[done.outcome],
            reason=said,
            next=f"queued: archiver jobs show {job}"
            if job
            else next_action(outcome, reason, done.capture, done.cookies),
            capture=done.capture,
            extras=f"{more.capture} ({STATUS[more.outcome]})" if more else "",
            **self._what_is_kept(done.capture),
            posts=str(done.posts) if done.capture else "",
            files=str(done.files) if done.capture else "",
            missing=str(done.missing) if done.missing else "",
            captured_at=done.at,
        )

    def _what_is_kept(self, capture: str) -> dict[str, str]:
        """What the catalog knows of the post and the files of a sealed capture, for its row."""
        if not capture:
            return {}
        if capture not in self._texts:
            catalog = self._home.catalog
            post = next((post for post in catalog.posts(capture) if post["role"] == "target"), None)
            files = catalog.kept_files(capture)
            said = {} if post is None else {
                "title": post["title"] or "", "words": (post["text"] or "")[:MOST_WORDS],
                "author": post["author_name"] or post["author_handle"] or "",
                "published": _stated(post),
            }  # fmt: skip
            names = "\n".join(name for name, _ in files[:MOST_FILES])
            self._texts[capture] = {
                **said,
                "file": names,
                "sha256": "\n".join(sha256 for _, sha256 in files[:MOST_FILES]),
            }
        return self._texts[capture]

    def sheet(self) -> list[Path]:
        """Write the result sheet, as far as the run has come."""
        self._since_sheet = 0
        write_sheet(self._clean_rows(), self._sheets)
        return self._sheets

    def _clean_rows(self) -> list[Row]:
        secrets = self._secrets()
        return [Row(**cleaned(asdict(row), secrets)) for row in self.rows()]

    def _secrets(self) -> list[str]:
        return all_spellings(value.decode("utf-8", "replace") for value in self._home.config.secret_values)

    def copy(self, read: ListRead) -> Path:
        """Write a copy of the list with these results beside its own columns. Raises `NotCopied`, `DiskError`."""
        assert read.table is not None
        secrets = Spellings(self._secrets())
        if any(secrets.within(text) for rows in read.table.rows.values() for _, cells in rows for text in cells):
            raise NotCopied("a cell of it holds a value that the settings keep secret; take it out to get a copy")
        places: dict[tuple[str, int], list[Row]] = {}
        for entry, row in zip(self.entries, self._clean_rows(), strict=True):
            if entry.place is not None:
                places.setdefault(entry.place, []).append(row)
        path = self._home.path / "lists" / self.run / copy_name(read.table)
        write_copy(read, places, path)
        return path

    def summary(self) -> str:
        """Count the entries by status, in one line."""
        counts = Counter(row.status for row in self.rows())
        return " · ".join(f"{counts[status]} {status}" for status in ORDER if counts[status])


def _no_link(text: str) -> NoTarget:
    """Say why nothing in a row is a link, and what to do about it."""
    scheme = _SCHEME.match(text.strip())
    if scheme is None:
        return NoTarget("no link in it", "Correct the row.")
    if scheme[1].lower() == "file":
        return NoTarget("a file on a computer, not a link", "Take the file in with archiver receive.")
    return NoTarget(
        f"no link in it: it begins with {scheme[0]}, and a link begins with https:// or http://", "Correct the row."
    )


def _stated(post: dict[str, Any]) -> str:
    """When it was published, as far as the platform states it: a moment, or the earliest and latest possible."""
    earliest, latest = post["published_earliest"], post["published_latest"]
    return post["published_at"] or (f"{earliest} … {latest}" if earliest and latest else "")


def _mark(key: str) -> str:
    """A target in the state: links can hold secrets, and the state is not encrypted."""
    return sha256_hex(key.encode())


def second_pass(options: CaptureOptions, capture: str) -> CaptureOptions:
    """Return the options of the second pass over a link whose media `capture` holds."""
    return replace(
        options,
        quick=False,
        media=False,
        merge=False,
        screenshot=False,
        extras_only=True,
        page_media=options.media,
        media_reason=f"kept in {capture}, the first pass",
    )


def of_result(result: CaptureResult, clock: Callable[[], Any]) -> LinkOutcome:
    """Return the outcome that is kept of a capture."""
    files = sum(count for kind, count in result.kept.items() if kind not in _NO_FILES)
    keys = [str(item["key"]) for item in result.missing]
    absent = [item for item in result.not_kept if _is_post(str(item["key"])) and item["outcome"] != Outcome.PARTIAL]
    return LinkOutcome(
        result.outcome,
        result.reason,
        result.capture,
        max(0, result.posts - len(absent)) if result.outcome not in _NOT_HAD else 0,
        files,
        sum("#" in key or key.startswith("requisite ") for key in keys),
        utc_text(clock())[:19],
        platform.name if (platform := platform_of(result.led_to or result.target)).cookies_of is not None else "",
    )


_NOT_HAD = (Outcome.UNAVAILABLE, Outcome.REFUSED, Outcome.BLOCKED)
"""Outcomes of a link of which no post is held: what was read of one is the page of a wall."""
_NO_FILES = frozenset({"post", "page", "article", "media", "comment", "chat", "redirect"})
"""Kinds of the inventory that stand for no file of their own: what was said, where it stood, and where a link led."""


def _is_post(key: str) -> bool:
    return key.startswith("post ") and "#" not in key
