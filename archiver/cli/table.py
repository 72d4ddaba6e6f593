"""Rows as a table at the width of the terminal; where its columns do not fit, one row below the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

from archiver.cli.terminal import cut, padded, width_of
from archiver.text.plain import harmless

_GAP = "  "
_LEAST = 8
"""How narrow a column may become."""
_LOOKED_AT = 200
"""Rows by which widths are chosen; more may follow without end."""


def table(head: Sequence[str], rows: Iterable[Sequence[Any]], width: int) -> Iterator[str]:
    """Format rows under their headings, a line each. A value that is longer than its column ends with `…`."""
    texts = ([_cell(value) for value in row] for row in rows)
    first = list(islice(texts, _LOOKED_AT))
    widths = [max(map(width_of, column)) for column in zip(head, *first, strict=True)]
    if sum(min(wide, _LEAST) for wide in widths) + len(_GAP) * (len(widths) - 1) > width:
        yield from _below(head, chain(first, texts), width)
        return
    while sum(widths) + len(_GAP) * (len(widths) - 1) > width:
        widths[widths.index(max(widths))] -= 1
    for row in chain([head, ["─" * wide for wide in widths]], first, texts):
        yield _GAP.join(_fitted(text, wide) for text, wide in zip(row, widths, strict=True)).rstrip()


def _below(head: Sequence[str], rows: Iterable[Sequence[str]], width: int) -> Iterator[str]:
    names = max(map(width_of, head))
    for number, row in enumerate(rows, 1):
        yield f"── {number}"
        for name, text in zip(head, row, strict=True):
            yield f"{padded(name, names)}{_GAP}{_fitted(text, max(width - names - len(_GAP), _LEAST))}".rstrip()


def _fitted(text: str, width: int) -> str:
    return padded(text if width_of(text) <= width else f"{cut(text, width - 1)}…", width)


def _cell(value: Any) -> str:
    return "" if value is None else harmless(" ".join(str(value).split()))
