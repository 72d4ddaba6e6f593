"""Telegram by an account, by Telethon alone and by us, against a miniature server in a process of its own.

python -m benchmarks.children.telegram serve MESSAGES SIZE | bare NETWORK WHAT | ours NETWORK WHAT
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.homes import change_settings
from benchmarks.processes import peak

PHONE, ACCOUNT, CHANNEL = "77005550101", 700, 9000


def serve(messages: int, size: int) -> None:
    """Serve a long channel, and one with a large file. Says where it is, and stays until it is killed."""
    from telethon.tl import types

    from archiver.demo.telegram_api import TelegramApi
    from archiver.demo.telegram_model import Repeat

    api = TelegramApi()
    api.quiet = True
    api.person(ACCOUNT, "Reader", phone=PHONE)
    chat = api.chat(CHANNEL, "Long", username="long_channel")
    for number in range(1, messages + 1):
        text = f"Хабар № {number}: жол жабық, связь с перебоями. Update {number}. " * 4
        api.post(chat, text, push=False, entities=[types.MessageEntityBold(0, 5)])
    films = api.chat(CHANNEL + 1, "Films", username="films")
    film = api.document(
        Repeat(size), "video/mp4", "film.mp4", 2, [types.DocumentAttributeVideo(60.0, 320, 180)], hashes=False
    )
    api.post(films, "a gigabyte", push=False, media=types.MessageMediaDocument(document=film))
    print(json.dumps(api.network()), flush=True)
    time.sleep(86_400)


async def login(network: dict[str, Any]) -> Any:
    """Log in with Telethon alone."""
    from telethon import TelegramClient
    from telethon.crypto import rsa
    from telethon.sessions import MemorySession

    rsa.add_key(network["key"], old=False)
    session = MemorySession()
    session.set_dc(network["dc"], network["host"], network["port"])
    client = TelegramClient(session, 12345, "h" * 32)
    await client.connect()
    await client.send_code_request(PHONE)
    await client.sign_in(PHONE, "12345")
    return client


async def bare(network: dict[str, Any], what: str) -> dict[str, float]:
    """Run Telethon alone: messages as objects in memory, the file to a file."""
    client = await login(network)
    start = time.perf_counter()
    if what != "file":
        pace = None if what == "paced" else 0
        assert [message.id async for message in client.iter_messages("long_channel", wait_time=pace)]
    else:
        (message,) = await client.get_messages("films", ids=[1])
        with tempfile.TemporaryDirectory() as folder:
            await client.download_media(message, str(Path(folder) / "film.mp4"))
    took = time.perf_counter() - start
    await client.disconnect()
    return {"seconds": took}


def ours(network: dict[str, Any], what: str) -> dict[str, float]:
    """Run the collector with everything that it keeps, sealed at the end. From the command's start, imports left out."""
    import archiver.capture.engine
    import archiver.cli.runtime
    import archiver.telegram.capture  # noqa: F401 - what a command imports first is not what is measured
    from archiver.cli.main import main
    from archiver.home.home import Home
    from archiver.recorder.network import TestNetwork
    from archiver.telegram.accounts import Account, Accounts
    from spiders.telegram.api.session import AccountSession

    async def key() -> dict[str, Any]:
        client = await login(network)
        session = AccountSession()
        session.set_dc_kept(network["dc"], network["host"], network["port"])
        session.auth_key = client.session.auth_key
        await client.disconnect()
        return session.value()

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "home"
        given = TestNetwork(telegram=network)
        main(["--home", str(path), "--pseudonym", "bench"], given, {})
        change_settings(path, {"probe = true": "probe = false", "rendered = true": "rendered = false"})
        Accounts(Home(path)).save(Account("default", 12345, "h" * 32, asyncio.run(key())))
        words = ["crawl", "https://t.me/long_channel"] if what == "history" else ["capture", "https://t.me/films/1"]
        start = time.perf_counter()
        code = main(["--home", str(path), *words], given, {})
        took = time.perf_counter() - start
        assert code == 0
    return {"seconds": took, "memory": peak()}


if __name__ == "__main__":
    how, first, second = sys.argv[1:]
    if how == "serve":
        serve(int(first), int(second))
    else:
        network = json.loads(first)
        print(json.dumps(asyncio.run(bare(network, second)) if how == "bare" else ours(network, second)))
