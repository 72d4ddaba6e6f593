"""The pool of yt-dlp's processes when things end before they are done."""

from __future__ import annotations

import asyncio
import contextlib
import sys

import pytest

from archiver.tools import ytdlp_pool
from archiver.tools.ytdlp_pool import ExtractorDied, ExtractorPool

HANGS = """
import json, sys, time
print(json.dumps({"ready": "1", "js_runtime": None, "fences": []}), flush=True)
sys.stdin.readline()
time.sleep(60)
"""


def test_a_pool_is_closed_while_a_job_waits_for_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a disk refuses a call in the middle of a capture: the capture ends, and the job hears that its process ended."""
    monkeypatch.setattr(ytdlp_pool, "worker_command", lambda: [sys.executable, "-I", "-S", "-c", HANGS])
    monkeypatch.setattr(ytdlp_pool, "_door", _no_door)

    async def closed() -> None:
        pool = ExtractorPool(b"", size=1)
        job = asyncio.ensure_future(pool.run({"do": "nothing"}, 30))
        await asyncio.sleep(1)
        await asyncio.wait_for(pool.close(), 10)
        with pytest.raises(ExtractorDied):
            await job

    asyncio.run(closed())


async def _no_door(socket: object) -> None:
    with contextlib.suppress(OSError):
        socket.close()  # type: ignore[attr-defined]
