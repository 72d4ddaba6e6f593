"""What exiftool says of a file; one process for many files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from archiver.children import program, start

READ_SECONDS = 120.0
"""How long a probe may look at one file."""


class ExifTool:
    """One exiftool process for all files (`-stay_open`): Perl and its tables take longer to load than a file to read.

    It is started for the first file, and ends with `close`, or with the process that owns this.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._turn = threading.Lock()

    def read(self, path: Path) -> Any:
        """Return what exiftool says of a file, as JSON; an object with `error` where it cannot."""
        lines = ["-json", "-G", "-n", "-api", "largefilesupport=1", str(path), "-execute"]
        with self._turn:
            hung = threading.Timer(READ_SECONDS, self._kill)
            hung.start()
            try:
                process = self._started()
                assert process.stdin is not None
                assert process.stdout is not None
                process.stdin.write("".join(f"{line}\n" for line in lines).encode())
                process.stdin.flush()
                said = bytearray()
                while not said.endswith((b"{ready}\n", b"{ready}\r\n")):
                    line = process.stdout.readline()
                    if not line:
                        raise ValueError("it ended")
                    said += line
                value = json.loads(said[: said.rindex(b"{ready}")] or b"null")
            except (OSError, ValueError) as error:
                self.close()
                return {"error": str(error)[:200]}
            finally:
                hung.cancel()
        return without_path(value, path)

    def _kill(self) -> None:
        """A file that makes it think for ever is given up."""
        if self._process is not None:
            _kill_all(self._process)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            # exiftool would wait for ever for more of an input that has ended, as it does where we are killed: `cat` ends then,
            # and what follows it tells exiftool to end too.
            fed = '{ "$0"; printf "%s\\n" -stay_open False; } | exec "$@" -stay_open True -@ -'
            found = [program(name) for name in ("sh", "cat", "exiftool")]
            if None in found:
                raise FileNotFoundError("sh, cat and exiftool are needed")
            sh, cat, exiftool = map(str, found)
            command = [sh, "-c", fed, cat, *_by_interpreter(exiftool)]
            self._process = start(  # which files it will be asked about is not known yet
                command, reads=None, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
        return self._process

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            _kill_all(process)
            process.communicate()


def _by_interpreter(script: str) -> list[str]:
    """The words that start a script. One that asks `env` for its interpreter would find none in a child's environment."""
    with open(script, "rb") as stream:
        first = stream.readline(200).split()
    if first[:1] != [b"#!/usr/bin/env"] or (perl := program("perl")) is None:
        return [script]
    return [perl, script]


def _kill_all(process: subprocess.Popen[bytes]) -> None:
    """The process and what it started: they are a session of their own."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def without_path(value: Any, path: Path) -> Any:
    """Return what a tool says of a file, without what it says of our copy.

    The copy's name and times tell of this machine only.
    """
    hidden = {"filename", "SourceFile", "File:Directory", "File:FileName", "File:FileModifyDate", "File:FileAccessDate"}
    hidden |= {"File:FileInodeChangeDate", "File:FilePermissions"}
    if isinstance(value, dict):
        return {key: without_path(item, path) for key, item in value.items() if key not in hidden}
    if isinstance(value, list):
        return [without_path(item, path) for item in value]
    return value
