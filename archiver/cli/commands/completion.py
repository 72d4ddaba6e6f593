"""`archiver completion`: the completion script of a shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = "archiver completion bash"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver completion` takes."""
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), metavar="SHELL", help="Shell: bash, zsh or fish.")


def run(context: Context) -> int:
    """Print the script with which a shell completes commands and options."""
    from archiver.cli.completion import script

    context.console.art(script(context.arguments.shell).rstrip("\n"))
    return 0
