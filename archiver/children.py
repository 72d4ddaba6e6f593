"""What every program that archiver starts is given: an environment made here, and no more than it needs.

Children read strangers' bytes. So nothing of this process's environment reaches them (it may hold passphrases, keys and
tokens), no settings of the person's are found, no program by its name alone, and no core dump is left of them. Those that
need no network are started by `run` and `start`, which have the kernel refuse them sockets and other files.
"""

from __future__ import annotations

import atexit
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Thread
from typing import Any

from archiver import fence

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/nix/store", "/gnu/store")
"""Where a system keeps its programs with all that they need; of one that lies elsewhere nobody knows what it reads."""
_READ = (
    *_SYSTEM, "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/localtime", "/etc/fonts",
    "/etc/ssl/openssl.cnf", "/etc/pki/tls/openssl.cnf", "/etc/crypto-policies", "/etc/perl", "/dev/null", "/dev/zero",
    "/dev/random", "/dev/urandom", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/sys/devices/system/cpu",
)  # fmt: skip
_SNAP = "/usr/bin/snap"
"""What starts a program out of a snap gains privileges, which no process behind a fence can."""


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


def run(
    command: Sequence[str | Path], *, reads: Iterable[Path] | None, writes: Iterable[Path] = (),
    timeout: float | None = None, **given: Any,
) -> subprocess.CompletedProcess[Any]:  # fmt: skip
    """Run a program that needs no network, behind what the kernel gives, and return what became of it.

    As `start`, and as `subprocess.run` without `input`; a program that takes longer than `timeout` seconds is killed. Raises
    `OSError`, `subprocess.TimeoutExpired`.
    """
    given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL} | given
    with start(command, reads=reads, writes=writes, **given) as process:
        try:
            out, err = process.communicate(timeout=timeout)
        finally:
            if process.returncode is None:
                process.kill()
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def start(
    command: Sequence[str | Path], *, reads: Iterable[Path] | None, writes: Iterable[Path] = (),
    env: dict[str, str] | None = None, **given: Any,
) -> subprocess.Popen[Any]:  # fmt: skip
    """Start a program that needs no network, behind what the kernel gives (`fences`).

    It may read the files `reads`, or what lies under them, and those of the system; None where they are not known yet. It may
    write to `writes`. `given` goes to `subprocess.Popen`; without `env` it gets `environment()`. Raises `OSError`.

    The kernel fences a thread in, and what that starts: one of its own is started for each, so no code of ours has to run
    between fork and exec (which is not safe beside other threads), and no other program comes before this one.
    """
    words = [str(word) for word in command]
    env = environment() if env is None else env
    readable = None if reads is None or not _of_the_system(words[0]) else [*_READ, *map(str, reads)]
    writable = ["/dev/null", *map(str, writes)]
    started: Future[subprocess.Popen[Any]] = Future()

    def behind_fences() -> None:
        try:
            if not _is_snap(words[0]):
                _enclose(readable, writable)
            started.set_result(subprocess.Popen(words, env=env, **given))
        except BaseException as error:  # it is raised again where the result is asked for
            started.set_exception(error)
            if not isinstance(error, (OSError, ValueError)):
                raise

    Thread(target=behind_fences, name="starts a program", daemon=True).start()
    return started.result()


def fences(path: str) -> list[str]:
    """Return what the kernel refuses a program at `path` that `run` starts, by name, the strongest first."""
    return [] if _is_snap(path) else list(_fences_here())


@cache
def _fences_here() -> tuple[str, ...]:
    found: Future[list[str]] = Future()
    Thread(target=lambda: found.set_result(_enclose(None, ())), daemon=True).start()
    return tuple(found.result())


def _enclose(reads: Sequence[str] | None, writes: Sequence[str]) -> list[str]:
    """Fence this thread in; return the names of the fences that are in force."""
    tried = ((fence.NO_SOCKETS, fence.refuse_sockets()), (fence.LANDLOCK, fence.restrict_files(reads, writes)))
    return [name for name, holds in tried if holds]


def python_reads() -> list[Path]:
    """Return where a Python process of ours (`python_environment`) finds what it imports."""
    found = {sys.prefix, sys.base_prefix, sys.exec_prefix, str(Path(__file__).resolve().parents[1]), *sys.path}
    return [Path(place) for place in sorted(found) if os.path.isabs(place)]


@cache
def _of_the_system(path: str) -> bool:
    real = os.path.realpath(path)
    return real == os.path.realpath(sys.executable) or real.startswith(tuple(f"{folder}/" for folder in _SYSTEM))


@cache
def _is_snap(path: str) -> bool:
    return os.path.realpath(path) == _SNAP


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
