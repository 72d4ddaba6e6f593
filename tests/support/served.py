"""The HTTP API, served for a test."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
from typing import Any

from archiver.home.home import Home
from archiver.jobs.api import LOOPBACK, Api, listen, token_of
from archiver.jobs.queue import Queue, database
from archiver.jobs.queue_secrets import queue_secrets


class Served:
    def __init__(self, home: Home, account: str | None = None) -> None:
        self.home, self.queue = home, Queue(database(home), queue_secrets(home))
        self.token = token_of(home.path)
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        api = Api(home, self.queue, self.token, LOOPBACK, account)
        self._runner, self.port = asyncio.run_coroutine_threadsafe(
            listen(api.application(), "127.0.0.1", 0), self._loop
        ).result()

    def ask(self, method: str, path: str, body: Any = None, token: str | None = "", **headers: str) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        if token is not None:
            headers["Authorization"] = f"Bearer {token or self.token}"
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection.request(method, path, data, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        return answer.status, json.loads(text) if answer.headers["Content-Type"].startswith(
            "application/json"
        ) else text

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self.queue.close()
