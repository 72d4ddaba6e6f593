"""The catalog's views for people, and its description for Datasette.

Views leave out posts that are quarantined. They are made with the tables (`catalog_make`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from storage.catalog_schema import TABLES, UTC_TEXT, Column, text, whole

ABOUT = "Catalog of an archiver home: what its captures and events say. It is made from them and can be rebuilt at any time."


def shown(post: str, capture: str) -> str:
    """Write the condition that neither the post with the id `post` nor its `capture` is quarantined; both are SQL."""
    return (
        f"NOT EXISTS (SELECT 1 FROM annotations q WHERE q.kind='quarantine' AND q.capture={capture} "
        f"AND q.retracted IS NULL AND (q.post IS NULL OR q.post={post}))"
    )


@dataclass(frozen=True)
class View:
    """A view: what it shows, its columns in their order, and its SELECT."""

    about: str
    columns: Mapping[str, Column]
    sql: str


def _as_in(table: str, *names: str) -> dict[str, Column]:
    return {name: TABLES[table].columns[name] for name in names}


_SAID_OF = {
    "seq": TABLES["annotations"].columns["seq"],
    "capture": text("capture that it is about"),
    "post": text("post that it is about: posts.id"),
    "attachment": whole("file of the post that it is about: attachments.n"),
    "segment": text("stretch of time (milliseconds) or part of the picture (percent) that it is about, JSON"),
    "case": text("case of the incident, if it is about an incident"),
    "incident": text("name of the incident, if it is about an incident"),
}
_SAID_OF_SQL = """a.seq, a.capture, a.post, a.attachment, a.segment,
  json_extract(a.body, '$.about.case') AS "case", json_extract(a.body, '$.about.incident') AS incident"""
_SAID_BY = {
    "said_by": text("pseudonym of the person who says so"),
    "said_at": text(f"when that was signed; {UTC_TEXT}"),
}
_SAID_BY_SQL = """e.agent AS said_by, e.time AS said_at
FROM annotations a JOIN events e ON e.seq=a.seq"""

VIEWS: Mapping[str, View] = {
    "post_latest": View(
        "One row for each post, as it was last seen. A post without an id has one row for each time it was seen.",
        {
            **_as_in("posts", "platform", "id", "url", "author_handle", "author_name"),
            **_as_in("posts", "published_earliest", "published_latest", "title", "text", "lang", "edited", "views"),
            **_as_in("posts", "guessed_published", "guessed_author", "guessed_title", "guessed_text"),
            "first_seen": text(f"when it was first seen; {UTC_TEXT}"),
            "last_seen": text(f"when it was last seen; {UTC_TEXT}"),
            "observations": whole("how many times it was seen", "times"),
            **_as_in("posts", "capture", "n", "record"),
        },
        f"""SELECT p.platform, p.id, p.url, p.author_handle, p.author_name,
  p.published_earliest, p.published_latest, p.title, p.text, p.lang, p.edited, p.views,
  p.guessed_published, p.guessed_author, p.guessed_title, p.guessed_text,
  COALESCE((SELECT MIN(o.seen) FROM posts o WHERE o.id=p.id AND o.platform=p.platform), p.seen) AS first_seen,
  p.seen AS last_seen,
  MAX(1, (SELECT COUNT(*) FROM posts o WHERE o.id=p.id AND o.platform=p.platform)) AS observations,
  p.capture, p.n, p.record
FROM posts p
WHERE p.role IS NOT 'captions' AND {shown("p.id", "p.capture")} AND NOT EXISTS (
  SELECT 1 FROM posts o WHERE o.id=p.id AND o.platform=p.platform
  AND (o.seen, o.capture, o.n)>(p.seen, p.capture, p.n) AND o.role IS NOT 'captions' AND {shown("o.id", "o.capture")})""",
    ),
    # The + before j.n: SQLite is to look the key up, not to walk through all later lines.
    "file": View(
        "Files of posts, and received files, that are held in full or in part. For a file that arrived in several "
        "pieces, the record is the list of them (archiver files puts them together).",
        {
            **_as_in("inventory", "capture"),
            "post": text("the post: posts.id; empty for a received file"),
            **_as_in("inventory", "attachment", "key", "kind", "outcome"),
            "path": text("WARC file in the home"),
            "record": text("WARC-Record-ID of the record"),
            "offset": whole("where the record begins in the WARC file", "bytes"),
            "length": whole("length of the compressed record", "bytes"),
            **_as_in("inventory", "sha256", "size", "media_type"),
            "duration": Column(float, "duration as the platform states it", "seconds"),
            "pieces": whole("1: the record lists the pieces of the file; 0: it holds the file"),
        },
        f"""SELECT i.capture, p.id AS post, i.attachment, i.key, i.kind, i.outcome,
  COALESCE(k.folder || '/' || l.file, c.folder || '/' || r.file) AS path,
  COALESCE(l.id, r.id) AS record, COALESCE(l."offset", r."offset") AS "offset", COALESCE(l.length, r.length) AS length,
  i.sha256, i.size, i.media_type, t.duration, r.type='metadata' AS pieces
FROM inventory i JOIN captures c ON c.id=i.capture
  JOIN records r ON r.capture=i.capture AND r.id=i.record
  LEFT JOIN records l ON l.capture=r.lender AND l.id=r.lender_record
  LEFT JOIN captures k ON k.id=l.capture
  LEFT JOIN posts p ON p.capture=i.capture AND p.n=i.post
  LEFT JOIN attachments t ON t.capture=i.capture AND t.post=i.post AND t.n=i.attachment
WHERE i.sha256 IS NOT NULL AND i.outcome IN ('captured', 'partial') AND {shown("p.id", "i.capture")} AND NOT EXISTS (
  SELECT 1 FROM inventory j WHERE j.capture=i.capture AND j.key=i.key AND j.outcome IS NOT NULL AND +j.n>i.n)""",
    ),
    "place": View(
        "Places that people entered: of captures, posts, parts of files, and incidents. Without those that were retracted.",
        {
            **_SAID_OF,
            "place": text("the place in words"),
            "latitude": Column(float, "latitude, WGS 84", "degrees"),
            "longitude": Column(float, "longitude, WGS 84", "degrees"),
            "zone": text("time zone of the place, by its IANA name"),
            "whose": text(
                "event: where it happened; camera: where the camera stood; named: a place that the words name"
            ),
            **_SAID_BY,
        },
        f"""SELECT {_SAID_OF_SQL},
  CASE a.kind WHEN 'place' THEN a.text ELSE json_extract(a.body, '$.place') END AS place,
  CAST(json_extract(a.body, '$.latitude') AS REAL) AS latitude,
  CAST(json_extract(a.body, '$.longitude') AS REAL) AS longitude,
  json_extract(a.body, '$.zone') AS zone,
  CASE a.kind WHEN 'place' THEN COALESCE(json_extract(a.body, '$.whose'), 'camera') ELSE 'event' END AS whose, {_SAID_BY_SQL}
WHERE a.retracted IS NULL AND (a.kind='place' OR (a.kind='incident' AND COALESCE(
  json_extract(a.body, '$.place'), json_extract(a.body, '$.latitude')) IS NOT NULL))""",
    ),
    "moment": View(
        "When people say that something happened: times of captures, posts, parts of files, and incidents. Without those "
        "that were retracted.",
        {
            **_SAID_OF,
            "earliest": text(f"earliest time at which it can have happened; {UTC_TEXT}"),
            "latest": text(f"latest time at which it can have happened; {UTC_TEXT}"),
            "basis": text("how that is known, or the title of the incident"),
            **_SAID_BY,
        },
        f"""SELECT {_SAID_OF_SQL},
  json_extract(a.body, '$.from') AS earliest, json_extract(a.body, '$.to') AS latest, a.text AS basis, {_SAID_BY_SQL}
WHERE a.retracted IS NULL AND a.kind IN ('time', 'incident') AND json_extract(a.body, '$.from') IS NOT NULL""",
    ),
}


def metadata() -> dict[str, Any]:
    """Describe tables, views and columns in the form of Datasette's `metadata.json`."""
    described = {
        name: {
            "description": about,
            "columns": {
                column: f"{one.about} ({one.unit})" if one.unit else one.about for column, one in columns.items()
            },
        }
        for name, about, columns in _every()
    }
    return {"title": "archiver catalog", "databases": {"catalog": {"description": ABOUT, "tables": described}}}


def _every() -> list[tuple[str, str, Mapping[str, Column]]]:
    tables = [(name, table.about, table.columns) for name, table in TABLES.items()]
    return tables + [(name, view.about, view.columns) for name, view in VIEWS.items()]
