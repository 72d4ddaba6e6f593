"""Running a worker until it drains or is stopped."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import Any

from archiver.capture.engine import CaptureEngine
from archiver.capture.result import CaptureResult
from archiver.errors import UsageError
from archiver.jobs.heartbeat import Pulse, Tell
from archiver.jobs.job import Job
from archiver.jobs.queue import Done, Queue, database, serve
from archiver.jobs.worker import Worker

GRACE_SECONDS = 30.0
"""So long at the end for what was carried out to be said to the queue."""


async def work(
    engine: CaptureEngine,
    queue: Queue,
    place: int,
    at_once: int,
    drain: bool,
    said: Callable[[Job, Done], None],
    results: Callable[[CaptureResult], None],
    tell: Tell,
    heard: Callable[[str, dict[str, Any]], None],
    health: int | None = None,
) -> None:
    """`health`: a port of 127.0.0.1 where GET /health is answered.

    Until it is interrupted; with `drain` until nothing is left that could be begun now. Raises `Unreachable` at its beginning."""
    home, stop, loop = engine.home, asyncio.Event(), asyncio.get_running_loop()
    engine.on_interrupt.append(stop.set)
    worker = Worker(engine, queue, said, results, heard)
    name = f"{worker.ledger}/{place}"
    pulse = Pulse(worker, queue, name, at_once, drain, tell, lambda: loop.call_soon_threadsafe(stop.set))
    queue.board.set("at once", str(at_once))
    pulse.beat()
    if queue.paused:
        tell("paused: nothing is begun until somebody says so: archiver jobs resume")
    end = await asyncio.to_thread(
        serve, database(home), name, 0 if queue.paused else at_once, worker.carry_out, home.clock
    )
    pulse.start()
    shown = None
    try:
        if health is not None:
            from archiver.jobs.api import LOOPBACK, Api, listen  # late: an HTTP server takes its time to load

            api = Api(home, queue, secrets.token_hex(32), LOOPBACK)  # a token that nobody has: it answers /health only
            shown, _ = await listen(api.application(), "127.0.0.1", health)
        await stop.wait()
    except OSError as error:
        raise UsageError(f"a free port {health}", error.strerror or str(error), "Choose another: --health") from error
    finally:
        if shown is not None:
            await shown.cleanup()
        deadline = loop.time() + GRACE_SECONDS
        while worker.busy and loop.time() < deadline:
            await asyncio.sleep(0.05)
        # Where the queue is away, what was carried out is kept in the home, and said to it by the next worker.
        await asyncio.to_thread(end, 0.0 if pulse.lost or pulse.nothing_left else GRACE_SECONDS)
        await asyncio.to_thread(pulse.over)
