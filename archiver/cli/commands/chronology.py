"""`archiver chronology`: what happened when in a case, in one list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archiver.cli.pager import paged
from archiver.errors import UsageError
from archiver.home.paths import given_path
from archiver.lookup.chronology import as_csv, chronology
from archiver.text.plain import many
from storage.errors import disk_error

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = "archiver chronology almaty --csv almaty.csv"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver chronology` takes."""
    parser.add_argument("case", metavar="CASE", help="The case.")
    parser.add_argument("--csv", type=given_path, metavar="FILE", help="Write it as CSV, for spreadsheets.")


def run(context: Context) -> int:
    """Print or write the chronology of a case. Raises `NotFound`, `UsageError`, `DiskError`."""
    arguments, console, home = context.arguments, context.console, context.home_to_read()
    rows = chronology(home, arguments.case)
    for row in rows:
        console.data(row)
    if arguments.csv is not None:
        if arguments.csv.is_dir():
            raise UsageError("the name of a file", f"{arguments.csv}, which is a folder", "Name a file in it.")
        try:
            arguments.csv.write_bytes(as_csv(rows))
        except OSError as error:
            raise disk_error(error, f"writing {arguments.csv}") from error
        console.say(f"{many(len(rows), 'line')} written to {arguments.csv}")
        return 0
    if not console.as_json:
        with paged(context):
            for row in rows:
                console.say(_line(row))
    return 0


def _line(row: dict[str, Any]) -> str:
    when = row["earliest"] or "time unknown"
    until = f" to {row['latest']}" if row["latest"] not in (None, row["earliest"]) else ""
    if row["what"] == "post":
        return f"{when}{until}  {row['link'] or row['post'] or ''}  {row['author'] or 'author unknown'}: {row['words'][:80]}"
    about = row["incident"] or f"{row['capture']} {row['post'] or ''}".strip()
    return f"{when}{until}  {row['what']}: {about}, {row['basis'] or ''}  (event {row['event']}, {row['by']})"
