"""What people read: media files and posts, against what was sealed."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from archiver.checks.package.files import READ, Absent, PackagedCapture, PackageFiles
from archiver.checks.proofs import Bad

_METADATA = (
    b"Exif\0\0",
    b"ns.adobe.com/xap",
    b"eXIf",
    b"iTXt",
    b"tEXt",
    b"zTXt",
    b"\xa9xyz",
    b"udtaloci",
    b"GPSLatitude",
)


_BLANK = re.compile(r"[ \t\r\n]*")


def media(files: PackageFiles) -> str:
    """Compare the media files with data/hashes.csv and the records that it names."""
    rows = list(csv.DictReader(io.StringIO(files.read("data/hashes.csv").decode("utf-8-sig"))))
    present = {name for name in files.names if name.startswith("data/media/")}
    listed = Counter(row["file"] for row in rows)
    if present - set(listed) or max(listed.values(), default=1) > 1:
        raise Bad("data/hashes.csv does not list exactly the media files present")
    if absent := sorted(set(listed) - present):
        raise Absent(f"{absent[0]} is not there")
    digests = files.manifest("manifest-sha256.txt", 64), files.manifest("manifest-sha512.txt", 128)
    payloads = {line["id"]: line.get("payload_digest") for one in files.captures for line in one.records}
    wholes = {line.get("assembly") for one in files.captures for line in one.inventory}
    for row in rows:
        if (row["sha256"], row["sha512"]) != (digests[0][row["file"]], digests[1][row["file"]]):
            raise Bad(f"data/hashes.csv has another digest of {row['file']}")
        if files.package["profile"] == "public" and _tells(files.folder / row["file"]):
            raise Bad(f"{row['file']} still carries metadata: a place, a device or a name")
        kept = payloads.get(row["record"]) == f"sha256:{row['sha256']}" or row["sha256"] in wholes
        if files.package["profile"] == "full" and not kept:
            raise Bad(f"{row['file']} differs from the record it names")
    return f"{len(rows)} files with their digests"


def posts(files: PackageFiles) -> str:
    """Compare data/posts.json with the posts that were sealed."""
    count, told, hidden = 0, 0, False
    full = files.package["profile"] == "full"
    by_id = {one.id: one for one in files.captures}
    for count, card in enumerate(_cards(files), 1):  # noqa: B007 - counted to its end
        hidden = hidden or "not_shown" in card
        for one in card.get("observations", []) if full else ():
            told += 1
            if not any(_says(line, one["post"]) for line in _posts(by_id[one["capture"]])):
                raise Bad(f"{card['exhibit']}: data/posts.json differs from what was sealed")
    if not full:
        return f"{count} exhibits; what they were derived from is not in the package"
    if told != sum(len(_posts(one)) for one in files.captures) and not hidden:
        raise Bad("data/posts.json has another number of posts than were sealed")
    return f"{count} exhibits, {told} observations as they were sealed"


def _posts(capture: PackagedCapture) -> list[dict[str, Any]]:
    return [line for line in capture.posts if line.get("role") != "captions"]


def _cards(files: PackageFiles) -> Iterator[dict[str, Any]]:
    """Yield the exhibits of data/posts.json, of which a few are in memory at a time. Raises `Absent`, `Bad`."""
    path = files.folder / "data" / "posts.json"
    if not path.is_file():
        raise Absent("data/posts.json is not there")
    with open(path, encoding="utf-8") as stream:
        yield from _items(stream)


def _items(stream: TextIO) -> Iterator[dict[str, Any]]:
    """Yield the objects of a list, in pieces of a megabyte or as long as one of them. Raises `Bad`, `ValueError`."""
    decoder, text, at, expected = json.JSONDecoder(), stream.read(READ), 0, "["
    while True:
        at = _BLANK.match(text, at).end()  # type: ignore[union-attr]
        sign = text[at : at + 1]
        if not sign:
            text, at = stream.read(READ), 0
            if not text:
                raise Bad("data/posts.json is cut")
        elif sign == "]" and expected != "[":
            if (text[at + 1 :] + stream.read()).strip():
                raise Bad("data/posts.json goes on behind its list")
            return
        elif sign == expected:
            at, expected = at + 1, ""
        elif expected:
            raise Bad("data/posts.json is no list of exhibits")
        else:
            while (found := _whole(decoder, text, at)) is None:
                more = stream.read(max(READ, len(text)))
                if not more:
                    raise Bad("data/posts.json is cut, or no JSON")
                text, at = text[at:] + more, 0
            if not isinstance(found[0], dict):
                raise Bad("data/posts.json lists what is no exhibit")
            at, expected = found[1], ","
            yield found[0]


def _whole(decoder: json.JSONDecoder, text: str, at: int) -> tuple[Any, int] | None:
    """The value that begins there, and where it ends; None where it is not whole."""
    try:
        return decoder.raw_decode(text, at)
    except ValueError:
        return None


def _says(line: dict[str, Any], post: dict[str, Any]) -> bool:
    """Tell whether a sealed line says everything that a post is told to say."""
    return all(_sealed(line, key) == value for key, value in post.items())


def _sealed(line: dict[str, Any], key: str) -> Any:
    """What a sealed line holds under a name of posts.json, where guesses stand beside the fields as `guessed_…`."""
    if not key.startswith("guessed_"):
        return line.get(key)
    name = key.removeprefix("guessed_")
    value = (line.get("guessed") or {}).get(name)
    if value is None and name == "published" and (line.get(name) or {}).get("source") == "trafilatura":
        value = line[name]
    return value.get("literal") if isinstance(value, dict) else value


def _tells(path: Path) -> bool:
    """Tell whether a photo or video begins or ends with metadata, as cameras and editors write them."""
    with open(path, "rb") as stream:
        data = stream.read(READ)
        stream.seek(max(0, path.stat().st_size - READ))
        data += stream.read(READ)
    return any(mark in data for mark in _METADATA)
