"""`archiver demo`: the real commands against miniature platforms on this machine."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archiver.cli.context import Context
    from archiver.cli.parser import Parser
    from archiver.recorder.network import TestNetwork

EXAMPLE = "archiver demo --home ./demo-home"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver demo` takes."""
    parser.add_argument("--keep-serving", action="store_true", help=argparse.SUPPRESS)


def run(context: Context) -> int:
    """Run the demo. Exit code 4 where a step did not end as it should. Raises `UsageError`, `DiskError`."""
    from archiver.cli.main import main
    from archiver.demo.run import demo

    first = ["--json"] if context.arguments.json else []

    def step(words: Sequence[str] | None, network: TestNetwork | None, environment: dict[str, str] | None) -> int:
        return main([*first, *(words or ())], network, environment)

    return demo(step, context.console, context.arguments.home)
