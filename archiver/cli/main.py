"""The command line: finds the command, imports its module alone, parses the arguments, and answers for errors."""

from __future__ import annotations

import argparse
import os
import sys

from archiver.cli.parser import build_parser, command_of, meant, module_of
from archiver.cli.registry import COMMANDS, FIRST

TYPE_CHECKING = False  # `typing` would be a tenth of the start of the program
if TYPE_CHECKING:
    from collections.abc import Sequence

    from archiver.cli.console import Console
    from archiver.recorder.network import TestNetwork
    from storage.errors import EvidenceError


def main(
    argv: Sequence[str] | None = None,
    network: TestNetwork | None = None,
    environment: dict[str, str] | None = None,
) -> int:
    """Run one command; return its exit code. `network` is for the demo and the tests."""
    words = list(sys.argv[1:] if argv is None else argv)
    name = command_of(words)
    if name is not None and name not in COMMANDS:
        sys.stderr.write(f"archiver: there is no command {name!r}.{meant(name, COMMANDS)}\nHelp: archiver --help\n")
        return 1
    try:
        parser = build_parser([name] if name is not None else [])
        arguments = parser.parse_args(words, argparse.Namespace(home=None, json=False, person=None, command=None))
    except SystemExit as stop:  # the parser has said what is wrong
        return 0 if stop.code in (0, None) else 1
    return _guarded(arguments, network, environment if environment is not None else dict(os.environ))


def _guarded(arguments: argparse.Namespace, network: TestNetwork | None, environment: dict[str, str]) -> int:
    from archiver.cli.console import Console
    from archiver.cli.context import Context
    from archiver.errors import exit_code
    from storage.errors import EvidenceError

    console = Console(arguments.json)
    command = COMMANDS[arguments.command] if arguments.command is not None else FIRST
    try:
        code: int = module_of(command).run(Context(arguments, console, network, environment))
        return code
    except EvidenceError as error:
        _tell(console, error)
        return exit_code(error)
    except KeyboardInterrupt:
        console.warn("archiver: stopped. What was received is kept; the next command seals it.")
        return 4
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _tell(console: Console, error: EvidenceError) -> None:
    console.warn(f"archiver: expected {error.expected}")
    console.warn(f"          found    {error.found}")
    console.warn(f"          next     {error.next_step}")
    console.data(
        {
            "error": type(error).__name__,
            "expected": error.expected,
            "found": error.found,
            "next": error.next_step,
        }
    )
