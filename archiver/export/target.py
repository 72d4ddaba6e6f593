"""The disk that a package goes to: what fits on it, said before anything is written, and what it refuses later."""

from __future__ import annotations

import errno
import os
import re
import resource
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from archiver.errors import UsageError
from archiver.text.plain import size
from storage.errors import DiskError

RESERVE = 64 << 20
"""Bytes that shall be left on a disk."""
SMALLEST_VOLUME = 1_000_000
MOST_VOLUMES = 999
"""Volumes are numbered with three digits."""
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_LIMITS = ((1 << 32) - 1, (1 << 31) - 1)
"""Largest file of FAT32, and of what counts in signed 32 bits."""
_GONE = "The disk failed or is no longer connected. Connect it again, or choose another folder with --to, and run the same command."
_HINTS = {
    errno.ENOSPC: "Free some space there, or choose another folder with --to. The same command goes on from what is written.",
    errno.EDQUOT: "Raise the quota there, or choose another folder with --to. The same command goes on from what is written.",
    errno.EFBIG: "The disk does not take a file of that size (FAT32: 4 GB). Add --volumes 4G, or format it as exFAT.",
    errno.EROFS: "Mount the disk writable, or choose another folder with --to.",
    errno.EACCES: "Give this user the right to write there, or choose another folder with --to.",
    **dict.fromkeys((errno.EIO, errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.ENOTCONN, errno.ESTALE), _GONE),
}


@dataclass(frozen=True)
class Place:
    """A disk, as it is now."""

    there: Path
    """The folder that was looked at: the one asked for, or the nearest above it that exists."""
    device: int
    free: int
    largest: int | None
    """The largest file that it takes, in bytes; None where no limit shows itself."""


@dataclass(frozen=True)
class Needs:
    """About what a package takes, in bytes."""

    whole: int
    largest: int
    """Of its largest file."""


def place_of(folder: Path) -> Place:
    """Look at the disk that `folder` lies on, or will lie on. Raises `DiskError` where nothing can be written."""
    there = folder
    while not there.exists():
        there = there.parent
    try:
        return Place(there, there.stat().st_dev, shutil.disk_usage(there).free, _largest(there))
    except OSError as error:
        raise target_error(error, f"writing to {there}") from error


def _largest(folder: Path) -> int | None:
    """Return how large a file can get there. Nothing is written: a file system that knows its limit refuses the place."""
    allowed = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    found = [] if allowed == resource.RLIM_INFINITY else [allowed]
    with tempfile.TemporaryFile(dir=folder) as stream:
        for limit in _LIMITS:
            try:
                os.lseek(stream.fileno(), limit + 1, os.SEEK_SET)
            except OSError as error:
                if error.errno not in (errno.EINVAL, errno.EFBIG, errno.EOVERFLOW):
                    raise
                found.append(limit)
    return min(found, default=None)


def volume_size(text: str) -> int:
    """Return the bytes that `4G`, `650M` or a plain number mean, in decimal units. Raises `UsageError`."""
    match = re.fullmatch(r"(?i)([0-9]+(?:\.[0-9]+)?) ?([kmgt]?)i?b?", text.strip())
    count = int(float(match[1]) * _UNITS[match[2].lower()]) if match else 0
    if count < SMALLEST_VOLUME:
        raise UsageError("--volumes of at least 1M, like 4G or 650M", repr(text), "Correct it.")
    return count


def refuse_what_does_not_fit(
    needs: Needs, work: Path, to: Path, *, volume: int | None, one_file: bool, done: int
) -> None:
    """Raise `DiskError` where the package will not fit: where it is put together (`work`), or where it goes (`to`).

    `one_file`: whether it leaves as a tar, in volumes of `volume` bytes where that is given. `done`: bytes that an
    interrupted export has put together already.
    """
    target = place_of(to)
    if volume is not None and needs.whole > volume * MOST_VOLUMES:
        raise UsageError(
            f"a package in at most {MOST_VOLUMES} volumes", f"about {needs.whole // volume + 1}", "Name larger volumes."
        )
    largest = min(needs.whole, volume or needs.whole) if one_file else needs.largest
    if target.largest is not None and largest > target.largest:
        raise DiskError(
            f"a disk that takes a file of {size(largest)}",
            f"at {target.there} a file can have at most {size(target.largest)}",
            "Add --volumes 4G, which packs the package into files of at most that size, or choose another disk."
            if target.largest >= 4 * 10**9
            else f"Add --volumes {max(target.largest // 10**6, 1)}M, or choose another disk.",
        )
    room = [(target, needs.whole if one_file else max(needs.whole - done, 0))]
    if one_file:
        room.append((place_of(work), max(needs.whole - done, 0)))
    for device in {place.device for place, _ in room}:
        places = [(place, count) for place, count in room if place.device == device]
        needed, place = sum(count for _, count in places) + RESERVE, places[0][0]
        if place.free < needed:
            twice = ", for the package and for the copy that it is packed from" if len(places) > 1 else ""
            raise DiskError(
                f"{size(needed)} free at {place.there}{twice}",
                size(place.free),
                "Free some space, or export to another disk.",
            )


def target_error(error: OSError, doing: str) -> DiskError:
    """Translate what the disk refused while `doing` something; the next step is that of an export."""
    hint = _HINTS.get(error.errno or 0, "Look at the disk, then run the same command again.")
    where = f" at {error.filename}" if error.filename else ""
    return DiskError(f"a writable disk ({doing})", f"{error.strerror or error}{where}", hint)
