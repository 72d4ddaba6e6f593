"""`archiver time`, `translate`, `sensitivity`, `review`, `author`, `incident`, `conclude`: what analysts and reviewers add."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from archiver.casework import analysis as library
from archiver.casework.annotations import About, about_of
from archiver.cli.arguments import moment
from archiver.home.home import Home
from archiver.home.ports import Signer
from storage.ledger import Sealed

if TYPE_CHECKING:
    from archiver.cli.context import Context


def analysis(context: Context, home: Home) -> int:
    """Sign what one of these commands says. Raises `UsageError`, `NotFound`, `LedgerError`."""
    signer = context.signer(home)
    sealed = _MAKERS[context.arguments.command](home, signer, context.arguments)
    kind, author = sealed.body["detail"]["kind"], signer.author
    context.console.say(f"{kind} signed by {author.pseudonym} ({author.role}) as event {sealed.seq}")
    context.console.data({"event": sealed.seq, **sealed.body["detail"]})
    return 0


def _about(home: Home, arguments: Any) -> About:
    return about_of(home, arguments.level_id, arguments.post, arguments.attachment)


def _range(arguments: Any) -> library.TimeRange | None:
    since = moment(arguments.since, "--since")
    if since is None:
        return None
    until = moment(arguments.until, "--until")
    given = (arguments.since,) if until is None else (arguments.since, arguments.until)
    return library.TimeRange(since, until or since, given)


def _time(home: Home, signer: Signer, arguments: Any) -> Sealed:
    when = _range(arguments)
    assert when is not None  # the parser asks for --since
    return library.state_time(home, signer, _about(home, arguments), when, " ".join(arguments.words))


def _translate(home: Home, signer: Signer, arguments: Any) -> Sealed:
    translation = library.Translation(arguments.language, arguments.by, arguments.how, arguments.date)
    return library.translate(home, signer, _about(home, arguments), translation, " ".join(arguments.words))


def _sensitivity(home: Home, signer: Signer, arguments: Any) -> Sealed:
    about = _about(home, arguments)
    return library.rate_sensitivity(home, signer, about, arguments.level, " ".join(arguments.words))


def _review(home: Home, signer: Signer, arguments: Any) -> Sealed:
    named = arguments.level_id
    is_event = named.isdecimal() and len(named) < 8  # shorter than the end of any capture's id
    subject = int(named) if is_event else _about(home, arguments)
    return library.review(home, signer, subject, arguments.decision, " ".join(arguments.words))


def _author(home: Home, signer: Signer, arguments: Any) -> Sealed:
    words = " ".join(arguments.words)
    return library.mark_author(
        home, signer, arguments.platform, arguments.handle, arguments.mark, words, case=arguments.case
    )


def _incident(home: Home, signer: Signer, arguments: Any) -> Sealed:
    facts = library.IncidentFacts(
        arguments.title, arguments.place, arguments.at, arguments.zone, _range(arguments), tuple(arguments.add)
    )
    return library.add_to_incident(home, signer, arguments.case, arguments.incident, facts)


def _conclude(home: Home, signer: Signer, arguments: Any) -> Sealed:
    return library.conclude(
        home, signer, arguments.case, arguments.incident, " ".join(arguments.words),
        confidence=arguments.confidence, basis=tuple(arguments.basis), against=tuple(arguments.against),
    )  # fmt: skip


_MAKERS: dict[str, Callable[[Home, Signer, Any], Sealed]] = {
    "time": _time, "translate": _translate, "sensitivity": _sensitivity, "review": _review, "author": _author,
    "incident": _incident, "conclude": _conclude,
}  # fmt: skip
