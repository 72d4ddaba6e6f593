"""`archiver diff`: what two captures say differently."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from archiver.casework.diff import COPY, WORDS, CaptureDiff, Difference, diff, words
from archiver.casework.diff_page import WHERE, diff_page, shown_value
from archiver.home.paths import given_output
from archiver.home.visibility import HIDDEN
from archiver.text.plain import harmless, many
from storage.errors import disk_error
from storage.files import write_synced

if TYPE_CHECKING:
    from archiver.cli.console import Console
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = "archiver diff 9k2mv7qd 6g7r3m4s --html diff.html"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver diff` takes."""
    parser.add_argument("a", metavar="A", help="First capture.")
    parser.add_argument("b", metavar="B", help="Second capture; the earlier of the two is shown first.")
    parser.add_argument("--html", type=given_output, metavar="FILE", help="Also write the comparison as an HTML page.")


def run(context: Context) -> int:
    """Print the differences and write them as a page; 0, whether there are any or not. Raises `NotFound`, `UsageError`, `DiskError`."""
    arguments, console, home = context.arguments, context.console, context.home()
    home.project()
    a, b = (home.resolve_capture(one) for one in (arguments.a, arguments.b))
    found = diff(home, a, b)
    console.data(found.line())
    _say(console, found)
    if arguments.html is not None:
        _write(arguments.html, found)
        console.say(f"page  {arguments.html}")
    return 0


def _say(console: Console, found: CaptureDiff) -> None:
    for letter, row in (("A", found.a), ("B", found.b)):
        copy = f"  ({COPY})" if row["id"] in found.copies else ""
        console.say(f"{letter}  {row['id']}  {row['opened'][:19]}Z  {harmless(str(row['target']))}{copy}")
    for one in found.other:
        console.say(f"  {one.name}: {shown_value(one.before)} → {shown_value(one.after)}")
    for post in found.posts:
        console.say(f"\n{harmless(post.link or post.post)}{WHERE[post.where]}")
        if post.hidden:
            console.say(f"  {HIDDEN}")
        if post.unsure:
            console.say(f"  cannot tell: {post.unsure}")
        for one in post.differences:
            console.say(f"  {one.name}: {_change(one)}")
    console.say(f"\n{many(found.same, 'post')} the same in both" if found.same else "\nno post is the same in both")


def _change(one: Difference) -> str:
    if one.name in WORDS and one.before and one.after:
        marks = {"same": "{}", "gone": "[-{}-]", "new": "{{+{}+}}"}
        return harmless("".join(marks[how].format(piece) for how, piece in words(one.before, one.after)))
    return f"{shown_value(one.before)} → {shown_value(one.after)}"


def _write(path: Path, found: CaptureDiff) -> None:
    try:
        write_synced(path, diff_page(found))
    except OSError as error:
        raise disk_error(error, f"writing {path.name}") from error
