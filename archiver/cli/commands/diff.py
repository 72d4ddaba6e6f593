"""`archiver diff`: what two captures say differently."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from archiver.casework.diff import WORDS, Diff, diff, words
from archiver.casework.diff_page import WHERE, _page, _shown
from archiver.home.paths import given_output
from archiver.home.visibility import HIDDEN
from archiver.text.plain import harmless, many
from storage.errors import disk_error
from storage.files import write_synced

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser


EXAMPLE = "archiver diff 9k2mv7qd 6g7r3m4s --html diff.html"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver diff` takes."""
    parser.add_argument("a", metavar="A", help="A capture.")
    parser.add_argument("b", metavar="B", help="Another; the earlier one is shown first.")
    parser.add_argument("--html", type=given_output, metavar="FILE", help="Write it as a page too.")


def run(context: Context) -> int:
    """Compare two captures. Exit code 0, whether they differ or not. Raises `NotFound`, `UsageError`, `DiskError`."""
    arguments, console, home = context.arguments, context.console, context.home()
    home.project()
    a, b = (home.resolve_capture(one) for one in (arguments.a, arguments.b))
    found = diff(home, a, b)
    console.data(found.line())
    console.say(f"A  {found.a['id']}  {found.a['opened'][:19]}Z  {harmless(str(found.a['target']))}")
    console.say(f"B  {found.b['id']}  {found.b['opened'][:19]}Z  {harmless(str(found.b['target']))}")
    for one in found.other:
        console.say(f"  {one.name}: {_shown(one.before)} → {_shown(one.after)}")
    for post in found.posts:
        console.say(f"\n{harmless(post.link or post.post)}{WHERE[post.where]}")
        if post.hidden:
            console.say(f"  {HIDDEN}")
        for one in post.differences:
            if one.name in WORDS and one.before and one.after:
                marks = {"same": "{}", "gone": "[-{}-]", "new": "{{+{}+}}"}
                console.say(
                    f"  {one.name}: "
                    + harmless("".join(marks[how].format(piece) for how, piece in words(one.before, one.after)))
                )
            else:
                console.say(f"  {one.name}: {_shown(one.before)} → {_shown(one.after)}")
    console.say(f"\n{many(found.same, 'post')} the same in both" if found.same else "\nno post is the same in both")
    if arguments.html is not None:
        _write(arguments.html, found)
        console.say(f"page  {arguments.html}")
    return 0


def _write(path: Path, found: Diff) -> None:
    try:
        write_synced(path, str(_page(found)).encode())
    except OSError as error:
        raise disk_error(error, f"writing {path.name}") from error
