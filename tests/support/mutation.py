"""Changes that break answers in the ways in which they break: for tests that parsers survive them."""

from __future__ import annotations

import copy
import random
import re
from typing import Any

from spiders.json_access import walk

STRANGE: list[Any] = [
    None, 0, -1, "", "x", [], {}, True, [[]], [{}], {"a": 1}, 1e400, 1e300, "2022-13-45", "9" * 30, {"runs": [None]}, "\ud800",
]  # fmt: skip
GARBAGE = b"abc<>\"'{}[]&;#0123\\/=:, \n"


def changed_value(value: Any, source: random.Random) -> Any:
    """The same JSON with one key removed, doubled, moved or made something strange, or a list turned round."""
    value = copy.deepcopy(value)
    places = [item for _, item in walk(value) if item]
    if not places:
        return value
    place = source.choice(places)
    key = source.choice(list(place))
    kind = source.randrange(5)
    if kind == 0:
        del place[key]
    elif kind == 1:
        place[key] = [place[key], place[key]]
    elif kind == 2:
        place[source.choice(list(place))] = place[key]
    elif kind == 3:
        lists = [item[name] for item in places for name in item if isinstance(item[name], list) and len(item[name]) > 1]
        if lists:
            source.shuffle(source.choice(lists))
    else:
        place[key] = source.choice(STRANGE)
    return value


def changed_bytes(data: bytes, source: random.Random, noise: bool = False) -> bytes:
    """A piece cut off, taken out, doubled, garbled, renamed or moved. `noise`: garbled by any bytes, not by text."""
    a, b = sorted(source.randrange(len(data) + 1) for _ in range(2))
    b = min(b, a + 4000)
    kind = source.randrange(8)
    if kind == 0:
        return data[:a]
    if kind == 1:
        return data[:a] + data[b:]
    if kind == 2:
        return data[:b] + data[a:b] + data[b:]
    if kind == 3:
        length = min(b - a, 60)
        return data[:a] + (source.randbytes(length) if noise else bytes(source.choices(GARBAGE, k=length))) + data[b:]
    if kind == 4 and (names := re.findall(rb"class=\"([\w-]+)", data)):
        return data.replace(source.choice(names), b"renamed")
    if kind == 5:
        return re.sub(rb"<(/?)div", rb"<\1span", data, count=source.randrange(1, 40))
    if kind == 6:
        return data.replace(b'"', b"'", source.randrange(1, 30))
    c = min(len(data), b + (b - a))
    return data[:a] + data[b:c] + data[a:b] + data[c:]
