"""One capture with everything that is shown of it: posts, inventory, records, copies, proofs, people's words."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archiver.copies.stubs import stubs
from archiver.home.home import Home
from archiver.home.visibility import is_hidden
from archiver.seal.kept_stamps import Stamp, covering, stamps_over
from storage.post_lines import published


@dataclass(frozen=True)
class PostView:
    """A post of a capture.

    `row`: of the catalog; `line`: as it was recorded, None where it is quarantined.
    """

    row: dict[str, Any]
    line: dict[str, Any] | None
    published: dict[str, Any] | None
    """When the platform says that it was published; also of what is quarantined."""
    is_target: bool
    """Whether it is what the capture was made for."""


@dataclass(frozen=True)
class CaptureView:
    """A sealed capture. `row`: of the catalog."""

    row: dict[str, Any]
    folder: Path
    cases: list[str]
    stamps: list[Stamp]
    """What tells whether it is timestamped: see `stamps_over`."""
    posts: list[PostView]
    inventory: list[dict[str, Any]]
    records: list[dict[str, Any]]
    annotations: list[dict[str, Any]]
    copies: list[dict[str, Any]]
    """Where copies lie, with the locks on them."""
    freed: list[str]
    """Files that lie only at copies."""
    duplicates: list[dict[str, Any]]
    """Bodies of the events that say that another home sealed the same."""
    judged: dict[str, Any] | None
    """The latest judgement that was signed after the first one."""

    @property
    def stamp(self) -> Stamp | None:
        """The earliest authority's stamp over it, or None."""
        return covering(self.stamps, self.row["seq"])

    @property
    def outcomes(self) -> Counter[str]:
        """Number of things in the inventory, by outcome."""
        return Counter(line["outcome"] for line in self.inventory if line.get("outcome"))

    @property
    def arrival_checks(self) -> list[dict[str, Any]]:
        """Checks that were made when somebody handed it over."""
        return [line for line in self.inventory if line.get("kind") == "arrival check"]


def capture_view(home: Home, capture: str, *, unhidden: bool = False) -> CaptureView:
    """Read a capture by its id or a part of it. Raises `NotFound`.

    `unhidden`: also what is quarantined, once the look at it is recorded (`casework.quarantine.record_view`).
    """
    capture = home.resolve_capture(capture)
    row = home.catalog.capture(capture)
    assert row is not None
    catalog, folder = home.catalog, home.path / row["folder"]
    return CaptureView(
        row=row,
        folder=folder,
        cases=catalog.cases_of(capture),
        stamps=stamps_over(home, row["seq"]),
        posts=[_post(home, row, post, unhidden) for post in catalog.posts(capture)],
        inventory=catalog.inventory(capture),
        records=catalog.records(capture),
        annotations=catalog.annotations(capture),
        copies=catalog.copies(capture=capture),
        freed=list(stubs(folder)),
        duplicates=catalog.events_about(capture, ("duplicate",)),
        judged=catalog.reassessment(capture),
    )


def _post(home: Home, capture: dict[str, Any], post: dict[str, Any], unhidden: bool) -> PostView:
    line: dict[str, Any] = json.loads(post["line"])
    is_target = line.get("role") == "target" or capture["platform"] == "page"
    shown = unhidden or not is_hidden(home, capture["id"], post["id"])
    return PostView(post, line if shown else None, published(line), is_target)
