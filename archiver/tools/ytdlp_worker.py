"""A yt-dlp process: jobs come in on standard input as JSON lines, answers go out on standard output.

Started by `archiver.tools.ytdlp_pool` with an environment of its own. It reaches nothing but the recorder, by one port on
loopback, which it opens itself, where it can in a network of its own, and hands to its parent; and it starts no program but
the JavaScript runtime that it was named, without a permission to anything.
"""

from __future__ import annotations

import json
import logging
import os
import re
import socket
import sys
import time
from dataclasses import dataclass
from typing import Any

from archiver import fence
from archiver.home.log import begin_child_log

TAKEN = frozenset(
    {
        "id", "title", "ext", "extractor", "extractor_key", "webpage_url", "original_url", "duration", "chapters",
        "is_live", "was_live", "live_status", "formats", "requested_formats", "format_id", "protocol", "url",
        "http_headers", "filesize", "filesize_approx", "width", "height", "fps", "vcodec", "acodec", "tbr", "vbr", "abr",
        "fragments", "fragment_base_url", "manifest_url", "downloader_options", "language", "format_note", "container",
        "requested_subtitles", "subtitles", "automatic_captions", "thumbnails", "entries", "_type", "has_drm", "direct",
    }
)  # fmt: skip
"""What the parent works with. The whole description travels beside it, for the private record."""


SOCKET, RUNTIME = "EXTRACTOR_SOCKET", "EXTRACTOR_RUNTIME"
"""Variables of this process: the descriptor by which its port is handed over, and where the JavaScript runtime lies."""
FENCES = "--fences"
"""Asked for so, the process says what would hold it, and ends."""
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_CONTACTS = ("socket.connect", "socket.sendto", "socket.sendmsg")
_LOOKUPS = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")
_STARTS = ("os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "pty.spawn")
_PERMISSIONS = re.compile(r"-[A-Z]|--(?:allow|unsafely|unstable|permission)", re.ASCII)


@dataclass(frozen=True)
class Guard:
    """An audit hook (PEP 578): the recorder alone is contacted, and `runtime` alone is started.

    `port` on loopback leads to the recorder; any does where it is None. It holds for yt-dlp's code; what the kernel refuses
    (`archiver.fence`) holds for all that runs here.
    """

    port: int | None = None
    runtime: str | None = None

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Let an event pass, or raise `PermissionError`."""
        if event in _CONTACTS:
            self._contact(arguments[1] if len(arguments) > 1 else None)
        elif event in _LOOKUPS and arguments[0] not in (*_LOOPBACK, None):
            raise PermissionError(f"only the recorder looks up names, and not {arguments[0]}")
        elif event == "subprocess.Popen":
            self._start(arguments[0], arguments[1])
        elif event in _STARTS:
            raise PermissionError(f"no program may be started ({event})")

    def _contact(self, address: Any) -> None:
        if address is None:  # over a connection that was let pass
            return
        known = isinstance(address, tuple) and address[0] in _LOOPBACK and self.port in (None, address[1])
        if not known:
            raise PermissionError(f"only the recorder may be contacted, not {address}")

    def _start(self, program: Any, words: Any) -> None:
        if self.runtime is None or program != self.runtime or not isinstance(words, list) or words[0] != self.runtime:
            raise PermissionError(f"no program may be started, and not {program}")
        asks = words[1:] == ["--version"]
        runs = words[1:2] == ["run"] and "--no-prompt" in words
        if not (asks or runs) or any(_PERMISSIONS.match(str(word)) for word in words[2:]):
            raise PermissionError(f"{program} may run a script without permissions, and nothing else: {words}")


def enclose() -> tuple[int | None, list[str]]:
    """Fence this process in by all that the kernel and Python give; return its port and the fences in force.

    The port is None where no parent takes it.
    """
    taken = os.environ.pop(SOCKET, None)
    fences = [fence.NAMESPACE] if taken is not None and fence.enter_namespace() else []
    port = None
    if taken is not None:
        with socket.create_server(("127.0.0.1", 0), backlog=64) as listener, socket.socket(fileno=int(taken)) as parent:
            port = listener.getsockname()[1]
            socket.send_fds(parent, [b"port"], [listener.fileno()])
        fences += [fence.LANDLOCK] if fence.restrict_tcp(port) else []
    sys.addaudithook(Guard(port, os.environ.get(RUNTIME)))
    return port, [*fences, fence.HOOK]


class Log:
    """Collects the warnings of yt-dlp."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def debug(self, text: str) -> None:
        """Drop what is only for debugging."""

    def warning(self, text: str) -> None:
        """Keep a warning for the answer to the job."""
        self.warnings.append(text)

    def error(self, text: str) -> None:
        """Keep an error beside the warnings; the exception that follows it tells the cause."""
        self.warnings.append(text)


_SPOKEN = "[protocol!~='^(rtmp|rtsp|mms|ftp|websocket|fc2|niconico)']"
OPTIONS: dict[str, Any] = {
    "compat_opts": {"no-certifi"},
    "noplaylist": True,
    "cachedir": False,
    "ignoreconfig": True,
    "check_formats": False,
    # What yt-dlp fetches by itself before what needs a program of its own, which is not started.
    "format": f"bv*{_SPOKEN}+ba{_SPOKEN}/b{_SPOKEN}/bv*+ba/b",
    "writesubtitles": True,
    "writeautomaticsub": True,
    "allsubtitles": True,
    "socket_timeout": 60,
    "retries": 3,
    "extractor_retries": 1,
    # ffmpeg would reach the network past the recorder for some formats; it is not used here.
    "ffmpeg_location": "/nonexistent",
    "hls_prefer_native": True,
    "external_downloader": {"default": "native"},
    "fixup": "never",
    "concurrent_fragment_downloads": 1,
}
"""What every job asks of yt-dlp; the manifest of a capture lists it."""


NOWHERE = "http://127.0.0.1:9"
"""The proxy of a job that asks nobody."""


def options(job: dict[str, Any], log: Log) -> dict[str, Any]:
    """Return the options of one job: the common ones, and what only the job knows."""
    agent = {"User-Agent": job["user_agent"]} if job.get("user_agent") else {}
    chosen = {
        **OPTIONS,
        "js_runtimes": {"deno": {"path": runtime}} if (runtime := os.environ.get(RUNTIME)) else {},
        "proxy": NOWHERE if job["do"] == "claims" else job["proxy"],
        "logger": log,
        "quiet": True,
        "noprogress": True,
        "color": "never",
        "http_headers": agent,
    }
    if job.get("most"):
        chosen["playlistend"] = job["most"]
    if job.get("format"):
        chosen["format"] = job["format"]
    if job.get("cookies"):
        chosen["cookiefile"] = job["cookies"]
    if job.get("extractor_args"):
        chosen["extractor_args"] = job["extractor_args"]
    if job.get("folder"):
        chosen |= {"paths": {"home": job["folder"]}, "outtmpl": {"default": "media.%(ext)s"}, "overwrites": True}
        chosen |= {"writesubtitles": False, "writeautomaticsub": False, "allsubtitles": False}
    return chosen


def stated_options() -> dict[str, str]:
    """Return the common options as text, for the manifest."""
    return {name: ", ".join(sorted(value)) if isinstance(value, set) else str(value) for name, value in OPTIONS.items()}


def work(job: dict[str, Any]) -> dict[str, Any]:
    """Do one job: tell which extractor claims the link, or describe it; with `folder`, download its files too.

    Returns the answer as JSON; what yt-dlp reports as failed is in `error`. Other exceptions end the process.
    """
    import yt_dlp
    from yt_dlp.utils import DownloadError

    log = Log()
    try:
        with yt_dlp.YoutubeDL(options(job, log)) as ydl:
            if job["do"] == "claims":
                return {"claims": claimed(ydl, job["url"])}
            found = ydl.extract_info(job["url"], download=bool(job.get("folder")))
            whole = ydl.sanitize_info(found)
            return {"info": taken(whole), "whole": whole, "warnings": log.warnings[:50]}
    except DownloadError as error:
        cause = error.exc_info[1] if error.exc_info else None
        kind = type(cause).__name__ if cause is not None else "DownloadError"
        said = str(getattr(cause, "orig_msg", None) or cause or error)
        return {"error": {"kind": kind, "said": said[:1000]}, "warnings": log.warnings[:50]}


def claimed(ydl: Any, url: str) -> str | None:
    """Return the name of the extractor made for that link, or None where only the generic one fits."""
    for name, extractor in ydl._ies.items():
        if name != "Generic" and extractor.suitable(url):
            return str(name)
    return None


def taken(info: Any) -> Any:
    """Return the part of a description that the parent needs."""
    if not isinstance(info, dict):
        return info
    part = {name: value for name, value in info.items() if name in TAKEN}
    for name in ("formats", "requested_formats", "entries"):
        if isinstance(part.get(name), list):
            part[name] = [taken(item) for item in part[name]]
    return part


def main(words: list[str]) -> None:
    """Answer jobs, one JSON object a line: read from standard input until it ends, written to standard output.

    `words`: what `archiver.home.log.child_words` handed over.
    """
    begin_child_log(logging.getLogger("archiver.tools.ytdlp_worker"), words)
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever prints goes to standard error, not between the answers
    port, fences = enclose()
    import yt_dlp
    from yt_dlp.version import __version__

    with yt_dlp.YoutubeDL(options({"do": "claims"}, Log())) as ydl:
        runtime = runtimes(ydl)
    out.write(json.dumps({"ready": __version__, "js_runtime": runtime, "port": port, "fences": fences}) + "\n")
    out.flush()
    for line in sys.stdin:
        job = json.loads(line)
        started = time.monotonic()
        # What yt-dlp does not catch itself ends this process: the parent says so and starts another.
        answer = work(job) | {"job": job["job"], "seconds": round(time.monotonic() - started, 3)}
        out.write(json.dumps(answer, default=str) + "\n")
        out.flush()


def runtimes(ydl: Any) -> str | None:
    """Return name and version of the JavaScript runtime that yt-dlp would use, or None."""
    for name, runtime in (getattr(ydl, "_js_runtimes", None) or {}).items():
        info = getattr(runtime, "info", None)
        if info is not None and getattr(info, "supported", True):
            return f"{name} {getattr(info, 'version', '')}".strip()
    return None


if __name__ == "__main__":
    if sys.argv[1:] == [FENCES]:
        sys.stdout.write(json.dumps(enclose()[1]))
    else:
        main(sys.argv[1:])
