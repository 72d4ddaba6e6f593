#!/usr/bin/env python3
"""Checks a package of social media evidence, with nothing but Python's standard library and the program `openssl`.

    python3 -I check.py FOLDER --fingerprint 64-HEX-DIGITS-OR-8-WORDS [--checkpoint FILE] [--root SHA256]

Take this file from the people who made the package, or from where their program is published, and not out of the package.
The fingerprint must come to you by another way than the package too: in person or by telephone. Without it the check can
only say that the package is consistent with itself, since a forger could have signed it as well.

Exit code 0: intact, and signed by the key you named. 5: something was changed, added or exchanged. 2: something is missing.
6: cannot tell (no fingerprint was given, something given cannot be used, a program is missing). What a video shows is not
what is checked here; what the signer says in their own words is named, and not held against the recordings.

Nothing of the package is executed or imported, nothing is fetched, nothing outside the package is read but what you name.
You can read this file before you trust it: from top to bottom it does what its headings say.
"""

from __future__ import annotations

import sys

if __name__ == "__main__" and not sys.flags.isolated:
    # Python looks for modules beside this file first, and a package could hold some: it is started again without that.
    del sys.path[0]
    import os

    command = [sys.executable, "-I", os.path.abspath(__file__), *sys.argv[1:]]
    if os.name == "posix":
        os.execv(sys.executable, command)
    import subprocess

    sys.exit(subprocess.call(command))

import argparse
import base64
import calendar
import concurrent.futures
import csv
import datetime
import functools
import hashlib
import io
import json
import os
import re
import stat
import struct
import subprocess
import tempfile
import time
import zlib
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any
from typing import BinaryIO
from typing import NamedTuple
from typing import NoReturn


# ---- 1. What a check says: findings, lines, the verdict. -------------------------------------------------------------
#
# intact        the check was made, and what it looked at is as it was
# note          worth knowing; says nothing against integrity
# cannot tell   the check lacks what it would need
# MISSING       something that belongs to the package is not there
# TAMPERED      something is not what it was when the package was made

FORMAT = "archiver-package/2"
READ = 1 << 20
SMALL = 256 << 20  # files that are read as a whole may not be larger
SIZES = (  # what an archiver writes is far smaller: more would only cost the time and memory of who checks
    (r"proofs/(?!leaves\.bin).*|signature/.*", 1 << 20),
    (r"data/package\.json|data/events/.*|data/captures/[^/]+/manifest\.json", 16 << 20),
)
DEEP = 16  # folders inside each other: a package has four
NAME = r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*"  # what every file of a package is called


class Tampered(Exception):
    """Something is not what it was when the package was made. The text says what."""


class Missing(Exception):
    """Something that belongs to the package is not there."""


class CannotTell(Exception):
    """The check lacks what it would need."""


WORDS: dict[type[Exception], str] = {Tampered: "TAMPERED", Missing: "MISSING", CannotTell: "cannot tell"}
UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, OSError, EOFError, ArithmeticError,
              RecursionError, struct.error, zlib.error)  # fmt: skip


def tampered_if(wrong: object, text: str, kind: type[Exception] = Tampered) -> None:
    if wrong:
        raise kind(text)


missing_if = functools.partial(tampered_if, kind=Missing)
cannot_tell_if = functools.partial(tampered_if, kind=CannotTell)


def most_of(name: str) -> int:
    """How large a file may be that is read as a whole, in bytes."""
    return next((most for pattern, most in SIZES if re.fullmatch(pattern, name)), SMALL)


def is_moment(text: str) -> bool:
    """Whether a text is a time in UTC that a calendar has, like 2026-11-22T08:25:28.311178Z."""
    match = re.fullmatch(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}:[0-9]{2}:[0-5][0-9])(\.[0-9]{1,6})?Z", text)
    return match is not None and is_day(match[1]) and match[2] < "24" and match[2][3:] < "60"


def is_day(text: str) -> bool:
    try:
        return bool(re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text)) and bool(
            datetime.date(*map(int, text.split("-")))
        )
    except ValueError:
        return False


def first(names: Iterable[object]) -> object:
    """The first of what was found wrong, for a line; nothing where nothing was."""
    return next(iter(names), "")


class Report:
    """The lines of the result, each with one of five words in front, and what the verdict has to add."""

    def __init__(self) -> None:
        self.found: set[str] = set()
        self.plain: list[str] = []

    def say(self, word: str, about: str, text: object) -> None:
        self.found.add(word)
        print(f"{word:<11}  {shown(about):<28}  {shown(text)}")

    def check(self, about: str, function: Callable[..., Any], *arguments: Any) -> bool:
        """Runs one check; its result is a line. Whatever goes wrong inside is a finding, never a crash."""
        try:
            text = function(*arguments)
        except (Tampered, Missing, CannotTell) as error:
            self.say(WORDS[type(error)], about, str(error))
        except FileNotFoundError as error:
            self.say("MISSING", about, f"{os.path.basename(str(error.filename))} is not there")
        except OSError as error:
            where = os.path.basename(str(error.filename or "a file"))
            self.say("cannot tell", about, f"{where} cannot be read: {error.strerror or error}. Copy the package again")
        except MemoryError:
            self.say("cannot tell", about, "this machine has not enough memory for it: check it on a larger one")
        except UNREADABLE as error:
            self.say("TAMPERED", about, f"cannot be read in its expected format ({type(error).__name__}: {error})")
        else:
            if text:
                self.say("intact", about, text)
            return True
        return False

    def add(self, text: str) -> None:
        """Something that the verdict itself has to say."""
        if text not in self.plain:
            self.plain.append(text)

    def exit_code(self) -> int:
        codes = (("TAMPERED", 5), ("MISSING", 2), ("cannot tell", 6))
        return next((code for word, code in codes if word in self.found), 0)


def shown(text: object) -> str:
    """Words of strangers on a terminal: control characters, line ends, and marks that turn the direction or are not seen, as codes."""
    marks = (
        "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
        "\U000e0000-\U000e007f]"
    )
    return re.sub(marks, lambda match: f"\\x{ord(match[0]):02x}", str(text))


VERDICTS = {
    0: "INTACT, and signed by the key that you named",
    2: "INCOMPLETE: something is missing",
    5: "TAMPERED: do not rely on this package",
    6: "CANNOT TELL: see the lines above",
}


def verdict(code: int, profile: str | None, plain: list[str]) -> str:
    """The last line: the verdict, which kind of package was checked, and what has to be known beside it."""
    about = [f"profile {profile}"] if profile else []
    return "; ".join([VERDICTS[code], *about, *plain])


def stop(text: str) -> NoReturn:
    """Ends with exit code 6: nothing was checked."""
    print(f"cannot tell: {shown(text)}")
    sys.exit(6)


# ---- 2. The bag: every file is listed, every listed file is there, every digest is true (RFC 8493). ------------------

SEVERAL = concurrent.futures.ThreadPoolExecutor()  # digests of several files at once
BAGIT = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
JUNK = (  # what operating systems, file managers, copying and office programs leave in a folder: no makers' files
    r"\._.*|\.DS_Store|\.Spotlight-V100|\.Trashes|\.fseventsd|\.TemporaryItems|\.apdisk|__MACOSX|\.localized|Icon\r|"
    r"\.VolumeIcon\.icns|\.DocumentRevisions-V100|\.Apple(Double|DB|Desktop)|\.com\.apple\..*|"
    r"Thumbs\.db|ehthumbs\.db|desktop\.ini|\$RECYCLE\.BIN|RECYCLER|System Volume Information|FOUND\.[0-9]{3}|"
    r".*:(Zone\.Identifier|com\.dropbox\..*)|\.directory|\.Trash(-[0-9]+)?|lost\+found|\.thumbnails|@eaDir|"
    r"\.@__thumb|\.@__qini|#recycle|\.fuse_hidden[0-9a-f]+|\.nfs[0-9a-f]+|\.goutputstream-\w+|~\$.*|\.~lock\..*\#|"
    r"\.~tmp~|\.rsync-partial|\.[A-Za-z0-9_][A-Za-z0-9._-]*\.[A-Za-z0-9]{6}|\.stfolder.*|\.stversions|\.stignore|"
    r"[.~]syncthing[.~].*|\.dropbox(\.attr|\.cache)?|\.sync_[0-9a-f]+\.db.*|\.owncloudsync\.log"
)


RENAMED = "names were changed on the way. Copy or unpack the package again, with a program and a disk that keep names as they are"


def package_in(folder: str) -> str:
    """The folder of the package: the one that was named, or the only one in it, where it was unpacked one level deeper."""
    for _ in range(16):
        inside = [entry for entry in os.scandir(folder) if not re.fullmatch(JUNK, entry.name, re.IGNORECASE)]
        folders = [entry.path for entry in inside if entry.is_dir(follow_symlinks=False)]
        if len(folders) != 1 or len(inside) != 1:
            break
        folder = folders[0]
        if os.path.isfile(os.path.join(folder, "bagit.txt")):
            return folder
    return ""


def digest_of(data: bytes, algorithm: str = "sha256") -> str:
    return hashlib.new(algorithm, data).hexdigest()


def digest_file(path: str, algorithm: str) -> str:
    running = hashlib.new(algorithm)
    with open(path, "rb", buffering=0) as stream:
        while data := stream.read(READ):
            running.update(data)
    return running.hexdigest()


def unread(error: OSError) -> NoReturn:
    """A folder that cannot be read is not one that holds nothing."""
    raise error


def names_in(folder: str) -> tuple[set[str], list[str], list[str]]:
    """(names of all files, names that an operating system left, empty folders). Links and special files are refused, and
    names that other systems would confuse."""
    found: list[str] = []
    junk: list[str] = []
    bare: list[str] = []
    folded: dict[str, str] = {}
    for where, folders, files in os.walk(folder, onerror=unread):
        below = os.path.relpath(where, folder).replace(os.sep, "/")
        tampered_if(
            below.count("/") >= DEEP, f"{below[:80]}\u2026 has more folders inside each other than any package has"
        )
        for name in [one for one in folders if re.fullmatch(JUNK, one, re.IGNORECASE)]:
            if not os.path.islink(os.path.join(where, name)):
                folders.remove(name)
                junk.append(os.path.relpath(os.path.join(where, name), folder).replace(os.sep, "/"))
        if not folders and not files and where != folder:
            bare.append(os.path.relpath(where, folder).replace(os.sep, "/"))
        for name in folders + files:
            path = os.path.join(where, name)
            relative = os.path.relpath(path, folder).replace(os.sep, "/")
            mode = os.lstat(path).st_mode
            tampered_if(
                stat.S_ISLNK(mode) or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)),
                f"{relative} is a link or a special file",
            )
            if stat.S_ISREG(mode):
                (junk if re.fullmatch(JUNK, name, re.IGNORECASE) else found).append(relative)
    renamed = [name for name in found if name.lower() in ("bagit.txt", "bagit.txt;1") and name != "bagit.txt"]
    cannot_tell_if(renamed and "bagit.txt" not in found, f"{first(renamed)} for bagit.txt: {RENAMED}")
    for name in found:
        tampered_if(not re.fullmatch(NAME, name), f"an invalid file name: {name}")
        tampered_if(name.lower() in folded, f"two names that differ only in case: {folded.get(name.lower())}, {name}")
        folded[name.lower()] = name
    return set(found), sorted(junk), sorted(bare)


def read_small(folder: str, name: str) -> bytes:
    path = os.path.join(folder, *name.split("/"))
    missing_if(not os.path.isfile(path), f"{name} is not there")
    tampered_if(
        not re.fullmatch(NAME, name) or os.path.getsize(path) > most_of(name),
        f"{name} lies outside of the package, or is larger than allowed",
    )
    with open(path, "rb") as stream:
        return stream.read()


def manifest(folder: str, name: str) -> dict[str, str]:
    """{file: digest} of a manifest."""
    listed: dict[str, str] = {}
    width = {"sha256": 64, "sha512": 128}[name.rpartition("-")[2][: -len(".txt")]]
    data = read_small(folder, name)
    tampered_if(data and not data.endswith(b"\n"), f"{name} ends in the middle of a line")
    for line in data.decode("ascii").split("\n")[:-1]:
        match = re.fullmatch(r"([0-9a-f]+)  ([!-~]+)", line)
        tampered_if(not match or len(match[1]) != width, f"{name} has a line that is none: {line[:60]}")
        assert match
        tampered_if(match[2] in listed, f"{name} lists {match[2]} twice")
        tampered_if(not re.fullmatch(NAME, match[2]), f"{name} names something outside the package: {match[2]}")
        listed[match[2]] = match[1]
    return listed


def only_line_ends(folder: str, name: str, digest: str, kind: str) -> bool:
    """Whether a file is the one that was listed, with CR LF for LF: what some programs do to texts on the way."""
    path = os.path.join(folder, *name.split("/"))
    if os.path.getsize(path) > SMALL:
        return False
    with open(path, "rb") as stream:
        return digest_of(stream.read().replace(b"\r\n", b"\n"), kind) == digest


def holds_nothing(path: str) -> bool:
    """Whether a file is empty or only zeros: what is left where copying it was cut off, or the disk lost it."""
    with open(path, "rb", buffering=0) as stream:
        while data := stream.read(READ):
            if data.strip(b"\0"):
                return False
    return True


def line_ends_changed(folder: str) -> bool:
    """Whether the bag's own first file tells that line ends were changed on the way."""
    try:
        return read_small(folder, "bagit.txt") == BAGIT.replace(b"\n", b"\r\n")
    except OSError:
        return False


def check_bag(folder: str, names: set[str], kinds: tuple[str, ...]) -> str:
    """bagit.txt, and the manifests over the payload and over the rest. Packages of version 1 have SHA-512 beside SHA-256."""
    signature = f"signature/tagmanifest-{kinds[-1]}.txt.note"
    outside = {signature, *(f"tagmanifest-{kind}.txt" for kind in kinds)}  # these cannot list themselves
    tampered_if(read_small(folder, "bagit.txt") != BAGIT, "bagit.txt is not that of an archiver package")
    tampered_if("fetch.txt" in names, "fetch.txt: a package never fetches anything")
    absent: dict[str, None] = {}
    blank: dict[str, None] = {}
    for kind in kinds:
        payload, tags = manifest(folder, f"manifest-{kind}.txt"), manifest(folder, f"tagmanifest-{kind}.txt")
        listed = {**payload, **tags}
        of_lower = {name.lower(): name for name in set(listed) - names}
        extra = sorted(names - set(listed) - outside)
        cannot_tell_if(
            extra and all(name.lower() in of_lower for name in extra),
            f"{first(extra)} for {of_lower.get(str(first(extra)).lower())}: {RENAMED}",
        )
        absent.update(dict.fromkeys(sorted(set(listed) - names)))
        tampered_if(extra, f"{first(extra)} is listed in no {kind} manifest")
        wrong = [name for name in payload if not name.startswith("data/")]
        tampered_if(wrong, f"manifest-{kind}.txt lists {first(wrong)}, which is no payload")
        wrong = [name for name in tags if name.startswith("data/") or name in outside]
        tampered_if(wrong, f"tagmanifest-{kind}.txt lists {first(wrong)}")
        left = sorted(name for name in listed if name in names)
        paths = [os.path.join(folder, *name.split("/")) for name in left]
        digests = zip(left, SEVERAL.map(digest_file, paths, [kind] * len(left)))
        changed = [name for name, digest in digests if digest != listed[name]]
        empty = [name for name in changed if holds_nothing(os.path.join(folder, *name.split("/")))]
        changed = [name for name in changed if name not in empty]
        blank.update(dict.fromkeys(empty))
        other = [name for name in changed if not only_line_ends(folder, name, listed[name], kind)]
        tampered_if(other, f"{first(other)} is not what manifest-{kind}.txt says")
        cannot_tell_if(
            changed,
            f"line ends were changed on the way, in {first(changed)} and perhaps in others: copy the package again as binary files",
        )
    missing_if(
        absent, f"{len(absent)} files are not there, first: {next(iter(absent), None)}. Ask for the package again"
    )
    missing_if(blank, f"{first(blank)} is empty, or holds zeros only: it was not copied whole. Copy the package again")
    return f"{len(names)} files, each listed and with the digest that is listed"


def check_left_behind(report: Report, junk: list[str], bare: list[str]) -> None:
    """Files of an operating system, and folders that hold nothing: neither is the makers' doing."""
    if junk:
        raise CannotTell(
            f"{junk[0]} and {len(junk) - 1} more were written by an operating system or another program: "
            "remove them and check again"
            if junk[1:]
            else f"{junk[0]} was written by an operating system or another program: remove it and check again"
        )
    for name in bare:
        report.say("note", "files", f"an empty folder that no list knows: {name}")


def bag_info(folder: str, names: set[str], package: dict[str, object]) -> bytes:
    """bag-info.txt as it follows from package.json and the payload (docs/reference/formats.md)."""
    payload = [name for name in names if name.startswith("data/")]
    size = sum(os.path.getsize(os.path.join(folder, *name.split("/"))) for name in payload)
    lines = (
        f"Bagging-Date: {str(package['made'])[:10]}", f"External-Identifier: {package['name']}",
        f"External-Description: Package of social media evidence, profile {package['profile']}. Read README.txt.",
        f"Bag-Software-Agent: {package['software']}", "BagIt-Profile-Identifier: urn:archiver:bagit-profile:2",
        f"Payload-Oxum: {size}.{len(payload)}",
    )  # fmt: skip
    return "".join(f"{line}\n" for line in lines).encode()


# ---- 3. Volumes: one packed package, cut into files. It is said whether all are there and whole; joining them is left to others. 

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


# ---- 4. What data/package.json says, each thing in its own form. -----------------------------------------------------

SAID = {
    "name": r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}",
    "software": r"archiver/[A-Za-z0-9][A-Za-z0-9.+-]{0,40}",
}
"""What data/package.json says in words, and what these look like: the WACZ and bag-info.txt repeat them."""
TABLES = 200  # a package has six, and a few more
KEYS = frozenset((
    "captures", "checkpoint", "format", "key", "made", "name", "not_in_package", "profile", "software", "tables",
    "test_routes", "withheld",
))  # fmt: skip


def check_form(package: dict[str, Any], public: bool) -> None:
    """data/package.json says everything that it says in every package, each thing in its own form."""
    good: dict[str, bool] = {}
    absent = sorted(KEYS - {"test_routes"} - set(package))
    missing_if(absent, f"data/package.json says nothing of {first(absent)}")
    for key, form in SAID.items():
        good[key] = isinstance(package[key], str) and bool(re.fullmatch(form, package[key]))
    made, point, tables = package["made"], package["checkpoint"], package["tables"]
    good["made"] = isinstance(made, str) and (is_day(made) or (is_moment(made) and not public))
    good["key"] = isinstance(package["key"], str)
    good["checkpoint"] = isinstance(point, dict) and type(point.get("size")) is int and type(point.get("root")) is str
    good["withheld"] = type(package["withheld"]) is int
    rows = tables if isinstance(tables, list) and len(tables) <= TABLES else [None]
    named = [isinstance(one, dict) and type(one.get("name")) is str and type(one.get("rule")) is str for one in rows]
    good["tables"] = all(named)
    if not public:
        events, ids = package["captures"], [{"event", "id"} <= set(one) for one in _objects(package["captures"])]
        good["captures"] = isinstance(events, list) and len(ids) == len(events) and all(ids)
        good["not_in_package"] = isinstance(package["not_in_package"], list)
    wrong = first(key for key in sorted(good) if not good[key])
    shown_value = repr(package[str(wrong)])[:80] if wrong else ""
    tampered_if(wrong, f"data/package.json states as {wrong} what no archiver writes: {shown_value}")


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


# ---- 5. Signatures: Ed25519 (RFC 8032), notes (C2SP signed-note), fingerprints of keys. ------------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SIGNATURES = 16  # a note has one or two: each of more would cost the time of who checks
Point = tuple[int, int, int, int]


def _add(a: Point, b: Point) -> Point:
    """Points of edwards25519 in extended coordinates (RFC 8032 5.1.4)."""
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    c, d = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, h, g, f = f - e, f + e, d + c, d - c
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def _times(number: int, point: Point) -> Point:
    result: Point = (0, 1, 1, 0)
    while number:
        if number & 1:
            result = _add(result, point)
        point, number = _add(point, point), number >> 1
    return result


def _point(data: bytes) -> Point | None:
    """A point from its 32 bytes, or None (RFC 8032 5.1.3)."""
    y = int.from_bytes(data, "little") & ((1 << 255) - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P or (x == 0 and data[31] >> 7):
        return None
    if x & 1 != data[31] >> 7:
        x = P - x
    return (x, y, 1, x * y % P)


BASE = _point(bytes.fromhex("58" + 31 * "66"))


@functools.lru_cache(4096)
def ed25519(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` (64 bytes) is that of `message` by `public` (32 bytes). RFC 8032 5.1.7."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, r, s = _point(public), _point(signature[:32]), int.from_bytes(signature[32:], "little")
    if key is None or r is None or s >= L or BASE is None:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    left, right = _times(s, BASE), _add(r, _times(h, key))
    return not ((left[0] * right[2] - right[0] * left[2]) % P or (left[1] * right[2] - right[1] * left[2]) % P)


def key_bytes(vkey: str) -> bytes:
    """The 32 bytes of a key in note form, `name+id+base64`, whose id must be its own."""
    name, key_id, encoded = vkey.split("+", 2)
    raw = base64.b64decode(encoded, validate=True)
    own = hashlib.sha256(name.encode() + b"\n" + raw).hexdigest()[:8]
    spelt = base64.b64encode(raw).decode() == encoded
    tampered_if(
        len(raw) != 33 or raw[0] != 1 or own != key_id or not spelt,
        f"a key that does not match its own id: {vkey[:60]}",
    )
    return raw[1:]


def note_text(note: bytes, vkey: str) -> str:
    """The text of a note, if `vkey` signed it."""
    whole = note.decode("utf-8")
    text, blank, signatures = whole.partition("\n\n")
    wrong = not blank or re.search("[\x00-\x09\x0b-\x1f]", whole) or not signatures.endswith("\n")
    tampered_if(wrong, "not a signed note")
    text += "\n"
    public, (name, key_id, _) = key_bytes(vkey), vkey.split("+", 2)
    good = False
    lines = signatures[:-1].split("\n")
    tampered_if(len(lines) > SIGNATURES, f"a note with {len(lines)} signatures: ours have one or two")
    for line in lines:
        match = re.fullmatch("\u2014 (\\S+) ([A-Za-z0-9+/=]+)", line)
        tampered_if(not match, "a signature line that is none")
        assert match
        raw = base64.b64decode(match[2], validate=True)
        if match[1] == name and raw[:4].hex() == key_id:
            tampered_if(not ed25519(public, text.encode(), raw[4:]), f"the signature of {name} does not fit")
            good = True
    tampered_if(not good, f"not signed by the key {name}+{key_id}")
    return text


def strangers(note: bytes, vkeys: list[str]) -> list[str]:
    """Names on signature lines of keys that are none of `vkeys`: they say nothing, whatever they are called."""
    known = {tuple(vkey.split("+", 2)[:2]) for vkey in vkeys}
    lines = note.decode("utf-8").partition("\n\n")[2].split("\n")[:-1]
    found = [line.split(" ")[1:3] for line in lines]
    return [name for name, raw in found if (name, base64.b64decode(raw)[:4].hex()) not in known]


def checkpoint(note: bytes, keys: list[str]) -> tuple[int, bytes, str]:
    """(size, root, key) of a checkpoint that one of `keys` signed."""
    last: Tampered = Tampered("no key")
    for vkey in keys:
        try:
            text = note_text(note, vkey)
        except Tampered as error:
            tampered_if("does not fit" in str(error), str(error))
            last = error
            continue
        lines = text.split("\n")
        good = len(lines) == 4 and re.fullmatch(r"0|[1-9][0-9]{0,18}", lines[1]) and lines[0] == vkey.split("+")[0]
        tampered_if(not good, "not a checkpoint of this ledger")
        root = base64.b64decode(lines[2], validate=True)
        tampered_if(len(root) != 32, "a checkpoint whose root is not 32 bytes")
        return int(lines[1]), root, vkey
    raise last


def fingerprint_of(vkey: str) -> str:
    return hashlib.sha256(vkey.encode()).hexdigest()


def in_words(fingerprint: str) -> list[str]:
    """The first 128 bits of a fingerprint as eight words that can be read out: proquints (arXiv:0901.4016)."""

    def word(number: int) -> str:
        parts = enumerate((12, 10, 6, 4, 0))
        return "".join(
            "bdfghjklmnprstvz"[number >> shift & 15] if n % 2 == 0 else "aiou"[number >> shift & 3]
            for n, shift in parts
        )

    return [word(int(fingerprint[at : at + 4], 16)) for at in range(0, 32, 4)]


def given_fingerprint(text: str) -> str:
    """A fingerprint as people write it, in its plain form: 64 hex digits, or eight words without anything between.

    Spaces, colons, commas and dashes between its parts are passed over.
    """
    plain = re.sub(r"[\s:,;.\u2010-\u2015-]+", "", text).lower()
    words = re.fullmatch(r"(?:[bdfghjklmnprstvz][aiou][bdfghjklmnprstvz][aiou][bdfghjklmnprstvz]){8}", plain)
    cannot_tell_if(
        not words and not re.fullmatch("[0-9a-f]{64}", plain),
        f"{text[:80]!r} is no fingerprint: 64 hex digits, or 8 words of five letters",
    )
    return plain


def is_key(fingerprint: str, vkey: str) -> bool:
    """Whether a fingerprint in its plain form is that of a key."""
    own = fingerprint_of(vkey)
    return fingerprint in (own, "".join(in_words(own)))


def given_checkpoint(data: bytes, keys: list[str]) -> tuple[int, bytes, str]:
    """A checkpoint that somebody kept and handed to this check: mail and editors spoil such files, which proves nothing."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    good = re.fullmatch("[^\n\r\ufeff]+\n[0-9]+\n[A-Za-z0-9+/=]+\n\n(\u2014 \\S+ [A-Za-z0-9+/=]+\n)+", text)
    cannot_tell_if(
        not good,
        "the file that you gave is no checkpoint: three lines, an empty one, and signatures. Mail and editors spoil such files: take the original",
    )
    own = [vkey.split("+")[0] for vkey in keys]
    cannot_tell_if(text.split("\n")[0] not in own, "the checkpoint that you gave is of another ledger")
    try:
        return checkpoint(data, keys)
    except Tampered as error:
        cannot_tell_if(
            "does not fit" in str(error),
            f"in the checkpoint that you gave, {error}: it was changed since it was signed. Take the original",
        )
        raise


# ---- 6. The ledger: a Merkle tree (RFC 6962), its checkpoints, the hand-overs of its key, the proofs of single events. 

def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def tree_root(leaves: list[bytes]) -> bytes:
    """MTH(D[n]) of RFC 6962 2.1, by joining neighbours: an odd one out is carried up as it is."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    row = list(leaves)
    while len(row) > 1:
        joined = [hashlib.sha256(b"\x01" + row[n] + row[n + 1]).digest() for n in range(0, len(row) - 1, 2)]
        row = joined + ([row[-1]] if len(row) % 2 else [])
    return row[0]


def included(leaf: bytes, index: int, size: int, path: list[bytes], root: bytes) -> bool:
    """RFC 9162 2.1.3.2."""
    if not 0 <= index < size:
        return False
    fn, sn, value = index, size - 1, leaf
    for sibling in path:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            value = hashlib.sha256(b"\x01" + sibling + value).digest()
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            value = hashlib.sha256(b"\x01" + value + sibling).digest()
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and value == root


def handed_over(folder: str, names: set[str], vkey: str) -> list[str]:
    """The keys of the ledger, newest first, as far as hand-overs that both keys signed lead back."""
    keys = [vkey]
    count = sum(name.startswith("proofs/handovers/") for name in names)
    numbered = [f"proofs/handovers/{number:03d}.note" for number in range(count, 0, -1)]
    for name in numbered:
        tampered_if(name not in names, f"{name} is not there, though others are: they are numbered from 001")
    for name in numbered:
        note = read_small(folder, name)
        lines = note.decode().split("\n")
        tampered_if(
            lines[0] != "archiver-key-handover/1" or lines[2] != keys[-1],
            f"{name} is no hand-over to the key that follows",
        )
        text = f"archiver-key-handover/1\n{lines[1]}\n{lines[2]}\n"
        tampered_if(any(note_text(note, key) != text for key in lines[1:3]), f"{name} is not signed by both keys")
        keys.append(lines[1])
    return keys


class Ledger:
    """The leaf hashes of the package, under the checkpoint that it names."""

    def __init__(self, folder: str, keys: list[str]) -> None:
        self.keys = keys
        self.size, self.root, _ = checkpoint(read_small(folder, "proofs/checkpoint.txt"), keys)
        data = read_small(folder, "proofs/leaves.bin")
        self.leaves = [data[at : at + 32] for at in range(0, len(data), 32)]
        tampered_if(
            len(data) != 32 * self.size or tree_root(self.leaves) != self.root,
            "proofs/leaves.bin does not give the root of the checkpoint",
        )
        self.roots: dict[int, bytes] = {}

    def holds(self, size: int, root: bytes, about: str, later: type[Exception] = Tampered) -> None:
        """Raises unless this ledger began with the tree of that size and root."""
        if size > self.size:
            raise later(f"{about} is of {size} events, the package is older: of {self.size}")
        if size not in self.roots:
            self.roots[size] = tree_root(self.leaves[:size])
        tampered_if(
            self.roots[size] != root, f"{about} belongs to another history: the ledger was rewritten or replaced"
        )

    def prefix(self, note: bytes, about: str) -> int:
        """The size of an earlier checkpoint, which must be a prefix of this ledger."""
        size, root, _ = checkpoint(note, self.keys)
        self.holds(size, root, about)
        return size


def tlog_proof(data: bytes) -> tuple[bytes, int, list[bytes], bytes]:
    """(entry, index, path, checkpoint) of a C2SP tlog-proof."""
    head, _, note = data.decode("utf-8").partition("\n\n")
    lines = head.split("\n")
    good = (
        len(lines) > 2
        and lines[0] == "c2sp.org/tlog-proof@v1"
        and lines[1].startswith("extra ")
        and re.fullmatch("index (0|[1-9][0-9]*)", lines[2])
    )
    tampered_if(not good, "not a tlog-proof")
    path = [base64.b64decode(line, validate=True) for line in lines[3:]]
    return base64.b64decode(lines[1][6:], validate=True), int(lines[2][6:]), path, note.encode()


def is_leaf(leaf: Any, index: int) -> bool:
    """Whether a value is a leaf in the one form that leaves have: no reader can take it for something else."""
    if not isinstance(leaf, dict) or set(leaf) != {"seq", "type", "time", "salted_hash"}:
        return False
    texts = [leaf[key] for key in ("type", "time", "salted_hash")]
    if type(leaf["seq"]) is not int or leaf["seq"] != index or not all(isinstance(text, str) for text in texts):
        return False
    return bool(
        re.fullmatch("[a-z][a-z-]*", texts[0]) and is_moment(texts[1]) and re.fullmatch("[0-9a-f]{64}", texts[2])
    )


def check_items(
    folder: str, names: set[str], ledger: Ledger, package: dict[str, Any], canonical: Any
) -> dict[int, dict[str, Any]]:
    """Each capture of the case, in the package or not, has a leaf that the ledger holds."""
    leaves: dict[int, dict[str, Any]] = {}
    for name in sorted(name for name in names if name.startswith("proofs/items/")):
        entry, index, path, note = tlog_proof(read_small(folder, name))
        size, root, _ = checkpoint(note, ledger.keys)
        ledger.holds(size, root, name)
        tampered_if(
            name != f"proofs/items/{index}.tlog-proof" or not included(leaf_hash(entry), index, size, path, root),
            f"{name} does not lead to its checkpoint",
        )
        tampered_if(ledger.leaves[index] != leaf_hash(entry), f"{name} is of another leaf than the ledger has there")
        leaf = canonical(entry)
        tampered_if(not is_leaf(leaf, index), f"{name} is not a leaf of event {index}, as an archiver writes one")
        leaves[index] = leaf
    shown_seqs = [item["event"] for item in package["captures"]]
    for seq in shown_seqs + package["not_in_package"]:
        tampered_if(type(seq) is not int, f"an event that is no number: {seq!r}")
        missing_if(seq not in leaves, f"the proof of event {seq} is not there")
        tampered_if(leaves[seq]["type"] not in ("captured", "recovered"), f"event {seq} is no capture, by its leaf")
    named = set(shown_seqs) | set(package["not_in_package"])
    silent = sorted(
        seq for seq, leaf in leaves.items() if leaf["type"] in ("captured", "recovered") and seq not in named
    )
    tampered_if(silent, f"the capture of event {first(silent)} has a proof here and is not named anywhere")
    tampered_if(len(named) != len(shown_seqs) + len(package["not_in_package"]), "a capture that is named twice")
    tampered_if(shown_seqs != sorted(shown_seqs), "captures that are not in the order of their events")
    return leaves


def signer_of(keys: list[str], given: str) -> int:
    """How many hand-overs lie between the key that was named and the one that signed. Raises `Tampered`."""
    for number, key in enumerate(keys):
        if is_key(given, key):
            return number
    raise Tampered("signed by a key other than the one that you named")


def handover_seen(number: int, leaves: dict[int, dict[str, Any]], times: dict[int, Any], unchecked: int) -> int:
    """The event of the hand-over by which the key that was named ended, if an outsider saw it. Raises `CannotTell`.

    Whoever holds a retired key can sign a hand-over to a key of his own, today as well: a stamp shows when it was there.
    """
    handovers = sorted((seq for seq, leaf in leaves.items() if leaf["type"] == "key-handover"), reverse=True)
    seq = handovers[number - 1] if len(handovers) >= number else None
    if seq is None or not any(size > seq for size in times):
        cannot_tell_if(
            unchecked,
            "the key that you named was retired. Whether an outsider saw its hand-over to the key that signed was not checked: "
            "see the lines about timestamps",
        )
        raise CannotTell(
            "the key that you named was retired, and no outsider saw its hand-over to the key that signed: whoever holds it "
            "could have made that. Ask the makers for the fingerprint of their key of today"
        )
    return seq


# ---- 7. JSON with one spelling. --------------------------------------------------------------------------------------

def canonical(data: bytes) -> Any:
    """The value of canonical JSON: exactly one spelling is accepted."""

    def no_float(text: str) -> Any:
        raise Tampered(f"JSON with a float: {text}")

    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=pairs_once,
            parse_float=no_float,
            parse_constant=no_float,
            parse_int=number,
        )
        again = canonical_bytes(value)
    except (ValueError, RecursionError) as error:
        raise Tampered(f"not JSON: {error}"[:160]) from error
    tampered_if(again != data, "JSON in another spelling than its own")
    return value


def number(text: str) -> int:
    """A whole number of JSON. Of many digits it would take older Pythons hours, and no archiver writes one."""
    tampered_if(len(text) > 400, f"JSON with a number of {len(text)} digits")
    return int(text)


def pairs_once(items: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in items]
    tampered_if(len(keys) != len(set(keys)), "JSON with keys that are doubled")
    return dict(items)


def canonical_bytes(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8")


def line_text(value: Any) -> str:
    """A value as the tables of a package write it: sorted keys, no spaces, lone surrogates as codes."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return re.sub("[\ud800-\udfff]", lambda match: f"\\u{ord(match[0]):04x}", text)


# ---- 8. Timestamps: RFC 3161 by `openssl`, OpenTimestamps. -----------------------------------------------------------

MOST = 16  # certificates beside a token: openssl is asked about each
APART = 300  # seconds by which clocks that are right can differ
INSTALL = "install OpenSSL (macOS: brew install openssl; Windows: Git for Windows brings it) and put it first in PATH"
OTS = bytes.fromhex(
    "004f70656e54696d657374616d7073000050726f6f6600bf89e2e884e892940108"
)  # a proof over a SHA-256 digest
PENDING, BITCOIN = bytes.fromhex("83dfe30d2ef90c8e"), bytes.fromhex("0588960d73d71901")


@functools.lru_cache(1)
def openssl_path() -> str:
    """The program in PATH, by its whole path. Windows would look in the current folder first, which may be a package's."""
    name = "openssl.exe" if os.name == "nt" else "openssl"
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        path = os.path.join(folder, name)
        if os.path.isabs(folder) and os.path.isfile(path) and os.access(path, os.X_OK) and not inside_package(path):
            return path
    raise CannotTell(f"openssl is not installed: {INSTALL}")


FOLDERS: list[str] = []  # the package that is checked


def inside_package(path: str) -> bool:
    real = os.path.realpath(path)
    return any(
        os.path.commonpath([real, folder]) == folder
        for folder in map(os.path.realpath, FOLDERS)
        if os.path.splitdrive(folder)[0] == os.path.splitdrive(real)[0]
    )


@functools.lru_cache(64)  # the tokens of an authority carry the same certificates
def openssl(command: str, **files: bytes) -> subprocess.CompletedProcess[str]:
    """Runs openssl; `{name}` in the command stands for a temporary file with those bytes."""
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: os.path.join(folder, name) for name in files}
        for name, data in files.items():
            with open(paths[name], "wb") as stream:
                stream.write(data)
        words = [word.format(**paths) for word in command.split()]
        try:
            return subprocess.run(
                [openssl_path(), *words],
                capture_output=True,
                text=True,
                errors="replace",
                stdin=subprocess.DEVNULL,
                cwd=folder,
                check=False,
            )
        except OSError as error:
            raise CannotTell(f"openssl cannot be started: {INSTALL}") from error


def usable_openssl() -> None:
    """Raises `CannotTell` for a program of that name that cannot check tokens, such as the LibreSSL of macOS."""
    said = openssl("version").stdout
    cannot_tell_if(
        not said.startswith("OpenSSL "), f"{said.strip()[:40] or 'this openssl'} does not check tokens: {INSTALL}"
    )


def refuses(said: str) -> bool:
    """Whether a program of that name says that it does not know what it was asked for."""
    return bool(re.search("(?i)usage|unknown option|unrecognized|invalid command", said))


def moment(text: str) -> int:
    """Seconds since 1970 of `Nov 22 19:47:21 2026 GMT`."""
    months = [
        "Jan",
        "Feb",
        "Mar",
        "Apr",
        "May",
        "Jun",
        "Jul",
        "Aug",
        "Sep",
        "Oct",
        "Nov",
        "Dec",
    ]  # whatever the language of this machine
    match = re.fullmatch(r"(\w{3}) +(\d+) (\d\d):(\d\d):(\d\d)(?:\.\d+)? (\d{4}) GMT", text.strip())
    tampered_if(not match or match[1] not in months, f"an unreadable time: {text[:40]}")
    assert match
    return calendar.timegm(
        (int(match[6]), months.index(match[1]) + 1, int(match[2]), int(match[3]), int(match[4]), int(match[5]))
    )


def iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def leaf_seconds(leaf: dict[str, Any]) -> int:
    return calendar.timegm(time.strptime(leaf["time"][:19], "%Y-%m-%dT%H:%M:%S"))


def der_end(data: bytes) -> int:
    """Where the first value of a DER file ends."""
    tampered_if(len(data) < 2 or data[0] != 0x30, "no DER value")
    if data[1] < 0x80:
        return 2 + data[1]
    count = data[1] & 0x7F
    tampered_if(not 0 < count < 5 or len(data) < 2 + count, "no DER value")
    return 2 + count + int.from_bytes(data[2 : 2 + count], "big")


def one_root(pem: bytes, name: str, stem: str) -> bytes:
    """The certificate that was fingerprinted, written anew: nothing else that stands in the file reaches openssl."""
    block = re.fullmatch(rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*", pem)
    data = base64.b64decode(re.sub(rb"\s", b"", block[1]), validate=True) if block else b""
    tampered_if(
        not block or hashlib.sha256(data).hexdigest() != name,
        f"{stem}: the root certificate is another one, or not the only one in its file",
    )
    return b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(data) + b"-----END CERTIFICATE-----\n"


def only_certificates(pem: bytes, stem: str) -> None:
    """The chain beside a token: a few certificates, and no words before, between or behind them."""
    left, count = re.subn(rb"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----", b"", pem)
    tampered_if(left.strip() or count > MOST, f"{stem}.pem holds something else than at most {MOST} certificates")


def token_time(folder: str, names: set[str], stem: str, note: bytes) -> tuple[int, str]:
    """(seconds, root) of one token over `note`: request with nonce, imprint, signature, chain to the root in the package."""
    usable_openssl()
    query, reply, chain = (read_small(folder, f"{stem}.{kind}") for kind in ("tsq", "tsr", "pem"))
    for data, kind in ((query, "tsq"), (reply, "tsr")):
        tampered_if(der_end(data) != len(data), f"{stem}.{kind} is cut, or bytes stand behind it")
    root_name = read_small(folder, f"{stem}.root").decode("ascii").strip()
    tampered_if(not re.fullmatch("[0-9a-f]{64}", root_name), f"{stem}.root names no certificate")
    root = one_root(read_small(folder, f"proofs/roots/{root_name}.pem"), root_name, stem)
    only_certificates(chain, stem)
    head, _, rest = openssl("ts -query -in {q} -text", q=query).stdout.partition("\nPolicy OID:")
    imprint = re.sub(r"[ -]", "", "".join(re.findall(r"^    [0-9a-f]{4} - ([0-9a-f -]{47})", head, re.MULTILINE)))
    tampered_if(
        "\nHash Algorithm: sha256\n" not in head or imprint != hashlib.sha256(note).hexdigest(),
        f"{stem}: the request is over something else",
    )
    tampered_if(
        not re.match(r"[^\n]*\nNonce: 0x[0-9A-Fa-f]{8,}\n", rest),
        f"{stem}: the request has no nonce, an old answer could have been given",
    )
    # What the authority signed, and nothing else: before it an answer has words under no signature, which anybody can change.
    said = openssl("ts -reply -in {r} -token_out -text", r=reply).stdout
    stated = re.search(r"^Time stamp: (.+)$", said, re.MULTILINE)
    tampered_if(not stated, f"{stem}: no granted token")
    assert stated
    seconds = moment(stated[1])
    # As of the time that it states: certificates end, and a token outlives them. Who checks later should see it renewed.
    command = f"ts -verify -queryfile {{q}} -in {{r}} -CAfile {{root}} -untrusted {{chain}} -attime {seconds}"
    done = openssl(command, q=query, r=reply, root=root, chain=chain or root)
    if done.returncode or "Verification: OK" not in done.stdout:
        cannot_tell_if(refuses(done.stderr), f"this openssl cannot check tokens as of a time: {INSTALL}")
        reasons = re.findall(r"error:[^:]*:[^:]*:[^:]*:([^:\n]+)", done.stderr)
        raise Tampered(f"{stem}: {'; '.join(dict.fromkeys(reasons)) or 'the token is not accepted'}")
    return seconds, root_name


def first_end(pem: bytes) -> int:
    """When the first of these certificates ends, in seconds since 1970."""
    blocks = re.findall(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", pem, re.DOTALL)
    return min(moment(openssl("x509 -in {c} -noout -enddate", c=block).stdout.partition("=")[2]) for block in blocks)


class Token(NamedTuple):
    """A token that was accepted: over which checkpoint, the time that it states, when its certificates end."""

    name: str
    size: int
    seconds: int
    ends: int
    sha256: str


def possible(seconds: int, size: int, leaves: dict[int, dict[str, Any]], now: float) -> None:
    """Raises where a time cannot be: before what it covers, or still to come. Which clock is wrong, nobody can tell here."""
    covered = [(leaf_seconds(leaf), seq) for seq, leaf in leaves.items() if seq < size]
    last = max(covered, default=(seconds, 0))
    cannot_tell_if(
        last[0] > seconds + APART,
        f"it states {iso(seconds)}, before event {last[1]}, which it covers and which is dated {iso(last[0])}: "
        "the makers' clock or the authority is wrong",
    )
    cannot_tell_if(
        seconds > now + APART,
        f"it states {iso(seconds)}, which is still to come: the authority's clock or this machine's is wrong",
    )


class Stamped(NamedTuple):
    """What stamps are checked against: files, ledger, known leaves, the day, and the roots that count."""

    folder: str
    names: set[str]
    ledger: Ledger
    leaves: dict[int, dict[str, Any]]
    on: float
    today: float  # no stamp can be later, also where `on` is a day long ago
    roots: list[str]


class Counted:
    """How many stamps a package holds, and what became of them."""

    def __init__(self) -> None:
        self.held = 0  # tokens of authorities
        self.unchecked = 0  # of these: openssl was not there to check them
        self.named = 0  # of these: hold, and lead to a root that counts
        self.calendars = 0  # proofs of OpenTimestamps


def check_stamps(
    about: Stamped,
    report: Report,
    event: Callable[[int], dict[str, Any]],
    times: dict[int, tuple[int, str]],
    counted: Counted,
) -> None:
    """A line for each proof, as of the day `on`; `times`: {size: (seconds, by)} of the earliest stamp of each checkpoint."""
    folder, names, ledger, leaves, on, today, roots = about
    tokens: list[Token] = []
    led_to: set[str] = set()
    found = [match for name in names if (match := re.fullmatch(r"proofs/timestamps/([0-9]+)/(.+)", name))]
    for size in sorted({int(match[1]) for match in found}):
        where = f"proofs/timestamps/{size}"
        note = read_small(folder, f"{where}/checkpoint.txt")
        tampered_if(
            ledger.prefix(note, f"{where}/checkpoint.txt") != size, f"{where} holds a checkpoint of another size"
        )
        stems = sorted(
            {
                name.rpartition(".")[0]
                for name in names
                if re.fullmatch(re.escape(where) + r"/.+\.(tsq|tsr|pem|root)", name)
            }
        )
        for stem in stems:
            if f"{stem}.root" in names:
                led_to.add(read_small(folder, f"{stem}.root").decode("ascii", "replace").strip())

            def one(stem: str = stem, size: int = size, note: bytes = note) -> str:
                counted.held += 1
                try:
                    seconds, root = token_time(folder, names, stem, note)
                    ends = first_end(read_small(folder, f"{stem}.pem") + read_small(folder, f"proofs/roots/{root}.pem"))
                except CannotTell:
                    counted.unchecked += 1
                    raise
                cannot_tell_if(roots and root not in roots, f"leads to a root that you did not name: {root}")
                counted.named += 1
                possible(seconds, size, leaves, max(on, today))
                by = stem.rpartition("/")[2]
                times[size] = min(times.get(size, (seconds, by)), (seconds, by))
                tokens.append(
                    Token(
                        f"{size} {by}",
                        size,
                        seconds,
                        ends,
                        digest_file(os.path.join(folder, *f"{stem}.tsr".split("/")), "sha256"),
                    )
                )
                compare = "" if roots else ": compare it with the authority's own"
                return f"checkpoint {size} existed at {iso(seconds)}; root {root[:16]}\u2026{compare}"

            report.check(f"timestamp {size} {stem.rpartition('/')[2]}", one)
        if f"{where}/opentimestamps.ots" in names:
            proof = read_small(folder, f"{where}/opentimestamps.ots")
            counted.calendars += 1
            report.check(
                f"timestamp {size} Bitcoin",
                lambda proof=proof, note=note, size=size: report.say(
                    "note", f"timestamp {size} Bitcoin", ots_state(proof, hashlib.sha256(note).digest())
                ),
            )
    stray = sorted(name for name in names if name.startswith("proofs/roots/") and name[13:77] not in led_to)
    tampered_if(stray, f"{first(stray)} is the root of no stamp")
    _tell_ended(report, tokens, on, _renewals(names, leaves, event))


def _renewals(
    names: set[str], leaves: dict[int, dict[str, Any]], event: Callable[[int], dict[str, Any]]
) -> dict[str, int]:
    """{SHA-256 of a token: the event that renewed it}, by the events of the package."""
    seqs = [seq for seq, leaf in leaves.items() if leaf["type"] == "renewed" and f"data/events/{seq}.json" in names]
    return {item["token"]["sha256"]: seq for seq in seqs for item in event(seq)["detail"]["tokens"]}


def _tell_ended(report: Report, tokens: list[Token], on: float, renewed: dict[str, int]) -> None:
    for token in tokens:
        if token.ends < on:
            seq = renewed.get(token.sha256)
            later = [other for other in tokens if seq is not None and other.size > seq and other.seconds <= token.ends]
            text = (
                f"and was renewed before, by {later[0].name}"
                if later
                else "and nothing here shows that it was renewed before"
            )
            report.say("note", f"timestamp {token.name}", f"its certificates ended on {iso(token.ends)[:10]}, {text}")


# An OpenTimestamps proof is a tree of operations from the digest to those who attest the result.


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        piece = self.data[self.at : self.at + count]
        tampered_if(len(piece) != count, "a cut OpenTimestamps proof")
        self.at += count
        return piece

    def number(self) -> int:
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value
            tampered_if(shift > 63, "a number without an end in an OpenTimestamps proof")

    def sized(self) -> bytes:
        length = self.number()
        tampered_if(length > 4096, "an oversized value in an OpenTimestamps proof")
        return self.take(length)


def ots_state(proof: bytes, digest: bytes) -> str:
    """What a proof says of a digest. The way to a Bitcoin block needs a copy of the chain: `ots verify` follows it."""
    tampered_if(not proof.startswith(OTS + digest), "the OpenTimestamps proof is of something else")
    reader = _Reader(proof[len(OTS) + 32 :])
    found: list[tuple[bytes, int | None]] = []
    _ots_tree(reader, digest, found, 0)
    tampered_if(reader.at != len(reader.data), "bytes behind the OpenTimestamps proof")
    blocks = sorted(height for tag, height in found if tag == BITCOIN and height is not None)
    if blocks:
        return f"OpenTimestamps, names Bitcoin block {blocks[0]}: follow it with `ots verify`"
    cannot_tell_if(all(tag != PENDING for tag, _ in found), "OpenTimestamps: attested by nobody that is known here")
    return "OpenTimestamps, pending: proves nothing yet"


def _ots_tree(reader: _Reader, message: bytes, found: list[tuple[bytes, int | None]], depth: int) -> None:
    tampered_if(depth > 256, "an OpenTimestamps proof that is too deep")
    while True:
        tag = reader.take(1)[0]
        more = tag == 0xFF
        tag = reader.take(1)[0] if more else tag
        if tag == 0:
            who, inner = reader.take(8), _Reader(reader.sized())
            found.append((who, inner.number() if who == BITCOIN else None))
        else:
            _ots_tree(reader, _applied(tag, reader, message), found, depth + 1)
        if not more:
            return


def _applied(tag: int, reader: _Reader, message: bytes) -> bytes:
    if tag == 0xF0:
        message = message + reader.sized()
    elif tag == 0xF1:
        message = reader.sized() + message
    elif tag in (0x08, 0x02):
        message = hashlib.new("sha256" if tag == 8 else "sha1", message).digest()
    elif tag in (0xF2, 0xF3):
        message = message[::-1] if tag == 0xF2 else message.hex().encode()
    elif tag in (0x03, 0x67):
        raise CannotTell(f"OpenTimestamps: {'RIPEMD-160' if tag == 3 else 'Keccak-256'} is not computed here")
    else:
        raise Tampered(f"an operation {tag:#04x} that OpenTimestamps does not have")
    tampered_if(len(message) > 4096, "an OpenTimestamps proof that grows too long")
    return message


if sys.version_info < (3, 9):
    raise SystemExit("cannot tell: this needs Python 3.9 or newer")


# ---- 9. The captures (profile full): event → manifest → lines → records. ---------------------------------------------

OUTCOMES = {"captured", "partial", "unavailable", "refused", "blocked", "failed", "skipped"}


@functools.lru_cache(4096)
def check_event(folder: str, seq: int, leaf_json: str) -> dict[str, Any]:
    """The event that a leaf commits to, signed by the person who did it."""
    name, leaf = f"data/events/{seq}.json", json.loads(leaf_json)
    value = canonical(read_small(folder, name))
    tampered_if(set(value) != {"event", "salt"}, f"{name} holds something else than an event and its salt")
    event: dict[str, Any] = value["event"]
    salted = hashlib.sha256(bytes.fromhex(value["salt"]) + canonical_bytes(event)).hexdigest()
    tampered_if(
        salted != leaf["salted_hash"]
        or (event["seq"], event["type"], event["time"]) != (seq, leaf["type"], leaf["time"]),
        f"{name} does not match the ledger",
    )
    unsigned = canonical_bytes({key: item for key, item in event.items() if key != "signature"})
    public, signature = (base64.b64decode(text, validate=True) for text in (event["agent"]["key"], event["signature"]))
    tampered_if(
        not ed25519(public, b"archiver-event/1\n" + unsigned, signature),
        f"{name} is not signed by the key that it names",
    )
    return event


def split_lines(data: bytes) -> list[bytes]:
    """Lines end with LF, and with nothing else."""
    lines = data.split(b"\n")
    return lines if lines[-1] else lines[:-1]


def check_lines(folder: str, name: str, stated: dict[str, Any]) -> None:
    """The lines of a .jsonl must give the root that the manifest states."""
    leaves = [leaf_hash(raw) for raw in split_lines(read_small(folder, name))]
    tampered_if(
        (len(leaves), tree_root(leaves).hex()) != (stated["count"], stated["root"]),
        f"{name} does not give the root that the manifest states",
    )


@functools.lru_cache(48)
def lines_of(path: str) -> list[dict[str, Any]]:
    """The lines of a .jsonl, without their salts."""
    with open(path, "rb") as stream:
        values = [json.loads(raw) for raw in stream]
    tampered_if(
        not all(isinstance(value, dict) for value in values), f"{os.path.basename(path)} has a line that is none"
    )
    return [{key: item for key, item in value.items() if key != "salt"} for value in values]


def ended_in(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What ended in a capture: the last line with an outcome of each thing that was discovered."""
    last: dict[str, dict[str, Any]] = {}
    for line in lines:
        if line.get("outcome") is not None:
            last[line["key"]] = line
    return list(last.values())


def check_inventory(capture: str, manifest_value: dict[str, Any], lines: list[dict[str, Any]]) -> None:
    """Whatever was discovered has an outcome and a reason, and the sums are those that were sealed."""
    discovered = [line["key"] for line in lines if line.get("state") == "discovered"]
    ended = {line["key"]: line for line in lines if "outcome" in line}
    tampered_if(
        len(discovered) != len(set(discovered)) or set(discovered) != set(ended),
        f"{capture}: discovered items and outcomes do not match",
    )
    for key, line in ended.items():
        tampered_if(
            line["outcome"] not in OUTCOMES or (line["outcome"] != "captured" and not line.get("reason")),
            f"{capture}: no outcome, or none with a reason: {key}",
        )
    outcomes = [line["outcome"] for line in lines if line.get("outcome")]
    sums = {kind: outcomes.count(kind) for kind in set(outcomes)}
    tampered_if(
        sums != manifest_value["counts"]["inventory"], f"{capture}: the inventory's totals differ from the sealed ones"
    )
    tampered_if(
        manifest_value["outcome"] == "captured"
        and any(line.get("kind") == "census" and not line["agrees"] for line in lines),
        f"{capture}: counts differ, yet its outcome is captured",
    )
    for line in lines:
        if "target_salt" in line:
            value = hashlib.sha256(bytes.fromhex(line["target_salt"]) + line["url"].encode()).hexdigest()
            tampered_if(
                value != manifest_value["target"]["commitment"], f"{capture}: the link differs from the sealed one"
            )


class Capture:
    """One capture folder of the package, checked from its event down to its lines."""

    def __init__(self, folder: str, names: set[str], item: dict[str, Any], event: dict[str, Any]) -> None:
        self.id, self.seq = item["id"], item["event"]
        tampered_if(
            not isinstance(self.id, str) or not re.fullmatch("[A-Za-z0-9_-]{1,64}", self.id),
            f"a capture's id that is none: {self.id!r}"[:120],
        )
        where = f"data/captures/{self.id}"
        self.folder = os.path.join(folder, *where.split("/"))
        missing_if(f"{where}/manifest.json" not in names, f"{where}/manifest.json is not there")
        data = read_small(folder, f"{where}/manifest.json")
        tampered_if(
            event["detail"]["capture"] != self.id
            or hashlib.sha256(data).hexdigest() != event["detail"]["manifest_sha256"],
            f"{where}/manifest.json differs from the sealed one",
        )
        self.manifest: dict[str, Any] = canonical(data)
        self.warcs: dict[str, dict[str, Any]] = {}
        listed = {"manifest.json"}
        for entry in self.manifest["files"]:
            tampered_if(
                not re.fullmatch(NAME, entry["name"]) or "/" in entry["name"] or entry["name"] in listed,
                f"{where} names what no archiver writes: {entry['name']!r}"[:160],
            )
            listed.add(entry["name"])
            if entry["name"].endswith(".warc.gz"):
                self.warcs[entry["name"]] = entry
            elif entry["name"].startswith("private.age"):
                continue  # withheld values stay in the house; the manifest says that they exist
            else:
                missing_if(f"{where}/{entry['name']}" not in names, f"{where}/{entry['name']} is not there")
                found = digest_file(os.path.join(self.folder, entry["name"]), "sha256")
                tampered_if(found != entry["sha256"], f"{where}/{entry['name']} differs from what was sealed")
        strange = sorted(
            {name for name in names if name.startswith(f"{where}/")} - {f"{where}/{name}" for name in listed}
        )
        tampered_if(strange, f"{first(strange)} was not sealed with the capture")
        # WARC files are in the WACZ, and what is private in no package: here they would be compared with nothing.
        misplaced = sorted(
            f"{where}/{name}"
            for name in listed
            if f"{where}/{name}" in names and (name.endswith(".warc.gz") or name.startswith("private.age"))
        )
        tampered_if(misplaced, f"{first(misplaced)} has no place there")
        for name in ("records.jsonl", "posts.jsonl", "inventory.jsonl"):
            check_lines(folder, f"{where}/{name}", self.manifest["lines"][name])
        check_inventory(
            self.id,
            self.manifest,
            [self._whole(raw) for raw in split_lines(read_small(folder, f"{where}/inventory.jsonl"))],
        )
        known = {line["id"] for line in self.records}
        tampered_if(len(known) != len(self.records), f"{self.id}: a record that is listed twice")
        strays = [post for post in self.posts if post.get("record") is not None and post["record"] not in known]
        tampered_if(strays, f"{self.id}: a post read from a missing record")

    @staticmethod
    def _whole(raw: bytes) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(raw)
        return value

    @property
    def records(self) -> list[dict[str, Any]]:
        return lines_of(os.path.join(self.folder, "records.jsonl"))

    @property
    def posts(self) -> list[dict[str, Any]]:
        return lines_of(os.path.join(self.folder, "posts.jsonl"))

    @property
    def inventory(self) -> list[dict[str, Any]]:
        return lines_of(os.path.join(self.folder, "inventory.jsonl"))

    @property
    def received(self) -> bool:
        """Whether its files were handed over by a person."""
        return any("target_salt" in line and line.get("platform") == "received" for line in self.inventory)


def record_ids(captures: list[Capture]) -> Iterator[tuple[str, Any]]:
    for capture in captures:
        for line in capture.records:
            yield line["id"], line.get("payload_digest")


# ---- 10. The WACZ is a ZIP that is exactly its entries (APPNOTE): nothing else stands in it, and nothing says two things. 

class Zip:
    """Entries of a ZIP in which everything is stored, nothing overlaps, and nothing stands between, before or behind."""

    def __init__(self, path: str) -> None:
        self.path, self.stream = path, open(path, "rb")
        self.size = os.path.getsize(path)
        tail = self.at(max(0, self.size - 98), min(98, self.size))
        tampered_if(
            tail[-22:-18] != b"PK\x05\x06" or tail[-2:] != b"\0\0",
            "the ZIP does not end where it should: bytes behind it, or cut",
        )
        _, disk, start_disk, here, count, length, start, _ = struct.unpack("<4sHHHHIIH", tail[-22:])
        end = self.size - 22
        if start == 0xFFFFFFFF or count == 0xFFFF:
            tampered_if(tail[-42:-38] != b"PK\x06\x07", "a ZIP64 without its locator")
            _, _, at64, disks = struct.unpack("<4sIQI", tail[-42:-22])
            record = self.at(at64, 56)
            magic, rest, _, _, disk, start_disk, here, count, length, start = struct.unpack("<4sQHHIIQQQQ", record)
            tampered_if(
                magic != b"PK\x06\x06" or rest != 44 or disks != 1 or at64 != end - 20 - 56,
                "a ZIP64 record that is not where it should be",
            )
            end = at64
        tampered_if(
            (disk, start_disk) != (0, 0) or here != count or start + length != end,
            "the ZIP's directory is not where it should be",
        )
        self.entries: dict[str, tuple[int, int, int]] = {}
        self._directory(self.at(start, length), count, start)

    def at(self, offset: int, length: int) -> bytes:
        tampered_if(offset + length > self.size, "the ZIP names a place beyond its end")
        self.stream.seek(offset)
        data = self.stream.read(length)
        tampered_if(len(data) != length, "a cut ZIP")
        return data

    def _directory(self, data: bytes, count: int, start: int) -> None:
        at, expected = 0, 0
        folded: set[str] = set()
        for _ in range(count):
            fields = struct.unpack("<4sHHHHHHIIIHHHHHII", data[at : at + 46])
            magic, made, needed, flags, method, hour, date, crc, packed, size, n, m, k, disk, inner, outer, offset = (
                fields
            )
            name, extra = data[at + 46 : at + 46 + n].decode("ascii"), data[at + 46 + n : at + 46 + n + m]
            at += 46 + n + m + k
            size, packed, offset = self._large(extra, size, packed, offset)
            tampered_if(
                magic != b"PK\x01\x02" or k or disk or flags or method or packed != size,
                f"{name} is not simply stored in the ZIP",
            )
            plain = (made, hour, date, inner, outer) == (needed, 0, 0x21, 0, 0)
            tampered_if(not plain, f"{name} has a time, a system or attributes in the ZIP: the exporter writes none")
            tampered_if(name.lower() in folded, f"{name} stands twice in the ZIP")
            folded.add(name.lower())
            tampered_if(not re.fullmatch(NAME, name), f"a name that leaves the ZIP: {name}")
            local = struct.unpack("<4sHHHHHIIIHH", self.at(offset, 30))
            behind = self.at(offset + 30, local[9] + local[10])
            large = self._large(behind[local[9] :], local[8], local[7], 0)
            tampered_if(
                offset != expected or local[0] != b"PK\x03\x04" or behind[: local[9]].decode("ascii") != name,
                f"{name} is not where the ZIP's directory says, or something stands between",
            )
            tampered_if(
                (local[2], local[3], local[4], local[5], local[6]) != (0, 0, 0, 0x21, crc) or large[:2] != (size, size),
                f"{name}: the ZIP says two different things of it",
            )
            self.entries[name] = (offset + 30 + len(behind), size, crc)
            expected = offset + 30 + len(behind) + size
        tampered_if(at != len(data) or expected != start, "the ZIP holds something that its directory does not list")

    @staticmethod
    def _large(extra: bytes, size: int, packed: int, offset: int) -> tuple[int, int, int]:
        """Sizes and offset, from the ZIP64 field where they need it."""
        if not extra:
            return size, packed, offset
        kind, length = struct.unpack("<HH", extra[:4])
        numbers = list(struct.unpack(f"<{length // 8}Q", extra[4:]))
        wanted = [value == 0xFFFFFFFF for value in (size, packed, offset)]
        needless = any(number < 0xFFFFFFFF for number in numbers)
        tampered_if(kind != 1 or len(numbers) != sum(wanted) or needless, "a field in the ZIP that should not be there")
        size, packed, offset = (
            numbers.pop(0) if needs else value for needs, value in zip(wanted, (size, packed, offset))
        )
        return size, packed, offset

    def digests(self, name: str) -> tuple[str, int]:
        """SHA-256 and CRC of an entry."""
        start, left, _ = self.entries[name]
        running, crc = hashlib.sha256(), 0
        with open(self.path, "rb", buffering=0) as stream:
            stream.seek(start)
            while data := stream.read(min(READ, left)):
                running.update(data)
                crc = zlib.crc32(data, crc)
                left -= len(data)
        return running.hexdigest(), crc

    def read(self, name: str) -> bytes:
        missing_if(name not in self.entries, f"{name} is not in the WACZ")
        tampered_if(self.entries[name][1] > SMALL, f"{name} is larger than allowed")
        return self.at(*self.entries[name][:2])


# ---- 11. WARC records (ISO 28500): every digest is computed again. ---------------------------------------------------

Take = Callable[[Any], object]
Fields = list[tuple[str, str]]
REPEATED = ("warc-concurrent-to", "warc-protocol")  # the only fields that a header may have more than once


def in_chunks(head: bytes) -> bool:
    """Whether the body after this head is in chunks (RFC 9112 6). Where two readers would see two bodies, what came is the payload."""
    lines = re.split(rb"\r?\n", re.sub(rb"\r?\n[ \t]+", b" ", head))
    fields = [(name.rstrip(b" \t").lower(), value) for name, _, value in (line.partition(b":") for line in lines[1:])]
    codings = [
        item.strip(b" \t").lower()
        for name, value in fields
        if name == b"transfer-encoding"
        for item in value.split(b",")
        if item.strip(b" \t")
    ]
    last = codings[-1:] == [b"chunked"] and set(codings[:-1]) <= {
        b"gzip",
        b"deflate",
        b"compress",
        b"x-gzip",
        b"identity",
    }
    return (
        last and b"content-length" not in dict(fields) and bool(re.match(rb"HTTP/1\.1 (?!1|204|304)[0-9]{3}", lines[0]))
    )


class Body:
    """Takes a record's block in pieces: its digest, and that of its payload without HTTP head and chunk framing."""

    def __init__(self, http: bool, take: Take | None) -> None:
        self.block, self.payload = hashlib.sha256(), hashlib.sha256()
        self.decoded: Any = None  # of a body in chunks: the digest without their framing
        self.take: Take = take or (lambda piece: None)
        self.head: bytes | None = b"" if http else None
        self.state, self.left, self.buffer = "size", 0, b""

    def feed(self, data: bytes | memoryview) -> None:
        self.block.update(data)
        if self.head is not None:
            self.head += bytes(data)
            match = re.search(rb"\r?\n\r?\n", self.head)
            if not match and len(self.head) < READ:
                return
            end = match.end() if match else len(self.head)
            head, data, self.head = self.head[:end], self.head[end:], None
            self.decoded = hashlib.sha256() if in_chunks(head) else None
        self.payload.update(data)
        if self.decoded is None:
            self.take(data)
        else:
            self.unchunk(bytes(data))

    def unchunk(self, data: bytes) -> None:
        data = self.buffer + data
        while data and self.state != "done":
            if self.state == "data":
                piece, data = data[: self.left], data[self.left :]
                self.decoded.update(piece)
                self.take(piece)
                self.left -= len(piece)
                self.state = "data" if self.left else "line end"
            elif self.state == "line end":
                if len(data) < 2:
                    break
                self.state, data = ("size" if data[:2] == b"\r\n" else "done"), data[2:]
            else:
                line, end, rest = data.partition(b"\r\n")
                if not end and len(line) < 16383:
                    break
                match = len(line) < 16383 and re.fullmatch(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\r\n]*)?", line)
                self.left, data = (int(match[1], 16) if match else 0), rest
                self.state = "data" if self.left else "done"
        self.buffer = data


def read_record(stream: BinaryIO, start: int, length: int, take: Take | None = None) -> tuple[Fields, Body, str]:
    """(header fields, body, SHA-256 of the member) of the one record in the gzip member at `start`. `take` gets the payload."""
    stream.seek(start)
    inflate, left, member = zlib.decompressobj(31), length, hashlib.sha256()
    head, need, tail, pending = b"", 0, b"", b""
    body: Body | None = None
    fields: Fields = []
    while not inflate.eof:
        if not pending:
            pending = stream.read(min(READ, left))
            left -= len(pending)
            tampered_if(not pending, "a record that is cut")
            member.update(pending)
        data = inflate.decompress(pending, READ)
        pending = inflate.unconsumed_tail
        if body is None:
            head += data
            end = head.find(b"\r\n\r\n")
            if end < 0:
                tampered_if(len(head) > READ, "a record without a header")
                continue
            tampered_if(not head.startswith(b"WARC/1.1\r\n"), "not a WARC/1.1 record")
            lines = [line.decode("utf-8", "surrogateescape").partition(": ") for line in head[:end].split(b"\r\n")[1:]]
            fields = [(name, value) for name, _, value in lines]
            named = {name.lower(): value for name, value in fields}
            once = [name.lower() for name, _ in fields if name.lower() not in REPEATED]
            tampered_if(len(once) != len(set(once)), "a WARC header that says something twice")
            http = "application/http" in named.get("content-type", "") and named.get("warc-type") in (
                "request",
                "response",
                "revisit",
            )
            need, body, data = int(named["content-length"]), Body(http, take), head[end + 4 :]
        view = memoryview(data)
        inside = min(need, len(view))
        if inside:
            body.feed(bytes(view[:inside]) if body.head is not None else view[:inside])
            need -= inside
        tail += bytes(view[inside : inside + 8])  # a few bytes too many are enough to tell
        tampered_if(len(tail) > 4, "a record that does not end as its length says")
    tampered_if(inflate.unused_data or left, "a member that holds more than its record")
    tampered_if(need or tail != b"\r\n\r\n", "a record that does not end as its length says")
    assert body is not None
    return fields, body, member.hexdigest()


def check_records(archive: Zip, captures: list[Capture]) -> tuple[str, dict[tuple[str, int], str]]:
    """Every record of every WARC file against its own digests and against what was sealed of it.

    Also {(file, offset): SHA-256 of the record as it is stored}.
    """
    ids = dict(record_ids(captures))
    files = [(archive, capture, name, ids) for capture in captures for name in sorted(capture.warcs)]
    members: dict[tuple[str, int], str] = {}
    for found in SEVERAL.map(check_warc, *zip(*files)) if files else ():
        members.update(found)
    strange = sorted(
        {name for name in archive.entries if name.startswith("archive/")}
        - {f"archive/{name}" for _, _, name, _ in files}
    )
    tampered_if(strange, f"{first(strange)} belongs to no capture of the package")
    return f"{len(members)} records, every digest computed again", members


def check_warc(archive: Zip, capture: Capture, name: str, ids: dict[str, Any]) -> dict[tuple[str, int], str]:
    """The digests of the records of a WARC file, all of which are as they were sealed."""
    missing_if(f"archive/{name}" not in archive.entries, f"archive/{name} is not in the WACZ")
    start, size, _ = archive.entries[f"archive/{name}"]
    lines = sorted((line for line in capture.records if line["file"] == name), key=lambda line: int(line["offset"]))
    at, members = 0, {}
    with open(archive.path, "rb") as stream:
        for line in lines:
            tampered_if(
                line["offset"] != at, f"{name}: something stands at {at} that was not sealed, or a record is missing"
            )
            try:
                fields, body, members[name, at] = read_record(stream, start + at, line["length"])
                one_record(fields, body, line, ids, capture.manifest["recovered"] is not None)
            except (Tampered, zlib.error) as error:
                raise Tampered(f"{name} at {at}: {error}") from error
            at += line["length"]
    tampered_if(at != size or size != capture.warcs[name]["size"], f"{name}: bytes behind the last record")
    return members


def one_record(fields: Fields, body: Body, line: dict[str, Any], ids: dict[str, Any], recovered: bool) -> None:
    again = line["type"] == "revisit"
    named = {name.lower(): value for name, value in reversed(fields)}
    block = f"sha256:{body.block.hexdigest()}"
    for key, field in (
        ("id", "warc-record-id"),
        ("type", "warc-type"),
        ("uri", "warc-target-uri"),
        ("date", "warc-date"),
    ):
        tampered_if(line.get(key) != named.get(field), f"another {field} than was sealed")
    tampered_if(
        block != named.get("warc-block-digest") or block != line["block_digest"],
        "the block is not what its digest says",
    )
    payload = named.get("warc-payload-digest") if again else f"sha256:{(body.decoded or body.payload).hexdigest()}"
    tampered_if(
        not again and named.get("warc-payload-digest") not in (None, f"sha256:{body.payload.hexdigest()}"),
        "the payload is not what its digest says",
    )
    tampered_if(line.get("payload_digest") not in (None, payload), "the payload differs from what was sealed")
    tampered_if(
        bool(line.get("truncated")) != ("warc-truncated" in named), "it is cut, or not, against what was sealed"
    )
    tampered_if(
        again
        and (named.get("warc-refers-to") not in ids or ids[named["warc-refers-to"]] != line.get("payload_digest")),
        "a revisit whose original is not in the package",
    )
    for name, value in fields:
        tampered_if(
            name == "WARC-Concurrent-To" and value not in ids and not recovered,
            "it refers to a record that is not there",
        )


Assemblies = dict[tuple[str, str], dict[str, Any]]


def read_assemblies(archive: Zip, captures: list[Capture]) -> tuple[Assemblies, dict[str, tuple[int, int]]]:
    """{(capture, digest): assembly} of all files that came in pieces, and {record: (place, length)} of the pieces."""
    places = {
        line["id"]: (archive.entries[f"archive/{line['file']}"][0] + line["offset"], line["length"])
        for capture in captures
        for line in capture.records
    }
    found: Assemblies = {}
    for capture in captures:
        for line in capture.records:
            uri = str(line.get("uri") or "")
            if uri.startswith("urn:archiver:assembly:"):
                block = bytearray()
                read_record(archive.stream, *places[line["id"]], take=block.extend)
                value = canonical(bytes(block))
                tampered_if(uri != f"urn:archiver:assembly:{value['sha256']}", f"{uri} describes another file")
                found[capture.id, value["sha256"]] = value
    return found, places


def whole_here(assembly: dict[str, Any], places: dict[str, tuple[int, int]]) -> bool:
    return all(piece["record"] in places for piece in assembly["pieces"])


def check_assemblies(archive: Zip, assemblies: Assemblies, places: dict[str, tuple[int, int]]) -> str:
    """A file that arrived in pieces gives the digest that its assembly states."""
    absent = [assembly["name"] for assembly in assemblies.values() if not whole_here(assembly, places)]
    for assembly in assemblies.values():
        if not whole_here(assembly, places):
            continue
        whole = Whole()
        for piece in assembly["pieces"]:
            whole.begin(piece["offset"], piece["length"])
            read_record(archive.stream, *places[piece["record"]], take=whole.take)
        tampered_if(
            (whole.digest.hexdigest(), whole.size) != (assembly["sha256"], assembly["size"]),
            f"the pieces of {assembly['name']} do not give its digest",
        )
    cannot_tell_if(absent, f"{len(absent)} files have pieces in captures outside the package, first: {first(absent)}")
    return f"{len(assemblies)} files that came in pieces give their digests"


class Whole:
    """Joins pieces: of each payload that it takes, `length` bytes from `offset`."""

    def __init__(self) -> None:
        self.digest, self.size = hashlib.sha256(), 0

    def begin(self, offset: int, length: int) -> None:
        self.at, self.start, self.end = 0, offset, offset + length

    def take(self, data: bytes | memoryview) -> None:
        part = data[max(0, self.start - self.at) : max(0, self.end - self.at)]
        self.digest.update(part)
        self.size += len(part)
        self.at += len(data)


# ---- 12. The tables, made again from what was sealed (profile full), and their CSV (docs/reference/formats.md). ------

MEDIA = {"video", "round video", "audio", "voice", "photo", "document", "sticker", "captions", "file"}
ENDINGS = (
    "3gp|7z|aac|amr|avi|avif|bin|csv|doc|docx|eml|flac|gif|gz|heic|heif|jpg|json|m4a|m4v|mkv|mov|mp3|mp4|mpg|odp|ods|odt|"
    "oga|ogg|ogv|opus|pdf|png|ppt|pptx|rar|rtf|srt|tar|tif|ts|txt|vcf|vtt|wacz|warc|wav|webm|webp|wma|wmv|xls|xlsx|zip"
)  # nothing that a double-click runs
COLUMNS = {
    "posts": (
        "item", "capture", "event", "seen", "post.platform", "post.id", "post.url", "post.author_handle", "post.author_name",
        "post.published_at", "post.published.earliest", "post.published.latest", "post.published.literal", "post.title",
        "post.text", "post.lang", "post.edited", "post.views", "post.likes", "post.replies", "post.reposts", "post.outcome",
        "post.reason", "post.guessed",
    ),
    "files": ("file", "item", "capture", "key", "kind", "bytes", "sha256", "record"),
    "not-kept": ("capture", "key", "kind", "outcome", "reason"),
    "events": (
        "event", "time", "type", "detail.kind", "detail.outcome", "items", "by", "role", "detail.capture",
        "detail.about.capture", "detail.about.post", "detail.text",
    ),
    "withheld": ("item", "what", "why", "instead"),
}  # fmt: skip
Row = dict[str, Any]
ALWAYS: dict[str, Row] = {
    **{name: {"name": name, "rule": name} for name in ("posts", "files", "not-kept", "withheld")},
    "custody": {"name": "custody", "rule": "events"},
    "annotations": {"name": "annotations", "rule": "events", "types": ["annotated"]},
}


def post_name(line: Row) -> str:
    """By what a post is called in its capture: its id, or its link where it has none."""
    return str(line.get("id") or line.get("url"))


def observations(capture: Capture) -> list[Row]:
    return [line for line in capture.posts if line.get("role") != "captions"]


class Sealed:
    """What the tables are made from: captures, their items, the events."""

    def __init__(
        self,
        folder: str,
        captures: list[Capture],
        assemblies: Assemblies,
        places: dict[str, Any],
        events: dict[int, Row],
    ) -> None:
        self.folder, self.captures, self.events = folder, captures, events
        self.assemblies, self.places = assemblies, places
        self.by_id = {capture.id: capture for capture in captures}
        self.items: dict[str, str] = {}
        for capture in captures:
            for line in observations(capture):
                self._item(f"{line['platform']}:{post_name(line)}")
            if capture.received:
                for line, *_ in self.given(capture):
                    self._item(f"received:{capture.id}:{line['key']}")

    def _item(self, key: str) -> str:
        return self.items.setdefault(key, f"I{len(self.items) + 1:04d}")

    def given(self, capture: Capture) -> Iterator[tuple[Row, str, int]]:
        """(line of the inventory, SHA-256, bytes) of each file that a capture gives."""
        records = {line["id"]: line for line in capture.records}
        for line in ended_in(capture.inventory):
            kept = line["outcome"] == "captured" or (line["outcome"] == "partial" and line.get("proof") != "wrong kind")
            if (
                line.get("kind") not in MEDIA
                or not kept
                or line.get("record") not in records
                or not re.match("post |file ", line["key"])
            ):
                continue
            record = records[line["record"]]
            if line.get("assembly"):
                assembly = self.assemblies.get((capture.id, line["assembly"]))
                if assembly is not None and whole_here(assembly, self.places):
                    yield line, assembly["sha256"], assembly["size"]
            elif (
                record["type"] in ("response", "resource", "revisit")
                and record.get("payload_digest")
                and record.get("payload_size") is not None
            ):
                here = "refers" not in record or record["refers"]["record"] in self.places
                if here:
                    yield line, record["payload_digest"][len("sha256:") :], record["payload_size"]

    @functools.lru_cache(256)
    def named_posts(self, capture_id: str) -> dict[str, str]:
        """{what a post is called in a capture: its item}, the first one of that name."""
        found: dict[str, str] = {}
        for line in observations(self.by_id[capture_id]):
            found.setdefault(post_name(line), self.items[f"{line['platform']}:{post_name(line)}"])
        return found

    @functools.lru_cache(256)
    def items_of(self, capture_id: str) -> tuple[tuple[str, str], ...]:
        """(item, what its post or file is called) of all items of a capture."""
        capture = self.by_id[capture_id]
        found = {self.items[f"{line['platform']}:{post_name(line)}"]: post_name(line) for line in observations(capture)}
        if capture.received:
            for line, *_ in self.given(capture):
                found[self.items[f"received:{capture_id}:{line['key']}"]] = f"{capture_id}:{line['key']}"
        return tuple(found.items())

    # -- one table each ------------------------------------------------------------------------------------

    def posts(self) -> Iterator[Row]:
        for capture in self.captures:
            dates = {line["id"]: line["date"] for line in capture.records}
            for line in observations(capture):
                seen = dates.get(line.get("record"), capture.manifest["opened"])
                item = self.items[f"{line['platform']}:{post_name(line)}"]
                yield {"item": item, "capture": capture.id, "event": capture.seq, "seen": seen, "post": line}

    def files(self, names: set[str]) -> Iterator[Row]:
        """`names`: the files of the package, which decide on endings."""
        placed: dict[str, str] = {}
        stems: set[str] = set()
        there = {name.rpartition(".")[0]: name for name in sorted(names) if name.startswith("data/media/")}
        for capture in self.captures:
            for line, sha256, size in self.given(capture):
                item = self._item_of(capture, line["key"])
                if item is None:
                    continue
                if sha256 not in placed:
                    stem = wanted = f"data/media/{item}-{attachment(line['key']) + 1}"
                    more = 2
                    while stem in stems:
                        stem, more = f"{wanted}-{more}", more + 1
                    stems.add(stem)
                    placed[sha256] = there.get(stem, f"{stem}.bin")
                yield {
                    "file": placed[sha256], "item": item, "capture": capture.id, "key": line["key"], "kind": line["kind"],
                    "record": line["record"], "bytes": size, "sha256": sha256,
                }  # fmt: skip

    def _item_of(self, capture: Capture, key: str) -> str | None:
        if key.startswith("post "):
            return self.named_posts(capture.id).get(key[len("post ") :].partition(" #")[0])
        return self.items[f"received:{capture.id}:{key}"] if capture.received else None

    def not_kept(self) -> Iterator[Row]:
        for capture in self.captures:
            for line in ended_in(capture.inventory):
                if line["outcome"] != "captured":
                    yield {
                        "capture": capture.id,
                        **{key: line.get(key) for key in ("key", "kind", "outcome", "reason")},
                    }

    def told(self, types: list[str] | None, kinds: list[str] | None) -> Iterator[Row]:
        for seq in sorted(self.events):
            event = self.events[seq]
            detail, agent = event["detail"], event["agent"]
            if (types is None or event["type"] in types) and (kinds is None or detail.get("kind") in kinds):
                yield {
                    "event": seq, "time": event["time"], "type": event["type"], "by": agent["id"], "role": agent.get("role"),
                    "detail": detail, "items": self._about(detail.get("about", detail)),
                }  # fmt: skip

    def _about(self, about: Row) -> list[str]:
        if about.get("capture") not in self.by_id:
            return []
        post = about.get("post")
        items = [item for item, name in self.items_of(about["capture"]) if post is None or name == post]
        return sorted(items, key=lambda item: int(item[1:]))

    def table(self, one: Row, names: set[str]) -> Iterable[Row]:
        """The lines of a table as package.json describes it."""
        rule = one["rule"]
        if rule == "events":
            return self.told(one.get("types"), one.get("kinds"))
        return {"posts": self.posts, "files": lambda: self.files(names), "not-kept": self.not_kept}[rule]()


def attachment(key: str) -> int:
    """Which attachment a file is, or is part of, by its key: counted from 0."""
    number = re.match(r"(?:post .*? #|file )([0-9]+)", key)
    return int(number[1]) - key.startswith("file ") if number else 0


# -- CSV ----------------------------------------------------------------------------------------------------

_BLANK = "\\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"
# Blanks that are separators themselves begin anew: so no text takes more than a few looks at each of its letters.
_FORMULA = re.compile(f"((?:^|[;,|\t\r\n])(?:(?![\t\r\n])[{_BLANK}])*)(?=[=+\\-@\uff1d\uff0b\uff0d\uff20])")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


def cell(value: Any) -> str:
    """A value as a cell that no spreadsheet runs as a formula, whichever separator it takes."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else line_text(value)
    text = re.sub("[\ud800-\udfff]", lambda match: f"\\u{ord(match[0]):04x}", text.replace("\0", "\\x00"))
    return text if _NUMBER.fullmatch(text) else _FORMULA.sub("\\1'", text)


def csv_line(cells: Iterable[str]) -> str:
    return ",".join('"' + one.replace('"', '""') + '"' for one in cells) + "\r\n"


def value_at(row: Row, path: str) -> Any:
    value: Any = row
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def check_tables(folder: str, package: Row, names: set[str], sealed: Sealed | None) -> str:
    """Each table line by line against what was sealed, where that is here; each CSV file against its table."""
    seen: set[str] = set()
    counted, unknown = 0, []
    for one in package["tables"]:
        name, rule = one["name"], one["rule"]
        tampered_if(
            name in seen or not re.fullmatch("[a-z][a-z0-9-]{0,40}", name),
            f"a table that is named twice, or badly: {name!r}",
        )
        seen.add(name)
        tampered_if(
            one != ALWAYS.get(name, one), f"the table {name} follows another rule than it does in every package"
        )
        if rule not in COLUMNS or set(one) - {"name", "rule", "types", "kinds"}:
            unknown.append(name)
            continue
        chosen = [one[key] for key in ("types", "kinds") if key in one]
        listed = all(isinstance(some, list) and all(isinstance(word, str) for word in some) for some in chosen)
        tampered_if(
            name not in ALWAYS and (rule != "events" or not listed),
            f"the table {name} is no selection of events: only they make further tables",
        )
        expected = sealed.table(one, names) if sealed is not None and rule != "withheld" else None
        columns = COLUMNS[rule]
        if "kinds" in one:  # such a table also says which event a line is about
            columns = (*columns[:-1], "detail.about.event", columns[-1])
        lines = check_table(folder, name, columns, None if expected is None else iter(expected))
        tampered_if(
            name == "withheld" and lines != package["withheld"],
            f"data/package.json counts {package['withheld']} things withheld, data/tables/withheld.jsonl has {lines}",
        )
        counted += lines
    absent = sorted(set(ALWAYS) - seen)
    missing_if(absent, f"the table {first(absent)} is not named in data/package.json")
    cannot_tell_if(
        unknown,
        f"the table {first(unknown)} follows a rule that this check.py does not know: take that of {package['software']}",
    )
    return f"{len(seen)} tables, {counted} lines" + (
        ", made again from what was sealed" if sealed is not None else ", on the signer's word"
    )


def check_table(folder: str, name: str, columns: tuple[str, ...], expected: Iterator[Row] | None) -> int:
    """How many lines a table has, all as they should be. Both files are read side by side."""
    paths = [os.path.join(folder, "data", "tables", f"{name}.{kind}") for kind in ("jsonl", "csv")]
    for path in paths:
        missing_if(not os.path.isfile(path), f"data/tables/{os.path.basename(path)} is not there")
    count = 0
    with open(paths[0], "rb") as lines, open(paths[1], "rb") as sheet:
        head = b"\xef\xbb\xbf" + csv_line(columns).encode()
        tampered_if(sheet.read(len(head)) != head, f"data/tables/{name}.csv begins otherwise than its table")
        for raw in lines:
            count += 1
            row = _parsed(raw, f"data/tables/{name}.jsonl line {count}")
            if expected is not None:
                own = next(expected, None)
                tampered_if(
                    own is None or (line_text(own) + "\n").encode() != raw,
                    f"data/tables/{name}.jsonl line {count} says something else than was sealed",
                )
            text = csv_line(cell(value_at(row, column)) for column in columns).encode()
            tampered_if(
                sheet.read(len(text)) != text,
                f"data/tables/{name}.csv says something else than line {count} of its table",
            )
        tampered_if(sheet.read(1), f"data/tables/{name}.csv goes on behind its table")
    tampered_if(
        expected is not None and next(expected, None) is not None,
        f"data/tables/{name}.jsonl ends before what was sealed",
    )
    return count


def _parsed(raw: bytes, where: str) -> Row:
    value = json.loads(raw.decode("utf-8"), object_pairs_hook=pairs_once)
    tampered_if(
        not isinstance(value, dict) or (line_text(value) + "\n").encode() != raw,
        f"{where} is written in another way than tables are",
    )
    row: Row = value
    return row


def check_files(folder: str, names: set[str], listed: dict[str, str]) -> str:
    """The table `files` and data/media/ name the same files, with the digests of the bag."""
    said: dict[str, str] = {}
    with open(os.path.join(folder, "data", "tables", "files.jsonl"), "rb") as lines:
        for raw in lines:
            row = _parsed(raw, "data/tables/files.jsonl")
            name, sha256 = row["file"], row["sha256"]
            tampered_if(
                said.setdefault(name, sha256) != sha256, f"{name} stands with two digests in data/tables/files.jsonl"
            )
            missing_if(name not in names, f"{name} is not there")
            tampered_if(
                listed.get(name) != sha256 or os.path.getsize(os.path.join(folder, *name.split("/"))) != row["bytes"],
                f"{name} is not what data/tables/files.jsonl says",
            )
    strange = sorted({name for name in names if name.startswith("data/media/")} - set(said))
    tampered_if(strange, f"{first(strange)} is in no line of data/tables/files.jsonl")
    return f"{len(said)} files with their digests"


# -- metadata in media files of `public` ----------------------------------------------------------------------

PLAIN_CHUNKS = {
    b"IHDR",
    b"PLTE",
    b"IDAT",
    b"IEND",
    b"tRNS",
    b"gAMA",
    b"cHRM",
    b"sRGB",
    b"sBIT",
    b"pHYs",
    b"bKGD",
    b"cICP",
    b"acTL",
    b"fcTL",
    b"fdAT",
}
PLAIN_BOXES = {
    b"ftyp",
    b"moov",
    b"mdat",
    b"free",
    b"mvhd",
    b"trak",
    b"tkhd",
    b"edts",
    b"elst",
    b"mdia",
    b"mdhd",
    b"hdlr",
    b"minf",
    b"vmhd",
    b"smhd",
    b"nmhd",
    b"dinf",
    b"dref",
    b"stbl",
    b"stsd",
    b"stts",
    b"ctts",
    b"stss",
    b"stsc",
    b"stsz",
    b"stco",
    b"co64",
    b"sgpd",
    b"sbgp",
    b"sdtp",
    b"udta",
    b"meta",
    b"ilst",
    b"\xa9too",
    b"mvex",
    b"trex",
    b"moof",
    b"mfhd",
    b"traf",
    b"tfhd",
    b"tfdt",
    b"trun",
    b"mfra",
    b"tfra",
    b"mfro",
    b"sidx",
    b"styp",
}
PROGRAM = rb".{4}data\0\0\0\x01\0\0\0\0Lavf[0-9.]*"  # the name of the program that wrote the file, and nothing else
HOLDING = {
    b"moov": 0,
    b"trak": 0,
    b"edts": 0,
    b"mdia": 0,
    b"minf": 0,
    b"stbl": 0,
    b"udta": 0,
    b"meta": 4,
    b"ilst": 0,
    b"mvex": 0,
}


def check_plain(folder: str, names: set[str]) -> str:
    """Media files of `public` are made anew: nothing stands in them but sound and picture."""
    media = sorted(name for name in names if name.startswith("data/media/"))
    for name in media:
        path = os.path.join(folder, *name.split("/"))
        with open(path, "rb") as stream:
            start = stream.read(12)
            if start.startswith(b"\x89PNG\r\n\x1a\n"):
                _png(stream, name, os.path.getsize(path))
            elif start[4:8] == b"ftyp":
                _boxes(stream, name, 0, os.path.getsize(path))
            else:
                raise CannotTell(f"{name} is no PNG and no MP4: whether it carries metadata is not looked at")
    return f"{len(media)} media files with no parts but those of sound and picture"


def _png(stream: Any, name: str, end: int) -> None:
    at, kind = 8, b""
    while at < end:
        tampered_if(kind == b"IEND", f"{name} goes on behind its picture")
        stream.seek(at)
        head = stream.read(8)
        kind, at = head[4:], at + int.from_bytes(head[:4], "big") + 12
        tampered_if(kind not in PLAIN_CHUNKS, f"{name} carries more than a picture: {kind!r}")
        tampered_if(kind == b"IEND" and head[:4] != bytes(4), f"{name} goes on behind its picture")
    tampered_if(at != end or kind != b"IEND", f"{name} ends in the middle of its picture")


def _boxes(stream: Any, name: str, at: int, end: int) -> None:
    while at < end:
        stream.seek(at)
        head = stream.read(16)
        size, kind = int.from_bytes(head[:4], "big"), head[4:8]
        begin = at + (16 if size == 1 else 8)
        size = int.from_bytes(head[8:], "big") if size == 1 else size or end - at
        tampered_if(size < begin - at or at + size > end, f"{name} has a box that does not fit: {kind!r}")
        tampered_if(kind not in PLAIN_BOXES, f"{name} carries more than sound and picture: {kind!r}")
        if kind == b"free":
            stream.seek(begin)
            left = at + size - begin
            while left > 0 and (piece := stream.read(min(READ, left))):
                tampered_if(piece.strip(b"\0"), f"{name} carries more than sound and picture: {kind!r}")
                left -= len(piece)
        if kind == b"\xa9too":
            stream.seek(begin)
            program = stream.read(min(100, at + size - begin))
            tampered_if(
                not re.fullmatch(PROGRAM, program, re.DOTALL),
                f"{name} carries more than sound and picture: {program[16:40]!r}",
            )
        if kind in HOLDING:
            _boxes(stream, name, begin + HOLDING[kind], at + size)
        at += size


# ---- 13. The WACZ around the WARC files: its list and signature, its index, its pages, made again from the sealed lines. 

INDEXED = ("response", "revisit", "resource", "conversion", "metadata")
BLOCK_LINES = 300
Members = dict[tuple[str, int], str]


def check_wacz_list(archive: Zip, captures: list[Capture]) -> str:
    """The WACZ holds what the exporter writes, each WARC file as it was sealed, each entry as it is listed; its signature fits."""
    warcs = {f"archive/{name}": entry for capture in captures for name, entry in capture.warcs.items()}
    made = [
        "indexes/index.cdx.gz",
        "indexes/index.idx",
        "pages/pages.jsonl",
        "datapackage.json",
        "datapackage-digest.json",
    ]
    missing_if(absent := sorted((set(warcs) | set(made)) - set(archive.entries)), f"{first(absent)} is not in the WACZ")
    tampered_if(
        strange := sorted(set(archive.entries) - set(warcs) - set(made)),
        f"{first(strange)} has no place in the WACZ of a package",
    )
    tampered_if(list(archive.entries) != [*warcs, *made], "the WACZ has its entries in another order")
    for name, (digest, crc) in zip(archive.entries, SEVERAL.map(archive.digests, archive.entries)):
        tampered_if(
            name in warcs and (digest, archive.entries[name][1]) != (warcs[name]["sha256"], warcs[name]["size"]),
            f"{name} is not the file that was sealed",
        )
        tampered_if(crc != archive.entries[name][2], f"{name} has another CRC than the ZIP says")
    return f"{len(warcs)} WARC files as they were sealed, {len(made)} entries about them"


def check_description(archive: Zip, captures: list[Capture], package: dict[str, Any]) -> str:
    """datapackage.json says exactly what follows from the package; the digest file fits it, and so does the signature."""
    pages = list(pages_of(captures))
    resources = [
        {
            "name": name.rpartition("/")[2].lower(),
            "path": name,
            "hash": f"sha256:{archive.digests(name)[0]}",
            "bytes": archive.entries[name][1],
        }
        for name in list(archive.entries)[:-2]
    ]
    value: dict[str, Any] = {
        "profile": "data-package", "wacz_version": "1.1.1", "title": package["name"], "software": package["software"],
        "created": package["made"], "modified": package["made"], "resources": resources,
    }  # fmt: skip
    if pages:
        value.update(mainPageUrl=pages[0]["url"], mainPageDate=pages[0]["ts"])
    data = archive.read("datapackage.json")
    tampered_if(
        data != json.dumps(value, ensure_ascii=False, indent=1).encode(),
        "datapackage.json says something else than follows from the package",
    )
    check_signed(data, archive.read("datapackage-digest.json"), package)
    head = [{"format": "json-pages-1.0", "id": "pages", "title": "All Pages"}]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in [*head, *pages])
    tampered_if(
        archive.read("pages/pages.jsonl") != text.encode(), "pages/pages.jsonl lists other pages than were sealed"
    )
    return f"{len(pages)} pages, described as they were sealed"


def check_signed(data: bytes, written: bytes, package: dict[str, Any]) -> None:
    """The anonymous signature in the WACZ (WACZ Signing and Verification 0.1.0). It says nothing of who made it."""
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    signed = json.loads(written)["signedData"]
    own = {
        "hash": digest, "created": package["made"], "software": package["software"], "version": "0.1.0",
        "signature": signed["signature"], "publicKey": signed["publicKey"],
    }  # fmt: skip
    value = {"path": "datapackage.json", "hash": digest, "signedData": own}
    tampered_if(
        json.dumps(value, indent=1).encode() != written, "datapackage.json does not match datapackage-digest.json"
    )
    check_wacz_signature(digest, signed)


def check_wacz_signature(digest: str, signed: dict[str, Any]) -> None:
    raw = base64.b64decode(signed["signature"], validate=True)
    tampered_if(len(raw) != 96, "the signature in the WACZ is not 96 bytes")
    public = base64.b64decode(signed["publicKey"], validate=True)
    pem = b"-----BEGIN PUBLIC KEY-----\n" + base64.encodebytes(public) + b"-----END PUBLIC KEY-----\n"
    done = openssl(
        "dgst -sha256 -verify {key} -signature {sig} {text}", key=pem, sig=der_signature(raw), text=digest.encode()
    )
    cannot_tell_if(done.returncode and refuses(done.stderr), f"this openssl does not check signatures: {INSTALL}")
    tampered_if(done.returncode or "Verified OK" not in done.stdout, "the signature in the WACZ does not fit")


def der_signature(raw: bytes) -> bytes:
    """r ‖ s as an ASN.1 SEQUENCE of two INTEGERs, which is what openssl reads."""
    out = b""
    for half in (raw[:48], raw[48:]):
        number = half.lstrip(b"\0") or b"\0"
        number = b"\0" + number if number[0] & 0x80 else number
        out += b"\x02" + bytes([len(number)]) + number
    return b"\x30" + bytes([len(out)]) + out


def sort_key(link: str) -> str:
    """By what a link is found in the index: its host reversed, its query sorted, in lower case (docs/reference/formats.md)."""
    match = re.fullmatch(r"(https?)://([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#.*)?", link, re.IGNORECASE | re.DOTALL)
    host, _, port = (
        match[2].rpartition("@")[2].lower().partition(":") if match and "[" not in match[2] else ("", "", "")
    )
    if not match or not host:
        return link.lower().replace(" ", "%20")
    labels = host.split(".")
    if len(labels) > 2 and re.fullmatch("www[0-9]*", labels[0]):
        labels = labels[1:]
    own = {"http": "80", "https": "443"}[match[1].lower()]
    shown_port = f":{port}" if port and port != own else ""
    path = match[3].lower().rstrip("/") or "/"
    query = "?" + "&".join(sorted(match[4].lower().split("&"))) if match[4] else ""
    return f"{','.join(reversed(labels))}{shown_port}){path}{query}".replace(" ", "%20")


def index_lines(captures: list[Capture], members: Members) -> list[bytes]:
    """The lines of the index, in order."""
    lines = []
    for capture in captures:
        for line in capture.records:
            if line["type"] not in INDEXED or not line.get("uri"):
                continue
            kind = (line.get("content_type") or "application/octet-stream").partition(";")[0].strip()
            facts = {
                "url": line["uri"], "mime": "warc/revisit" if line["type"] == "revisit" else kind, "status": str(line.get("status") or 200),
                "digest": line.get("payload_digest") or line["block_digest"], "length": str(line["length"]), "offset": str(line["offset"]),
                "filename": line["file"], "recordDigest": f"sha256:{members[line['file'], line['offset']]}",
            }  # fmt: skip
            stamp = re.sub("[^0-9]", "", line["date"][:19])
            lines.append(f"{sort_key(line['uri'])} {stamp} {json.dumps(facts)}\n".encode())
    return sorted(lines)


def check_index(archive: Zip, captures: list[Capture], members: Members) -> str:
    """The index has a line for each record, and leads there; the list of its blocks leads to each block."""
    expected = index_lines(captures, members)
    data = archive.read("indexes/index.cdx.gz")
    over, at = ['!meta 0 {"format": "cdxj-gzip-1.0", "filename": "index.cdx.gz"}\n'], 0
    for start in range(0, len(expected), BLOCK_LINES):
        block, text = expected[start : start + BLOCK_LINES], b"".join(expected[start : start + BLOCK_LINES])
        inflate = zlib.decompressobj(31)
        tampered_if(
            inflate.decompress(data[at:], len(text) + 1) != text or not inflate.eof,
            "the index leads elsewhere than to the records that were sealed",
        )
        length = len(data) - at - len(inflate.unused_data)
        key, stamp, _ = block[0].decode().split(" ", 2)
        facts = {
            "offset": at,
            "length": length,
            "digest": f"sha256:{hashlib.sha256(data[at : at + length]).hexdigest()}",
        }
        over.append(f"{key} {stamp} {json.dumps(facts)}\n")
        at += length
    tampered_if(at != len(data), "bytes behind the index")
    tampered_if(
        archive.read("indexes/index.idx") != "".join(over).encode(),
        "indexes/index.idx does not lead to the blocks of the index",
    )
    tampered_if(len(data) > SMALL, "an index that is larger than allowed")
    return f"{len(expected)} lines lead to their records"


def pages_of(captures: list[Capture]) -> Iterator[dict[str, Any]]:
    """The pages that can be opened in a replay: the HTML that a capture received, each link once."""
    seen: dict[str, None] = {}
    for capture in captures:
        posts: dict[Any, dict[str, Any]] = {}
        for post in capture.posts:
            posts.setdefault(post.get("record"), post)
        for line in capture.records:
            html = str(line.get("content_type") or "").startswith("text/html")
            if line["type"] == "response" and html and line.get("status") == 200 and line["uri"] not in seen:
                seen[line["uri"]] = None
                post = posts.get(line["id"], {})
                words = " ".join(str(post.get("title") or post.get("text") or "").split())
                yield {"id": str(len(seen)), "url": line["uri"], "ts": line["date"], "title": words[:80] or line["uri"]}


# ---- 14. Packages of version 1: what they had otherwise. Tables and report rested on the signer's word there, but for what is here. 

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


# ---- 15. The check: one package, from the outside to the inside. -----------------------------------------------------

RELEASED: dict[str, str] = {
    "full START-HERE.html": "23d290ea94d9c52e704d834950b07cdd83349eb8556e34ebff0a35775864c850",
    "full README.txt": "6447ba143546ed4e635993aa73e655baaaaa4c66556ddd68df76bbc46b9265f2",
    "partner START-HERE.html": "3056402a87da9f8f694d0cdae6b2846492388eb4b581264e1c7a253c1512ed33",
    "partner README.txt": "e03841e0693b85b24c63f85ca5c9095eb3a8d47071dcb44b6cbf45d4386cc067",
    "public START-HERE.html": "3056402a87da9f8f694d0cdae6b2846492388eb4b581264e1c7a253c1512ed33",
    "public README.txt": "2c290f6d684e338ab098c7ed94ede9cdb4180cc0a270ba6bfefaa69912f6b5f3",
    "bagit-profile.json": "e4f135eee9d43b8290e99b7e6a079f628643e0ab440f6186270a095c64e90bc1",
}
"""{file: SHA-256} of what every package of this release holds unchanged. The build step fills it."""
STAMP = r"proofs/timestamps/(0|[1-9][0-9]*)/"
PROOFS = (
    r"proofs/(vkey\.txt|checkpoint\.txt|leaves\.bin)|proofs/handovers/[0-9]{3,}\.note|proofs/roots/[0-9a-f]{64}\.pem|"
    + STAMP + r"(checkpoint\.txt|opentimestamps\.ots|[A-Za-z0-9_][A-Za-z0-9._-]*\.(tsq|tsr|pem|root))"
)  # fmt: skip
ITEMS = r"proofs/items/(0|[1-9][0-9]*)\.tlog-proof"
DOCUMENTS = r"START-HERE\.html|README\.txt|check\.py|bagit-profile\.json"
WORDED = r"data/report\.(html|pdf)|data/tables\.xlsx|data/view/([A-Za-z0-9_-]+/)?[A-Za-z0-9_-]+\.(html|css|jpg|png)"
PLACES = {
    "full": rf"{ITEMS}|data/archive\.wacz|data/events/(0|[1-9][0-9]*)\.json|data/captures/[^/]+/[^/]+",
    "partner": rf"{ITEMS}|data/screens/[0-9]{{4,}}\.png",
    "public": r"(?!)",
}


class Check:
    """One package, looked through from the outside to the inside. Each method is one line of the result."""

    def __init__(
        self, folder: str, fingerprint: str | None, older: bytes | None, on: float, today: float, roots: list[str]
    ) -> None:
        self.folder, self.fingerprint, self.older, self.roots = folder, fingerprint, older, roots
        self.on, self.today = on, today
        self.report = Report()
        self.names: set[str] = set()
        self.package: dict[str, Any] = {}
        self.leaves: dict[int, dict[str, Any]] = {}
        self.times: dict[int, tuple[int, str]] = {}
        self.stamps = Counted()
        self.captures: list[Capture] = []
        self.junk: list[str] = []
        self.bare: list[str] = []
        self.profile: str | None = None

    def run(self) -> None:
        report, folder = self.report, self.folder
        if not report.check("files", self.find_files):
            return
        report.check("files", check_left_behind, report, self.junk, self.bare)
        if not report.check("format", self.find_format):
            return
        kinds = ("sha256", "sha512") if self.v1 else ("sha256",)
        if not report.check("bag", check_bag, folder, self.names, kinds):
            return  # nothing in it is what was signed: no line below would mean anything
        if not (report.check("places", self.find_places) and report.check("key", self.find_key)):
            return
        if not report.check("signature", self.check_signature):
            return
        self.signed_by = report.check("signer", self.check_signer)
        if not (report.check("ledger", self.find_ledger) and report.check("selection", self.find_items)):
            return
        if self.older is not None:
            report.check("history", self.continues)
        report.check("timestamps", self.find_stamps)
        report.check("time", self.tell_time)
        if self.handovers:
            report.check("retired key", self.check_retired)
        full = self.profile == "full"
        whole = report.check("captures", self.find_captures) if full else True
        report.check("clock", self.tell_clock)
        if whole and (
            not full or (report.check("WACZ", self.find_archive) and report.check("records", self.find_records))
        ):
            if full:
                self.check_archive()
            self.check_tables()
        report.check("routes", self.tell_routes)
        self.tell_words()

    # -- what it is ------------------------------------------------------------------------------------------

    def find_files(self) -> None:
        self.names, self.junk, self.bare = names_in(self.folder)

    def find_format(self) -> None:
        """Which rules it is checked by. Everything else of package.json is read after the bag is known to be whole."""
        cannot_tell_if(
            line_ends_changed(self.folder),
            "line ends were changed on the way (by mail, FTP or git): copy the package again as binary files",
        )
        try:
            said = json.loads(read_small(self.folder, "data/package.json").decode("utf-8"), parse_int=number)["format"]
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise Tampered(f"data/package.json is not that of a package: {error}"[:120]) from error
        release = re.fullmatch("archiver-package/([1-9][0-9]{0,5})", str(said))
        tampered_if(not release, f"data/package.json is not that of a package: {said!r}"[:120])
        assert release
        later = int(release[1]) > int(FORMAT.rpartition("/")[2])
        cannot_tell_if(later, f"made by a later version ({said}): take the check.py of the release that made it")
        self.v1 = said == V1

    def find_places(self) -> None:
        """Nothing lies in it but what an exporter writes."""
        self.package = canonical(read_small(self.folder, "data/package.json"))
        tampered_if(not isinstance(self.package, dict), "data/package.json is not that of a package")
        said = self.package.get("profile")
        tampered_if(str(said) not in PLACES, f"data/package.json names no profile: {said!r}"[:120])
        self.profile = str(said)
        if self.v1:
            held = sorted(name for name in self.names if re.match(r"data/(captures|events)/|data/archive\.wacz", name))
            tampered_if(
                held and self.profile != "full", f"{first(held)} has no place in a package of profile {self.profile}"
            )
            tampered_if(self.profile == "full" and not self.package["captures"], "a package without captures")
            return
        check_form(self.package, self.profile == "public")
        tables = "|".join(re.escape(str(one["name"])) for one in self.package["tables"])
        ending = "(mp4|png|m4a)" if self.profile == "public" else f"({ENDINGS})"
        allowed = (
            rf"{DOCUMENTS}|bagit\.txt|bag-info\.txt|(tag)?manifest-sha256\.txt|signature/tagmanifest-sha256\.txt\.note|{PROOFS}|"
            rf"{WORDED}|data/package\.json|data/tables/({tables})\.(jsonl|csv)|data/media/I[0-9]{{4,}}-[0-9]+(-[0-9]+)?\.{ending}|{PLACES[str(self.profile)]}"
        )
        strange = sorted(name for name in self.names if not re.fullmatch(allowed, name))
        tampered_if(strange, f"{first(strange)} has no place in a package of profile {self.profile}")
        tampered_if(
            read_small(self.folder, "bag-info.txt") != bag_info(self.folder, self.names, self.package),
            "bag-info.txt says something else than data/package.json",
        )

    def find_key(self) -> None:
        self.keys = handed_over(
            self.folder, self.names, read_small(self.folder, "proofs/vkey.txt").decode("ascii").strip()
        )

    def check_signature(self) -> str:
        kind = "sha512" if self.v1 else "sha256"
        note = read_small(self.folder, f"signature/tagmanifest-{kind}.txt.note")
        digest = digest_of(read_small(self.folder, f"tagmanifest-{kind}.txt"), kind)
        wanted = f"{V1 if self.v1 else FORMAT}\n{kind} {digest}\n"
        tampered_if(note_text(note, self.keys[0]) != wanted, "the signature belongs to another package")
        for name in strangers(note, self.keys[:1]):
            said = f"a line by {name}, a key that nothing here vouches for: it says nothing"
            self.report.say("note", "signature", said)
        return "the key signed the list of all files"

    handovers = 0

    def check_signer(self) -> str:
        """The one thing that the package cannot prove by itself: whose key it is."""
        own = fingerprint_of(self.keys[0])
        if not self.fingerprint:
            raise CannotTell(
                f"signer unconfirmed. Compare through another channel: {own}, in words: {' '.join(in_words(own))}"
            )
        try:
            self.handovers = signer_of(self.keys, given_fingerprint(self.fingerprint))
        except Tampered as error:
            raise Tampered(
                f"{error}: {own}, in words: {' '.join(in_words(own))}. One wrong letter names another key: "
                "look at what you typed"
            ) from error
        return "the key that you named" + (" handed over to the one that signed" if self.handovers else " signed")

    # -- the ledger and time -----------------------------------------------------------------------------------

    def find_ledger(self) -> str:
        self.ledger = Ledger(self.folder, self.keys)
        about = (self.package["checkpoint"]["size"], self.package["checkpoint"]["root"], self.package["key"])
        tampered_if(
            about != (self.ledger.size, self.ledger.root.hex(), self.keys[0]), "data/package.json names another ledger"
        )
        tampered_if(not self.ledger.size, "a ledger without events")
        return f"{self.ledger.size} events under a signed checkpoint"

    def find_items(self) -> str:
        if self.profile == "public" and not self.v1:
            count, rest = self.package["captures"], self.package["not_in_package"]
            tampered_if(
                type(count) is not int or type(rest) is not int or count < 1 or rest < 0, "a package without captures"
            )
            return f"{count} of {count + rest} captures of this case, as the signer says: which they are is not shown"
        self.leaves = check_items(self.folder, self.names, self.ledger, self.package, canonical)
        count, rest = len(self.package["captures"]), len(self.package["not_in_package"])
        tampered_if(not count, "a package without captures")
        told = f"; {rest} are shown only as commitments" if rest else ""
        return f"{count} of the {count + rest} captures of this case that the signer lists{told}; the ledger holds {self.ledger.size} events"

    def continues(self) -> str:
        size, root, _ = given_checkpoint(self.older or b"", self.keys)
        self.ledger.holds(size, root, "the checkpoint that you named", CannotTell)
        return f"continues the checkpoint of {size} events that you named"

    def event(self, seq: int) -> dict[str, Any]:
        tampered_if(seq not in self.leaves, f"event {seq} has no proof in the package")
        return check_event(self.folder, seq, json.dumps(self.leaves[seq]))

    def find_stamps(self) -> None:
        about = Stamped(self.folder, self.names, self.ledger, self.leaves, self.on, self.today, self.roots)
        check_stamps(about, self.report, self.event, self.times, self.stamps)
        none = self.roots and not self.stamps.named and not self.stamps.unchecked
        cannot_tell_if(none, "no stamp leads to a root that you named")

    def tell_time(self) -> None:
        if self.times and not self.roots:
            self.report.add("time by roots that came with the package")
        if self.profile == "public" and not self.v1:
            first = min(self.times.values(), default=None)
            text = (
                f"the ledger that it was made from existed at {iso(first[0])}; which captures that covers is not shown"
                if first
                else ""
            )
            seqs: list[int] = []
            covered = [0] if first else []
        else:
            seqs = [item["event"] for item in self.package["captures"]]
            covered = [seq for seq in seqs if any(size > seq for size in self.times)]
            text = f"{len(covered)} of {len(seqs)} captures are covered by a stamp" + (
                " under a root that you named"
                if self.roots
                else ", under roots that came with the package: give --root"
            )
        if not covered:
            text = self.not_stamped()
        elif len(covered) < len(seqs):
            lacking = f"{len(seqs) - len(covered)} of {len(seqs)} captures"
            self.report.add(f"{lacking} {'perhaps ' if self.stamps.unchecked else ''}NOT TIMESTAMPED")
        sure = covered and len(covered) >= len(seqs) and self.roots
        self.report.say("intact" if sure else "note", "time", text)

    def not_stamped(self) -> str:
        """Says why no time is shown, in the verdict too: what could not be checked is not said to be absent."""
        stamps = self.stamps
        if stamps.unchecked:
            self.report.add("its timestamps were NOT CHECKED")
            return "its timestamps were NOT CHECKED, so nothing is known here of any time: see the lines above"
        if stamps.held and not self.times:
            plain = "NOT TIMESTAMPED " + ("under a root that you named" if self.roots else "by any stamp that counts")
            self.report.add(plain)
            return f"{plain}: see the lines above"
        self.report.add("NOT TIMESTAMPED")
        if self.times:
            return "NOT TIMESTAMPED: its stamps are older than each of its captures"
        calendars = "; its OpenTimestamps proofs are not followed here" if stamps.calendars else ""
        return f"NOT TIMESTAMPED: no authority vouches for any time{calendars}"

    def check_retired(self) -> str:
        seq = handover_seen(self.handovers, self.leaves, self.times, self.stamps.unchecked)
        seconds = min(when for size, (when, _) in self.times.items() if size > seq)
        self.report.add(f"by way of a hand-over of keys that an outsider had seen by {iso(seconds)[:10]}")
        return f"its hand-over is event {seq}, and was there at {iso(seconds)}"

    def tell_clock(self) -> None:
        """Events are dated one after the other, unless a clock was set back between them."""
        times = [
            (seq, calendar.timegm(time.strptime(self.leaves[seq]["time"][:19], "%Y-%m-%dT%H:%M:%S")))
            for seq in sorted(self.leaves)
        ]
        back = [(a, b, one - two) for (a, one), (b, two) in zip(times, times[1:]) if one - two > 60]
        if back:
            self.report.say(
                "note",
                "clock",
                f"event {back[0][1]} is dated {back[0][2]} s before event {back[0][0]}: a clock was wrong before or set back",
            )
        for capture in self.captures:
            servers = capture.manifest["clock"].get("servers")
            if servers and abs(servers["median_ms"]) > 60000:
                self.report.say(
                    "note",
                    "clock",
                    f"{capture.id}: {servers['answers']} answers of servers put the time {servers['median_ms'] / 1000:+.0f} s from ours",
                )

    # -- what was sealed ---------------------------------------------------------------------------------------

    def find_captures(self) -> str:
        self.captures = [
            Capture(self.folder, self.names, item, self.event(item["event"])) for item in self.package["captures"]
        ]
        wanted = {f"data/captures/{capture.id}/" for capture in self.captures}
        tampered_if(len(wanted) != len(self.captures), "a capture that appears twice")
        self.events: dict[int, dict[str, Any]] = {}
        for name in sorted(self.names):
            stray = name.startswith("data/captures/") and name[: name.index("/", 14) + 1] not in wanted
            tampered_if(stray, f"{name} belongs to no capture of the package")
            if name.startswith("data/events/"):
                seq = int(name[len("data/events/") : -len(".json")])
                self.events[seq] = self.event(seq)
        told = f"{len(self.events)} events, each signed by the key that it names"
        return f"{len(self.captures)} captures as they were sealed: events, manifests, lines, inventories; {told}"

    def find_archive(self) -> str:
        self.archive = Zip(os.path.join(self.folder, "data", "archive.wacz"))
        return (check_wacz_list_v1 if self.v1 else check_wacz_list)(self.archive, self.captures)

    def find_records(self) -> str:
        text, self.members = check_records(self.archive, self.captures)
        self.assemblies, self.places = read_assemblies(self.archive, self.captures)
        return text

    def check_archive(self) -> None:
        report = self.report
        if self.v1:
            report.check("index", check_index_v1, self.archive, self.captures)
        else:
            report.check("index", check_index, self.archive, self.captures, self.members)
            report.check("description", check_description, self.archive, self.captures, self.package)
        report.check("assemblies", check_assemblies, self.archive, self.assemblies, self.places)

    def check_tables(self) -> None:
        report, full = self.report, self.profile == "full"
        if self.v1:
            report.check("media", check_media_v1, self.folder, self.names, self.captures, str(self.profile))
            report.check("posts", check_posts_v1, self.folder, self.captures, full)
            return
        sealed = Sealed(self.folder, self.captures, self.assemblies, self.places, self.events) if full else None
        report.check("tables", check_tables, self.folder, self.package, self.names, sealed)
        report.check("media", check_files, self.folder, self.names, manifest(self.folder, "manifest-sha256.txt"))
        if self.profile == "public":
            report.check("metadata", check_plain, self.folder, self.names)

    # -- what the verdict has to add ---------------------------------------------------------------------------

    def tell_routes(self) -> None:
        routes = [capture.manifest["test_routes"] for capture in self.captures]
        said = self.package.get("test_routes")
        tampered_if(
            type(said) is not bool or (routes and said != any(routes)),
            "data/package.json hides, or claims, that it was made with test routes",
        )
        if said:
            self.report.add("NOT EVIDENCE")
            self.report.say("note", "routes", "NOT EVIDENCE: made with test routes, as the demo and the tests do")

    def tell_words(self) -> None:
        """Names what is not held against anything: people read it, and it says what the signer wanted it to say."""
        if self.v1:
            self.report.add("made by the rules of version 1, which hold less")
            self.report.say(
                "note",
                "signer's words",
                "everything in data/ that people read, but for posts.json and media: not held against the recordings",
            )
            return
        self.report.check("documents", self.tell_documents)
        found = sorted(name for name in self.names if re.fullmatch(WORDED, name))
        view = [name for name in found if name.startswith("data/view/")]
        others = [name for name in found if name not in view]
        if self.profile != "full":
            others = ["all of data/: what it was made from is not in the package"]
        listed = ", ".join(
            [
                *others,
                *([f"data/view/ ({len(view)} files)"] if view and self.profile == "full" else []),
                *(["data/tables/withheld", *self.further()] if self.profile == "full" else []),
            ]
        )
        self.report.say("note", "signer's words", f"{listed}: not held against the recordings")
        if self.profile != "full":
            self.report.add("its contents rest on the signer's word")

    def further(self) -> list[str]:
        """What package.json says beside what is known here: a later release may say more, and so may the signer."""
        package = self.package
        count = len(set(package) - KEYS) + len(set(package["checkpoint"]) - {"root", "size"})
        count += sum(bool(set(item) - {"event", "id"}) for item in package["captures"])
        return [f"data/package.json ({count} things that this check does not know)"] if count else []

    def tell_documents(self) -> None:
        for name in ("START-HERE.html", "README.txt", "bagit-profile.json", "check.py"):
            if name not in self.names:
                raise Missing(f"{name} is not there")
            digest = digest_of(read_small(self.folder, name))
            known = {RELEASED.get(name), RELEASED.get(f"{self.profile} {name}")}
            if name == "check.py":
                known = {_own_digest()}
            if digest not in known:
                what = (
                    "do not run it: take it from the makers, by another channel"
                    if name == "check.py"
                    else "the signer's words"
                )
                self.report.say(
                    "note", "documents", f"{name} is not the one of this release ({digest[:16]}\u2026): {what}"
                )


def _own_digest() -> str:
    """Of the file that is running, where it is one file."""
    try:
        with open(os.path.abspath(__file__), "rb") as stream:
            return digest_of(stream.read())
    except OSError:
        return ""


def plain_root(text: str) -> str:
    """A root's fingerprint as openssl, browsers and people write it."""
    plain = re.sub(r"(?i)^.*fingerprint\s*=|^sha-?256[:=\s]+|^0x|[\s:-]", "", text.strip()).lower()
    if not re.fullmatch("[0-9a-f]{64}", plain):
        stop(
            f"{text[:80]!r} is no fingerprint of a root certificate: 64 hex digits (openssl x509 -noout -fingerprint -sha256)"
        )
    return plain


def day(text: str) -> float:
    try:
        return calendar.timegm(time.strptime(text, "%Y-%m-%d"))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no day like 2046-01-31") from error


def main() -> int:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a file name of any script must not end the check
    parser = argparse.ArgumentParser(description=ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter)
    today = time.time()
    parser.error = stop  # type: ignore[assignment,method-assign]  # 2 would say that something is missing
    parser.add_argument("folder", nargs="?", help="the folder of the package, unpacked (default: the one of this file)")
    parser.add_argument(
        "--fingerprint", help="fingerprint of the key, as you were given it: 64 hex digits, or 8 words in quotes"
    )
    parser.add_argument("--checkpoint", metavar="FILE", help="a checkpoint that you were given earlier")
    parser.add_argument(
        "--root",
        action="append",
        default=[],
        metavar="SHA256",
        help="count only stamps under this root certificate; repeatable",
    )
    parser.add_argument(
        "--on",
        metavar="DAY",
        type=day,
        default=today,
        help="check as of this day, like 2046-01-31: certificates may have expired by then",
    )
    arguments = parser.parse_args()
    older = None
    if arguments.checkpoint:
        try:
            with open(arguments.checkpoint, "rb") as given:
                older = given.read(1 << 20)
        except OSError as error:
            stop(f"the checkpoint {arguments.checkpoint} cannot be read: {error.strerror}")
    if not arguments.folder:
        arguments.folder = os.path.dirname(os.path.abspath(__file__))
        if not os.path.lexists(os.path.join(arguments.folder, "bagit.txt")):
            stop("name the folder of the package, unpacked: python3 -I check.py FOLDER --fingerprint …")
    if not os.path.isdir(arguments.folder):
        stop(f"{arguments.folder} is no folder: unpack the package first, and name its folder")
    arguments.folder, volumes = package_or_volumes(arguments.folder)
    if volumes:
        return tell_volumes(arguments.folder)
    FOLDERS[:] = [arguments.folder]
    roots = [plain_root(root) for root in arguments.root]
    one = Check(arguments.folder, arguments.fingerprint, older, arguments.on, today, roots)
    one.run()
    code = one.report.exit_code()
    print("\n" + shown(verdict(code, one.profile, one.report.plain)))
    return code


ABOUT = __doc__


if __name__ == "__main__":
    sys.exit(main())
