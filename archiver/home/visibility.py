"""What is kept from view, and the words said about it."""

from __future__ import annotations

from typing import Any

from archiver.home.home import Home

LEGAL_ROUTE = """\
This is quarantined: it is in no search, picture, copy or package, and every view of it is a signed event. Material that
shows the sexual abuse of children may not be held in most countries, not even as evidence, and has to be reported: to the
police, to your country's hotline (inhope.org lists them), or by your counsel. Do not send it, copy it or look at it again.
What must not be kept: archiver dispose ID --basis TEXT, by two people (docs/how-to/storage.md, "What must not be kept")."""

HIDDEN = "(quarantined: not shown)"


def quarantined(home: Home, capture: str) -> list[dict[str, Any]]:
    """List the annotations that quarantine a capture or a part of it."""
    return [
        row for row in home.catalog.annotations(capture) if row["kind"] == "quarantine" and row["retracted"] is None
    ]


def is_hidden(home: Home, capture: str, post: str | None) -> bool:
    """Return whether a post is quarantined, or its capture as a whole."""
    return any(row["post"] is None or row["post"] == post for row in quarantined(home, capture))
