"""Texts and pages of packages."""

from __future__ import annotations

from importlib import resources

from archiver.text.pages import templates

FIXED = ("START-HERE.html", "README.txt")
"""Pages that say the same in every package of a profile."""


def fixed_text(name: str, profile: str) -> bytes:
    """Return one of the pages of `FIXED` for a profile."""
    return page(f"{name}.j2", profile=profile)


def page(template: str, **values: object) -> bytes:
    """Return a page made of a template of this folder."""
    return templates(__name__).get_template(template).render(**values).encode("utf-8", "backslashreplace")


def text(name: str) -> str:
    """Return a file of this folder as it is."""
    return resources.files(__name__).joinpath(name).read_text("utf-8")
