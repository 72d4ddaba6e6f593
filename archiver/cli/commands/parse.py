"""`archiver parse`: read posts out of saved files, offline."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from archiver.cli.text import when_published
from archiver.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from archiver.cli.console import Console
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser
    from archiver.intake.read_posts import BodyReading

EXAMPLE = "archiver parse page.html --url https://t.me/s/durov --json"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver parse` takes."""
    files = "HTML, JSON, JSON Lines, HAR, WARC or WACZ file, gzipped or not."
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help=files)
    parser.add_argument("--url", metavar="LINK", help="Original link of the file.")


def run(context: Context) -> int:
    """Print the posts of files, with --json one a line; say on standard error why something held none."""
    from archiver.intake.read_posts import read_file

    console = context.console
    for path in context.arguments.files:
        if path.is_dir():
            raise UsageError("files to read", f"a folder: {path}", f"Name its files, for example: {path}/*.html")
    posts = silent = damaged = 0
    for path in context.arguments.files:
        found = False
        for reading in read_file(path, context.arguments.url):
            found = True
            _say(console, reading)
            posts += len(reading.parsed.posts)
            silent += not reading.parsed.posts
            damaged += reading.damaged
        if not found:
            console.warn(f"{path}: no content that could hold posts")
    if damaged or (silent and not posts):
        return ExitCode.PARTIAL
    return ExitCode.OK if posts else ExitCode.UNAVAILABLE


def _say(console: Console, reading: BodyReading) -> None:
    parsed = reading.parsed
    for post in parsed.posts:
        console.data(post.line())
        when = when_published(post.published.text() if post.published else None, post.line())
        console.say(f"{post.id or post.url or '-'}  {when}  {post.author_name or ''}")
        words = textwrap.shorten(
            post.text or post.extra.get("action_in_words") or post.title or "(no text)", 200, placeholder=" …"
        )
        console.say(textwrap.indent(words, "    "))
    for line in parsed.census:
        if not line.agrees:
            console.warn(f"{reading.source}: count check: {line.raw} {line.marker} in the bytes, {line.parsed} read")
    if not parsed.posts:
        console.warn(f"{reading.source}: {parsed.outcome or 'no posts'}: {parsed.reason or parsed.layout}")
