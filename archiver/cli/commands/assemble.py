"""`archiver assemble`: the earlier name of `archiver files`, which does what it did and more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.cli.arguments import add_merge
from archiver.cli.commands import files
from archiver.home.paths import given_folder

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser


EXAMPLE = "archiver assemble 9k2mv7qd --to ./files"
DESCRIPTION = "The earlier name of `archiver files`. It will go with the next release."


def add_arguments(parser: Parser) -> None:
    """Add what `archiver assemble` took."""
    what = "Capture, WARC file, or folder of WARC files."
    parser.add_argument("what", nargs="+", metavar="ID|WARC", help=what)
    parser.add_argument("--to", type=given_folder, required=True, metavar="DIR", help="Folder to write the files to.")
    add_merge(parser, "Also write copies to play; now `archiver files --playable`.")


def run(context: Context) -> int:
    """Say the new name, and do what it does. Exit codes as of `archiver files`."""
    arguments = context.arguments
    context.console.warn("archiver assemble is now called archiver files; --merge is --playable.")
    arguments.playable, arguments.kind, arguments.yes, arguments.original = arguments.merge, [], False, False
    return files.run(context)
