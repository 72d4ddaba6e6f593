"""`archiver catalog`: make it again, ask it in SQL, describe it for Datasette."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from archiver.cli.arguments import count
from archiver.errors import UsageError

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser
    from archiver.lookup.catalog_query import Query

EXAMPLE = ("archiver catalog query 'SELECT kind, COUNT(*) FROM file GROUP BY kind'", "archiver catalog rebuild")
SECONDS = 30


def add_arguments(parser: Parser) -> None:
    """Add what `archiver catalog` takes."""
    parser.add_action("rebuild", "Rebuild the catalog from captures and events.", "archiver catalog rebuild")
    query = parser.add_action(
        "query",
        "Run a read-only SQL query, and print the answer as a table.",
        (EXAMPLE[0], "archiver catalog query 'SELECT * FROM post_latest' --csv > posts.csv"),
    )
    query.add_argument(
        "sql", metavar="SQL", help="One SELECT; docs/reference/catalog.md lists tables, views and columns."
    )
    query.add_argument("--csv", action="store_true", help="Print CSV for a spreadsheet, with values in full.")
    seconds = f"Stop the query after N seconds (default: {SECONDS})."
    query.add_argument("--seconds", type=count, default=SECONDS, metavar="N", help=seconds)
    parser.add_action(
        "metadata",
        "Print descriptions of tables, views and columns, as Datasette's metadata.json.",
        "archiver catalog metadata > metadata.json",
    )


def run(context: Context) -> int:
    """Rebuild the catalog, answer a query, or print the description. Raises `UsageError`, `QueryStopped`."""
    if context.arguments.action == "query":
        return _query(context)
    if context.arguments.action == "metadata":
        return _metadata(context)
    home = context.home()
    from archiver.seal.recovery import recover

    events = home.rebuild_catalog()
    for done in recover(home, context.signer(home), everywhere=True):
        context.console.warn(done.describe())
    home.project()
    captures = home.catalog.count_captures()
    context.console.say(f"catalog rebuilt from {events} events, {captures} captures")
    context.console.data({"events": events, "captures": captures})
    return 0


def _metadata(context: Context) -> int:
    from storage.catalog_views import metadata

    if context.arguments.json:
        context.console.data(metadata())
    else:
        context.console.sheet(json.dumps(metadata(), ensure_ascii=False, indent=2))
    return 0


def _query(context: Context) -> int:
    from archiver.lookup.catalog_query import Query

    arguments, console = context.arguments, context.console
    if arguments.csv and arguments.json:
        raise UsageError("--csv or --json", "both", "Leave one out.")
    query = Query(context.home(), arguments.sql, arguments.seconds)
    try:
        _print(context, query)
    finally:
        query.close()
    if query.quarantined:
        console.warn(f"{query.quarantined} quarantined: not shown")
    return 0


def _print(context: Context, query: Query) -> None:
    arguments, console = context.arguments, context.console
    if arguments.json:
        for row in query.rows():
            console.data(dict(zip(query.columns, map(_as_json, row), strict=True)))
    elif arguments.csv:
        from archiver.text.cells import MARK, csv_text

        console.sheet(MARK + csv_text([query.columns]).removesuffix("\n"))
        for row in query.rows():
            console.sheet(csv_text([map(_readable, row)]).removesuffix("\n"))
    else:
        from archiver.cli.table import table

        for line in table(query.columns, (list(map(_readable, row)) for row in query.rows()), console.columns):
            console.sheet(line)


def _readable(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else value


def _as_json(value: Any) -> Any:
    """JSON has neither bytes nor numbers without end."""
    value = _readable(value)
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
