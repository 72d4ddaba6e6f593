"""The parser of the command line: built for the one command that was asked for, and helpful about what it does not know."""

from __future__ import annotations

import argparse
from importlib import import_module

from archiver.cli import terminal
from archiver.cli.registry import COMMANDS, GROUPS

TYPE_CHECKING = False  # `typing` would be a tenth of the start of the program
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import ModuleType
    from typing import Any, NoReturn

    from archiver.cli.registry import Command

DESCRIPTION = """\
Capture posts, videos and pages as evidence: recorded as they crossed the wire, hashed, sealed, and checkable by
outsiders."""
EXAMPLES = (
    "archiver capture https://t.me/durov/523            one post with its files",
    "archiver capture LINK LINK LINK --case almaty      several at once, into a case",
    "archiver capture --list links.xlsx --quick         a spreadsheet of links",
    "archiver crawl https://t.me/s/durov --limit 200    a channel, newest first",
    "archiver check                                     is all still as it was sealed?",
    "archiver demo                                      see it work offline",
)
EXIT_CODES = """\
exit codes:
  0 all captured, or intact              4 something blocked or failed
  1 usage or configuration               5 a check failed
  2 something partial                    6 cannot tell
  3 something unavailable or refused"""
EVERY_COMMAND = "options of every command"
SHOWN_CHOICES = 8
"""So many choices are listed where a wrong one was given; of more only the likely one."""


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Breaks lines at the width of the terminal; examples stay as they are."""

    def __init__(self, prog: str, **given: Any) -> None:
        import sys

        given.setdefault("max_help_position", 26)
        super().__init__(prog, width=max(40, terminal.columns(sys.stdout) - 1), **given)

    def _split_lines(self, text: str, width: int) -> list[str]:
        return terminal.wrapped(" ".join(text.split()), width).split("\n")

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        lines = []
        for paragraph in text.split("\n\n"):
            shown_as_it_is = "\n  " in f"\n{paragraph}"
            lines.append(paragraph if shown_as_it_is else terminal.wrapped(" ".join(paragraph.split()), width))
        return "\n\n".join(lines)


class Parser(argparse.ArgumentParser):
    """Says in one line what is wrong and what was probably meant; without its sub-command it shows its help."""

    def __init__(self, *given: Any, summary: str = "", examples: Sequence[str] = (), **more: Any) -> None:
        self.summary, self.examples = summary, tuple(examples)
        more.setdefault("description", summary)
        more.setdefault("formatter_class", HelpFormatter)
        if examples:
            heading = "example:" if len(examples) == 1 else "examples:"
            more["epilog"] = "\n".join([heading, *(f"  {line}" for line in examples)])
        more["add_help"] = False  # -h is one of the common options
        super().__init__(*given, **more)
        self._actions_parser: argparse._SubParsersAction[Parser] | None = None

    def add_action(self, name: str, summary: str, example: str | Sequence[str]) -> Parser:
        """Add a sub-command, `archiver COMMAND NAME`, and return its parser."""
        if self._actions_parser is None:
            self._actions_parser = self.add_subparsers(dest="action", metavar="ACTION", required=True)
        examples = (example,) if isinstance(example, str) else example
        return self._actions_parser.add_parser(
            name, help=summary, summary=summary, examples=examples, parents=[common_options()]
        )

    def subparsers(self) -> dict[str, Parser]:
        """Return the parsers of the sub-commands, by name."""
        return dict(self._actions_parser.choices) if self._actions_parser is not None else {}

    def print_help(self, file: Any = None) -> None:
        import sys

        stream = file or sys.stdout
        text = self.format_help()
        self._print_message(terminal.painted_headings(text) if terminal.is_colourful(stream) else text, stream)

    def error(self, message: str) -> NoReturn:
        if message.endswith(": ACTION"):
            self.print_help()
            self.exit()
        self.exit(2, f"{self.prog}: {message}\nHelp: {self.prog} --help\n")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse as argparse does, but refuse an unknown option here, where it is known which ones there are."""
        parsed, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(self._unknown(unknown))
        return parsed, unknown

    def _unknown(self, words: Sequence[str]) -> str:
        option = next((word for word in words if word.startswith("-")), None)
        if option is None:
            return f"{words[0]!r} is one word too many."
        name = option.partition("=")[0]
        return f"there is no option {name}.{meant(name, self._option_string_actions)}"

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        choices = action.choices
        if choices is None or value in choices:
            return
        names = [str(one) for one in choices]
        listed = f" Choose from {', '.join(names)}." if len(names) <= SHOWN_CHOICES else ""
        said = meant(str(value), names) or listed
        if isinstance(action, argparse._SubParsersAction):
            raise argparse.ArgumentError(
                None, f"there is no {action.metavar} {value!r}.{said}".replace("ACTION", "action")
            )
        raise argparse.ArgumentError(action, f"there is no choice {value!r}.{said}")


def meant(word: str, known: Iterable[str]) -> str:
    """Return ` Did you mean …?` for the known word that is nearest to a misspelt one, or nothing."""
    from difflib import get_close_matches

    found = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" Did you mean {found[0]}?" if found else ""


def _path(text: str) -> object:
    from pathlib import Path

    return Path(text)


class _Version(argparse.Action):
    """Prints the version and ends."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from archiver import __version__

        parser._print_message(f"archiver {__version__}\n")
        parser.exit()


def common_options() -> Parser:
    """Return the options that every command takes, before or after its name.

    Without defaults of their own, so that an option before the command is not undone by the command's parser.
    """
    parser = Parser(argument_default=argparse.SUPPRESS)
    common = parser.add_argument_group(EVERY_COMMAND)
    common.add_argument("-h", "--help", action="help", help="Show this help.")
    home = "Folder of the home (default: $ARCHIVER_HOME or ~/archiver-home)."
    common.add_argument("--home", type=_path, metavar="DIR", help=home)
    common.add_argument("--json", action="store_true", help="Print JSON lines instead of text.")
    common.add_argument("--as", dest="person", metavar="NAME", help="Sign as this person (archiver keys new NAME).")
    common.add_argument("--version", action=_Version, nargs=0, help="Print the version.")
    return parser


def _add_answers(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("first run (asked on a terminal; these answer unattended)")
    group.add_argument("--pseudonym", metavar="NAME", help="Name that events are signed with.")
    group.add_argument("--proxy", metavar="URL", help="Proxy to connect by, like socks5h://127.0.0.1:9050.")
    group.add_argument("--user-agent", metavar="TEXT", help="Browser name that sites see.")
    group.add_argument("--second-copy", metavar="WHERE", help="Folder or s3://bucket for the second copy.")
    stamps = "Let authorities timestamp checkpoints."
    group.add_argument("--timestamps", action=argparse.BooleanOptionalAction, help=stamps)


VALUED = ("--home", "--as", "--pseudonym", "--proxy", "--user-agent", "--second-copy")
"""The options before a command that take the next word."""


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


def module_of(command: Command) -> ModuleType:
    """Import and return the module of a command."""
    return import_module(command.module)


class _TopParser(Parser):
    """`archiver` itself: lists its commands in groups, from the table alone."""

    def format_help(self) -> str:
        formatter = self._get_formatter()
        formatter.add_usage(self.usage, self._actions, ())
        formatter.add_text(self.description)
        for group, members in GROUPS.items():
            formatter.start_section(group)
            formatter.add_text("\n".join(f"  {name:<12} {summary}" for name, summary in members.items()))
            formatter.end_section()
        for options in self._action_groups:
            if options is not self._positionals:
                formatter.start_section(options.title)
                formatter.add_arguments(options._group_actions)
                formatter.end_section()
        formatter.add_text(self.epilog)
        return formatter.format_help()


def build_parser(commands: Iterable[str] = COMMANDS) -> Parser:
    """Build the parser of `archiver` with the named commands; their modules are imported."""
    epilog = "\n\n".join(["\n".join(["examples:", *(f"  {line}" for line in EXAMPLES)]), EXIT_CODES])
    usage = "archiver [OPTIONS] COMMAND …"
    parser = _TopParser("archiver", usage=usage, description=DESCRIPTION, epilog=epilog, parents=[common_options()])
    _add_answers(parser)
    names = list(commands)
    if names:
        added: argparse._SubParsersAction[Parser] = parser.add_subparsers(
            dest="command", metavar="COMMAND", prog="archiver", parser_class=Parser
        )
        parser._actions_parser = added
        for name in names:
            module = module_of(COMMANDS[name])
            made = added.add_parser(
                name,
                help=COMMANDS[name].summary,
                summary=COMMANDS[name].summary,
                description=getattr(module, "DESCRIPTION", COMMANDS[name].summary),
                examples=[module.EXAMPLE] if isinstance(module.EXAMPLE, str) else module.EXAMPLE,
                parents=[common_options()],
            )
            module.add_arguments(made)
    return parser
