"""`archiver help`: the help of a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.cli.parser import build_parser
from archiver.cli.registry import COMMANDS
from archiver.errors import ExitCode
from archiver.text.meant import meant

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = ("archiver help capture", "archiver help jobs add")


def add_arguments(parser: Parser) -> None:
    """Add what `archiver help` takes."""
    parser.add_argument("words", nargs="*", metavar="COMMAND", help="Command, and optionally its action.")


def run(context: Context) -> int:
    """Print the help of a command, or of all; what is misspelt is answered as it is where it is run."""
    parser, done = build_parser(word for word in context.arguments.words[:1] if word in COMMANDS), "archiver"
    for word in context.arguments.words:
        known = parser.subparsers() or (COMMANDS if parser.prog == "archiver" else {})
        if word not in parser.subparsers():
            kind = "command" if parser.prog == "archiver" else "action"
            context.console.warn(f"{done}: there is no {kind} {word!r}.{meant(word, known)}\nHelp: {done} --help")
            return ExitCode.USAGE
        parser, done = parser.subparsers()[word], f"{done} {word}"
    parser.print_help()
    return 0
