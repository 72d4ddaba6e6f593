"""`archiver find`: search posts and notes."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archiver.cli.filters import add_filters, add_pages, rest_of, wanted_by
from archiver.cli.pager import paged
from archiver.errors import UsageError
from archiver.home.home import Home
from archiver.lookup.search import POST_ORDERS, Hit, SearchResult, Wanted, search
from archiver.text.judged import in_words

if TYPE_CHECKING:
    from archiver.cli.console import Console
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = ("archiver find жаңаөзен", "archiver find --case almaty --has-video --since 2022-01-05 --sort published")


def add_arguments(parser: Parser) -> None:
    """Add what `archiver find` takes."""
    parser.add_argument("text", nargs="*", metavar="TEXT", help="Words to look for; the start of a word is enough.")
    parser.add_argument("--case", metavar="CASE", help="Only in this case.")
    add_filters(parser, "posts published")
    add_pages(parser, tuple(POST_ORDERS), 20)


def run(context: Context) -> int:
    """Print what holds the words, here and in what others of the team keep."""
    arguments, home = context.arguments, context.home()
    text = " ".join(arguments.text) or None
    wanted = wanted_by(arguments, text, arguments.case)
    if wanted == Wanted():
        raise UsageError(
            "words to look for, or a filter", "none", "For example: archiver find --case almaty --has-video"
        )
    if arguments.case is not None:
        home.require_case(arguments.case)
    # What others keep is in no case here, and comes once.
    beside = [Home(folder) for folder in _brought(home)] if arguments.case is None and arguments.page == 1 else []
    order = "seen" if text is None and arguments.sort == "best" else arguments.sort
    offset = (arguments.page - 1) * arguments.limit
    found = search(home, wanted, arguments.limit, beside, order=order, offset=offset)
    with paged(context):
        _print(context, found)
    return 0


def _print(context: Context, found: SearchResult) -> None:
    console = context.console
    for hit in found.hits:
        if hit.beside is None:
            _say(console, hit)
        else:
            _say_beside(console, hit)
        if hit.judged is not None:
            console.say(f"    {in_words(hit.judged)}")
            console.data({"kind": "judged", **hit.judged})
    if found.hidden:
        console.say(f"{found.hidden} quarantined: not shown")
        console.data({"kind": "quarantined", "count": found.hidden})
    if not found.hits and not found.hidden and not found.total:
        console.say("nothing found")
    elif said := rest_of(context.arguments, sum(hit.beside is None for hit in found.hits), found.total):
        console.say(said)
        console.data({"kind": "page", "page": context.arguments.page, "total": found.total})


def _say(console: Console, hit: Hit) -> None:
    row, text = hit.row, " ".join(hit.words.split())
    value: dict[str, Any] = {
        key: row.get(key) for key in ("kind", "capture", "id", "seq", "url", "published_at", "author_handle")
    }
    console.data(
        {
            **{key: entry for key, entry in value.items() if entry is not None},
            **({"observations": row["observations"]} if hit.is_post else {}),
            "guessed_text" if hit.is_guessed else "text": text,
        }
    )
    if hit.is_post:
        often = f"  seen {row['observations']} times" if row["observations"] > 1 else ""
        console.say(f"{row['capture']}  {row['published_at'] or 'time unknown':<20}  {row['url'] or row['id']}{often}")
    else:
        console.say(f"{row['capture'] or 'about a case':<24}  {row['annotation']} by event {row['seq']}")
    text = f"guessed: {text}" if hit.is_guessed else text
    console.say(textwrap.indent(textwrap.shorten(text, 160, placeholder=" …") or "(no text)", "    "))


def _say_beside(console: Console, hit: Hit) -> None:
    row = hit.row
    said = textwrap.shorten(hit.words or "(no text)", 120, placeholder=" …")
    console.say(f"{row['capture'] or 'about a case':<24}  in others/{hit.beside}\n    {said}")
    console.data(
        {
            "kind": row["kind"],
            "capture": row["capture"],
            "others": hit.beside,
            "guessed_text" if hit.is_guessed else "text": said,
        }
    )


def _brought(home: Home) -> list[Path]:
    """Return the folders of what others of the team keep; what brings them is imported only where there are any."""
    if not (home.path / "others").is_dir():
        return []
    from archiver.copies.team import others

    return others(home)
