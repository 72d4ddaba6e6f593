"""Copies to S3 against `aws s3 cp` and rclone; fixity against `openssl dgst`.

The server is moto's, the same one for all. It does not compare checksums, so what we put is also read back, every byte;
a second row leaves that out, as it is with a server that is seen to check.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.homes import plain_home
from benchmarks.processes import ARCHIVER, Words, free_port, running, wait_for
from benchmarks.processes import timed as timed_in
from benchmarks.registry import Part, Row, Series, at_least, measures
from benchmarks.site import noise

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
COPIES = Part(
    "copies",
    "Copies",
    "All programs copy to moto's S3 server. It does not check digests, so ours reads back every byte.",
    """Four threads send the file in parts of 64 MiB. For all three programs, most of the time is spent in the server,
which is written in Python. Each small capture is copied as one object, where rclone copies six files. Fixity spends
half a second on starting, reading the ledger and signing the result; SHA-256 itself is as fast as openssl's, and each
core hashes a file of its own.""",
)
AWS, RCLONE = "`aws s3 cp --checksum-algorithm SHA256`", "`rclone copyto`"
FASTER = "A prototype took 0.77 of the time of `aws s3 cp`: parts of 64 MiB, four at a time."


@contextmanager
def server() -> Iterator[str]:
    """Run moto's S3; return its address."""
    port = free_port("127.0.0.1")
    with running([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]):
        wait_for(port, "127.0.0.1")
        yield f"http://127.0.0.1:{port}"


def buckets(url: str, *names: str) -> None:
    """Make buckets."""
    import boto3

    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    s3 = boto3.client("s3", endpoint_url=url, region_name="us-east-1", **keys)
    for name in names:
        s3.create_bucket(Bucket=name)


def timed(words: Words) -> float:
    """Run a command with the server's keys; return the seconds."""
    clean = {name: value for name, value in os.environ.items() if name != "AWS_CA_BUNDLE"}  # rclone 1.60 breaks with it
    return timed_in(words, env={**clean, **KEYS})


def rclone(program: str, url: str, *words: str | Path) -> list[str | Path]:
    """Return the words of a command of rclone."""
    keys = ["--s3-access-key-id", "test", "--s3-secret-access-key", "test", "--s3-region", "us-east-1"]
    return [program, "--s3-provider", "Other", "--s3-endpoint", url, *keys, "--s3-no-check-bucket", *words]


def archiver(home: Path, *words: str) -> list[str]:
    """Return the words of a command of ours."""
    return [*ARCHIVER, "--home", str(home), *words]


def set_destinations(home: Path, url: str, **where: str) -> None:
    """Make these the destinations of a home, in place of those of the round before: their server is gone.

    A round has names of its own: what is noted of a destination is noted by its name.
    """
    path = home / "archiver.toml"
    before, begin, _ = path.read_text("utf-8").partition("# destinations\n")
    tables = "".join(
        f'[[copies.destination]]\nname = "{name}"\nwhere = "{place}"\nendpoint = "{url}"\nown = true\n\n'
        for name, place in where.items()
    )
    path.write_text(f"{before}{begin or '# destinations' + chr(10)}{tables}", "utf-8")


def claim_to_check(home: Path, name: str) -> None:
    """Note a destination's server as one that was seen to refuse a wrong checksum: nothing is read back then."""
    from archiver.copies.destinations import open_place
    from archiver.home.home import Home

    os.environ.update(KEYS)
    opened = Home(home)
    open_place(opened, next(one for one in opened.config.copies.destinations if one.name == name))
    path = home / "outgoing" / f"{name}.json"
    value = json.loads(path.read_bytes())
    value["abilities"]["checksums"] = True
    path.write_text(json.dumps(value))


def _home_with_a_film(bench: Bench) -> tuple[Path, Path]:
    """Make a home that received a large file; return it, and the WARC that holds the file."""
    home = plain_home(bench)
    film = noise(bench.made, "film.bin", bench.size(1 << 30))
    timed(archiver(home, "receive", str(film), "--from", "S", "--via", "usb"))
    return home, max((home / "captures").rglob("*.warc.gz"), key=lambda path: path.stat().st_size)


def _row(name: str, what: str, ours: str, peer: str, against: str) -> Row:
    return Row(name=name, what=what, unit="s", ours=ours, peer=peer, against=against, inverted=True, goal=at_least(1.2),
               reason=FASTER)  # fmt: skip


BACK, BARE = "`archiver sync` of 1 GiB in one file, every byte read back", "… where the server checks digests itself"


@measures(
    COPIES,
    _row("file-aws", BACK, "ours", "aws", AWS),
    _row("file-rclone", BACK, "ours", "rclone", RCLONE),
    _row("checked-file-aws", BARE, "not read back", "aws", AWS),
    _row("checked-file-rclone", BARE, "not read back", "rclone", RCLONE),
)
def large_file(bench: Bench) -> Iterator[Series]:
    """Copy one large file, in turn with two others."""
    home, warc = _home_with_a_film(bench)
    aws, other = bench.peer("aws"), bench.peer("rclone")
    for number in bench.rounds(most=3):
        with server() as url:
            buckets(url, "one", "two", "three", "four")
            ours, bare = f"r{number}", f"t{number}"
            set_destinations(home, url, **{ours: "s3://one", bare: "s3://two"})
            seen = {"ours": timed(archiver(home, "sync", "--to", ours))}
            if aws:
                words = [aws, "--endpoint-url", url, "s3", "cp", "--only-show-errors", "--checksum-algorithm", "SHA256"]
                seen["aws"] = timed([*words, warc, "s3://three/film"])
            if other:
                seen["rclone"] = timed(rclone(other, url, "copyto", warc, ":s3:four/film"))
            claim_to_check(home, bare)
            yield {**seen, "not read back": timed(archiver(home, "sync", "--to", bare))}


@measures(
    COPIES,
    Row(name="fixity", what="`archiver fixity --local` of 1 GiB", unit="s", ours="ours", peer="openssl", inverted=True,
        against="`openssl dgst -sha256`", goal=at_least(0.8), reason="The digests are the same; a fifth is for the ledger."),
)  # fmt: skip
def fixity(bench: Bench) -> Iterator[Series]:
    """Hash what a home holds, in turn with openssl."""
    home, _ = _home_with_a_film(bench)
    for _ in bench.rounds(most=3):
        files = [path for path in (home / "captures").rglob("*") if path.is_file()]
        openssl = timed(["openssl", "dgst", "-sha256", *files])
        yield {"ours": timed(archiver(home, "fixity", "--local")), "openssl": openssl}


def _small_captures(home: Path, count: int) -> None:
    """Seal captures of one page each, a thousand in an append."""
    from archiver.home.home import Home
    from archiver.seal.sealing import captured_event
    from archiver.signer.local import LocalSigner
    from storage.capture import CaptureWriter, Identity

    opened, text = Home(home), random.Random(5)
    signer = LocalSigner(opened)
    recipients = opened.recipients(["inbox"])
    events = []
    for number in range(count):
        capture = f"20261123T{number // 3600 % 24:02d}{number // 60 % 60:02d}{number % 60:02d}-{number:08d}"
        folder, url = opened.capture_folder(capture), f"https://example.org/{number}"
        identity = Identity(capture, "run", 1, url, bytes(32), {"name": "bench", "version": "0"}, True)
        writer = CaptureWriter(home / folder, identity, recipients, opened.clock, time.monotonic)
        writer.resource(url, "text/html", bytes(text.choices(b"abcdefgh \n", k=8000)))
        writer.inventory({"kind": "target", "url": url, "target_salt": bytes(32).hex()})
        writer.close("captured", None)
        writer.release()
        events.append(captured_event(opened, folder, ["inbox"]))
        if len(events) == 1000 or number == count - 1:
            signer.append(events)
            events = []
    opened.project()


@measures(
    COPIES,
    Row(name="small", what="`archiver sync` of 10,000 small captures", unit="s", ours="ours", peer="rclone", inverted=True,
        against="`rclone copy --checksum`", goal=at_least(1),
        reason="A capture is one object to us, six files to rclone: signing what was sent must not eat that up."),
)  # fmt: skip
def small_captures(bench: Bench) -> Iterator[Series]:
    """Copy many small captures, in turn with rclone."""
    home, other = plain_home(bench), bench.peer("rclone")
    _small_captures(home, bench.size(10_000))
    for number in bench.rounds(most=3):
        with server() as url:
            buckets(url, "one", "two")
            set_destinations(home, url, **{f"r{number}": "s3://one"})
            seen = {"ours": timed(archiver(home, "sync", "--to", f"r{number}"))}
            if other:
                captures = home / "captures"
                seen["rclone"] = timed(rclone(other, url, "copy", "--checksum", captures, ":s3:two/captures"))
            yield seen
