"""Hosts that watch readers across sites, by a list that comes with the program (`trackers.txt`)."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

from spiders.links import safe_split


@lru_cache(maxsize=1)
def _hosts() -> frozenset[str]:
    text = resources.files("archiver.recorder").joinpath("trackers.txt").read_text("utf-8")
    return frozenset(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))


def tracker(url: str, page: str = "") -> str | None:
    """Return the listed host that a link goes to, or None. A page on such a host may load from it."""
    listed = _listed(_host(url))
    return listed if listed is not None and listed != _listed(_host(page)) else None


def _host(url: str) -> str:
    return (safe_split(url).hostname or "").rstrip(".")


def _listed(host: str) -> str | None:
    known = _hosts()
    while host:
        if host in known:
            return host
        host = host.partition(".")[2]
    return None
