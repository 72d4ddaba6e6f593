"""The commands that capture: links to targets, one loop, Ctrl-C, exit codes."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
from asyncio import sleep
from collections.abc import Coroutine, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from archiver.batch import Batch
from archiver.browser import missing
from archiver.capture import Act, Archive, Options, Result, walked
from archiver.errors import UsageError
from archiver.home import DEFAULT_CASE, Home
from archiver.limits import SharedLimiter
from archiver.lists import Entry, read_list
from archiver.outcomes import EXIT_BY_OUTCOME
from archiver.recorder import Exit, Recorder
from archiver.seal.command import after_captures
from archiver.turns import PostgresStore, SqliteStore, Turns
from archiver.walking import Walk, unfinished
from spiders.platforms import platform_named
from spiders.targets import NoTarget, Target, page, parse_target

if TYPE_CHECKING:
    from archiver.cli import Context


def turns_of(home: Home, interval: float | None = None) -> Turns:
    """A further holder of turns at hosts, among all processes of the home, or all machines. `interval`: not the home's, seconds."""
    config = home.config
    store = PostgresStore(config.jobs) if config.jobs else SqliteStore(home.path / "state.sqlite")
    return Turns(store, secrets.token_hex(8), config.interval if interval is None else interval, config.concurrency)


def open_recorder(context: Context, home: Home) -> Recorder:
    config = home.config
    limiter = SharedLimiter(turns_of(home, None if context.network is None else 0.0), config.concurrency)
    return Recorder(limiter, Exit(config.proxy), network=context.network, clock=home.clock)


def capture_links(context: Context, home: Home) -> int:
    """`archiver capture`: links from the command line or a list, side by side; one failure stops nothing else."""
    arguments, console = context.arguments, context.console
    entries = [Entry("", link) for link in arguments.links]
    if arguments.list is not None:
        found = read_list(arguments.list, arguments.column, sys.stdin.buffer)
        entries += found.entries
        for text in found.notes:
            console.warn(f"archiver: {text}")
    if not entries:
        raise UsageError("links, or a list of them", "none", "For example: archiver capture https://t.me/durov/523")
    config = home.config
    options = Options(
        cases=tuple(arguments.case or [DEFAULT_CASE]),
        media=not arguments.no_media,
        comments=arguments.comments,
        quick=arguments.quick,
        merge=arguments.merge,
        follow=arguments.follow_embeds,
        screenshot=arguments.screenshot if arguments.screenshot is not None else config.rendered and missing() is None,
    )
    home.recipients(list(options.cases))
    options = replace(
        options, account=telegram_account(home, arguments, [parse_target(entry.text) for entry in entries])
    )
    batch = Batch(home, console, entries, options)
    listed = arguments.list is not None
    if not listed:
        for number, reason in batch.wrong.items():
            link = entries[number].text
            console.warn(f"archiver: {link!r}: {reason.reason}. {reason.next_step}")
            console.data({"link": link, "outcome": None, "reason": reason.reason, "next": reason.next_step})
    if not batch.targets and not listed:
        return 1
    batch.begin(listed, arguments.restart, [arguments.sheet] if arguments.sheet else None)
    if listed:
        again = f", {batch.resumed} of them done before (--restart begins anew)" if batch.resumed else ""
        console.say(f"{len(entries)} rows, {len(batch.targets)} different links{again}, run {batch.run}")
    recorder = open_recorder(context, home)
    archive = Archive(home, recorder, console.progress)
    codes: list[int] = []

    async def all_of_them() -> None:
        codes.extend(await batch.capture(archive, arguments.at_once))

    try:
        run_interruptible(all_of_them(), archive, context, options.cases)
    finally:
        recorder.close()
        if listed:
            paths = batch.sheet()
            console.say(batch.summary())
            console.say(f"result sheet  {'  '.join(str(path) for path in paths)}")
            console.data({"run": batch.run, "sheet": [str(path) for path in paths]})
    return max(codes, default=0)


def crawl_link(context: Context, home: Home) -> int:
    """`archiver crawl`: a walk in parts, gone on where a broken one stands, then what it found."""
    arguments, console = context.arguments, context.console
    target = parse_target(arguments.links[0])
    if isinstance(target, NoTarget):
        raise UsageError("a link that can be walked", f"{arguments.links[0]!r}: {target.reason}", target.next_step)
    account = telegram_account(home, arguments, [target])
    if walked(target, account is not None) is None:
        raise UsageError(
            "a channel, profile, playlist, thread or search",
            f"a {target.platform} {target.kind}" if target.platform != target.kind else f"a {target.kind}",
            f"Use: archiver capture {target.url}"
            if not platform_named(target.platform).by_account
            else f"Log in first: archiver {target.platform} login; or capture the post by itself.",
        )
    options = Options(
        cases=tuple(arguments.case or [DEFAULT_CASE]),
        media=not arguments.no_media,
        comments=arguments.comments,
        merge=arguments.merge,
        holes=arguments.holes,
        since=moment(arguments.since, "--since"),
        until=moment(arguments.until, "--until"),
        limit=arguments.limit,
        account=account,
        oldest_first=arguments.oldest_first,
    )
    home.recipients(list(options.cases))
    going_on = None if arguments.restart else unfinished(home, target, options)
    if going_on is not None and going_on.parts:
        left = len(home.state.frontier(going_on.run))
        where = f", {left} of what it found still to be captured" if left else ""
        console.say(f"going on with run {going_on.run} where it stands{where} (--restart begins anew)")
    recorder = open_recorder(context, home)
    archive = Archive(home, recorder, console.progress)
    walk = Walk(archive, target, options, console.result, arguments.at_once)

    async def to_its_end() -> None:
        await walk.run(arguments.restart)

    try:
        run_interruptible(to_its_end(), archive, context, options.cases)
    finally:
        recorder.close()
    for link, error in walk.failed:
        console.warn(f"✗ {link}\n  expected {error.expected}\n  found    {error.found}\n  next     {error.next_step}")
    codes = [EXIT_BY_OUTCOME[result.outcome] for result in walk.results] + [4 for _ in walk.failed]
    if walk.results:
        run, posts = walk.results[0].run, sum(result.posts for result in walk.results)
        found = home.state.frontier_size(run)
        what = f"{posts} posts in {len(walk.results)} captures" + (f", {found} found by the walk" if found else "")
        console.say(f"{what}, run {run}")
    return max(codes, default=4)


def telegram_account(home: Home, arguments: Any, targets: Iterable[Target | NoTarget]) -> str | None:
    """The account by which Telegram is asked, where one of the targets is Telegram's. Raises `NotFound`, `UsageError`."""
    if not any(isinstance(one, Target) and platform_named(one.platform).by_account for one in targets):
        return None
    return chosen_account(home, arguments)


def chosen_account(home: Home, arguments: Any) -> str | None:
    """What `--account` and `--no-account` come to. None: Telegram's public pages. Raises `NotFound`, `UsageError`."""
    if arguments.no_account:
        return None
    from archiver.telegram.accounts import Accounts

    return Accounts(home).chosen(arguments.account)


def moment(text: str | None, flag: str) -> datetime | None:
    """A date or time, UTC unless it carries an offset or the name of a zone. Raises `UsageError`."""
    if text is None:
        return None
    try:
        return read_moment(text)
    except ValueError as error:
        raise UsageError(
            f"{flag} as 2022-01-05, 2022-01-05T12:00+06:00 or '2022-01-05T12:00 Asia/Almaty'",
            repr(text),
            "Give it in that form.",
        ) from error


def read_moment(text: str) -> datetime:
    """The moment in UTC. A zone's name follows its rules of that day: Almaty was +6 until March 2024. Raises `ValueError`."""
    first, _, zone = text.strip().partition(" ")
    if zone and not re.match(r"[0-9]", zone):
        value = datetime.fromisoformat(first)
        if value.tzinfo is not None:
            raise ValueError("both an offset and a zone")
        try:
            return value.replace(tzinfo=ZoneInfo(zone.strip())).astimezone(UTC)
        except (ZoneInfoNotFoundError, OSError) as error:
            raise ValueError(f"no such zone: {zone}") from error
    value = datetime.fromisoformat(text)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


STAMP_EVERY = 45.0
"""Seconds between two rounds of stamping while captures go on: none waits longer than a minute."""


def run_interruptible(
    work: Coroutine[Any, Any, None], archive: Archive, context: Context, cases: Iterable[str] = (DEFAULT_CASE,)
) -> None:
    """Ctrl-C once closes and seals what is there as partial; twice stops at once, and the next command recovers.

    What was sealed is timestamped meanwhile and at the end, where set-up allowed it; by the exit of the `cases`.
    """
    cases = list(cases)

    async def stamp() -> None:
        await asyncio.to_thread(after_captures, archive.home, context.console, cases, context.network)

    async def stamping() -> None:
        while archive.home.config.timestamps.wanted:
            await sleep(STAMP_EVERY)
            await stamp()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        presses = 0

        def pressed() -> None:
            nonlocal presses
            presses += 1
            if presses == 1:
                context.console.warn(
                    "stopping: what is there is closed and sealed as partial. Press Ctrl-C again to stop at once."
                )
                archive.interrupt()
            else:
                context.console.warn("stopped at once; the next command seals what was received.")
                os._exit(4)

        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                loop.add_signal_handler(number, pressed)
            except (
                ValueError,
                NotImplementedError,
                RuntimeError,
            ):  # not the main thread: the demo's and tests' case
                break
        beside = [asyncio.ensure_future(archive.tick()), asyncio.ensure_future(stamping())]
        try:
            await work
        finally:
            for task in beside:
                task.cancel()
            await archive.close()
            await stamp()

    asyncio.run(main())


def record_program(context: Context, home: Home) -> int:
    """`archiver record -- COMMAND`: an open capture for any program that honours proxy settings."""
    arguments, console = context.arguments, context.console
    command = (
        [word for word in arguments.program if word != "--"]
        if arguments.program[:1] == ["--"]
        else list(arguments.program)
    )
    if not command:
        raise UsageError(
            "a command after --",
            "none",
            "For example: archiver record -- scrapy crawl page -a link=https://example.org",
        )
    about = (
        parse_target(arguments.about) if arguments.about else page("https://record.invalid/" + Path(command[0]).name)
    )
    target = about if isinstance(about, Target) else page("https://record.invalid/")
    recorder = open_recorder(context, home)
    options = Options(cases=tuple(arguments.case or [DEFAULT_CASE]))

    async def run() -> Result:
        archive = Archive(home, recorder, console.progress)
        act = Act(
            home,
            archive,
            target,
            home.new_capture_id(home.clock()),
            1,
            options,
            console.progress,
            asyncio.get_running_loop(),
        )
        try:
            with tempfile.NamedTemporaryFile(suffix=".pem") as authority:
                authority.write(recorder.authority.pem)
                authority.flush()
                code = await asyncio.to_thread(_child, command, act, authority.name)
        finally:
            await act.settle()
        act.recorded(code)
        return await asyncio.to_thread(act.finish)

    try:
        result = asyncio.run(run())
    finally:
        recorder.close()
    console.result(result)
    after_captures(home, console, options.cases, context.network)
    return EXIT_BY_OUTCOME[result.outcome]


def _child(command: list[str], act: Act, authority: str) -> int:
    """Runs the program with proxy and authority in *its* environment only."""
    proxy = act.port.proxy_url
    environment = {
        **os.environ,
        "ARCHIVER_RECORDER": proxy,
        **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"), proxy),
        **dict.fromkeys(("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"), authority),
        "no_proxy": "",
        "NO_PROXY": "",
    }
    try:
        return subprocess.run(command, env=environment, check=False).returncode
    except OSError as error:
        raise UsageError(f"a program {command[0]!r}", str(error), "Check the command after --.") from error
