"""The parser of the command line: built for the one command that was asked for, and helpful about what it does not know."""

from __future__ import annotations

import argparse
import re
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

from archiver.cli import terminal
from archiver.cli.overview import (
    DESCRIPTION,
    EVERY_COMMAND,
    EVERY_COMMAND_OPTIONS,
    EXAMPLES,
    FIRST_RUN,
    FIRST_RUN_OPTIONS,
    USAGE,
    overview,
)
from archiver.cli.registry import COMMANDS, HOMELESS
from archiver.errors import UsageError
from archiver.home.paths import given_folder
from archiver.text.meant import meant
from archiver.text.plain import harmless

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import ModuleType

SHOWN_CHOICES = 8
"""So many choices are listed where a wrong one was given; of more, and of actions, only the likely one."""

EXAMPLE_COLUMNS = 76
"""An example that is longer is continued on a second line."""
SETTINGS = {
    "--pseudonym": "pseudonym",
    "--proxy": "[sites] proxy",
    "--direct": "[sites] proxy",
    "--user-agent": "[sites] user_agent",
    "--second-copy": "[copies] second",
    "--timestamps": "[timestamps] wanted",
    "--no-timestamps": "[timestamps] wanted",
}
"""What archiver.toml keeps of each option of the first run."""


def shown_example(example: str) -> str:
    """Return an example as a person may type it: a long one continued before an option, with a backslash."""
    lines = [""]
    for part in re.split(" (?=--)", example):
        if lines[-1] and len(f"{lines[-1]} {part} \\") > EXAMPLE_COLUMNS:
            lines[-1] += " \\"
            lines.append("   ")
        lines[-1] += f" {part}" if lines[-1] else part
    return "\n".join(lines)


class CommandLineError(UsageError):
    """The words of a command line do not fit together. A person is shown one line of it, and where the help is."""

    def __init__(self, program: str, found: str) -> None:
        self.program = harmless(program)
        super().__init__(f"words that `{self.program}` takes", harmless(found), f"Help: {self.program} --help")


class ActionMissing(CommandLineError):
    """A command of several actions was given none: a person is shown the help of `parser`."""

    def __init__(self, parser: Parser) -> None:
        super().__init__(parser.prog, "no action is named.")
        self.parser = parser


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Breaks lines between words at the width of the terminal; examples stay as they are."""

    def __init__(self, prog: str, **given: Any) -> None:
        given.setdefault("max_help_position", 26)
        super().__init__(prog, width=max(40, terminal.columns(sys.stdout) - 1), **given)

    def _format_usage(self, usage: str | None, actions: Iterable[argparse.Action], groups: Any, prefix: Any) -> str:
        """Show what must be given; what may be is listed below. An option stays beside its value."""
        words = usage or " ".join([self._prog, *self._needed(list(actions))])
        hang = len("usage: ") + len(self._prog) + 1
        return terminal.wrapped(f"usage: {words}", self._width, hang).replace("\u00a0", " ") + "\n\n"

    def _needed(self, actions: list[argparse.Action]) -> Iterator[str]:
        for action in actions:
            if action.option_strings and action.required:
                value = self._format_args(action, self._get_default_metavar_for_optional(action))
                yield f"{action.option_strings[0]}\u00a0{value}"
        yield "[OPTIONS]"
        for action in actions:
            if not action.option_strings:
                several = action.nargs == argparse.REMAINDER
                metavar = self._get_default_metavar_for_positional(action)
                shown = str(action.metavar) if several else self._format_args(action, metavar)
                yield shown.replace(" ...", "\u00a0...")

    def _split_lines(self, text: str, width: int) -> list[str]:
        return terminal.wrapped(" ".join(text.split()), width).split("\n")

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        paragraphs = text.split("\n\n")
        return "\n\n".join(
            paragraph if "\n  " in paragraph else terminal.wrapped(" ".join(paragraph.split()), width)
            for paragraph in paragraphs
        )


class Parser(argparse.ArgumentParser):
    """A parser that raises `CommandLineError` instead of ending the process.

    The error says what is wrong and what was probably meant.
    """

    def __init__(self, *given: Any, summary: str = "", examples: Sequence[str] = (), **more: Any) -> None:
        self.summary, self.examples = summary, tuple(examples)
        more.setdefault("description", summary)
        more.setdefault("formatter_class", HelpFormatter)
        if examples:
            heading = "example:" if len(examples) == 1 else "examples:"
            shown = [line for example in examples for line in shown_example(example).split("\n")]
            more["epilog"] = "\n".join([heading, *(f"  {line}" for line in shown)])
        more["add_help"] = False  # -h is one of the common options
        super().__init__(*given, **more)
        self.color = False  # Python 3.14 colours by itself; ours is painted as a whole
        self._actions_parser: argparse._SubParsersAction[Parser] | None = None
        self._earlier: str | None = None

    def add_action(self, name: str, summary: str, example: str | Sequence[str]) -> Parser:
        """Add a sub-command, `archiver COMMAND NAME`, and return its parser."""
        if self._actions_parser is None:
            self._actions_parser = self.add_subparsers(dest="action", metavar="ACTION", required=True, prog=self.prog)
        examples = (example,) if isinstance(example, str) else example
        return self._actions_parser.add_parser(
            name, help=summary, summary=summary, examples=examples, parents=[common_options()]
        )

    def add_earlier(self, name: str) -> Parser:
        """Add a hidden action for a command that had no actions before: its words are taken as they were.

        That is where the first of them is no action and `--case` is among them.
        """
        assert self._actions_parser is not None
        self._earlier = name
        return self._actions_parser.add_parser(name, parents=[common_options()])

    def subparsers(self) -> dict[str, Parser]:
        """Return the parsers of the sub-commands, by name."""
        if self._actions_parser is None:
            return {}
        return {name: one for name, one in self._actions_parser.choices.items() if name != self._earlier}

    def print_help(self, file: Any = None) -> None:
        """Print the help, with its headings in bold on a terminal."""
        stream = file or sys.stdout
        text = self.format_help()
        self._print_message(terminal.painted_headings(text) if terminal.is_colourful(stream) else text, stream)

    def error(self, message: str) -> NoReturn:
        """Raise `CommandLineError`, or `ActionMissing` where a command of several actions is given none."""
        if message.endswith(": ACTION"):
            raise ActionMissing(self)
        raise CommandLineError(self.prog, message)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse as argparse does, but refuse an unknown option here, where it is known which ones there are.

        A `--` that ends the options of a command without words, or stands before its action, means nothing.
        """
        if self._actions_parser is not None and args and args[0] == "--":
            args = args[1:]
        if self._earlier and args and self._is_earlier(args):
            args = [self._earlier, *args]
        parsed, unknown = super().parse_known_args(args, namespace)
        if unknown := [word for word in unknown if word != "--"]:
            self.error(self._unknown(unknown))
        return parsed, []

    def _is_earlier(self, words: Sequence[str]) -> bool:
        """Return whether the words are those of the command as it was before it had actions; each of them had `--case`."""
        return words[0] not in self.subparsers() and any(word.partition("=")[0] == "--case" for word in words)

    def _unknown(self, words: Sequence[str]) -> str:
        option = next((word for word in words if word.startswith("-")), None)
        if option is None:
            return f"{words[0]!r} is one word too many."
        name = option.partition("=")[0]
        if name in SETTINGS:
            return (
                f"{name} belongs to the first run; later set {SETTINGS[name]} in archiver.toml. At the first run it "
                "stands before the command."
            )
        if name == "--create":
            return "--create stands before the command: archiver --home DIR --create …"
        return no_option(name, self._option_string_actions)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        choices = action.choices
        if choices is None or value in choices:
            return
        names = [str(one) for one in choices if self._earlier is None or one != self._earlier]
        listed = f" Choose from {', '.join(names)}." if len(names) <= SHOWN_CHOICES else ""
        likely = meant(str(value), names)
        if isinstance(action, argparse._SubParsersAction):
            said = f"there is no {str(action.metavar).lower()} {value!r}.{likely or listed}"
            raise argparse.ArgumentError(None, said)
        raise argparse.ArgumentError(action, f"there is no choice {value!r}.{likely}{listed}")


def first_run_options(arguments: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """Yield each option of the first run that was given, with what archiver.toml keeps of it."""
    for flag, setting in SETTINGS.items():
        negated = flag.startswith("--no-")
        value = getattr(arguments, flag.removeprefix("--no-").lstrip("-").replace("-", "_"), None)
        if value is not None and (value is False) == negated:
            yield flag, setting


def no_option(name: str, known: Iterable[str]) -> str:
    """Return the error that there is no such option, and which one was probably meant."""
    options = {option.lstrip("-"): option for option in known}  # dashes, which all have, would make any two alike
    likely = meant(name.lstrip("-"), options).removesuffix("?").rpartition(" ")[2]
    return f"there is no option {name}." + (f" Did you mean {options[likely]}?" if likely else "")


class _TopParser(Parser):
    """`archiver` itself: its help is the overview, whichever commands it was built with."""

    def format_help(self) -> str:
        return overview(terminal.columns(sys.stdout) - 1)


class _Version(argparse.Action):
    """Prints the version and ends."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from archiver import __version__

        parser._print_message(f"archiver {__version__}\n", sys.stdout)
        parser.exit()


def common_options(homeless: bool = False) -> Parser:
    """Return the options that every command takes, before or after its name.

    Without defaults of their own, so that an option before the command is not undone by the command's parser.
    `homeless`: a command that opens no home takes `--home` and `--as` without listing them.
    """
    parser, said = Parser(argument_default=argparse.SUPPRESS), EVERY_COMMAND_OPTIONS
    home, person = (argparse.SUPPRESS if homeless else said[name] for name in ("--home DIR", "--as NAME"))
    common = parser.add_argument_group(EVERY_COMMAND)
    common.add_argument("-h", "--help", action="help", help=said["-h, --help"])
    common.add_argument("--home", type=given_folder, metavar="DIR", help=home)
    common.add_argument("--json", action="store_true", help=said["--json"])
    common.add_argument("--as", dest="person", metavar="NAME", help=person)
    common.add_argument("--debug", action="store_true", help=said["--debug"])
    common.add_argument("--version", action=_Version, nargs=0, help=said["--version"])
    return parser


def _add_first_run(parser: Parser) -> None:
    group, said = parser.add_argument_group(FIRST_RUN), FIRST_RUN_OPTIONS
    group.add_argument("--pseudonym", metavar="NAME", help=said["--pseudonym NAME"])
    group.add_argument("--proxy", metavar="URL", help=said["--proxy URL"])
    group.add_argument("--direct", action="store_true", default=None, help=said["--direct"])
    group.add_argument("--user-agent", metavar="TEXT", help=said["--user-agent TEXT"])
    group.add_argument("--second-copy", metavar="WHERE", help=said["--second-copy WHERE"])
    stamps = said["--timestamps, --no-timestamps"]
    group.add_argument("--timestamps", action=argparse.BooleanOptionalAction, help=stamps)
    group.add_argument("--create", action="store_true", help=said["--create"])


def module_of(name: str) -> ModuleType:
    """Import and return the module of a command."""
    return import_module(f"archiver.cli.commands.{name.replace('-', '_')}")


def build_parser(commands: Iterable[str] = COMMANDS) -> Parser:
    """Build the parser of `archiver` with the named commands; their modules are imported."""
    parser = _TopParser("archiver", usage=USAGE, description=DESCRIPTION, epilog=EXAMPLES, parents=[common_options()])
    _add_first_run(parser)
    names = list(commands)
    if names:
        added = parser.add_subparsers(dest="command", metavar="COMMAND", prog="archiver", parser_class=Parser)
        parser._actions_parser = added
        for name in names:
            module, summary = module_of(name), COMMANDS[name].summary
            example: str | tuple[str, ...] = module.EXAMPLE
            made = added.add_parser(
                name,
                help=summary,
                summary=summary,
                description=getattr(module, "DESCRIPTION", summary),
                examples=(example,) if isinstance(example, str) else example,
                parents=[common_options(name in HOMELESS)],
            )
            module.add_arguments(made)
    return parser
