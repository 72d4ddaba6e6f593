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
    from archiver.intake.bodies import BodyReading

EXAMPLE = "archiver parse page.html --url https://t.me/s/durov --json"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver parse` takes."""
    files = "HTML, JSON, JSON Lines, MHTML, HAR, WARC, ARC or WACZ file, compressed or not, or a ZIP or tar of them."
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help=files)
    parser.add_argument("--url", metavar="LINK", help="Original link of the file.")


def run(context: Context) -> int:
    """Print the posts of files, and why something held none; with --json one line each."""
    from archiver.intake.bodies import BodyReading
    from archiver.intake.read_posts import read_file
    from spiders.reading import nothing

    console = context.console
    for path in context.arguments.files:
        if path.is_dir():
            raise UsageError("files to read", f"a folder: {path}", f"Name its files, for example: {path}/*.html")
    worst = ExitCode.OK
    for path in context.arguments.files:
        found = False
        for reading in read_file(path, context.arguments.url):
            found = True
            worst = max(worst, _say(console, reading))
        if not found:
            empty = nothing("no content that could hold posts", "none")
            worst = max(worst, _say(console, BodyReading(path.name, None, empty)))
    return worst


def _say(console: Console, reading: BodyReading) -> ExitCode:
    """Print a reading. Return the exit code that it stands for: the worst of its posts, or of its reason."""
    from archiver.capture.outcomes import EXIT_BY_OUTCOME
    from spiders.posts import Outcome

    parsed = reading.parsed
    for post in parsed.posts:
        console.data(post.line())
        when = when_published(post.published.text() if post.published else None, post.line())
        console.say(f"{post.id or post.url or '-'}  {when}  {post.author_name or ''}")
        words = textwrap.shorten(
            post.text or post.extra.get("action_in_words") or post.title or "(no text)", 200, placeholder=" …"
        )
        console.say(textwrap.indent(words, "    "))
    counted = [line for line in parsed.census if not line.agrees]
    for line in counted:
        console.warn(f"{reading.source}: count check: {line.raw} {line.marker} in the bytes, {line.parsed} read")
    if not parsed.posts:
        console.data(reading.line())
        console.warn(f"{reading.source}: {reading.outcome}: {parsed.reason or parsed.layout}")
    outcomes = {reading.outcome, *(post.outcome for post in parsed.posts)}
    outcomes.discard(Outcome.SKIPPED)  # a redirect to what is in the same file: nothing is missing
    codes = [EXIT_BY_OUTCOME[outcome] for outcome in outcomes]
    return max([ExitCode.PARTIAL if counted else ExitCode.OK, *codes])
