"""Fields of a case: which attributes its incidents have, of which type, and what officials or media claim.

How many people were killed or wounded is never typed as a number: such a count needs the people behind it. What somebody
else claims is kept as a claim, with its source.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from archiver.casework.annotations import record
from archiver.errors import NotFound, UsageError
from archiver.home.home import Home
from archiver.home.ports import Signer
from archiver.text.meant import meant
from storage.ledger import Sealed

TYPES = ("text", "choice", "number", "date", "claim")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,40}")
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,9})?")
_CLAIMED = re.compile(r"([0-9]{1,12})(?:-([0-9]{1,12}))?")
_PEOPLE = frozenset(
    {
        "killed", "dead", "deaths", "wounded", "injured", "victims", "casualties", "people", "persons", "children", "women",
        "men", "detained", "arrested", "missing", "bodies", "civilians", "protesters", "soldiers",
    }
)  # fmt: skip
"""Words in the name of a field that say that it counts people."""


@dataclass(frozen=True)
class Field:
    """An attribute that incidents of a case can have. `choices`: of the type `choice`."""

    name: str
    type: str
    about: str
    choices: tuple[str, ...] = ()
    event: int | None = None
    """The event that defines it; None: every case has it."""


@dataclass(frozen=True)
class Claim:
    """A number that officials or media state. `number`: `14`, or `14-20`; `source`: who says so, and where."""

    name: str
    number: str
    source: str


EVERY_CASE = {
    one.name: one
    for one in (
        Field("weapon", "text", "weapon that was used"),
        Field("unit", "text", "military or police unit"),
        Field("killed", "claim", "people killed, as somebody claims"),
        Field("wounded", "claim", "people wounded, as somebody claims"),
        Field("detained", "claim", "people detained, as somebody claims"),
    )
}


def fields_of(home: Home, case: str) -> dict[str, Field]:
    """Return the fields of a case by name, as they were defined last. Raises `NotFound`."""
    home.require_case(case)
    found = dict(EVERY_CASE)
    for body in home.catalog.standing("field"):
        detail = body["detail"]
        if detail["about"].get("case") == case:
            choices = tuple(detail.get("choices", ()))
            found[detail["name"]] = Field(detail["name"], detail["type"], detail["text"], choices, body["seq"])
    return found


def define_field(home: Home, signer: Signer, case: str, one: Field) -> Sealed:
    """Sign a field of a case, or change one. Raises `NotFound`, `UsageError`, `LedgerError`."""
    home.require_case(case)
    if not _NAME.fullmatch(one.name):
        raise UsageError("a name of lowercase letters, digits and dashes", repr(one.name), "Choose another.")
    if one.type not in TYPES:
        raise UsageError(f"one of {', '.join(TYPES)}", repr(one.type), "Choose one.")
    if one.type == "number" and _PEOPLE & set(one.name.split("-")):
        raise UsageError(
            "a number that does not count people",
            repr(one.name),
            "A count of people is never typed. For what officials or media state, define it with --type claim.",
        )
    if (one.type == "choice") != bool(one.choices):
        raise UsageError("--choice with --type choice", f"type {one.type}", "Give the choices, each with --choice.")
    if one.name in EVERY_CASE and one.type != EVERY_CASE[one.name].type and EVERY_CASE[one.name].type == "claim":
        raise UsageError(f"{one.name} as a claim", f"type {one.type}", "Leave it; every case has it.")
    detail: dict[str, Any] = {"name": one.name, "type": one.type}
    if one.choices:
        detail["choices"] = list(one.choices)
    return record(home, signer, "field", {"case": case}, one.about, detail)


def checked_attributes(home: Home, case: str, given: Mapping[str, str]) -> dict[str, str]:
    """Return attributes of an incident, each by the type of its field. Raises `NotFound`, `UsageError`."""
    known = fields_of(home, case)
    return {name: _checked(_field(known, case, name), value.strip()) for name, value in given.items()}


def checked_claim(home: Home, case: str, claim: Claim) -> dict[str, str]:
    """Return a claim as events hold it. Raises `NotFound`, `UsageError`."""
    known = fields_of(home, case)
    if _field(known, case, claim.name).type != "claim":
        raise UsageError("a field of the type claim", repr(claim.name), f"Set it with --set {claim.name}=VALUE.")
    if not claim.source.strip():
        raise UsageError("--source with a claim", "none", "Say who states the number, and where.")
    match = _CLAIMED.fullmatch(claim.number)
    if match is None or (match[2] is not None and int(match[2]) < int(match[1])):
        raise UsageError("a number like 14 or 14-20", repr(claim.number), "Give it in that form.")
    return {"name": claim.name, "number": claim.number, "source": claim.source.strip()}


def _field(known: Mapping[str, Field], case: str, name: str) -> Field:
    if name not in known:
        guess = meant(name, known).strip()
        raise NotFound(
            f"a field {name!r} of the case {case}",
            f"fields: {', '.join(known)}",
            guess or f"Define it: archiver case field {case} {name} --type text WHAT",
        )
    return known[name]


def _checked(one: Field, value: str) -> str:
    if one.type == "claim":
        raise UsageError(
            f"{one.name} with its source", "a bare value", f"archiver incident … --claim {one.name}=N --source WHO"
        )
    fits = {
        "text": bool(value),
        "choice": value in one.choices,
        "number": _NUMBER.fullmatch(value) is not None,
        "date": _is_day(value),
    }[one.type]
    if not fits:
        wanted = {"choice": f"one of {', '.join(one.choices)}", "number": "a number", "date": "a day like 2022-01-05"}
        raise UsageError(f"{one.name} as {wanted.get(one.type, 'some words')}", repr(value), "Give it in that form.")
    return value


def _is_day(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False
