"""`archiver config`: which settings are in force and where each came from; brings the file to the keys of today."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.errors import ExitCode

if TYPE_CHECKING:
    from archiver.cli.console import Console
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser
    from archiver.home.config_file import SettingsRead

EXAMPLE = ("archiver config", "archiver config --upgrade")


def add_arguments(parser: Parser) -> None:
    """Add what `archiver config` takes."""
    upgrade = "Replace keys of earlier versions with current ones, and show the changes."
    parser.add_argument("--upgrade", action="store_true", help=upgrade)


def run(context: Context) -> int:
    """Print every setting with its source, secrets hidden; `--upgrade`: change the file. Exit code 1 while anything is not understood."""
    from archiver.home.config_file import NAME, read_settings
    from archiver.home.home import is_home

    path, console = context.home_path, context.console
    if not is_home(path):
        _say_faults(console, read_settings(None, context.environment))  # of variables: they stop a first run
        context.home()  # says that there is none
    if context.arguments.upgrade:
        _upgrade(context)
    read = read_settings(path, context.environment)
    if not context.arguments.upgrade:
        rest = "; nothing of it counts until all of it is understood" if read.faults else ""
        console.say(f"{path / NAME}{rest}")
        if all(fault.key for fault in read.faults):  # else the file as a whole cannot be read
            _say(context, read)
    _say_faults(console, read)
    return ExitCode.USAGE if read.faults else ExitCode.OK


def _say(context: Context, read: SettingsRead) -> None:
    from archiver.home.config_file import shown
    from archiver.home.config_in_force import in_force

    context.console.say()
    settings = list(in_force(read))
    width = max(len(setting.source) for setting in settings)
    for setting in settings:
        note, facts = "", setting.line()
        if setting.key.endswith("from_environment") and setting.value:
            facts["set"] = setting.value in context.environment
            note = "  (set)" if facts["set"] else "  (not set)"
        context.console.say(f"{setting.source:<{width}}  {shown(setting.key)} = {setting.text()}{note}")
        context.console.data(facts)


def _say_faults(console: Console, read: SettingsRead) -> None:
    for fault in read.faults:
        console.say(f"\nNOT UNDERSTOOD: expected {fault.expected}\n  found  {fault.found}\n  next   {fault.next}")
        console.data({"fault": fault.line()})


def _upgrade(context: Context) -> None:
    from archiver.home.config_upgrade import upgrade

    changed = upgrade(context.home_path)
    for line in changed:
        context.console.say(line)
    context.console.say("written" if changed else "nothing to change: no key of an earlier version")
    context.console.data({"changed": changed})
