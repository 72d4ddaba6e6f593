"""A package as one file: a deterministic tar, streamed through age where it is encrypted, and cut into volumes on demand."""

from __future__ import annotations

import errno
import glob
import os
import secrets
import shutil
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Protocol

import pyrage

from archiver.export.target import MOST_VOLUMES, target_error
from storage.digest import Sha256
from storage.files import create, sync_folder, write_synced

READ = 1 << 20
VOLUMES, VOLUME_LIST = ".volumes", "volumes.txt"
"""How a folder of volumes ends, and the list in it: as `sha256sum` writes it."""
COMMAND = 7000
"""Characters of a command that Windows still takes, with room for a path."""


class Readable(Protocol):
    """What bytes are read from."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; none at the end."""


class Writable(Protocol):
    """What bytes are written to."""

    def write(self, data: bytes, /) -> int:
        """Take all of them."""

    def flush(self) -> None:
        """Hand on what is held back."""


class _Reader:
    """What age reads from: the tar, made as it is read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._left = pieces, b""

    def read(self, size: int = -1) -> bytes:
        while size < 0 or len(self._left) < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._left += piece
        if size < 0:
            size = len(self._left)
        data, self._left = self._left[:size], self._left[size:]
        return data


def tar(folder: Path) -> Iterator[bytes]:
    """Write a folder as a tar: names sorted, no times, no owners."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        entry = tarfile.TarInfo(f"{folder.name}/{path.relative_to(folder).as_posix()}")
        entry.size, entry.mode = path.stat().st_size, 0o755 if path.suffix == ".py" else 0o644
        yield entry.tobuf(tarfile.PAX_FORMAT)
        with open(path, "rb") as stream:
            while data := stream.read(READ):
                yield data
        yield bytes(-entry.size % 512)
    yield bytes(1024)


class _Volumes:
    """Writes what is one long file into files of `most` bytes, each brought to the disk before the next is begun."""

    def __init__(self, folder: Path, name: str, most: int) -> None:
        self._folder, self._name, self._most = folder, name, most
        self._stream: BinaryIO | None = None
        self._running = Sha256()
        self._left = 0
        self.lines: list[str] = []
        """Of each volume, as `sha256sum` writes it."""

    def write(self, data: bytes) -> int:
        """Write the next bytes. Raises `OSError`."""
        view = memoryview(data)
        while view:
            if not self._left:
                self._next()
            assert self._stream is not None
            piece, view = view[: self._left], view[self._left :]
            self._running.update(piece)
            self._stream.write(piece)
            self._left -= len(piece)
        return len(data)

    def flush(self) -> None:
        """Do nothing: a volume is written out when it is whole."""

    def _next(self) -> None:
        self.finish()
        number = len(self.lines) + 1
        if number > MOST_VOLUMES:
            raise OSError(errno.EFBIG, "more volumes than three digits can number")
        self._stream = create(self._folder / volume_name(self._name, number), 0o600)
        self._running, self._left = Sha256(), self._most

    def finish(self) -> None:
        """Bring the last volume to the disk."""
        if self._stream is not None:
            _sync(self._stream)
            self._stream.close()
            self._stream = None
            name = volume_name(self._name, len(self.lines) + 1)
            self.lines.append(f"{self._running.hexdigest()}  {name}\n")

    def close(self) -> None:
        """Leave the volumes as they are."""
        if self._stream is not None:
            self._stream.close()


def volume_name(name: str, number: int) -> str:
    """Return the name of a volume of the file `name`: three digits behind it, from 001."""
    return f"{name}.{number:03d}"


def pack(
    folder: Path,
    out: Path,
    recipients: Sequence[pyrage.x25519.Recipient],
    volume: int | None = None,
    told: Callable[[int], None] = lambda count: None,
) -> None:
    """Write a package as one file `out`, or as a folder `out` of volumes; it is synced when this returns. Raises `DiskError`.

    A tar, in an age file where there are recipients. `volume`: bytes of each volume; None: one file. `told`: of each
    number of bytes that was read. Until it is whole it has a name that nobody can guess: others may write where it lies.
    """
    working = out.with_name(f".{out.name}.{secrets.token_hex(8)}.part")
    try:
        for left in out.parent.glob(f".{glob.escape(out.name)}.{'?' * 16}.part"):  # of a process that was killed
            _remove(left)
        pieces = _counted(tar(folder), told)
        try:
            if volume is None:
                with create(working, 0o600) as stream:
                    _write(pieces, stream, recipients)
                    _sync(stream)
            else:
                working.mkdir(0o700)
                _write_volumes(pieces, working, out.name.removesuffix(VOLUMES), recipients, volume)
            working.rename(out)
        except BaseException:
            _remove(working)
            raise
        sync_folder(out.parent)
    except (OSError, pyrage.EncryptError) as error:
        raise target_error(
            error if isinstance(error, OSError) else OSError(str(error)), f"writing {out.name}"
        ) from error


class AgeEnds:
    """What age reads from and writes to; it keeps what these raise, since age tells of it only that something failed."""

    def __init__(self, source: Readable, out: Writable) -> None:
        self._source, self._out = source, out
        self._raised: BaseException | None = None

    def read(self, size: int = -1) -> bytes:
        """Return what the source gives."""
        with self._kept():
            return self._source.read(size)

    def write(self, data: bytes) -> int:
        """Hand on to the file."""
        with self._kept():
            return self._out.write(data)

    def flush(self) -> None:
        """Flush the file."""
        with self._kept():
            self._out.flush()

    @contextmanager
    def _kept(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            self._raised = error
            raise

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Raise what the source or the file raised, in place of what age makes of it: a full disk, a person's Ctrl-C."""
        try:
            yield
        except (OSError, pyrage.EncryptError, pyrage.DecryptError):
            if self._raised is not None:
                raise self._raised from None
            raise


def _write(pieces: Iterator[bytes], stream: BinaryIO | _Volumes, recipients: Sequence[pyrage.x25519.Recipient]) -> None:
    if recipients:
        ends = AgeEnds(_Reader(pieces), stream)
        with ends.telling():
            pyrage.encrypt_io(ends, ends, list(recipients))
    else:
        for piece in pieces:
            stream.write(piece)


def _write_volumes(
    pieces: Iterator[bytes], folder: Path, name: str, recipients: Sequence[pyrage.x25519.Recipient], most: int
) -> None:
    volumes = _Volumes(folder, name, most)
    try:
        _write(pieces, volumes, recipients)
        volumes.finish()
    finally:
        volumes.close()
    write_synced(folder / VOLUME_LIST, "".join(volumes.lines).encode(), 0o600)
    names = [line.split()[1] for line in volumes.lines]
    write_synced(folder / "README.txt", _readme(name, names, bool(recipients)).encode(), 0o600)
    sync_folder(folder)


def _readme(name: str, names: list[str], encrypted: bool) -> str:
    """Say how the volumes are put together, without our program."""
    joined = " + ".join(names)
    windows = (
        f"    copy /b {joined} {name}" if len(joined) < COMMAND else "    Open the first one with 7-Zip; it joins them."
    )
    opening = f"age -d -i my-key.txt {name} | tar x" if encrypted else f"tar xf {name}"
    return f"""This folder holds one package, {name}, cut into {len(names)} files (volumes),
because the disk or the way that it took does not carry larger files.

You need all {len(names)} of them, from {names[0]} to {names[-1]}.
If one is missing or damaged, the package cannot be used: ask for that file again.

1. See whether all of them are here and undamaged (Linux, macOS, Git for Windows):

    sha256sum -c {VOLUME_LIST}

2. Copy them to a disk that takes large files, and join them there.

   Linux and macOS:

    cat {name}.[0-9][0-9][0-9] > {name}

   Windows, in the Command Prompt:

{windows}

3. Open the file that results:

    {opening}

   Then check the folder that comes out, with check.py from the makers.
   `archiver check` takes this folder of volumes as it is.
"""


def _counted(pieces: Iterator[bytes], told: Callable[[int], None]) -> Iterator[bytes]:
    for piece in pieces:
        yield piece
        told(len(piece))


def _sync(stream: BinaryIO) -> None:
    stream.flush()
    os.fsync(stream.fileno())


def _remove(path: Path) -> None:
    """Remove what was not finished. A disk that is gone has nothing to remove."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
        return
    with suppress(OSError):
        path.unlink(missing_ok=True)
