"""What the program starts beside itself, made cheap for the tests; with the fixture `real_children` it is as elsewhere.

Extractors are forked off a warm process, and none starts a JavaScript runtime. What ffprobe, exiftool and the C2PA reader say is
a function of a file's bytes: they are asked once for the same bytes.
"""

from __future__ import annotations

import copy
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from archiver.children import python_environment
from archiver.tools import probe, ytdlp_pool
from storage.digest import file_sha256
from tests.support import forked_extractors

REAL = [
    (ytdlp_pool, "worker_command", ytdlp_pool.worker_command),
    (ytdlp_pool, "runtime", ytdlp_pool.runtime),
    (probe.MediaProbe, "facts", probe.MediaProbe.facts),
]


@pytest.fixture(scope="session", autouse=True)
def warm_extractors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have extractors forked off one process, which starts when the first is needed."""
    started: list[subprocess.Popen[bytes]] = []

    @cache
    def command() -> list[str]:
        folder = tmp_path_factory.mktemp("extractors")
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
            listening.bind(path := str(folder / "socket"))
            listening.listen(16)
            code = f"from tests.support.forked_extractors import serve; serve({listening.fileno()})"
            given = python_environment(HOME=str(folder), YTDLP_NO_PLUGINS="1", no_proxy="")
            started.append(
                subprocess.Popen(
                    [sys.executable, "-c", code], stdin=subprocess.PIPE, env=given, pass_fds=[listening.fileno()]
                )
            )
        return [sys.executable, "-I", "-S", str(Path(forked_extractors.__file__)), path]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ytdlp_pool, "worker_command", command)
        patch.setattr(ytdlp_pool, "runtime", lambda: None)
        yield
    for server in started:
        server.communicate()


@pytest.fixture(scope="session", autouse=True)
def files_probed_once() -> Iterator[None]:
    """Have the tools asked about the same bytes once, as long as the same tools are found."""
    facts = probe.MediaProbe.facts
    said: dict[object, dict[str, Any]] = {}

    def once(self: probe.MediaProbe, path: Path, c2pa_marked: bool) -> dict[str, Any]:
        tools = (probe.program("ffprobe"), probe.program("exiftool"), probe.find_spec("c2pa") is None)
        key = (file_sha256(path).digest(), c2pa_marked, tools)
        if key not in said:
            said[key] = facts(self, path, c2pa_marked)
        return copy.deepcopy(said[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(probe.MediaProbe, "facts", once)
        yield


def javascript_runtime() -> str:
    """Return where the runtime lies that the program finds, under `real_children`; a skip without one, in CI a failure."""
    found = ytdlp_pool.runtime()
    if found is None:
        message = "no JavaScript runtime for yt-dlp (deno); scripts/setup.sh test installs it"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)
    return found


@pytest.fixture
def real_children(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start everything as the program does, with the JavaScript runtime that is installed."""
    for where, name, real in REAL:
        monkeypatch.setattr(where, name, real)
