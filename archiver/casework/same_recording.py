"""Copies of a recording that was covered or quarantined, which are not covered themselves.

Found by digest, and by how they look: length and pictures. Whether it is the same recording, a person says.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from archiver.casework.annotations import About, record
from archiver.errors import NotFound
from archiver.home.home import Home
from archiver.home.ports import Fetch, Signer
from archiver.home.scratch import scratch
from archiver.lookup.covered import covered_places
from archiver.lookup.items import MediaFile
from archiver.lookup.material import Material, gather, quarantined_media
from archiver.tools.looks import Look, alike, look_of
from archiver.tools.reencode import AUDIO, PHOTO, VIDEO
from storage.errors import EvidenceError
from storage.ledger import Sealed

KIND = "another-recording"
"""Kind of the annotation by which a person says that a file is no copy."""


@dataclass(frozen=True)
class OpenCopy:
    """A file that may show what was covered elsewhere. `of`: SHA-256 of that, and `event` or `capture` what protects it."""

    item: str
    media: MediaFile
    of: str
    protection: str
    why: str

    def words(self) -> str:
        """Say which file it is, and of what it may be a copy."""
        place = f"{self.item}, {self.media.kind} {self.media.attachment + 1}, capture {self.media.capture}"
        return f"{place}, may be a copy of the recording {self.protection}: {self.why}"

    def command(self) -> str:
        """Return how to name the file to `archiver redact`."""
        post = f" --post {self.media.post} --attachment {self.media.attachment}" if self.media.post else ""
        return f"archiver redact {self.media.capture} REASON{post}"


@dataclass(frozen=True)
class _Protected:
    media: MediaFile
    sha256: str
    """Of the file as it was received; `media` can be the covered copy, where that is not at hand."""
    protection: str


def open_copies(home: Home, material: Material) -> list[OpenCopy]:
    """Find the files of the material that may be copies of covered or quarantined ones and are not covered themselves.

    What somebody said to be another recording is left out.
    """
    protected = list(_protected(home, material))
    if not protected:
        return []
    covered = {one.sha256 for one in protected if not one.protection.startswith("quarantined")}
    places = covered_places(material)
    others = {
        (sha256, of)
        for event in material.standing
        if event["detail"]["kind"] == KIND
        for sha256 in event["detail"]["files"]
        for of in event["detail"]["of"]
    }
    looks: dict[str, Look] = {}
    found: dict[str, OpenCopy] = {}
    for item in material.items:
        for media in item.every_media:
            if media.kind not in PHOTO + VIDEO + AUDIO or media.sha256 in covered | found.keys():
                continue
            if (media.post, media.attachment) in places:
                continue  # another copy of that very file: packages leave it out
            for one in protected:
                if (media.sha256, one.sha256) not in others and (why := _alike(home, looks, one, media)):
                    found[media.sha256] = OpenCopy(item.number, media, one.sha256, one.protection, why)
                    break
    return list(found.values())


def say_another(home: Home, signer: Signer, about: About, words: str, fetch: Fetch) -> Sealed:
    """Sign that a file is another recording than those that it looks like. Raises `NotFound`, `LedgerError`, `UsageError`."""
    material = gather(home, home.catalog.cases_of(about.capture)[0], [], fetch)
    meant = [
        one
        for one in open_copies(home, material)
        if one.media.capture == about.capture
        and about.post in (None, one.media.post)
        and about.attachment in (None, one.media.attachment)
    ]
    if not meant:
        raise NotFound(
            "a file that looks like a covered or quarantined one", "none that is meant here", "There is nothing to say."
        )
    detail = {
        "files": sorted({one.media.sha256 for one in meant}),
        "of": sorted({one.sha256 for one in _protected(home, material)}),
    }
    return record(home, signer, KIND, about.detail(), words, detail)


def _protected(home: Home, material: Material) -> Iterator[_Protected]:
    files = {media.sha256: media for item in material.items for media in item.every_media}
    for one in material.redactions:
        if one.media is not None and one.original is not None:
            yield _Protected(files.get(one.original, one.media), one.original, f"covered by event {one.seq}")
    for media in quarantined_media(home, material):
        if media.kind in PHOTO + VIDEO + AUDIO:
            yield _Protected(media, media.sha256, f"quarantined with the capture {media.capture}")


def _alike(home: Home, looks: dict[str, Look], one: _Protected, other: MediaFile) -> str | None:
    if one.sha256 == other.sha256:
        return "the same bytes"
    sorts = [next((sort for sort in (PHOTO, AUDIO) if media.kind in sort), VIDEO) for media in (one.media, other)]
    if one.media.kind != "redaction" and sorts[0] != sorts[1]:
        return None
    return alike(_look(home, looks, one.media), _look(home, looks, other))


def _look(home: Home, looks: dict[str, Look], media: MediaFile) -> Look:
    if media.sha256 not in looks:
        kind = media.kind
        if kind == "redaction":
            kind = {"image": "photo", "audio": "audio"}.get(str(media.media_type).partition("/")[0], "video")
        with scratch(home.path, "looks") as folder:
            path = folder / "in"
            try:
                with open(path, "wb") as stream:
                    for chunk in media.chunks():
                        stream.write(chunk)
                looks[media.sha256] = look_of(path, kind)
            except (EvidenceError, OSError):  # freed here, or damaged: by its digest alone
                looks[media.sha256] = Look("nothing", None)
    return looks[media.sha256]
