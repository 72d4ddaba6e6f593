"""Child processes whose time and memory are measured: a recorder that waits, and a fetch through one."""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pyrage

from archiver.ratelimit.limiter import HostLimiter
from archiver.recorder.network import TestNetwork
from archiver.recorder.proxy import Recorder
from archiver.recorder.tls import Roots
from benchmarks.processes import peak
from storage.capture import CaptureWriter, Identity
from storage.times import system_clock


def opened(order: dict[str, str]) -> tuple[Recorder, CaptureWriter]:
    """Open a recorder and the capture that it records into."""
    folder = Path(tempfile.mkdtemp(dir=order["folder"]))
    routes = {key: (order["address"], int(port)) for key, port in json.loads(order["routes"]).items()}
    recorder = Recorder(HostLimiter(0, 64), network=TestNetwork(routes, Roots(Path(order["roots"]), "bench")))
    identity = Identity(
        "20261122T000000-bench000",
        "run",
        1,
        "https://bench.example/",
        bytes(32),
        {"name": "archiver", "version": "bench"},
        True,
    )
    recipient = str(pyrage.x25519.Identity.generate().to_public())
    return recorder, CaptureWriter(folder / "capture", identity, [recipient], system_clock, time.monotonic)


def wait(order: dict[str, str]) -> dict[str, float]:
    """Serve until a line comes on standard input."""
    recorder, writer = opened(order)
    port = recorder.open(writer)
    authority = Path(order["folder"]) / "authority.pem"
    authority.write_bytes(recorder.authority.pem)
    print(json.dumps({"proxy": port.proxy_url, "authority": str(authority)}), flush=True)
    sys.stdin.readline()
    port.close()
    recorder.close()
    return {}


def fetch(order: dict[str, str]) -> dict[str, float]:
    """Fetch one link through a recorder; return the seconds until it was received, and until its capture was closed."""
    recorder, writer = opened(order)
    port = recorder.open(writer)
    port.fetch(order["warm"], []).result()
    start = time.perf_counter()
    done = port.fetch(order["url"], []).result()
    received = time.perf_counter() - start
    port.close()
    writer.close("captured", None)
    closed = time.perf_counter() - start
    recorder.close()
    assert done.complete, (done.problem, done.detail)
    return {"received": received, "closed": closed}


def command(order: dict[str, Any]) -> dict[str, float]:
    """Run the real command, whole: what a person would wait for."""
    from archiver.cli.main import main

    routes = {key: (value[0], int(value[1])) for key, value in json.loads(order["routes"]).items()}
    network = TestNetwork(routes, Roots(Path(order["roots"]), "bench"))
    code = main([*order["words"][:1], "--home", order["home"], *order["words"][1:]], network, {})
    raise SystemExit(0 if code in (0, *order.get("allowed", [])) else code)


if __name__ == "__main__":
    order = json.loads(sys.argv[2])
    result = {"wait": wait, "fetch": fetch, "main": command}[sys.argv[1]](order)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cpu = usage.ru_utime + usage.ru_stime
    print(json.dumps({**result, "cpu": cpu, "rss": peak()}), flush=True)
