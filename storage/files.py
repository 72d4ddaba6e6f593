"""Writing files so that a crash leaves either the old bytes or the new."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from storage.errors import disk_error
from storage.locks import lock


def sync_folder(folder: Path) -> None:
    """Make names in `folder` durable (a file's own fsync does not). Raises `OSError`."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_synced(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write `content` at `path`: temporary file, fsync, rename, folder fsync. Raises `DiskError`."""
    temporary = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)  # of a process that was killed; or a link that somebody laid there
        _write_exclusively(temporary, content, mode)
        os.rename(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise disk_error(error, f"writing {path.name}") from error


def write_new(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a file that must not exist yet; it appears whole or not at all. Raises `FileExistsError`, `DiskError`.

    Of several processes that do so at once, one succeeds. For what may never be replaced, such as a recovery key.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            _write_exclusively(temporary, content, mode)
            try:
                os.link(temporary, path)
            except OSError as error:
                if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS):
                    raise
                _write_exclusively(path, content, mode)  # a disk without hard links
        finally:
            temporary.unlink(missing_ok=True)
        sync_folder(path.parent)
    except FileExistsError:
        raise
    except OSError as error:
        raise disk_error(error, f"writing {path.name}") from error


def create(path: Path, mode: int = 0o644) -> BinaryIO:
    """Open a file to write that is new: what lies under its name goes, and no link is followed. Raises `OSError`."""
    path.unlink(missing_ok=True)
    return os.fdopen(_create(path, mode), "wb")


def create_inside(folder: Path, name: str, mode: int = 0o644) -> BinaryIO:
    """Open a new file below `folder`, as `create` does, with the folders that its name asks for; none of them may be a link.

    Raises `OSError`.
    """
    *folders, last = name.split("/")
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        for part in folders:
            with contextlib.suppress(FileExistsError):
                os.mkdir(part, dir_fd=here)
            deeper = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here)
            os.close(here)
            here = deeper
        with contextlib.suppress(FileNotFoundError):
            os.unlink(last, dir_fd=here)
        return os.fdopen(_create(last, mode, here), "wb")
    finally:
        os.close(here)


def _create(name: str | Path, mode: int, folder: int | None = None) -> int:
    return os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode, dir_fd=folder)


def _write_exclusively(path: Path, content: bytes, mode: int) -> None:
    descriptor = _create(path, mode)
    with contextlib.ExitStack() as undo:
        undo.callback(path.unlink, missing_ok=True)
        undo.callback(os.close, descriptor)
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
        undo.pop_all()
    os.close(descriptor)


class Lock:
    """An advisory lock held by this process until released or until it dies (flock)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self, wait: bool = True) -> bool:
        """Take the lock; True when held. With `wait` false, return False at once if another process holds it.

        Raises `DiskError`.
        """
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise disk_error(error, f"locking {self.path.name}") from error
        try:
            held = lock(descriptor, wait=wait)
        except OSError as error:
            os.close(descriptor)
            raise disk_error(error, f"locking {self.path.name}") from error
        if not held:
            os.close(descriptor)
            return False
        if not self._is_still_there(descriptor):  # its last holder removed it meanwhile: that lock is nobody's
            os.close(descriptor)
            return self.acquire(wait) if wait else False
        self._descriptor = descriptor
        return True

    def _is_still_there(self, descriptor: int) -> bool:
        try:
            return os.stat(self.path).st_ino == os.fstat(descriptor).st_ino
        except FileNotFoundError:
            return False

    def release(self, remove: bool = False) -> None:
        """Give the lock up, if it is held. `remove`: its file goes too."""
        if self._descriptor is None:
            return
        if remove:
            self.path.unlink(missing_ok=True)
        os.close(self._descriptor)
        self._descriptor = None


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock at `path` inside the `with` block, after waiting for it. Raises `DiskError`."""
    lock = Lock(path)
    lock.acquire()
    try:
        yield
    finally:
        lock.release()
