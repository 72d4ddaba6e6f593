"""Filters and pages that `find` and `case show` share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from archiver.cli.arguments import count
from archiver.cli.moments import given_moments
from archiver.errors import UsageError
from archiver.lookup.search import Wanted
from storage.times import utc_text

if TYPE_CHECKING:
    from archiver.cli.parser import Parser


def add_filters(parser: Parser, when: str) -> None:
    """Add what narrows a list. `when`: what --since and --until are about."""
    parser.add_argument("--platform", metavar="NAME", help="Only of this platform, like telegram or youtube.")
    author = "Only of this author: the handle, with or without @, or the whole name."
    parser.add_argument("--author", metavar="NAME", help=author)
    parser.add_argument("--since", metavar="DATE", help=f"Only {when} on this day or time or later (UTC).")
    parser.add_argument("--until", metavar="DATE", help=f"Only {when} before this day or time.")
    kind = "Only what was captured as this: post, channel, video, page and so on."
    parser.add_argument("--kind", metavar="KIND", help=kind)
    outcomes = ("captured", "partial", "unavailable", "refused", "blocked", "failed", "skipped")
    parser.add_argument("--outcome", choices=outcomes, help="Only captures that ended like this.")
    parser.add_argument("--has-video", action="store_true", help="Only with a video.")


def add_pages(parser: Parser, orders: Sequence[str], default: int | None) -> None:
    """Add `--sort`, `--limit` and `--page`. `default`: lines of a page; None: everything."""
    sort = f"Order: {', '.join(orders)} (default {orders[0]})."
    parser.add_argument("--sort", choices=tuple(orders), default=orders[0], help=sort)
    what = f"Show at most N (default {default})." if default else "Show at most N (default: all)."
    parser.add_argument("--limit", type=count, default=default, metavar="N", help=what)
    parser.add_argument("--page", type=count, default=1, metavar="N", help="Show the Nth page of so many.")


def wanted_by(arguments: Any, text: str | None, case: str | None) -> Wanted:
    """Return what the options of `add_filters` ask for. Raises `UsageError`."""
    since, until = (
        utc_text(given_moments(value, flag)[0]) if value else None
        for value, flag in ((arguments.since, "--since"), (arguments.until, "--until"))
    )
    if since and until and until <= since:
        raise UsageError("--until after --since", f"{arguments.since} … {arguments.until}", "Swap them.")
    return Wanted(
        text=text, case=case, platform=arguments.platform, author=arguments.author, since=since, until=until,
        kind=arguments.kind, outcome=arguments.outcome, video=arguments.has_video,
    )  # fmt: skip


def rest_of(arguments: Any, shown: int, total: int) -> str | None:
    """Say which part of a list was shown, and how to see the next; None where it was all."""
    before = (arguments.page - 1) * (arguments.limit or 0)
    if not before and shown >= total:
        return None
    if not shown:
        return f"nothing on page {arguments.page}: there are {total:,}"
    more = f"; next: --page {arguments.page + 1}" if before + shown < total else ""
    return f"{before + 1:,} to {before + shown:,} of {total:,}{more}"
