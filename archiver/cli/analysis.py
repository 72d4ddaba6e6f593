"""What the analysts' and reviewers' commands share: a signed event about a capture, an incident, an account.

Nothing is overwritten: the latest word counts where one must count, and the report shows who said what.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from archiver.casework.annotations import about as about_of
from archiver.errors import UsageError
from archiver.home.home import Home
from storage.events import Event

if TYPE_CHECKING:
    from archiver.cli.context import Context

_INCIDENT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_BASIS = re.compile(r"(?P<id>[^:@\s]+)(?::(?P<post>[^@\s]+))?(?:@(?P<from>[\d:.]+)(?:-(?P<to>[\d:.]+))?)?")


def annotate(context: Context, home: Home, kind: str, about: dict[str, Any], text: str, detail: dict[str, Any]) -> int:
    """Sign what a person says as an event, and say which. Raises `LedgerError`."""
    signer = context.signer(home)
    event = Event("annotated", home.clock(), {"kind": kind, "about": about, "text": text, **detail})
    sealed = signer.append([event])[0]
    home.project()
    context.console.say(f"{kind} signed by {signer.author.pseudonym} ({signer.author.role}) as event {sealed.seq}")
    context.console.data({"event": sealed.seq, **sealed.body["detail"]})
    return 0


def words_of(arguments: Any) -> str:
    """Return the words that a person gave. Raises `UsageError` where there are none."""
    text = " ".join(arguments.words)
    if not text.strip():
        raise UsageError("some words", "none", "Say what is to be recorded.")
    return text


def about_capture(home: Home, arguments: Any) -> dict[str, Any]:
    """Return the capture, post or attachment that a command is about. Raises `NotFound`, `UsageError`."""
    return about_of(home, arguments.id, arguments.post, arguments.attachment, None, None, None).detail()


def about_incident(home: Home, arguments: Any) -> dict[str, Any]:
    """Return the incident that a command is about. Raises `NotFound` for the case, `UsageError`."""
    home.recipients([arguments.case])
    if not _INCIDENT.fullmatch(arguments.incident):
        raise UsageError("a name of small letters, digits and dashes", repr(arguments.incident), "Choose another.")
    return {"case": arguments.case, "incident": arguments.incident}


def exhibit_of(home: Home, text: str) -> dict[str, Any]:
    """Read `ID`, `ID:POST` or `ID:POST@0:12-0:30` as what an annotation can be about. Raises `NotFound`, `UsageError`."""
    match = _BASIS.fullmatch(text)
    if match is None:
        raise UsageError("an exhibit like 9k2mv7qd, 9k2mv7qd:POST or 9k2mv7qd@0:12-0:30", repr(text), "Give it so.")
    return about_of(home, match["id"], match["post"], None, match["from"], match["to"], None).detail()
