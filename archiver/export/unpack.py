"""Opening an encrypted or packed package for a check: into a folder that is removed again. Nothing in it is trusted."""

from __future__ import annotations

import os
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, cast

import pyrage

from archiver.checks.package import is_ours
from archiver.checks.package.bag import is_left_behind
from archiver.checks.package.volumes import volumes_in
from archiver.checks.packages import unpackable
from archiver.checks.trees import DAMAGED, Folder, Zip
from archiver.errors import CannotTell
from archiver.export.encrypting import AgeEnds
from storage.errors import FormatError, disk_error

READ = 1 << 20
DEEPEST = 64
"""Folders inside each other in an archive; a package has four, and some may lie around it."""


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
            if any("\\" in name for name in archive.namelist()):
                return any(name.replace("\\", "/").endswith("/proofs/vkey.txt") for name in archive.namelist())
            marks = ("bag-info.txt", "proofs/vkey.txt", "data/package.json", "bagit-profile.json")
            ends = {name[: -len(mark)] for name in archive.namelist() for mark in marks if name.endswith(f"/{mark}")}
            return any(is_ours(Zip(archive, top)) for top in ["", *sorted(ends)[:64]])
    except DAMAGED:
        return False


@contextmanager
def opened(path: Path, identities: list[pyrage.x25519.Identity], beside: Path | None) -> Iterator[Path]:
    """Open a package as a folder, decrypted and unpacked where need be.

    `beside`: where the temporary folder lies. Raises `CannotTell`, `Cut`, `Altered`, `DiskError`.
    """
    volumes = volumes_in(path) if path.is_dir() else []
    if path.is_dir() and not volumes:
        yield path
        return
    try:
        with tempfile.TemporaryDirectory(prefix="check-", dir=beside) as folder:
            into = Path(folder) / "package"
            into.mkdir()
            sources, name = (volumes, volumes[0].name[:-4]) if volumes else ([path], path.name)
            if name.endswith(".age"):
                plain = Path(folder) / "package.tar"
                _decrypt(sources, plain, identities)
                sources, name = [plain], plain.name
            if not name.endswith(".tar") and zipfile.is_zipfile(path):
                with open(path, "rb") as stream:
                    _unzip(stream, into)
            else:
                with closing(_Joined(sources)) as joined:
                    _untar(joined, into)
            yield _package_in(into)
    except OSError as error:
        raise disk_error(error, f"opening {path.name}") from error


class _Joined:
    """The bytes of several files, one after another."""

    def __init__(self, paths: list[Path]) -> None:
        self._paths = paths[::-1]
        self._stream: IO[bytes] | None = None

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, at most `size`; none at the end. Raises `OSError`."""
        while True:
            if self._stream is None:
                if not self._paths:
                    return b""
                self._stream = open(self._paths.pop(), "rb")  # noqa: SIM115 - `close` closes it
            if data := self._stream.read(size):
                return data
            self._stream.close()
            self._stream = None

    def close(self) -> None:
        """Close the file that is open."""
        if self._stream is not None:
            self._stream.close()


def _decrypt(paths: list[Path], plain: Path, identities: list[pyrage.x25519.Identity]) -> None:
    if not identities:
        raise CannotTell("a key that opens the package", "none", "Name it: --identity FILE (an age identity).")
    try:
        with closing(_Joined(paths)) as sealed, open(plain, "wb") as out:
            ends = AgeEnds(sealed, out)
            with ends.telling():
                pyrage.decrypt_io(ends, ends, identities)
    except pyrage.DecryptError as error:
        if "No matching keys" in str(error):
            step = "Name the key that it was encrypted to: --identity FILE. If you have none, ask the makers to whom they encrypted it."
            raise CannotTell("a key that opens the package", "only keys to which it was not encrypted", step) from error
        raise Cut("a whole age file", str(error), "Ask for the package again.") from error
    except OSError as error:
        if "decryption" in str(error):
            raise Cut("a whole age file", "one that was cut or changed", "Ask for the package again.") from error
        raise


def package_below(folder: Path) -> Path | None:
    """Return the folder of the package where it lies alone in others, as unpacking leaves it; None where none is found."""
    for _ in range(16):
        inside = [entry for entry in folder.iterdir() if not is_left_behind(entry.name)]
        if len(inside) != 1 or inside[0].is_symlink() or not inside[0].is_dir():
            return None
        [folder] = inside
        if (folder / "bagit.txt").is_file():
            return folder
    return None


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
    return folders[0] if is_ours(Folder(folders[0])) else package_below(folders[0]) or folders[0]


_AGAIN = "Do not use it; ask for it again."


def _untar(stream: _Joined, into: Path) -> None:
    """Unpack files with plain names, and the folders that hold them: a tar can hold links, and names that leave the folder."""
    try:
        with tarfile.open(fileobj=cast("IO[bytes]", stream), mode="r|") as archive:
            for entry in archive:
                if (
                    entry.islnk()
                ):  # tar writes the second name of a file so, where two names of one file lie in a folder
                    _link(into, entry.name, entry.linkname)
                    continue
                if entry.issparse():  # a line of it can stand for more than any disk holds
                    raise CannotTell(
                        "a tar that holds its files whole",
                        f"{entry.name[:80]!r}, of which only parts are in it",
                        "Unpack it yourself, and name the folder.",
                    )
                if not entry.isreg() and not entry.isdir():
                    raise Altered(
                        "plain files in the package", f"{entry.name[:80]!r}, a link or a special file", _AGAIN
                    )
                source = archive.extractfile(entry) if entry.isreg() else None
                _put(into, entry.name, source)
        # At a header that is none it stops without a word, as it does at the end, behind which there are only zeros.
        if any(data.strip(b"\0") for data in iter(lambda: stream.read(READ), b"")):
            raise Cut("a whole tar", "one that was cut or changed on the way", "Ask for the package again.")
    except (tarfile.TarError, EOFError) as error:
        raise Cut("a whole tar", str(error), "Ask for the package again.") from error


def _link(into: Path, name: str, to: str) -> None:
    """Write a file again under a second name. Raises `Altered` where what it names was not unpacked before."""
    source = into.joinpath(*_parts(to))
    if not source.is_file():
        raise Altered("plain files in the package", f"{name[:80]!r}, a link to what is not in it", _AGAIN)
    path = into.joinpath(*_parts(name))
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, path)  # as the tar says: thousands of such names take no room
    except FileExistsError as error:
        raise Altered("each name once in the package", f"{name[:80]!r} twice", _AGAIN) from error
    except OSError:  # a disk that has no such links
        with open(source, "rb") as stream:
            _put(into, name, stream)


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
    except NotImplementedError as error:  # Windows packs large files by a method of its own, Deflate64
        step = "Unpack it yourself, with 7-Zip or the Explorer, and name the folder."
        raise CannotTell("a ZIP that can be unpacked here", str(error), step) from error
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise Cut("a whole ZIP", str(error), "Ask for the package again.") from error


def _put(into: Path, name: str, source: IO[bytes] | None) -> None:
    """Write a file, or make a folder where there is no source. Raises `Altered` for names that a package does not have."""
    path = into.joinpath(*_parts(name))
    try:
        if source is None or path == into:
            path.mkdir(parents=True, exist_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "xb") as out:
            _copy(source.read, out)
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise Altered("each name once in the package", f"{name[:80]!r} twice", _AGAIN) from error


def _parts(name: str) -> list[str]:
    """Return the parts of a name in an archive: none leads out of it. Raises `Altered`.

    A leading `/` says nothing here, and `\\` is what some programs of Windows write for `/`. What else a name holds is for
    the check of the folder to judge: folders around a package may be called anything.
    """
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    if ".." in parts or "\0" in name or len(parts) > DEEPEST or any(len(os.fsencode(part)) > 255 for part in parts):
        raise Altered("plain names in the package", f"{name[:80]!r}", _AGAIN)
    return parts


def _copy(read: Callable[[int], bytes], out: IO[bytes]) -> None:
    while data := read(READ):
        out.write(data)
