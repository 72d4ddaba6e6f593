"""Whether the settings are understood, asked before a command runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.cli.registry import RUN_ANYWAY, WITHOUT_SETTINGS
from archiver.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from archiver.cli.context import Context


def check_settings(context: Context) -> None:
    """Raise `ConfigError` where file or environment say something that is not understood.

    Where the command only looks, warn and go on. What was misspelt may be the proxy: no command that connects runs on
    a guess.
    """
    name = context.arguments.command
    if name in WITHOUT_SETTINGS:
        return
    from archiver.home.config import read_config
    from archiver.home.config_file import read_settings
    from archiver.home.home import is_home

    try:
        there = is_home(context.home_path)
    except UsageError:
        if name not in RUN_ANYWAY:
            raise
        return  # a command that needs the home says so itself
    try:
        if there:
            read_config(context.home_path, context.environment)
        else:
            read_settings(None, context.environment).understood()
    except ConfigError as error:
        if name not in RUN_ANYWAY:
            raise
        context.settings_error = error
        context.console.warn(
            f"The settings are not understood: expected {error.expected}\n  found  {error.found}\n  next   {error.next_step}"
        )
        context.console.data(
            {"warning": "ConfigError", "expected": error.expected, "found": error.found, "next": error.next_step}
        )
