"""Volumes: one packed package, cut into files. It is said whether all are there and whole; joining them is left to others."""

from __future__ import annotations

import os
import re

from .bag import digest_file, package_in
from .words import CannotTell, Report, cannot_tell_if, first, missing_if, verdict

VOLUME = r"([A-Za-z0-9][A-Za-z0-9._-]*\.tar(?:\.age)?)\.([0-9]{3})"
VOLUME_LIST = "volumes.txt"


def volumes_in(folder: str) -> list[str]:
    """Names of the volumes in a folder, in order."""
    return sorted(name for name in os.listdir(folder) if re.fullmatch(VOLUME, name, re.IGNORECASE))


def check_volumes(folder: str) -> str:
    """All volumes are there, and each is what the list says. The list is not signed: it tells damage, and nothing more."""
    names = volumes_in(folder)
    packed = sorted({name[:-4] for name in names})
    cannot_tell_if(
        len(packed) > 1, f"volumes of {packed[0]} and of {packed[-1]} lie here: keep them in folders of their own"
    )
    path = os.path.join(folder, VOLUME_LIST)
    if not os.path.isfile(path):
        gaps = [number for number in range(1, int(names[-1][-3:]) + 1) if f"{packed[0]}.{number:03d}" not in names]
        missing_if(gaps, f"{packed[0]}.{first(gaps)!s:0>3} is not there. Ask for it again")
        raise CannotTell(
            f"{VOLUME_LIST} is not there, so nobody can tell whether these are all volumes: ask for it again"
        )
    with open(path, "rb") as stream:
        lines = stream.read(1 << 20).decode("utf-8", "replace").split("\n")
    matches = [re.fullmatch(rf"([0-9a-f]{{64}}) [ *]((?i:{VOLUME}))", line.strip()) for line in lines if line.strip()]
    listed = {match[2]: match[1] for match in matches if match}
    cannot_tell_if(
        not listed or None in matches or len(listed) != len(matches),
        f"{VOLUME_LIST} is not the list that was made: ask for it again",
    )
    absent = sorted(set(listed) - set(names))
    missing_if(
        absent, f"{len(absent)} of {len(listed)} volumes are not there, first: {first(absent)}. Ask for it again"
    )
    extra = sorted(set(names) - set(listed))
    cannot_tell_if(extra, f"{first(extra)} is not in {VOLUME_LIST}: it belongs to another package. Move it elsewhere")
    cut = [
        name for name, digest in sorted(listed.items()) if digest_file(os.path.join(folder, name), "sha256") != digest
    ]
    missing_if(cut, f"{first(cut)} was cut or changed on the way. Copy it again, or ask for it again")
    return f"{len(listed)} volumes, each as {VOLUME_LIST} lists it"


def package_or_volumes(folder: str) -> tuple[str, bool]:
    """The folder to check, which may lie one deeper, and whether volumes are all that it holds."""
    if os.path.lexists(os.path.join(folder, "bagit.txt")):
        return folder, False
    return (folder, True) if volumes_in(folder) else (package_in(folder) or folder, False)


def tell_volumes(folder: str) -> int:
    """The line and the verdict; what is in volumes can only be checked once they are joined and unpacked."""
    report = Report()
    if report.check("volumes", check_volumes, folder):
        report.say(
            "cannot tell",
            "opening",
            "join the volumes and unpack what results, as README.txt says; then name the folder",
        )
    print("\n" + verdict(report.exit_code(), None, []))
    return report.exit_code()
