"""Packages of version 1: what they had otherwise. Tables and report rested on the signer's word there, but for what is here."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zlib
from typing import Any

from .bag import manifest, read_small
from .sealed import Capture
from .wacz import check_wacz_signature
from .words import first, missing_if, tampered_if
from .zipped import Zip

V1 = "archiver-package/1"


def check_wacz_list_v1(archive: Zip, captures: list[Capture]) -> str:
    """datapackage.json lists each entry once with its true size and digest; the WARC files are those that were sealed."""
    data = archive.read("datapackage.json")
    package = json.loads(data)
    tampered_if(
        (package["profile"], package["wacz_version"]) != ("data-package", "1.1.1"),
        "datapackage.json is not that of a WACZ 1.1.1",
    )
    listed: dict[str, dict[str, Any]] = {}
    for item in package["resources"]:
        tampered_if(item["path"] in listed, f"{item['path']} is listed twice in datapackage.json")
        listed[item["path"]] = item
    present = set(archive.entries) - {"datapackage.json", "datapackage-digest.json"}
    missing_if(
        absent := sorted(set(listed) - present), f"{first(absent)} is listed in datapackage.json and not in the WACZ"
    )
    tampered_if(strange := sorted(present - set(listed)), f"{first(strange)} is not listed in datapackage.json")
    sealed = {f"archive/{name}": entry for capture in captures for name, entry in capture.warcs.items()}
    made = {"pages/pages.jsonl", "indexes/index.cdx.gz", "indexes/index.idx"}
    missing_if(made - present, "the WACZ has no pages or no index")
    tampered_if(
        strange := sorted(present - made - set(sealed)), f"{first(strange)} has no place in the WACZ of a package"
    )
    for name in listed:
        digest, crc = archive.digests(name)
        tampered_if(
            (listed[name]["hash"], listed[name]["bytes"]) != (f"sha256:{digest}", archive.entries[name][1]),
            f"{name} is not what datapackage.json says",
        )
        tampered_if(crc != archive.entries[name][2], f"{name} has another CRC than the ZIP says")
        tampered_if(name in sealed and digest != sealed[name]["sha256"], f"{name} is not the file that was sealed")
    value = json.loads(archive.read("datapackage-digest.json"))
    own = f"sha256:{hashlib.sha256(data).hexdigest()}"
    signed = value["signedData"]
    tampered_if(
        value["hash"] != own or signed["hash"] != own or value["path"] != "datapackage.json",
        "datapackage.json does not match datapackage-digest.json",
    )
    check_wacz_signature(own, signed)
    return f"{len(listed)} entries, stored as they are listed"


def check_media_v1(folder: str, names: set[str], captures: list[Capture], profile: str) -> str:
    """hashes.csv names each media file once, with its digest; `full` has the payload of the record it names."""
    csv.field_size_limit(1 << 30)
    rows = list(csv.DictReader(io.StringIO(read_small(folder, "data/hashes.csv").decode("utf-8-sig"))))
    listed = [row["file"] for row in rows]
    present = {name for name in names if name.startswith("data/media/")}
    tampered_if(
        len(listed) != len(set(listed)) or present - set(listed),
        "data/hashes.csv does not list exactly the media files present",
    )
    missing_if(absent := sorted(set(listed) - present), f"{first(absent)} is not there")
    known = manifest(folder, "manifest-sha256.txt"), manifest(folder, "manifest-sha512.txt")
    sealed = {line["id"]: line for capture in captures for line in capture.records}
    wholes = {line["assembly"] for capture in captures for line in capture.inventory if line.get("assembly")}
    for row in rows:
        tampered_if(
            (row["sha256"], row["sha512"]) != (known[0][row["file"]], known[1][row["file"]]),
            f"data/hashes.csv has another digest of {row['file']}",
        )
        if profile == "full":
            record = sealed.get(row["record"], {})
            tampered_if(
                record.get("payload_digest") != f"sha256:{row['sha256']}" and row["sha256"] not in wholes,
                f"{row['file']} differs from the record it names",
            )
    return f"{len(rows)} files with their digests"


def sealed_value_v1(line: dict[str, Any], key: str) -> Any:
    """What a sealed line holds under a name of posts.json, where guesses stand beside the fields as guessed_..."""
    name = key[len("guessed_") :] if key.startswith("guessed_") else key
    earlier = line.get(name) if name == "published" and (line.get(name) or {}).get("source") == "trafilatura" else None
    value = line.get(key) if name == key else (line.get("guessed") or {}).get(name, earlier)
    return value.get("literal") if name != key and isinstance(value, dict) else value


def check_posts_v1(folder: str, captures: list[Capture], full: bool) -> str:
    """posts.json says of each observation what was sealed."""
    cards = json.loads(read_small(folder, "data/posts.json"))
    if not full:
        return f"{len(cards)} exhibits (derived: what they were made from is not in this package)"
    sealed = {capture.id: capture.posts for capture in captures}
    told = 0
    for card in cards:
        for one in card.get("observations", []):
            same = any(
                all(sealed_value_v1(line, key) == value for key, value in one["post"].items())
                for line in sealed.get(one["capture"], [])
            )
            tampered_if(not same or not one["post"], f"{card['exhibit']}: data/posts.json differs from what was sealed")
            told += 1
    posts = sum(line.get("role") != "captions" for lines in sealed.values() for line in lines)
    tampered_if(
        told != posts and not any("not_shown" in card for card in cards),
        f"data/posts.json tells {told} observations of posts, {posts} were sealed",
    )
    return f"{len(cards)} exhibits, {told} observations as they were sealed"


def check_index_v1(archive: Zip, captures: list[Capture]) -> str:
    """Each line of the index leads to the record that it says, and each indexed record has its line."""
    data, text = archive.read("indexes/index.cdx.gz"), b""
    while data:
        inflate = zlib.decompressobj(31)
        text += inflate.decompress(data, (64 << 20) - len(text))
        tampered_if(not inflate.eof, "the index is cut, or larger than allowed")
        data = inflate.unused_data
    lines = text.splitlines()
    tampered_if(lines != sorted(lines), "the index is not sorted")
    found = set()
    for line in lines:
        facts = json.loads(line.split(b" ", 2)[2])
        found.add((facts["filename"], int(facts["offset"]), int(facts["length"]), facts["url"]))
    expected = {
        (line["file"], line["offset"], line["length"], line["uri"])
        for capture in captures
        for line in capture.records
        if line["type"] not in ("request", "warcinfo") and line.get("uri")
    }
    tampered_if(found != expected or len(lines) != len(expected), "the index does not list exactly the records present")
    return f"{len(lines)} lines lead to their records"
