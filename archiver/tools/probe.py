"""What ffprobe, exiftool and a C2PA reader say of a media file. None of them may ask anybody."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from archiver.children import program, python_environment, python_reads, run
from archiver.home.log import IN_LOG, child_words
from archiver.tools.exiftool import READ_SECONDS, ExifTool, without_path
from archiver.tools.ffmpeg import FILES_ONLY


class MediaProbe:
    """Asks whichever of the three tools are installed about files.

    Implements `archiver.home.ports.Inspector`; `close` ends what it started.
    """

    def __init__(self) -> None:
        self._exiftool = ExifTool()

    def available(self) -> bool:
        """Return whether there is anything that could say more of a file."""
        return bool(program("ffprobe") or program("exiftool") or find_spec("c2pa"))

    def facts(self, path: Path, c2pa_marked: bool) -> dict[str, Any]:
        """Return what each installed tool says of a file.

        `c2pa_marked`: the file seems to hold content credentials.
        """
        facts: dict[str, Any] = {}
        if (ffprobe := program("ffprobe")) is not None:
            facts["ffprobe"] = _by_ffprobe(ffprobe, path)
        if program("exiftool") is not None:
            facts["exiftool"] = self._exiftool.read(path)
        if c2pa_marked:
            none = {"present": True, "read": None, "reason": "no C2PA reader is installed"}
            facts["c2pa"] = read_c2pa(path) or none
        return facts

    def close(self) -> None:
        """End the processes that were started."""
        self._exiftool.close()


def _by_ffprobe(ffprobe: str, path: Path) -> Any:
    arguments = ["-v", "error", *FILES_ONLY, "-show_format", "-show_streams", "-of", "json"]
    command = [ffprobe, *arguments, str(path)]
    try:
        done = run(command, reads=[path], timeout=READ_SECONDS)
        said = without_path(json.loads(done.stdout or b"null"), path)
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        return {"not_run": str(error)[:200]}
    if not done.returncode:
        return said
    lines = done.stderr.decode("utf-8", "replace").replace(f"{path}: ", "").strip().splitlines()
    # "[mov,mp4,m4a @ 0x55…] moov atom not found": the address is of this run only.
    return {"error": re.sub(r"^\[[^]]*\] ", "", lines[0])[:200] if lines else f"exit code {done.returncode}"}


def read_c2pa(path: Path) -> Any:
    """Return the content credentials in a file, by a process that has no network; None where no reader is installed."""
    if find_spec("c2pa") is None:
        return None
    command = [sys.executable, "-m", "archiver.tools.c2pa_reader", str(path), *child_words()]
    nowhere = dict.fromkeys(
        ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9"
    )
    try:
        done = run(command, reads=[path, *python_reads()], timeout=120, env=python_environment(**nowhere))
        if done.returncode:
            place = done.stderr.decode("utf-8", "replace").rstrip().rpartition("\n")[2]
            what = f"the reader ended with exit code {done.returncode}"
            return {"error": f"{what}; {place}" if place.startswith(IN_LOG) else what}
        return json.loads(done.stdout or b"null")
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        return {"error": str(error)[:200]}
