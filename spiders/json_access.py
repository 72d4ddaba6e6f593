"""Reading JSON that may hold anything anywhere: each step gives the value, or None."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

_DECODER = json.JSONDecoder()
NESTING = 400
"""Deeper JSON than this is no platform's answer."""


def load(data: bytes | str) -> Any:
    """Parse `data` as JSON; None where it is not (JSON's own null reads the same)."""
    try:
        text = data.decode("utf-8-sig", "replace") if isinstance(data, bytes) else data
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def load_at(text: str, at: int) -> Any:
    """Parse the JSON value that starts at `at`, whatever follows it; None where there is none."""
    try:
        return _DECODER.raw_decode(text, at)[0]
    except (ValueError, RecursionError):
        return None


def at(value: Any, *path: str | int) -> Any:
    """Return `value[path[0]][path[1]]…`, or None where a step is missing or of another type."""
    for step in path:
        if type(value) is dict:  # JSON gives these very types
            value = value.get(step)
        elif type(value) is list and type(step) is int and -len(value) <= step < len(value):
            value = value[step]
        else:
            return None
    return value


def text_of(value: Any) -> str | None:
    """Return a string that is not empty, else None."""
    return value if isinstance(value, str) and value else None


def count(value: Any) -> int | None:
    """Return a count given as a number or as plain digits. Anything else is unknown: None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if value >= 0 else None
    if isinstance(value, float) and 0 <= value < 1e18:
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,19}", value):
        return int(value)
    return None


def length_of(value: Any, per_second: int = 1) -> float | None:
    """Return a duration in seconds, given in units of which `per_second` make one. None unless it is above zero."""
    found = number(value)
    return found / per_second if found is not None and found > 0 else None


def number(value: Any) -> float | None:
    """Return a number, also one given as text, if its absolute value is below 1e18; else None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if abs(found) < 1e18 else None


def dicts(value: Any) -> list[dict[str, Any]]:
    """List the objects of a list; none for anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def obj(value: Any) -> dict[str, Any]:
    """Return an object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def strings(value: Any) -> list[str]:
    """List the texts of a list; none for anything else."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def walk(value: Any, depth: int = 0) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every object inside `value`, outermost first and in order, with the key it stands under."""
    stack: list[tuple[str, Any, int]] = [("", value, depth)]
    while stack:
        key, item, level = stack.pop()
        if level > NESTING:
            continue
        if isinstance(item, dict):
            yield key, item
            stack += [(name, inner, level + 1) for name, inner in reversed(list(item.items())) if inner]
        elif isinstance(item, list):
            stack += [(key, inner, level + 1) for inner in reversed(item)]


def gather(value: Any, names: Iterable[str]) -> dict[str, list[Any]]:
    """Collect the values under each of `names`, in order, in one pass: answers have tens of thousands of nodes."""
    found: dict[str, list[Any]] = {name: [] for name in names}

    def visit(item: Any, level: int) -> None:
        if level > NESTING:
            return
        if type(item) is dict:
            for key, inner in item.items():
                if key in found:
                    found[key].append(inner)
                if type(inner) is dict or type(inner) is list:
                    visit(inner, level + 1)
        elif type(item) is list:
            for inner in item:
                if type(inner) is dict or type(inner) is list:
                    visit(inner, level + 1)

    visit(value, 0)
    return found


def find(value: Any, name: str) -> Iterator[Any]:
    """Yield every value that stands under the key `name`, in order."""
    yield from gather(value, (name,))[name]


def shape(value: Any) -> str:
    """Describe a value of unknown layout, so that a person can see how it has changed: `keys data, errors`."""
    if isinstance(value, dict):
        names = [name[:40] for name in list(value)[:12]]
        return f"keys {', '.join(names)}" + (" …" if len(value) > 12 else "") if names else "an empty object"
    if isinstance(value, list):
        return f"a list of {len(value)}" + (f", the first with {shape(value[0])}" if value and dicts(value[:1]) else "")
    return f"a bare {type(value).__name__}"
