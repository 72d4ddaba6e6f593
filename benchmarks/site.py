"""The site that both sides fetch from: nginx over plain and TLS, a gigabyte of noise, pages of a channel."""

from __future__ import annotations

import json
import os
import random
import subprocess
from functools import cached_property
from pathlib import Path

import trustme

from benchmarks.processes import ADDRESS, free_port, wait_for

FILMS_HOST = "rr1---sn-demo.googlevideo.com"


def page(number: int) -> bytes:
    """Return 20,480 bytes of a channel's page, in the platform's own markup, each different."""
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


def pages(made: Path, count: int) -> list[bytes]:
    """Return the first pages, each made once a run."""
    www = made / "www"
    www.mkdir(exist_ok=True)
    for number in range(count):
        if not (www / f"{number}.html").exists():
            (www / f"{number}.html").write_bytes(page(number))
    return [(www / f"{number}.html").read_bytes() for number in range(count)]


def noise(made: Path, name: str, size: int) -> Path:
    """Return a file of noise, made once a run."""
    path = made / "www" / name
    path.parent.mkdir(exist_ok=True)
    if not path.exists():
        source, partial = random.Random(7), path.with_suffix(".part")
        with open(partial, "wb") as out:
            for at in range(0, size, 10**6):
                out.write(source.randbytes(min(10**6, size - at)))
        os.replace(partial, path)
    return path


class Site:
    """A running nginx. It ends with the trial, whose processes are ended together."""

    def __init__(self, made: Path, folder: Path, nginx: str, gigabyte: int) -> None:
        self.made, self._folder, self._gigabyte = made, folder, gigabyte
        self.www = made / "www"
        self.www.mkdir(exist_ok=True)
        authority = trustme.CA()
        self.roots = folder / "roots.pem"
        self.roots.write_bytes(authority.cert_pem.bytes())
        for name, hosts in (("site", ("bench.example", ADDRESS)), ("films", (FILMS_HOST,))):
            leaf = authority.issue_cert(*hosts)
            (folder / f"{name}.pem").write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
            leaf.private_key_pem.write_to_path(str(folder / f"{name}-key.pem"))
        self.tls, self.plain, self.films = free_port(), free_port(), free_port()
        (folder / "nginx.conf").write_text(self._settings())
        command = [nginx, "-c", str(folder / "nginx.conf"), "-p", str(folder)]
        subprocess.Popen(command, stderr=subprocess.DEVNULL)
        wait_for(self.tls)
        self.order = {
            "folder": str(folder),
            "roots": str(self.roots),
            "address": ADDRESS,
            "routes": json.dumps({"bench.example:443": self.tls, "bench.example:80": self.plain}),
        }

    def _settings(self) -> str:
        folder = self._folder

        def server(port: int, name: str, more: str = "") -> str:
            tls = f"ssl_certificate {folder}/{name}.pem; ssl_certificate_key {folder}/{name}-key.pem;" if name else ""
            return f"server {{ listen {ADDRESS}:{port}{' ssl' if name else ''}; {tls} root {self.www}; {more} }}"

        return f"""daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1; user root;
events {{ worker_connections 1024; }}
http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; types {{ text/html html; video/mp4 mp4; }}
 {server(self.tls, "site")}
 {server(self.plain, "")}
 {server(self.films, "films", "location = /videoplayback { rewrite ^ /video.mp4 last; }")} }}"""

    @cached_property
    def video(self) -> Path:
        """Return the gigabyte, served as /video.mp4."""
        return noise(self.made, "video.mp4", self._gigabyte)
