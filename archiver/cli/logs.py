"""The log of a command: opened once its home is known, and told with `--debug` what is secret."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from archiver.errors import UsageError

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.home.log import Clean, HomeLog

SAID = "--debug: links, handles and names will stand in {folder}. Whoever reads it reads what you work on; delete it after."
_SECRET_NAME = re.compile("secret|token|password|passphrase|credential|_key", re.IGNORECASE)
"""Variables of the environment whose values are secret, whoever reads them."""
LEAST = 8
"""Shorter values are not looked for: they would match ordinary text."""


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
    return HomeLog(home, context.console.warn, (lambda: _cleaner(context)) if debug else None).__enter__()


def _cleaner(context: Context) -> Clean:
    """Make what takes all secrets that the home and the environment name out of a text. Raises `EvidenceError`."""
    from archiver.recorder.redact import cleaned, without_secret_fields
    from spiders.links import without_userinfo

    secrets = sorted(_secrets(context), key=len, reverse=True)  # one may begin like another

    def clean(text: str) -> str:
        return str(cleaned(without_secret_fields(without_userinfo(text)), secrets))

    return clean


def _secrets(context: Context) -> set[str]:
    """Return what the settings and the environment name. Raises `ConfigError`."""
    from archiver.home.config import read_config
    from spiders.links import safe_split

    config = read_config(context.home_path, context.environment)
    named = [value.decode("utf-8", "replace") for value in config.secret_values]
    named += [target for rule in config.notify for target in rule.targets]
    links = [config.proxy, config.second_proxy, config.jobs, *config.case_proxies.values()]
    named += [safe_split(link).password or "" for link in links if link]
    named.append(config.telegram.mtproxy)
    environment = {**os.environ, **context.environment}
    lines = [line for name, value in environment.items() if _SECRET_NAME.search(name) for line in value.splitlines()]
    secrets = {value for value in (*named, *(line for line in lines if len(line) >= LEAST)) if value}
    return {form for secret in secrets for form in _forms(secret)}


def _forms(secret: str) -> tuple[str, ...]:
    """Return a secret as it stands in plain text, in a link, in JSON and in Python's `repr`."""
    return (secret, quote(secret, safe=""), quote(secret), json.dumps(secret)[1:-1], repr(secret)[1:-1])
