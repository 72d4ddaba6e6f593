"""ffmpeg and its kin on files we hold: merging, probing. Never with a network: only file names go in."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from archiver.errors import ArchiverError

TIMEOUT = 3600.0
READ_SECONDS = 120.0
"""How long a probe may look at one file."""
_TYPES = {".mp4": "video/mp4", ".webm": "video/webm", ".mkv": "video/x-matroska", ".m4a": "audio/mp4"}


class ConversionError(ArchiverError):
    """A conversion that did not happen."""


def media_type(path: Path) -> str:
    return _TYPES.get(path.suffix, "application/octet-stream")


def merge(paths: list[Path], folder: Path) -> tuple[Path, dict[str, Any]]:
    """One file of several streams, copied and not encoded again. Returns it and what made it.

    Raises `ConversionError`.
    """
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        raise ConversionError("ffmpeg", "none on this machine", "Install ffmpeg; the parts themselves are kept.")
    suffixes = {path.suffix for path in paths}
    form = ".mp4" if suffixes <= {".mp4", ".m4a"} else ".webm" if suffixes <= {".webm", ".weba"} else ".mkv"
    out = folder / f"merged{form}"
    arguments = ["-nostdin", "-v", "error", "-y", "-protocol_whitelist", "file"]
    for path in paths:
        arguments += ["-i", str(path)]
    for number in range(len(paths)):
        arguments += ["-map", str(number)]
    arguments += ["-c", "copy", "-bitexact", str(out)]
    try:
        done = subprocess.run(
            [ffmpeg, *arguments], capture_output=True, timeout=TIMEOUT, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConversionError("a merge by ffmpeg", str(error), "The parts themselves are kept.") from error
    if done.returncode or not out.exists():
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise ConversionError("a merge by ffmpeg", said[-1] if said else "nothing", "The parts themselves are kept.")
    shown = [item.replace(f"{folder}/", "") for item in arguments]
    return out, {"tool": version(ffmpeg), "arguments": shown}


def version(program: str) -> str:
    """The first line that a program says of its version."""
    try:
        done = subprocess.run([program, "-version"], capture_output=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return done.stdout.decode("utf-8", "replace").partition(" Copyright")[0].partition("\n")[0].strip()


def probes() -> bool:
    """Whether anything is installed that could say more of a file."""
    return bool(shutil.which("ffprobe") or shutil.which("exiftool") or find_spec("c2pa"))


def probe(path: Path, c2pa_marked: bool) -> dict[str, Any]:
    """What ffprobe, exiftool and a C2PA reader say of a file, each where it is present. None of them may ask anybody."""
    facts: dict[str, Any] = {}
    ffprobe = shutil.which("ffprobe")
    if ffprobe is not None:
        arguments = [
            "-v",
            "error",
            "-protocol_whitelist",
            "file",
            "-show_format",
            "-show_streams",
            "-of",
            "json",
            str(path),
        ]
        facts["ffprobe"] = _json([ffprobe, *arguments], path)
    if shutil.which("exiftool") is not None:
        facts["exiftool"] = EXIFTOOL.read(path)
    if c2pa_marked:
        facts["c2pa"] = read_c2pa(path) or {"present": True, "read": None, "reason": "no C2PA reader is installed"}
    return facts


class ExifTool:
    """One exiftool process for all files (`-stay_open`): Perl and its tables take longer to load than a file to read."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._turn = threading.Lock()

    def read(self, path: Path) -> Any:
        """What it says of a file, as JSON; an object with `error` where it cannot."""
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
        return _without_path(value, path)

    def _kill(self) -> None:
        """A file that makes it think for ever is given up."""
        if self._process is not None:
            _kill_all(self._process)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            # exiftool would wait for ever for more of an input that has ended, as it does where we are killed: `cat` ends then,
            # and what follows it tells exiftool to end too.
            fed = '{ cat; printf "%s\\n" -stay_open False; } | exec "$0" -stay_open True -@ -'
            command = ["sh", "-c", fed, shutil.which("exiftool") or "exiftool"]
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        return self._process

    def close(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            _kill_all(process)
            process.communicate()


def _kill_all(process: subprocess.Popen[bytes]) -> None:
    """The process and what it started: they are a session of their own."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


EXIFTOOL = ExifTool()
atexit.register(EXIFTOOL.close)


def _json(command: list[str], path: Path) -> Any:
    try:
        done = subprocess.run(command, capture_output=True, timeout=READ_SECONDS, check=False, stdin=subprocess.DEVNULL)
        value = json.loads(done.stdout or b"null")
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        return {"error": str(error)[:200]}
    return _without_path(value, path)


def _without_path(value: Any, path: Path) -> Any:
    """The scratch file's own name and times say nothing of the evidence, and something of this machine."""
    hidden = {"filename", "SourceFile", "File:Directory", "File:FileName", "File:FileModifyDate", "File:FileAccessDate"}
    hidden |= {"File:FileInodeChangeDate", "File:FilePermissions"}
    if isinstance(value, dict):
        return {key: _without_path(item, path) for key, item in value.items() if key not in hidden}
    if isinstance(value, list):
        return [_without_path(item, path) for item in value]
    return value


def read_c2pa(path: Path) -> Any:
    """Content credentials in the file, by a process that has no network; None where no reader is installed."""
    if find_spec("c2pa") is None:
        return None
    command = [sys.executable, "-m", "archiver.c2pa_reader", str(path)]
    unshare = shutil.which("unshare")
    if (
        unshare is not None
        and not subprocess.run([unshare, "-rn", "true"], capture_output=True, check=False).returncode
    ):
        command = [unshare, "-rn", *command]  # Linux: a network of its own, without a way out
    nowhere = dict.fromkeys(
        ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9"
    )
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            timeout=120,
            check=False,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **nowhere},
        )
        return json.loads(done.stdout or b"null")
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        return {"error": str(error)[:200]}
