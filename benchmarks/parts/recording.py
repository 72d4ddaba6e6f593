"""A gigabyte and many pages through the recorder, against curl with openssl, and against warcprox."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.processes import ADDRESS, ROOT, cpu_seconds, free_port, peak, settle, timed, wait_for
from benchmarks.registry import Part, Row, Series, at_least, at_most, measures
from benchmarks.site import pages

RECORDED = [sys.executable, "-m", "benchmarks.children.recorded"]
BOUNDED = "What is recorded goes to the disk in pieces: memory must not grow with the size of a file."
DIGEST = "`curl | openssl dgst -sha256`"
WARCPROX = "warcprox, uncompressed"

GIGABYTE = Part("gigabyte", "A gigabyte through the recorder")
CONNECT = Part(
    "connect",
    "A gigabyte by CONNECT",
    "curl fetches it through our recorder, and through warcprox.",
    """Every byte is decrypted, framed, hashed twice, checksummed, written, and encrypted again for the client. A
profile shows that TLS through pyOpenSSL's memory BIOs costs more than both digests together: on both sides, the data
is copied into the BIO, into a buffer for each 16 KiB record, and out again. The fetcher has no client side and so
avoids half of this. What could be gained: `ssl.MemoryBIO` on the client side, where no certificate chain has to be
recorded.""",
)
PAGES = Part(
    "pages",
    "Pages through the recorder",
    "curl fetches 2,000 pages of 20 kB over eight connections; measured until the WARC is complete.",
    """A page takes about one millisecond of Python. A third of it is spent on writing (two headers, two compressed
members, four digests, and a JSON line for each record), a fifth on framing request and answer, and a tenth on `send`.
The minimal prototype neither parsed the heads of both messages nor wrote salted lines.""",
)


@contextlib.contextmanager
def recorder(order: dict[str, str]) -> Iterator[tuple[dict[str, str], Series]]:
    """Run a recorder; what it used is known when it has ended."""
    process = subprocess.Popen(
        [*RECORDED, "wait", json.dumps(order)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    told: Series = {}
    yield json.loads(process.stdout.readline()), told
    out, _ = process.communicate("\n")
    told.update(json.loads(out.splitlines()[-1]))


@contextlib.contextmanager
def warcprox(bench: Bench, program: str, *options: str) -> Iterator[tuple[str, Series]]:
    """Run warcprox until it has written what it was given; what it used is known when it has ended."""
    folder, port = bench.new_folder(), free_port()
    command = [program, "-b", "127.0.0.1", "-p", str(port), "-d", str(folder), "-q", "-g", "sha256", *options]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port, "127.0.0.1")
        told: Series = {}
        yield f"http://127.0.0.1:{port}", told
        settle(folder)
        told.update(cpu=cpu_seconds(process.pid), rss=peak(process.pid))
    finally:
        process.terminate()
        process.wait()
    shutil.rmtree(folder, ignore_errors=True)


@measures(
    GIGABYTE,
    Row(name="received", what="1 GB by HTTPS, our fetcher through the recorder, received", unit="s", ours="received",
        peer="curl", against=DIGEST, goal=at_most(1.3),
        reason="The peer does the least that evidence needs: fetch and hash. The rest is what a WARC adds."),
    Row(name="closed", what="… to the closed, synced capture with its manifest", unit="s", ours="closed", peer="curl",
        against=DIGEST, reason="No goal: the peer neither syncs nor hashes its files once more for a manifest."),
    Row(name="memory", what="… peak memory", unit="MB", ours="memory", goal=at_most(100, "value"), reason=BOUNDED),
)  # fmt: skip
def gigabyte(bench: Bench) -> Iterator[Series]:
    """Fetch a gigabyte into a capture, in turn with curl into openssl."""
    site = bench.site
    _, url = site.video, f"https://bench.example:{site.tls}/video.mp4"
    there = f"--resolve bench.example:{site.tls}:{ADDRESS} --cacert {site.roots}"
    order = {**site.order, "url": "https://bench.example/video.mp4", "warm": "https://bench.example/0.html"}
    pages(bench.made, 1)
    for _ in bench.rounds():
        curl = timed(f"curl -sSf {there} {url} | openssl dgst -sha256")
        done = subprocess.run([*RECORDED, "fetch", json.dumps(order)], cwd=ROOT, stdout=subprocess.PIPE, check=True)
        told = json.loads(done.stdout.splitlines()[-1])
        yield {"curl": curl, "received": told["received"], "closed": told["closed"], "memory": told["rss"]}
        for left in bench.folder.glob("tmp*"):
            shutil.rmtree(left)


@measures(
    CONNECT,
    Row(name="speed", what="1 GB by HTTPS, curl by CONNECT", unit="s", ours="wall", peer="their wall", inverted=True,
        against=WARCPROX, goal=at_least(1),
        reason="A prototype by plain http was twice as fast; a recorder must not be slower than the field's own."),
    Row(name="cpu", what="… processor time", unit="s", ours="cpu", peer="zipped cpu", inverted=True,
        against="warcprox -z", goal=at_least(4), reason="Compressing a video gains nothing; a prototype that stores it took a 13th of the time."),
    Row(name="memory", what="… peak memory of the recorder", unit="MB", ours="memory", goal=at_most(100, "value"),
        reason=BOUNDED),
)  # fmt: skip
def connect(bench: Bench) -> Iterator[Series]:
    """Fetch a gigabyte by curl through our recorder, in turn with warcprox."""
    site, program = bench.site, bench.peer("warcprox")
    _, theirs = site.video, f"https://{ADDRESS}:{site.tls}/video.mp4"
    for number in bench.rounds():
        with recorder(site.order) as (where, told):
            trusting = f"-x {where['proxy']} --cacert {where['authority']}"
            wall = timed(f"curl -sSf -o /dev/null {trusting} https://bench.example/video.mp4")
        seen = {"wall": wall, "cpu": told["cpu"], "memory": told["rss"]}
        for left in bench.folder.glob("tmp*"):
            shutil.rmtree(left)
        if program:
            with warcprox(bench, program) as (proxy, _):
                seen["their wall"] = timed(f"curl -sSf -k -o /dev/null -x {proxy} {theirs}")
        if program and number % 2 == 0:  # it takes most of a minute
            with warcprox(bench, program, "-z") as (proxy, told):
                timed(f"curl -sSf -k -o /dev/null -x {proxy} {theirs}")
            seen["zipped cpu"] = told["cpu"]
        yield seen


@measures(
    PAGES,
    *(
        Row(name=scheme, what=f"2,000 pages of 20 kB by {scheme}, 8 connections", unit="pages/s", ours=scheme,
            peer=f"{scheme}, theirs", against=WARCPROX, goal=at_least(6),
            reason="A prototype with a minimal parser reached 17; parsed heads and a full inventory may cost the rest.")
        for scheme in ("http", "https")
    ),
)  # fmt: skip
def many_pages(bench: Bench) -> Iterator[Series]:
    """Fetch many pages by curl through our recorder, in turn with warcprox."""
    site, program, count = bench.site, bench.peer("warcprox"), bench.size(2000)
    pages(bench.made, count)
    names = bench.folder / "urls"

    def fetched(base: str, options: str) -> float:
        names.write_text("".join(f'url = "{base}/{n}.html"\noutput = /dev/null\n' for n in range(count)))
        return count / timed(f"curl -sSf -Z --parallel-max 8 {options} -K {names}")

    for _ in bench.rounds():
        seen: Series = {}
        for scheme, port in (("http", site.plain), ("https", site.tls)):
            with recorder(site.order) as (where, _):
                trusting = f"-x {where['proxy']} --cacert {where['authority']}"
                seen[scheme] = fetched(f"{scheme}://bench.example", trusting)
            for left in bench.folder.glob("tmp*"):
                shutil.rmtree(left)
            if program:
                with warcprox(bench, program) as (proxy, _):
                    seen[f"{scheme}, theirs"] = fetched(f"{scheme}://{ADDRESS}:{port}", f"-k -x {proxy}")
        yield seen
