"""Packages of version 1: what they had otherwise. Their tables and reports rested on the signer's word, but for what is here."""

from __future__ import annotations

import csv
import io
import json
import zlib
from collections import Counter
from typing import Any

from archiver.checks.package.files import SMALL, Absent, PackageFiles, Row
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
    cards = json.loads(files.read("data/posts.json"))
    if files.profile != "full":
        return f"{len(cards)} exhibits (derived: what they were made from is not in this package)"
    sealed = {one.id: one.observed for one in files.captures}
    told = 0
    for card in cards:
        for one in card.get("observations", []):
            told += 1
            if not one["post"] or not any(_says(line, one["post"]) for line in sealed.get(one["capture"], [])):
                raise Bad(f"{card['exhibit']}: data/posts.json differs from what was sealed")
    count = sum(map(len, sealed.values()))
    if told != count and not any("not_shown" in card for card in cards):
        raise Bad(f"data/posts.json tells {told} observations of posts, {count} were sealed")
    return f"{len(cards)} exhibits, {told} observations as they were sealed"


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
