"""`archiver warcs`: where the WARC files of captures lie, for pywb, warcio and other tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.errors import ExitCode

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = "archiver warcs LAST"
DESCRIPTION = """\
Print the path of each WARC file of captures, and of those that they refer to. Only read them: the files are sealed. They
hold what the sites sent, also to your account, and are not for handing on."""


def add_arguments(parser: Parser) -> None:
    """Add what `archiver warcs` takes."""
    parser.add_argument("what", nargs="+", metavar="ID|CASE", help="Captures, or cases.")


def run(context: Context) -> int:
    """Print the paths, one a line. Raises `NotFound`, `UsageError`, `CannotTell`."""
    from archiver.export.single import recordings_of

    home = context.home_to_read()
    for path in recordings_of(home, context.arguments.what, context.fetch(home)).paths():
        context.console.say(str(path))
        context.console.data({"warc": str(path)})
    return ExitCode.OK
