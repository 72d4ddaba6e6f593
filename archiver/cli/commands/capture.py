"""`archiver capture`: posts or pages, each into a sealed folder."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from archiver.cli.arguments import add_at_once, add_capture, add_comments, add_links, add_merge
from archiver.cli.capture_options import capture_options, telegram_account
from archiver.cli.copying import copied
from archiver.errors import ExitCode, UsageError
from archiver.home.home import Home
from archiver.home.paths import given_output
from archiver.text.plain import many
from spiders.targets import parse_target

if TYPE_CHECKING:
    from archiver.capture.batch import Batch
    from archiver.capture.link_lists import Entry, ListRead
    from archiver.cli.console import Console
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = "archiver capture https://t.me/durov/523 --case almaty"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver capture` takes."""
    add_links(parser, nargs="*", what="Link of a post, a video or a page.")
    add_capture(parser)
    listed = "Take the links of a text, CSV or XLSX file, or of standard input."
    parser.add_argument("--list", metavar="FILE|-", help=listed)
    parser.add_argument("--column", metavar="C", help="Column of the list with the links: heading, letter or number.")
    sheet = "Write the result sheet to this .csv or .xlsx file (default: both, in the home)."
    parser.add_argument("--sheet", type=given_output, metavar="FILE", help=sheet)
    walk = "Queue the channels, profiles and playlists of the list, to be crawled by `archiver work`."
    parser.add_argument("--walk", action="store_true", help=walk)
    quick = "Capture the post and media of every link first, short-lived ones first; capture the rest in a second pass."
    parser.add_argument("--quick", action="store_true", help=quick)
    restart = "Start the list over instead of continuing an unfinished run."
    parser.add_argument("--restart", action="store_true", help=restart)
    add_comments(parser, "Capture comments with their replies, and the live chat.")
    follow = "Also capture posts and videos that the page embeds or links to."
    parser.add_argument("--follow-embeds", action="store_true", help=follow)
    screenshot = (
        "Save each page as a browser renders it (default: on where Chromium is installed; with --quick, images only)."
    )
    parser.add_argument("--screenshot", action=argparse.BooleanOptionalAction, default=None, help=screenshot)
    add_merge(parser)
    add_at_once(parser, 4, "captures")


def run(context: Context) -> int:
    """Capture links from the command line or a list, side by side; one failure stops nothing else."""
    home = context.recovered_home()
    return copied(context, home, _capture(context, home))


def _capture(context: Context, home: Home) -> int:
    from archiver.capture.services import open_recorder
    from archiver.cli.runtime import Interruptible, capture_engine

    arguments, console = context.arguments, context.console
    listed = arguments.list is not None
    read = _read(context)
    batch = _batch(context, home, _entries(context, read))
    if not listed:
        _warn_of_wrong_links(console, batch)
        if not batch.targets:
            return ExitCode.USAGE
    batch.begin(listed, arguments.restart, [arguments.sheet] if arguments.sheet else None)
    if listed:
        again = f", {batch.resumed} of them done before (--restart starts over)" if batch.resumed else ""
        console.say(f"{len(batch.entries)} rows, {len(batch.targets)} different links{again}, run {batch.run}")
    recorder = open_recorder(home, context.network)
    engine = capture_engine(context, home, recorder)
    codes: list[int] = []

    async def all_of_them() -> None:
        codes.extend(await batch.capture(engine, arguments.at_once))

    try:
        Interruptible(engine, context, batch.options.cases).run(all_of_them())
    finally:
        recorder.close()
        if listed:
            if arguments.walk and batch.walked:
                _queue_walks(context, home, batch)
            _write_sheet(console, batch, read)
    return max(codes, default=0)


def _read(context: Context) -> ListRead | None:
    """Read the list. Raises `UsageError`, also where its own file is to be written to."""
    from archiver.capture.link_lists import read_list

    arguments = context.arguments
    if arguments.list is None:
        if arguments.walk:
            raise UsageError("--list with --walk", "no list", "A channel is captured by archiver crawl LINK.")
        return None
    found = read_list(arguments.list, arguments.column, sys.stdin.buffer)
    if found.table and arguments.sheet and arguments.sheet.exists() and arguments.sheet.samefile(found.table.path):
        raise UsageError(
            "another file after --sheet", "the list itself", "Your file is never written to: name a new one."
        )
    for text in found.notes:
        context.console.warn(f"archiver: {text}")
    return found


def _entries(context: Context, read: ListRead | None) -> list[Entry]:
    """List the links of the command line and of the file. Raises `UsageError` where there are none."""
    from archiver.capture.link_lists import Entry

    entries = [Entry("", link) for link in context.arguments.links]
    if read is not None:
        entries += read.entries
    if not entries:
        raise UsageError("links, or a list of links", "none", "For example: archiver capture https://t.me/durov/523")
    return entries


def _batch(context: Context, home: Home, entries: list[Entry]) -> Batch:
    from archiver.capture.batch import Batch
    from archiver.cli import batch_report
    from archiver.tools.chromium import missing

    arguments = context.arguments
    account = telegram_account(home, arguments, [parse_target(entry.text) for entry in entries])
    shown = arguments.screenshot if arguments.screenshot is not None else home.config.rendered and missing() is None
    options = replace(capture_options(home, arguments, account), screenshot=shown)
    return Batch(home, entries, options, partial(batch_report.tell, context.console))


def _warn_of_wrong_links(console: Console, batch: Batch) -> None:
    for number, reason in batch.wrong.items():
        link = batch.entries[number].text
        console.warn(f"archiver: {link!r}: {reason.reason}. {reason.next_step}")
        console.data({"link": link, "outcome": None, "reason": reason.reason, "next": reason.next_step})


def _queue_walks(context: Context, home: Home, batch: Batch) -> None:
    """Queue the whole channels of the list as crawls."""
    from archiver.jobs.job import PRIORITIES
    from archiver.jobs.new_job import new_job
    from archiver.jobs.queue import opened

    with opened(home) as queue:
        made = {
            target.key: new_job(home.new_capture_id(home.clock()), target, batch.options) for target in batch.walked
        }
        queue.add(list(made.values()), PRIORITIES["normal"])
    batch.queued = {key: job.id for key, job in made.items()}
    context.console.say(f"{many(len(made), 'crawl')} queued. Start a worker: archiver work")


def _write_sheet(console: Console, batch: Batch, read: ListRead | None) -> None:
    from archiver.capture.list_copy import NotCopied

    paths = batch.sheet()
    console.say(batch.summary())
    console.say(f"result sheet  {'  '.join(str(path) for path in paths)}")
    copy = None
    if read is not None and read.table is not None:
        try:
            copy = batch.copy(read)
            console.say(f"your list     {copy}")
        except NotCopied as error:
            console.warn(f"archiver: your list was not copied: {error}. The result sheet has every row.")
    console.data({"run": batch.run, "sheet": [str(path) for path in paths], "copy": str(copy) if copy else None})
