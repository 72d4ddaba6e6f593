"""`archiver custody`: what was done with a capture or case, in order, by whom, with its proof. `archiver disclose`: to whom it went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archiver.home.cases import named_captures
from archiver.home.home import Home

if TYPE_CHECKING:
    pass

EXCULPATORY = "exculpatory"
"""The tag by which something that speaks for an accused person is marked."""


def _events(home: Home, what: str) -> list[dict[str, Any]]:
    every = home.catalog.all_bodies()
    cases = {row["name"] for row in home.catalog.cases()}
    if what in cases:
        captures = {row["id"] for row in home.catalog.captures(what)}
        case: str | None = what
    else:
        captures, case = set(named_captures(home, what)), None
    return [body for body in every if _concerns(body["detail"], captures, case)]


def _concerns(detail: dict[str, Any], captures: set[str], case: str | None) -> bool:
    about = detail.get("about", {})
    named = {detail.get("capture"), about.get("capture"), *detail.get("captures", [])}
    if named & captures:
        return True
    return case is not None and case in (detail.get("case"), detail.get("name"), about.get("case"))


def described(body: dict[str, Any]) -> str:
    """The event in a few words."""
    detail = body["detail"]
    kind = detail.get("kind") or detail.get("outcome") or detail.get("how") or detail.get("profile") or ""
    about = detail.get("capture") or detail.get("about", {}).get("capture") or detail.get("package") or ""
    basis = detail.get("basis") if body["type"] == "disclosed" else None
    words = " ".join(str(detail.get("text") or basis or "").split())[:60]
    return "  ".join(part for part in (str(kind), str(about), words) if part)
