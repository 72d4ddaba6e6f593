"""Files of captures written into a folder, whole, to look at in the house: each under a name that tells what it is.

What is written is what was sealed: a file whose digest is another one is set apart. What is not written is listed, with
the reason. Such a folder is no package: nothing in it is redacted, and it goes to nobody.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from archiver.errors import UsageError
from archiver.export.media_names import ending_of
from archiver.home.home import Home
from archiver.home.ports import Fetch
from archiver.lookup.capture_files import CaptureFiles
from archiver.lookup.items import MediaFile
from archiver.lookup.material import MEDIA, Folders, SealedCapture, media_of, post_name
from archiver.text.file_names import ascii_name, name_part, same_name
from archiver.text.plain import size
from spiders.targets import Target, parse_target
from storage.digest import Sha256, file_sha256
from storage.errors import DiskError, EvidenceError, disk_error
from storage.post_lines import published

RESERVE = 64 << 20
"""Bytes that shall be left on the disk."""
SAME = "same as another"
"""State of a file that a platform names twice: it is written once."""
PROTECTED = ("source",)
"""Marks of accounts whose files go out only when a person has said yes."""
OTHER_NAME = (errno.EINVAL, errno.EILSEQ, errno.ENAMETOOLONG)
"""How a disk answers that takes a name in ASCII alone, or a shorter one."""


@dataclass(frozen=True)
class Selection:
    """Captures whose files are wanted, and the post that is meant in them; None for all."""

    captures: tuple[str, ...]
    post: str | None = None


@dataclass(frozen=True)
class OutFile:
    """A file of a capture, or one that is not there and why. `row` gives it as it stands in files.csv."""

    capture: str
    kind: str
    post: str | None
    attachment: int
    line: dict[str, Any]
    """What its post says; empty of a received file."""
    media: MediaFile | None
    platform: str
    folder: Path
    """Of the capture."""
    why: str | None = None
    """Why it is not written."""
    name: str | None = None
    """Under which name it was written."""
    state: str = "not written"
    """`written`, `there already`, `damaged`, `not written`, or `derived` of a copy that was made to be played."""
    sha256: str | None = None
    size: int | None = None
    of: tuple[str, ...] = ()
    """The names of the files that a derived copy was made of."""
    made_by: str | None = None
    """The program and its arguments that made a derived copy."""
    plays: str | None = None
    """Why browsers do not play it; None where they do, or nobody looked."""
    sensitive: str | None = None
    lost: bool = False
    """Whether it was kept, and its pieces are not here."""

    @property
    def written(self) -> bool:
        """Whether it lies in the folder as it was sealed, or was derived of what does."""
        return self.state in ("written", "there already", "derived")


@dataclass
class Gathered:
    """The files that a selection means, and what stands against writing some of them."""

    files: list[OutFile] = field(default_factory=list)
    protected: list[str] = field(default_factory=list)
    """Accounts that are marked as sources."""
    quarantined: list[str] = field(default_factory=list)
    """Captures that are left out, since something in them is quarantined."""


def select(home: Home, what: str) -> Selection:
    """Find what a person named: a case, a capture, the link of a post, or its id. Raises `NotFound`, `UsageError`."""
    target = parse_target(what) if "/" in what and "://" in what else None
    post = target.id if isinstance(target, Target) else what
    seen = home.catalog.observations(post) if target is not None or "/" in what else []
    if seen:
        return Selection(tuple(dict.fromkeys(row["capture"] for row in seen)), post)
    if isinstance(target, Target) and (rows := home.catalog.captures_of(target.url)):
        return Selection(tuple(row["id"] for row in rows))
    return Selection(tuple(home.captures_named(what)))


def gather_files(home: Home, selections: list[Selection], kinds: tuple[str, ...], fetch: Fetch) -> Gathered:
    """List the files of the selections, in the order of captures and posts; of the same bytes of a post once.

    What was freed here is fetched back first. Raises `UsageError` where all of it is quarantined, `CannotTell`,
    `FormatError`.
    """
    found, folders, read = Gathered(), Folders(home), CaptureFiles()
    hidden = home.catalog.quarantined_captures()
    wanted = {capture: None for one in selections for capture in one.captures}
    lenders = {capture: set(home.catalog.lenders_of(capture)) for capture in wanted}
    found.quarantined = sorted(one for one in wanted if one in hidden or lenders[one] & hidden)
    shown = [one for one in wanted if one not in found.quarantined]
    if not shown:
        raise UsageError(
            "captures that are not quarantined", ", ".join(found.quarantined[:4]) or "none", "See `archiver show`."
        )
    fetch.bring_back({*shown, *(lender for one in shown for lender in lenders[one])})
    marks = _author_marks(home)
    levels = _levels(home, shown)
    met: set[tuple[str | None, int, str, str]] = set()
    for selection in selections:
        for capture in selection.captures:
            if capture in found.quarantined:
                continue
            row = home.catalog.capture(capture)
            if row is None:
                continue
            sealed = SealedCapture(capture, row["seq"], home.path / row["folder"], row, read)
            for one in _of_capture(sealed, folders, selection.post, kinds):
                mark = (one.post, one.attachment, one.kind, one.media.sha256 if one.media else f"{capture} {one.why}")
                if mark in met:
                    continue
                met.add(mark)
                if (name := _protected(one.line, marks)) is not None and name not in found.protected:
                    found.protected.append(name)
                found.files.append(
                    replace(one, sensitive=levels.get((capture, one.post)) or levels.get((capture, None)))
                )
    found.files = _told_once(found.files)
    return found


def _told_once(files: list[OutFile]) -> list[OutFile]:
    """Leave out what one capture did not keep and another of these did, such as the second look of a list."""
    kept = {(one.post, one.attachment, one.kind) for one in files if one.media is not None and one.post is not None}
    return [
        one for one in files if one.media is not None or one.lost or (one.post, one.attachment, one.kind) not in kept
    ]


def _of_capture(
    capture: SealedCapture, folders: Folders, post: str | None, kinds: tuple[str, ...]
) -> Iterator[OutFile]:
    lines: dict[str, dict[str, Any]] = {}
    for line in capture.observed():
        lines.setdefault(post_name(line), line)
    platform = str(capture.target.get("platform") or capture.row["platform"])
    given = {one.key: one for one in media_of(capture, folders)}
    for line in capture.ended():
        key, kind = str(line["key"]), str(line.get("kind"))
        if kind not in MEDIA or (kinds and kind not in kinds) or not key.startswith(("post ", "file ")):
            continue
        owner = key.removeprefix("post ").rpartition(" #")[0] if key.startswith("post ") else None
        if post is not None and owner != post:
            continue
        media = given.get(key)
        number = re.search(r"(?:#|file )(\d+)", key)
        place = media.attachment if media else int(number[1]) if number else 0
        yield OutFile(
            capture.id, kind, owner, place, lines.get(owner or "", {}), media, platform, capture.folder,
            None if media else _why_not(line, capture, folders), state=SAME if media is None and _is_same(line) else "not written",
            lost=media is None and _is_kept(line),
        )  # fmt: skip


def _why_not(line: dict[str, Any], capture: SealedCapture, folders: Folders) -> str:
    """Why there is no file of a thing in the inventory."""
    if line["outcome"] not in ("captured", "partial"):
        return f"{line['outcome']}: {line.get('reason') or 'no reason given'}"
    if line.get("proof") == "wrong kind":
        return f"what came in its place is something else: {line.get('reason') or 'see the inventory'}"
    if _is_kept(line):
        gone = sorted(one for one in capture.lent if folders.get(one) is None)
        where = f"the capture {gone[0]}, which is not in this home" if gone else "recordings that are not in this home"
        return f"pieces of it are in {where}"
    return str(line.get("reason") or "no file came of it")


def _is_same(line: dict[str, Any]) -> bool:
    return line["outcome"] == "captured" and str(line.get("reason") or "").startswith("the same file as ")


def _is_kept(line: dict[str, Any]) -> bool:
    return line["outcome"] in ("captured", "partial") and bool(line.get("record")) and line.get("proof") != "wrong kind"


def _author_marks(home: Home) -> dict[str, str]:
    marks: dict[str, str] = {}
    for body in home.catalog.standing("author"):
        detail = body["detail"]
        marks[f"{detail['about']['platform']}:{detail['about']['author']}".lower()] = detail["mark"]
    return marks


def _protected(line: dict[str, Any], marks: dict[str, str]) -> str | None:
    for field_name in ("author_handle", "author_id", "author_name"):
        name = line.get(field_name)
        if name and marks.get(f"{line.get('platform')}:{name}".lower()) in PROTECTED:
            return str(line.get("author_handle") or name)
    return None


def protected_in(home: Home, captures: Iterable[str]) -> list[str]:
    """List the accounts of these captures that people marked as sources."""
    marks = _author_marks(home)
    lines = (json.loads(post["line"]) for capture in captures for post in home.catalog.posts(capture))
    return list(dict.fromkeys(name for line in lines if (name := _protected(line, marks)) is not None))


def _levels(home: Home, captures: list[str]) -> dict[tuple[str, str | None], str]:
    """How sensitive people found a capture or a post of it; the latest word counts."""
    found: dict[tuple[str, str | None], str] = {}
    wanted = set(captures)
    for body in home.catalog.standing("sensitivity"):
        detail = body["detail"]
        if detail["about"].get("capture") in wanted:
            found[(detail["about"]["capture"], detail["about"].get("post"))] = detail["level"]
    return {place: level for place, level in found.items() if level != "none"}


# -- names -----------------------------------------------------------------------------------------------


def stem_of(one: OutFile) -> str:
    """Return what a file is called, without its ending: time, author, post, and which file of the post it is."""
    if one.platform == "received":  # what the giver called it may name them: it is withheld
        return f"received-{one.capture[:13]}Z_{one.capture[-8:]}_{one.attachment + 1}"
    author = one.line.get("author_handle") or one.line.get("author_name") or ""
    post = name_part((one.post or "").rpartition("/")[2]) or "no-id"
    return f"{time_in_name(one.line)}_{name_part(str(author)) or 'author-unknown'}_{post}_{one.attachment + 1}"


def time_in_name(line: dict[str, Any]) -> str:
    """Return the time of publication as far as the platform states it, fit for a name: `2022-01-05T1040Z`, or `undated`."""
    said = published(line) or {}
    value = said.get("value")
    if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d", value):
        day = said.get("precision") in ("day", "month", "year")
        return value[:10] if day else f"{value[:13]}{value[14:16]}Z"
    earliest, latest = said.get("earliest"), said.get("latest")
    if isinstance(earliest, str) and isinstance(latest, str):
        return earliest[:10] if earliest[:10] == latest[:10] else f"{earliest[:10]}--{latest[:10]}"
    return "undated"


class Names:
    """Names in one folder, none of them twice where capitals or the form of accents do not count."""

    def __init__(self, taken: dict[str, str]) -> None:
        """`taken`: name → SHA-256 of each file that is there already."""
        self._taken = {same_name(name): digest for name, digest in taken.items()}

    def new(self, stem: str, ending: str, sha256: str) -> str:
        """Return a name for a file: the one that it has already, or one that no other file has."""
        name, more = f"{stem}.{ending}", 2
        while self._taken.get(same_name(name), sha256) != sha256:
            name, more = f"{stem}-{more}.{ending}", more + 1
        self._taken[same_name(name)] = sha256
        return name


# -- writing ---------------------------------------------------------------------------------------------


def write_files(found: list[OutFile], to: Path, names: Names, told: Callable[[OutFile], None]) -> list[OutFile]:
    """Write the files into a folder; return them as they were written. `told` gets each one at once.

    A disk that is full stops it, with what was written in place. Raises `DiskError`.
    """
    _require_room(found, to)
    done = []
    for one in found:
        if one.media is not None:
            one = _written(one, one.media, to, names.new(stem_of(one), ending_of(one.media), one.media.sha256))
        told(one)
        done.append(one)
    return done


def _require_room(found: list[OutFile], to: Path) -> None:
    """Raise `DiskError` before anything is written where it will not fit."""
    needed = sum({one.media.sha256: one.media.size for one in found if one.media}.values()) + RESERVE
    free = shutil.disk_usage(to).free
    if free < needed:
        raise DiskError(
            f"{size(needed)} free at {to}", size(free), "Free some space, or name a folder on another disk."
        )


def _written(one: OutFile, media: MediaFile, to: Path, name: str) -> OutFile:
    out = to / name
    known = replace(one, name=name, sha256=media.sha256, size=media.size)
    try:
        if out.is_file() and out.stat().st_size == media.size and file_sha256(out).hexdigest() == media.sha256:
            return replace(known, state="there already")
    except OSError as error:
        raise disk_error(error, f"reading {name}") from error
    try:
        good, name = _copied(media, to, name)
    except DiskError:
        raise
    except EvidenceError as error:  # of this one file: the others go on
        return replace(one, why=f"{error.found}. {error.next_step}")
    if not good:
        return replace(
            known, name=name, state="damaged", why="its bytes are not those that were sealed; run archiver check"
        )
    return replace(known, name=name, state="written")


def _copied(media: MediaFile, to: Path, name: str) -> tuple[bool, str]:
    """Write a file's bytes; return whether they are those that were sealed, and the name that they lie under."""
    whole = Sha256()
    working = to / f".{media.sha256[:16]}.part"
    try:
        with open(working, "wb") as stream:
            for data in media.chunks():
                whole.update(data)
                stream.write(data)
        good = (whole.hexdigest(), whole.size) == (media.sha256, media.size)
        return good, put_in_place(working, to, name if good else f"{name}.damaged")
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise DiskError(
                f"a disk that takes a file of {size(media.size)}", "one that does not (FAT ends at 4 GiB)",
                "Name a folder on a disk formatted with exFAT, NTFS or ext4.",
            ) from error  # fmt: skip
        raise disk_error(error, f"writing {name}") from error
    finally:
        working.unlink(missing_ok=True)


def put_in_place(working: Path, to: Path, name: str) -> str:
    """Move a file that is whole to its name; return that, or the plainer one that the disk takes. Raises `OSError`."""
    for called in (name, ascii_name(name), f"{working.name[1:17]}{Path(name).suffix}"):
        try:
            os.replace(working, to / called)
            return called
        except OSError as error:
            if error.errno not in OTHER_NAME:
                raise
    raise OSError(errno.EINVAL, "the disk takes none of its names", name)
