"""What settings and environment name that is secret: taken out of every text that is written beside the record."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, unquote

from archiver.home.config import Config
from archiver.home.ports import SHORTEST_SECRET
from archiver.text.spellings import Spellings, spellings
from spiders.links import MASK, safe_split, without_userinfo

LEAST = 8
"""Shorter values are not looked for, but for passwords: they would match ordinary text."""
_SECRET_NAME = re.compile("secret|token|password|passphrase|credential|_key|^archiver_telegram_", re.IGNORECASE)
"""Variables of the environment whose values are secret, whoever reads them."""
_OURS = ("ARCHIVER_", "AWS_")
_NAME_PART = r"[\w.~\[\]-]{0,60}"
_PARAMETER = re.compile(
    rf"((?:[?&;#/]|%3f|%26|%23)(?:{_NAME_PART}(?:secret|token|passw(?:or)?d|passphrase|pwd|credential|signature|api[_-]?key|"
    rf"access[_-]?key|private[_-]?key|session[_-]?(?:id|key)|authorization){_NAME_PART}|sig|hmac|jwt|auth|sid|phpsessid)"
    r"(?:=|%3d))((?:(?!%26|%23)[^&#;\s\"'<>])+)",
    re.IGNORECASE,
)
"""A parameter whose name says that its value is secret; in a link inside of a link its marks are encoded (RFC 3986, 2.1)."""


def secrets_of(config: Config, environment: Mapping[str, str]) -> list[str]:
    """Return each secret in every form in which it may stand in a text, the longest first: one may begin like another."""
    named = {value.decode("utf-8", "replace") for value in config.secret_values}
    for target in (config.telegram.mtproxy, *(one for rule in config.notify for one in rule.targets)):
        named |= {target, *_parts(target)}
    proxies = (one.proxy for one in config.copies.destinations)
    for link in (config.proxy, config.second_proxy, config.jobs, *config.case_proxies.values(), *proxies):
        named |= set(_passwords(link or ""))
    for arguments in config.extractor_args.values():
        named |= {part for texts in arguments.values() for text in texts for part in (text, *_parts(text))}
    lines = [line for name, value in environment.items() if _SECRET_NAME.search(name) for line in value.splitlines()]
    named |= {form for line in lines for form in (line, _digits(line)) if len(form) >= LEAST}
    return sorted({form for secret in named if secret for form in _forms(secret)}, key=len, reverse=True)


def without_secret_variables(config: Config, environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without the variables that hold a secret: by their names, or because one stands in them."""
    secrets = secrets_of(config, environment)

    def holds(value: str) -> bool:
        # A short password may stand in any path; in a link it is known by its place.
        return any(one == value or f":{one}@" in value or (len(one) >= LEAST and one in value) for one in secrets)

    return {name: value for name, value in environment.items() if not _SECRET_NAME.search(name) and not holds(value)}


def _parts(address: str) -> Iterator[str]:
    """Yield the pieces of an address: what sends by it makes another link of them."""
    yield from _passwords(address)
    yield from (part for part in re.split(r"[/:@?&=,;+#\s]+", address) if len(part) >= LEAST)


def _passwords(link: str) -> Iterator[str]:
    split = safe_split(link)
    yield split.password or ""
    yield from (value for name, value in parse_qsl(split.query) if _SECRET_NAME.search(name))


def _digits(text: str) -> str:
    """Return a phone number as programs write it, or "" where the text is none."""
    return re.sub(r"\D", "", text) if re.fullmatch(r"[+\d\s()./-]+", text) else ""


def _forms(secret: str) -> Iterator[str]:
    """Yield each spelling of a secret; a link may hold it encoded already."""
    for text in {secret, unquote(secret)} - {""}:
        yield from spellings(text)


class SecretMask:
    """Takes what is secret out of texts: known values, passwords before a host, and parameters that are called secret."""

    def __init__(self, secrets: Sequence[str] = (), links: bool = True) -> None:
        """`secrets`: the known values, in each spelling. `links`: whether what is secret by its place in a link is masked too."""
        self._known, self._links = Spellings(secrets), links

    def text(self, text: str) -> str:
        """Return a text, such as a link, with `withheld` in the place of each secret."""
        for secret in self._known.within(text):
            text = text.replace(secret, MASK)
        if not self._links:
            return text
        text = without_userinfo(text)
        return _PARAMETER.sub(rf"\1{MASK}", text) if "=" in text or "%3" in text else text

    def value(self, value: Any) -> Any:
        """Return a JSON value with each of its strings masked."""
        if not self._links and not len(self._known):
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.value(key): self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        return value


def mask_of(config: Config, environment: Mapping[str, str], links: bool = True) -> SecretMask:
    """Return the mask for what a home knows: of the environment only what is ours, for a path is no secret."""
    ours = {name: value for name, value in environment.items() if name.upper().startswith(_OURS)}
    named = {value.decode("utf-8", "replace") for value in config.secret_values}
    # A short password of a proxy would mask any text; that a person named a value is reason enough.
    known = [text for text in secrets_of(config, ours) if len(text) >= SHORTEST_SECRET or text in named]
    return SecretMask(known, links)
