"""Copies to S3 against `aws s3 cp` and rclone; fixity against `openssl dgst`; the catalog at a million posts.

The server is moto's, the same one for all. It does not compare checksums, so what we put is also read back, every byte; a
second row leaves that out, as it is with a server that is seen to check.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.harness import LONG_ROUNDS, ROOT, Row, Stage, free_port, spread, wait_for

AWS = ROOT / ".venv-bench" / "bin" / "aws"
BIG = int(os.environ.get("BENCH_BIG", str(1 << 30)))
SMALL = int(os.environ.get("BENCH_SMALL", "10000"))
POSTS = int(os.environ.get("BENCH_POSTS", "1000000"))
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


@contextmanager
def server() -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port, "127.0.0.1")
        yield f"http://127.0.0.1:{port}"
    finally:
        running.kill()
        running.wait()


def bucket(url: str, name: str) -> None:
    import boto3

    s3 = boto3.client(
        "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )
    s3.create_bucket(Bucket=name)


def timed(words: list[str]) -> float:
    start = time.perf_counter()
    clean = {name: value for name, value in os.environ.items() if name != "AWS_CA_BUNDLE"}  # rclone 1.60 breaks with it
    done = subprocess.run(words, env={**clean, **KEYS}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{words[:4]} ended with {done.returncode}:\n{done.stdout[-1000:]}{done.stderr[-1000:]}")
    return time.perf_counter() - start


def rclone(url: str, *words: str) -> list[str]:
    options = [
        "--s3-provider",
        "Other",
        "--s3-endpoint",
        url,
        "--s3-access-key-id",
        "test",
        "--s3-secret-access-key",
        "test",
    ]
    return ["rclone", *options, "--s3-region", "us-east-1", "--s3-no-check-bucket", *words]


def new_home(path: Path) -> None:
    from archiver.signer.create_home import SetupAnswers, create_home

    create_home(path, SetupAnswers(pseudonym="bench"))


def add_place(home: Path, name: str, where: str, url: str) -> None:
    table = f'[[copies.destination]]\nname = "{name}"\nwhere = "{where}"\nendpoint = "{url}"\nown = true\n\n'
    path = home / "archiver.toml"
    path.write_text(path.read_text("utf-8").replace("[timestamps]\n", f"{table}[timestamps]\n", 1), "utf-8")


def claims_to_check(home: Path, name: str) -> None:
    """As if the server had been seen to refuse a wrong checksum: nothing is read back then."""
    path = home / "outgoing" / f"{name}.json"
    value = json.loads(path.read_bytes())
    value["abilities"]["checksums"] = True
    path.write_text(json.dumps(value))


def archiver(home: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "archiver", "--home", str(home), *words]


def small_captures(home: Path, count: int) -> None:
    """Sealed captures of one page each, all in one append."""
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
        folder = opened.capture_folder(capture)
        software = {"name": "bench", "version": "0"}
        identity = Identity(capture, "run", 1, f"https://example.org/{number}", bytes(32), software, True)
        writer = CaptureWriter(home / folder, identity, recipients, opened.clock, time.monotonic)
        body = bytes(text.choices(b"abcdefgh \n", k=8000))
        writer.resource(f"https://example.org/{number}", "text/html", body)
        writer.inventory({"kind": "target", "url": f"https://example.org/{number}", "target_salt": bytes(32).hex()})
        writer.close("captured", None)
        writer.release()
        events.append(captured_event(opened, folder, ["inbox"]))
        if len(events) == 1000:
            signer.append(events)
            events = []
    if events:
        signer.append(events)
    opened.project()


def copies(stage: Stage, row: Row) -> None:
    """One file of a gigabyte, and many small captures."""
    if not AWS.exists() or shutil.which("rclone") is None:
        print("aws or rclone is missing: scripts/setup.sh bench", flush=True)
        return
    home = stage.folder / "copies-home"
    new_home(home)
    film = stage.folder / "film.bin"
    source = random.Random(3)
    with open(film, "wb") as out:
        for _ in range(BIG >> 20):
            out.write(source.randbytes(1 << 20))
    timed(archiver(home, "receive", str(film), "--from", "S", "--via", "usb"))
    warc = max((home / "captures").rglob("*.warc.gz"), key=lambda path: path.stat().st_size)
    took: dict[str, list[float]] = {"ours": [], "ours, not read back": [], "aws": [], "rclone": []}
    for number in range(LONG_ROUNDS):
        with server() as url:
            for name in ("one", "two", "three", "four"):
                bucket(url, name)
            add_place(home, f"r{number}", "s3://one", url)
            took["ours"].append(timed(archiver(home, "sync", "--to", f"r{number}")))
            took["aws"].append(
                timed(
                    [
                        str(AWS),
                        "--endpoint-url",
                        url,
                        "s3",
                        "cp",
                        "--only-show-errors",
                        "--checksum-algorithm",
                        "SHA256",
                        str(warc),
                        "s3://three/film",
                    ]
                )
            )
            took["rclone"].append(timed(rclone(url, "copyto", str(warc), ":s3:four/film")))
            add_place(home, f"t{number}", "s3://two", url)
            from archiver.copies.destinations import open_place
            from archiver.home.home import Home

            os.environ.update(KEYS)
            opened = Home(home)
            open_place(opened, next(one for one in opened.config.copies.destinations if one.name == f"t{number}"))
            claims_to_check(home, f"t{number}")
            took["ours, not read back"].append(timed(archiver(home, "sync", "--to", f"t{number}")))
    ours, bare = (statistics.median(took[name]) for name in ("ours", "ours, not read back"))
    aws, other = (statistics.median(took[name]) for name in ("aws", "rclone"))
    row(
        "sync of 1 GB in one file, read back, s",
        spread(took["ours"]),
        f"{aws / ours:.2f} x aws, {other / ours:.2f} x rclone",
        "1.2",
    )
    row(
        "the same, where the server checks, s",
        spread(took["ours, not read back"]),
        f"{aws / bare:.2f} x aws, {other / bare:.2f} x rclone",
        "1.2",
    )
    row(
        "aws s3 cp --checksum-algorithm SHA256; rclone copyto, s",
        f"{spread(took['aws'])}; {spread(took['rclone'])}",
        "",
        "",
    )
    fixity(home, warc, row)
    shutil.rmtree(home)
    film.unlink()
    many(stage, row)


def fixity(home: Path, warc: Path, row: Row) -> None:
    ours = [timed(archiver(home, "fixity", "--local")) for _ in range(LONG_ROUNDS)]
    files = [str(path) for path in (home / "captures").rglob("*") if path.is_file()]
    peer = [timed(["openssl", "dgst", "-sha256", *files]) for _ in range(LONG_ROUNDS)]
    ratio = statistics.median(peer) / statistics.median(ours)
    row("fixity of what is here, s", spread(ours), f"{ratio:.2f} x openssl dgst -sha256 ({spread(peer)})", "0.8")


def many(stage: Stage, row: Row) -> None:
    home = stage.folder / "many-home"
    new_home(home)
    small_captures(home, SMALL)
    ours, peer = [], []
    for number in range(LONG_ROUNDS):
        with server() as url:
            bucket(url, "one")
            bucket(url, "two")
            add_place(home, f"r{number}", "s3://one", url)
            ours.append(timed(archiver(home, "sync", "--to", f"r{number}")))
            peer.append(timed(rclone(url, "copy", "--checksum", str(home / "captures"), ":s3:two/captures")))
    ratio = statistics.median(peer) / statistics.median(ours)
    row(
        f"sync of {SMALL:,} small captures, s",
        spread(ours),
        f"{ratio:.2f} x rclone copy --checksum ({spread(peer)})",
        "1",
    )
    shutil.rmtree(home)
    rebuilt(stage, row)


def rebuilt(stage: Stage, row: Row) -> None:
    """Records that the catalog takes in a second when it is made again: captures of a channel, 2,000 records each."""
    from archiver.home.home import Home
    from archiver.seal.sealing import captured_event
    from archiver.signer.local import LocalSigner
    from storage.capture import CaptureWriter, Identity

    home = stage.folder / "rebuilt-home"
    new_home(home)
    opened = Home(home)
    count = 0
    for number in range(50):
        capture = f"20261123T0000{number:02d}-{number:08d}"
        folder = opened.capture_folder(capture)
        identity = Identity(capture, "run", 1, "https://t.me/c", bytes(32), {"name": "bench", "version": "0"}, True)
        writer = CaptureWriter(home / folder, identity, opened.recipients(["inbox"]), opened.clock, time.monotonic)
        writer.resources([(f"urn:x:{number}:{n}", "application/json", b'{"id":%d}' % n, {}) for n in range(2000)])
        count += 2001
        writer.close("captured", None)
        writer.release()
        LocalSigner(opened).append([captured_event(opened, folder, ["inbox"])])
    rates = []
    for _ in range(LONG_ROUNDS):
        start = time.perf_counter()
        opened.rebuild_catalog()
        rates.append(count / (time.perf_counter() - start))
    row("catalog rebuild, records/s", f"{statistics.median(rates):,.0f}", "", "20,000")
    shutil.rmtree(home)


def million(stage: Stage, row: Row) -> None:
    """Search, and what one more post costs, in a catalog that grows to a million."""
    from storage.catalog import Catalog
    from storage.catalog_rows import insert_posts

    catalog = Catalog(stage.folder / "million.sqlite")
    chance = random.Random(9)
    words = ["".join(chance.choices("абвгдежзиклмнопрст", k=chance.randint(3, 9))) for _ in range(20000)]
    with catalog.transaction() as connection:
        connection.execute("PRAGMA foreign_keys=OFF")
    catalog._connection.execute("PRAGMA foreign_keys=OFF")
    costs = []
    for start in range(0, POSTS, 10000):
        posts: list[dict[str, Any]] = [
            {
                "platform": "telegram",
                "id": f"c/{n}",
                "url": f"https://t.me/c/{n}",
                "author_handle": f"a{n % 3000}",
                "text": " ".join(chance.choices(words, k=12)),
            }
            for n in range(start, start + 10000)
        ]
        before = time.perf_counter()
        with catalog.transaction() as connection:
            insert_posts(connection, f"capture-{start}", posts)
        costs.append((time.perf_counter() - before) / 10000)
    first, last = statistics.median(costs[:10]), statistics.median(costs[-10:])
    row(
        f"insert of a post, first and last tenth of {POSTS:,}, ms",
        f"{first * 1000:.3f}, {last * 1000:.3f}",
        f"{last / first:.2f} x",
        "flat",
    )
    asked = []
    for _ in range(200):
        before = time.perf_counter()
        catalog.find(" ".join(chance.choices(words, k=2)), 20)
        asked.append((time.perf_counter() - before) * 1000)
    one = []
    for _ in range(50):
        before = time.perf_counter()
        catalog.find(chance.choice(words), 20)
        one.append((time.perf_counter() - before) * 1000)
    row("search for two words, for one, ms", f"{spread(asked)}; {spread(one)}", "", "200")
    catalog.close()


DIGESTS = 10_000_000
LOOK = """
import random, sys, time
from pathlib import Path
from storage.catalog import Catalog
catalog, chance = Catalog(Path(sys.argv[1])), random.Random(11)
for _ in range(1000):
    before = time.perf_counter()
    catalog.sealed_payload(f"sha256:{chance.randbytes(32).hex()}", ["inbox"])
    print((time.perf_counter() - before) * 1000)
(peak,) = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")]  # of this program alone
print(int(peak) / 1024)
"""


def digests(stage: Stage, row: Row) -> None:
    """Whether a payload is held already, asked of the index that the recorder asks, in a process of its own."""
    from storage.catalog import Catalog

    path, chance = stage.folder / "digests.sqlite", random.Random(10)
    catalog = Catalog(path)
    catalog._connection.execute("PRAGMA foreign_keys=OFF")
    catalog._connection.execute("PRAGMA synchronous=OFF")  # how it is filled is not what is measured
    catalog._connection.execute("PRAGMA cache_size=-2000000")
    insert = (
        'INSERT INTO records (capture,n,id,type,date,file,"offset",length,payload_digest) VALUES (?,?,?,?,?,?,?,?,?)'
    )
    for start in range(0, DIGESTS, 100_000):
        with catalog.transaction() as connection:
            connection.executemany(
                insert,
                (
                    (f"c{n // 2000}", n, f"<urn:uuid:{n}>", "response", "2026", "f", n, 9,
                     f"sha256:{chance.randbytes(32).hex()}")
                    for n in range(start, start + 100_000)
                ),
            )  # fmt: skip
    catalog.close()
    said = subprocess.run([sys.executable, "-c", LOOK, str(path)], capture_output=True, text=True, check=True)
    *times, peak = map(float, said.stdout.split())
    row(f"whether a payload is among {DIGESTS:,}, ms", spread(times), f"peak {peak:.0f} MB", "bounded memory")
