"""`archiver capture` and `archiver crawl`."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from archiver.capture.batch import Batch
from archiver.capture.engine import Archive
from archiver.capture.link_lists import Entry, read_list
from archiver.capture.options import Options
from archiver.capture.outcomes import EXIT_BY_OUTCOME
from archiver.capture.services import open_recorder
from archiver.capture.support import walked
from archiver.capture.walk import Walk, unfinished
from archiver.cli.arguments import moment, telegram_account
from archiver.cli.runtime import run_interruptible
from archiver.errors import ExitCode, UsageError
from archiver.home.cases import DEFAULT_CASE
from archiver.home.home import Home
from archiver.tools.chromium import missing
from spiders.platforms import platform_named
from spiders.targets import NoTarget, parse_target

if TYPE_CHECKING:
    from archiver.cli.context import Context


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
        return ExitCode.USAGE
    batch.begin(listed, arguments.restart, [arguments.sheet] if arguments.sheet else None)
    if listed:
        again = f", {batch.resumed} of them done before (--restart begins anew)" if batch.resumed else ""
        console.say(f"{len(entries)} rows, {len(batch.targets)} different links{again}, run {batch.run}")
    recorder = open_recorder(context, home)
    archive = Archive(home, recorder, console.progress, signer=context.signer(home))
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
    archive = Archive(home, recorder, console.progress, signer=context.signer(home))
    walk = Walk(archive, target, options, console.result, arguments.at_once)

    async def to_its_end() -> None:
        await walk.run(arguments.restart)

    try:
        run_interruptible(to_its_end(), archive, context, options.cases)
    finally:
        recorder.close()
    for link, error in walk.failed:
        console.warn(f"✗ {link}\n  expected {error.expected}\n  found    {error.found}\n  next     {error.next_step}")
    codes = [EXIT_BY_OUTCOME[result.outcome] for result in walk.results] + [ExitCode.FAILED for _ in walk.failed]
    if walk.results:
        run, posts = walk.results[0].run, sum(result.posts for result in walk.results)
        found = home.state.frontier_size(run)
        what = f"{posts} posts in {len(walk.results)} captures" + (f", {found} found by the walk" if found else "")
        console.say(f"{what}, run {run}")
    return max(codes, default=ExitCode.FAILED)
