"""Extractor processes that start at once: forked off a process that has yt-dlp imported.

A cold start takes a second of processor time, and each command that looks at a page makes one or two. Each is a process as the
pool starts it, with an environment, a folder and fences of its own; only the imports are made once. In its place the pool sees
a small program, this file run by itself, which hands its pipes over and ends as that process ends; killed, it takes it with it.
"""

from __future__ import annotations

import array
import contextlib
import json
import os
import socket
import sys
from typing import NoReturn

CHANNEL = "EXTRACTOR_SOCKET"
ASKED = 1 << 16


def hand_over(path: str, words: list[str]) -> int:
    """Have a process forked that works in our place; return its exit code. What takes long to import is left out here."""
    if os.pathsep in os.environ["PYTHONPATH"]:  # another version of yt-dlp than the one that is imported
        os.execv(sys.executable, [sys.executable, "-m", "archiver.tools.ytdlp_worker", *words])
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
        server.connect(path)
        passed = array.array("i", [0, 1, 2, int(os.environ[CHANNEL])])
        order = json.dumps({"environment": dict(os.environ), "words": words, "folder": os.getcwd()})
        server.sendmsg([order.encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, passed)])
        for descriptor in passed:
            os.close(descriptor)
        return int(server.recv(16) or b"1")


class Extractors:
    """The process that forks; standard input, which ends with the tests, ends it."""

    def __init__(self, server: socket.socket) -> None:
        import selectors

        self._server = server
        self._selector = selectors.DefaultSelector()
        self._selector.register(0, selectors.EVENT_READ, None)
        self._selector.register(server, selectors.EVENT_READ, self._begin)

    def serve(self) -> None:
        """Fork an extractor for each that asks."""
        while True:
            for key, _ in self._selector.select():
                if key.data is None:
                    return
                key.data()

    def _begin(self) -> None:
        import selectors

        asker, _ = self._server.accept()
        order, passed, _, _ = socket.recv_fds(asker, ASKED, 4)
        pid = os.fork()
        if pid == 0:
            become_extractor(json.loads(order), passed)
        for descriptor in passed:
            os.close(descriptor)
        ended = os.pidfd_open(pid)
        self._selector.register(ended, selectors.EVENT_READ, lambda: self._ended(pid, ended, asker))
        self._selector.register(asker, selectors.EVENT_READ, lambda: self._left(pid, asker))

    def _left(self, pid: int, asker: socket.socket) -> None:
        """Who asked was killed."""
        if asker.fileno() < 0:  # and it had ended
            return
        self._selector.unregister(asker)
        asker.close()
        os.kill(pid, 9)

    def _ended(self, pid: int, ended: int, asker: socket.socket) -> None:
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        self._selector.unregister(ended)
        os.close(ended)
        if asker.fileno() >= 0:
            self._selector.unregister(asker)
            with contextlib.suppress(OSError):
                asker.send(str(code if code >= 0 else 128 - code).encode())
            asker.close()


def become_extractor(order: dict[str, dict[str, str]], passed: list[int]) -> NoReturn:
    """Go on as the process that the pool started, and end as Python would."""
    import tempfile

    from archiver.tools import ytdlp_worker

    os.setsid()
    for number, descriptor in enumerate(passed):
        os.dup2(descriptor, number)
    os.closerange(len(passed), 1024)
    os.chdir(str(order["folder"]))
    os.environ.clear()
    os.environ.update(order["environment"])
    os.environ[CHANNEL] = str(len(passed) - 1)
    tempfile.tempdir = None
    code = 0
    try:
        ytdlp_worker.main([str(word) for word in order["words"]])
    except BaseException as error:  # noqa: BLE001  as the interpreter does it
        sys.excepthook(type(error), error, error.__traceback__)
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def serve(listening: int) -> None:
    """Import all that an extractor needs, and fork."""
    import gc

    import yt_dlp

    from archiver.tools import ytdlp_worker

    with yt_dlp.YoutubeDL(ytdlp_worker.options({"do": "claims"}, ytdlp_worker.Log())):
        gc.freeze()
    Extractors(socket.socket(fileno=listening)).serve()


if __name__ == "__main__":
    sys.exit(hand_over(sys.argv[1], sys.argv[2:]))
