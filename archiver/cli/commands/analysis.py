"""What analysts and reviewers add: incidents, conclusions, times, translations, sensitivity, marks of authors, reviews.

Like all annotations these are signed events: nothing is overwritten, the latest word counts where one must count, and the
report shows who said what.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from archiver.casework.annotations import about as about_of
from archiver.casework.annotations import coordinates
from archiver.errors import NotFound, UsageError
from archiver.home.home import Home
from archiver.home.ports import Signer
from storage.events import Event
from storage.ledger import Sealed
from storage.times import utc_text

if TYPE_CHECKING:
    from archiver.cli.context import Context

_INCIDENT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_BASIS = re.compile(r"(?P<id>[^:@\s]+)(?::(?P<post>[^@\s]+))?(?:@(?P<from>[\d:.]+)(?:-(?P<to>[\d:.]+))?)?")


def analysis(context: Context, home: Home) -> int:
    """One of the commands above. Raises `UsageError`, `NotFound`, `LedgerError`."""
    arguments = context.arguments
    signer = context.signer(home)
    about, detail = _MAKERS[arguments.command](home, signer, arguments)
    text = arguments.title or "" if arguments.command == "incident" else " ".join(arguments.words)
    if not text.strip() and arguments.command != "incident":
        raise UsageError("some words", "none", "Say what is to be recorded.")
    kind = {"conclude": "conclusion", "translate": "translation"}.get(arguments.command, arguments.command)
    sealed = append(home, signer, {"kind": kind, "about": about, "text": text, **detail})
    context.console.say(f"{kind} signed by {signer.author.pseudonym} ({signer.author.role}) as event {sealed.seq}")
    context.console.data({"event": sealed.seq, **sealed.body["detail"]})
    return 0


def append(home: Home, signer: Signer, detail: dict[str, Any]) -> Sealed:
    sealed = signer.append([Event("annotated", home.clock(), detail)])[0]
    home.project()
    return sealed


Made = tuple[dict[str, Any], dict[str, Any]]


def _capture(home: Home, arguments: Any) -> dict[str, Any]:
    return about_of(home, arguments.level_id, arguments.post, arguments.attachment, None, None, None).detail()


def _time(home: Home, signer: Signer, arguments: Any) -> Made:
    since = _moment(arguments.since, "--since")
    until = _moment(arguments.until, "--until") if arguments.until else since
    if until < since:
        raise UsageError("--until after --since", f"{arguments.since} … {arguments.until}", "Swap them.")
    given = [arguments.since, arguments.until] if arguments.until else [arguments.since]
    return _capture(home, arguments), {"from": utc_text(since), "to": utc_text(until), "given": given}


def _moment(text: str, flag: str) -> datetime:
    from archiver.cli.arguments import moment

    found = moment(text, flag)
    assert found is not None
    return found


def _translate(home: Home, signer: Signer, arguments: Any) -> Made:
    if not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z]{2,8})*", arguments.language):
        raise UsageError("--language as a code like en or kk-Latn", repr(arguments.language), "Give it in that form.")
    date = arguments.date or utc_text(home.clock())[:10]
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", date):
        raise UsageError("--date like 2026-11-22", repr(date), "Give it in that form.")
    detail = {"language": arguments.language, "translator": arguments.by, "how": arguments.how, "date": date}
    return _capture(home, arguments), detail


def _sensitivity(home: Home, signer: Signer, arguments: Any) -> Made:
    return _capture(home, arguments), {"level": arguments.level}


def _review(home: Home, signer: Signer, arguments: Any) -> Made:
    if signer.author.role != "reviewer":
        raise UsageError(
            "a reviewer",
            f"{signer.author.pseudonym}, who is {signer.author.role}",
            "A second person reviews: archiver keys new NAME --role reviewer, then archiver --as NAME review …",
        )
    detail = {"decision": arguments.decision}
    if arguments.level_id.isdigit() and len(arguments.level_id) < 8:
        event = home.ledger.read_event(int(arguments.level_id))
        if event is None or event["type"] != "annotated":
            raise NotFound("an annotation's event", arguments.level_id, "Its number stands in `archiver custody`.")
        if event["agent"]["key"] == signer.author.public_text:
            raise UsageError("another person's annotation", "your own", "Let somebody else review it.")
        return {"event": event["seq"], **_scope(event)}, detail
    return _capture(home, arguments), detail


def _scope(event: dict[str, Any]) -> dict[str, Any]:
    """The case or capture that an annotation is about: a review of it belongs there too."""
    about = event["detail"]["about"]
    return {key: about[key] for key in ("case", "capture") if key in about}


def _author(home: Home, signer: Signer, arguments: Any) -> Made:
    about = {"platform": arguments.platform, "author": arguments.handle.lstrip("@")}
    if arguments.case:
        home.recipients([arguments.case])
        about["case"] = arguments.case
    return about, {"mark": arguments.mark}


def _incident(home: Home, signer: Signer, arguments: Any) -> Made:
    about = _incident_about(home, arguments)
    detail: dict[str, Any] = {"exhibits": [_basis(home, text) for text in arguments.add]}
    if arguments.place:
        detail["place"] = arguments.place
    detail |= coordinates(arguments.at)
    if arguments.zone:
        try:
            ZoneInfo(arguments.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise UsageError("--zone like Asia/Almaty", repr(arguments.zone), "Give the name of a zone.") from error
        detail["zone"] = arguments.zone
    if arguments.since:
        since = _moment(arguments.since, "--since")
        until = _moment(arguments.until, "--until") if arguments.until else since
        if until < since:
            raise UsageError("--until after --since", f"{arguments.since} … {arguments.until}", "Swap them.")
        detail |= {"from": utc_text(since), "to": utc_text(until)}
    return about, detail


def _incident_about(home: Home, arguments: Any) -> dict[str, Any]:
    home.recipients([arguments.case])
    if not _INCIDENT.fullmatch(arguments.incident):
        raise UsageError("a name of small letters, digits and dashes", repr(arguments.incident), "Choose another.")
    return {"case": arguments.case, "incident": arguments.incident}


def _conclude(home: Home, signer: Signer, arguments: Any) -> Made:
    about = _incident_about(home, arguments)
    known = {
        body["detail"]["about"]["incident"]
        for body in home.catalog.event_bodies(("annotated",))
        if body["detail"]["kind"] == "incident" and body["detail"]["about"].get("case") == arguments.case
    }
    if arguments.incident not in known:
        raise NotFound(
            f"the incident {arguments.incident!r}",
            f"incidents: {', '.join(sorted(known)) or 'none'}",
            "Make it: archiver incident",
        )
    basis = [_basis(home, text) for text in arguments.basis]
    return about, {"confidence": arguments.confidence, "basis": basis, "against": list(arguments.against)}


def _basis(home: Home, text: str) -> dict[str, Any]:
    """`ID`, `ID:POST`, `ID:POST@0:12-0:30` as what an annotation can be about."""
    match = _BASIS.fullmatch(text)
    if match is None:
        raise UsageError("an exhibit like 9k2mv7qd, 9k2mv7qd:POST or 9k2mv7qd@0:12-0:30", repr(text), "Give it so.")
    return about_of(home, match["id"], match["post"], None, match["from"], match["to"], None).detail()


_MAKERS: dict[str, Callable[[Home, Signer, Any], Made]] = {
    "time": _time, "translate": _translate, "sensitivity": _sensitivity, "review": _review, "author": _author,
    "incident": _incident, "conclude": _conclude,
}  # fmt: skip
COMMANDS = tuple(_MAKERS)
