"""The bag: which files there are, by which rules, and whether each is what the manifests list (BagIt, RFC 8493)."""

from __future__ import annotations

import json
import os
import re
import stat
from collections import Counter
from collections.abc import Set
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from archiver.checks.package.files import NAME, READ, SMALL, Absent, PackageFiles, Unknown
from archiver.checks.proofs import Bad
from storage.digest import Digests

BAGIT = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
LATEST = 2
"""The newest rules for packages that are known here."""
DEEPEST = 16
"""Folders inside each other; a package has four."""
WIDTHS = {"sha256": 64, "sha512": 128}
_LEFT_BEHIND = frozenset((
    ".ds_store", ".spotlight-v100", ".trashes", ".fseventsd", ".temporaryitems", ".apdisk", "__macosx", ".localized", "icon\r",
    ".volumeicon.icns", ".documentrevisions-v100", ".appledouble", ".appledb", ".appledesktop", "thumbs.db", "ehthumbs.db",
    "desktop.ini", "$recycle.bin", "recycler", "system volume information", ".directory",  ".trash", "lost+found",
    ".thumbnails", "@eadir", ".@__thumb", ".@__qini", "#recycle", ".~tmp~", ".rsync-partial", ".stversions", ".stignore",
    ".dropbox", ".dropbox.attr", ".dropbox.cache", ".owncloudsync.log",
))  # fmt: skip
_LEFT_LIKE = re.compile(
    r"""(?isx: \._.* | \.com\.apple\..* | found\.[0-9]{3} | .*:(zone\.identifier | com\.dropbox\..*) | \.trash-[0-9]+
        | \.fuse_hidden[0-9a-f]+ | \.nfs[0-9a-f]+ | \.goutputstream-\w+ | ~\$.* | \.~lock\..*\#
        | \.[a-z0-9_][a-z0-9._-]*\.[a-z0-9]{6} | \.stfolder.* | [.~]syncthing[.~].* | \.sync_[0-9a-f]+\.db.* )""",
    re.ASCII,
)
"""Names that differ from case to case: of streams, locks, and files that were being copied."""
RENAMED = "names were changed on the way. Copy or unpack the package again, with a program and a disk that keep names as they are"


def kinds(files: PackageFiles) -> tuple[str, ...]:
    """Return the digests that its manifests state; the last one is that which the signature names."""
    return ("sha256", "sha512") if files.version == 1 else ("sha256",)


def is_left_behind(name: str) -> bool:
    """Return whether a system, a file manager, a copying or an office program writes files or folders of this name by itself."""
    return name.lower() in _LEFT_BEHIND or _LEFT_LIKE.fullmatch(name) is not None


def renamed_mark(folder: Path) -> str | None:
    """Return what a folder has in place of `bagit.txt`, the same name in other letters; None where it has that, or neither."""
    found = sorted(entry.name for entry in os.scandir(folder) if entry.name.lower().removesuffix(";1") == "bagit.txt")
    return found[0] if found and "bagit.txt" not in found else None


def names(files: PackageFiles) -> str:
    """Note the name of every file; return an empty text. Raises `Bad` for links and for names that no package has."""
    waiting = [files.folder]
    while waiting:
        folder = waiting.pop()
        inside = 0
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
            name = Path(entry.path).relative_to(files.folder).as_posix()
            if name.count("/") > DEEPEST:
                raise Bad(f"{name[:80]}… has more folders inside each other than any package has")
            mode = entry.stat(follow_symlinks=False).st_mode
            if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
                raise Bad(f"{name} is a link or a special file")
            inside += 1
            if is_left_behind(entry.name):
                files.left.append(name)
            elif stat.S_ISDIR(mode):
                waiting.append(Path(entry.path))
            else:
                files.names.add(name)
        if not inside and folder != files.folder:
            files.bare.append(folder.relative_to(files.folder).as_posix())
    if called := renamed_mark(files.folder):
        raise Unknown(f"{called} for bagit.txt: {RENAMED}")
    if odd := sorted(name for name in files.names if not NAME.fullmatch(name)):
        raise Bad(f"an invalid file name: {odd[0]}")
    if doubled := [name for name, count in Counter(name.lower() for name in files.names).items() if count > 1]:
        raise Bad(f"two names that differ only in case: {doubled[0]}")
    return ""


def left_behind(files: PackageFiles) -> str:
    """Say which files an operating system left, and which folders hold nothing. Raises `Unknown`.

    Neither is the makers' doing, so the check goes on with the rest.
    """
    left = sorted(files.left)
    if len(left) > 1:
        more = f"{left[0]} and {len(left) - 1} more were written by an operating system or another program"
        raise Unknown(f"{more}: remove them and check again")
    if left:
        raise Unknown(f"{left[0]} was written by an operating system or another program: remove it and check again")
    for name in sorted(files.bare):
        files.note("files", f"an empty folder that no list knows: {name}")
    return ""


def version(files: PackageFiles) -> str:
    """Read by which rules it was made, before anything else of it is read; return an empty text."""
    if (files.folder / "bagit.txt").is_file() and files.read("bagit.txt") == BAGIT.replace(b"\n", b"\r\n"):
        raise Unknown("line ends were changed on the way (by mail, FTP or git): copy the package again as binary files")
    try:
        said = json.loads(files.read("data/package.json").decode())["format"]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise Bad(f"data/package.json is not that of a package: {error}"[:120]) from error
    match = re.fullmatch(r"archiver-package/([1-9][0-9]{0,5})", str(said))
    if match is None:
        raise Bad(f"data/package.json is not that of a package: {said!r}"[:120])
    files.version = int(match[1])
    if files.version > LATEST:
        raise Unknown(f"made by a later version ({said}): take the check.py of the release that made it")
    return ""


def bag(files: PackageFiles) -> str:
    """Compare every file with the manifests, and the manifests with the files."""
    if files.read("bagit.txt") != BAGIT:
        raise Bad("bagit.txt is not that of an archiver package")
    if "fetch.txt" in files.names:
        raise Bad("fetch.txt: a package never fetches anything")
    algorithms = kinds(files)
    unlisted = {f"signature/tagmanifest-{algorithms[-1]}.txt.note"} | {f"tagmanifest-{kind}.txt" for kind in algorithms}
    stated: dict[str, dict[str, str]] = {}
    for kind in algorithms:
        listed = _listed(files, kind, unlisted)
        if extra := sorted(files.names - listed.keys() - unlisted):
            _refuse_renamed(extra, listed.keys() - files.names)
            raise Bad(f"{extra[0]} is listed in no {kind} manifest")
        for name, digest in listed.items():
            stated.setdefault(name, {})[kind] = digest
    empty = _compare(files, stated)
    if absent := sorted(stated.keys() - files.names):
        raise Absent(f"{len(absent)} files are not there, first: {absent[0]}. Ask for the package again")
    if empty:
        raise Absent(f"{empty[0]} is empty, or holds zeros only: it was not copied whole. Copy the package again")
    return f"{len(files.names)} files, each listed and with the digest that is listed"


def _refuse_renamed(extra: list[str], absent: Set[str]) -> None:
    """Raise `Unknown` where every name that is in no list is one that is not there, in other letters of upper or lower case."""
    meant = {name.lower(): name for name in absent}
    if all(name.lower() in meant for name in extra):
        raise Unknown(f"{extra[0]} for {meant[extra[0].lower()]}: {RENAMED}")


def _listed(files: PackageFiles, kind: str, unlisted: set[str]) -> dict[str, str]:
    """Return what the two manifests of a kind list: path → digest."""
    payload = files.manifest(f"manifest-{kind}.txt", WIDTHS[kind])
    tags = files.manifest(f"tagmanifest-{kind}.txt", WIDTHS[kind])
    for name in payload:
        if not name.startswith("data/"):
            raise Bad(f"manifest-{kind}.txt lists {name}, which is no payload")
    for name in tags:
        if name.startswith("data/") or name in unlisted:
            raise Bad(f"tagmanifest-{kind}.txt lists {name}")
    return payload | tags


def _compare(files: PackageFiles, stated: dict[str, dict[str, str]]) -> list[str]:
    """Return which files hold nothing, though they should. Raises `Bad` where one is not what is stated.

    Raises `Unknown` where it is all the same but for its line ends.
    """
    present = sorted(files.names & stated.keys())
    if not files.bodies:
        present = [name for name in present if not name.startswith("data/")]
    with ThreadPoolExecutor() as several:
        found = several.map(lambda name: _digests(files.folder / name, stated[name]), present)
        changed = [(name, kind) for name, kind in zip(present, found, strict=True) if kind is not None]
    empty = [name for name, _ in changed if _holds_nothing(files.folder / name)]
    changed = [(name, kind) for name, kind in changed if name not in empty]
    for name, kind in changed:
        if not _only_line_ends(files, name, kind, stated[name][kind]):
            raise Bad(f"{name} is not what manifest-{kind}.txt says")
    if changed:
        raise Unknown(
            f"line ends were changed on the way, in {changed[0][0]} and perhaps in others: copy the package again as binary files"
        )
    return empty


def _holds_nothing(path: Path) -> bool:
    """Return whether a file is empty or only zeros, as one is that was not copied to its end, or that a disk lost."""
    with open(path, "rb", buffering=0) as stream:
        return not any(data.strip(b"\0") for data in iter(lambda: stream.read(READ), b""))


def _digests(path: Path, stated: dict[str, str]) -> str | None:
    """Return by which algorithm a file has another digest than is stated; None where it has none."""
    running = Digests(*stated)
    with open(path, "rb", buffering=0) as stream:
        while data := stream.read(READ):
            running.update(data)
    return next((kind for kind, digest in running.hexdigests().items() if stated[kind] != digest), None)


def _only_line_ends(files: PackageFiles, name: str, kind: str, stated: str) -> bool:
    """Return whether a file is the one that was listed, with CR LF for LF, as some programs change texts on the way."""
    if files.size(name) > SMALL:
        return False
    running = Digests(kind)
    running.update(files.read(name).replace(b"\r\n", b"\n"))
    return running.hexdigests()[kind] == stated
