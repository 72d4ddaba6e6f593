"""Configured secrets that reach no line of a capture."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from archiver.home.log import withhold
from archiver.recorder.redact import cleaned, without_secret_fields
from archiver.text.spellings import Spellings, all_spellings
from spiders.links import without_userinfo


def without_secrets(text: str, secrets: Sequence[str]) -> str:
    """Return what a fault says without these secrets, and without those that are known by where they stand."""
    return str(cleaned(without_secret_fields(without_userinfo(text)), secrets))


class KnownSecrets:
    """Values that are taken out of everything that is written unencrypted."""

    def __init__(self, values: Iterable[bytes]) -> None:
        self._secrets = [value.decode("utf-8", "replace") for value in values]
        self._spell()

    def _spell(self) -> None:
        self._spellings = all_spellings(self._secrets)
        self._in_json = Spellings(json.dumps(text, ensure_ascii=False)[1:-1] for text in self._spellings)

    def add(self, value: str) -> None:
        """Take one more value out from now on."""
        if value not in self._secrets:
            self._secrets.append(value)
            self._spell()
            withhold(value)

    def clean(self, value: Any) -> Any:
        """Return a JSON value without the secrets."""
        if not self._secrets or value is None:
            return value
        text = json.dumps(value, ensure_ascii=False)
        if not self._in_json.within(text):
            return value  # nearly always: looking through it piece by piece takes ten times as long
        return cleaned(value, self._spellings)
