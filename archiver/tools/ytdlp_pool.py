"""A warm pool of yt-dlp processes (`archiver.tools.ytdlp_worker`). A cold start costs 0.6 CPU seconds, a job 0.03.

Each process has an environment of its own: the recorder's authority in the three variables that yt-dlp's network
stacks read, no configuration or plugins of the person's, no proxy but the job's.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from archiver.children import program, python_environment
from archiver.home.log import child_words
from archiver.tools.extractor_update import Beside
from archiver.tools.ytdlp_worker import FENCES, RUNTIME, SOCKET

_log = logging.getLogger(__name__)

CLAIMS_KEPT = 10_000
"""Links of which it is remembered whether an extractor is made for them."""
PASSED_AT_ONCE = 256 << 10
"""Bytes that are read of a connection at once."""
LINE_LIMIT = 256 << 20
"""The longest answer, bytes: a description of a playlist with comments can have some MiB."""


class ExtractorDied(Exception):
    """An extractor process that ended in the middle of a job."""


@dataclass(eq=False)
class _Worker:
    process: asyncio.subprocess.Process
    version: str
    runtime: str | None
    said: list[str] = field(default_factory=list)
    """The last lines of its standard error."""
    listening: asyncio.Task[None] | None = None
    door: Door | None = None
    """Its way to the recorder; None where it could hand none over."""
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by whoever reads its standard output: a pool can be closed while a job still waits for an answer."""


class ExtractorPool:
    """A pool of `size` processes and one for claims, started when they are needed and kept. `close` ends them."""

    def __init__(self, authority_pem: bytes, size: int = 2, beside: Beside | None = None) -> None:
        """`beside`: the version that was installed beside the pinned one, where it is to be used."""
        self._pem, self.beside = authority_pem, beside
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._slots, self._claiming = asyncio.Semaphore(size), asyncio.Lock()
        self._claimed: dict[str, str | None] = {}
        self._idle: list[_Worker] = []
        self._all: set[_Worker] = set()
        self._ended: list[_Worker] = []
        self._warming: asyncio.Task[None] | None = None
        self._jobs = 0
        self.version: str | None = None
        self.runtime: str | None = None
        self.fences: list[str] = []
        """What keeps the processes from the network, the strongest first."""

    def warm(self) -> None:
        """Start a process beside other work, so that the first job finds it ready."""
        if self._warming is None:
            self._warming = asyncio.ensure_future(self._warm())

    async def _warm(self) -> None:
        with contextlib.suppress(ExtractorDied):  # the job itself will say so
            self._idle.append(await self._start())

    async def run(self, job: dict[str, Any], timeout: float) -> dict[str, Any]:
        """Return the answer to one job. A process that failed is not used again.

        `timeout` in seconds. Raises `ExtractorDied`, `TimeoutError`.
        """
        async with self._slots:
            return await self._done(job, timeout)

    async def claims(self, url: str, timeout: float) -> str | None:
        """Return the extractor that is made for a link, or None. No request is made for it.

        Does not queue behind jobs, which can take minutes. `timeout` in seconds. Raises `ExtractorDied`, `TimeoutError`.
        """
        async with self._claiming:
            if url not in self._claimed:
                answer = await self._done({"do": "claims", "url": url}, timeout)
                if len(self._claimed) >= CLAIMS_KEPT:
                    self._claimed.clear()
                self._claimed[url] = answer.get("claims")
            return self._claimed[url]

    async def _done(self, job: dict[str, Any], timeout: float) -> dict[str, Any]:
        if self._warming is not None and not self._idle:
            await self._warming
        worker = self._idle.pop() if self._idle else await self._start()
        self._jobs += 1
        good = False
        try:
            assert worker.process.stdin is not None
            assert worker.process.stdout is not None
            given = {**job, "job": self._jobs}
            if worker.door is not None and job.get("proxy"):
                given["proxy"] = worker.door.open_to(job["proxy"])
            worker.process.stdin.write(json.dumps(given).encode() + b"\n")
            async with asyncio.timeout(timeout), worker.reading:
                line = await worker.process.stdout.readline()
            if not line:
                await worker.process.wait()
                raise ExtractorDied("; ".join(worker.said[-2:]) or f"exit code {worker.process.returncode}")
            answer: dict[str, Any] = json.loads(line)
            good = True
            return answer
        except (ConnectionError, json.JSONDecodeError) as error:
            raise ExtractorDied(str(error)) from error
        finally:
            if worker.door is not None:
                worker.door.shut()
            if good:
                self._idle.append(worker)
            else:
                self._end(worker)

    async def _start(self) -> _Worker:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="archiver-extractor-")
            Path(self._folder.name, "authority.pem").write_bytes(self._pem)
        folder = Path(self._folder.name)
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *worker_command(), *child_words(),
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
                env=_environment(folder, self.beside, theirs.fileno()), cwd=folder, limit=LINE_LIMIT,
                start_new_session=True, pass_fds=[theirs.fileno()],
            )  # fmt: skip
        worker = _Worker(process, "", None)
        self._all.add(worker)
        worker.listening = asyncio.ensure_future(_listen(process, worker.said))
        assert process.stdout is not None
        async with worker.reading:
            line = await process.stdout.readline()
        try:
            ready = json.loads(line)
            worker.version, worker.runtime = str(ready["ready"]), ready["js_runtime"]
            worker.door = await _door(ours)
            self.fences = [str(name) for name in ready["fences"]]
        except (ValueError, KeyError, TypeError) as error:
            self._end(worker)
            said = "; ".join(worker.said[-2:])
            raise ExtractorDied(f"yt-dlp did not start: {said or 'no answer'}") from error
        finally:
            ours.close()
        self.version, self.runtime = worker.version, worker.runtime
        return worker

    def _end(self, worker: _Worker) -> None:
        self._all.discard(worker)
        with contextlib.suppress(ProcessLookupError):
            worker.process.kill()
        self._ended.append(worker)

    async def close(self) -> None:
        """End all processes."""
        if self._warming is not None:
            await self._warming
        for worker in list(self._all):
            self._end(worker)
        for worker in self._ended:
            if worker.door is not None:
                await worker.door.close()
            # To the end of its pipes: a transport that is still open when the loop closes complains to the person.
            if worker.process.stdin is not None:
                worker.process.stdin.close()
            if worker.process.stdout is not None:
                async with worker.reading:
                    with contextlib.suppress(ValueError):
                        await worker.process.stdout.read()
            if worker.listening is not None:
                await worker.listening
            await worker.process.wait()
        self._ended.clear()
        self._idle.clear()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


async def _listen(process: asyncio.subprocess.Process, said: list[str]) -> None:
    assert process.stderr is not None
    with contextlib.suppress(ValueError):  # a line beyond all bounds
        while line := await process.stderr.readline():
            said.append(line.decode("utf-8", "replace").strip()[:500])
            _log.debug("the extractor says: %s", said[-1])
            del said[:-20]


def worker_command() -> list[str]:
    """Return the words that start a process of the pool."""
    return [sys.executable, "-m", "archiver.tools.ytdlp_worker"]


def runtime() -> str | None:
    """Return where the one program lies that yt-dlp may start, a JavaScript runtime: on the path, or beside this Python."""
    beside = Path(sys.executable).parent / "deno"  # where the package `deno` puts it
    return program("deno") or (str(beside) if os.access(beside, os.X_OK) else None)


def fences_here() -> list[str]:
    """Return what keeps a process of this kind from the network on this machine, the strongest first."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        command = [sys.executable, "-m", "archiver.tools.ytdlp_worker", FENCES]
        given = python_environment(**{SOCKET: str(theirs.fileno())})
        try:
            done = subprocess.run(
                command, env=given, pass_fds=[theirs.fileno()], capture_output=True, timeout=60, check=False
            )
            said: list[str] = json.loads(done.stdout)
        except (OSError, subprocess.TimeoutExpired, ValueError):
            return []
    return said


def _environment(folder: Path, beside: Beside | None, descriptor: int) -> dict[str, str]:
    more = {RUNTIME: found} if (found := runtime()) is not None else {}
    return python_environment(
        *([beside.folder] if beside else []),
        HOME=str(folder),
        TMPDIR=str(folder),
        YTDLP_NO_PLUGINS="1",
        DENO_NO_UPDATE_CHECK="1",
        no_proxy="",
        **dict.fromkeys(("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"), str(folder / "authority.pem")),
        **more,
        **{SOCKET: str(descriptor)},
    )


class Door:
    """A port that only one process reaches, in a network of its own or not, and that leads to the recorder or nowhere."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener, self._port = listener, listener.getsockname()[1]
        self._server: asyncio.Server | None = None
        self._to: tuple[str, int] | None = None
        self._passing: set[asyncio.Task[None]] = set()

    async def begin(self) -> None:
        """Accept connections from now on."""
        self._server = await asyncio.start_server(self._let_through, sock=self._listener, limit=PASSED_AT_ONCE)

    def open_to(self, proxy: str) -> str:
        """Lead to the recorder from now on; return its address as it is on the other side. `proxy`: its address here."""
        there = urlsplit(proxy)
        self._to = (there.hostname or "", there.port or 0)
        return proxy.replace(f"{there.hostname}:{there.port}", f"127.0.0.1:{self._port}")

    def shut(self) -> None:
        """Lead nowhere from now on, and end what is under way."""
        self._to = None
        for task in self._passing:
            task.cancel()

    async def close(self) -> None:
        """Close the port."""
        self.shut()
        await asyncio.gather(*self._passing, return_exceptions=True)
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _let_through(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passing = asyncio.ensure_future(self._passed(reader, writer))
        self._passing.add(passing)
        await asyncio.wait([passing])  # a task of the server's own must not be cancelled: asyncio would complain
        self._passing.discard(passing)
        writer.close()

    async def _passed(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._to is None:
            return
        with contextlib.suppress(OSError):
            there, to_there = await asyncio.open_connection(*self._to, limit=PASSED_AT_ONCE)
            up = asyncio.ensure_future(_pass(reader, to_there))
            try:
                await _pass(there, writer)  # the recorder ends a connection in both directions
            finally:
                up.cancel()
                to_there.close()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):  # each side sees the end of the other
        while data := await reader.read(PASSED_AT_ONCE):
            writer.write(data)
            await writer.drain()


async def _door(taken: socket.socket) -> Door | None:
    """The port that a process has handed over, before it said that it is ready."""
    taken.setblocking(False)
    try:
        _, descriptors, _, _ = socket.recv_fds(taken, 16, 1)
    except BlockingIOError:
        return None
    if not descriptors:
        return None
    listener = socket.socket(fileno=descriptors[0])
    listener.setblocking(False)
    door = Door(listener)
    await door.begin()
    return door
