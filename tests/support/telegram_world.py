"""A miniature Telegram for tests, and homes that are logged in to it."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyrage
import pytest
from telethon.tl import types

from archiver.cli.main import main
from archiver.demo.telegram_api import TelegramApi
from archiver.demo.telegram_model import Chat
from archiver.home.home import Home
from archiver.recorder.network import TestNetwork
from archiver.telegram.accounts import Account, Accounts, connected, make_client
from spiders.telegram.api.client import LOGIN
from storage.lines import read_lines

API_HASH = "0123456789abcdef0123456789abcdef"
PHONE = "77005550101"
ME = 700


class TelegramWorld:
    """`api` is the platform; `logged_in` gives a home an account without asking for codes."""

    def __init__(self, api: TelegramApi) -> None:
        self.api = api
        self.network = TestNetwork(telegram=api.network())
        self._session: dict[str, Any] | None = None

    def environment(self, **more: str) -> dict[str, str]:
        names = {"API_ID": "12345", "API_HASH": API_HASH, "PHONE": PHONE, "CODE": self.api.code, **more}
        return {f"ARCHIVER_TELEGRAM_{name}": value for name, value in names.items()}

    def logged_in(self, home: Home, name: str = "default") -> None:
        if self._session is None:
            self._session = asyncio.run(self._login(home))
        Accounts(home).save(Account(name, 12345, API_HASH, dict(self._session)))

    async def _login(self, home: Home) -> dict[str, Any]:
        client = make_client(home, Account("x", 12345, API_HASH), self.network, None, updates=False)
        await connected(client)
        with client.permitting(LOGIN):
            await client.send_code_request(PHONE)
            await client.sign_in(PHONE, self.api.code)
        value: dict[str, Any] = client.session.value()
        await client.disconnect()
        return {**value, "chats": []}

    def channel(self, number: int, posts: int = 0, **facts: Any) -> Chat:
        """A public channel with so many short posts."""
        made = self.api.chat(number, f"Channel {number}", username=f"channel_{number}", **facts)
        for position in range(1, posts + 1):
            self.api.post(made, f"Хабар № {position}", push=False)
        return made

    @contextmanager
    def before_each(self, happens: Callable[[Any], float]) -> Iterator[None]:
        """Call `happens` with each request before its answer; it may raise, or return how many seconds the answer waits."""
        before, self.api.slow = self.api.slow, happens
        try:
            yield
        finally:
            self.api.slow = before

    @contextmanager
    def at_file_parts(self, numbers: Container[int], happens: Callable[[], None]) -> Iterator[None]:
        """Let something happen before the parts of files with these numbers, counted as they are asked for."""
        asked = 0

        def count(request: Any) -> float:
            nonlocal asked
            if type(request).__name__ == "GetFileRequest":
                asked += 1
                if asked in numbers:
                    happens()
            return 0.0

        with self.before_each(count):
            yield


def made_world(**facts: Any) -> TelegramWorld:
    api = TelegramApi(**facts)
    api.person(ME, "Reader", phone=PHONE)
    return TelegramWorld(api)


class TelegramShell:
    """Runs commands on one home that is logged in."""

    def __init__(self, home: Home, world: TelegramWorld, capsys: pytest.CaptureFixture[str]) -> None:
        self.home, self.world, self._capsys = home, world, capsys

    def __call__(self, *words: str, **environment: str) -> tuple[int, str, str]:
        self._capsys.readouterr()
        code = main(["--home", str(self.home.path), *words], self.world.network, self.world.environment(**environment))
        shown = self._capsys.readouterr()
        return code, shown.out, shown.err

    def pauses_end(self) -> None:
        """As if the time had passed for which Telegram had asked to be left alone."""
        with sqlite3.connect(self.home.path / "state.sqlite") as connection:
            connection.execute("DELETE FROM turn_hosts")

    def capture(self, *words: str) -> Captured:
        """The last capture that a command makes."""
        code, out, err = self("--json", *words)
        lines = [json.loads(line) for line in out.splitlines()]
        results = [line for line in lines if "folder" in line]
        assert results, (code, out, err)
        return Captured(self.home, code, results[-1], lines)


class Captured:
    """What one capture left."""

    def __init__(self, home: Home, code: int, result: dict[str, Any], printed: list[dict[str, Any]]) -> None:
        self.home, self.code, self.result, self.printed = home, code, result, printed
        self.folder = home.path / result["folder"]

    def lines(self, name: str) -> list[dict[str, Any]]:
        return list(read_lines(self.folder / f"{name}.jsonl"))

    @property
    def posts(self) -> dict[str, dict[str, Any]]:
        return {line["id"]: line for line in self.lines("posts")}

    @property
    def ended(self) -> dict[str, dict[str, Any]]:
        return {line["key"]: line for line in self.lines("inventory") if line.get("outcome")}

    def records(self, uri: str) -> list[dict[str, Any]]:
        return [line for line in self.lines("records") if str(line.get("uri", "")).startswith(uri)]

    def block(self, record: str) -> bytes:
        """The bytes of a record, by its id, read with a library that is not ours."""
        from warcio.archiveiterator import ArchiveIterator

        (line,) = [line for line in self.lines("records") if line["id"] == record]
        with open(self.folder / line["file"], "rb") as stream:
            stream.seek(line["offset"])
            found: bytes = next(iter(ArchiveIterator(stream))).raw_stream.read()
        return found

    def private(self) -> list[dict[str, Any]]:
        """Withheld values, opened with the case's key."""
        key = (self.home.path / "keys" / "cases" / "inbox.age-key").read_text().splitlines()[-1]
        identity = pyrage.x25519.Identity.from_str(key)
        values: list[dict[str, Any]] = json.loads(
            pyrage.decrypt((self.folder / "private.age").read_bytes(), [identity])
        )["values"]
        return values


def everything_written(home: Path, without: Callable[[Path], bool] = lambda path: False) -> bytes:
    """All bytes below a home, WARCs unpacked: what a search for secrets looks through."""
    import gzip

    parts = []
    for path in sorted(home.rglob("*")):
        if path.is_file() and not without(path):
            data = path.read_bytes()
            parts.append(data)
            if path.suffix == ".gz":
                parts.append(gzip.decompress(data))
    return b"\n".join(parts)


def number() -> int:
    """A chat of its own for each test."""
    number.last += 1  # type: ignore[attr-defined]
    return int(number.last)  # type: ignore[attr-defined]


number.last = 6000  # type: ignore[attr-defined]


def video(world: TelegramWorld, body: Any, dc: int = 2, **facts: Any) -> Any:
    made = world.api.document(body, "video/mp4", "film.mp4", dc, [types.DocumentAttributeVideo(3.0, 320, 180)], **facts)
    return types.MessageMediaDocument(document=made, video=True)


def file_of(made: Captured, key: str) -> bytes:
    """A file of a capture, put together by the program's own command into a folder, read back."""
    record = made.ended[key]["record"]
    return made.block(record)
