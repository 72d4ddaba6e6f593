"""Pages and texts made by Jinja2. What strangers wrote is text in them, never markup, with control characters as codes."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup, escape

from archiver.text.plain import harmless, many


@cache
def templates(package: str) -> jinja2.Environment:
    """Return the templates that lie in a package: `.html.j2` are escaped, and a name that is not there is an error."""

    def source(name: str) -> str:
        return resources.files(package).joinpath(name).read_text("utf-8")

    made = jinja2.Environment(
        loader=jinja2.FunctionLoader(source),
        autoescape=lambda name: name is not None and name.endswith(".html.j2"),
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["many"] = many
    return made


def isolated(value: object) -> Markup:
    """Return strangers' words as markup that stands within a sentence of ours: their direction turns nothing around them."""
    return Markup("<bdi>{}</bdi>").format(escape(harmless(str(value))))


def _shown(value: Any) -> Any:
    if value is None:
        return ""
    return value if isinstance(value, Markup) or not isinstance(value, str) else harmless(value)
