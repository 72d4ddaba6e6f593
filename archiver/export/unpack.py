"""Opening an encrypted or packed package for a check: into a folder that is removed again. Nothing in it is trusted."""

from __future__ import annotations

import re
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pyrage

from archiver.errors import CannotTell
from storage.errors import FormatError, disk_error

READ = 1 << 20
_NAME = re.compile(r"\w[\w.-]*(?:/\w[\w.-]*)*", re.ASCII)


class Cut(FormatError):
    """The file ends too early, or was changed on the way: age does not tell which."""


@contextmanager
def opened(path: Path, identities: list[pyrage.x25519.Identity], beside: Path | None) -> Iterator[Path]:
    """Open a package as a folder, decrypted and unpacked where need be.

    `beside`: where the temporary folder lies. Raises `CannotTell`, `Cut`, `DiskError`.
    """
    if path.is_dir():
        yield path
        return
    try:
        with tempfile.TemporaryDirectory(prefix="check-", dir=beside) as folder:
            into = Path(folder)
            if path.name.endswith(".age"):
                plain = into / "package.tar"
                _decrypt(path, plain, identities)
                path = plain
            with open(path, "rb") as stream:
                _unpack(stream, into / "package")
            found = [one for one in (into / "package").iterdir() if one.is_dir()]
            if len(found) != 1:
                raise Cut("one folder in the package", f"{len(found)}", "Ask for the package again.")
            yield found[0]
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
            raise CannotTell("a key that opens the package", str(error), "Ask whom it was encrypted for.") from error
        raise Cut("a whole age file", str(error), "Ask for the package again.") from error
    except OSError as error:
        if "decryption" in str(error):
            raise Cut("a whole age file", "one that was cut or changed", "Ask for the package again.") from error
        raise


def _unpack(stream: IO[bytes], into: Path) -> None:
    """Regular files with plain names only; a tar can hold links and names that leave the folder."""
    try:
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for entry in archive:
                if not entry.isreg() or not _NAME.fullmatch(entry.name):
                    raise Cut("plain files in the package", repr(entry.name[:80]), "Do not use it; ask for it again.")
                path = into / entry.name
                path.parent.mkdir(parents=True, exist_ok=True)
                source = archive.extractfile(entry)
                with open(path, "xb") as out:
                    while source is not None and (data := source.read(READ)):
                        out.write(data)
    except (tarfile.TarError, EOFError) as error:
        raise Cut("a whole tar", str(error), "Ask for the package again.") from error
