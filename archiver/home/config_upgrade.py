"""Brings archiver.toml to the keys of today, line by line: comments and all else stay as they are, byte for byte."""

from __future__ import annotations

import difflib
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from archiver.errors import ConfigError
from archiver.home.config_file import NAME, schema_key, shown
from archiver.home.config_schema import SUCCESSORS, known_keys, secret_part
from storage.files import write_synced

DROPPED = "# No longer used: "
_HEADER = re.compile(r"\s*\[{1,2}\s*([^\[\]]+?)\s*\]{1,2}\s*(?:#.*)?\r?\n?")
_KEY = re.compile(r"(\s*)([A-Za-z0-9_-]+)(\s*=.*)", re.DOTALL)


def upgraded(text: str) -> str:
    """Return the text with today's keys. Raises `ConfigError` where that cannot be done line by line."""
    earlier = [shown(key) for key, _ in _leaves(_parsed(text)) if schema_key(key) in SUCCESSORS]
    if not earlier:
        return text
    lines, moved, table = [], [], ""
    for line in re.split(r"(?<=\n)", text):
        if header := _HEADER.fullmatch(line):
            table = f"{header[1]}.N" if line.lstrip().startswith("[[") else header[1]
        entry = _KEY.fullmatch(line)
        key = schema_key(f"{table}.{entry[2]}" if table else entry[2]) if entry else ""
        if entry is None or key not in SUCCESSORS:
            lines.append(line)
            continue
        now = SUCCESSORS[key]
        if now is None:
            lines.append(f"{DROPPED}{line}")
        elif now.rpartition(".")[0] == key.rpartition(".")[0]:
            lines.append(f"{entry[1]}{now.rpartition('.')[2]}{entry[3]}")
        else:
            moved.append((now, entry[3]))
    for now, rest in moved:
        _put(lines, now, rest)
    made = "".join(lines)
    if not _say_the_same(text, made):
        raise ConfigError(
            f"keys of earlier versions in {NAME}, each on a line of its own and once",
            ", ".join(earlier),
            "Change these by hand: `archiver config` shows the current name of each.",
        )
    return made


def _put(lines: list[str], key: str, rest: str) -> None:
    """Put a line under the heading of its table; where there is none, at the end with one."""
    table, _, name = key.rpartition(".")
    end = "\r\n" if rest.endswith("\r\n") else "\n"
    line = f"{name}{rest.rstrip()}{end}"
    for place, one in enumerate(lines):
        if (header := _HEADER.fullmatch(one)) and header[1] == table:
            lines.insert(place + 1, line)
            return
    if table:
        lines.append(f"{end}[{table}]{end}{line}")
    else:
        lines.insert(0, line)


def _say_the_same(before: str, after: str) -> bool:
    """Return whether both texts say the same, each under its own keys."""
    wanted = {}
    for key, value in _leaves(_parsed(before)):
        now = SUCCESSORS.get(schema_key(key), key)
        if now is not None and now.rpartition(".")[0] == schema_key(key).rpartition(".")[0]:
            now = f"{key[: key.rfind('.') + 1]}{now.rpartition('.')[2]}"  # of the same entry or case
        if now is not None:
            wanted[now] = value
    try:
        return dict(_leaves(_parsed(after))) == wanted
    except tomllib.TOMLDecodeError:  # both the old and the new key are there, or a value runs over several lines
        return False


def _parsed(text: str) -> dict[str, Any]:
    return tomllib.loads(text.removeprefix("\ufeff"))


def _leaves(value: Mapping[str, Any], start: str = "") -> Iterator[tuple[str, Any]]:
    for name, one in value.items():
        if isinstance(one, dict):
            yield from _leaves(one, f"{start}{name}.")
        elif isinstance(one, list) and one and all(isinstance(item, dict) for item in one):
            for number, item in enumerate(one, 1):
                yield from _leaves(item, f"{start}{name}.{number}.")
        else:
            yield f"{start}{name}", one


def difference(before: str, after: str) -> list[str]:
    """Return the lines that differ, with - and +; the values of secret keys are hidden."""
    secret = {key.rpartition(".")[2] for key, kind, _ in known_keys() if secret_part(kind)}
    secret |= {
        old.rpartition(".")[2] for old, now in SUCCESSORS.items() if now is None or now.rpartition(".")[2] in secret
    }
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm=""))[2:]
    return [_without_value(line, secret) for line in lines if not line.startswith("@@")]


def _without_value(line: str, secret: set[str]) -> str:
    entry = re.match(rf"([-+](?:{DROPPED})?\s*([A-Za-z0-9_-]+)\s*=)", line)
    return f"{entry[1]} (hidden)" if entry and entry[2] in secret else line


def upgrade(home: Path) -> list[str]:
    """Write archiver.toml with today's keys, as a whole or not at all; return what changed.

    Raises `ConfigError`, `DiskError`.
    """
    path = (home / NAME).resolve()
    try:
        before = path.read_bytes().decode("utf-8")
        after = upgraded(before)
    except OSError as error:
        raise ConfigError(f"a readable {path}", error.strerror or str(error), "Let this user read it.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"a readable {path}", "text that is not UTF-8", "Save the file as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"readable settings in {path}", str(error), "Correct the file.") from error
    if after != before:
        write_synced(path, after.encode("utf-8"), stat.S_IMODE(path.stat().st_mode))
    return difference(before, after)
