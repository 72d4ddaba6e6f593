"""The catalog's tables: their columns, keys, indexes and full-text search. `catalog_make` makes them.

What a column holds and its unit stand here once; `catalog_views.metadata` and docs/reference/catalog.md say them to people.
`VERSION` stands in the file's `user_version`. A catalog of another version is made again, not altered: what its new
columns hold is in the captures and events.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

VERSION = 7
"""1 to 3 were numbered SQL scripts; they had no views, and a search index that only this program could use."""

END = "||".join(f"substr(id,-{n},1)" for n in range(1, 9))
"""SQL for the last eight letters of a capture's id, the last one first: by an index over it an id is found by its end."""

OUTCOMES = {
    "captured": "kept as it was asked for",
    "partial": "kept in part",
    "unavailable": "the platform says that it is not there",
    "refused": "the platform wants a login, or keeps it private",
    "blocked": "the platform limited or blocked us",
    "failed": "a fault of this program or machine",
    "skipped": "left out, as the options say",
}

UTC_TEXT = "UTC, ISO 8601"


@dataclass(frozen=True)
class Column:
    """A column of a table or view. `about`: what it holds; `unit`: of numbers; times are text in UTC."""

    type: type
    about: str
    unit: str | None = None
    required: bool = False


def text(about: str, required: bool = False) -> Column:
    """Describe a column of text."""
    return Column(str, about, None, required)


def whole(about: str, unit: str | None = None, required: bool = False) -> Column:
    """Describe a column of whole numbers."""
    return Column(int, about, unit, required)


@dataclass(frozen=True)
class Table:
    """A table. `searched`: columns in its full-text index, which is `NAME_fts`; `bulk`: rows come by the thousand.

    `by_value`: indexes over what SQL computes of a row, by the end of their names.
    """

    about: str
    columns: Mapping[str, Column]
    key: str | tuple[str, ...]
    indexes: tuple[tuple[str, ...], ...] = ()
    references: tuple[tuple[str | tuple[str, ...], str, str | tuple[str, ...]], ...] = ()
    searched: tuple[str, ...] = ()
    bulk: bool = False
    by_value: Mapping[str, str] = field(default_factory=dict)


_CAPTURE = text("the capture: captures.id", True)
_EVENT = whole("the event in the ledger: events.seq", required=True)
_SKELETON = text("the words in a simplified Latin form, so that a search finds both scripts of Kazakh")
_TO_CAPTURE = ("capture", "captures", "id")
_TO_EVENT = ("seq", "events", "seq")
_TO_OUTCOME = ("outcome", "outcomes", "outcome")

TABLES: Mapping[str, Table] = {
    "outcomes": Table(
        "The outcomes of a capture, and of anything found in it.",
        {"outcome": text("the word"), "about": text("what it means", True)},
        "outcome",
    ),
    "events": Table(
        "Every event in the ledger.",
        {
            "seq": whole("number in the ledger, from 0"),
            "type": text("captured, annotated, exported, …", True),
            "time": text(f"when it was signed; {UTC_TEXT}", True),
            "agent": text("pseudonym of the person or program that signed it", True),
            "salted_hash": text("SHA-256 of salt and event, hexadecimal, as in the ledger", True),
            "body": text("the event as canonical JSON; empty if it was disposed of"),
        },
        "seq",
        indexes=(("type",),),
    ),
    "cases": Table(
        "Cases of this home.",
        {
            "name": text("name of the case"),
            "created": text(f"when; {UTC_TEXT}", True),
            "recipients": text("age public keys that can open its withheld values, a JSON list", True),
            "seq": _EVENT,
        },
        "name",
    ),
    "captures": Table(
        "Sealed captures: one folder each.",
        {
            "id": text("id of the capture"),
            "seq": _EVENT,
            "run": text("id of the run; a crawl has several captures", True),
            "part": whole("number of the capture in its run, from 1", required=True),
            "folder": text("folder in the home", True),
            "target": text("the link that was asked for"),
            "platform": text("platform of the link"),
            "kind": text("what the link names: post, channel, page, …"),
            "opened": text(f"when it began; {UTC_TEXT}, by this machine's clock", True),
            "closed": text(f"when it ended; {UTC_TEXT}, by this machine's clock", True),
            "outcome": text("how it ended: outcomes.outcome", True),
            "reason": text("why it is not captured"),
            "posts": whole("how many posts were read in it", "posts", True),
            "manifest_sha256": text("SHA-256 of its manifest, hexadecimal", True),
            "test_routes": whole("1: made by tests or the demo; not evidence", required=True),
        },
        "id",
        indexes=(("run", "part"), ("target",), ("seq",)),
        references=(_TO_EVENT, _TO_OUTCOME),
        by_value={"end": END},
    ),
    "case_captures": Table(
        "Which captures belong to which case.",
        {"case": text("cases.name"), "capture": _CAPTURE, "seq": _EVENT},
        ("case", "capture"),
        indexes=(("capture",),),
        references=(("case", "cases", "name"), _TO_CAPTURE),
    ),
    "records": Table(
        "WARC records of the captures.",
        {
            "capture": _CAPTURE,
            "n": whole("line of records.jsonl, from 0"),
            "id": text("WARC-Record-ID", True),
            "type": text("WARC-Type", True),
            "uri": text("WARC-Target-URI"),
            "date": text(f"WARC-Date; {UTC_TEXT}", True),
            "file": text("WARC file in the capture's folder", True),
            "offset": whole("where the record begins in the file", "bytes", True),
            "length": whole("length of the compressed record", "bytes", True),
            "block_digest": text("digest of the record's block"),
            "payload_digest": text("digest of the body, transfer coding removed"),
            "payload_size": whole("size of that body", "bytes"),
            "status": whole("HTTP status"),
            "content_type": text("media type as the server stated it"),
            "truncated": text("why the record is not whole"),
            "lender": text("capture that holds the same body, if this record only refers to it"),
            "lender_record": text("the record in that capture"),
        },
        ("capture", "n"),
        indexes=(("uri",), ("payload_digest",), ("capture", "id")),
        references=(_TO_CAPTURE,),
    ),
    "posts": Table(
        "Posts and pages as each capture read them; a post has one row for each time it was seen.",
        {
            "capture": _CAPTURE,
            "n": whole("line of posts.jsonl, from 0"),
            "platform": text("platform", True),
            "id": text("id of the post on the platform"),
            "url": text("link of the post"),
            "author_handle": text("handle of the author"),
            "author_name": text("name of the author as shown"),
            "published_at": text(
                f"when it was published, as the platform states; {UTC_TEXT}; empty if only the earliest and latest possible times are known"
            ),
            "published_earliest": text(f"earliest time at which it can have been published; {UTC_TEXT}"),
            "published_latest": text(f"latest time at which it can have been published; {UTC_TEXT}"),
            "seen": text(f"when the response that it was read from arrived; {UTC_TEXT}"),
            "title": text("title"),
            "text": text("words of the post"),
            "lang": text("language as the platform states it"),
            "edited": whole("1: the platform says that it was edited; 0: the platform says that it was not"),
            "views": whole("views as the platform states them", "views"),
            "role": text("target, beside the target (another post on the same page), or captions"),
            "record": text("record that it was read from: records.id"),
            "guessed_published": text(
                "when the program guesses that a page was published, in the page's words; nobody states it"
            ),
            "guessed_author": text("who the program guesses wrote a page, in the page's spelling; nobody states it"),
            "guessed_title": text("title that the program guesses for a page; nobody states it"),
            "guessed_text": text("words that the program guesses are the article of a page, where the page marks none"),
            "line": text("the whole line of posts.jsonl, JSON", True),
            "skeleton": _SKELETON,
        },
        ("capture", "n"),
        indexes=(("id", "platform", "seen"), ("url",), ("author_handle",), ("published_earliest",)),
        references=(_TO_CAPTURE,),
        searched=("title", "text", "author_name", "author_handle", "guessed_author", "guessed_text", "skeleton"),
        bulk=True,
    ),
    "attachments": Table(
        "Files that posts name, as the platform states them. The view `file` says which of them are held.",
        {
            "capture": _CAPTURE,
            "post": whole("posts.n"),
            "n": whole("number of the file in the post, from 0"),
            "kind": text("photo, video, …", True),
            "url": text("link of the file"),
            "file_name": text("name of the file as stated"),
            "duration": Column(float, "duration as stated", "seconds"),
            "size": whole("size as stated", "bytes"),
        },
        ("capture", "post", "n"),
        indexes=(("kind",),),
        references=((("capture", "post"), "posts", ("capture", "n")),),
    ),
    "inventory": Table(
        "Everything that a capture found: one line for its discovery, one for its outcome.",
        {
            "capture": _CAPTURE,
            "n": whole("line of inventory.jsonl, from 0"),
            "key": text("name of the thing in the capture"),
            "kind": text("page, post, photo, census, …"),
            "outcome": text("how it ended: outcomes.outcome; empty if the line does not say how it ended"),
            "reason": text("why it is not captured"),
            "post": whole("posts.n, for a file of a post"),
            "attachment": whole(
                "attachments.n, for a file of a post; for a received file its number in the capture, from 0"
            ),
            "record": text("record of the file, or of the list of its pieces: records.id"),
            "sha256": text("SHA-256 of the file, hexadecimal"),
            "size": whole("size of the file", "bytes"),
            "media_type": text("media type of the file as the server stated it"),
            "line": text("the whole line of inventory.jsonl, JSON", True),
        },
        ("capture", "n"),
        indexes=(("outcome",), ("capture", "key")),
        references=(_TO_CAPTURE, _TO_OUTCOME),
    ),
    "annotations": Table(
        "What people added: notes, tags, places, times, quarantine and so on.",
        {
            "seq": _EVENT,
            "kind": text("note, tag, place, time, …", True),
            "capture": text("capture that it is about"),
            "post": text("post that it is about: posts.id"),
            "attachment": whole("file of the post that it is about: attachments.n"),
            "segment": text("stretch of time (milliseconds) or part of the picture (percent) that it is about, JSON"),
            "text": text("the words"),
            "body": text("the whole annotation, canonical JSON", True),
            "skeleton": _SKELETON,
            "retracted": whole("the event that retracts it: events.seq; empty if it stands"),
        },
        "seq",
        indexes=(("capture",), ("kind",)),
        references=(_TO_EVENT,),
        searched=("text", "skeleton"),
    ),
    "reassessments": Table(
        "Captures that a later release judged otherwise than they were judged when they were sealed, or as at first again.",
        {
            "seq": _EVENT,
            "capture": _CAPTURE,
            "outcome": text("the later judgement: outcomes.outcome", True),
            "reason": text("why it is not captured"),
            "parser": text("parser, with its version, that read the answer then"),
            "software": text("program, with its version, that judged", True),
        },
        "seq",
        indexes=(("capture",),),
        references=(_TO_EVENT, _TO_CAPTURE, _TO_OUTCOME),
    ),
    "copies": Table(
        "Where the copies of each capture are, as its newest event says.",
        {
            "destination": text("name of the place, as in archiver.toml"),
            "capture": _CAPTURE,
            "seq": _EVENT,
            "objects": text("objects at the destination, with their locks; a JSON list, as in the event", True),
        },
        ("destination", "capture"),
        indexes=(("capture",),),
        references=(_TO_EVENT,),
    ),
    "disposed": Table(
        "Captures that were disposed of. The catalog keeps nothing else about them.",
        {
            "capture": text("id of the former capture"),
            "seq": _EVENT,
            "folder": text("its former folder", True),
            "manifest_sha256": text("SHA-256 of its manifest, hexadecimal", True),
        },
        "capture",
        references=(_TO_EVENT,),
    ),
    "mentions": Table(
        "What events are about: a row for each capture and case that an event names, and for what a watch found.",
        {
            "seq": _EVENT,
            "about": text(
                "a capture: captures.id; a case: case:NAME; of findings of watches a post, a link, or the id of a watch",
                True,
            ),
        },
        ("about", "seq"),
        indexes=(("seq",),),
        references=(_TO_EVENT,),
    ),
    "timestamps": Table(
        "Timestamps of the ledger's checkpoints, as far as the ledger names them.",
        {
            "seq": _EVENT,
            "checkpoint": whole(
                "how many events the stamped checkpoint holds: those with a smaller seq", "events", True
            ),
            "authority": text("who stamped it, as in archiver.toml; opentimestamps for a Bitcoin block", True),
            "states": text(f"time that the authority states; {UTC_TEXT}; empty for a Bitcoin block"),
        },
        "seq",
        indexes=(("checkpoint",), ("authority", "checkpoint")),
        references=(_TO_EVENT,),
    ),
    "lent": Table(
        "Captures that refer to bytes held by another capture.",
        {"capture": text("the capture that refers to them"), "lender": text("the capture that holds them")},
        ("capture", "lender"),
        indexes=(("lender",),),
    ),
}
