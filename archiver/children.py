"""What every program that archiver starts is given: an environment made here, and no more than it needs.

Children read strangers' bytes. So nothing of this process's environment reaches them (it may hold passphrases, keys and
tokens), no settings of the person's are found, no program by its name alone, and no core dump is left of them.
"""

from __future__ import annotations

import atexit
import os
import resource
import shutil
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path


def program(name: str) -> str | None:
    """Return where a program lies, as an absolute path, or None. A child's environment would not find it by its name."""
    found = shutil.which(name)
    return os.path.abspath(found) if found else None


def environment(**more: str) -> dict[str, str]:
    """Return the whole environment of a child that needs nothing of ours; `more` goes with it.

    Its PATH and its home are one empty folder. From then on this process and its children leave no core dumps either.
    """
    leave_no_cores()
    given = {"TMPDIR": folder} if (folder := os.environ.get("TMPDIR")) else {}
    return {"PATH": empty_folder(), "HOME": empty_folder(), "LANG": "C.UTF-8", **given, **more}


def python_environment(*first: Path, **more: str) -> dict[str, str]:
    """Return the environment of a Python process of ours (`-m archiver…`), which imports from `first` before all else.

    Where it is started from nothing is imported.
    """
    source = Path(__file__).resolve().parents[1]
    path = os.pathsep.join(str(folder) for folder in (*first, source))
    return environment(PYTHONPATH=path, PYTHONSAFEPATH="1", **more)


@cache
def leave_no_cores() -> None:
    """See that the kernel writes no memory of this process, or of one that it starts, to the disk."""
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


@cache
def empty_folder() -> str:
    """Return an empty folder that nobody writes to; it goes with this process."""
    made, owner = tempfile.mkdtemp(prefix="archiver-empty-"), os.getpid()
    os.chmod(made, 0o500)

    def remove() -> None:
        if os.getpid() == owner:  # and not a copy of this process
            with suppress(OSError):
                os.rmdir(made)

    atexit.register(remove)
    return made
