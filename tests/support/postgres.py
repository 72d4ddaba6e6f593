"""A PostgreSQL server of the tests' own, on this machine only, with nothing in it; it can be stopped and started again."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.conftest import CI


def binaries() -> Path | None:
    """Where Debian keeps the server's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    named = shutil.which("postgres")
    return found[-1].parent if found else Path(named).parent if named else None


class Server:
    def __init__(self, folder: Path, address: str) -> None:
        self.address = address
        self.folder, self.data = folder, folder / "data"
        with socket.socket() as taken:
            taken.bind((address, 0))
            self.port = taken.getsockname()[1]
        found = binaries()
        assert found is not None
        self._bin, self._databases = found, 0
        # It refuses to run as root.
        self._as = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if self._as:
            shutil.chown(folder, "postgres")
        self._run("initdb", "-A", "trust", "-U", "archiver", "--no-sync", str(self.data))
        with open(self.data / "postgresql.conf", "a", encoding="utf-8") as settings:
            settings.write(
                f"\nport={self.port}\nlisten_addresses='{address}'\nunix_socket_directories='{folder}'\nfsync=off\n"
            )
        with open(self.data / "pg_hba.conf", "a", encoding="utf-8") as who:
            who.write("host all all 10.203.0.0/16 trust\n")  # of tests/support/namespaces.py
        self.start()

    def _run(self, program: str, *words: str) -> None:
        subprocess.run(
            [*self._as, str(self._bin / program), *words], check=True, cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def start(self) -> None:
        self._run("pg_ctl", "-D", str(self.data), "-w", "-l", str(self.folder / "log"), "start")

    def stop(self, how: str = "immediate") -> None:
        """`immediate` is how a machine dies."""
        self._run("pg_ctl", "-D", str(self.data), "-w", "-m", how, "stop")

    def database(self) -> str:
        """A new one, as a link."""
        self._databases += 1
        name = f"jobs{self._databases}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)

    def url(self, name: str) -> str:
        return f"postgresql://archiver@{self.address}:{self.port}/{name}"


@contextmanager
def served(address: str = "127.0.0.1") -> Iterator[Server]:
    """`address`: where it listens. Skips where no PostgreSQL is installed; in CI that fails."""
    if binaries() is None:
        text = "PostgreSQL is not installed: apt-get install postgresql"
        pytest.fail(text) if CI else pytest.skip(text)
    folder = Path(tempfile.mkdtemp(prefix="archiver-pg-"))
    server = Server(folder, address)
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
