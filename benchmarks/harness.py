"""What every benchmark stands on: the stage that both sides are measured on, and the table of what was measured."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import trustme

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
LONG_ROUNDS = min(3, ROUNDS)
"""Rounds of what takes minutes."""
GIGABYTE = 10**9
ADDRESS = "127.0.0.2"  # warcprox refuses 127.0.0.1
ROOT = Path(__file__).parents[1]
Row = Callable[[str, str, str, str], None]
"""Takes what was measured, its figures, the ratio to the peer, and the goal."""
ROWS: list[tuple[str, str, str, str]] = []


def row(what: str, measured: str, ratio: str, goal: str) -> None:
    """Keep one line of the table, and print it as soon as it is known."""
    ROWS.append((what, measured, ratio, goal))
    print(f"{what:<66} {measured:<40} {ratio:<18} goal {goal}", flush=True)


def say_table() -> None:
    """Print every line again, as the table that docs/benchmarks.md takes."""
    print("\n| measured | figures | ratio | goal |\n|---|---|---|---|")
    for line in ROWS:
        print("| " + " | ".join(part.strip() for part in line) + " |")


def spread(values: list[float]) -> str:
    """Write a median with its extremes."""
    return f"{statistics.median(values):.3f} [{min(values):.3f}-{max(values):.3f}]"


def free_port() -> int:
    with socket.create_server((ADDRESS, 0)) as sock:
        return int(sock.getsockname()[1])


def wait_for(port: int, address: str = ADDRESS) -> None:
    for _ in range(300):
        with contextlib.suppress(OSError), socket.create_connection((address, port), 1):
            return
        time.sleep(0.05)
    raise SystemExit(f"nothing listens on {address}:{port}")


def page(number: int) -> bytes:
    """20,480 bytes of a channel's page, in the platform's own markup, each different."""
    from datetime import UTC, datetime

    from archiver.demo.server import Asked
    from archiver.demo.telegram import DemoChannel, DemoPost, Medium, Telegram

    source = random.Random(number)
    said = [
        "Алаңда адамдар жиналып жатыр.",
        "Видео с площади, снято около полудня.",
        "They fired from the roof.",
        "Көше жабық.",
    ]
    words = " ".join(said).split()
    now = datetime(2022, 1, 5, tzinfo=UTC)
    posts = []
    for n in range(9):
        text = " ".join(source.choice(words) for _ in range(40))
        media = [Medium("photo", f"{source.randbytes(96).hex()}.jpg")] if n % 2 else []
        posts.append(DemoPost(n + 1, now, text, media, views=f"{source.randrange(1, 99)}.{source.randrange(9)}K"))
    telegram = Telegram([DemoChannel(f"channel{number}", f"Channel {number}", -number, posts)], b"", lambda: now)
    data = telegram.web(Asked("t.me", f"/s/channel{number}", {}, {})).body
    return data[:20480].ljust(20480, b" ")


class Stage:
    """nginx over plain and TLS, a gigabyte of noise, and 3,000 pages."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        www = folder / "www"
        www.mkdir()
        source = random.Random(7)
        with open(www / "video.mp4", "wb") as out:
            for _ in range(GIGABYTE // 10**6):
                out.write(source.randbytes(10**6))
        (www / "small.mp4").write_bytes(source.randbytes(2 << 20))
        for number in range(3000):
            (www / f"{number}.html").write_bytes(page(number))
        authority = trustme.CA()
        leaf = authority.issue_cert("bench.example", ADDRESS)
        self.roots = folder / "roots.pem"
        self.roots.write_bytes(authority.cert_pem.bytes())
        (folder / "chain.pem").write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
        leaf.private_key_pem.write_to_path(str(folder / "key.pem"))
        self.tls, self.plain, self.media = free_port(), free_port(), free_port()
        films = authority.issue_cert("rr1---sn-demo.googlevideo.com")
        (folder / "films.pem").write_bytes(b"".join(blob.bytes() for blob in films.cert_chain_pems))
        films.private_key_pem.write_to_path(str(folder / "films-key.pem"))
        (folder / "nginx.conf").write_text(
            f"""daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1; user root;
events {{ worker_connections 1024; }}
http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; types {{ text/html html; video/mp4 mp4; }}
 server {{ listen {ADDRESS}:{self.tls} ssl; ssl_certificate {folder}/chain.pem; ssl_certificate_key {folder}/key.pem; root {www}; }}
 server {{ listen {ADDRESS}:{self.plain}; root {www}; }}
 server {{ listen {ADDRESS}:{self.media} ssl; ssl_certificate {folder}/films.pem; ssl_certificate_key {folder}/films-key.pem; root {www};
   location = /videoplayback {{ rewrite ^ /video.mp4 last; }} }} }}"""
        )
        binary = shutil.which("nginx") or "/usr/sbin/nginx"
        self._nginx = subprocess.Popen(
            [binary, "-c", str(folder / "nginx.conf"), "-p", str(folder)], stderr=subprocess.DEVNULL
        )
        wait_for(self.tls)
        self.order = {
            "folder": str(folder),
            "roots": str(self.roots),
            "address": ADDRESS,
            "routes": json.dumps({"bench.example:443": self.tls, "bench.example:80": self.plain}),
        }

    def clean(self) -> None:
        """Remove what a round left behind."""
        for path in self.folder.glob("tmp*"):
            shutil.rmtree(path, ignore_errors=True)

    def stop(self) -> None:
        self._nginx.terminate()
        self._nginx.wait()
