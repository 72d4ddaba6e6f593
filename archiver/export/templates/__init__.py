"""Texts and pages of packages, made by Jinja2: what strangers wrote is text in them, never markup."""

from __future__ import annotations

from functools import cache
from importlib import resources

import jinja2

FIXED = ("START-HERE.html", "README.txt")
"""Pages that say the same in every package of a profile."""


@cache
def environment() -> jinja2.Environment:
    """Return the environment that every template is made in: escaped, and strict about what is not there."""
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(_source),
        autoescape=lambda name: name is not None and name.endswith(".html.j2"),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )


def _source(name: str) -> str:
    return resources.files(__name__).joinpath(name).read_text("utf-8")


def fixed_text(name: str, profile: str) -> bytes:
    """Return one of the pages of `FIXED` for a profile."""
    return environment().get_template(f"{name}.j2").render(profile=profile).encode()
