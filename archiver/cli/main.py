"""The command line: finds the command, imports its module alone, parses the arguments, and answers for errors."""

from __future__ import annotations

import os
import sys

from archiver.cli.overview import VALUED, print_overview
from archiver.cli.registry import COMMANDS, FIRST

TYPE_CHECKING = False  # `typing` would be a fifth of the time of `archiver --help`, and argparse a half
if TYPE_CHECKING:
    from argparse import Namespace
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
    if name is None and words in (["--help"], ["-h"]):
        print_overview()
        return 0
    if name is not None and name not in COMMANDS:
        from archiver.text.meant import meant

        sys.stderr.write(f"archiver: there is no command {name!r}.{meant(name, COMMANDS)}\nHelp: archiver --help\n")
        return 1
    return _guarded(words, name, network, environment if environment is not None else dict(os.environ))


def command_of(words: Sequence[str]) -> str | None:
    """Return the command: the first word that is neither an option nor an option's value. None: there is none."""
    takes_next = False
    for word in words:
        if takes_next:
            takes_next = False
        elif word == "--":
            continue
        elif not word.startswith("-") or word == "-":
            return word
        else:  # options may be shortened, as argparse allows
            takes_next = len(word) > 2 and "=" not in word and any(option.startswith(word) for option in VALUED)
    return None


def _parsed(words: Sequence[str], name: str | None) -> Namespace:
    from argparse import Namespace

    from archiver.cli.parser import build_parser

    parser = build_parser([name] if name is not None else [])
    return parser.parse_args(words, Namespace(home=None, json=False, person=None, command=None))


def _guarded(words: Sequence[str], name: str | None, network: TestNetwork | None, environment: dict[str, str]) -> int:
    from archiver.cli.console import Console
    from archiver.cli.context import Context
    from archiver.cli.parser import module_of
    from archiver.errors import ExitCode, exit_code
    from storage.errors import EvidenceError

    console = Console("--json" in words)
    try:
        try:
            arguments = _parsed(words, name)
        except SystemExit as stop:  # the parser has said what is wrong
            return ExitCode.OK if stop.code in (0, None) else ExitCode.USAGE
        console = Console(arguments.json)
        code: int = module_of(arguments.command or FIRST).run(Context(arguments, console, network, environment))
        return code
    except EvidenceError as error:
        _tell(console, error)
        return exit_code(error)
    except KeyboardInterrupt:
        console.warn("archiver: stopped. What was received is kept; the next command seals it.")
        return ExitCode.FAILED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    except Exception as error:  # noqa: BLE001 - the one place that answers for what nobody foresaw
        _tell_fault(console, error)
        return ExitCode.FAULT


def _tell(console: Console, error: EvidenceError) -> None:
    console.warn(f"archiver: expected {error.expected}")
    console.warn(f"          found    {error.found}")
    console.warn(f"          next     {error.next_step}")
    line = {"error": type(error).__name__, "expected": error.expected, "found": error.found, "next": error.next_step}
    console.data(line)


def _tell_fault(console: Console, error: Exception) -> None:
    """Print the traceback of an exception that nobody foresaw, and below it what a person can do."""
    import traceback

    from archiver.errors import ProgramFault

    console.warn("".join(traceback.format_exception(error)).rstrip())
    _tell(console, ProgramFault(error))
