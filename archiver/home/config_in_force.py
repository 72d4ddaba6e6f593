"""Which settings are in force, and where each came from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import to_builtins

from archiver.home.config_file import NAME, SettingsRead, printable
from archiver.home.config_schema import ALL, Settings, Shape, Table, defaults_of, keys_of, secret_part, shape_of

HIDDEN = "(hidden)"
WRONG = "(not understood)"
DEFAULT = "default"


@dataclass(frozen=True)
class Setting:
    """One setting in force. `value`: as it may be shown. `source`: `default`, the file, or a variable with its $."""

    key: str
    value: Any
    source: str

    def line(self) -> dict[str, Any]:
        """Return the setting as a JSON object."""
        return {"key": self.key, "value": self.value, "source": self.source}

    def text(self) -> str:
        """Return the value as TOML writes it."""
        if self.value is None:
            return "(not set)"
        return self.value if self.value in (HIDDEN, WRONG) else json.dumps(self.value, ensure_ascii=False)


def in_force(read: SettingsRead) -> Iterator[Setting]:
    """Yield every setting that is known, in the order of the schema; secrets are hidden."""
    wrong = {fault.key for fault in read.faults}
    for key, kind, value, said in _known(read.tables, Settings, "", NAME):
        variable = read.variables.get(key)
        if wrong & {key, variable}:
            value = WRONG
        yield Setting(key, value if value == WRONG else _harmless(value, kind), f"${variable}" if variable else said)


def _known(given: Mapping[str, Any], table: type[Table], start: str, said: str) -> Iterator[tuple[str, Any, Any, str]]:
    """Yield key, type, value and source of each setting of a table. What is no table where one must be is passed over."""
    defaults = defaults_of(table)
    for name, kind in keys_of(table).items():
        key, (shape, inner) = f"{start}{name}", shape_of(kind)
        value, source = (given[name], said) if name in given else (to_builtins(defaults.get(name)), DEFAULT)
        if inner is None:
            yield key, kind, value, source
        elif shape is Shape.LIST:
            for number, one in enumerate(value if isinstance(value, list | tuple) else (), 1):
                if isinstance(one, dict):
                    yield from _known(one, inner, f"{key}.{number}.", source)
        elif isinstance(value, dict):
            tables = value if shape is Shape.NAMED else {"": value}
            for case, one in tables.items():
                if isinstance(one, dict):
                    yield from _known(one, inner, f"{key}.{case}." if case else f"{key}.", source)


def _harmless(value: Any, kind: Any) -> Any:
    """Return a value without what is secret in it; user and password of any link are."""
    if value and secret_part(kind) == ALL:
        return HIDDEN
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, list | tuple):
        return [_harmless(one, str) for one in value]
    return {name: _harmless(one, str) for name, one in value.items()} if isinstance(value, dict) else value
