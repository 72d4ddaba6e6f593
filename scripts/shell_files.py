"""Makes what shells show of the command line: completions for bash, zsh and fish, and the manual page.

Run it by `make man` after a change of a command's arguments or help; a test compares. The files are committed, so
that a wheel is built without importing the program, which needs everything that it depends on.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

os.environ |= {"COLUMNS": "72", "NO_COLOR": "1"}  # the same files on every machine
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import shtab  # noqa: E402
from argparse_manpage.manpage import Manpage  # noqa: E402

from archiver.cli.completion import FILES  # noqa: E402
from archiver.cli.overview import EVERY_COMMAND  # noqa: E402
from archiver.cli.parser import Parser, build_parser  # noqa: E402
from archiver.cli.registry import COMMANDS  # noqa: E402

PATHS = re.compile(r"FILE|FOLDER|DIR|PACKAGE|WARC")
DESCRIPTION = "capture posts, videos and pages as evidence"
DATE = "2026-11-29"
"""Of the last change of the manual's form: a date of today would change the file each day."""
MANUAL = ROOT / "docs" / "man" / "archiver.1"


def made() -> dict[Path, str]:
    """Return the text of each file, by its path."""
    folder = ROOT / "archiver" / "cli" / "completions"
    parser = _for_shells(build_parser())
    found = {folder / name: shtab.complete(parser, shell=shell).rstrip() + "\n" for shell, name in FILES.items()}
    return {**found, MANUAL: _manual()}


def _for_shells(parser: Parser) -> Parser:
    """Say which arguments are paths or commands: shells complete the names of files, or of commands, there."""
    for action in parser._actions:
        if action.metavar == "COMMAND" and not isinstance(action, argparse._SubParsersAction):
            action.choices = list(COMMANDS)  # only here: argparse would refuse `archiver help` alone
        if isinstance(action.metavar, str) and PATHS.search(action.metavar):
            action.complete = shtab.DIRECTORY if action.metavar == "DIR" else shtab.FILE  # type: ignore[attr-defined]
    for child in parser.subparsers().values():
        _for_shells(child)
    return parser


def _manual() -> str:
    facts = {"project_name": "archiver", "manual_title": "archiver manual", "description": DESCRIPTION, "date": DATE}
    parser = build_parser()
    for child in parser.subparsers().values():
        _shortened(child)
    lines = str(Manpage(parser, facts, format="single-commands-section")).splitlines()
    lines[0] = lines[0].replace("\\-", "-")  # a date as mandoc reads it
    text = "\n".join(_as_they_are(lines)) + "\n"
    text = text.replace(" \\\\\n", " \\e\n")  # a line that the shell continues
    return text.replace("POSITIONAL ARGUMENTS", "COMMANDS").replace(".SH COMMENTS", ".SH EXAMPLES AND EXIT CODES")


def _shortened(parser: Parser) -> None:
    """Leave out of a command's manual what stands there once for all, the options of every command; add its examples."""
    common = [group for group in parser._action_groups if group.title == EVERY_COMMAND]
    shared = {id(action) for group in common for action in group._group_actions}
    parser._action_groups = [group for group in parser._action_groups if group not in common]
    parser._actions[:] = [action for action in parser._actions if id(action) not in shared]
    said = [] if parser.description == parser.summary else [parser.description]
    parser.description = "\n\n".join(filter(None, [*said, parser.epilog])) or None
    for child in parser.subparsers().values():
        _shortened(child)


def _as_they_are(lines: list[str]) -> Iterator[str]:
    """Keep the lines of usages, examples and tables from being filled into a paragraph."""
    kept = False
    for line in lines:
        if line.startswith(("  ", "usage:")) != kept:
            kept = not kept
            yield ".nf" if kept else ".fi"
        yield line


if __name__ == "__main__":
    for path, text in made().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        print(path.relative_to(ROOT))
