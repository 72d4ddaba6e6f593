"""Asking again when a host is busy: after the time it names, or with growing, jittered pauses. Each answer is recorded."""

from __future__ import annotations

import random
from asyncio import sleep
from typing import Any

from scrapy import Request
from scrapy.http import Response

from spiders.http_values import digits, http_date

BUSY = frozenset({429, 500, 502, 503, 504})
PATIENCE = 120.0
"""A host that asks for a longer pause, in seconds, is left alone; the walk is gone on with later."""
FIRST = 2.0
GROWTH = 4.0


class Retries:
    """A downloader middleware. The recorder keeps the host's pause across captures; here it is only waited for."""

    def __init__(self, retries: int, rng: random.Random | None = None) -> None:
        self._retries = retries
        self._rng = rng or random.Random()

    @classmethod
    def from_crawler(cls, crawler: Any) -> Retries:
        """Make the middleware by Scrapy's settings: RETRIES, or 2."""
        return cls(crawler.settings.getint("RETRIES", 2))

    async def process_response(self, request: Request, response: Response) -> Request | Response:
        """Return the answer, or after a pause the request again, where the host was busy and tries are left."""
        attempt = int(request.meta.get("attempt", 0))
        if response.status not in BUSY or attempt >= self._retries:
            return response
        named = wanted_pause(response)
        if named is not None and named > PATIENCE:
            return response
        await sleep(named if named is not None else pause(attempt, self._rng))
        return request.replace(meta={**request.meta, "attempt": attempt + 1}, dont_filter=True)


def pause(attempt: int, rng: random.Random) -> float:
    """Draw the seconds to wait where the host names none: 2, 8, 32, …, each times a factor from 0.5 to 1.5."""
    return FIRST * GROWTH**attempt * rng.uniform(0.5, 1.5)


def wanted_pause(response: Response) -> float | None:
    """Return the seconds that `Retry-After` asks for (RFC 9110 10.2.3); None where it cannot be read."""
    text = (response.headers.get("Retry-After") or b"").decode("latin-1").strip()
    if (seconds := digits(text)) is not None:
        return float(seconds)
    until = http_date(text)
    said = http_date((response.headers.get("Date") or b"").decode("latin-1").strip())
    return max(0.0, (until - said).total_seconds()) if until and said else None
