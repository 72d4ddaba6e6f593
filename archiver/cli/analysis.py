"""What the analysts' and reviewers' commands share: what they are about, and which event was signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.casework.annotations import About, about_of
from archiver.casework.time_range import TimeRange
from archiver.cli.meaning import show_meant
from archiver.cli.moments import given_moments
from archiver.home.home import Home
from archiver.home.ports import Signer
from storage.ledger import Sealed

if TYPE_CHECKING:
    from archiver.cli.context import Context


def about_part(context: Context, home: Home) -> About:
    """Return the capture, post or attachment that a command is about, once it was shown. Raises `NotFound`, `UsageError`."""
    arguments = context.arguments
    about = about_of(home, arguments.id, arguments.post, arguments.attachment)
    show_meant(context, home, arguments.id, [about.detail()])
    return about


def time_range(since: str, until: str | None) -> TimeRange:
    """Parse when something began and ended; without `until` it was a moment. Raises `UsageError`.

    A moment that a zone's clocks showed twice is the interval from the first to the second.
    """
    earliest, latest = given_moments(since, "--since")
    if not until:
        return TimeRange(earliest, latest, (since,))
    return TimeRange(earliest, given_moments(until, "--until")[1], (since, until))


def say(context: Context, signer: Signer, sealed: Sealed) -> int:
    """Print which event was signed, and by whom."""
    kind, author = sealed.body["detail"]["kind"], signer.author
    context.console.say(f"{kind} signed by {author.pseudonym} ({author.role}) as event {sealed.seq}")
    context.console.data({"event": sealed.seq, **sealed.body["detail"]})
    return 0
