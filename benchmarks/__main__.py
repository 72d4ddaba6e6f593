"""`make bench`: each line names what was measured, the peer, the ratio, the goal. Medians of five, taken in turn."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import copies, jobs, media, packages, rendered, startup, telegram
from benchmarks.harness import ADDRESS, ROOT, ROUNDS, Stage, free_port, row, say_table, spread, wait_for

WARCPROX = ROOT / ".venv-bench" / "bin" / "warcprox"


def timed(command: str) -> float:
    start = time.perf_counter()
    subprocess.run(command, shell=True, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def child(kind: str, order: dict[str, str]) -> dict[str, float]:
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.recorded", kind, json.dumps(order)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    value: dict[str, float] = json.loads(ran.stdout.splitlines()[-1])
    return value


@contextlib.contextmanager
def recorder(stage: Stage) -> Iterator[tuple[dict[str, str], dict[str, float]]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.recorded", "wait", json.dumps(stage.order)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    told: dict[str, float] = {}
    yield json.loads(process.stdout.readline()), told
    out, _ = process.communicate("\n")
    told.update(json.loads(out.splitlines()[-1]))


@contextlib.contextmanager
def warcprox(stage: Stage, *options: str) -> Iterator[tuple[str, dict[str, float]]]:
    folder = Path(tempfile.mkdtemp(dir=stage.folder))
    port = free_port()
    command = [str(WARCPROX), "-b", "127.0.0.1", "-p", str(port), "-d", str(folder), "-q", "-g", "sha256", *options]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(port, "127.0.0.1")
    told: dict[str, float] = {}
    yield f"http://127.0.0.1:{port}", told
    settle(folder)
    cpu = sum(float(part) for part in Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[11:13])
    told["cpu"] = cpu / os.sysconf("SC_CLK_TCK")
    status = Path(f"/proc/{process.pid}/status").read_text()
    told["rss"] = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024
    process.terminate()
    process.wait()
    shutil.rmtree(folder, ignore_errors=True)


def settle(folder: Path) -> float:
    """Waits until its files no longer grow: warcprox writes on after its client has finished."""
    last, since, start = -1, time.perf_counter(), time.perf_counter()
    while time.perf_counter() - since < 0.3:
        size = 0
        for path in folder.rglob("*"):
            with contextlib.suppress(FileNotFoundError):  # SQLite's journal comes and goes
                size += path.stat().st_size
        if size != last:
            last, since = size, time.perf_counter()
        time.sleep(0.02)
    return since - start


def gigabyte(stage: Stage) -> None:
    url = f"https://bench.example:{stage.tls}/video.mp4"
    curl = f"curl -sS --resolve bench.example:{stage.tls}:{ADDRESS} --cacert {stage.roots} {url} | openssl dgst -sha256"
    order = {**stage.order, "url": "https://bench.example/video.mp4", "warm": "https://bench.example/small.mp4"}
    ours, peer, closed, rss = [], [], [], []
    for _ in range(ROUNDS):
        peer.append(timed(curl))
        told = child("fetch", order)
        ours.append(told["received"])
        closed.append(told["closed"])
        rss.append(told["rss"])
        stage.clean()
    ratio = [a / b for a, b in zip(ours, peer, strict=True)]
    row(
        "1 GB HTTPS, our fetcher → recorder, vs curl | openssl dgst",
        f"{spread(ours)} s / {spread(peer)} s",
        spread(ratio),
        "≤ 1.3",
    )
    row(
        "  … to the closed, synced capture with its manifest",
        f"{spread(closed)} s",
        spread([a / b for a, b in zip(closed, peer, strict=True)]),
        "–",
    )
    row("  … peak memory", f"{max(rss):.0f} MB", "", "< 100 MB")


def through_connect(stage: Stage) -> None:
    ours: dict[str, list[float]] = {"wall": [], "cpu": [], "rss": []}
    theirs: dict[str, list[float]] = {"wall": [], "cpu": []}
    zipped: dict[str, list[float]] = {"cpu": []}
    for _ in range(ROUNDS):
        with recorder(stage) as (where, told):
            ours["wall"].append(
                timed(
                    f"curl -sS -o /dev/null -x {where['proxy']} --cacert {where['authority']} https://bench.example/video.mp4"
                )
            )
        ours["cpu"].append(told["cpu"])
        ours["rss"].append(told["rss"])
        stage.clean()
        with warcprox(stage) as (proxy, told):
            theirs["wall"].append(timed(f"curl -sS -k -o /dev/null -x {proxy} https://{ADDRESS}:{stage.tls}/video.mp4"))
        theirs["cpu"].append(told["cpu"])
    for _ in range(max(1, ROUNDS // 2)):
        with warcprox(stage, "-z") as (proxy, told):
            timed(f"curl -sS -k -o /dev/null -x {proxy} https://{ADDRESS}:{stage.tls}/video.mp4")
        zipped["cpu"].append(told["cpu"])
    speed = [b / a for a, b in zip(ours["wall"], theirs["wall"], strict=True)]
    row(
        "1 GB HTTPS, curl by CONNECT: speed vs warcprox uncompressed",
        f"{spread(ours['wall'])} s / {spread(theirs['wall'])} s",
        spread(speed),
        "≥ 1",
    )
    less = statistics.median(zipped["cpu"]) / statistics.median(ours["cpu"])
    row(
        "  … CPU seconds vs warcprox -z",
        f"{spread(ours['cpu'])} / {spread(zipped['cpu'])}",
        f"{less:.2f} × less",
        "≥ 4 × less",
    )
    row("  … peak memory of the recorder", f"{max(ours['rss']):.0f} MB", "", "< 100 MB")


def pages(stage: Stage) -> None:
    """2,000 pages over plain http and https, eight connections, until the WARC is complete."""
    for scheme, port in (("http", stage.plain), ("https", stage.tls)):
        mine, theirs = [], []
        names = stage.folder / f"urls-{scheme}"
        for _ in range(ROUNDS):
            with recorder(stage) as (where, _told):
                names.write_text(
                    "".join(f'url = "{scheme}://bench.example/{n}.html"\noutput = /dev/null\n' for n in range(2000))
                )
                mine.append(
                    timed(f"curl -sS -Z --parallel-max 8 -x {where['proxy']} --cacert {where['authority']} -K {names}")
                )
            stage.clean()
            with warcprox(stage) as (proxy, _told):
                names.write_text(
                    "".join(f'url = "{scheme}://{ADDRESS}:{port}/{n}.html"\noutput = /dev/null\n' for n in range(2000))
                )
                theirs.append(timed(f"curl -sS -k -Z --parallel-max 8 -x {proxy} -K {names}"))
        ratio = [b / a for a, b in zip(mine, theirs, strict=True)]
        row(
            f"2,000 pages of 20 kB by {scheme}, 8 connections: rate vs warcprox",
            f"{2000 / statistics.median(mine):.0f}/s / {2000 / statistics.median(theirs):.0f}/s",
            spread(ratio),
            "≥ 6",
        )


SPIDER = """
import sys, time, scrapy
class S(scrapy.Spider):
    name = "s"
    count = 0
    async def start(self):
        S.began = time.perf_counter()
        for n in range(2000):
            yield scrapy.Request(f"{base}/{n}.html", dont_filter=True)
    def parse(self, response):
        S.count += 1
        S.rate = S.count / (time.perf_counter() - S.began)
"""


def scrapy_rate(stage: Stage) -> None:
    """Stock Scrapy, not recording, against Scrapy behind our handler and recorder: plain http, 16 at once.

    From the first request to the last answer, so that neither's start counts.
    """
    bare = f"""
{SPIDER.replace("{base}", f"http://{ADDRESS}:{stage.plain}")}
from scrapy.crawler import CrawlerProcess
p = CrawlerProcess({{"LOG_LEVEL": "ERROR", "CONCURRENT_REQUESTS_PER_DOMAIN": 16, "TELNETCONSOLE_ENABLED": False}})
p.crawl(S); p.start(); print(S.rate)
"""
    recorded = f"""
{SPIDER.replace("{base}", "http://bench.example")}
import asyncio, json
from benchmarks.recorded import opened
from archiver.capture.scrapy_settings import spider_settings
from scrapy.crawler import AsyncCrawlerRunner
recorder, writer = opened(json.loads(sys.argv[1])); port = recorder.open(writer)
settings = spider_settings(port.address, port.authorization, "bench"); settings.set("CONCURRENT_REQUESTS_PER_DOMAIN", 16, "cmdline")
async def main():
    await AsyncCrawlerRunner(settings).crawl(S)
asyncio.run(main()); print(S.rate)
assert writer.counts["response"] == 2000, writer.counts
port.close(); recorder.close()
"""
    mine, theirs = [], []
    for _ in range(ROUNDS):
        for code, out in ((bare, theirs), (recorded, mine)):
            ran = subprocess.run(
                [sys.executable, "-c", code, json.dumps(stage.order)],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=True,
            )
            out.append(float(ran.stdout.split()[-1]))
        stage.clean()
    row(
        "recorded Scrapy crawl: request rate vs bare Scrapy",
        f"{statistics.median(mine):.0f}/s / {statistics.median(theirs):.0f}/s",
        spread([a / b for a, b in zip(mine, theirs, strict=True)]),
        "≥ 0.85",
    )


def warc_writing(stage: Stage) -> None:
    """Pages and one video into a WARC, whole processes' work without their start: ours against warcio's default."""
    bodies = [(stage.folder / "www" / f"{n}.html").read_bytes() for n in range(3000)]
    video = (stage.folder / "www" / "video.mp4").read_bytes()[: 256 * 10**6]
    results: dict[str, list[tuple[float, int]]] = {"ours": [], "warcio": [], "ours video": [], "warcio video": []}
    for number in range(ROUNDS):
        results["ours"].append(write_ours(stage, bodies, "text/html"))
        results["warcio"].append(write_warcio(stage, bodies, "text/html"))
        results["ours video"].append(write_ours(stage, [video], "video/mp4"))
        if number < 2:
            results["warcio video"].append(write_warcio(stage, [video], "video/mp4"))

    def median(name: str) -> float:
        return statistics.median(seconds for seconds, _ in results[name])

    size = results["ours"][0][1] / results["warcio"][0][1]
    row(
        "WARC writing, 3,000 pages: speed vs warcio's default",
        f"{median('ours'):.3f} s / {median('warcio'):.3f} s",
        f"{median('warcio') / median('ours'):.2f}",
        "≥ 4.5",
    )
    row(
        "  … size vs warcio's",
        f"{results['ours'][0][1]:,} / {results['warcio'][0][1]:,} bytes",
        f"{size:.3f}",
        "≤ 1.05",
    )
    row(
        "WARC writing, 256 MB video: speed vs warcio's default",
        f"{median('ours video'):.3f} s / {median('warcio video'):.3f} s",
        f"{median('warcio video') / median('ours video'):.1f}",
        "≥ 10",
    )


HEAD = "HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Sun, 22 Nov 2026 05:15:26 GMT\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n\r\n"


def write_ours(stage: Stage, bodies: list[bytes], kind: str) -> tuple[float, int]:
    """Response records only, as warcio writes them below."""
    from storage.digest import sha256_label
    from storage.times import system_clock
    from storage.warc import member, new_record_id, record_header

    path = stage.folder / "ours.warc.gz"
    path.unlink(missing_ok=True)
    start = time.perf_counter()
    with open(path, "ab", buffering=0) as out:
        for number, body in enumerate(bodies):
            head = HEAD.format(kind=kind, size=len(body)).encode()
            if len(body) > 1 << 20:
                write_streamed(path, head, body)
                continue
            fields = [
                ("WARC-Target-URI", f"https://bench.example/{number}"),
                ("WARC-Block-Digest", sha256_label(head, body)),
                ("WARC-Payload-Digest", sha256_label(body)),
                ("Content-Type", "application/http; msgtype=response"),
            ]
            header = record_header("response", new_record_id(), system_clock(), fields, len(head) + len(body))
            out.write(member(header, [head, body], stored=False))
    return time.perf_counter() - start, path.stat().st_size


def write_streamed(path: Path, head: bytes, body: bytes) -> None:
    """As the recorder does: one thread writes and digests the block, another the payload."""
    import threading

    from storage.digest import Sha256
    from storage.times import system_clock
    from storage.warc import MemberInPlace, new_record_id, record_header

    out = MemberInPlace(path, 3000, stored=True)
    block, payload = Sha256(), Sha256()
    view = memoryview(body)
    pieces = [view[at : at + (1 << 20)] for at in range(0, len(body), 1 << 20)]

    def digest() -> None:
        for piece in pieces:
            payload.update(piece)

    thread = threading.Thread(target=digest)
    thread.start()
    block.update(head)
    out.write(head)
    for piece in pieces:
        block.update(piece)
        out.write(piece)
    thread.join()
    fields = [
        ("WARC-Target-URI", "https://bench.example/v"),
        ("WARC-Block-Digest", block.label()),
        ("WARC-Payload-Digest", payload.label()),
    ]
    out.finish(record_header("response", new_record_id(), system_clock(), fields, block.size))


def write_warcio(stage: Stage, bodies: list[bytes], kind: str) -> tuple[float, int]:
    import io

    from warcio.statusandheaders import StatusAndHeaders
    from warcio.warcwriter import WARCWriter

    path = stage.folder / "warcio.warc.gz"
    start = time.perf_counter()
    with open(path, "wb") as out:
        writer = WARCWriter(out, gzip=True)
        for number, body in enumerate(bodies):
            fields = [
                ("Server", "nginx"),
                ("Date", "Sun, 22 Nov 2026 05:15:26 GMT"),
                ("Content-Type", kind),
                ("Content-Length", str(len(body))),
            ]
            record = writer.create_warc_record(
                f"https://bench.example/{number}",
                "response",
                payload=io.BytesIO(body),
                http_headers=StatusAndHeaders("200 OK", fields, protocol="HTTP/1.1"),
            )
            writer.write_record(record)
    return time.perf_counter() - start, path.stat().st_size


def provenance(stage: Stage) -> None:
    """One capture's rows (event, capture, two records, a post with full text, an inventory line), each its own durable transaction, and grouped."""
    from storage.catalog import Catalog

    def rows(connection: sqlite3.Connection, number: int) -> None:
        from storage.catalog_rows import insert_posts

        capture = f"20261122T000000-{number:08d}"
        connection.execute(
            "INSERT INTO events VALUES (?,?,?,?,?,?)",
            (number, "captured", "2026-11-22T00:00:00.000000Z", "bench", "0" * 64, "{}"),
        )
        connection.execute(
            "INSERT INTO captures VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                capture,
                number,
                "run",
                1,
                f"captures/{capture}",
                f"https://t.me/c/{number}",
                "telegram",
                "post",
                "a",
                "b",
                "captured",
                None,
                1,
                "0" * 64,
                0,
            ),
        )
        insert_posts(
            connection,
            capture,
            [
                {
                    "platform": "telegram",
                    "id": f"c/{number}",
                    "text": f"Алаңда адамдар жиналып жатыр {number}",
                    "author_name": "Өзен",
                }
            ],
        )

    for name, group, count, goal in (("single", 1, 3000, 2000), ("grouped by 1,000", 1000, 20000, 14000)):
        rates = []
        for _ in range(ROUNDS):
            folder = Path(tempfile.mkdtemp(dir=stage.folder))
            catalog = Catalog(folder / "catalog.sqlite")
            start = time.perf_counter()
            for at in range(0, count, group):
                with catalog.transaction() as connection:
                    for number in range(at, at + group):
                        rows(connection, number)
            rates.append(count / (time.perf_counter() - start))
            catalog.close()
            shutil.rmtree(folder)
        row(
            f"provenance, durable captures into catalog and ledger tables, {name}",
            f"{statistics.median(rates):,.0f}/s",
            f"{statistics.median(rates) / goal:.2f} × goal",
            f"≥ {goal:,}/s",
        )
    row("  … limit: 4 kB appended and synced on this disk", f"{syncing(stage):,.0f}/s", "", "–")
    sealing(stage)


def syncing(stage: Stage) -> float:
    """What the disk allows: 4 kB appended and synced, a second."""
    start, count = time.perf_counter(), 500
    with open(stage.folder / "synced", "wb", buffering=0) as out:
        for _ in range(count):
            out.write(bytes(4096))
            os.fdatasync(out.fileno())
    return count / (time.perf_counter() - start)


def sealing(stage: Stage) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from storage.events import Author, Event
    from storage.ledger import Ledger
    from storage.note import NoteSigner
    from storage.times import system_clock

    folder = Path(tempfile.mkdtemp(dir=stage.folder))
    ledger = Ledger(folder, NoteSigner("bench", Ed25519PrivateKey.generate()), folder / "head", "bench")
    author = Author("bench", Ed25519PrivateKey.generate())
    start = time.perf_counter()
    for number in range(100):
        ledger.append([Event("captured", system_clock(), {"n": number})], author)
    row(
        "  … for comparison: events sealed one by one, tiles and checkpoint synced",
        f"{100 / (time.perf_counter() - start):.0f}/s",
        "",
        "–",
    )


def start_up() -> None:
    times, bare = [], []
    for _ in range(ROUNDS * 3):
        bare.append(timed(f"{sys.executable} -c pass"))
        times.append(
            timed(
                f"{ROOT / '.venv' / 'bin' / 'archiver'} --help"
                if (ROOT / ".venv" / "bin" / "archiver").exists()
                else f"{sys.executable} -m archiver --help"
            )
        )
    row(
        "archiver --help",
        f"{spread([t * 1000 for t in times])} ms",
        f"{statistics.median(times) / statistics.median(bare):.1f} × python -c pass",
        "≤ 60 ms",
    )


def checking(stage: Stage) -> None:
    """Our check of records and files against fastwarc and warcio on the same WARCs."""
    from archiver.checks.warcs import problems_of, read_records

    write_ours(stage, [(stage.folder / "www" / f"{n}.html").read_bytes() for n in range(3000)], "text/html")
    path = stage.folder / "ours.warc.gz"
    mine, fast, theirs = [], [], []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        assert all(not [p for p in problems_of(found) if "date" not in p.lower()] for found in read_records(path))
        mine.append(time.perf_counter() - start)
        fast.append(timed(f"{Path(sys.executable).parent}/fastwarc check -q {path} 2>/dev/null"))
        theirs.append(timed(f"{Path(sys.executable).parent}/warcio check {path}"))
    row(
        "check, 3,000 pages: time vs warcio check",
        f"{spread(mine)} s / {spread(theirs)} s",
        spread([a / b for a, b in zip(mine, theirs, strict=True)]),
        "≤ 1",
    )
    row(
        "  … vs fastwarc check (block digests only)",
        f"{spread(mine)} s / {spread(fast)} s",
        spread([a / b for a, b in zip(mine, fast, strict=True)]),
        "–",
    )


def main() -> None:
    parts: dict[str, Callable[[Stage], None]] = {
        "gigabyte": gigabyte, "connect": through_connect, "pages": pages, "scrapy": scrapy_rate,
        "writing": warc_writing, "provenance": provenance, "checking": checking,
        "parsing": lambda stage: media.parsing(stage, row), "list": lambda stage: media.three_hundred_links(stage, row),
        "yt-dlp": lambda stage: media.gigabyte_by_yt_dlp(stage, row),
        "media": lambda stage: media.pages_with_a_video(stage, row),
        "telegram": lambda stage: telegram.compare(row),
        "rendered": lambda stage: rendered.rendered(stage, row),
        "packages": lambda stage: packages.packages(stage, row),
        "copies": lambda stage: copies.copies(stage, row),
        "million": lambda stage: copies.million(stage, row),
        "digests": lambda stage: copies.digests(stage, row),
        "startup": lambda stage: startup.looks(row),
        "queue": lambda stage: jobs.a_long_queue(stage, row),
        "queued": lambda stage: jobs.links_through_the_queue(stage, row),
    }  # fmt: skip
    chosen = sys.argv[1:] or list(parts)
    print(f"medians of {ROUNDS} [min-max], taken in turn, {os.cpu_count()} cores\n")
    start_up()
    with tempfile.TemporaryDirectory(prefix="archiver-bench-") as folder:
        stage = Stage(Path(folder))
        try:
            for name in chosen:
                parts[name](stage)
        finally:
            stage.stop()
    say_table()


if __name__ == "__main__":
    main()
