"""Export and check of a case of two gigabytes, against `cp` with `openssl`, `wacz create`, and the usual checks."""

from __future__ import annotations

import json
import os
import random
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.homes import new_home, ours
from benchmarks.processes import ADDRESS, ARCHIVER, TOOLS, Words, measured, timed
from benchmarks.registry import Part, Row, Series, at_least, at_most, measures

FILMS = 20
BY_NOBODY = (0, 6)  # 6: intact, by a signer that nobody named
PACKAGES = Part(
    "packages",
    "Packages",
    "The package of a case of twenty captures, each of a page with a video of 100 MB; profile `full`, not encrypted. Caches are written to the "
    "disk before each round. On some virtual machines the file cache grows slowly; `cp` alone then varies between 2 and 8 s.",
    """`cp` writes 2 GB, the export writes 4: the WACZ contains the recordings, and each video is written once more
under a name that a person can open. Every byte is hashed with SHA-256 and SHA-512 while it is written, as BagIt 1.0
requires, on two cores; with the writing this takes 12 s, most of it for SHA-512 (0.65 GB/s). Before that, every WARC
file is compared with its manifest, record by record (5 s). Afterwards everything is read back, hashed, and searched
for secrets, also inside gzip and ZIP (5 s). ffmpeg takes 5 s to make pictures of twenty videos, and Chromium 3 to 5 s
to make the PDF. What could be gained: where the file system supports it, the copies of the videos could share their
blocks on the disk with the recordings.

**The check.** `fastwarc check` computes one digest over 2 GB. The check of a package of 4 GB computes five: of every
file of the bag, every entry of the WACZ, and the block and the payload of every record. That is 10 GB at 1.5 GB/s on
each of two cores.""",
)
BOUNDED = "A package may be larger than memory."


def _case(bench: Bench) -> Path:
    """Make a home with twenty captures of pages with a video."""
    from archiver.demo.media import video

    site, source, each = bench.site, random.Random(11), bench.size(100)
    film, _ = video(bench.folder / "film", 20, 440, "640x360")
    for number in range(FILMS):
        with open(site.www / f"film{number}.mp4", "wb") as out:
            out.write(film + struct.pack(">I4s", each * 10**6 + 8, b"free"))  # players pass over what is in such a box
            for _ in range(each):
                out.write(source.randbytes(10**6))
        (site.www / f"film{number}.html").write_text(
            f'<!doctype html><title>Film {number}</title><h1>Film {number}</h1><video src="/film{number}.mp4"></video>'
        )
    home = new_home(bench)
    network = {"routes": json.dumps({"bench.example:443": [ADDRESS, site.tls]}), "roots": str(site.roots)}
    links = [f"https://bench.example/film{number}.html" for number in range(FILMS)]
    timed(ours(home, network, ["case", "new", "large"]))
    timed(ours(home, network, ["capture", *links, "--case", "large"]))
    for number in range(FILMS):
        (site.www / f"film{number}.mp4").unlink()
    assert sum(path.stat().st_size for path in _warcs(home)) > FILMS * each * 10**6, "the films were not kept"
    return home


def _warcs(home: Path) -> list[Path]:
    return sorted(home.rglob("*.warc.gz"))


def _export(home: Path, package: Path) -> Words:
    words: list[str | Path] = [
        "--profile",
        "full",
        "--no-encrypt",
        "--yes",
        "--to",
        package.parent,
        "--name",
        package.name,
    ]
    return [*ARCHIVER, "export", "large", "--home", home, *words]


def _wacz_alone(home: Path, out: Path) -> float:
    """Return the seconds to write the WACZ of the case, with its SHA-256."""
    from archiver.copies.evict import CopiesFetch
    from archiver.export.packing import replay_pages
    from archiver.export.wacz import WarcSource, wacz
    from archiver.home.home import Home
    from archiver.lookup.material import gather
    from archiver.signer.local import LocalSigner
    from archiver.version import SOFTWARE
    from storage.digest import Sha256

    opened = Home(home)
    material = gather(opened, "large", [], CopiesFetch(opened))
    start = time.perf_counter()
    sources = [
        WarcSource(capture.folder / entry["name"], entry["sha256"], entry["size"],
               [line for line in capture.records if line["file"] == entry["name"]])
        for capture in material.captures for entry in capture.manifest["files"] if entry["name"].endswith(".warc.gz")
    ]  # fmt: skip
    digest, made, sign = Sha256(), "2026-11-22T00:00:00.000000Z", LocalSigner(opened).sign_wacz
    with open(out, "wb") as stream:
        for piece in wacz(sources, list(replay_pages(material)), "large", made, SOFTWARE, sign):
            digest.update(piece)
            stream.write(piece)
    return time.perf_counter() - start


@measures(
    PACKAGES,
    Row(name="export", what="export of 2 GB: signed WACZ, media by name, proofs, report, search, check", unit="s",
        ours="export", peer="copy", against="`cp` + `openssl dgst -sha256`", goal=at_most(2),
        reason="Twice is what writing the media once more by name costs."),
    Row(name="synced", what="… where the copy too is brought to the disk", unit="s", ours="export", peer="synced",
        against="the same and `sync`", reason="No goal: it shows how much of the ratio is the file cache."),
    Row(name="whole", what="… the whole export", unit="s", ours="export", peer="wacz", against="`wacz create` 0.6.0",
        inverted=True, reason="No goal: `wacz create` writes less."),
    Row(name="memory", what="… peak memory", unit="MB", ours="memory", goal=at_most(200, "value"), reason=BOUNDED),
    Row(name="wacz", what="… its WACZ alone, each WARC held against its manifest first", unit="s", ours="alone",
        peer="wacz", against="`wacz create` 0.6.0", inverted=True, goal=at_least(7),
        reason="A prototype that took its index from the catalog instead of the gzip reached 8."),
)  # fmt: skip
def export(bench: Bench) -> Iterator[Series]:
    """Export a case, in turn with a copy of its files and with `wacz create`."""
    home, program = _case(bench), bench.peer("wacz")
    warcs, package = _warcs(home), bench.folder / "out" / "large"
    for _ in bench.rounds(most=3):
        shutil.rmtree(package.parent, ignore_errors=True)
        os.sync()
        took, memory = measured(_export(home, package))
        out = bench.new_folder()
        os.sync()
        start = time.perf_counter()
        subprocess.run(["cp", "-r", home / "captures", out], check=True)
        subprocess.run(["openssl", "dgst", "-sha256", *map(str, warcs)], check=True, stdout=subprocess.DEVNULL)
        copy = time.perf_counter() - start
        subprocess.run(["sync", "-f", out], check=True)
        seen = {"export": took, "memory": memory, "copy": copy, "synced": time.perf_counter() - start}
        shutil.rmtree(out)
        made = bench.folder / "made.wacz"
        os.sync()
        seen["alone"] = _wacz_alone(home, made)
        made.unlink()
        if program:
            os.sync()
            seen["wacz"] = timed([program, "create", "-o", made, *warcs])
            made.unlink()
        yield seen


@measures(
    PACKAGES,
    Row(name="check", what="check of that package of 4 GB: every file, record, line, proof", unit="s", ours="ours",
        peer="fastwarc", against="`fastwarc check` on its WARC files", goal=at_most(1),
        reason="A check that takes longer than the usual tool's is not run."),
    Row(name="check-py", what="… by the package's own check.py, on Python's standard library", unit="s", ours="script",
        peer="warcio", against="`warcio check` on its WARC files", goal=at_most(1),
        reason="As for the check; this one is run by people who have nothing else."),
    Row(name="check-memory", what="… peak memory of both", unit="MB", ours="memory", goal=at_most(200, "value"),
        reason=BOUNDED),
)  # fmt: skip
def check(bench: Bench) -> Iterator[Series]:
    """Check a package by both of our programs, in turn with two others on its WARC files."""
    home, package = _case(bench), bench.folder / "out" / "large"
    timed(_export(home, package))
    whole = bench.folder / "all.warc.gz"  # `fastwarc check` takes one file
    with open(whole, "wb") as out:
        for path in _warcs(home):
            out.write(path.read_bytes())
    shutil.rmtree(home.parent)
    for _ in bench.rounds(most=3):
        mine, memory = measured([*ARCHIVER, "check", package], BY_NOBODY)
        script, other = measured([sys.executable, "-I", package / "check.py", package], BY_NOBODY)
        fast = timed([TOOLS / "fastwarc", "check", "-q", whole])
        theirs = timed([TOOLS / "warcio", "check", whole])
        yield {"ours": mine, "script": script, "memory": max(memory, other), "fastwarc": fast, "warcio": theirs}
