"""Processes that are measured: their seconds, their processor time, their most memory."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
ADDRESS = "127.0.0.2"  # warcprox refuses 127.0.0.1
ARCHIVER = [sys.executable, "-m", "archiver"]
TOOLS = Path(sys.executable).parent

Words = Sequence[str | Path]


def peak(pid: int | str = "self") -> float:
    """Return the most memory that a program has had so far, in MB.

    Not `ru_maxrss`: what the parent had when it started a child counts there as the child's. VmHWM begins anew with the
    program.
    """
    found = re.search(r"^VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    if found is None:  # it has ended, and waits for its parent to look
        raise ProcessLookupError(pid)
    return int(found[1]) / 1024


def measured(
    words: Words | str,
    allowed: Sequence[int] = (0,),
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
) -> tuple[float, float]:
    """Run a command, a string by the shell; return its seconds, and the most memory of itself without its children, in MB.

    Ends the trial where the command ends otherwise than allowed.
    """
    most = 0.0
    with tempfile.TemporaryFile() as said:
        start = time.perf_counter()
        command = words if isinstance(words, str) else [str(word) for word in words]
        running = subprocess.Popen(
            command, shell=isinstance(words, str), stdout=said, stderr=subprocess.STDOUT, cwd=cwd, env=env
        )
        while running.poll() is None:
            with contextlib.suppress(OSError):
                most = max(most, peak(running.pid))
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.wait(0.02)
        took = time.perf_counter() - start
        if running.returncode not in allowed:
            said.seek(0)
            told = said.read()[-2000:].decode("utf-8", "replace").strip()
            short = command if isinstance(command, str) else " ".join(command[:5])
            raise SystemExit(f"{told}\n{short[:200]} ended with {running.returncode}: {told.rpartition(chr(10))[2]}")
    return took, most


def timed(
    words: Words | str, allowed: Sequence[int] = (0,), env: Mapping[str, str] | None = None, cwd: Path = ROOT
) -> float:
    """Run a command and return its seconds; see `measured`."""
    return measured(words, allowed, env, cwd)[0]


@contextlib.contextmanager
def running(words: Words, **given: object) -> Iterator[subprocess.Popen[str]]:
    """Run a server; it is killed at the end."""
    process: subprocess.Popen[str] = subprocess.Popen(  # type: ignore[call-overload]
        [str(word) for word in words], stdout=subprocess.PIPE, text=True, **{"cwd": ROOT, **given}
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def first_line(process: subprocess.Popen[str]) -> str:
    """Return the first line that a server says. Ends the trial where it ends without one."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise SystemExit(f"{process.args!r:.200} ended before it said where it is")
    return line


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(float, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def free_port(address: str = ADDRESS) -> int:
    """Return a port that nothing listens on."""
    with socket.create_server((address, 0)) as sock:
        return int(sock.getsockname()[1])


def wait_for(port: int, address: str = ADDRESS) -> None:
    """Wait until something listens on a port. Ends the trial where nothing does in fifteen seconds."""
    for _ in range(300):
        with contextlib.suppress(OSError), socket.create_connection((address, port), 1):
            return
        time.sleep(0.05)
    raise SystemExit(f"nothing listens on {address}:{port}")


def settle(folder: Path) -> None:
    """Wait until its files no longer grow: warcprox writes on after its client has finished."""
    last, since = -1, time.perf_counter()
    while time.perf_counter() - since < 0.3:
        size = 0
        for path in folder.rglob("*"):
            with contextlib.suppress(FileNotFoundError):  # SQLite's journal comes and goes
                size += path.stat().st_size
        if size != last:
            last, since = size, time.perf_counter()
        time.sleep(0.02)
