"""`archiver doctor --fix`: says what is missing, and installs it after a yes."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from archiver.errors import ExitCode
from archiver.home.home import is_home
from archiver.tools.installing import (
    Step,
    installers_here,
    missing_extras,
    missing_programs,
    plan,
)

if TYPE_CHECKING:
    from archiver.cli.console import Console
    from archiver.cli.context import Context


def fix(context: Context) -> int:
    """Show the steps, ask, and take them. Exit code 2 while something is missing, 4 where a step failed."""
    console = context.console
    proxy = _proxy(context)
    steps = plan(missing_extras(), missing_programs(), installers_here(), _may_change_system())
    if not steps:
        console.say("Nothing is missing.")
        return ExitCode.OK
    for step in steps:
        console.say(f"missing  {step.what}: {step.use}\n         {_said(step, proxy)}")
        command = list(step.command) if step.command else None
        console.data({"missing": step.what, "use": step.use, "command": command, "says": _said(step, proxy)})
    ready = [step for step in steps if _can_be_taken(step, proxy)]
    if not ready or not _agreed(context):
        console.say("Nothing was installed.")
        return ExitCode.PARTIAL
    failed = [step for step in ready if not _taken(console, step, proxy)]
    for step in failed:
        console.warn(f"not installed: {step.what}")
    if failed:
        return ExitCode.FAILED
    console.say("Installed. Run `archiver doctor` to see what there is now.")
    return ExitCode.OK if len(ready) == len(steps) else ExitCode.PARTIAL


def _may_change_system() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _proxy(context: Context) -> str | None:
    """The proxy by which this home goes out; none on a machine without one.

    Raises `ConfigError` while the settings are not understood, `NotFound` where `--home` names none: it would have the proxy.
    """
    if context.settings_error is not None:
        raise context.settings_error
    named = context.arguments.home is not None
    return context.home().config.proxy if named or is_home(context.home_path) else None


def _can_be_taken(step: Step, proxy: str | None) -> bool:
    return step.command is not None and not (proxy and step.alters_system)


def _said(step: Step, proxy: str | None) -> str:
    if step.command is None:
        return step.says
    if not _can_be_taken(step, proxy):
        return f"By hand, since it would not go through the proxy of your settings: {' '.join(step.command)}"
    return " ".join(step.command)


def _agreed(context: Context) -> bool:
    if context.arguments.yes:
        return True
    if context.console.as_json or not sys.stdin.isatty():
        context.console.say("Add --yes to have these commands run.")
        return False
    try:
        return input("Run these commands? yes/no [no] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _taken(console: Console, step: Step, proxy: str | None) -> bool:
    """Run one step, in the person's own environment; what it prints goes to standard error."""
    assert step.command is not None
    environment = dict(os.environ)
    if proxy:  # pip and uv ask by it, or not at all
        environment |= dict.fromkeys(("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"), proxy)
    try:
        done = subprocess.run(step.command, env=environment, stdout=sys.stderr.fileno(), check=False)
    except (OSError, ValueError) as error:
        console.warn(str(error))
        return False
    return done.returncode == 0
