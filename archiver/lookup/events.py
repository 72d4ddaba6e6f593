"""Events that concern a capture or a case, read a few at a time by the catalog's index."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from archiver.home.home import Home
from storage.catalog_find import events_concerning

AT_ONCE = 500


def events_about(home: Home, what: str) -> Iterator[dict[str, Any]]:
    """Yield the bodies of the events about a capture, or a case with its captures, in the ledger's order.

    Raises `NotFound`, `UsageError`, `CatalogError`.
    """
    case = what if what in home.case_recipients() else None
    captures = () if case is not None else tuple(home.captures_named(what))
    last = -1
    while found := events_concerning(home.catalog, captures, case, AT_ONCE, last):
        for text in found:
            body = json.loads(text)
            last = body["seq"]
            yield body
