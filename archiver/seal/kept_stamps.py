"""The proofs that are kept, and what they cover."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

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
    found = []
    for path in home.path.glob("proofs/*/*.json"):
        try:
            value = json.loads(path.read_bytes())
            found.append(
                Stamp(
                    int(path.parent.name),
                    path.stem,
                    utc_parse(value["gen_time"]) if value.get("gen_time") else None,
                    utc_parse(value["expires"]) if value.get("expires") else None,
                    tuple(value.get("pending", ())),
                    tuple(value.get("blocks", ())),
                )
            )
        except (OSError, ValueError, KeyError, TypeError):
            continue  # `archiver check` tells of it; here it only does not count
    return sorted(found, key=lambda stamp: (stamp.size, stamp.name))


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
