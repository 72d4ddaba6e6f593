"""What a spider reports while it navigates. `archiver` keeps it; the spider knows nothing of how."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from spiders.posts import Outcome, Parsed
from spiders.targets import Target


@dataclass
class Seen:
    """An answer that was read. `key` names the page in the inventory; `tag` the exchange it came in.

    `wanted`: ids of the posts this run is about; None means all of them. `final`: whether the outcome of this
    page stands for the target itself. `apart`: the posts are entries of a list, each to be captured on its own.
    `needed`: without this page the capture is partial.
    """

    key: str
    tag: str
    url: str
    parsed: Parsed
    wanted: frozenset[str] | None = None
    final: bool = False
    apart: bool = False
    needed: bool = False


@dataclass
class Noted:
    """Something that an answer shows and that needs no request here: a gap in the ids, an advertisement, a link.

    `target`: it can be captured on its own, which a walk does.
    """

    key: str
    kind: str
    outcome: Outcome
    reason: str
    url: str | None = None
    target: Target | None = None
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass
class Led:
    """A redirect that leads to another target, with which the capture goes on.

    `hops`: the addresses that were asked, one after another. `url`: where the last of them leads.
    """

    hops: tuple[str, ...]
    url: str
    target: Target


@dataclass
class Counted:
    """A count that the platform states, and what a walk has found. Where they differ the capture is partial."""

    what: str
    stated: int
    found: int


@dataclass
class Reached:
    """How far a walk has come: the next page's cursor, None at the end."""

    cursor: str | None


@dataclass
class Verdict:
    """The spider's conclusion about the target, where it differs from the page's own."""

    outcome: Outcome
    reason: str
