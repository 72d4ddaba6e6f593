"""When a timestamp is asked for by itself: at random moments, never in step with a capture.

An authority sees when it is asked. Asked each time a capture ends, it would learn when somebody captures. So a home draws the
next moment ahead, whatever it does meanwhile, and keeps it in `proofs/.next`. A process that works for long asks when that moment
comes; where none was running, a command that a person or cron gives for other reasons than to capture (`archiver work`, `sync`).
`archiver seal` asks at once.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from archiver.home.home import Home
from storage.files import write_synced
from storage.times import utc_parse, utc_text

EARLIEST, LATEST = timedelta(minutes=20), timedelta(hours=4)
"""How long after one moment the next one comes: any time between these."""
_chance = random.SystemRandom()


def next_moment(home: Home) -> datetime:
    """Return the moment at which this home asks next; it is drawn where there is none, or none that can be. Raises `DiskError`."""
    try:
        moment = utc_parse((home.path / "proofs" / ".next").read_text("ascii").strip())
    except (OSError, ValueError):
        return draw(home)
    return moment if moment <= home.clock() + LATEST else draw(home)  # else the clock was set back since


def draw(home: Home) -> datetime:
    """Draw the next moment from now on, and keep it. Raises `DiskError`."""
    moment = home.clock() + EARLIEST + (LATEST - EARLIEST) * _chance.random()
    write_synced(home.path / "proofs" / ".next", f"{utc_text(moment)}\n".encode(), 0o600)
    return moment


def is_due(home: Home) -> bool:
    """Return whether the moment has come. Raises `DiskError`."""
    return home.clock() >= next_moment(home)


def never_at_the_start(home: Home) -> None:
    """Draw another moment where the last one passed unused: a command that captures begins now, and must not ask with it.

    Raises `DiskError`.
    """
    if is_due(home):
        draw(home)
