"""Replay of the recordings in a package, by ReplayWeb.page: `archiver serve PACKAGE` shows them on this machine alone.

The viewer is a program of others (webrecorder.net, AGPL-3.0), pinned here by digest and never changed; `scripts/setup.sh`
fetches it from npm. It is never taken out of a package: what lies there is somebody else's.
"""

from __future__ import annotations

import http.server
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from archiver.errors import NotFound
from archiver.export.templates import page
from storage.digest import file_sha256

FILES = {
    "ui.js": "ad95b260fa467a6c4799e669ad76ac8e7d5abefa71d1a2970ae6b63dc454a3c3",
    "sw.js": "29a833e871e2f9b7f135f5b86bba0476b69ad975c129c2473ff5055f73f5a2d0",
}
"""SHA-256 of the two files of version 2.5.3."""
POLICY = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; connect-src 'self' data: blob:; form-action 'none'"
)
_TYPES = {".js": "text/javascript", ".wacz": "application/wacz+zip"}
_PIECE = 1 << 20


def installed(environment: Mapping[str, str]) -> Path | None:
    """Return the folder with the viewer's two files, whole and unchanged; None where there is none."""
    places = [Path(environment["ARCHIVER_REPLAY"])] if "ARCHIVER_REPLAY" in environment else []
    places += [Path(sys.prefix) / "share" / "archiver" / "replaywebpage"]
    places += [Path(os.path.expanduser("~/.local/share/archiver/replaywebpage"))]
    for folder in places:
        try:
            if all(file_sha256(folder / name).hexdigest() == digest for name, digest in FILES.items()):
                return folder
        except OSError:
            continue
    return None


def archive_in(path: Path) -> Path:
    """Return the WACZ file of a package, or the file itself. Raises `NotFound`."""
    found = path / "data" / "archive.wacz" if path.is_dir() else path
    if not found.is_file() or found.suffix != ".wacz":
        raise NotFound(
            "a full package, unpacked, or a .wacz file",
            f"none at {path}",
            "Packages of other profiles hold no recordings; an encrypted one has to be opened first (docs/how-to/check.md).",
        )
    return found


def server(archive: Path, viewer: Path, port: int) -> http.server.ThreadingHTTPServer:
    """Return a server of the viewer and one WACZ file, on 127.0.0.1. Raises `OSError` where the port is taken."""
    places = {"/ui.js": viewer / "ui.js", "/replay/sw.js": viewer / "sw.js", "/archive.wacz": archive}
    handler = type(
        "Handler", (_Handler,), {"places": places, "index": page("replay.html.j2", name=archive.parent.parent.name)}
    )
    return http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)


class _Handler(http.server.BaseHTTPRequestHandler):
    """Answers with the viewer and the archive, and nothing else of the disk; tells the browser to ask nobody else."""

    places: ClassVar[Mapping[str, Path]] = {}
    index: ClassVar[bytes] = b""

    def log_message(self, *_: Any) -> None:
        """Log nothing."""

    def do_HEAD(self) -> None:
        """Answer with the header alone."""
        self._answer(body=False)

    def do_GET(self) -> None:
        """Answer with the whole file, or with the one byte range that was asked for (RFC 9110 section 14)."""
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        name = self.path.partition("?")[0]
        if name in ("/", "/index.html"):
            self._begin(200, "text/html; charset=utf-8", len(self.index))
            self.wfile.write(self.index if body else b"")
            return
        path = self.places.get(name)
        if path is None or not self._own_host():
            self.send_error(404)
            return
        size = path.stat().st_size
        asked = re.fullmatch(r"bytes=([0-9]+)-([0-9]*)", self.headers.get("Range", ""))
        start = int(asked[1]) if asked else 0
        end = min(int((asked and asked[2]) or size - 1), size - 1)
        if start > end:
            self.send_error(416)
            return
        more = (("Content-Range", f"bytes {start}-{end}/{size}"),) if asked else ()
        self._begin(206 if asked else 200, _TYPES[path.suffix], end - start + 1, *more)
        if body:
            with open(path, "rb") as stream:
                stream.seek(start)
                left = end - start + 1
                while left and (data := stream.read(min(left, _PIECE))):
                    self.wfile.write(data)
                    left -= len(data)

    def _own_host(self) -> bool:
        """Whether it was asked under its own name: a page elsewhere can give another name to this address."""
        return self.headers.get("Host", "").rpartition(":")[0] in ("127.0.0.1", "localhost")

    def _begin(self, status: int, kind: str, length: int, *more: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (
            ("Content-Type", kind), ("Content-Length", str(length)), ("Content-Security-Policy", POLICY), ("Accept-Ranges", "bytes"),
            ("Cache-Control", "no-store"), *more,
        ):  # fmt: skip
            self.send_header(name, value)
        self.end_headers()
