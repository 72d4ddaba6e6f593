"""Positions that people type: in range, in the order latitude, longitude, and in the zone that was named."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from math import asin, cos, radians, sin, sqrt
from pathlib import Path
from zoneinfo import TZPATH, ZoneInfo, ZoneInfoNotFoundError

from archiver.errors import UsageError

_PAIR = re.compile(r"\s*(-?\d{1,3}(?:\.\d+)?)\s*,\s*(-?\d{1,3}(?:\.\d+)?)\s*")
_FAR = 500
"""Kilometres from every place that is known, from which on a position is compared with the swapped one."""
_EARTH = 6371.0
_SIGNED = re.compile(r"([+-])(\d{2,3})(\d\d)(\d\d)?")


@dataclass(frozen=True)
class SwapDoubt:
    """A position whose two numbers were probably swapped. `near`: what the swapped one is near to; in kilometres."""

    given: str
    swapped: str
    near: str
    given_km: int
    swapped_km: int


def coordinates(text: str | None) -> dict[str, str]:
    """Parse `43.3412,52.8619` into latitude and longitude, kept as the text that was given.

    Raises `UsageError`.
    """
    if text is None:
        return {}
    match = _PAIR.fullmatch(text)
    if match and abs(float(match[1])) <= 90 and abs(float(match[2])) <= 180:
        return {"latitude": match[1], "longitude": match[2]}
    if match and abs(float(match[2])) <= 90 and abs(float(match[1])) <= 180:
        raise UsageError(
            "--at latitude,longitude, with a latitude from -90 to 90",
            repr(text),
            f"If they are swapped, type: --at {match[2]},{match[1]}",
        )
    raise UsageError("--at latitude,longitude", repr(text), "For example --at 43.3412,52.8619")


def zone_name(name: str) -> str:
    """Return the name of a time zone, once it is known to be one. Raises `UsageError`."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError("--zone like Asia/Almaty", repr(name), "Give the name of a time zone.") from error
    return name


def swap_doubt(at: str | None, zone: str | None, known: Iterable[tuple[float, float]] = ()) -> SwapDoubt | None:
    """Return why latitude and longitude were probably swapped; None where nothing says so.

    The position is compared with the town that gives `zone` its name, or without one with the places that are `known`
    already. Raises `UsageError`.
    """
    found = coordinates(at)
    if not found or abs(float(found["longitude"])) > 90:
        return None
    given = (float(found["latitude"]), float(found["longitude"]))
    town = _towns().get(zone) if zone else None
    references = [town] if town is not None else list(known)
    if not references:
        return None
    here = min(_kilometres(given, one) for one in references)
    there = min(_kilometres(given[::-1], one) for one in references)
    if here < _FAR or there * 2 > here:
        return None
    near = str(zone) if town is not None else "places already entered"
    return SwapDoubt(
        f"{found['latitude']},{found['longitude']}", f"{found['longitude']},{found['latitude']}", near,
        round(here), round(there),
    )  # fmt: skip


def _kilometres(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """Return the distance of two positions on a sphere (haversine)."""
    (a, b), (c, d) = (tuple(map(radians, pair)) for pair in (one, other))
    half = sin((c - a) / 2) ** 2 + cos(a) * cos(c) * sin((d - b) / 2) ** 2
    return 2 * _EARTH * asin(sqrt(min(half, 1.0)))


@cache
def _towns() -> dict[str, tuple[float, float]]:
    """Read where the town lies that gives a zone its name, from zone.tab of the time zone database (tz, "zone.tab")."""
    found: dict[str, tuple[float, float]] = {}
    for line in _zone_table().splitlines():
        cells = line.split("\t")
        if not line.startswith("#") and len(cells) >= 3:
            parts = _SIGNED.findall(cells[1])
            if len(parts) == 2:
                latitude, longitude = (_degrees(*part) for part in parts)
                found[cells[2]] = (latitude, longitude)
    return found


def _degrees(sign: str, whole: str, minutes: str, seconds: str) -> float:
    value = int(whole) + int(minutes) / 60 + int(seconds or 0) / 3600
    return -value if sign == "-" else value


def _zone_table() -> str:
    for folder in TZPATH:
        path = Path(folder) / "zone.tab"
        if path.is_file():
            return path.read_text("utf-8")
    packed = resources.files("tzdata.zoneinfo") / "zone.tab"
    return packed.read_text("utf-8") if packed.is_file() else ""
