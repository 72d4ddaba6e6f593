#!/usr/bin/env python3
"""Shows the recordings of this package in a browser: python3 data/replay/serve.py

A viewer needs a web server, even on one's own machine; this one answers on 127.0.0.1 alone, and tells the browser to ask
nobody else. It shows; it does not check: that is what check.py is for.
"""

import contextlib
import http.server
import os
import re
import sys
import webbrowser
from typing import Any

HERE = os.path.dirname(os.path.abspath(__file__))
POLICY = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; connect-src 'self' data: blob:; form-action 'none'"
)


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves the files below `data/`, with byte ranges: the viewer reads a large archive piece by piece."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments, directory=os.path.dirname(HERE))

    def end_headers(self) -> None:
        """Add the fields that keep the browser from contacting other hosts and from caching, and end the header."""
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, *_: Any) -> None:
        """Log nothing."""

    def do_GET(self) -> None:
        """Answer with the whole file, or with the one byte range that was asked for (RFC 9110 section 14)."""
        path = self.translate_path(self.path)
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not asked or not os.path.isfile(path):
            super().do_GET()
            return
        size = os.path.getsize(path)
        start, end = int(asked[1]), min(int(asked[2] or size - 1), size - 1)
        if start > end:
            self.send_error(416)
            return
        self.send_response(206)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Range", f"bytes {start}-{end}/{size}")
        self.send_header("Content-Length", str(end - start + 1))
        self.end_headers()
        left = end - start + 1
        with open(path, "rb") as stream:
            stream.seek(start)
            while left:
                data = stream.read(min(left, 1 << 20))
                self.wfile.write(data)
                left -= len(data)


def main() -> None:
    """Serve on 127.0.0.1 until Ctrl-C. Arguments: port, 8765 if none; with a second one, no browser is opened."""
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8765
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    address = f"http://127.0.0.1:{server.server_port}/replay/index.html"
    sys.stdout.write(f"The recordings are shown at {address}\n")
    sys.stdout.flush()
    if len(sys.argv) < 3:
        webbrowser.open(address)
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()


if __name__ == "__main__":
    main()
