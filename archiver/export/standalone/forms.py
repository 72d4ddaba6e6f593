"""What data/package.json says, each thing in its own form."""

from __future__ import annotations

import re
from typing import Any

from .words import first, is_day, is_moment, missing_if, tampered_if

SAID = {
    "name": r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}",
    "software": r"archiver/[A-Za-z0-9][A-Za-z0-9.+-]{0,40}",
}
"""What data/package.json says in words, and what these look like: the WACZ and bag-info.txt repeat them."""
TABLES = 200  # a package has six, and a few more
KEYS = frozenset((
    "captures", "checkpoint", "format", "key", "made", "name", "not_in_package", "profile", "software", "tables",
    "test_routes", "withheld",
))  # fmt: skip


def check_form(package: dict[str, Any], public: bool) -> None:
    """data/package.json says everything that it says in every package, each thing in its own form."""
    good: dict[str, bool] = {}
    absent = sorted(KEYS - {"test_routes"} - set(package))
    missing_if(absent, f"data/package.json says nothing of {first(absent)}")
    for key, form in SAID.items():
        good[key] = isinstance(package[key], str) and bool(re.fullmatch(form, package[key]))
    made, point, tables = package["made"], package["checkpoint"], package["tables"]
    good["made"] = isinstance(made, str) and (is_day(made) or (is_moment(made) and not public))
    good["key"] = isinstance(package["key"], str)
    good["checkpoint"] = isinstance(point, dict) and type(point.get("size")) is int and type(point.get("root")) is str
    good["withheld"] = type(package["withheld"]) is int
    rows = tables if isinstance(tables, list) and len(tables) <= TABLES else [None]
    named = [isinstance(one, dict) and type(one.get("name")) is str and type(one.get("rule")) is str for one in rows]
    good["tables"] = all(named)
    if not public:
        events, ids = package["captures"], [{"event", "id"} <= set(one) for one in _objects(package["captures"])]
        good["captures"] = isinstance(events, list) and len(ids) == len(events) and all(ids)
        good["not_in_package"] = isinstance(package["not_in_package"], list)
    wrong = first(key for key in sorted(good) if not good[key])
    shown_value = repr(package[str(wrong)])[:80] if wrong else ""
    tampered_if(wrong, f"data/package.json states as {wrong} what no archiver writes: {shown_value}")


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
