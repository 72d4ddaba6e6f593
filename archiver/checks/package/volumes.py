"""Volumes: one packed package, cut into files; whether all of them are there and whole. Their list is not signed."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

from archiver.checks.package.files import Absent, Unknown
from storage.digest import file_sha256

LIST = "volumes.txt"
_VOLUME = re.compile(r"(?P<packed>[a-z0-9][\w.-]*\.tar(\.age)?)\.(?P<number>[0-9]{3})", re.ASCII | re.IGNORECASE)
_LINE = re.compile(r"(?P<digest>[0-9a-f]{64}) [ *](?P<name>.+)")
_LARGEST_LIST = 1 << 20


def is_volume(name: str) -> bool:
    """Return whether a file is called as a volume is: `NAME.tar.001`, `NAME.tar.age.002`."""
    return _VOLUME.fullmatch(name) is not None


def volumes_in(folder: Path) -> list[Path]:
    """Return the volumes in a folder, in order; none where something else lies there. Raises `OSError`."""
    return sorted(path for path in folder.iterdir() if is_volume(path.name))


def look_at_volumes(volumes: list[Path]) -> str:
    """Return what to say where all are there, each as it was made. Raises `Absent`, `Unknown`, `OSError`."""
    packed = sorted({path.name[:-4] for path in volumes})
    if len(packed) > 1:
        raise Unknown(f"volumes of {packed[0]} and of {packed[-1]} lie here: keep them in folders of their own")
    there = {path.name: path for path in volumes}
    listed = _listed(volumes, packed[0])
    if absent := sorted(listed.keys() - there.keys()):
        raise Absent(f"{len(absent)} of {len(listed)} volumes are not there, first: {absent[0]}. Ask for it again")
    if extra := sorted(there.keys() - listed.keys()):
        raise Unknown(f"{extra[0]} is not in {LIST}: it belongs to another package. Move it elsewhere")
    for name, digest in sorted(listed.items()):
        if file_sha256(there[name]).hexdigest() != digest:
            raise Absent(f"{name} was cut or changed on the way. Copy it again, or ask for it again")
    return f"{len(listed)} volumes, each as {LIST} lists it"


def _listed(volumes: list[Path], packed: str) -> dict[str, str]:
    """Read the list that lies beside: name → digest. Raises `Absent` where a number is left out and there is no list."""
    path = volumes[0].with_name(LIST)
    if not path.is_file():
        numbers = [0, *(int(volume.name[-3:]) for volume in volumes)]
        for before, after in pairwise(numbers):
            if after != before + 1:
                raise Absent(f"{packed}.{before + 1:03d} is not there. Ask for it again")
        raise Unknown(f"{LIST} is not there, so nobody can tell whether these are all volumes: ask for it again")
    with open(path, "rb") as stream:
        lines = stream.read(_LARGEST_LIST).decode("utf-8", "replace").split("\n")
    listed = {}
    for line in filter(None, map(str.strip, lines)):
        match = _LINE.fullmatch(line)
        if match is None or not is_volume(match["name"]) or match["name"] in listed:
            raise Unknown(f"{LIST} is not the list that was made: ask for it again")
        listed[match["name"]] = match["digest"]
    if not listed:
        raise Unknown(f"{LIST} is not the list that was made: ask for it again")
    return listed
