"""The log of a command: opened once its home is known, and told with `--debug` what is secret."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from archiver.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.home.log import Clean, HomeLog
    from archiver.home.secret_values import SecretMask

SAY_NOTHING_OF_A_HOME = ("help", "version", "completion")
"""Commands whose lines are the same everywhere: they read no settings, not even to look for secrets."""
SAID = "--debug: links, handles and names will stand in {folder}. Whoever reads it reads what you work on; delete it after."


def open_log(context: Context) -> HomeLog | None:
    """Begin the log of a command. Nothing is written before there is something to say, nor where there is no home."""
    from archiver.home.log import FOLDER, HomeLog

    try:
        home = context.home_path
    except UsageError:  # the command says so, if it needs one
        return None
    debug = context.arguments.debug
    if debug:
        context.console.warn(SAID.format(folder=home / FOLDER))
    if getattr(context.arguments, "command", None) not in SAY_NOTHING_OF_A_HOME:
        context.console.guard = _guard(context)
    context.console.clean = lambda text: _without_secrets(context, text)
    return HomeLog(home, context.console.tell_fault, (lambda: _cleaner(context)) if debug else None).__enter__()


def mask_secrets(context: Context) -> None:
    """Take the secrets of links out of each line that a command prints about the queue, its errors too."""
    from archiver.home.secret_values import mask_of

    home = context.home()
    context.console.mask = mask_of(home.config, home.environment).value


def _guard(context: Context) -> Callable[[Any], Any]:
    """Make what takes known secrets out of a line. The settings are read when the first line is printed."""
    masks: list[SecretMask] = []

    def guarded(value: Any) -> Any:
        if not masks:
            masks.extend(_mask_of_known(context))
        return masks[0].value(value) if masks else value

    return guarded


def _mask_of_known(context: Context) -> Iterator[SecretMask]:
    """Yield the mask of known secrets; nothing where there is no home yet, or its settings cannot be read."""
    from archiver.home.config import read_config
    from archiver.home.secret_values import mask_of
    from storage.errors import EvidenceError

    with suppress(EvidenceError):
        yield mask_of(read_config(context.home_path, context.environment), context.environment, links=False)


def _cleaner(context: Context) -> Clean:
    """Make what takes all secrets that the home and the environment name out of a text. Raises `ConfigError`."""
    from archiver.capture.known_secrets import without_secrets
    from archiver.home.config import read_config
    from archiver.home.secret_values import secrets_of

    config = read_config(context.home_path, context.environment)
    secrets = secrets_of(config, {**os.environ, **context.environment})
    return lambda text: without_secrets(text, secrets)


def _without_secrets(context: Context, text: str) -> str:
    """Clean what is shown of a fault. Settings that cannot be read keep no fault from being shown."""
    from archiver.capture.known_secrets import without_secrets

    try:
        return _cleaner(context)(text)
    except ConfigError:
        return without_secrets(text, [])
