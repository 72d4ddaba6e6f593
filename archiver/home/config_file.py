"""Reads archiver.toml and what the environment says instead, and finds everything in it that is not understood."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from msgspec import ValidationError, convert

from archiver.errors import ConfigError
from archiver.home.config_schema import (
    FORMAT,
    SUCCESSORS,
    Settings,
    Shape,
    Table,
    defaults_of,
    holds,
    in_words,
    keys_of,
    known_keys,
    secret_part,
    shape_of,
)
from archiver.home.variables import VARIABLES, unknown_variables, without_empty
from archiver.text.meant import meant
from spiders.links import mask_links

NAME = "archiver.toml"
LONGEST = 100
"""How many letters of an unknown key are shown."""
MOST_FAULTS = 100
"""How many faults are looked for: what was meant by each takes its time, and a file of junk has any number."""
T = TypeVar("T", bound=Table)


@dataclass(frozen=True)
class Fault:
    """One fault in the settings. `key`: as `table.key`, or the variable; empty for the file as a whole."""

    key: str
    expected: str
    found: str
    next: str = "Correct the file."

    def line(self) -> dict[str, str]:
        """Return the fault as a JSON object."""
        return {"key": self.key, "expected": self.expected, "found": self.found, "next": self.next}


@dataclass(frozen=True)
class SettingsRead:
    """Settings as read from file and environment. `variables`: key → name of the variable that overrides it."""

    tables: Mapping[str, Any] = field(repr=False)
    variables: Mapping[str, str]
    faults: tuple[Fault, ...]

    def understood(self) -> Settings:
        """Return the settings. Raises `ConfigError` where anything in them is not understood."""
        if self.faults:
            first, more = self.faults[0], len(self.faults) - 1
            also = f" {more} more: `archiver config` lists them." if more else ""
            raise ConfigError(first.expected, first.found, first.next + also)
        return convert(self.tables, Settings)

    def understood_table(self, name: str, table: type[T]) -> T | None:
        """Return one table, or None where something in it, or the file as a whole, is not understood."""
        at_fault = any(fault.key in ("", "format") or fault.key.partition(".")[0] == name for fault in self.faults)
        return None if at_fault else convert(self.tables.get(name, {}), table)


def read_settings(home: Path | None, environment: Mapping[str, str]) -> SettingsRead:
    """Read the settings of a home; where there is none yet, what the environment says.

    Raises nothing for their content: what is not understood is in `faults`.
    """
    environment = without_empty(environment)
    where = NAME if home is None else str(home / NAME)
    try:
        tables = {} if home is None else _parsed(home / NAME)
    except ConfigError as error:
        return SettingsRead({}, {}, (Fault("", error.expected, error.found, error.next_step),))
    later = tables.get("format", FORMAT)
    if isinstance(later, int) and later > FORMAT:  # what else it holds is for that version to say
        step = "Use the version of archiver that wrote it, or a later one."
        fault = Fault("format", f"format {FORMAT} in {where}, known to this version", f"format {later}", step)
        return SettingsRead(tables, {}, (fault,))
    unknown = tuple(_unknown(environment, _named(tables)))
    variables, blank = _override(tables, environment)
    found = []
    for fault in _some(_faults(tables, Settings, ""), tables):
        if variable := variables.get(fault.key):
            found.append(Fault(variable, f"{fault.expected} in ${variable}", fault.found, "Correct or unset it."))
        else:
            found.append(Fault(fault.key, f"{fault.expected}, in {where}", fault.found, fault.next))
    return SettingsRead(tables, variables, (*unknown, *blank, *found))


def _some(faults: Iterator[Fault], tables: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield the faults, `MOST_FAULTS` of them at most; where there are more, nothing of the file counts."""
    yield from islice(faults, MOST_FAULTS)
    if next(faults, None) is not None:
        yield Fault("", f"{MOST_FAULTS} faults at most", "more", "Correct the file, or take one from another home.")
    yield from _twice(tables)


def checked(given: Mapping[str, Any], table: type[T]) -> T:
    """Check a table that did not come from the file, and return it. Raises `ConfigError`."""
    for fault in _faults(given, table, ""):
        raise ConfigError(fault.expected, fault.found, "Choose another name.")
    return convert(given, table)


def shown(key: str) -> str:
    """Return a key as a person finds it in the file: `[sites] proxy`, or `[[notify]] name (entry 2)`."""
    table, _, name = key.rpartition(".")
    above, _, number = table.rpartition(".")
    if above and above != "cases" and (number == "N" or number.isdecimal()):
        return f"[[{above}]] {name}" + (f" (entry {number})" if number != "N" else "")
    return f"[{table}] {name}" if table else name


def printable(text: str) -> str:
    """Return a text as it may be shown.

    User and password of a link in it are masked; what is not UTF-8 becomes ?.
    """
    return mask_links(text).encode("utf-8", "replace").decode()


# -- the file ----------------------------------------------------------------------------------------------------------


def _parsed(path: Path) -> dict[str, Any]:
    """Parse the file; a byte order mark before it, which editors of Windows write, is no part of it. Raises `ConfigError`."""
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        step = "Let this user read it."
        raise ConfigError(f"readable settings in {path}", error.strerror or str(error), step) from error
    except UnicodeDecodeError as error:
        step = "Save the file as UTF-8."
        raise ConfigError(f"readable settings in {path}", "text that is not UTF-8", step) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"readable settings in {path}", str(error), "Correct the file.") from error
    except ValueError as error:  # of Python's own, which reads no integer of more than 4300 digits
        raise ConfigError(f"readable settings in {path}", "a number with thousands of digits", "Correct it.") from error
    except RecursionError as error:
        raise ConfigError(
            f"readable settings in {path}", "lists or tables too deep in each other", "Correct it."
        ) from error


def _named(tables: Mapping[str, Any]) -> Iterator[str]:
    """Yield the variables that the settings name."""
    secrets, rules = tables.get("secrets"), tables.get("notify")
    for table in (secrets, *(rules if isinstance(rules, list) else ())):
        if isinstance(table, dict) and isinstance(name := table.get("from_environment"), str):
            yield name


def _unknown(environment: Mapping[str, str], named: Iterator[str]) -> Iterator[Fault]:
    known = [variable.name for variable in VARIABLES]
    for name in unknown_variables(environment, named):
        step = (
            f"{meant(name.upper(), known).strip()} Unset it, or correct its name; `archiver doctor` lists all of them."
        )
        yield Fault(name, "only ARCHIVER_ variables that archiver knows", f"${printable(name)}", step.strip())


def _override(tables: dict[str, Any], environment: Mapping[str, str]) -> tuple[dict[str, str], list[Fault]]:
    """Put what variables say in its place in the tables; return the keys with their variables, and faults of form."""
    overridden, faults = {}, []
    for variable in VARIABLES:
        value = environment.get(variable.name)
        if value is None:
            continue
        if not variable.as_it_is and value != value.strip():
            faults.append(
                Fault(variable.name, f"${variable.name} with no space at either end", "spaces", "Remove them.")
            )
        elif variable.choices and value.lower() not in variable.choices:
            expected = f"${variable.name} as one of {', '.join(variable.choices)}"
            faults.append(Fault(variable.name, expected, json.dumps(value), "Correct or unset it."))
        elif variable.key:
            *above, name = variable.key.split(".")
            table: Any = tables
            for part in above:
                table = table.setdefault(part, {})
            if isinstance(table, dict):
                table[name] = value
                overridden[variable.key] = variable.name
    return overridden, faults


# -- faults ------------------------------------------------------------------------------------------------------------


def _faults(value: Mapping[str, Any], table: type[Table], start: str) -> Iterator[Fault]:
    """Find what a table says that it does not know, and what its keys are that they must not be."""
    keys = keys_of(table)
    for name, given in value.items():
        if name in keys:
            yield from _of_key(given, keys[name], f"{start}{name}")
        else:
            yield _unknown_key(f"{start}{name}", start, keys)
    for name in keys.keys() - defaults_of(table).keys() - value.keys():
        yield Fault(f"{start}{name}", f"{shown(start + name)}: {in_words(keys[name])}", "none")


def _of_key(value: Any, kind: Any, key: str) -> Iterator[Fault]:
    shape, table = shape_of(kind)
    if table is None:
        yield from _of_value(value, kind, key)
    elif shape is Shape.TABLE and isinstance(value, dict):
        yield from _faults(value, table, f"{key}.")
    elif shape is Shape.NAMED and isinstance(value, dict):
        for name, one in value.items():
            yield from _of_key(one, table, f"{key}.{name}")
    elif shape is Shape.LIST and isinstance(value, list):
        for number, one in enumerate(value, 1):
            yield from _of_key(one, table, f"{key}.{number}")
    else:
        written = f"[[{key}]]" if shape is Shape.LIST else f"[{key}]"
        yield Fault(key, f"{shape.value}, {written}", _found(value, False))


def _of_value(value: Any, kind: Any, key: str) -> Iterator[Fault]:
    try:
        good = holds(kind, convert(value, kind))
    except ValidationError:
        good = False
    if not good:
        yield Fault(key, f"{in_words(kind)} for {shown(key)}", _found(value, bool(secret_part(kind))))


def _found(value: Any, secret: bool) -> str:
    """Say what stands there; of secrets only that it is something else."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)[:40]
    if secret:
        return "another form"
    if isinstance(value, str):
        text = printable(value)
        return json.dumps(text if len(text) <= 60 else f"{text[:60]}…", ensure_ascii=False)
    if isinstance(value, list):
        return "a list" + (f" with {_found(value[0], False)}" if len(value) == 1 else "")
    return "a table" if isinstance(value, dict) else f"{type(value).__name__} {value}"


def schema_key(key: str) -> str:
    """Return a key as the schema has it, whichever entry or case it is of."""
    return re.sub(r"^cases\.[^.]+\.", "cases.NAME.", re.sub(r"\.\d+\.", ".N.", key))


def _unknown_key(key: str, start: str, keys: Mapping[str, Any]) -> Fault:
    if len(key) > LONGEST:  # no key of any version: it is not looked for, and not shown whole
        key = f"{key[:LONGEST]}…"
    name, among = key.removeprefix(start), shown(f"{start}x").rpartition(" x")[0] if start else "the file"
    if schema_key(key) in SUCCESSORS:
        now = SUCCESSORS[schema_key(key)]
        step = f"It is now {shown(now)}" if now else "It was removed without a replacement"
        return Fault(
            key, f"a key that {among} knows", shown(key), f"{step}: `archiver config --upgrade` changes the file."
        )
    likely = get_close_matches(name, list(keys), n=1, cutoff=0.6)
    if likely:
        step = f"Did you mean {shown(start + likely[0])}?"
    else:
        elsewhere = {one.rpartition(".")[2]: one for one, _, _ in reversed(list(known_keys()))}
        far = get_close_matches(name, list(elsewhere), n=1, cutoff=0.6)
        step = f"Did you mean {shown(elsewhere[far[0]])}?" if far else f"Known there: {', '.join(keys)}."
    return Fault(key, f"a key that {among} knows", f"the unknown key {shown(key)}", f"{step} Correct the file.")


def _twice(tables: Mapping[str, Any]) -> Iterator[Fault]:
    """Find entries of one list that share what must be their own."""
    copies, stamps = tables.get("copies"), tables.get("timestamps")
    second = copies.get("second") if isinstance(copies, dict) else None
    places = [{"name": "second", "where": second}] if second else []
    for key, own, entries in (
        ("copies.destination", ("name", "where"), [*places, *_listed(copies, "destination")]),
        ("timestamps.authority", ("name",), _listed(stamps, "authority")),
    ):
        for name in own:
            said = [str(entry[name]) for entry in entries if name in entry]
            if twice := [one for one in said if said.count(one) > 1]:
                yield Fault(f"{key}.{name}", f"a {name} of its own in each [[{key}]]", f"{json.dumps(twice[0])} twice")


def _listed(table: Any, name: str) -> list[dict[str, Any]]:
    entries = table.get(name) if isinstance(table, dict) else None
    return [one for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []
