"""`archiver demo`: the real commands against miniature platforms on this machine."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = "archiver demo --home ./demo-home"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver demo` takes."""
    parser.add_argument("--keep-serving", action="store_true", help=argparse.SUPPRESS)


def run(context: Context) -> int:
    """Run the demo. Exit code 1 where a step did not end as it should."""
    from archiver.cli.main import main
    from archiver.demo.run import demo

    return demo(main, context.console, context.arguments.home)
