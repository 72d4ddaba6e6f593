"""The proofs that are kept, and what they cover."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from archiver.home.home import Home
from storage.times import utc_parse, utc_text

OTS = "opentimestamps"

OWN_EVENTS = ("timestamped",)
"""Events that say of a stamp: a checkpoint that differs from a stamped one only by these needs no new stamp."""


@dataclass(frozen=True)
class Stamp:
    """A proof that is kept, as it was found when it came."""

    size: int
    name: str
    time: datetime | None
    """The time that the authority states; None for OpenTimestamps, whose block's time is not known here."""
    expires: datetime | None = None
    pending: tuple[str, ...] = ()
    blocks: tuple[int, ...] = ()

    @property
    def owed(self) -> bool:
        """Whether it is an OpenTimestamps proof that names no Bitcoin block yet."""
        return self.name == OTS and not self.blocks


def stamps(home: Home) -> list[Stamp]:
    """Return every proof that is kept, ordered by checkpoint."""
    found = (_kept(path) for path in home.path.glob("proofs/*/*.json"))
    return sorted((stamp for stamp in found if stamp), key=lambda stamp: (stamp.size, stamp.name))


def _kept(path: Path) -> Stamp | None:
    try:
        value = json.loads(path.read_bytes())
        return Stamp(
            int(path.parent.name),
            path.stem,
            utc_parse(value["gen_time"]) if value.get("gen_time") else None,
            utc_parse(value["expires"]) if value.get("expires") else None,
            tuple(value.get("pending", ())),
            tuple(value.get("blocks", ())),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None  # `archiver check` tells of it; here it only does not count


# -- without reading every proof -------------------------------------------------------------------------


def stamps_over(home: Home, seq: int) -> list[Stamp]:
    """Return what tells whether event `seq` is timestamped: the earliest proof by an authority that is kept.

    Where there is none, every proof over it, among which are those that are owed.
    """
    for row in home.catalog.stamps_over(seq):
        stamp = _named(home, row)
        if stamp is not None and stamp.time is not None:
            return [stamp]
    return [stamp for size in _sizes(home) if size > seq for stamp in _of_checkpoint(home, size)]


@dataclass(frozen=True)
class StampsStanding:
    """How far the proofs that are kept reach."""

    covered: int
    """How many events the largest checkpoint holds that an authority stamped."""
    pending: int
    """How many OpenTimestamps proofs name no block yet."""


def standing(home: Home) -> StampsStanding:
    """Return how far the proofs reach. Reads one that the ledger names, and those that it does not name yet."""
    catalog, sizes = home.catalog, _sizes(home)
    by_authority = (_named(home, row) for row in catalog.stamps_from_the_newest())
    covered = next((stamp.size for stamp in by_authority if stamp is not None and stamp.time is not None), 0)
    newer = [stamp for size in sizes if size > covered for stamp in _of_checkpoint(home, size)]
    covered = max((stamp.size for stamp in newer if stamp.time is not None), default=covered)
    complete = catalog.stamped_by(OTS)
    waiting = (_kept(home.path / "proofs" / str(size) / f"{OTS}.json") for size in sizes if size not in complete)
    return StampsStanding(covered, sum(stamp is not None and stamp.owed for stamp in waiting))


def _named(home: Home, row: Mapping[str, Any]) -> Stamp | None:
    """The proof that the ledger names, if it is kept."""
    name = str(row["authority"])
    if Path(name).name != name:
        return None
    return _kept(home.path / "proofs" / str(row["checkpoint"]) / f"{name}.json")


def _sizes(home: Home) -> list[int]:
    try:
        names = os.listdir(home.path / "proofs")
    except OSError:
        return []
    return sorted(int(name) for name in names if name.isascii() and name.isdigit())


def _of_checkpoint(home: Home, size: int) -> list[Stamp]:
    found = (_kept(path) for path in sorted((home.path / "proofs" / str(size)).glob("*.json")))
    return [stamp for stamp in found if stamp]


def covering(kept: Iterable[Stamp], seq: int) -> Stamp | None:
    """Return the earliest timestamp by an authority over a checkpoint that includes event `seq`, or None."""
    over = [stamp for stamp in kept if stamp.size > seq and stamp.time is not None]
    return min(over, key=lambda stamp: (stamp.time or datetime.max, stamp.size), default=None)


def in_words(kept: Iterable[Stamp], seq: int | None) -> str:
    """Return `timestamped 2026-11-22T20:01:07Z by digicert`, or NOT TIMESTAMPED, for people."""
    stamp = covering(kept, seq) if seq is not None else None
    if stamp is None or stamp.time is None:
        owed = any(item.size > (seq or 0) and item.owed for item in kept) if seq is not None else False
        return "NOT TIMESTAMPED" + (" (OpenTimestamps pending)" if owed else "")
    return f"timestamped {utc_text(stamp.time)[:19]}Z by {stamp.name}"


def needed(home: Home) -> int:
    """Return the least size of a checkpoint that holds everything but events about stamps."""
    rest = home.catalog.last_event_but(OWN_EVENTS)
    return 0 if rest is None else rest + 1
