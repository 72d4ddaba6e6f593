"""What tests of copies share: places on loopback, a home with something in it, and how to compare two homes."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from moto.server import ThreadedMotoServer

from archiver.cli.main import main
from archiver.home.home import Home
from tests.conftest import plain_home

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
FILM = random.Random(7).randbytes(3 << 20)
WORDS = "Өзен, алаң: бір куә"


@contextmanager
def moto() -> Iterator[str]:
    """A real S3 over HTTP: moto's. Its URL."""
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    try:
        yield "http://{}:{}".format(*running.get_host_and_port())
    finally:
        running.stop()


@cache
def client(url: str) -> Any:
    import boto3

    return boto3.client(
        "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )


def new_bucket(url: str, lock: bool = True) -> str:
    name = f"b{random.randrange(10**12)}"
    client(url).create_bucket(Bucket=name, ObjectLockEnabledForBucket=lock)
    return name


def add_place(home: Path, name: str, where: str, own: bool = False, endpoint: str = "", **more: str) -> None:
    """One more destination in archiver.toml."""
    lines = [f'name = "{name}"', f'where = "{where}"', f"own = {str(own).lower()}"]
    lines += [f'endpoint = "{endpoint}"'] if endpoint else []
    lines += [f"{key} = {value}" for key, value in more.items()]
    path = home / "archiver.toml"
    table = "[[copies.destination]]\n" + "".join(f"{line}\n" for line in lines) + "\n"
    text = path.read_text("utf-8").replace("after_captures = true", "after_captures = false")
    path.write_text(text.replace("[timestamps]\n", f"{table}[timestamps]\n", 1), "utf-8")


class Kept:
    """A home with two captures, one of them with a large file."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / "home"
        plain_home(self.home)
        for name, data in (("words.txt", WORDS.encode()), ("film.bin", FILM)):
            (folder / name).write_bytes(data)
            assert self.run("receive", str(folder / name), "--from", "S-1", "--via", "usb") == 0
        assert self.run("note", self.captures[0], "a note about it") == 0

    def again(self, folder: Path) -> Kept:
        """A copy of it all. The databases are left out: they can be made again, and one may be closing just now."""
        shutil.copytree(self.folder, folder, symlinks=True, ignore=shutil.ignore_patterns("*.sqlite*"))
        made = object.__new__(Kept)
        made.folder, made.home = folder, folder / "home"
        return made

    def run(self, *words: str) -> int:
        return main(["--home", str(self.home), *words], None, {})

    @property
    def captures(self) -> list[str]:
        home = Home(self.home)
        home.project()
        return [row["id"] for row in home.catalog.captures()]

    @property
    def film(self) -> Path:
        """The WARC file that holds the large one."""
        return max((self.home / "captures").rglob("*.warc.gz"), key=lambda path: path.stat().st_size)

    def folder_of(self, capture: str) -> Path:
        return next((self.home / "captures").glob(f"*/*/*/{capture}"))

    def recovery(self) -> Path:
        path = self.folder / "recovery.age-key"
        if not path.exists():
            assert self.run("recovery", "new", str(path)) == 0
        return path


EVIDENCE = ("captures", "events", "ledger", "proofs", "keys", "archiver.toml")


def evidence(home: Path) -> dict[str, bytes]:
    """Every file of a home that must come back, by its path."""
    found = {}
    for part in EVIDENCE:
        top = home / part
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            if path.is_file() and path.name != ".lock":
                found[path.relative_to(home).as_posix()] = path.read_bytes()
    return found


def bytes_at(url: str, bucket: str) -> dict[str, bytes]:
    """Key → the newest bytes of everything in a bucket."""
    s3 = client(url)
    found = {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for item in page.get("Contents", []):
            if item["Key"].startswith("probe/"):
                continue  # what a probe that broke off left: moto keeps what has a wrong checksum
            found[item["Key"]] = s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
    return found


@contextmanager
def radosgw(folder: Path) -> Iterator[str]:
    """Ceph's S3, in memory, by the project's own script. Its URL."""
    import socket
    import subprocess

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    script = Path(__file__).parents[2] / "scripts" / "start-radosgw.sh"
    server = subprocess.Popen(
        [str(script), str(port), str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        said = server.stdout.readline() if server.stdout else ""
        assert said.startswith("ready "), f"radosgw did not start; see {folder}"
        yield said.split()[1]
    finally:
        if server.stdin:
            server.stdin.close()
        server.wait(30)
