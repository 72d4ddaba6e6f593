"""Derived records for `partner` and `public`: a WARC of what the package says of each exhibit, and pictures of pages.

Nothing here is what a server sent: each record is a `conversion`, made of allow-listed fields. Ids are made from the
package's own secret, so that they are the same when it is made again and lead nowhere.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime

from archiver.export.profiles import PackageView
from archiver.export.tables import card_json, json_bytes
from archiver.version import SOFTWARE
from storage.assembly import payload
from storage.digest import keyed, sha256_label
from storage.times import utc_parse
from storage.warc import fields_block, member, record_header


def derived_warc(shown: PackageView, made: str, secret: bytes, name: str) -> Iterator[bytes]:
    """Yield `derived.warc.gz`: warcinfo, then a `conversion` for each exhibit that is shown (WARC 1.1)."""
    date = utc_parse(made)
    info_id = _id(secret, "warcinfo")
    info = fields_block(
        [("software", SOFTWARE), ("format", "WARC File Format 1.1"), ("description", "derived records")]
    )
    head = [
        ("WARC-Filename", name),
        ("WARC-Block-Digest", sha256_label(info)),
        ("Content-Type", "application/warc-fields"),
    ]
    yield member(record_header("warcinfo", info_id, date, head, len(info)), [info], False)
    for card in shown.cards:
        if not card.hidden:
            yield _conversion(secret, info_id, card.number, date, json_bytes(card_json(card)))


def _conversion(secret: bytes, info_id: str, number: str, date: datetime, block: bytes) -> bytes:
    digest = sha256_label(block)
    head = [
        ("WARC-Target-URI", f"urn:archiver:derived:{number}"),
        ("WARC-Warcinfo-ID", info_id),
        ("WARC-Block-Digest", digest),
        ("WARC-Payload-Digest", digest),
        ("Content-Type", "application/json"),
    ]
    return member(record_header("conversion", _id(secret, number), date, head, len(block)), [block], False)


def _id(secret: bytes, what: str) -> str:
    return f"<urn:uuid:{uuid.UUID(bytes=keyed(secret, b'record ', what.encode())[:16], version=4)}>"


def screens(shown: PackageView) -> Iterator[tuple[str, bytes]]:
    """Yield (name in the package, PNG) of each page as a browser showed it, without a login.

    Pages of which something is withheld are left out.
    """
    for number, capture in enumerate(shown.material.captures, 1):
        record = capture.screenshot
        if record is not None and capture.id not in shown.unfit:
            size = record["payload_size"] or 0
            yield (
                f"data/screens/{number:04d}.png",
                b"".join(payload(capture.folder / record["file"], record["offset"], 0, size)),
            )
