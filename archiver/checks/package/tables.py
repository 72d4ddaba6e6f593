"""The tables, made again from what was sealed, and their copies for spreadsheets (docs/reference/formats.md, "The tables")."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

from archiver.checks.package.files import Absent, PackagedCapture, PackageFiles, Row, Unknown
from archiver.checks.proofs import Bad

MEDIA = ("video", "round video", "audio", "voice", "photo", "document", "sticker", "captions", "file")
"""Kinds of things in an inventory that are files of a post."""
ALWAYS: dict[str, Row] = {
    "annotations": {"name": "annotations", "rule": "events", "types": ["annotated"]},
    "custody": {"name": "custody", "rule": "events"},
    "files": {"name": "files", "rule": "files"},
    "not-kept": {"name": "not-kept", "rule": "not-kept"},
    "posts": {"name": "posts", "rule": "posts"},
    "withheld": {"name": "withheld", "rule": "withheld"},
}
"""Tables that every package has, as data/package.json describes them: no other rule may stand under their names."""
_POST = (
    "platform", "id", "url", "author_handle", "author_name", "published_at", "published.earliest", "published.latest",
    "published.literal", "title", "text", "lang", "edited", "views", "likes", "replies", "reposts", "outcome",
    "reason", "guessed",
)  # fmt: skip
COLUMNS = {
    "posts": ["item", "capture", "event", "seen", *(f"post.{name}" for name in _POST)],
    "files": ["file", "item", "capture", "key", "kind", "bytes", "sha256", "record"],
    "not-kept": ["capture", "key", "kind", "outcome", "reason"],
    "events": [
        "event", "time", "type", "detail.kind", "detail.outcome", "items", "by", "role", "detail.capture",
        "detail.about.capture", "detail.about.post", "detail.text",
    ],
    "withheld": ["item", "what", "why", "instead"],
}  # fmt: skip
"""Columns of the copy for spreadsheets, by the rule of a table: paths of keys."""


def tables(files: PackageFiles) -> str:
    """Compare every table with what was sealed, where that is in the package, and each CSV file with its table."""
    sealed = SealedTables(files) if files.profile == "full" else None
    names: set[str] = set()
    counted, unknown = 0, []
    for table in files.package["tables"]:
        name, rule = table["name"], table["rule"]
        if name in names or not re.fullmatch("[a-z][a-z0-9-]{0,40}", name):
            raise Bad(f"a table that is named twice, or badly: {name!r}"[:120])
        names.add(name)
        if name in ALWAYS and table != ALWAYS[name]:
            raise Bad(f"the table {name} follows another rule than it does in every package")
        if rule not in COLUMNS or table.keys() - {"name", "rule", "types", "kinds"}:
            unknown.append(name)
            continue
        if name not in ALWAYS and not _is_selection(table):
            raise Bad(f"the table {name} is no selection of events: only they make further tables")
        expected = sealed.lines(table) if sealed is not None and rule != "withheld" else None
        lines = _table(files.folder / "data" / "tables", name, _columns(table), expected)
        if name == "withheld" and lines != (said := files.package["withheld"]):
            raise Bad(f"data/package.json counts {said} things withheld, data/tables/withheld.jsonl has {lines}")
        counted += lines
    if absent := sorted(ALWAYS.keys() - names):
        raise Absent(f"the table {absent[0]} is not named in data/package.json")
    if unknown:
        raise Unknown(
            f"the table {unknown[0]} follows a rule that this check does not know: take that of {files.package['software']}"
        )
    told = "made again from what was sealed" if sealed is not None else "on the signer's word"
    return f"{len(names)} tables, {counted} lines, {told}"


def _is_selection(table: Row) -> bool:
    """Whether a table is one of events, chosen by lists of types and kinds."""
    chosen = [table[key] for key in ("types", "kinds") if key in table]
    return table["rule"] == "events" and all(
        isinstance(some, list) and all(isinstance(one, str) for one in some) for some in chosen
    )


class SealedTables:
    """Lines of the tables as they follow from the captures and events of a full package."""

    def __init__(self, files: PackageFiles) -> None:
        self._files = files
        self._captures = {capture.id: capture for capture in files.captures}
        self._records = {line["id"] for capture in files.captures for line in capture.records}
        self._whole = {
            key: assembly
            for key, assembly in files.assemblies.items()
            if all(piece["record"] in self._records for piece in assembly["pieces"])
        }

    def lines(self, table: Row) -> Iterator[Row]:
        """Return the lines of a table as package.json describes it."""
        rule = table["rule"]
        if rule == "posts":
            return self._posts()
        if rule == "files":
            return self._given_files()
        if rule == "not-kept":
            return self._not_kept()
        return self._events(table)

    # -- items ---------------------------------------------------------------------------------------------------

    @cached_property
    def _items(self) -> dict[str, str]:
        """`PLATFORM:ID` or `received:CAPTURE:KEY` → number of the item, in the order in which they first come."""
        numbers = (f"I{number:04}" for number in count(1))
        found: dict[str, str] = {}
        for capture in self._captures.values():
            for name in (name for name, _ in self._named(capture)):
                if name not in found:
                    found[name] = next(numbers)
        return found

    def _named(self, capture: PackagedCapture) -> Iterator[tuple[str, str]]:
        """Yield (whole name of an item, what an event calls it) of all that a capture observed or received."""
        for post in capture.observed:
            yield f"{post['platform']}:{_called(post)}", _called(post)
        if capture.received:
            for line, _, _ in self._gives(capture):
                yield f"received:{capture.id}:{line['key']}", f"{capture.id}:{line['key']}"

    def _gives(self, capture: PackagedCapture) -> Iterator[tuple[Row, str, int]]:
        """Yield (line of the inventory, SHA-256, bytes) for each file that a capture gives."""
        own = {line["id"]: line for line in capture.records}
        for line in capture.ended:
            kept = line["outcome"] == "captured" or (line["outcome"] == "partial" and line.get("proof") != "wrong kind")
            record = own.get(line.get("record"))
            if not kept or line.get("kind") not in MEDIA or record is None:
                continue
            if not line["key"].startswith(("post ", "file ")):
                continue
            if line.get("assembly"):
                assembly = self._whole.get((capture.id, line["assembly"]))
                if assembly is not None:
                    yield line, assembly["sha256"], assembly["size"]
            elif self._is_payload(record):
                yield line, record["payload_digest"].removeprefix("sha256:"), record["payload_size"]

    def _is_payload(self, record: Row) -> bool:
        """Return whether a record's payload is a file, and in the package."""
        stated = bool(record.get("payload_digest")) and record.get("payload_size") is not None
        there = "refers" not in record or record["refers"]["record"] in self._records
        return record["type"] in ("response", "resource", "revisit") and stated and there

    # -- a table each --------------------------------------------------------------------------------------------

    def _posts(self) -> Iterator[Row]:
        for capture in self._captures.values():
            dates = {line["id"]: line["date"] for line in capture.records}
            for post in capture.observed:
                yield {
                    "capture": capture.id,
                    "event": capture.event,
                    "item": self._items[f"{post['platform']}:{_called(post)}"],
                    "post": post,
                    "seen": dates.get(post.get("record"), capture.manifest["opened"]),
                }

    def _given_files(self) -> Iterator[Row]:
        there = {name.rpartition(".")[0]: name for name in sorted(self._files.names) if name.startswith("data/media/")}
        places: dict[str, str] = {}
        taken: set[str] = set()
        for capture in self._captures.values():
            posts: dict[str, str] = {}
            for post in capture.observed:
                posts.setdefault(_called(post), self._items[f"{post['platform']}:{_called(post)}"])
            for line, sha256, size in self._gives(capture):
                key = line["key"]
                if key.startswith("post "):
                    item = posts.get(key.removeprefix("post ").split(" #", 1)[0])
                else:
                    item = self._items[f"received:{capture.id}:{key}"] if capture.received else None
                if item is None:
                    continue
                if sha256 not in places:
                    first = f"data/media/{item}-{_number(key)}"
                    names = (first if more == 1 else f"{first}-{more}" for more in count(1))
                    stem = next(name for name in names if name not in taken)
                    taken.add(stem)
                    places[sha256] = there.get(stem, f"{stem}.bin")
                told = {"key": key, "kind": line["kind"], "record": line["record"], "bytes": size, "sha256": sha256}
                yield {"file": places[sha256], "item": item, "capture": capture.id, **told}

    def _not_kept(self) -> Iterator[Row]:
        for capture in self._captures.values():
            for line in capture.ended:
                if line["outcome"] != "captured":
                    told = {key: line.get(key) for key in ("key", "kind", "outcome", "reason")}
                    yield {"capture": capture.id, **told}

    def _events(self, table: Row) -> Iterator[Row]:
        types, kinds = table.get("types"), table.get("kinds")
        for seq, event in sorted(self._files.events.items()):
            detail = event["detail"]
            if (types is None or event["type"] in types) and (kinds is None or detail.get("kind") in kinds):
                yield {
                    "by": event["agent"]["id"],
                    "detail": detail,
                    "event": seq,
                    "items": self._about(detail.get("about", detail)),
                    "role": event["agent"].get("role"),
                    "time": event["time"],
                    "type": event["type"],
                }

    def _about(self, about: Row) -> list[str]:
        """Return the items that an event is about, in the order of their numbers."""
        capture = self._captures.get(about.get("capture", ""))
        if capture is None:
            return []
        post = about.get("post")
        found = {self._items[name] for name, called in self._named(capture) if post is None or called == post}
        return sorted(found, key=lambda item: int(item[1:]))


def _called(post: Row) -> str:
    """Return what a post is called in its capture: its id, or its link where it has none."""
    return str(post.get("id") or post.get("url"))


def _number(key: str) -> int:
    """Return which of a post's or giver's files one is, from 1, by its key: `post … #0` and `file 1` are both the first."""
    if match := re.match(r"post .*? #([0-9]+)", key):
        return int(match[1]) + 1
    match = re.match("file ([0-9]+)", key)
    return int(match[1]) if match else 1


# -- the files -----------------------------------------------------------------------------------------------------


def _columns(table: Row) -> list[str]:
    """Return the columns of a table's copy for spreadsheets; one chosen by kinds also has the event that a line is about."""
    named = COLUMNS[table["rule"]]
    if "kinds" not in table:
        return named
    return [
        one for column in named for one in ([column, "detail.about.event"] if column.endswith(".post") else [column])
    ]


def _table(folder: Path, name: str, columns: list[str], expected: Iterator[Row] | None) -> int:
    """Compare both files of a table line by line, however long they are; return the number of lines."""
    for ending in ("jsonl", "csv"):
        if not (folder / f"{name}.{ending}").is_file():
            raise Absent(f"data/tables/{name}.{ending} is not there")
    lines = 0
    with open(folder / f"{name}.jsonl", "rb") as table, open(folder / f"{name}.csv", "rb") as sheet:
        head = "\ufeff" + csv_line(columns)
        if sheet.read(len(head.encode())) != head.encode():
            raise Bad(f"data/tables/{name}.csv begins otherwise than its table")
        for lines, raw in enumerate(table, 1):
            where = f"data/tables/{name}.jsonl line {lines}"
            row = parsed(raw, where)
            if expected is not None and (again := next(expected, None)) != row:
                raise Bad(f"{where} says something else than was sealed")
            if expected is not None and f"{in_one_spelling(again)}\n".encode() != raw:
                raise Bad(f"{where} says something else than was sealed")  # true and 1 are equal, and 1 and 1.0
            text = csv_line(cell(_at(row, path)) for path in columns).encode()
            if sheet.read(len(text)) != text:
                raise Bad(f"data/tables/{name}.csv says something else than line {lines} of its table")
        if sheet.read(1):
            raise Bad(f"data/tables/{name}.csv goes on behind its table")
    if expected is not None and next(expected, None) is not None:
        raise Bad(f"data/tables/{name}.jsonl ends before what was sealed")
    return lines


def parsed(raw: bytes, where: str) -> Row:
    """Return a line of a table. Raises `Bad` where it is written otherwise than tables are."""

    def once(pairs: list[tuple[str, Any]]) -> Row:
        if len(dict(pairs)) != len(pairs):
            raise Bad(f"{where} has a key twice")
        return dict(pairs)

    value = json.loads(raw, object_pairs_hook=once)
    if not isinstance(value, dict) or f"{in_one_spelling(value)}\n".encode() != raw:
        raise Bad(f"{where} is written in another way than tables are")
    return value


def in_one_spelling(value: Any) -> str:
    """Return a value as tables spell it: canonical JSON, with lone surrogates as codes and numbers as they were sealed."""
    return _coded(json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")))


def _coded(text: str) -> str:
    return re.sub("[\ud800-\udfff]", lambda match: f"\\u{ord(match[0]):04x}", text)


def _at(row: Row, path: str) -> Any:
    """Return what stands at a path of keys, joined by dots; None where nothing does."""
    value: Any = row
    for key in path.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def csv_line(cells: Iterable[str]) -> str:
    """Return a row for spreadsheets: every cell in double quotes, CR LF behind it."""
    doubled = (one.replace('"', '""') for one in cells)
    return ",".join(f'"{one}"' for one in doubled) + "\r\n"


_STARTERS = frozenset("=+-@＝＋－＠")
_SEPARATORS = frozenset(";,|\t\r\n")
_UNSEEN = re.compile("[\\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def cell(value: Any) -> str:
    """Return a value as a cell that no spreadsheet runs as a formula, whichever separator it takes."""
    if value is None:
        return ""
    text = _coded((value if isinstance(value, str) else in_one_spelling(value)).replace("\x00", "\\x00"))
    if re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", text) or not _STARTERS.intersection(text):
        return text
    out, begins = [], True
    for letter in text:
        if letter in _STARTERS and begins:
            out.append("'")
        out.append(letter)
        begins = letter in _SEPARATORS or (begins and _UNSEEN.match(letter) is not None)
    return "".join(out)
