"""Albums whose members come one by one, and are waited for so that each is observed as the one post that it is."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from spiders.telegram.api.account_api import KeptAnswer

ALBUM_SECONDS = 1.0
"""How long after a member of an album the others are waited for."""


@dataclass
class Album:
    """Album of which some members have come. `due`: when no further one is waited for."""

    since: float = 0.0
    kept: list[KeptAnswer] = field(default_factory=list)

    def add(self, kept: KeptAnswer) -> None:
        """Add the answer that holds a further member, and begin to wait anew."""
        self.since = time.monotonic()
        if kept not in self.kept:
            self.kept.append(kept)

    @property
    def due(self) -> float:
        """Time from which no further member is waited for, by the monotonic clock in seconds."""
        return self.since + ALBUM_SECONDS

    def numbers(self) -> set[int]:
        """Return the numbers of the members so far."""
        return {number for kept in self.kept for number in kept.numbers()}


class WaitingAlbums:
    """Albums of one chat whose members are waited for, by Telegram's id of each."""

    def __init__(self) -> None:
        self._albums: dict[str, Album] = {}

    def __bool__(self) -> bool:
        return bool(self._albums)

    def add(self, album: str, kept: KeptAnswer) -> None:
        """Add the answer that holds a member of an album."""
        self._albums.setdefault(album, Album()).add(kept)

    def due(self, every: bool = False) -> list[tuple[str, Album]]:
        """Return albums whose last member came a while ago. `every`: all of them."""
        now = time.monotonic()
        return [(name, album) for name, album in self._albums.items() if every or album.due <= now]

    def forget(self, album: str) -> None:
        """Stop waiting for an album."""
        del self._albums[album]

    def next_due(self, latest: float) -> float:
        """Return when the first of them is due, `latest` at most."""
        return min([latest, *(album.due for album in self._albums.values())])

    def record_of(self, number: int) -> str | None:
        """Return the record that holds a member, or None."""
        answers = (kept for album in self._albums.values() for kept in album.kept)
        return next((kept.records[number] for kept in answers if number in kept.records), None)
