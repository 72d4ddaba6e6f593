"""`archiver wacz`: captures as one WACZ file, to look at in ReplayWeb.page."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from archiver.cli.protected import ask_for_sources
from archiver.errors import ExitCode, UsageError
from archiver.home.paths import given_output, refuse_inside
from archiver.text.plain import many, size
from storage.errors import disk_error

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = "archiver wacz LAST --to post.wacz"
DESCRIPTION = """\
Write captures as one WACZ file, which ReplayWeb.page shows (replayweb.page; its desktop application needs no network). It
holds the recordings as they crossed the wire: it is for your own work. For others, make a package."""


def add_arguments(parser: Parser) -> None:
    """Add what `archiver wacz` takes."""
    parser.add_argument("what", nargs="+", metavar="ID|CASE", help="Captures, or cases.")
    to = "File to write, ending in .wacz. It must not exist yet."
    parser.add_argument("--to", type=given_output, required=True, metavar="FILE", help=to)
    parser.add_argument("--yes", action="store_true", help="Also write posts of protected sources, without asking.")


def run(context: Context) -> int:
    """Write the file. Raises `NotFound`, `UsageError`, `CannotTell`, `FormatError`, `DiskError`."""
    from archiver.export.files_out import protected_in
    from archiver.export.single import recordings_of, wacz_of

    arguments, console, to = context.arguments, context.console, context.arguments.to
    refuse_inside(context.home_path, to)
    if to.suffix != ".wacz":
        raise UsageError("--to FILE.wacz", repr(to.name), "ReplayWeb.page opens only files that end in .wacz.")
    if os.path.lexists(to):
        raise UsageError(f"no {to} yet", "one", "Remove it, or name another.")
    home = context.recovered_home()
    found = recordings_of(home, arguments.what, context.fetch(home))
    if not arguments.yes and (sources := protected_in(home, [one.id for one in found.every])):
        ask_for_sources(console, sources)
    written = _write(to, wacz_of(found, to.stem, context.signer(home)))
    console.say(f"written  {to}, {many(len(found.every), 'capture')}, {size(written)}")
    if found.lenders:
        console.say(f"         with {many(len(found.lenders), 'earlier capture')} that hold parts of them")
    console.say("For your own work only: it holds what the sites sent, as it was. For others: archiver export")
    console.data({"wacz": str(to), "bytes": written, "captures": [one.id for one in found.every]})
    return ExitCode.OK


def _write(to: Path, pieces: Iterable[bytes]) -> int:
    """Write the pieces to a file that is there only once it is whole; return its size."""
    working, count = to.with_name(f".{to.name[:100]}.part"), 0
    try:
        with open(working, "wb") as stream:
            for piece in pieces:
                count += stream.write(piece)
        os.replace(working, to)
    except OSError as error:
        raise disk_error(error, f"writing {to.name}") from error
    finally:
        working.unlink(missing_ok=True)
    return count
