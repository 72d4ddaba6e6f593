"""Places that people entered, as a map or a spreadsheet takes them: GeoJSON (RFC 7946), KML 2.2, CSV."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from xml.sax.saxutils import escape

from archiver.home.home import Home
from archiver.home.visibility import is_hidden
from archiver.text.cells import csv_bytes
from archiver.text.plain import harmless

COLUMNS = (
    "event", "whose", "place", "latitude", "longitude", "zone", "case", "incident", "capture", "post", "said_by", "said_at",
)  # fmt: skip


def places_of(home: Home, case: str, whose: Sequence[str]) -> list[dict[str, Any]]:
    """List the places of a case with their coordinates, oldest first; `whose`: `event`, `camera`, `named`.

    Those of quarantined posts and captures are left out. Raises `NotFound`, `CatalogError`.
    """
    home.require_case(case)
    marks = ",".join("?" for _ in whose)
    rows = home.catalog.select(
        "SELECT p.* FROM place p WHERE p.latitude IS NOT NULL AND p.longitude IS NOT NULL "
        f'AND p.whose IN ({marks}) AND (p."case"=? OR p.capture IN (SELECT m.capture FROM case_captures m WHERE m."case"=?)) '
        "ORDER BY p.seq",
        (*whose, case, case),
    )
    return [
        {"event": row["seq"], **{key: row[key] for key in COLUMNS[1:]}}
        for row in rows
        if row["capture"] is None or not is_hidden(home, row["capture"], row["post"])
    ]


def known_positions(home: Home, limit: int = 200) -> list[tuple[float, float]]:
    """List positions that were entered last, in all cases. Raises `CatalogError`."""
    rows = home.catalog.select(
        "SELECT latitude, longitude FROM place WHERE latitude IS NOT NULL AND longitude IS NOT NULL "
        "ORDER BY seq DESC LIMIT ?",
        (limit,),
    )
    return [(row["latitude"], row["longitude"]) for row in rows]


def as_geojson(places: Iterable[dict[str, Any]]) -> str:
    """Write places as a FeatureCollection; positions are longitude, latitude (RFC 7946, section 3.1.1)."""
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [one["longitude"], one["latitude"]]},
            "properties": {key: one[key] for key in COLUMNS if key not in ("latitude", "longitude")},
        }
        for one in places
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False, indent=1) + "\n"


def as_kml(places: Iterable[dict[str, Any]], name: str) -> str:
    """Write places as KML 2.2 (OGC 07-147r2): a Placemark each."""
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            '<kml xmlns="http://www.opengis.net/kml/2.2"><Document>',
            f"<name>{_xml(name)}</name>",
            *(line for one in places for line in _placemark(one)),
            "</Document></kml>\n",
        ]
    )


def _placemark(one: dict[str, Any]) -> Iterator[str]:
    yield "<Placemark>"
    yield f"<name>{_xml(one['place'] or one['incident'] or '')}</name>"
    yield "<ExtendedData>"
    for key in COLUMNS:
        if key not in ("place", "latitude", "longitude") and one[key] is not None:
            yield f'<Data name="{key}"><value>{_xml(str(one[key]))}</value></Data>'
    yield "</ExtendedData>"
    yield f"<Point><coordinates>{one['longitude']},{one['latitude']}</coordinates></Point>"
    yield "</Placemark>"


def _xml(text: str) -> str:
    """Escape text for XML, which has no control characters."""
    return escape(harmless(text))


def as_csv(places: Iterable[dict[str, Any]]) -> bytes:
    """Write places for spreadsheets, which run no cell of them as a formula."""
    return csv_bytes(COLUMNS, ([one[key] for key in COLUMNS] for one in places))
