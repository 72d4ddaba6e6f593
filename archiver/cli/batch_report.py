"""What a person is told of the links of one command, as they are captured."""

from __future__ import annotations

from archiver.capture.batch import BatchEvent, Broken, CaptureEnded, NotStarted, SecondPass, WalkedOnly
from archiver.capture.support import whole
from archiver.cli.console import Console
from spiders.posts import Outcome


def tell(console: Console, event: BatchEvent) -> None:
    """Print one thing that happened in a batch."""
    match event:
        case CaptureEnded(result, int(position), int(total)):
            console.line(result, position, total)
        case CaptureEnded(result):
            console.result(result)
        case Broken(target, error):
            console.not_captured(target.url, error)
            console.data({"url": target.url, "outcome": str(Outcome.FAILED), "reason": str(error)})
        case NotStarted(target):
            console.warn(f"not started: {target.url}")
        case WalkedOnly(target):
            console.warn(f"{target.url} is {whole('channel', target)}")
        case SecondPass(links):
            console.say(f"second pass: captions, comments and page files of {links} links")
