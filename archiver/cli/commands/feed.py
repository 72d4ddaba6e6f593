"""`archiver feed`: add, list, show and remove lists that are read again and again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from archiver.cli.arguments import add_capture, add_shown
from archiver.cli.capture_options import chosen_account
from archiver.cli.entries import JOB_MARKS, due_words, remove
from archiver.cli.logs import mask_secrets
from archiver.errors import UsageError
from archiver.home.cases import DEFAULT_CASE
from archiver.home.paths import given_path
from archiver.jobs.entries import SharedEntry, find_entry, new_entry_id
from archiver.jobs.feed import checked_link, kind_of
from archiver.jobs.feed_model import Feed
from archiver.jobs.queue import Queue, opened
from archiver.jobs.schedule import interval_words, span_of
from archiver.text.plain import harmless

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser
    from archiver.home.home import Home

EXAMPLE = "archiver feed add links.csv --every 5m --case almaty"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver feed` takes."""
    _add_add(parser)
    parser.add_action("list", "List feeds and the result of the last check.", "archiver feed list")
    shown = parser.add_action("show", "Show every row and its result.", "archiver feed show 7k2mv9qd")
    shown.add_argument("id", metavar="ID", help="Id of the feed, or its beginning or end.")
    add_shown(shown)
    gone = parser.add_action("remove", "Stop reading a feed.", "archiver feed remove 7k2mv9qd")
    gone.add_argument("id", metavar="ID", help="Id of the feed, or its beginning or end.")


def _add_add(parser: Parser) -> None:
    add = parser.add_action("add", "Queue each link of a list once, now and as it grows.", EXAMPLE)
    source = "Text, CSV, XLSX or ODS file, a folder of them, RSS or Atom, or a Google Sheet."
    add.add_argument("source", metavar="FILE|FOLDER|LINK", help=source)
    add.add_argument("--column", metavar="C", help="Column with the links: heading, letter or number.")
    add.add_argument("--every", default="5m", metavar="SPAN", help="Time between two checks (default 5m).")
    add_capture(add)
    for what, text in (
        ("status", "the status of the link"),
        ("link", "the id of the capture"),
        ("hash", "the SHA-256 of the manifest"),
    ):
        add.add_argument(
            f"--{what}-column", metavar="HEADING", help=f"Write {text} into this column of a Google Sheet."
        )
    prefix = "Text to write before the id, such as https://archive.example/."
    add.add_argument("--link-prefix", default="", metavar="TEXT", help=prefix)


def run(context: Context) -> int:
    """Run `archiver feed`. Raises `UsageError`, `NotFound`, `Unreachable`."""
    home = context.home()
    mask_secrets(context)
    actions: dict[str, Callable[[Context, Home, Queue], int]] = {
        "add": _add, "list": _list, "show": _show, "remove": _remove,
    }  # fmt: skip
    action = context.arguments.action
    # Two feeds may differ by a secret alone.
    decryptor = context.decryptor(home) if action == "add" else None
    with opened(home, looks=action in ("list", "show"), decryptor=decryptor) as queue:
        return actions[context.arguments.action](context, home, queue)


def _add(context: Context, home: Home, queue: Queue) -> int:
    arguments, console = context.arguments, context.console
    kind = kind_of(arguments.source)
    source = checked_link(arguments.source) if kind in ("rss", "sheet") else str(given_path(arguments.source))
    columns = {what: getattr(arguments, f"{what}_column") for what in ("status", "link", "hash")}
    columns = {what: heading for what, heading in columns.items() if heading}
    if columns and kind != "sheet":
        raise UsageError(
            "a Google Sheet to write to",
            f"a {kind}",
            "Other feeds are only read; see results with: archiver feed show ID",
        )
    every = span_of(arguments.every, "--every")
    cases = tuple(arguments.case or [DEFAULT_CASE])
    home.recipients(list(cases))
    home.proxy_for(cases)
    for entry in queue.shared.entries.all("feed"):
        if entry.value["source"] == source and entry.value["ledger"] == home.ledger_key.name:
            raise UsageError(
                "a source that has no feed yet", f"{source}, already feed {entry.id}", "Remove that feed first."
            )
    made = Feed(
        new_entry_id(), source, kind, arguments.column, cases, max(10.0, every), home.clock().strftime("%Y%m%dT%H%M%S"),
        home.ledger_key.name, not arguments.no_media, columns, arguments.link_prefix,
        account=chosen_account(home, arguments),
    )  # fmt: skip
    queue.shared.entries.add("feed", [SharedEntry(made.id, queue.shared.now(), made.value())])
    console.say(f"{made.id}  {kind}  {harmless(source)}, each {interval_words(made.every)}, into {', '.join(cases)}")
    console.say("Workers of this home read it. Start one: archiver work")
    console.data({"feed": made.id, "kind": kind, "source": source})
    return 0


def _list(context: Context, home: Home, queue: Queue) -> int:
    console, entries = context.console, queue.shared.entries.all("feed")
    for entry in entries:
        one = Feed.of(entry.id, entry.value)
        console.say(f"{one.id}  {one.kind:<6}  {harmless(one.source)}  {due_words(entry.due, 'no more')}")
        console.say(f"  {harmless(one.said or 'not checked yet')}")
        if one.ledger != home.ledger_key.name:
            console.say(f"  read by the home of {one.ledger}")
        console.data({"feed": one.id, **one.value(), "due": entry.due})
    if not entries:
        console.say("no feeds. For example: archiver feed add links.csv --every 5m")
    return 0


def _one(queue: Queue, name: str) -> Feed:
    entry = find_entry(queue.shared.entries, "feed", name)
    return Feed.of(entry.id, entry.value)


def _show(context: Context, home: Home, queue: Queue) -> int:
    console, feed = context.console, _one(queue, context.arguments.id)
    console.say(f"{feed.id}  {feed.kind}  {harmless(feed.source)}\n  {harmless(feed.said or 'not checked yet')}")
    rows = queue.shared.entries.all("row", f"{feed.id}:")
    rows.sort(key=lambda one: [int(part) if part.isdigit() else 0 for part in one.value["where"].split()])
    for entry in rows[: context.arguments.limit]:
        row = entry.value
        attempts = queue.attempts(row.get("job") or feed.job(row["key"])) if row["key"] else []
        state = attempts[-1].state if attempts else "not queued"
        why = attempts[-1].reason if attempts else row.get("reason")
        console.say(
            f"{JOB_MARKS.get(state, '–')} {row['where']:<10} {state:<10} {harmless(row['text'])}"
            + (f"  {harmless(why)}" if why else "")
        )
        captures = list(attempts[-1].captures) if attempts else []
        console.data({"row": row["where"], "text": row["text"], "state": state, "reason": why, "captures": captures})
    if len(rows) > context.arguments.limit:
        console.say(f"… and {len(rows) - context.arguments.limit} more: --limit")
    return 0


def _remove(context: Context, home: Home, queue: Queue) -> int:
    name = context.arguments.id
    said = "removed {id}. Jobs already queued still run; captures stay."
    return remove(context.console, queue, "feed", name, said)
