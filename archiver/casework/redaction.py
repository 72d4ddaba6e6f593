"""Redaction: a new record in which something is covered, silenced or masked, and an event that says why.

What was recorded stays as it is, with its proofs. The copy is a `conversion` in a capture of its own; packages for
partners and the public then show it in place of what was recorded.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from archiver.casework.annotations import About, milliseconds
from archiver.errors import NotFound, UsageError
from archiver.home.home import Home
from archiver.home.ports import Fetch, Signer
from archiver.home.scratch import scratch
from archiver.lookup.items import MediaFile
from archiver.lookup.material import Redaction, gather
from archiver.seal.sealing import seal
from archiver.tools.object_tracking import follow
from archiver.tools.reencode import (
    AUDIO,
    PHOTO,
    VIDEO,
    Box,
    Followed,
    Silence,
    Track,
    media_type,
    picture_size,
    reencode,
    suffix,
)
from archiver.version import software
from storage.capture import CaptureWriter, Identity
from storage.digest import file_sha256
from storage.events import Event

_BOX = re.compile(r"(?:(?P<at>[\d:.]+)=)?(?P<box>[\d.]+,[\d.]+,[\d.]+,[\d.]+)")
_STRETCH = re.compile(r"(?P<from>[\d:.]+)-(?P<to>[\d:.]+)")


@dataclass(frozen=True)
class Cover:
    """Parts of one file that are covered and silenced.

    `anew`: begin with what was recorded, not with the latest copy of it.
    """

    tracks: tuple[Track, ...] = ()
    silences: tuple[Silence, ...] = ()
    follow: bool = False
    """Whether the boxes follow what they cover; where that is lost, the whole picture is covered."""
    anew: bool = False


@dataclass(frozen=True)
class Redacted:
    """A redaction as it was signed.

    `lost`: (from, until) in milliseconds where what was followed was lost; None is the end.
    """

    event: int
    detail: dict[str, Any]
    lost: tuple[tuple[int, int | None], ...] = ()
    others: tuple[Redacted, ...] = ()
    """Of the other files of the same attachment: picture and sound can come as two."""


def mask_words(home: Home, signer: Signer, about: About, words: Sequence[str], reason: str) -> Redacted:
    """Have packages for others show words of a post as ███.

    The words stand in the event, which stays in the house. Raises `NotFound` where the post has no such words,
    `LedgerError`.
    """
    posts = [row for row in home.catalog.posts(about.capture) if about.post in (None, row["id"])]
    for text in words:
        if not any(text in f"{row['text'] or ''}\n{row['title'] or ''}" for row in posts):
            raise NotFound(
                "words that are in the post", f"{text[:40]!r}, not in it", "Give them as they are in the post."
            )
    return _sign(home, signer, {"about": about.detail(), "capture": about.capture, "masked": list(words)}, reason)


def cover_file(
    home: Home, signer: Signer, about: About, cover: Cover, reason: str, *, fetch: Fetch, test_routes: bool = False
) -> Redacted:
    """Make a copy of the file that `about` names, in which things are covered and silenced, and seal it.

    A video that came as several files (picture and sound, or several sizes) has each of them covered.
    Raises `UsageError`, `NotFound`, `ConversionError`, `StorageError`.
    """
    if not cover.tracks and not cover.silences:
        raise UsageError("what to redact: --box, --mute, --tone or --mask", "nothing", "See archiver redact --help.")
    files = _files_of(home, about, fetch)
    if cover.follow and not any(media.kind in VIDEO for media, _ in files):
        raise UsageError("--follow with a video", f"a {files[0][0].kind}", "Leave it out: one box covers a photo.")
    if not cover.silences and all(media.kind in AUDIO for media, _ in files):
        raise UsageError("--mute or --tone with a sound", "--box", "A sound has no picture to cover.")
    made = [_cover(home, signer, about, cover, reason, one, test_routes=test_routes) for one in files]
    return replace(made[0], others=tuple(made[1:]))


def _cover(
    home: Home,
    signer: Signer,
    about: About,
    cover: Cover,
    reason: str,
    file: tuple[MediaFile, Redaction | None],
    *,
    test_routes: bool,
) -> Redacted:
    media, upon = file
    if cover.anew:
        upon = None
    tracks = () if media.kind in AUDIO else cover.tracks
    with scratch(home.path, "redaction") as folder:
        source, out = folder / "in", folder / f"out{suffix(media.kind)}"
        with open(source, "wb") as stream:
            for chunk in (upon.media if upon is not None and upon.media is not None else media).chunks():
                stream.write(chunk)
        followed = [follow(source, picture_size(source), track) for track in tracks] if cover.follow else []
        facts = reencode(source, media.kind, out, followed or tracks, cover.silences)
        digest = file_sha256(out)
        cases = home.catalog.cases_of(about.capture)
        result = _seal_copy(home, signer, media, out, facts, cases, test_routes=test_routes)
    meant = replace(about, post=media.post, attachment=media.attachment) if media.post else about
    detail = {
        "about": meant.detail(),
        "capture": about.capture,
        "original": {"record": media.record, "sha256": media.sha256},
        **({"upon": upon.seq} if upon is not None else {}),
        "result": {**result, "sha256": digest.hexdigest(), "size": digest.size, "media_type": media_type(media.kind)},
        "boxes": len(tracks),
        "silenced": len(cover.silences),
    }
    return _sign(home, signer, detail, reason, tuple(stretch for one in followed for stretch in _lost(one)))


def _sign(
    home: Home, signer: Signer, detail: dict[str, Any], reason: str, lost: tuple[tuple[int, int | None], ...] = ()
) -> Redacted:
    sealed = signer.append([Event("redacted", home.clock(), {**detail, "text": reason})])[0]
    home.project()
    return Redacted(sealed.seq, detail, lost)


def _lost(followed: Followed) -> list[tuple[int, int | None]]:
    """Leave out what was lost only because the film ends."""
    return [(begin, end) for begin, end in followed.lost if begin <= followed.boxes[-1].at_ms]


def _files_of(home: Home, about: About, fetch: Fetch) -> list[tuple[MediaFile, Redaction | None]]:
    """Find the files of the one attachment that is meant, each with its latest copy in which something is covered."""
    case = home.catalog.cases_of(about.capture)[0]
    material = gather(home, case, [about.capture], fetch)
    fitting = [
        one
        for item in material.items
        for one in item.every_media
        if about.post in (None, one.post) and about.attachment in (None, one.attachment)
    ]
    if not fitting:
        raise NotFound("a kept file to redact", "none", "See `archiver show ID`.")
    if (count := len({(one.post, one.attachment) for one in fitting})) > 1:
        raise UsageError("one file to redact", f"{count} files", "Say which: --post and --attachment.")
    # Captions and the like cannot be covered: packages leave them out once a file of the attachment is.
    wanted = [one for one in fitting if one.kind in PHOTO + VIDEO + AUDIO] or fitting
    earlier = {one.original: one for one in material.redactions if one.media is not None}
    return [(one, earlier.get(one.sha256)) for one in {one.sha256: one for one in wanted}.values()]


def _seal_copy(
    home: Home,
    signer: Signer,
    media: MediaFile,
    out: Path,
    facts: dict[str, Any],
    cases: list[str],
    *,
    test_routes: bool,
) -> dict[str, Any]:
    """Keep the copy as a `conversion` record, and what made it, in a capture that is sealed like any other."""
    capture_id = home.new_capture_id(home.clock())
    folder = home.capture_folder(capture_id)
    salt, url = os.urandom(32), f"urn:archiver:redaction:{capture_id}"
    home.state.capture_opened(capture_id, str(folder), capture_id[:15], cases)
    identity = Identity(capture_id, capture_id, 1, url, salt, software(), test_routes=test_routes)
    writer = CaptureWriter(home.path / folder, identity, home.recipients(cases), home.clock, time.monotonic)
    try:
        writer.inventory(
            {"kind": "target", "url": url, "platform": "redaction", "target_kind": "file", "id": capture_id,
             "target_salt": salt.hex()}
        )  # fmt: skip
        writer.inventory({"state": "discovered", "key": "redaction 1", "kind": "redaction", "parent": "target"})
        ref = writer.resource_file(
            url, media_type(media.kind), out, {"refers_to": media.record, "of_capture": media.capture},
            record_type="conversion", fields=[("WARC-Refers-To", media.record)],
        )  # fmt: skip
        block = json.dumps({"format": "archiver-redaction/1", **facts}, indent=1).encode()
        writer.resource(
            f"urn:archiver:conversion:{ref.record_id.strip('<>')}", "application/json", block,
            record_type="metadata", fields=[("WARC-Refers-To", ref.record_id)],
        )  # fmt: skip
        writer.inventory(
            {"key": "redaction 1", "kind": "redaction", "outcome": "captured", "reason": None, "record": ref.record_id}
        )
        writer.close("captured", None)
        seal(home, signer, folder, cases)
    finally:
        writer.release()
    return {"capture": capture_id, "record": ref.record_id}


def tracks_of(texts: list[list[str]]) -> list[Track]:
    """Parse boxes as a person draws them; each list of words is one thing. Raises `UsageError`.

    A thing is `10,20,30,40`, or several of `0:01=10,20,30,40` along its way; `0:01-0:05` limits when it is covered.
    """
    found = []
    for words in texts:
        boxes, start, end = [], None, None
        for word in words:
            if match := _STRETCH.fullmatch(word):
                start, end = milliseconds(match["from"]), milliseconds(match["to"])
                continue
            match = _BOX.fullmatch(word)
            numbers = [float(part) for part in match["box"].split(",")] if match else []
            if match is None or any(n > 100 for n in numbers) or min(numbers[2:], default=0) <= 0:
                raise UsageError(
                    "--box x,y,width,height in percent, or 0:01=x,y,width,height", repr(word), "Correct it."
                )
            boxes.append(Box(milliseconds(match["at"] or "0"), *numbers))
        if not boxes or (end is not None and start is not None and end <= start):
            raise UsageError("--box X,Y,W,H with an end after its start", " ".join(words), "Correct it.")
        found.append(Track(tuple(boxes), start, end))
    return found


def silences_of(mute: list[str], tone: list[str]) -> list[Silence]:
    """Parse stretches of sound like `0:01-0:03`: those that are silenced, and those that a tone replaces.

    Raises `UsageError`.
    """
    found = []
    for text, replaced in (*((text, False) for text in mute), *((text, True) for text in tone)):
        match = _STRETCH.fullmatch(text)
        if match is None or milliseconds(match["to"]) <= milliseconds(match["from"]):
            raise UsageError("a stretch of time like 0:01-0:03", repr(text), "Correct it.")
        found.append(Silence(milliseconds(match["from"]), milliseconds(match["to"]), replaced))
    return found
