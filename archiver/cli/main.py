"""The command line: finds the command, imports its module alone, parses the arguments, and answers for errors."""

from __future__ import annotations

import os
import sys

from archiver.cli import streams
from archiver.cli.overview import EVERY_COMMAND_OPTIONS, FIRST_RUN_OPTIONS, VALUED, print_overview
from archiver.cli.registry import COMMANDS, FIRST

TYPE_CHECKING = False  # `typing` would be a fifth of the time of `archiver --help`, and argparse a half
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

    from archiver.cli.answers import WatchedThreads
    from archiver.recorder.network import TestNetwork


PRIVATE = 0o077
"""The umask of every command: what is kept, and what goes out until it is handed over, is its person's alone."""


def main(
    argv: Sequence[str] | None = None,
    network: TestNetwork | None = None,
    environment: dict[str, str] | None = None,
) -> int:
    """Run one command; return its exit code. `network` is for the demo and the tests."""
    streams.prepare()
    words = list(sys.argv[1:] if argv is None else argv)
    failure, code = None, 0
    if words in (["--help"], ["-h"]):
        failure = print_overview()
    else:
        name, place = _command_at(words)
        if "--" in words[:place]:  # said before the command it means nothing, and argparse takes it for one
            words = [word for word in words[:place] if word != "--"] + words[place:]
        given = environment if environment is not None else dict(os.environ)
        umask = os.umask(PRIVATE)  # also for the programs that are started
        try:
            code = _guarded(words, name, network, given, umask, last=argv is None)
        finally:
            os.umask(umask)
    failure = streams.flush() or failure
    return max(code, _tell_unwritten(failure)) if failure is not None else code


def command_of(words: Sequence[str]) -> str | None:
    """Return the command: the first word that is neither an option nor an option's value. None: there is none."""
    return _command_at(words)[0]


def _command_at(words: Sequence[str]) -> tuple[str | None, int]:
    """Return the command and its place among the words."""
    takes_next = False
    for place, word in enumerate(words):
        if takes_next:
            takes_next = False
        elif word == "--":
            continue
        elif not word.startswith("-") or word == "-":
            return word, place
        else:  # options may be shortened, as argparse allows
            takes_next = len(word) > 2 and "=" not in word and any(option.startswith(word) for option in VALUED)
    return None, 0


def wants_json(words: Sequence[str]) -> bool:
    """Return whether `--json`, which may be shortened, is among the words; those after `--` belong to others."""
    own = words[: words.index("--")] if "--" in words else words
    return any(len(word) > 3 and "--json".startswith(word) for word in own)


def _parsed(words: Sequence[str], name: str | None) -> Namespace:
    from argparse import Namespace

    from archiver.cli.parser import CommandLineError, build_parser, no_option

    if name is not None and name not in COMMANDS:
        from archiver.text.meant import meant

        known = [option.strip() for said in (*EVERY_COMMAND_OPTIONS, *FIRST_RUN_OPTIONS) for option in _options(said)]
        for word in words[: list(words).index(name)]:
            option = word.partition("=")[0]
            if option.startswith("--") and not any(one.startswith(option) for one in known):
                raise CommandLineError("archiver", no_option(option, known))
        raise CommandLineError("archiver", f"there is no command {name!r}.{meant(name, COMMANDS)}")
    parser = build_parser([name] if name is not None else [])
    arguments = parser.parse_args(words, Namespace(home=None, json=False, person=None, debug=False, command=None))
    _refuse_other_bytes(arguments)
    return arguments


def _options(said: str) -> list[str]:
    """Return the options in a line of help such as `--timestamps, --no-timestamps`."""
    return [word.rstrip(",") for word in said.split() if word.startswith("-")]


def _refuse_other_bytes(arguments: Namespace) -> None:
    """Refuse text that is not UTF-8: nothing of ours could hold it. A path may be so, and so may what `record` runs."""
    from archiver.errors import UsageError

    for name, value in vars(arguments).items():
        for text in value if isinstance(value, list) and name != "program" else [value]:
            if isinstance(text, str) and not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
                raise UsageError("arguments in UTF-8", repr(text), "Check the encoding of the terminal or script.")


def _guarded(
    words: Sequence[str],
    name: str | None,
    network: TestNetwork | None,
    environment: dict[str, str],
    umask: int,
    last: bool,
) -> int:
    """Run a command; answer for whatever ends it. `last`: the process ends with it."""
    console = threads = None
    try:  # the imports too: Ctrl-C may come while they are under way
        from archiver.cli.answers import WatchedThreads
        from archiver.cli.console import Console

        console = Console(wants_json(words))
        with WatchedThreads(console) as threads:
            if last:
                threads.watch_clearing()
            code = _run(words, name, threads, network, environment, umask)
        console = threads.console
    except BaseException as error:  # noqa: BLE001 - the one place that answers for what nobody foresaw
        from archiver.cli.answers import answer_for
        from archiver.cli.console import Console

        console = threads.console if threads else console or Console(wants_json(words))
        code = answer_for(console, error)
    code = max(code, threads.code) if threads else code
    if threads and last:
        threads.watch_on(code)
    elif threads and threads.log is not None:  # a process that ends keeps it for its threads
        threads.log.close()
    return max(code, _tell_unwritten(console.failure)) if console.failure is not None else code


def _run(
    words: Sequence[str],
    name: str | None,
    threads: WatchedThreads,
    network: TestNetwork | None,
    environment: dict[str, str],
    umask: int,
) -> int:
    """Parse the words and run the command. `threads`: its console becomes that of the arguments."""
    from archiver.cli.console import Console
    from archiver.cli.context import Context
    from archiver.cli.logs import open_log
    from archiver.cli.parser import ActionMissing, module_of
    from archiver.cli.settings import check_settings
    from archiver.errors import ExitCode

    try:
        arguments = _parsed(words, name)
    except SystemExit:  # the parser has shown its help, or the version
        return ExitCode.OK
    except ActionMissing as missing:
        if threads.console.as_json:
            raise
        missing.parser.print_help()
        return ExitCode.OK
    threads.console = Console(arguments.json)
    context = Context(arguments, threads.console, network, environment, umask)
    threads.log = open_log(context)
    context.refuse_late_answers()
    check_settings(context)
    code = module_of(arguments.command or FIRST).run(context)
    if not isinstance(code, int):
        raise TypeError(f"{arguments.command} returned {code!r} for its exit code")
    return code


def _tell_unwritten(failure: OSError) -> int:
    """Say on standard error that standard output did not take what was written; return the exit code of that."""
    from archiver.cli.answers import answer_for
    from archiver.cli.console import Console
    from storage.errors import DiskError

    found = failure.strerror or str(failure)
    then = "What the command did is done; what it printed is not whole. Free space there, or print to somewhere else."
    return answer_for(Console(False), DiskError("a writable standard output", found, then))
