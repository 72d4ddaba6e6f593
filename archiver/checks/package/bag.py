"""The bag: which files there are, and whether each is what the manifests list (BagIt, RFC 8493)."""

from __future__ import annotations

import stat
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from archiver.checks.package.files import NAME, READ, Absent, PackageFiles
from archiver.checks.package.signer import SIGNATURE
from archiver.checks.proofs import Bad
from storage.digest import Digests

UNLISTED = {SIGNATURE, "tagmanifest-sha256.txt", "tagmanifest-sha512.txt"}


def names(files: PackageFiles) -> str:
    """Note the name of every file; return an empty text. Raises `Bad` for links and for names that no package has."""
    for path in files.folder.rglob("*"):
        name = path.relative_to(files.folder).as_posix()
        mode = path.lstat().st_mode
        if stat.S_ISREG(mode):
            files.names.add(name)
        elif not stat.S_ISDIR(mode):
            raise Bad(f"{name} is a link or a special file")
    if odd := [name for name in files.names if not NAME.fullmatch(name)]:
        raise Bad(f"an invalid file name: {odd[0]}")
    if doubled := [name for name, count in Counter(name.lower() for name in files.names).items() if count > 1]:
        raise Bad(f"two names that differ only in case: {doubled[0]}")
    return ""


def bag(files: PackageFiles) -> str:
    """Compare every file with the manifests, and the manifests with the files."""
    if files.read("bagit.txt") != b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n":
        raise Bad("bagit.txt is not that of an archiver package")
    absent: set[str] = set()
    stated: dict[str, dict[str, str]] = {}
    for kind, width in (("sha256", 64), ("sha512", 128)):
        payload = files.manifest(f"manifest-{kind}.txt", width)
        tags = files.manifest(f"tagmanifest-{kind}.txt", width)
        if any(not name.startswith("data/") for name in payload) or any(
            name.startswith("data/") or name in UNLISTED for name in tags
        ):
            raise Bad(f"a {kind} manifest lists a file that belongs in the other")
        listed = payload | tags
        if extra := sorted(files.names - set(listed) - UNLISTED):
            raise Bad(f"{extra[0]} is listed in no {kind} manifest")
        absent |= set(listed) - files.names
        for name, digest in listed.items():
            stated.setdefault(name, {})[kind] = digest
    present = sorted(files.names & set(stated))
    with ThreadPoolExecutor() as several:
        for name, changed in zip(
            present, several.map(lambda name: _changed(files, name, stated[name]), present), strict=True
        ):
            if changed:
                raise Bad(f"{name} does not match its {changed}")
    size = sum((files.folder / name).stat().st_size for name in present if name.startswith("data/"))
    if absent:
        raise Absent(f"{len(absent)} files are not there, first: {sorted(absent)[0]}")
    count = sum(name.startswith("data/") for name in files.names)
    if f"Payload-Oxum: {size}.{count}" not in files.read("bag-info.txt").decode().splitlines():
        raise Bad("bag-info.txt states another size")
    return f"{len(files.names)} files, {size:,} bytes of payload, each as it is listed"


def _changed(files: PackageFiles, name: str, stated: dict[str, str]) -> str | None:
    """Tell which digest a file does not have. SHA-512 of the payload is left to `bagit.py`: the signature names its SHA-256."""
    payload = name.startswith("data/")
    if payload and not files.bodies:
        return None
    running = Digests(*(("sha256",) if payload else ("sha256", "sha512")))
    with open(files.folder / name, "rb", buffering=0) as stream:
        while data := stream.read(READ):
            running.update(data)
    return next((kind for kind, digest in running.hexdigests().items() if stated.get(kind) != digest), None)
