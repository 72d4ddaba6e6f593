"""What a person is told of the links of one command, as they are captured."""

from __future__ import annotations

from archiver.capture.batch import BatchEvent, Broken, CaptureEnded, NotStarted, Pace, SecondPass, WalkedOnly
from archiver.capture.support import whole
from archiver.cli.console import Console
from spiders.posts import Outcome

PACE_EVERY = 20
"""Where no terminal shows the progress, a line about it follows so many links."""


def tell(console: Console, event: BatchEvent) -> None:
    """Print one thing that happened in a batch. Every link of a list has a line with its number."""
    match event:
        case CaptureEnded(result, int(position), int(total)):
            console.line(result, position, total)
        case CaptureEnded(result):
            console.result(result)
        case Broken(target, error, position, total):
            if position is not None and total is not None:
                console.say(f"{_place(position, total)} ✗ {target.url} failed: {error.found}")
            console.not_captured(target.url, error)
            console.data({"url": target.url, "outcome": str(Outcome.FAILED), "reason": str(error)})
        case NotStarted(target):
            console.warn(f"not started: {target.url}")
        case WalkedOnly(target, int(position), int(total)):
            console.say(f"{_place(position, total)} · {target.url} is {whole('channel', target)}")
        case WalkedOnly(target):
            console.warn(f"{target.url} is {whole('channel', target)}")
        case SecondPass(links):
            console.say(f"second pass: captions, comments and page files of {links} links")
        case Pace():
            console.pace(pace(event))
            if not console.is_live and event.done % PACE_EVERY == 0:
                console.say(f"  {pace(event)}")


def pace(event: Pace) -> str:
    """Say how fast a list is worked through, and how long the rest takes: `40 of 299 · 12 links a minute · about 22 min left`."""
    rate = event.new * 60 / max(event.seconds, 0.001)
    speed = f"{rate:.0f} links a minute" if rate >= 2 else f"{rate * 60:.0f} links an hour"
    return f"{event.done} of {event.total} · {speed} · about {_span(event.left)} left"


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return "a minute"
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def _place(position: int, total: int) -> str:
    return f"{position:>{len(str(total))}}/{total}"
