"""The parts, in the order of the page: importing them registers their trials."""
# ruff: noqa: F401, I001

from __future__ import annotations

from benchmarks.parts import (
    startup,
    recording,
    crawling,
    warc,
    catalog,
    scale,
    lists,
    media,
    rendered,
    reports,
    telegram,
    packages,
    copies,
    work,
)
from benchmarks.registry import TRIALS, Trial


def all_trials() -> list[Trial]:
    """Return every trial, in the order of the page: importing the parts has registered them."""
    return list(TRIALS)


def chosen(names: list[str]) -> list[Trial]:
    """Return the trials of these parts and rows, or all. Raises `KeyError` with the first name that is neither."""
    trials = all_trials()
    found = []
    for name in names:
        having = [one for one in trials if name == one.part.name or name in map(one.id_of, one.rows)]
        if not having:
            raise KeyError(name)
        found += having
    return [one for one in trials if not names or one in found]
