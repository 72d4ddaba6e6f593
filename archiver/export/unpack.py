"""Opening an encrypted or packed package for a check: into a folder that is removed again. Nothing in it is trusted."""

from __future__ import annotations

import re
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pyrage

from archiver.checks.package import is_ours
from archiver.checks.package.bag import is_left_behind
from archiver.checks.packages import unpackable
from archiver.checks.trees import DAMAGED, Zip
from archiver.errors import CannotTell
from storage.errors import FormatError, disk_error

READ = 1 << 20
_PART = re.compile(r"\w[\w.-]*", re.ASCII)


class Cut(FormatError):
    """The file ends too early, or was changed on the way: age does not tell which."""


class Altered(FormatError):
    """The file holds what nobody packs with a package: something beside its folder, a link, a name twice."""


def holds_package(path: Path) -> bool:
    """Return whether a ZIP file holds a package of ours. Raises `OSError`."""
    if not zipfile.is_zipfile(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            tops = {"", *(f"{name.partition('/')[0]}/" for name in archive.namelist() if "/" in name)}
            return any(is_ours(Zip(archive, top)) for top in sorted(tops)[:64])
    except DAMAGED:
        return False


@contextmanager
def opened(path: Path, identities: list[pyrage.x25519.Identity], beside: Path | None) -> Iterator[Path]:
    """Open a package as a folder, decrypted and unpacked where need be.

    `beside`: where the temporary folder lies. Raises `CannotTell`, `Cut`, `Altered`, `DiskError`.
    """
    if path.is_dir():
        yield path
        return
    try:
        with tempfile.TemporaryDirectory(prefix="check-", dir=beside) as folder:
            into = Path(folder) / "package"
            into.mkdir()
            if path.name.endswith(".age"):
                plain = Path(folder) / "package.tar"
                _decrypt(path, plain, identities)
                path = plain
            with open(path, "rb") as stream:
                if zipfile.is_zipfile(stream) and not path.name.endswith(".tar"):
                    _unzip(stream, into)
                else:
                    stream.seek(0)
                    _untar(stream, into)
            yield _package_in(into)
    except OSError as error:
        raise disk_error(error, f"opening {path.name}") from error


def _decrypt(path: Path, plain: Path, identities: list[pyrage.x25519.Identity]) -> None:
    if not identities:
        raise CannotTell("a key that opens the package", "none", "Name it: --identity FILE (an age identity).")
    try:
        with open(path, "rb") as sealed, open(plain, "wb") as out:
            pyrage.decrypt_io(sealed, out, identities)
    except pyrage.DecryptError as error:
        if "No matching keys" in str(error):
            step = "Name the key that it was encrypted to: --identity FILE. If you have none, ask the makers to whom they encrypted it."
            raise CannotTell("a key that opens the package", "only keys to which it was not encrypted", step) from error
        raise Cut("a whole age file", str(error), "Ask for the package again.") from error
    except OSError as error:
        if "decryption" in str(error):
            raise Cut("a whole age file", "one that was cut or changed", "Ask for the package again.") from error
        raise


def _package_in(into: Path) -> Path:
    """Return the folder of the package: the only thing that was packed. Raises `Cut`, `Altered`."""
    if (into / "bagit.txt").is_file():
        return into  # packed without its folder: everything is inside the package, and is checked with it
    found = sorted(into.iterdir())
    folders = [one for one in found if one.is_dir() and not is_left_behind(one.name)]
    strange = [one.name for one in found if one not in folders and not is_left_behind(one.name)]
    if strange or len(folders) > 1:
        named = [*strange, *(one.name for one in folders)]
        raise Altered("nothing but the folder of the package", f"{named[0]!r} beside it"[:120], _AGAIN)
    if not folders:
        raise Cut("the folder of a package", "none", "Ask for the package again.")
    for one in found:  # what macOS packs beside a folder is told like what it leaves inside
        if one not in folders:
            one.rename(folders[0] / one.name) if not (folders[0] / one.name).exists() else None
    return folders[0]


_AGAIN = "Do not use it; ask for it again."


def _untar(stream: IO[bytes], into: Path) -> None:
    """Unpack files with plain names, and the folders that hold them: a tar can hold links, and names that leave the folder."""
    try:
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for entry in archive:
                if not entry.isreg() and not entry.isdir():
                    raise Altered(
                        "plain files in the package", f"{entry.name[:80]!r}, a link or a special file", _AGAIN
                    )
                source = archive.extractfile(entry) if entry.isreg() else None
                _put(into, entry.name, source)
    except (tarfile.TarError, EOFError) as error:
        raise Cut("a whole tar", str(error), "Ask for the package again.") from error


def _unzip(stream: IO[bytes], into: Path) -> None:
    """Unpack a ZIP in the same way; one that would fill the disk is not opened."""
    try:
        with zipfile.ZipFile(stream) as archive:
            if reason := unpackable(archive):
                raise CannotTell("a ZIP that can be unpacked", reason, "Unpack it yourself, and name the folder.")
            for entry in archive.infolist():
                kind = stat.S_IFMT(entry.external_attr >> 16)
                if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                    raise Altered(
                        "plain files in the package", f"{entry.filename[:80]!r}, a link or a special file", _AGAIN
                    )
                if entry.flag_bits & 1:
                    raise CannotTell("a ZIP without a password", "one with", "Unpack it yourself, and name the folder.")
                if entry.is_dir():
                    _put(into, entry.filename, None)
                else:
                    with archive.open(entry) as source:
                        _put(into, entry.filename, source)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise Cut("a whole ZIP", str(error), "Ask for the package again.") from error


def _put(into: Path, name: str, source: IO[bytes] | None) -> None:
    """Write a file, or make a folder where there is no source. Raises `Altered` for names that a package does not have."""
    parts = [part for part in name.removesuffix("/").split("/") if part != "."]
    if odd := [
        part for part in parts if not _PART.fullmatch(part) and not (part.isprintable() and is_left_behind(part))
    ]:
        raise Altered("plain names in the package", f"{odd[0][:80]!r} in {name[:80]!r}", _AGAIN)
    path = into.joinpath(*parts)
    try:
        if source is None:
            path.mkdir(parents=True, exist_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "xb") as out:
            _copy(source.read, out)
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise Altered("each name once in the package", f"{name[:80]!r} twice", _AGAIN) from error


def _copy(read: Callable[[int], bytes], out: IO[bytes]) -> None:
    while data := read(READ):
        out.write(data)
