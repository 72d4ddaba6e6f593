"""What a package leaves out, and how it is put: of one item, or in `public` as sums over all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from archiver.lookup.items import MediaFile
from archiver.text.plain import many


@dataclass(frozen=True)
class WithheldItem:
    """One thing that is not shown: where, what kind of thing, why, and what stands in its place."""

    item: str
    what: str
    why: str
    instead: str = ""


@dataclass(frozen=True)
class LeftOut:
    """What is left out of one item, and how it is put for several of them: `{}` stands for so many of a unit."""

    one: str
    some: str
    unit: str


ACCOUNT = LeftOut("the author, and what leads to the account", "who posted {}, and what leads to the account", "item")
WORDING = LeftOut("the words of the post", "the words of {}", "post")


def a_file(media: MediaFile) -> LeftOut:
    """Return how a file is put that is left out."""
    return LeftOut(f"{media.kind} {media.attachment + 1}", "{}", "file")


class Sums:
    """What is left out of the items of a `public` package, as sums.

    How much of which item is missing would be a pattern by which it is found again in another package.
    """

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, str, str]] = Counter()
        self._told: set[tuple[str, LeftOut]] = set()

    def add(self, item: str, what: LeftOut, why: str, instead: str) -> None:
        """Count it, once for each item."""
        if (item, what) not in self._told:
            self._told.add((item, what))
            self._counts[what.some, what.unit, why, instead] += 1

    def rows(self) -> Iterator[WithheldItem]:
        """Yield a row for each kind of thing."""
        for (some, unit, why, instead), count in sorted(self._counts.items()):
            yield WithheldItem("", some.format(many(count, unit)), why, instead)
