"""The commands that capture: links to targets, one loop, Ctrl-C, exit codes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import tempfile
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archiver.capture import Act, Archive, Options, Result
from archiver.errors import UsageError
from archiver.home import DEFAULT_CASE, Home
from archiver.limits import HostLimiter
from archiver.outcomes import EXIT_BY_OUTCOME
from archiver.recorder import Exit, Recorder
from spiders.posts import Outcome
from spiders.targets import NoTarget, Target, page, parse_target
from storage.errors import EvidenceError

if TYPE_CHECKING:
    from archiver.cli import Context


def targets_of(links: list[str]) -> tuple[list[Target], list[tuple[str, NoTarget]]]:
    """Targets, each once however it is spelled, and the texts that name none."""
    targets: dict[str, Target] = {}
    wrong = []
    for link in links:
        found = parse_target(link)
        if isinstance(found, NoTarget):
            wrong.append((link, found))
        else:
            targets.setdefault(found.key, found)
    return list(targets.values()), wrong


def open_recorder(context: Context, home: Home) -> Recorder:
    config = home.config
    limiter = HostLimiter(config.interval if context.network is None else 0.0, config.concurrency)
    return Recorder(limiter, Exit(config.proxy), network=context.network, clock=home.clock)


def capture_links(context: Context, home: Home) -> int:
    """`archiver capture`: several links side by side; one failure stops nothing else."""
    arguments, console = context.arguments, context.console
    targets, wrong = targets_of(arguments.links)
    for link, reason in wrong:
        console.warn(f"archiver: {link!r}: {reason.reason}. {reason.next_step}")
        console.data({"link": link, "outcome": None, "reason": reason.reason, "next": reason.next_step})
    if not targets:
        return 1
    options = Options(cases=tuple(arguments.case or [DEFAULT_CASE]), media=not arguments.no_media)
    home.recipients(list(options.cases))
    recorder = open_recorder(context, home)
    archive = Archive(home, recorder, console.progress)
    run = home.new_capture_id(home.clock())
    codes: list[int] = [1] if wrong else []

    async def all_of_them() -> None:
        slots = asyncio.Semaphore(max(1, arguments.at_once))

        async def one(number: int, target: Target) -> None:
            async with slots:
                if archive.stopping:
                    console.warn(f"not started: {target.url}")
                    codes.append(4)
                    return
                if target.platform == "telegram" and target.kind == "channel":
                    console.warn(f"{target.url} is a whole channel; use: archiver crawl {target.url}")
                    codes.append(1)
                    return
                try:
                    result = await archive.capture(target, options, run, number)
                except EvidenceError as error:
                    codes.append(_said(console, target, error))
                    return
                console.result(result)
                codes.append(EXIT_BY_OUTCOME[result.outcome])

        await asyncio.gather(*(one(number, target) for number, target in enumerate(targets, 1)))

    try:
        run_interruptible(all_of_them(), archive, context)
    finally:
        recorder.close()
    return max(codes, default=0)


def crawl_link(context: Context, home: Home) -> int:
    """`archiver crawl`: a channel in parts, gone on where a broken walk stands."""
    arguments, console = context.arguments, context.console
    targets, wrong = targets_of(arguments.links)
    if wrong:
        raise UsageError("a channel's link", f"{wrong[0][0]!r}: {wrong[0][1].reason}", wrong[0][1].next_step)
    target = targets[0]
    if (target.platform, target.kind) != ("telegram", "channel"):
        raise UsageError(
            "a public Telegram channel",
            f"a {target.platform} {target.kind}",
            f"Use: archiver capture {target.url}",
        )
    options = Options(
        cases=tuple(arguments.case or [DEFAULT_CASE]),
        media=not arguments.no_media,
        since=moment(arguments.since, "--since"),
        until=moment(arguments.until, "--until"),
        limit=arguments.limit,
    )
    home.recipients(list(options.cases))
    going_on = None if arguments.restart else home.state.unfinished_run(target.key)
    if going_on is not None and going_on.parts:
        console.say(f"going on with run {going_on.run} before post {going_on.cursor} (--restart begins anew)")
    recorder = open_recorder(context, home)
    archive = Archive(home, recorder, console.progress)
    results: list[Result] = []

    async def walk() -> None:
        results.extend(await archive.crawl(target, options, console.result, arguments.restart))

    try:
        run_interruptible(walk(), archive, context)
    finally:
        recorder.close()
    codes = [EXIT_BY_OUTCOME[result.outcome] for result in results]
    if results:
        console.say(
            f"{sum(result.posts for result in results)} posts in {len(results)} part{'s' if len(results) != 1 else ''}, run {results[0].run}"
        )
    return max(codes, default=4)


def moment(text: str | None, flag: str) -> datetime | None:
    """A date or time, UTC unless it carries an offset. Raises `UsageError`."""
    if text is None:
        return None
    try:
        value = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{flag} as 2022-01-05 or 2022-01-05T12:00+06:00", repr(text), "Give it in that form."
        ) from error
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def run_interruptible(work: Coroutine[Any, Any, None], archive: Archive, context: Context) -> None:
    """Ctrl-C once closes and seals what is there as partial; twice stops at once, and the next command recovers."""

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
        ticking = asyncio.ensure_future(archive.tick())
        try:
            await work
        finally:
            ticking.cancel()
            await archive.close()

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


def _said(console: Any, target: Target, error: EvidenceError) -> int:
    from archiver.errors import exit_code

    console.warn(f"✗ {target.url}\n  expected {error.expected}\n  found    {error.found}\n  next     {error.next_step}")
    console.data({"url": target.url, "outcome": str(Outcome.FAILED), "reason": str(error)})
    return exit_code(error)
