"""Pages with a video against auto-archiver."""

from __future__ import annotations

import json
import shutil
import socket
import sys
from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.homes import new_home, no_roots, ours
from benchmarks.processes import first_line, running, timed
from benchmarks.registry import Goal, Part, Row, Series, at_least, at_most, measures

MEDIA = Part(
    "media",
    "Pages with a video",
    "Each is a whole process, started cold, with ffprobe and exiftool installed.",
    """Each capture keeps the page, its headers and the certificate chain, hashes everything, seals it under a signed
checkpoint, and runs ffprobe and exiftool on the video; auto-archiver keeps the video and a report. A page takes about
250 ms of processor time. ffprobe takes nearly half of it (110 ms, most of it to load its libraries), extracting the
article's text and metadata with trafilatura 20 ms, exiftool 15 ms (one process reads all files), syncing capture and
ledger to disk 20 ms, and a Scrapy crawler 15 ms; the rest is the recorder's Python code. At a latency of 200 ms, two
cores are limited by the processor, not by waiting. With `probe = false` the three took 5.0, 6.9 and 2.7 s in November
2026: 5.7, 8.1 and 0.77 ×.

For a single link, two thirds of the time are spent on imports: Scrapy with Twisted, the TLS stack, trafilatura.""",
)
AUTO = "auto-archiver 1.2.9"
ORCHESTRATION = """
steps:
  feeders: [cli_feeder]
  extractors: [generic_extractor]
  enrichers: [hash_enricher]
  databases: [console_db, csv_db]
  storages: [local_storage]
  formatters: [html_formatter]
generic_extractor:
  ytdlp_update_interval: -1
local_storage:
  save_to: {out}
csv_db:
  csv_file: {out}/db.csv
"""
"""auto-archiver, set up for a page's media alone: by yt-dlp, hashed, an HTML report and a CSV row. No WARC, no headers."""


def _row(name: str, what: str, goal: Goal, reason: str) -> Row:
    return Row(name=name, what=what, unit="s", ours="ours", peer="auto", against=AUTO, inverted=goal.sign == "≥",
               goal=goal, reason=reason)  # fmt: skip


def _against(bench: Bench, count: int, latency: float) -> Iterator[Series]:
    from archiver.demo.media import video

    auto = bench.peer("auto-archiver")
    film, _ = video(bench.folder / "film", 20, 440, "640x360")
    path = bench.folder / "film.mp4"
    rest = max(8, 3_000_000 - len(film))  # a box that players skip: bytes outside of boxes are damage
    path.write_bytes(film + rest.to_bytes(4, "big") + b"free" + bytes(rest - 8))
    host = socket.gethostname()
    address = socket.gethostbyname(host)  # auto-archiver refuses loopback by name and by number
    with running([sys.executable, "-m", "benchmarks.children.latency", address, str(latency), path]) as server:
        port = int(first_line(server))
        routes = json.dumps({f"{host}:{port}": [address, port]})
        network = {"routes": routes, "roots": no_roots(bench)}
        links = [f"http://{host}:{port}/p{number}" for number in range(count)]
        for _ in bench.rounds(most=3):
            home, out = new_home(bench), bench.new_folder()
            seen = {"ours": timed(ours(home, network, ["capture", *links, "--at-once", "32"]))}
            if auto:
                (out / "orchestration.yaml").write_text(ORCHESTRATION.format(out=out))
                seen["auto"] = timed([auto, "--config", out / "orchestration.yaml", *links], cwd=out)
                assert count > 1 or len(list(out.glob("*.mp4"))) == 1, "auto-archiver kept no video"
            yield seen
            shutil.rmtree(home.parent)
            shutil.rmtree(out)


@measures(
    MEDIA,
    _row("fast", "50 pages with a video of 3 MB, no latency", at_least(3), "A prototype reached 3.8, without ffprobe."),
)
def without_latency(bench: Bench) -> Iterator[Series]:
    """Capture fifty pages from a server that answers at once."""
    yield from _against(bench, bench.size(50) + bench.small, 0.0)


@measures(
    MEDIA,
    _row("slow", "50 pages with a video, at 200 ms", at_least(10), "A prototype reached 8.5 with 16 workers, of 17 that the wait allows."),
)  # fmt: skip
def with_latency(bench: Bench) -> Iterator[Series]:
    """Capture fifty pages from a server that answers after 200 ms."""
    yield from _against(bench, bench.size(50) + bench.small, 0.2)


@measures(MEDIA, _row("one", "one page with a video", at_most(0.7), "What a person waits for who captures one link."))
def one_page(bench: Bench) -> Iterator[Series]:
    """Capture one page."""
    yield from _against(bench, 1, 0.0)
