"""The log of a command: opened once its home is known, and told with `--debug` what is secret."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from archiver.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.home.log import Clean, HomeLog
    from archiver.text.spellings import Spellings

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
    known: list[Spellings[str]] = []

    def guarded(value: Any) -> Any:
        from archiver.recorder.redact import cleaned

        if not known:
            known.append(_known(context))
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        # Within JSON a secret is spelled otherwise than as it is: that spelling is one of those which are looked for.
        return cleaned(value, known[0].all()) if known[0].within(text) else value

    return guarded


def _known(context: Context) -> Spellings[str]:
    from archiver.home.config import read_config
    from archiver.home.secret_values import mask_of
    from archiver.text.spellings import Spellings
    from storage.errors import EvidenceError

    try:
        return mask_of(read_config(context.home_path, context.environment), context.environment).known
    except EvidenceError:  # there is no home, or its settings cannot be read: then it has no secrets to tell
        return Spellings()


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
