"""Run a worker until nothing is left for it, or it is stopped."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from archiver.capture.engine import CaptureEngine
from archiver.errors import UsageError
from archiver.home.ports import Signer
from archiver.jobs.attempts import WorkerEvents
from archiver.jobs.heartbeat import Heartbeat
from archiver.jobs.queue import Queue, database, serve
from archiver.jobs.worker import Worker
from storage.errors import Unreachable

GRACE_SECONDS = 30.0
"""How long the end of a worker waits for the queue to hear of what was carried out."""

UNHEARD_SECONDS = 2.0
"""How long it waits where the queue is away."""


@dataclass(frozen=True)
class WorkerOptions:
    """Options of a worker."""

    place: int
    """Its number among the workers of the home."""
    at_once: int
    """How many attempts run side by side. It holds for all workers of the queue: the last one started decides."""
    drain: bool = False
    """Whether the worker ends when nothing is left that could begin now."""
    health: int | None = None
    """A port of 127.0.0.1 on which GET /health is answered."""


async def run_worker(
    engine: CaptureEngine, queue: Queue, signer: Signer, options: WorkerOptions, events: WorkerEvents
) -> None:
    """Run a worker until it is interrupted or, with `drain`, until nothing is left that could begin now.

    Raises `Unreachable` where the queue does not answer at the beginning, `UsageError` where the port is taken.
    """
    home, stop, loop = engine.home, asyncio.Event(), asyncio.get_running_loop()
    engine.on_interrupt.append(stop.set)
    worker = Worker(engine, queue, signer, events)
    name = f"{worker.ledger}/{options.place}"
    heartbeat = Heartbeat(
        worker, name, options.at_once, lambda: loop.call_soon_threadsafe(stop.set), drain=options.drain
    )
    heartbeat.beat()
    if queue.paused:
        events.warned("paused: no jobs start before: archiver jobs resume")
    await asyncio.to_thread(queue.begin_serving, options.at_once)
    end = await asyncio.to_thread(serve, database(home), name, worker.carry_out, home.clock)
    heartbeat.start()
    try:
        async with _answering_health(engine, queue, options.health, events):
            await stop.wait()
    finally:
        deadline = loop.time() + GRACE_SECONDS
        while worker.busy and loop.time() < deadline:
            await asyncio.sleep(0.05)
        # Where the queue is away, what was carried out is kept in the home, and said to it by the next worker.
        if heartbeat.lost:
            await asyncio.to_thread(_end_unheard, end)
        else:
            await asyncio.to_thread(end, 0.0 if heartbeat.nothing_left else GRACE_SECONDS)
        if not worker.busy and not heartbeat.lost:
            with suppress(Unreachable):
                await asyncio.to_thread(queue.give_back, name)
        await asyncio.to_thread(heartbeat.stop)


def _end_unheard(end: Callable[[float], None]) -> None:
    """End DBOS while the queue is away: its threads, which ask it for ever, are not waited for."""
    ending = threading.Thread(target=end, args=(0.0,), daemon=True)
    ending.start()
    ending.join(UNHEARD_SECONDS)


@asynccontextmanager
async def _answering_health(
    engine: CaptureEngine, queue: Queue, port: int | None, events: WorkerEvents
) -> AsyncIterator[None]:
    """Answer GET /health on a port of 127.0.0.1 meanwhile, if one is given. Raises `UsageError` where it is taken."""
    if port is None:
        yield
        return
    from archiver.jobs.api import LOOPBACK, Api, listen  # late: an HTTP server takes its time to load

    api = Api(engine.home, queue, secrets.token_hex(32), LOOPBACK, tell=events.warned)  # a token that nobody has
    try:
        listener, _ = await listen(api.application(), "127.0.0.1", port)
    except OSError as error:
        raise UsageError(f"a free port {port}", error.strerror or str(error), "Choose another: --health") from error
    try:
        yield
    finally:
        await listener.cleanup()
