"""Defects by somebody who holds the keys: the WACZ, its records, entries, signature and index."""

from __future__ import annotations

import base64
import gzip
import json
import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable

from tests.support.packages import LINKS, flipped, write_zip
from tests.support.tampering.scene import INCOMPLETE, INTACT, Scene, inside


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
    entries["datapackage.json"] += b"\n"
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


# -- heads of records, which no digest of a record covers --------------------------------------------------------


def fitting(plain: bytes, length: int) -> bytes:
    """A gzip member of exactly `length` bytes, so that every line of the capture still leads to its record."""
    for level in range(9, -1, -1):
        deflate = zlib.compressobj(level, zlib.DEFLATED, -15, 9)
        packed = deflate.compress(plain) + deflate.flush()
        left = length - (10 + len(packed) + 8)
        if left == 0:
            flag, filled = 0, b""
        elif left >= 2:
            flag, filled = 4, struct.pack("<H", left - 2).ljust(left, b"x")  # the FEXTRA field of RFC 1952
        else:
            continue
        end = struct.pack("<II", zlib.crc32(plain), len(plain) & 0xFFFFFFFF)
        return b"\x1f\x8b\x08" + bytes([flag]) + bytes(4) + b"\0\xff" + filled + packed + end
    raise AssertionError("does not fit")


def head_changed(s: Scene, link: str, kind: str, old: bytes, new: bytes) -> None:
    """Change the head of the first record of a type, at its old length."""
    lines = [json.loads(line) for line in (s.capture(link) / "records.jsonl").read_bytes().splitlines()]
    line = next(line for line in lines if line["type"] == kind)
    number = record_bounds(s, link).index((line["offset"], line["length"]))

    def change(records: list[bytes]) -> list[bytes]:
        plain = gzip.decompress(records[number])
        changed = re.sub(old, new, plain, count=1)
        assert changed != plain
        return [*records[:number], fitting(changed, line["length"]), *records[number + 1 :]]

    change_warc(s, link, change)


def _in_the_head(kind: str, old: bytes, new: bytes) -> Callable[[Scene], None]:
    return lambda s: head_changed(s, LINKS[0], kind, old, new)


for _title, _kind, _old, _new in (
    ("another_address_of_the_server", "response", rb"WARC-IP-Address: [^\r]+", b"WARC-IP-Address: 8.8.8.8"),
    ("another_type_of_content", "resource", rb"Content-Type: application/json", b"Content-Type: text/html"),
    ("a_second_link", "response", rb"\r\nWARC-Date", b"\r\nWARC-Target-URI: https://x.y/\r\nWARC-Date"),
    ("a_second_length", "response", rb"Content-Length: ", b"Content-Length: 9\r\nContent-Length: "),
    ("another_name_of_the_file", "warcinfo", rb"WARC-Filename: [^\r]+", b"WARC-Filename: other.warc.gz"),
    ("another_chain_of_certificates", "response", rb"WARC-Concurrent-To: [^\r]+", b"WARC-Concurrent-To: <urn:uuid:0>"),
):
    _defect = _in_the_head(_kind, _old, _new)
    _defect.__name__ = _title
    inside(words="is not the file that was sealed")(_defect)


# -- what stands around the WARC files ---------------------------------------------------------------------------


def _put_in(name: str, data: bytes) -> Callable[[Scene], None]:
    return lambda s: s.case.rewrite_wacz(s.package, lambda entries: entries.update({name: data}))


for _title, _defect in (
    ("a_picture_that_nobody_sealed", _put_in("screenshots/evidence.html", b"<h1>He confessed</h1>")),
    ("a_second_index", _put_in("indexes/more.cdx", b'me,t)/x 20220105 {"url":"https://t.me/x"}\n')),
):
    _defect.__name__ = _title
    inside(words="has no place in the WACZ")(_defect)

PAGES = b"""{"format": "json-pages-1.0", "id": "pages", "title": "All Pages"}
{"id": "1", "url": "https://evil.example/", "ts": "1999-01-01T00:00:00Z", "title": "The minister ordered it"}
"""


@inside(words="lists other pages")
def pages_that_nobody_opened(s: Scene) -> None:
    s.case.rewrite_wacz(s.package, lambda entries: entries.update({"pages/pages.jsonl": PAGES}))


@inside(words="the index leads elsewhere")
def every_time_in_the_index_moved(s: Scene) -> None:
    change_index(s, lambda lines: sorted(re.sub(rb" 20\d{12} \{", b" 20120101000000 {", line) for line in lines))


@inside(words="the index leads elsewhere")
def the_key_of_another_link(s: Scene) -> None:
    change_index(
        s, lambda lines: sorted(line.replace(b"me,t)/ozen_today/16", b"me,t)/ozen_today/99") for line in lines)
    )


@inside(words="bytes behind the index")
def zeros_behind_the_index(s: Scene) -> None:
    index = "indexes/index.cdx.gz"
    s.case.rewrite_wacz(s.package, lambda entries: entries.update({index: entries[index] + bytes(64)}))


@inside(words="bytes behind the index")
def a_second_member_behind_the_index(s: Scene) -> None:
    index, more = "indexes/index.cdx.gz", gzip.compress(b'zz)/ 2022 {"url":"https://zz/"}\n')
    s.case.rewrite_wacz(s.package, lambda entries: entries.update({index: entries[index] + more}))


@inside(words="the index leads elsewhere")
def an_index_that_grows_without_an_end(s: Scene) -> None:
    """16 MB of zeros in 16 kB; the checkers inflate no more than they expect."""
    s.case.rewrite_wacz(
        s.package, lambda entries: entries.update({"indexes/index.cdx.gz": gzip.compress(bytes(1 << 24))})
    )


@inside(words="does not lead to the blocks")
def a_list_of_blocks_that_leads_nowhere(s: Scene) -> None:
    head = b'!meta 0 {"format": "cdxj-gzip-1.0", "filename": "index.cdx.gz"}\n'
    s.case.rewrite_wacz(s.package, lambda entries: entries.update({"indexes/index.idx": head}))


def described(s: Scene, **said: str) -> None:
    """Change datapackage.json; what signs it is made to fit."""

    def change(entries: dict[str, bytes]) -> None:
        value = json.loads(entries["datapackage.json"]) | said
        entries["datapackage.json"] = json.dumps(value).encode()

    s.case.rewrite_wacz(s.package, change)


@inside(words="datapackage.json says something else")
def a_description_of_another_case(s: Scene) -> None:
    described(s, title="Another case")


@inside(words="datapackage.json says something else")
def a_description_with_another_time(s: Scene) -> None:
    described(s, created="1999-01-01T00:00:00Z")


@inside(words="datapackage.json says something else")
def a_description_with_another_first_page(s: Scene) -> None:
    described(s, mainPageUrl="https://evil.example/")


@inside(INTACT)
def the_wacz_signed_by_anybody(s: Scene) -> None:
    """Its anonymous signature says nothing of who made it."""
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP384R1())
    s.case.rewrite_wacz(s.package, lambda entries: None, key=key)


@inside(words="does not match datapackage-digest.json")
def a_hash_twice_in_the_wacz_s_signature(s: Scene) -> None:
    entries = dict(entries_of(s))
    data = entries["datapackage-digest.json"]
    entries["datapackage-digest.json"] = data.replace(b'"hash": ', b'"hash": "sha256:00", "hash": ', 1)
    write_zip(s.path("data/archive.wacz"), list(entries.items()))


# -- the ZIP -----------------------------------------------------------------------------------------------------


@inside()
def a_zip64_beyond_every_disk(s: Scene) -> None:
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, 2**63 + 5, 1)
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0, 0xFFFFFFFF, 0)
    s.path("data/archive.wacz").write_bytes(locator + end)


@inside()
def a_directory_of_four_gigabytes(s: Scene) -> None:
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 5, 5, 0xFFFFFFF0, 0, 0)
    s.path("data/archive.wacz").write_bytes(end)


@inside()
def a_zip_and_a_pdf_at_once(s: Scene) -> None:
    path = s.path("data/archive.wacz")
    path.write_bytes(b"%PDF-1.7\n" + path.read_bytes())


def _in_the_directory(at: int, number: int) -> Callable[[Scene], None]:
    """Change a byte of the first entry's line in the directory."""

    def defect(s: Scene) -> None:
        path = s.path("data/archive.wacz")
        data = bytearray(path.read_bytes())
        data[data.index(b"PK\x01\x02") + at] ^= number
        path.write_bytes(bytes(data))

    return defect


for _title, _at, _number in (
    ("another_crc", 16, 1),
    ("marked_as_encrypted", 8, 1),
    ("a_time_in_the_zip", 12, 1),
    ("attributes_in_the_zip", 38, 1),
    ("made_on_another_system", 5, 3),
    ("another_disk", 34, 1),
    ("another_place_of_an_entry", 42, 1),
):
    _defect = _in_the_directory(_at, _number)
    _defect.__name__ = _title
    inside()(_defect)


@inside()
def another_name_in_the_entry_s_own_head(s: Scene) -> None:
    path = s.path("data/archive.wacz")
    path.write_bytes(flipped(path.read_bytes(), 35))


@inside()
def a_zip64_field_that_nothing_needs(s: Scene) -> None:
    path = s.path("data/archive.wacz")
    entries = entries_of(s)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in entries:
            info = zipfile.ZipInfo(name)
            info.create_system = 0
            with archive.open(info, "w", force_zip64=True) as out:
                out.write(data)
            info.external_attr = 0


@inside(words="in another order")
def entries_in_another_order(s: Scene) -> None:
    entries = entries_of(s)
    write_zip(s.path("data/archive.wacz"), [entries[1], entries[0], *entries[2:]])
