"""Defects by somebody who holds the keys: the WACZ, its records, entries, signature and index."""

from __future__ import annotations

import base64
import gzip
import json
import re
import struct
import warnings
import zipfile
from collections.abc import Callable

from tests.support.packages import LINKS, flipped, write_zip
from tests.support.tampering.scene import INCOMPLETE, Scene, inside


def warc_name(s: Scene, link: str) -> str:
    manifest = json.loads((s.capture(link) / "manifest.json").read_bytes())
    return next(f"archive/{entry['name']}" for entry in manifest["files"] if entry["name"].endswith(".warc.gz"))


def record_bounds(s: Scene, link: str) -> list[tuple[int, int]]:
    name = warc_name(s, link).removeprefix("archive/")
    lines = [json.loads(line) for line in (s.capture(link) / "records.jsonl").read_bytes().splitlines()]
    return sorted((line["offset"], line["length"]) for line in lines if line["file"] == name)


def change_warc(s: Scene, link: str, change: Callable[[list[bytes]], list[bytes]]) -> None:
    name, bounds = warc_name(s, link), record_bounds(s, link)

    def inside_the_zip(entries: dict[str, bytes]) -> None:
        data = entries[name]
        entries[name] = b"".join(change([data[at : at + length] for at, length in bounds]))

    s.case.rewrite_wacz(s.package, inside_the_zip)


@inside()
def a_record_removed(s: Scene) -> None:
    change_warc(s, LINKS[0], lambda records: [*records[:4], *records[5:]])


@inside()
def a_record_added(s: Scene) -> None:
    change_warc(s, LINKS[0], lambda records: [*records, records[2]])


@inside()
def records_reordered(s: Scene) -> None:
    change_warc(s, LINKS[0], lambda records: [*records[:3], records[4], records[3], *records[5:]])


@inside()
def a_record_of_another_capture(s: Scene) -> None:
    name, bounds = warc_name(s, LINKS[1]), record_bounds(s, LINKS[1])
    with zipfile.ZipFile(s.path("data/archive.wacz")) as archive:
        data = archive.read(name)
    at, length = bounds[3]
    change_warc(s, LINKS[0], lambda records: [*records[:3], data[at : at + length], *records[4:]])


@inside()
def a_record_truncated(s: Scene) -> None:
    change_warc(s, LINKS[0], lambda records: [*records[:-1], records[-1][:-20]])


@inside()
def a_byte_of_a_record_changed(s: Scene) -> None:
    change_warc(s, LINKS[0], lambda records: [*records[:5], flipped(records[5], len(records[5]) // 2), *records[6:]])


@inside()
def a_record_with_other_content_and_true_digests(s: Scene) -> None:
    def change(records: list[bytes]) -> list[bytes]:
        plain = gzip.decompress(records[0]).replace(b"archiver", b"Archiver")
        return [gzip.compress(plain, mtime=0), *records[1:]]

    change_warc(s, LINKS[0], change)


@inside()
def two_records_in_one_member(s: Scene) -> None:
    change_warc(s, LINKS[0], lambda r: [gzip.compress(gzip.decompress(r[0]) + gzip.decompress(r[1]), mtime=0), *r[2:]])


@inside(INCOMPLETE)
def a_warc_missing(s: Scene) -> None:
    s.case.rewrite_wacz(s.package, lambda entries: entries.pop(warc_name(s, LINKS[0])) and None)


@inside()
def a_warc_of_no_capture(s: Scene) -> None:
    s.case.rewrite_wacz(s.package, lambda e: e.update({"archive/other.warc.gz": e[warc_name(s, LINKS[0])]}))


@inside()
def the_warcs_of_two_captures_exchanged(s: Scene) -> None:
    a, b = warc_name(s, LINKS[0]), warc_name(s, LINKS[1])
    s.case.rewrite_wacz(s.package, lambda entries: entries.update({a: entries[b], b: entries[a]}))


def entries_of(s: Scene) -> list[tuple[str, bytes]]:
    with zipfile.ZipFile(s.path("data/archive.wacz")) as archive:
        return [(name, archive.read(name)) for name in archive.namelist()]


@inside()
def a_deflated_warc(s: Scene) -> None:
    write_zip(s.path("data/archive.wacz"), entries_of(s), zipfile.ZIP_DEFLATED)


@inside()
def bytes_behind_the_zip(s: Scene) -> None:
    path = s.path("data/archive.wacz")
    path.write_bytes(path.read_bytes() + b"behind")


@inside()
def bytes_before_the_zip(s: Scene) -> None:
    path = s.path("data/archive.wacz")
    path.write_bytes(b"before" + path.read_bytes())


@inside()
def a_second_zip_behind_the_first(s: Scene) -> None:
    path = s.path("data/archive.wacz")
    path.write_bytes(path.read_bytes() + path.read_bytes())


@inside()
def a_comment_in_the_zip(s: Scene) -> None:
    with zipfile.ZipFile(s.path("data/archive.wacz"), "a") as archive:
        archive.comment = b"comment"


@inside()
def bytes_between_the_entries(s: Scene) -> None:
    path = s.path("data/archive.wacz")
    data = path.read_bytes()
    start = struct.unpack("<I", data[-6:-2])[0]
    end = data[-22:-6] + struct.pack("<I", start + 4) + data[-2:]
    path.write_bytes(data[:start] + b"gap!" + data[start:-22] + end)


@inside()
def an_entry_that_stands_twice(s: Scene) -> None:
    entries = entries_of(s)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        write_zip(s.path("data/archive.wacz"), [*entries, (entries[0][0], b"other")])


@inside()
def an_entry_that_leaves_the_zip(s: Scene) -> None:
    s.case.rewrite_wacz(s.package, lambda entries: entries.update({"../../evil": b"x"}))


@inside()
def an_entry_that_is_not_listed(s: Scene) -> None:
    write_zip(s.path("data/archive.wacz"), [*entries_of(s), ("archive/extra.txt", b"x")])


@inside()
def a_zip64_field_that_says_another_size(s: Scene) -> None:
    entries = entries_of(s)
    path = s.path("data/archive.wacz")
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in entries:
            with archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as out:
                out.write(data)
    data = path.read_bytes()
    at = 30 + struct.unpack("<H", data[26:28])[0] + 4
    path.write_bytes(data[:at] + struct.pack("<QQ", 5, 5) + data[at + 16 :])


@inside()
def a_size_in_the_entry_s_own_head_that_differs(s: Scene) -> None:
    path = s.path("data/archive.wacz")
    data = path.read_bytes()
    path.write_bytes(data[:22] + struct.pack("<I", 5) + data[26:])


@inside()
def the_digest_of_the_wacz_changed(s: Scene) -> None:
    entries = dict(entries_of(s))
    entries["datapackage.json"] = entries["datapackage.json"].replace(b"1.1.1", b"1.1.1", 1) + b"\n"
    write_zip(s.path("data/archive.wacz"), list(entries.items()))


@inside()
def the_signature_in_the_wacz_changed(s: Scene) -> None:
    entries = dict(entries_of(s))
    value = json.loads(entries["datapackage-digest.json"])
    raw = base64.b64decode(value["signedData"]["signature"])
    value["signedData"]["signature"] = base64.b64encode(flipped(raw, 20)).decode()
    entries["datapackage-digest.json"] = json.dumps(value).encode()
    write_zip(s.path("data/archive.wacz"), list(entries.items()))


def change_index(s: Scene, change: Callable[[list[bytes]], list[bytes]]) -> None:
    def inside_the_zip(entries: dict[str, bytes]) -> None:
        lines = gzip.decompress(entries["indexes/index.cdx.gz"]).splitlines(keepends=True)
        entries["indexes/index.cdx.gz"] = gzip.compress(b"".join(change(lines)), mtime=0)

    s.case.rewrite_wacz(s.package, inside_the_zip)


@inside()
def a_line_of_the_index_removed(s: Scene) -> None:
    change_index(s, lambda lines: lines[1:])


@inside()
def a_line_of_the_index_that_leads_elsewhere(s: Scene) -> None:
    change_index(s, lambda lines: [re.sub(rb'"offset": "\d+"', b'"offset": "1"', lines[0]), *lines[1:]])


@inside()
def an_index_that_is_not_sorted(s: Scene) -> None:
    change_index(s, lambda lines: [lines[-1], *lines[:-1]])


@inside(INCOMPLETE)
def pages_missing(s: Scene) -> None:
    s.case.rewrite_wacz(s.package, lambda entries: entries.pop("pages/pages.jsonl") and None)
