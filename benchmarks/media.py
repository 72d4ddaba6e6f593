"""Pages with a video against auto-archiver, a gigabyte by yt-dlp, three hundred links, and the speed of the parsers."""

from __future__ import annotations

import csv
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.harness import LONG_ROUNDS, ROOT, Row, Stage, spread
from benchmarks.homes import new_home, ours, timed

AUTO = ROOT / ".venv-auto" / "bin" / "auto-archiver"
FIXTURES = ROOT.parent / "shared" / "fixtures"
PAGES = 50

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


def pages_with_a_video(stage: Stage, row: Row) -> None:
    """50 pages, each with a video, and a single one, at 0 and at 200 ms latency."""
    if not AUTO.exists():
        row("50 pages with a video vs auto-archiver", "auto-archiver is not in .venv-auto", "", "≥ 3 × / ≥ 10 ×")
        return
    from archiver.demo.media import video

    film, _ = video(stage.folder / "film", 20, 440, "640x360")
    path = stage.folder / "film.mp4"
    path.write_bytes(film + bytes(max(0, 3_000_000 - len(film))))
    host = socket.gethostname()
    address = socket.gethostbyname(host)  # auto-archiver refuses loopback by name and by number
    for latency, goal in ((0.0, "≥ 3 ×"), (0.2, "≥ 10 ×")):
        command = [sys.executable, "-m", "benchmarks.latency", address, str(latency), str(path)]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert server.stdout is not None
        port = int(server.stdout.readline())
        network = {"routes": json.dumps({f"{host}:{port}": [address, port]}), "roots": str(stage.roots)}
        links = [f"http://{host}:{port}/p{number}" for number in range(PAGES)]
        try:
            name = f"at {latency * 1000:.0f} ms"
            _against(
                stage,
                row,
                f"{PAGES} pages with a video of 3 MB, {name}: rate vs auto-archiver 1.2.9",
                links,
                network,
                goal,
            )
            if not latency:
                _against(stage, row, "one page with a video: time vs auto-archiver", links[:1], network, "≤ 0.7")
        finally:
            server.kill()


def _against(stage: Stage, row: Row, what: str, links: list[str], network: dict[str, Any], goal: str) -> None:
    mine, theirs = [], []
    for _ in range(LONG_ROUNDS):
        home = new_home(stage.folder)
        mine.append(timed(ours(home, network, ["capture", *links, "--at-once", "32"]), cwd=ROOT))
        shutil.rmtree(home.parent)
        out = Path(tempfile.mkdtemp(dir=stage.folder))
        (out / "orchestration.yaml").write_text(ORCHESTRATION.format(out=out))
        theirs.append(timed([str(AUTO), "--config", str(out / "orchestration.yaml"), *links], cwd=out))
        kept = list(out.glob("*.mp4"))
        assert len(kept) == len(links) or len(links) > 1, "auto-archiver kept no video"
        shutil.rmtree(out)
    ratios = [a / b for a, b in zip(theirs, mine, strict=True)]
    if "time" in what:
        ratios = [1 / ratio for ratio in ratios]
    row(what, f"{spread(mine)} s / {spread(theirs)} s", spread(ratios), goal)


def gigabyte_by_yt_dlp(stage: Stage, row: Row) -> None:
    """A gigabyte by TLS: bare yt-dlp; yt-dlp's own download recorded; a video that yt-dlp finds and the fetcher brings."""
    from archiver.demo.scene import START
    from archiver.demo.server import Platforms
    from archiver.demo.youtube import YouTube
    from archiver.demo.youtube_model import VIDEO_HOST, Format, Video

    class Large(Format):
        @property
        def size(self) -> int:
            return 10**9

    film = Large(134, 'video/mp4; codecs="avc1.4d401e"', b"x", 640, 360)
    platform = YouTube([Video("OneGigabyte", "long", "", START, 3600, [film])], b"\x89PNG small")
    served = Platforms(stage.folder / "youtube", platform.sites())
    assert served.network.roots is not None
    roots = stage.folder / "both.pem"
    roots.write_bytes(stage.roots.read_bytes() + served.network.roots.path.read_bytes())
    routes = {key: list(value) for key, value in served.network.routes.items()}
    routes[f"{VIDEO_HOST}:443"] = ["127.0.0.2", stage.media]
    routes["bench.example:443"] = ["127.0.0.2", stage.tls]
    network = {"routes": json.dumps(routes), "roots": str(roots)}
    program = str(Path(sys.executable).parent / "yt-dlp")
    bare, record, found = [], [], []
    environment = {**os.environ, "SSL_CERT_FILE": str(stage.roots)}
    try:
        for _ in range(LONG_ROUNDS):
            out = Path(tempfile.mkdtemp(dir=stage.folder))
            asked = ["-q", "--compat-options", "no-certifi", "-o", str(out / "v.mp4")]
            bare.append(timed([program, *asked, f"https://127.0.0.2:{stage.tls}/video.mp4"], env=environment))
            home = new_home(stage.folder)
            asked[-1] = str(out / "w.mp4")
            words = ["record", "--", program, *asked, "https://bench.example/video.mp4"]
            record.append(timed(ours(home, network, words), cwd=ROOT))
            shutil.rmtree(home.parent)
            home = new_home(stage.folder)
            found.append(timed(ours(home, network, ["capture", "https://youtu.be/OneGigabyte"]), cwd=ROOT))
            assert sum(path.stat().st_size for path in home.rglob("*.warc.gz")) > 10**9
            shutil.rmtree(home.parent)
            shutil.rmtree(out)
    finally:
        served.stop()
    row(
        "1 GB by TLS: a video that yt-dlp finds, fetched in ranges, put together and sealed, vs bare yt-dlp",
        f"{spread(found)} s / {spread(bare)} s",
        spread([a / b for a, b in zip(found, bare, strict=True)]),
        "≤ 1.5",
    )
    row(
        "  … yt-dlp's own download through the recorder (`archiver record`), sealed",
        f"{spread(record)} s",
        spread([a / b for a, b in zip(record, bare, strict=True)]),
        "–",
    )


def three_hundred_links(stage: Stage, row: Row) -> None:
    """A list with failures of five in a hundred and a bot wall, on the miniature platforms: all attempted, the sheet right."""
    from archiver.demo.scene import platforms

    scene = platforms(stage.folder / "scene", posts=250)
    assert scene.served.network.roots is not None
    routes = {key: list(value) for key, value in scene.served.network.routes.items()}
    network = {"routes": json.dumps(routes), "roots": str(scene.served.network.roots.path)}
    good = [f"https://t.me/ozen_today/{number}" for number in range(22, 232)]
    good += [f"https://x.com/ozen_today/status/14786600000000000{number:02}" for number in (1, 3, 4, 5, 6, 11)]
    good += ["https://youtu.be/Zh5janSq001", "https://youtu.be/StreamOver1"]
    good += [f"https://blog.ozen.example/2011/12/17/square?part={number}" for number in range(67)]
    bad = ["https://youtu.be/B0tWa11Vid0", "https://youtu.be/Pr1vateVid0", "https://x.com/i/status/1478660000000000008"]
    bad += [f"https://blog.ozen.example/missing?n={number}" for number in range(6)]
    bad += [f"https://t.me/ozen_today/{number}" for number in range(900, 905)] + ["https://nosuch.ozen.example/"]
    links = good + bad
    path, sheet = stage.folder / "links.txt", stage.folder / "sheet.csv"
    path.write_text("\n".join(links))
    try:
        home = new_home(stage.folder)
        start = time.perf_counter()
        words = ["capture", "--list", str(path), "--quick", "--no-screenshot", "--sheet", str(sheet), "--at-once", "16"]
        done = subprocess.run(ours(home, network, words), cwd=ROOT, stdout=subprocess.PIPE, check=False)
        took = time.perf_counter() - start
    finally:
        scene.served.stop()
    with open(sheet, encoding="utf-8-sig", newline="") as stream:
        status = {item["link"]: item["status"] for item in csv.DictReader(stream)}
    right = all(status[link] == "kept whole" for link in good) and all(status[link] != "kept whole" for link in bad)
    attempted = sum(value != "not yet tried" for value in status.values())
    row(
        f"{len(links)} links, {len(bad)} of them bad, one a bot wall, --quick with both passes, no pictures",
        f"{took:.1f} s, {len(links) / took * 60:.0f} a minute, exit code {done.returncode}",
        f"{attempted} attempted, sheet {'right' if right else 'WRONG'}",
        "all attempted, sheet right",
    )


def parsing(stage: Stage, row: Row) -> None:
    """Time of the parsers over that of json.loads and lxml on the same bytes."""
    from lxml import html

    from spiders.json_access import load
    from spiders.x.parse import parse as parse_x
    from spiders.youtube.parse import parse as parse_youtube

    if not FIXTURES.is_dir():
        row("parsing posts: time vs json.loads/lxml", "the recordings are not there", "", "≤ 3")
        return
    for name, parse, patterns in (
        ("X", parse_x, ("twitter/graphql/*.json", "twitter/syndication/*.json", "twitter/html/*.html")),
        ("YouTube", parse_youtube, ("youtube/html/watch*.html", "youtube/newpipe/*.json", "youtube/innertube/*.json")),
    ):
        bodies: list[bytes] = []
        for path in (path for pattern in patterns for path in sorted(FIXTURES.glob(pattern))):
            data = path.read_bytes()
            value = load(data)
            kept = (
                value["response"]["responseBody"]
                if isinstance(value, dict) and "response" in value and "request" in value
                else None
            )
            if ".expected." not in path.name:
                bodies.append(kept.encode() if kept else data)
        mine, theirs = [], []
        for _ in range(LONG_ROUNDS * 3):
            start = time.perf_counter()
            for body in bodies:
                parse(body)
            mine.append(time.perf_counter() - start)
            start = time.perf_counter()
            for body in bodies:
                if body.lstrip()[:1] in (b"{", b"["):
                    json.loads(body)
                else:
                    html.fromstring(body)
            theirs.append(time.perf_counter() - start)
        row(
            f"parsing {len(bodies)} recordings of {name}: time vs json.loads or lxml on the same bytes",
            f"{spread([t * 1000 for t in mine])} ms / {spread([t * 1000 for t in theirs])} ms",
            spread([a / b for a, b in zip(mine, theirs, strict=True)]),
            "≤ 3",
        )
