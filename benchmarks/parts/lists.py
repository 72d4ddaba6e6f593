"""Lists of links, parsers, and a gigabyte by yt-dlp."""

from __future__ import annotations

import csv
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.bench import Bench
from benchmarks.homes import new_home, ours
from benchmarks.processes import ADDRESS, ROOT, TOOLS, timed
from benchmarks.registry import Part, Row, Series, at_most, measures
from benchmarks.site import pages

FIXTURES = ROOT.parent / "shared" / "fixtures"
PARSING = Part(
    "parsing",
    "Parsers",
    "Recordings of the platforms, parsed into posts.",
    """A watch page is compared with lxml, which parses the whole page but skips scripts. Our parser also loads the two
JSON values in the scripts, which take as long as the rest. For answers that are only JSON, the factor is between 1.5
and 4, and smaller for larger answers.""",
)
LIST = Part(
    "list",
    "A list of 300 links",
    "On the miniature platforms; five links in a hundred are bad, and one leads to a bot wall.",
)
YT_DLP = Part(
    "yt-dlp",
    "A gigabyte by yt-dlp",
    "Over TLS. Each round starts new processes.",
    """2.4 s pass before the first byte: Python starts, yt-dlp is imported in a process of its own (while the page is
fetched), and the extraction runs with its JavaScript runtime. Then come 96 ranges of 70 ms each. Half of that is spent
between two ranges: each needs a file, two threads and an entry in a list. At the end, every byte is hashed once more
for the manifest. What could be gained: requesting the next range while the last one is still being written.""",
)
NO_SLOWER = "Posts are read while pages come: three times the bare parse of the same bytes stays out of sight."


def _bodies(patterns: tuple[str, ...]) -> list[bytes]:
    from spiders.json_access import load

    bodies = []
    for path in (path for pattern in patterns for path in sorted(FIXTURES.glob(pattern))):
        data = path.read_bytes()
        value = load(data)
        wrapped = isinstance(value, dict) and "response" in value and "request" in value
        kept = value["response"]["responseBody"] if wrapped else None
        if ".expected." not in path.name:
            bodies.append(kept.encode() if kept else data)
    return bodies


def _parsed(bench: Bench, parse: Callable[[bytes], Any], patterns: tuple[str, ...]) -> Iterator[Series]:
    from lxml import html

    if not FIXTURES.is_dir():
        bench.say_missing(f"the recordings are not at {FIXTURES}")
        return
    bodies = _bodies(patterns)
    for _ in range(3 * len(bench.rounds())):  # the first is slow, as code and patterns are still to be loaded
        start = time.perf_counter()
        for body in bodies:
            parse(body)
        between = time.perf_counter()
        for body in bodies:
            if body.lstrip()[:1] in (b"{", b"["):
                json.loads(body)
            else:
                html.fromstring(body)
        yield {"ours": (between - start) * 1000, "bare": (time.perf_counter() - between) * 1000}


def _row(platform: str) -> Row:
    return Row(
        name=platform.lower(),
        what=f"all recordings of {platform}",
        unit="ms",
        ours="ours",
        peer="bare",
        against="json.loads or lxml on the same bytes",
        goal=at_most(3),
        reason=NO_SLOWER,
    )


@measures(PARSING, _row("X"))
def of_x(bench: Bench) -> Iterator[Series]:
    """Parse the recordings of X, in turn with a bare parse."""
    from spiders.x.parse import parse

    patterns = ("twitter/graphql/*.json", "twitter/syndication/*.json", "twitter/html/*.html")
    yield from _parsed(bench, parse, patterns)


@measures(PARSING, _row("YouTube"))
def of_youtube(bench: Bench) -> Iterator[Series]:
    """Parse the recordings of YouTube, in turn with a bare parse."""
    from spiders.youtube.parse import parse

    patterns = ("youtube/html/watch*.html", "youtube/newpipe/*.json", "youtube/innertube/*.json")
    yield from _parsed(bench, parse, patterns)


@measures(
    LIST,
    Row(name="wrong", what="links that were not tried, or whose line in the sheet is wrong", unit="links", ours="wrong",
        goal=at_most(0, "value"), reason="A list is work that nobody looks at link by link: the sheet must be right."),
    Row(name="rate", what="… links, `--quick` with both passes, no pictures", unit="links/minute", ours="rate",
        reason="No goal: what a list takes is what its links take."),
)  # fmt: skip
def three_hundred(bench: Bench) -> Iterator[Series]:
    """Capture a list on the miniature platforms, and hold the sheet against what is known of each link."""
    from archiver.demo.scene import platforms

    scene = platforms(bench.folder / "scene", posts=250)
    assert scene.served.network.roots is not None
    routes = {key: list(value) for key, value in scene.served.network.routes.items()}
    network = {"routes": json.dumps(routes), "roots": str(scene.served.network.roots.path)}
    good = [f"https://t.me/ozen_today/{number}" for number in range(22, 22 + bench.size(210))]
    good += [f"https://x.com/ozen_today/status/14786600000000000{number:02}" for number in (1, 3, 4, 5, 6, 11)]
    good += ["https://youtu.be/Zh5janSq001", "https://youtu.be/StreamOver1"]
    good += [f"https://blog.ozen.example/2011/12/17/square?part={number}" for number in range(bench.size(67))]
    bad = ["https://youtu.be/B0tWa11Vid0", "https://youtu.be/Pr1vateVid0", "https://x.com/i/status/1478660000000000008"]
    bad += [f"https://blog.ozen.example/missing?n={number}" for number in range(6)]
    bad += [f"https://t.me/ozen_today/{number}" for number in range(900, 905)] + ["https://nosuch.ozen.example/"]
    path, sheet = bench.folder / "links.txt", bench.folder / "sheet.csv"
    path.write_text("\n".join([*good, *bad]))
    try:
        words = ["capture", "--list", str(path), "--quick", "--no-screenshot", "--sheet", str(sheet), "--at-once", "16"]
        took = timed(ours(new_home(bench), {**network, "allowed": list(range(1, 7))}, words))
    finally:
        scene.served.stop()
    with open(sheet, encoding="utf-8-sig", newline="") as stream:
        status = {item["link"]: item["status"] for item in csv.DictReader(stream)}
    wrong = [link for link in good if status.get(link) != "kept whole"]
    wrong += [link for link in bad if status.get(link, "not yet tried") in ("kept whole", "not yet tried")]
    yield {"wrong": len(wrong), "rate": (len(good) + len(bad)) / took * 60}


@measures(
    YT_DLP,
    Row(name="found", what="1 GB: a video that yt-dlp finds, fetched in ranges, put together, sealed", unit="s",
        ours="found", peer="bare", against="yt-dlp alone", goal=at_most(1.5),
        reason="A prototype that recorded yt-dlp's traffic reached 1.45: two writes and two digests of each byte."),
    Row(name="recorded", what="… yt-dlp's own download by `archiver record`, sealed", unit="s", ours="recorded",
        peer="bare", against="yt-dlp alone", reason="No goal: captures fetch the media themselves."),
)  # fmt: skip
def by_yt_dlp(bench: Bench) -> Iterator[Series]:
    """Fetch a gigabyte by yt-dlp alone, recorded, and found by it and fetched by us, in turn."""
    from archiver.demo.scene import START
    from archiver.demo.server import Platforms
    from archiver.demo.youtube import YouTube
    from archiver.demo.youtube_model import VIDEO_HOST, Format, Video

    size = bench.size(10**9)

    class Large(Format):
        @property
        def size(self) -> int:
            return size

    film = Large(134, 'video/mp4; codecs="avc1.4d401e"', b"x", 640, 360)
    platform = YouTube([Video("OneGigabyte", "long", "", START, 3600, [film])], b"\x89PNG small")
    site = bench.site
    assert site.video.stat().st_size == size
    pages(bench.made, 1)
    served = Platforms(bench.folder / "youtube", platform.sites())
    assert served.network.roots is not None
    roots = bench.folder / "both.pem"
    roots.write_bytes(site.roots.read_bytes() + served.network.roots.path.read_bytes())
    routes = {key: list(value) for key, value in served.network.routes.items()}
    routes |= {f"{VIDEO_HOST}:443": [ADDRESS, site.films], "bench.example:443": [ADDRESS, site.tls]}
    network = {"routes": json.dumps(routes), "roots": str(roots)}
    asked = [str(TOOLS / "yt-dlp"), "-q", "--compat-options", "no-certifi", "-o"]
    trusting = {**os.environ, "SSL_CERT_FILE": str(site.roots)}
    try:
        for _ in bench.rounds(most=3):
            out, home, other = bench.new_folder(), new_home(bench), new_home(bench)
            url = f"https://{ADDRESS}:{site.tls}/video.mp4"
            bare = timed([*asked, out / "v.mp4", url], env=trusting)
            words = ["record", "--", *asked, str(out / "w.mp4"), "https://bench.example/video.mp4"]
            recorded = timed(ours(home, network, words))
            found = timed(ours(other, network, ["capture", "https://youtu.be/OneGigabyte"]))
            assert sum(path.stat().st_size for path in other.rglob("*.warc.gz")) > size
            yield {"bare": bare, "recorded": recorded, "found": found}
            for path in (out, home.parent, other.parent):
                shutil.rmtree(path)
    finally:
        served.stop()
