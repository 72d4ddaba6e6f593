"""The tables, made again from what was sealed (profile full), and their CSV (docs/reference/formats.md)."""

from __future__ import annotations

import functools
import json
import os
import re
from collections.abc import Iterable, Iterator
from typing import Any

from .canon import line_text, pairs_once
from .records import Assemblies, whole_here
from .sealed import Capture, ended_in
from .words import READ, CannotTell, cannot_tell_if, first, missing_if, tampered_if

MEDIA = {"video", "round video", "audio", "voice", "photo", "document", "sticker", "captions", "file"}
ENDINGS = (
    "3gp|7z|aac|amr|avi|avif|bin|csv|doc|docx|eml|flac|gif|gz|heic|heif|jpg|json|m4a|m4v|mkv|mov|mp3|mp4|mpg|odp|ods|odt|"
    "oga|ogg|ogv|opus|pdf|png|ppt|pptx|rar|rtf|srt|tar|tif|ts|txt|vcf|vtt|wacz|warc|wav|webm|webp|wma|wmv|xls|xlsx|zip"
)  # nothing that a double-click runs
COLUMNS = {
    "posts": (
        "item", "capture", "event", "seen", "post.platform", "post.id", "post.url", "post.author_handle", "post.author_name",
        "post.published_at", "post.published.earliest", "post.published.latest", "post.published.literal", "post.title",
        "post.text", "post.lang", "post.edited", "post.views", "post.likes", "post.replies", "post.reposts", "post.outcome",
        "post.reason", "post.guessed",
    ),
    "files": ("file", "item", "capture", "key", "kind", "bytes", "sha256", "record"),
    "not-kept": ("capture", "key", "kind", "outcome", "reason"),
    "events": (
        "event", "time", "type", "detail.kind", "detail.outcome", "items", "by", "role", "detail.capture",
        "detail.about.capture", "detail.about.post", "detail.text",
    ),
    "withheld": ("item", "what", "why", "instead"),
}  # fmt: skip
Row = dict[str, Any]
ALWAYS: dict[str, Row] = {
    **{name: {"name": name, "rule": name} for name in ("posts", "files", "not-kept", "withheld")},
    "custody": {"name": "custody", "rule": "events"},
    "annotations": {"name": "annotations", "rule": "events", "types": ["annotated"]},
}


def post_name(line: Row) -> str:
    """By what a post is called in its capture: its id, or its link where it has none."""
    return str(line.get("id") or line.get("url"))


def observations(capture: Capture) -> list[Row]:
    return [line for line in capture.posts if line.get("role") != "captions"]


class Sealed:
    """What the tables are made from: captures, their items, the events."""

    def __init__(
        self,
        folder: str,
        captures: list[Capture],
        assemblies: Assemblies,
        places: dict[str, Any],
        events: dict[int, Row],
    ) -> None:
        self.folder, self.captures, self.events = folder, captures, events
        self.assemblies, self.places = assemblies, places
        self.by_id = {capture.id: capture for capture in captures}
        self.items: dict[str, str] = {}
        for capture in captures:
            for line in observations(capture):
                self._item(f"{line['platform']}:{post_name(line)}")
            if capture.received:
                for line, *_ in self.given(capture):
                    self._item(f"received:{capture.id}:{line['key']}")

    def _item(self, key: str) -> str:
        return self.items.setdefault(key, f"I{len(self.items) + 1:04d}")

    def given(self, capture: Capture) -> Iterator[tuple[Row, str, int]]:
        """(line of the inventory, SHA-256, bytes) of each file that a capture gives."""
        records = {line["id"]: line for line in capture.records}
        for line in ended_in(capture.inventory):
            kept = line["outcome"] == "captured" or (line["outcome"] == "partial" and line.get("proof") != "wrong kind")
            if (
                line.get("kind") not in MEDIA
                or not kept
                or line.get("record") not in records
                or not re.match("post |file ", line["key"])
            ):
                continue
            record = records[line["record"]]
            if line.get("assembly"):
                assembly = self.assemblies.get((capture.id, line["assembly"]))
                if assembly is not None and whole_here(assembly, self.places):
                    yield line, assembly["sha256"], assembly["size"]
            elif (
                record["type"] in ("response", "resource", "revisit")
                and record.get("payload_digest")
                and record.get("payload_size") is not None
            ):
                here = "refers" not in record or record["refers"]["record"] in self.places
                if here:
                    yield line, record["payload_digest"][len("sha256:") :], record["payload_size"]

    @functools.lru_cache(256)
    def named_posts(self, capture_id: str) -> dict[str, str]:
        """{what a post is called in a capture: its item}, the first one of that name."""
        found: dict[str, str] = {}
        for line in observations(self.by_id[capture_id]):
            found.setdefault(post_name(line), self.items[f"{line['platform']}:{post_name(line)}"])
        return found

    @functools.lru_cache(256)
    def items_of(self, capture_id: str) -> tuple[tuple[str, str], ...]:
        """(item, what its post or file is called) of all items of a capture."""
        capture = self.by_id[capture_id]
        found = {self.items[f"{line['platform']}:{post_name(line)}"]: post_name(line) for line in observations(capture)}
        if capture.received:
            for line, *_ in self.given(capture):
                found[self.items[f"received:{capture_id}:{line['key']}"]] = f"{capture_id}:{line['key']}"
        return tuple(found.items())

    # -- one table each ------------------------------------------------------------------------------------

    def posts(self) -> Iterator[Row]:
        for capture in self.captures:
            dates = {line["id"]: line["date"] for line in capture.records}
            for line in observations(capture):
                seen = dates.get(line.get("record"), capture.manifest["opened"])
                item = self.items[f"{line['platform']}:{post_name(line)}"]
                yield {"item": item, "capture": capture.id, "event": capture.seq, "seen": seen, "post": line}

    def files(self, names: set[str]) -> Iterator[Row]:
        """`names`: the files of the package, which decide on endings."""
        placed: dict[str, str] = {}
        stems: set[str] = set()
        there = {name.rpartition(".")[0]: name for name in sorted(names) if name.startswith("data/media/")}
        for capture in self.captures:
            for line, sha256, size in self.given(capture):
                item = self._item_of(capture, line["key"])
                if item is None:
                    continue
                if sha256 not in placed:
                    stem = wanted = f"data/media/{item}-{attachment(line['key']) + 1}"
                    more = 2
                    while stem in stems:
                        stem, more = f"{wanted}-{more}", more + 1
                    stems.add(stem)
                    placed[sha256] = there.get(stem, f"{stem}.bin")
                yield {
                    "file": placed[sha256], "item": item, "capture": capture.id, "key": line["key"], "kind": line["kind"],
                    "record": line["record"], "bytes": size, "sha256": sha256,
                }  # fmt: skip

    def _item_of(self, capture: Capture, key: str) -> str | None:
        if key.startswith("post "):
            return self.named_posts(capture.id).get(key[len("post ") :].partition(" #")[0])
        return self.items[f"received:{capture.id}:{key}"] if capture.received else None

    def not_kept(self) -> Iterator[Row]:
        for capture in self.captures:
            for line in ended_in(capture.inventory):
                if line["outcome"] != "captured":
                    yield {
                        "capture": capture.id,
                        **{key: line.get(key) for key in ("key", "kind", "outcome", "reason")},
                    }

    def told(self, types: list[str] | None, kinds: list[str] | None) -> Iterator[Row]:
        for seq in sorted(self.events):
            event = self.events[seq]
            detail, agent = event["detail"], event["agent"]
            if (types is None or event["type"] in types) and (kinds is None or detail.get("kind") in kinds):
                yield {
                    "event": seq, "time": event["time"], "type": event["type"], "by": agent["id"], "role": agent.get("role"),
                    "detail": detail, "items": self._about(detail.get("about", detail)),
                }  # fmt: skip

    def _about(self, about: Row) -> list[str]:
        if about.get("capture") not in self.by_id:
            return []
        post = about.get("post")
        items = [item for item, name in self.items_of(about["capture"]) if post is None or name == post]
        return sorted(items, key=lambda item: int(item[1:]))

    def table(self, one: Row, names: set[str]) -> Iterable[Row]:
        """The lines of a table as package.json describes it."""
        rule = one["rule"]
        if rule == "events":
            return self.told(one.get("types"), one.get("kinds"))
        return {"posts": self.posts, "files": lambda: self.files(names), "not-kept": self.not_kept}[rule]()


def attachment(key: str) -> int:
    """Which attachment a file is, or is part of, by its key: counted from 0."""
    number = re.match(r"(?:post .*? #|file )([0-9]+)", key)
    return int(number[1]) - key.startswith("file ") if number else 0


# -- CSV ----------------------------------------------------------------------------------------------------

_BLANK = "\\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"
# Blanks that are separators themselves begin anew: so no text takes more than a few looks at each of its letters.
_FORMULA = re.compile(f"((?:^|[;,|\t\r\n])(?:(?![\t\r\n])[{_BLANK}])*)(?=[=+\\-@\uff1d\uff0b\uff0d\uff20])")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


def cell(value: Any) -> str:
    """A value as a cell that no spreadsheet runs as a formula, whichever separator it takes."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else line_text(value)
    text = re.sub("[\ud800-\udfff]", lambda match: f"\\u{ord(match[0]):04x}", text.replace("\0", "\\x00"))
    return text if _NUMBER.fullmatch(text) else _FORMULA.sub("\\1'", text)


def csv_line(cells: Iterable[str]) -> str:
    return ",".join('"' + one.replace('"', '""') + '"' for one in cells) + "\r\n"


def value_at(row: Row, path: str) -> Any:
    value: Any = row
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def check_tables(folder: str, package: Row, names: set[str], sealed: Sealed | None) -> str:
    """Each table line by line against what was sealed, where that is here; each CSV file against its table."""
    seen: set[str] = set()
    counted, unknown = 0, []
    for one in package["tables"]:
        name, rule = one["name"], one["rule"]
        tampered_if(
            name in seen or not re.fullmatch("[a-z][a-z0-9-]{0,40}", name),
            f"a table that is named twice, or badly: {name!r}",
        )
        seen.add(name)
        tampered_if(
            one != ALWAYS.get(name, one), f"the table {name} follows another rule than it does in every package"
        )
        if rule not in COLUMNS or set(one) - {"name", "rule", "types", "kinds"}:
            unknown.append(name)
            continue
        chosen = [one[key] for key in ("types", "kinds") if key in one]
        listed = all(isinstance(some, list) and all(isinstance(word, str) for word in some) for some in chosen)
        tampered_if(
            name not in ALWAYS and (rule != "events" or not listed),
            f"the table {name} is no selection of events: only they make further tables",
        )
        expected = sealed.table(one, names) if sealed is not None and rule != "withheld" else None
        columns = COLUMNS[rule]
        if "kinds" in one:  # such a table also says which event a line is about
            columns = (*columns[:-1], "detail.about.event", columns[-1])
        lines = check_table(folder, name, columns, None if expected is None else iter(expected))
        tampered_if(
            name == "withheld" and lines != package["withheld"],
            f"data/package.json counts {package['withheld']} things withheld, data/tables/withheld.jsonl has {lines}",
        )
        counted += lines
    absent = sorted(set(ALWAYS) - seen)
    missing_if(absent, f"the table {first(absent)} is not named in data/package.json")
    cannot_tell_if(
        unknown,
        f"the table {first(unknown)} follows a rule that this check.py does not know: take that of {package['software']}",
    )
    return f"{len(seen)} tables, {counted} lines" + (
        ", made again from what was sealed" if sealed is not None else ", on the signer's word"
    )


def check_table(folder: str, name: str, columns: tuple[str, ...], expected: Iterator[Row] | None) -> int:
    """How many lines a table has, all as they should be. Both files are read side by side."""
    paths = [os.path.join(folder, "data", "tables", f"{name}.{kind}") for kind in ("jsonl", "csv")]
    for path in paths:
        missing_if(not os.path.isfile(path), f"data/tables/{os.path.basename(path)} is not there")
    count = 0
    with open(paths[0], "rb") as lines, open(paths[1], "rb") as sheet:
        head = b"\xef\xbb\xbf" + csv_line(columns).encode()
        tampered_if(sheet.read(len(head)) != head, f"data/tables/{name}.csv begins otherwise than its table")
        for raw in lines:
            count += 1
            row = _parsed(raw, f"data/tables/{name}.jsonl line {count}")
            if expected is not None:
                own = next(expected, None)
                tampered_if(
                    own is None or (line_text(own) + "\n").encode() != raw,
                    f"data/tables/{name}.jsonl line {count} says something else than was sealed",
                )
            text = csv_line(cell(value_at(row, column)) for column in columns).encode()
            tampered_if(
                sheet.read(len(text)) != text,
                f"data/tables/{name}.csv says something else than line {count} of its table",
            )
        tampered_if(sheet.read(1), f"data/tables/{name}.csv goes on behind its table")
    tampered_if(
        expected is not None and next(expected, None) is not None,
        f"data/tables/{name}.jsonl ends before what was sealed",
    )
    return count


def _parsed(raw: bytes, where: str) -> Row:
    value = json.loads(raw.decode("utf-8"), object_pairs_hook=pairs_once)
    tampered_if(
        not isinstance(value, dict) or (line_text(value) + "\n").encode() != raw,
        f"{where} is written in another way than tables are",
    )
    row: Row = value
    return row


def check_files(folder: str, names: set[str], listed: dict[str, str]) -> str:
    """The table `files` and data/media/ name the same files, with the digests of the bag."""
    said: dict[str, str] = {}
    with open(os.path.join(folder, "data", "tables", "files.jsonl"), "rb") as lines:
        for raw in lines:
            row = _parsed(raw, "data/tables/files.jsonl")
            name, sha256 = row["file"], row["sha256"]
            tampered_if(
                said.setdefault(name, sha256) != sha256, f"{name} stands with two digests in data/tables/files.jsonl"
            )
            missing_if(name not in names, f"{name} is not there")
            tampered_if(
                listed.get(name) != sha256 or os.path.getsize(os.path.join(folder, *name.split("/"))) != row["bytes"],
                f"{name} is not what data/tables/files.jsonl says",
            )
    strange = sorted({name for name in names if name.startswith("data/media/")} - set(said))
    tampered_if(strange, f"{first(strange)} is in no line of data/tables/files.jsonl")
    return f"{len(said)} files with their digests"


# -- metadata in media files of `public` ----------------------------------------------------------------------

PLAIN_CHUNKS = {
    b"IHDR",
    b"PLTE",
    b"IDAT",
    b"IEND",
    b"tRNS",
    b"gAMA",
    b"cHRM",
    b"sRGB",
    b"sBIT",
    b"pHYs",
    b"bKGD",
    b"cICP",
    b"acTL",
    b"fcTL",
    b"fdAT",
}
PLAIN_BOXES = {
    b"ftyp",
    b"moov",
    b"mdat",
    b"free",
    b"mvhd",
    b"trak",
    b"tkhd",
    b"edts",
    b"elst",
    b"mdia",
    b"mdhd",
    b"hdlr",
    b"minf",
    b"vmhd",
    b"smhd",
    b"nmhd",
    b"dinf",
    b"dref",
    b"stbl",
    b"stsd",
    b"stts",
    b"ctts",
    b"stss",
    b"stsc",
    b"stsz",
    b"stco",
    b"co64",
    b"sgpd",
    b"sbgp",
    b"sdtp",
    b"udta",
    b"meta",
    b"ilst",
    b"\xa9too",
    b"mvex",
    b"trex",
    b"moof",
    b"mfhd",
    b"traf",
    b"tfhd",
    b"tfdt",
    b"trun",
    b"mfra",
    b"tfra",
    b"mfro",
    b"sidx",
    b"styp",
}
PROGRAM = rb".{4}data\0\0\0\x01\0\0\0\0Lavf[0-9.]*"  # the name of the program that wrote the file, and nothing else
HOLDING = {
    b"moov": 0,
    b"trak": 0,
    b"edts": 0,
    b"mdia": 0,
    b"minf": 0,
    b"stbl": 0,
    b"udta": 0,
    b"meta": 4,
    b"ilst": 0,
    b"mvex": 0,
}


def check_plain(folder: str, names: set[str]) -> str:
    """Media files of `public` are made anew: nothing stands in them but sound and picture."""
    media = sorted(name for name in names if name.startswith("data/media/"))
    for name in media:
        path = os.path.join(folder, *name.split("/"))
        with open(path, "rb") as stream:
            start = stream.read(12)
            if start.startswith(b"\x89PNG\r\n\x1a\n"):
                _png(stream, name, os.path.getsize(path))
            elif start[4:8] == b"ftyp":
                _boxes(stream, name, 0, os.path.getsize(path))
            else:
                raise CannotTell(f"{name} is no PNG and no MP4: whether it carries metadata is not looked at")
    return f"{len(media)} media files with no parts but those of sound and picture"


def _png(stream: Any, name: str, end: int) -> None:
    at, kind = 8, b""
    while at < end:
        tampered_if(kind == b"IEND", f"{name} goes on behind its picture")
        stream.seek(at)
        head = stream.read(8)
        kind, at = head[4:], at + int.from_bytes(head[:4], "big") + 12
        tampered_if(kind not in PLAIN_CHUNKS, f"{name} carries more than a picture: {kind!r}")
        tampered_if(kind == b"IEND" and head[:4] != bytes(4), f"{name} goes on behind its picture")
    tampered_if(at != end or kind != b"IEND", f"{name} ends in the middle of its picture")


def _boxes(stream: Any, name: str, at: int, end: int) -> None:
    while at < end:
        stream.seek(at)
        head = stream.read(16)
        size, kind = int.from_bytes(head[:4], "big"), head[4:8]
        begin = at + (16 if size == 1 else 8)
        size = int.from_bytes(head[8:], "big") if size == 1 else size or end - at
        tampered_if(size < begin - at or at + size > end, f"{name} has a box that does not fit: {kind!r}")
        tampered_if(kind not in PLAIN_BOXES, f"{name} carries more than sound and picture: {kind!r}")
        if kind == b"free":
            stream.seek(begin)
            left = at + size - begin
            while left > 0 and (piece := stream.read(min(READ, left))):
                tampered_if(piece.strip(b"\0"), f"{name} carries more than sound and picture: {kind!r}")
                left -= len(piece)
        if kind == b"\xa9too":
            stream.seek(begin)
            program = stream.read(min(100, at + size - begin))
            tampered_if(
                not re.fullmatch(PROGRAM, program, re.DOTALL),
                f"{name} carries more than sound and picture: {program[16:40]!r}",
            )
        if kind in HOLDING:
            _boxes(stream, name, begin + HOLDING[kind], at + size)
        at += size
