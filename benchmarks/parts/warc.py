"""Writing WARC against warcio, and checking it against warcio and fastwarc."""

from __future__ import annotations

import time
from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.processes import TOOLS, timed
from benchmarks.registry import Part, Row, Series, at_least, at_most, measures
from benchmarks.site import noise, pages
from benchmarks.warcs import write_ours, write_warcio

WRITING = Part(
    "writing",
    "Writing WARC",
    "Both programs write the same response records. Their start is not counted.",
    """For Telegram's HTML, level 2 of isal makes files 8.5 % larger than level 9 of zlib, but needs 38 µs a page in
place of 247 µs. zlib-ng at level 4 would make files 1 % larger in 132 µs, and miss the speed goal. On pages of this
kind only one of the two goals can be reached; speed was chosen.""",
)
CHECKING = Part("checking", "Checking WARC")
WARCIO = "warcio's default"


@measures(
    WRITING,
    Row(name="pages", what="3,000 pages of 20 kB written", unit="s", ours="ours", peer="warcio", against=WARCIO,
        inverted=True, goal=at_least(4.5), reason="A prototype with isal reached 5.2."),
    Row(name="size", what="… their size", unit="MB", ours="size", peer="warcio size", against=WARCIO, goal=at_most(1.05),
        reason="Speed must not be paid for with the disk, for decades; the prototype reached 1.044."),
)  # fmt: skip
def written_pages(bench: Bench) -> Iterator[Series]:
    """Write pages, in turn with warcio."""
    bodies = pages(bench.made, bench.size(3000))
    mine, theirs = bench.folder / "ours.warc.gz", bench.folder / "warcio.warc.gz"
    for _ in bench.rounds():
        yield {
            "ours": write_ours(mine, bodies, "text/html"), "warcio": write_warcio(theirs, bodies, "text/html"),
            "size": mine.stat().st_size / 1e6, "warcio size": theirs.stat().st_size / 1e6,
        }  # fmt: skip


@measures(
    WRITING,
    Row(name="video", what="256 MB of video written", unit="s", ours="ours", peer="warcio", against=WARCIO,
        inverted=True, goal=at_least(10), reason="Video does not compress: it is stored, not deflated, as in the prototype, which reached 14."),
)  # fmt: skip
def written_video(bench: Bench) -> Iterator[Series]:
    """Write one video; warcio, which compresses it, at most twice."""
    with open(noise(bench.made, "video.mp4", bench.size(10**9)), "rb") as stream:
        video = stream.read(bench.size(256 * 10**6))
    for number in bench.rounds():
        seen = {"ours": write_ours(bench.folder / "ours.warc.gz", [video], "video/mp4")}
        if number < 2:
            seen["warcio"] = write_warcio(bench.folder / "warcio.warc.gz", [video], "video/mp4")
        yield seen


@measures(
    CHECKING,
    Row(name="warcio", what="3,000 pages checked", unit="s", ours="ours", peer="warcio", against="warcio check",
        goal=at_most(1), reason="A check that takes longer than the usual tool's is not run."),
    Row(name="fastwarc", what="… the same", unit="s", ours="ours", peer="fastwarc", against="fastwarc check",
        reason="No goal: it checks block digests only, ours both."),
)  # fmt: skip
def checked(bench: Bench) -> Iterator[Series]:
    """Check the records of a WARC, in turn with the two tools."""
    from archiver.checks.warcs import problems_of, read_records

    path = bench.folder / "ours.warc.gz"
    write_ours(path, pages(bench.made, bench.size(3000)), "text/html")
    for _ in bench.rounds():
        start = time.perf_counter()
        assert all(not [p for p in problems_of(found) if "date" not in p.lower()] for found in read_records(path))
        mine = time.perf_counter() - start
        fast = timed([TOOLS / "fastwarc", "check", "-q", path])
        yield {"ours": mine, "fastwarc": fast, "warcio": timed([TOOLS / "warcio", "check", path])}
