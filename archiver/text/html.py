"""HTML as text in which nothing of strangers can be markup: what is not marked as markup is escaped."""

from __future__ import annotations

import html as _html
from collections.abc import Iterable

from archiver.text.plain import harmless


class Markup(str):
    """Text that is markup already; made by `tag` and `join` alone."""

    __slots__ = ()


def text(value: object) -> Markup:
    """Return any value as text: escaped, with control characters shown as codes. `Markup` stays as it is."""
    if isinstance(value, Markup):
        return value
    return Markup(_html.escape(harmless("" if value is None else str(value)), quote=True))


def tag(name: str, /, *content: object, **attributes: object) -> Markup:
    """Return an element.

    `class_` is class; an attribute that is None is left out, True stands without a value.
    """
    said = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{text(value)}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in ("img", "br", "meta", "hr"):
        return Markup(f"<{name}{said}>")
    return Markup(f"<{name}{said}>{''.join(text(item) for item in content)}</{name}>")


def join(parts: Iterable[object], between: str = "") -> Markup:
    """Join parts into one piece of markup, `between` standing between them."""
    return Markup(text(between).join(text(part) for part in parts))


def items(parts: Iterable[object]) -> Markup:
    """Return a list without numbers (`ul`)."""
    return tag("ul", *(tag("li", part) for part in parts))


def table(head: Iterable[str], rows: Iterable[Iterable[object]], class_: str | None = None) -> Markup:
    """Return a table that scrolls within itself on a narrow screen."""
    top = tag("thead", tag("tr", *(tag("th", cell, scope="col") for cell in head)))
    body = tag("tbody", *(tag("tr", *(tag("td", cell) for cell in row)) for row in rows))
    return tag("div", tag("table", top, body, class_=class_), class_="wide")
