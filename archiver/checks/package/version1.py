"""Packages of version 1: what they had otherwise. Their tables and reports rested on the signer's word, but for what is here."""

from __future__ import annotations

import csv
import io
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import Any, TextIO

from archiver.checks.package.files import READ, SMALL, Absent, PackageFiles, Row
from archiver.checks.package.wacz import (
    BLOCKS,
    DESCRIPTION,
    INDEX,
    PAGES,
    SIGNED,
    check_signature,
    compare,
    enter,
    read_entry,
    sealed_warcs,
)  # fmt: skip
from archiver.checks.proofs import Bad
from storage.digest import sha256_hex

_BLANK = re.compile(r"[ \t\r\n]*")


def wacz(files: PackageFiles) -> str:
    """Compare the entries with datapackage.json, and each WARC file with the digest that was sealed."""
    crcs, sealed = enter(files), sealed_warcs(files)
    described = read_entry(files, DESCRIPTION)
    package = json.loads(described)
    if (package["profile"], package["wacz_version"]) != ("data-package", "1.1.1"):
        raise Bad("datapackage.json is not that of a WACZ 1.1.1")
    resources = {item["path"]: item for item in package["resources"]}
    present = files.entries.keys() - {DESCRIPTION, SIGNED}
    if len(resources) != len(package["resources"]):
        raise Bad("an entry that is listed twice in datapackage.json")
    if absent := sorted(resources.keys() - present):
        raise Absent(f"{absent[0]} is listed in datapackage.json and not in the WACZ")
    if strange := sorted(present - resources.keys()):
        raise Bad(f"{strange[0]} is not listed in datapackage.json")
    if not {PAGES, INDEX, BLOCKS} <= present:
        raise Absent("the WACZ has no pages or no index")
    if strange := sorted(present - {PAGES, INDEX, BLOCKS} - sealed.keys()):
        raise Bad(f"{strange[0]} has no place in the WACZ of a package")
    compare(files, sealed, crcs)
    for name, item in resources.items():
        if (item["hash"], item["bytes"]) != (f"sha256:{files.digests[name]}", files.entries[name][1]):
            raise Bad(f"{name} is not what datapackage.json says")
    value = json.loads(read_entry(files, SIGNED))
    digest, signed = f"sha256:{sha256_hex(described)}", value["signedData"]
    if (value["hash"], signed["hash"], value["path"]) != (digest, digest, DESCRIPTION):
        raise Bad("datapackage.json does not match datapackage-digest.json")
    check_signature(digest, signed)
    return f"{len(resources)} entries, stored as they are listed"


def index(files: PackageFiles) -> str:
    """Compare the index with the records."""
    data, text = read_entry(files, INDEX), b""
    while data:
        inflate = zlib.decompressobj(31)
        text += inflate.decompress(data, SMALL // 4 + 1 - len(text))
        if not inflate.eof:
            raise Bad("the index is cut, or larger than allowed")
        data = inflate.unused_data
    lines = text.splitlines()
    if lines != sorted(lines):
        raise Bad("the index is not sorted")
    said: Counter[tuple[str, int, int, str]] = Counter()
    for line in lines:
        facts = json.loads(line.split(b" ", 2)[2])
        said[facts["filename"], int(facts["offset"]), int(facts["length"]), facts["url"]] += 1
    there = Counter(
        (line["file"], line["offset"], line["length"], line["uri"])
        for capture in files.captures
        for line in capture.records
        if line.get("uri") and line["type"] not in ("request", "warcinfo")
    )
    if said != there:
        raise Bad("the index does not list exactly the records present")
    return f"{len(lines)} lines lead to their records"


def media(files: PackageFiles) -> str:
    """Compare the media files with data/hashes.csv and the records that it names."""
    csv.field_size_limit(SMALL)
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
        kept = payloads.get(row["record"]) == f"sha256:{row['sha256']}" or row["sha256"] in wholes
        if files.profile == "full" and not kept:
            raise Bad(f"{row['file']} differs from the record it names")
    return f"{len(rows)} files with their digests"


def posts(files: PackageFiles) -> str:
    """Compare data/posts.json with the posts that were sealed."""
    count, told, hidden = 0, 0, False
    full = files.profile == "full"
    by_id = {one.id: one for one in files.captures}
    for count, card in enumerate(_cards(files), 1):  # noqa: B007 - counted to its end
        hidden = hidden or "not_shown" in card
        for one in card.get("observations", []) if full else ():
            told += 1
            lines = by_id[one["capture"]].observed if one["capture"] in by_id else []
            if not one["post"] or not any(_says(line, one["post"]) for line in lines):
                raise Bad(f"{card['exhibit']}: data/posts.json differs from what was sealed")
    if not full:
        return f"{count} exhibits (derived: what they were made from is not in this package)"
    sealed = sum(len(one.observed) for one in files.captures)
    if told != sealed and not hidden:
        raise Bad(f"data/posts.json tells {told} observations of posts, {sealed} were sealed")
    return f"{count} exhibits, {told} observations as they were sealed"


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


def _says(line: Row, post: Row) -> bool:
    """Tell whether a sealed line says everything that a post is told to say."""
    return all(_sealed(line, key) == value for key, value in post.items())


def _sealed(line: Row, key: str) -> Any:
    """What a sealed line holds under a name of posts.json, where guesses stand beside the fields as `guessed_…`."""
    if not key.startswith("guessed_"):
        return line.get(key)
    name = key.removeprefix("guessed_")
    value = (line.get("guessed") or {}).get(name)
    if value is None and name == "published" and (line.get(name) or {}).get("source") == "trafilatura":
        value = line[name]
    return value.get("literal") if isinstance(value, dict) else value
