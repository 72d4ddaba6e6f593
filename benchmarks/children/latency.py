"""A server of pages with a video, each answer after a latency. Prints its port.

python -m benchmarks.children.latency ADDRESS SECONDS VIDEO
"""

from __future__ import annotations

import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ADDRESS, LATENCY, VIDEO = sys.argv[1], float(sys.argv[2]), Path(sys.argv[3]).read_bytes()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *words: object) -> None:
        pass

    def do_GET(self) -> None:
        time.sleep(LATENCY)
        if self.path.endswith(".mp4"):
            body, kind = VIDEO, "video/mp4"
        else:
            body = (
                f"<html><head><title>Page {self.path}</title></head><body><h1>Page {self.path}</h1><p>{'text here ' * 60}</p>"
                f'<video src="{self.path}.mp4" controls></video></body></html>'
            ).encode()
            kind = "text/html"
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


server = Server((ADDRESS, 0), Handler)
sys.stdout.write(f"{server.server_address[1]}\n")
sys.stdout.flush()
server.serve_forever()
