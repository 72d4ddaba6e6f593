"""Paths as people give them: absolute from the start, and refused at once where nothing could come of them.

A child process has another working folder, `as_uri` refuses what is relative, and a queue outlives the shell that filled it:
a path that means something else there would be looked for, or written, in the wrong place.
"""

from __future__ import annotations

import errno
from pathlib import Path

from archiver.errors import UsageError
from storage.errors import disk_error


def given_path(text: str) -> Path:
    """Return the absolute path that a person means. Raises `UsageError` where it cannot even be looked at."""
    if not text:
        raise UsageError("a path", "an empty text", "Name a file or folder; perhaps a variable is not set.")
    try:
        path = Path(text).expanduser().absolute()
        path.lstat()
    except FileNotFoundError:
        # Nothing lies there, which only the command can judge; or the working folder itself is gone.
        return _absolute(Path(text).expanduser(), text)
    except (
        OSError,
        RuntimeError,
        ValueError,
    ) as error:  # too long, a file in the way, no right to look, an unknown ~user
        raise _refused(text, error) from error
    return path


def given_folder(text: str) -> Path:
    """Return the path of a folder that is there, or can be made. Raises `UsageError`."""
    path = given_path(text)
    if _is_there(path) and not path.is_dir():
        what = "a file"
        if path.is_symlink() and not path.exists():
            what = "a link that leads back to itself" if _is_loop(path) else "a link to nothing"
        raise UsageError(f"a folder at {path}", what, "Name a folder, or a path that does not exist yet.")
    return path


def given_output(text: str) -> Path:
    """Return the path of a file that is to be written. Raises `UsageError` where a folder lies there."""
    path = given_path(text)
    if path.is_dir():
        raise UsageError(f"a file to write at {path}", "a folder", "Name a file in it.")
    return path


def refuse_inside(home: Path, target: Path) -> None:
    """Refuse to write something that goes out into the home, whose folders are sealed and copied.

    Raises `UsageError`.
    """
    if target.resolve().is_relative_to(home.resolve()):
        raise UsageError(f"a folder outside of the home {home}", str(target), "Name a folder elsewhere.")


def make_folder(folder: Path) -> None:
    """Make a folder that only this user can read, where it is not there yet. Raises `DiskError`."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise disk_error(error, f"making {folder.name}/") from error


def _is_there(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def _is_loop(path: Path) -> bool:
    try:
        path.stat()
    except OSError as error:
        return error.errno == errno.ELOOP
    return False


def _absolute(path: Path, text: str) -> Path:
    try:
        return path.absolute()
    except OSError as error:
        raise _refused(text, error) from error


def _refused(text: str, error: Exception) -> UsageError:
    found = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.ENOTDIR:
        return UsageError(f"a path with a folder at each step, not {text!r}", "a file on the way", "Name another path.")
    if number == errno.ELOOP:
        found = "a link on the way that leads back to itself"
    return UsageError(
        "a path that can be read", f"{text!r}: {found}", "Check its spelling and the permissions of its folder."
    )
