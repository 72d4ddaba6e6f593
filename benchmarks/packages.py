"""Export and check of a case of two gigabytes, against `cp` with `openssl`, `wacz create`, `fastwarc check`, `warcio check`."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.harness import LONG_ROUNDS, ROOT, Row, Stage, spread
from benchmarks.homes import new_home, ours, timed

WACZ = ROOT / ".venv-replay" / "bin" / "wacz"
FILMS, FILM = 20, 100_000_000


def measured(*words: str | Path) -> tuple[float, float]:
    """(seconds, most memory in MB of the process itself, not of a browser that it starts) of a command."""
    most = 0
    with tempfile.TemporaryFile() as said:
        start = time.perf_counter()
        running = subprocess.Popen(list(map(str, words)), stdout=said, stderr=subprocess.STDOUT, cwd=ROOT)
        while running.poll() is None:
            with contextlib.suppress(OSError):
                found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{running.pid}/status").read_text())
                most = max(most, int(found[1]) if found else 0)
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.wait(0.05)
        took = time.perf_counter() - start
        if running.returncode not in (0, 6):  # 6: intact, by a signer that nobody named
            said.seek(0)
            raise SystemExit(f"{words[:4]} ended with {running.returncode}:\n{said.read()[-2000:].decode()}")
    return took, most / 1024


def case_of_two_gigabytes(stage: Stage) -> Path:
    """A home with twenty captures of pages with a video of 100 MB."""
    from archiver.demo.media import video

    www = stage.folder / "www"
    source = random.Random(11)
    film, _ = video(stage.folder / "film", 20, 440, "640x360")
    for number in range(FILMS):
        with open(www / f"film{number}.mp4", "wb") as out:
            out.write(film + struct.pack(">I4s", FILM + 8, b"free"))  # players pass over what is in such a box
            for _ in range(FILM // 10**6):
                out.write(source.randbytes(10**6))
        (www / f"film{number}.html").write_text(
            f'<!doctype html><title>Film {number}</title><h1>Film {number}</h1><video src="/film{number}.mp4"></video>'
        )
    home = new_home(stage.folder)
    network = {"routes": json.dumps({"bench.example:443": ["127.0.0.2", stage.tls]}), "roots": str(stage.roots)}
    links = [f"https://bench.example/film{number}.html" for number in range(FILMS)]
    timed(ours(home, network, ["case", "new", "large"]), cwd=ROOT)
    timed(ours(home, network, ["capture", *links, "--case", "large"]), cwd=ROOT)
    for number in range(FILMS):
        (www / f"film{number}.mp4").unlink()
    return home


def wacz_alone(home: Path, out: Path) -> float:
    """Seconds to write the WACZ of the case, with its SHA-256."""
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
    running = Sha256()
    with open(out, "wb") as stream:
        made = "2026-11-22T00:00:00.000000Z"
        for piece in wacz(
            sources, list(replay_pages(material)), "large", made, SOFTWARE, LocalSigner(opened).sign_wacz
        ):
            running.update(piece)
            stream.write(piece)
    return time.perf_counter() - start


def packages(stage: Stage, row: Row) -> None:
    archiver = Path(sys.executable).parent / "archiver"
    home = case_of_two_gigabytes(stage)
    warcs = sorted(home.rglob("*.warc.gz"))
    total = sum(path.stat().st_size for path in warcs)
    assert total > FILMS * FILM, "the films were not kept"
    export, memory, copy, synced, peer, alone = [], [], [], [], [], []
    package = stage.folder / "out" / "large"
    for _ in range(LONG_ROUNDS):
        shutil.rmtree(package.parent, ignore_errors=True)
        os.sync()
        words = ["--profile", "full", "--no-encrypt", "--yes", "--to", package.parent, "--name", "large"]
        took, most = measured(archiver, "export", "large", "--home", home, *words)
        export.append(took)
        memory.append(most)
        out = Path(tempfile.mkdtemp(dir=stage.folder))
        os.sync()
        start = time.perf_counter()
        subprocess.run(["cp", "-r", home / "captures", out], check=True)
        subprocess.run(["openssl", "dgst", "-sha256", *warcs], check=True, stdout=subprocess.DEVNULL)
        copy.append(time.perf_counter() - start)
        subprocess.run(["sync", "-f", out], check=True)
        synced.append(time.perf_counter() - start)
        shutil.rmtree(out)
        if WACZ.exists():
            made = stage.folder / "made.wacz"
            os.sync()
            start = time.perf_counter()
            command = [WACZ, "create", "-o", made, *warcs]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            peer.append(time.perf_counter() - start)
            made.unlink()
            os.sync()
            alone.append(wacz_alone(home, made))
            made.unlink()
    ratios = [a / b for a, b in zip(export, copy, strict=True)]
    what = (
        "export of a case of 2 GB (WACZ, media once more by name, proofs, report, search, check) vs cp + openssl dgst"
    )
    row(what, f"{spread(export)} s / {spread(copy)} s", spread(ratios), "≤ 2")
    late = [a / b for a, b in zip(export, synced, strict=True)]
    row("  … where the copy too is brought to the disk", f"{spread(synced)} s", spread(late), "–")
    row("  … peak memory of the program", f"{max(memory):.0f} MB", "", "< 200 MB")
    if peer:
        ratios = [b / a for a, b in zip(alone, peer, strict=True)]
        row("  … its WACZ alone: speed vs wacz create", f"{spread(alone)} s / {spread(peer)} s", spread(ratios), "≥ 7")
        ratios = [b / a for a, b in zip(export, peer, strict=True)]
        row("  … the whole export: speed vs wacz create", f"{spread(peer)} s", spread(ratios), "≥ 7")
    _checks(row, archiver, package, warcs)
    shutil.rmtree(package.parent)
    shutil.rmtree(home.parent)


def _checks(row: Row, archiver: Path, package: Path, warcs: list[Path]) -> None:
    mine, script, fast, theirs, memory = [], [], [], [], []
    tools = Path(sys.executable).parent
    whole = package.parent / "all.warc.gz"  # `fastwarc check` takes one file
    with open(whole, "wb") as out:
        for path in warcs:
            out.write(path.read_bytes())
    for _ in range(LONG_ROUNDS):
        took, most = measured(archiver, "check", package)
        mine.append(took)
        memory.append(most)
        took, most = measured(sys.executable, "-I", package / "check.py", package)
        script.append(took)
        memory.append(most)
        fast.append(measured(tools / "fastwarc", "check", "-q", whole)[0])
        theirs.append(measured(tools / "warcio", "check", whole)[0])
    row(
        "check of that package (4 GB: every file, record, line, proof): time vs fastwarc check on its WARC files",
        f"{spread(mine)} s / {spread(fast)} s",
        spread([a / b for a, b in zip(mine, fast, strict=True)]),
        "≤ 1",
    )
    row(
        "check.py on that package vs warcio check on its WARC files",
        f"{spread(script)} s / {spread(theirs)} s",
        spread([a / b for a, b in zip(script, theirs, strict=True)]),
        "≤ 1",
    )
    row("  … peak memory of both", f"{max(memory):.0f} MB", "", "< 200 MB")
