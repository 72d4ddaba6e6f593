"""What a spider reports while it navigates. `archiver` keeps it; the spider knows nothing of how."""

from __future__ import annotations

from dataclasses import dataclass

from spiders.posts import Outcome, Parsed


@dataclass
class Seen:
    """An answer was read. `key` names the page in the inventory; `tag` the exchange it came in.

    `wanted`: ids of the posts this run is about; None means all of them. `final`: whether the outcome of this
    page stands for the target itself.
    """

    key: str
    tag: str
    url: str
    parsed: Parsed
    wanted: frozenset[str] | None = None
    final: bool = False


@dataclass
class Reached:
    """How far a walk has come: the next page's cursor, None at the end."""

    cursor: str | None


@dataclass
class Verdict:
    """The spider's conclusion about the target, where it differs from the page's own."""

    outcome: Outcome
    reason: str
