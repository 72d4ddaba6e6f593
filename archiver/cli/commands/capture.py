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
from spiders.targets import parse_target

if TYPE_CHECKING:
    from archiver.capture.batch import Batch
    from archiver.capture.link_lists import Entry
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
    batch = _batch(context, home, _entries(context))
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
            _write_sheet(console, batch)
    return max(codes, default=0)


def _entries(context: Context) -> list[Entry]:
    """List the links of the command line and of the file. Raises `UsageError` where there are none."""
    from archiver.capture.link_lists import Entry, read_list

    arguments = context.arguments
    entries = [Entry("", link) for link in arguments.links]
    if arguments.list is not None:
        found = read_list(arguments.list, arguments.column, sys.stdin.buffer)
        entries += found.entries
        for text in found.notes:
            context.console.warn(f"archiver: {text}")
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


def _write_sheet(console: Console, batch: Batch) -> None:
    paths = batch.sheet()
    console.say(batch.summary())
    console.say(f"result sheet  {'  '.join(str(path) for path in paths)}")
    console.data({"run": batch.run, "sheet": [str(path) for path in paths]})
