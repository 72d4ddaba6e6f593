"""The bag: every file is listed, every listed file is there, every digest is true (RFC 8493)."""

from __future__ import annotations

import concurrent.futures
import hashlib
import os
import re
import stat
from typing import NoReturn

from .words import DEEP, NAME, READ, SMALL, CannotTell, Report, cannot_tell_if, first, missing_if, most_of, tampered_if

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
