"""An attacker who holds two packages of one case and wants to know which items of them are the same post.

It takes every field of every table, every page of the viewer and every file's name, size and length; every count of
them; each place in an order; and what several items have in common. Nothing of it knows what a field means. A way to
join (a field, an order) that is right more often than chance gives it away, whatever it is.
"""

from __future__ import annotations

import json
import math
import re
import subprocess
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import combinations, product
from pathlib import Path
from typing import Any

Values = dict[str, Counter[str]]
"""Way → values, each with how often it stands there."""
ALARM = 1e-3
"""A way that chance would make as good as this, or better, less often than so: it joins."""
LONG = 400


@dataclass
class SeenItem:
    """What a package tells of an item: values by the way to them, and numbers by which items can be put in order."""

    number: str
    values: Values = field(default_factory=lambda: defaultdict(Counter))
    amounts: dict[str, float] = field(default_factory=dict)


def seen_in(package: Path) -> dict[str, SeenItem]:
    """Everything that a package tells, by item."""
    found: dict[str, SeenItem] = {}
    for path in sorted((package / "data" / "tables").glob("*.jsonl")):
        for place, text in enumerate(path.read_text("utf-8").splitlines()):
            _take_row(found, path.stem, place, json.loads(text))
    for place, path in enumerate(sorted((package / "data" / "view").glob("I*.html"))):
        _take_page(found[path.stem], place, path.read_text("utf-8")) if path.stem in found else None
    for path in sorted((package / "data" / "media").glob("I*")):
        number, _, rest = path.name.partition("-")
        if number in found:
            _take_file(found[number], path, rest)
    for one in found.values():
        own = Counter({way: values.total() for way, values in one.values.items() if "." not in way})
        for (way, count), (other, more) in combinations(sorted(own.items()), 2):
            one.values[f"how many {way} and {other}"][str(count + more)] += 1
        for way, values in list(one.values.items()):
            one.amounts[f"how many {way}"] = values.total()
            one.values[f"how many {way}"][str(values.total())] += 1
        one.values["all that is no word, picture or name"][_shape(one)] += 1
    _in_common(found)
    return found


def _take_row(found: dict[str, SeenItem], table: str, place: int, row: dict[str, Any]) -> None:
    own = row.get("item")
    named = [own] if own else _items_in(row)
    for at, number in enumerate(named):
        one = found.setdefault(number, SeenItem(number))
        one.values[f"{table} row"]["1"] += 1
        one.amounts.setdefault(f"place in {table}", place)
        if len(named) > 1:
            one.amounts.setdefault(f"place among the items of {table}", place * 1000 + at)
        if str(row.get("what")).rpartition(" ")[2].isdecimal():  # "photo 3"
            one.values[f"numbered {table} row"]["1"] += 1
        for way, value in _leaves(row, table):
            one.values[way][value] += 1
            if re.fullmatch(r"-?\d+(\.\d+)?", value):
                one.amounts.setdefault(way, float(value))
            one.amounts.setdefault(f"length of {way}", len(value))


def _items_in(row: Any) -> list[str]:
    found: list[str] = []
    for _, value in _leaves(row, ""):
        if re.fullmatch(r"I\d{4,}", value) and value not in found:
            found.append(value)
    return found


def _leaves(value: Any, way: str) -> Iterator[tuple[str, str]]:
    """(way, value) of every value that is no number of an item of this very package."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key not in ("item", "file"):
                yield from _leaves(item, f"{way}.{key}")
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, way)
    elif value is not None:
        yield way, str(value)


def _take_page(one: SeenItem, place: int, page: str) -> None:
    page = re.sub(r"data:image/[^\"')]*", "", page)
    one.amounts["place of the page"] = place
    one.amounts["length of the page"] = len(page)
    one.values["tags of the page"][
        " ".join(f"{tag}{n}" for tag, n in sorted(Counter(re.findall(r"<(\w+)", page)).items()))
    ] += 1
    for text in re.findall(r">([^<>]{2,})<", re.sub(r"I\d{4,}", "", page)):
        one.values["words of the page"][" ".join(text.split())[:LONG]] += 1


def _take_file(one: SeenItem, path: Path, rest: str) -> None:
    one.values["number of a file"][rest] += 1
    one.values["size of a file"][str(path.stat().st_size)] += 1
    one.amounts.setdefault("size of a file", path.stat().st_size)
    if (length := length_of(path)) is not None:
        one.values["length of a file"][f"{length:.2f}"] += 1
        one.amounts.setdefault("length of a file", length)


@cache
def length_of(path: Path) -> float | None:
    """Seconds of a video or sound, None of anything else."""
    if path.suffix not in (".mp4", ".m4a", ".webm"):
        return None
    command = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", str(path)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def _shape(one: SeenItem) -> str:
    counts = {way: values.total() for way, values in one.values.items() if not way.startswith("how many")}
    return json.dumps(sorted(counts.items()))


def _in_common(found: dict[str, SeenItem]) -> None:
    """By which values an item belongs to a group, and how large that is: of an author, say, by any name."""
    groups: dict[tuple[str, str], list[SeenItem]] = defaultdict(list)
    for one in found.values():
        for way, values in one.values.items():
            for value in values:
                groups[way, value].append(one)
    for (way, _), members in groups.items():
        if 1 < len(members) < len(found) or way == "posts.author":
            for one in members:
                one.values[f"how many share its {way}"][str(len(members))] += 1


# -- joining two packages ------------------------------------------------------------------------------

Pair = tuple[str, str]


@dataclass
class Way:
    """What one way to join claims: pairs, and how many of so many a guess would get right."""

    name: str
    pairs: list[Pair]
    by_chance: float = 0.0
    right: list[Pair] = field(default_factory=list)

    @property
    def luck(self) -> float:
        """How likely so many right ones are by chance (Poisson)."""
        mean = self.by_chance
        return 1 - sum(math.exp(-mean) * mean**k / math.factorial(k) for k in range(len(self.right)))


def claims(a: dict[str, SeenItem], b: dict[str, SeenItem]) -> Iterator[Way]:
    """Every way in which the attacker could say of pairs of items that they are the same."""
    ways = sorted({way for one in (*a.values(), *b.values()) for way in one.values})
    for name in ways:
        holders = [_holders(items, name) for items in (a, b)]
        pairs = {
            (holders[0][value][0], holders[1][value][0])
            for value in holders[0].keys() & holders[1].keys()
            if len(holders[0][value]) == len(holders[1][value]) == 1
        }
        if pairs:
            yield Way(f"only one in each has this: {name}", sorted(pairs))
    for name in ways:
        groups = [_by_size(items, name) for items in (a, b)]
        pairs = {
            pair for size in groups[0].keys() & groups[1].keys() for pair in product(groups[0][size], groups[1][size])
        }
        if pairs:
            yield Way(f"in the only group of this size in each: {name}", sorted(pairs))
    for name in sorted({way for one in (*a.values(), *b.values()) for way in one.amounts}):
        sides = [_in_order(items, name) for items in (a, b)]
        if all(sides):
            pairs = {(x, y) for (_, x), (_, y) in zip(*sides, strict=False)}
            yield Way(f"in the order of: {name}", sorted(pairs))
            pairs = {(x, _nearest(sides[1], amount)) for amount, x in sides[0]}
            yield Way(f"nearest by: {name}", sorted(pairs))


def _holders(items: dict[str, SeenItem], name: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for number, one in items.items():
        for value in one.values.get(name, ()):
            found[value].append(number)
    return found


def _by_size(items: dict[str, SeenItem], name: str) -> dict[int, list[str]]:
    """Groups of items that share a value, where no other group has as many."""
    groups = [members for members in _holders(items, name).values() if len(members) < len(items)]
    sizes = Counter(len(members) for members in groups)
    return {len(members): members for members in groups if sizes[len(members)] == 1}


def _in_rows(first: Path, second: Path) -> list[Pair]:
    """Items in the same place of rows that say the same and name as many."""
    rows = [
        [json.loads(text) for text in (path / "data/tables/annotations.jsonl").read_text().splitlines()]
        for path in (first, second)
    ]
    said = [{row["detail"].get("text"): _items_in(row) for row in one if row["detail"].get("text")} for one in rows]
    both = [(said[0][text], said[1][text]) for text in said[0].keys() & said[1].keys()]
    return [pair for a, b in both if len(a) == len(b) > 1 for pair in zip(a, b, strict=True)]


def _chance(a: dict[str, SeenItem], b: dict[str, SeenItem]) -> Callable[[Pair], float]:
    """How often a guess is right. People's words that were let out name the same items in both packages: one of these."""
    about = [
        {number: frozenset(one.values["annotations.detail.text"]) for number, one in side.items()} for side in (a, b)
    ]
    among = Counter(about[1].values())

    def of(pair: Pair) -> float:
        words = about[0].get(pair[0], frozenset())
        return 1 / among[words] if words == about[1].get(pair[1]) else 1 / len(b)

    return of


def _in_order(items: dict[str, SeenItem], name: str) -> list[tuple[float, str]]:
    """Items that differ by an amount, in its order; none where it says nothing of most."""
    found = sorted((one.amounts[name], number) for number, one in items.items() if name in one.amounts)
    return found if len({amount for amount, _ in found}) > 1 else []


def _nearest(side: list[tuple[float, str]], amount: float) -> str:
    return min(side, key=lambda one: (abs(one[0] - amount), one[1]))[1]


@dataclass(frozen=True)
class Joined:
    """What the attack came to: pairs that are right, and ways that are better than chance."""

    allowed: set[Pair]
    """Right pairs that share words, a picture or a link: whoever holds both packages sees it."""
    beyond: set[Pair]
    """Right pairs by a way that is better than chance, of items that share nothing that is shown."""
    ways: tuple[str, ...]
    tried: int


def attack(first: Path, second: Path, same: Callable[[str, str], bool], share: Callable[[str, str], bool]) -> Joined:
    """Join two packages in every way. `same`: whether two items are one post; `share`: whether that can be seen."""
    a, b = seen_in(first), seen_in(second)
    allowed, beyond, ways, tried = set(), set(), [], 0
    chance = _chance(a, b)
    rows = _in_rows(first, second)
    in_rows = Way("in the same place of the same row", rows)
    for way in (*claims(a, b), *([in_rows] if rows else [])):
        tried += 1
        way.by_chance = sum(chance(pair) for pair in way.pairs)
        right = [pair for pair in way.pairs if same(*pair)]
        allowed |= {pair for pair in right if share(*pair)}
        way.right = [pair for pair in right if not share(*pair)]
        if way.right and way.luck < ALARM:
            beyond |= set(way.right)
            ways.append(f"{way.name}: {len(way.right)} right, {way.by_chance:.2f} by chance")
    return Joined(allowed, beyond, tuple(ways), tried)
