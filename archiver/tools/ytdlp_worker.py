"""A yt-dlp process: jobs come in on standard input as JSON lines, answers go out on standard output.

Started by `archiver.tools.ytdlp_pool` with an environment of its own. It reaches nothing but the recorder: a connection to any
other address is refused here, whatever an extractor or a runtime may try.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from typing import Any

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


def only_loopback(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse connections to anything but loopback (an audit hook, PEP 578). Raises `PermissionError`."""
    if event in ("socket.connect", "socket.sendto") and len(arguments) > 1:
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None
        if isinstance(host, str) and host not in ("127.0.0.1", "::1", "localhost"):
            raise PermissionError(f"only the recorder may be contacted, not {host}")


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


OPTIONS: dict[str, Any] = {
    "compat_opts": {"no-certifi"},
    "noplaylist": True,
    "cachedir": False,
    "ignoreconfig": True,
    "check_formats": False,
    "format": "bv*+ba/b",
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
    sys.addaudithook(only_loopback)
    import yt_dlp
    from yt_dlp.version import __version__

    with yt_dlp.YoutubeDL({"quiet": True, "logger": Log(), "cachedir": False}) as ydl:
        runtime = runtimes(ydl)
    out.write(json.dumps({"ready": __version__, "js_runtime": runtime}) + "\n")
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
    main(sys.argv[1:])
