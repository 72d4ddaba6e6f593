"""Tell whether a crawl saw all that it was asked for."""

from __future__ import annotations

from archiver.home.home import Home
from archiver.jobs.job import Ended, interrupted
from spiders.posts import Outcome


def walked_whole(home: Home, ended: Ended) -> bool:
    """Return whether a crawl came to its end or its limit, and every page of it was answered.

    That a file of a post is missing does not matter here, nor what became of the links it found: they are captured by
    themselves.
    """
    rows = [row for capture in ended.captures if (row := home.catalog.capture(capture)) is not None]
    run = home.state.run(rows[0]["run"]) if rows else None
    if run is None or not run.options.get("walked"):
        return False
    for part in rows:
        if part["target"] != rows[0]["target"]:
            continue
        outcome = Outcome(part["outcome"])
        if outcome not in (Outcome.CAPTURED, Outcome.PARTIAL) or interrupted(outcome, part["reason"]):
            return False
        pages = [line.get("outcome") for line in home.catalog.inventory(part["id"]) if line.get("kind") == "page"]
        if not all(one in (None, Outcome.CAPTURED, Outcome.SKIPPED) for one in pages):
            return False
    return True
