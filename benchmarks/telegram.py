"""Telegram by an account against bare Telethon, on the same miniature server in a process of its own, in turn."""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import harness
from benchmarks.harness import ROOT, Row, spread

ROUNDS = min(5, harness.ROUNDS)
MESSAGES = 10_000
GIGABYTE = 1 << 30
PHONE, ACCOUNT, CHANNEL = "77005550101", 700, 9000


def serve() -> None:
    """The server: a long channel, and one with a gigabyte. Says where it is, and stays until it is killed."""
    from telethon.tl import types

    from archiver.demo.telegram_api import TelegramApi
    from archiver.demo.telegram_model import Repeat

    api = TelegramApi()
    api.quiet = True
    api.person(ACCOUNT, "Reader", phone=PHONE)
    chat = api.chat(CHANNEL, "Long", username="long_channel")
    for number in range(1, MESSAGES + 1):
        text = f"Хабар № {number}: жол жабық, связь с перебоями. Update {number}. " * 4
        api.post(chat, text, push=False, entities=[types.MessageEntityBold(0, 5)])
    films = api.chat(CHANNEL + 1, "Films", username="films")
    film = api.document(
        Repeat(GIGABYTE), "video/mp4", "film.mp4", 2, [types.DocumentAttributeVideo(60.0, 320, 180)], hashes=False
    )
    api.post(films, "a gigabyte", push=False, media=types.MessageMediaDocument(document=film))
    print(json.dumps(api.network()), flush=True)
    time.sleep(86_400)


async def login(network: dict[str, Any]) -> Any:
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
    """Telethon alone: messages as objects in memory, the file to a file."""
    client = await login(network)
    start = time.perf_counter()
    if what != "file":
        pace = None if what == "paced" else 0
        count = len([message.id async for message in client.iter_messages("long_channel", wait_time=pace)])
        assert count == MESSAGES
    else:
        (message,) = await client.get_messages("films", ids=[1])
        with tempfile.TemporaryDirectory() as folder:
            await client.download_media(message, str(Path(folder) / "film.mp4"))
    took = time.perf_counter() - start
    await client.disconnect()
    return {"seconds": took}


def ours(network: dict[str, Any], what: str) -> dict[str, float]:
    """The collector with everything that it keeps, sealed at the end. From the command's start, imports left out."""
    import resource

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
        text = (path / "archiver.toml").read_text().replace("probe = true", "probe = false")
        (path / "archiver.toml").write_text(text.replace("rendered = true", "rendered = false"))
        Accounts(Home(path)).save(Account("default", 12345, "h" * 32, asyncio.run(key())))
        words = ["crawl", "https://t.me/long_channel"] if what == "history" else ["capture", "https://t.me/films/1"]
        start = time.perf_counter()
        code = main(["--home", str(path), *words], given, {})
        took = time.perf_counter() - start
        assert code == 0
    return {"seconds": took, "peak_kb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}


def child(how: str, network: dict[str, Any], what: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.telegram", how, json.dumps(network), what]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{how} {what} ended with {done.returncode}:\n{done.stdout[-1000:]}\n{done.stderr[-3000:]}")
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def compare(row: Row) -> None:
    """History and files, the two programs in turn; the ratio of each round by itself."""
    server = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.telegram", "serve"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        network = json.loads(server.stdout.readline())
        for what, amount, unit in (("history", MESSAGES, "messages/s"), ("file", GIGABYTE / 1e6, "MB/s")):
            mine, theirs, memory = [], [], []
            for _ in range(ROUNDS):
                theirs.append(amount / child("bare", network, what)["seconds"])
                found = child("ours", network, what)
                mine.append(amount / found["seconds"])
                memory.append(found["peak_kb"] / 1024)
            ratios = [a / b for a, b in zip(mine, theirs, strict=True)]
            named = f"Telegram {what}, {MESSAGES:,} messages" if what == "history" else "Telegram file of 1 GiB"
            row(
                f"{named} / bare Telethon",
                f"{statistics.median(mine):.0f} / {statistics.median(theirs):.0f} {unit}",
                spread(ratios),
                "≥ 0.8",
            )
            if what == "history":
                slow = amount / child("bare", network, "paced")["seconds"]
                paced = f"{statistics.median(mine):.0f} / {slow:.0f} {unit}"
                row(
                    "… / Telethon as it comes, a second's pause a page",
                    paced,
                    f"{statistics.median(mine) / slow:.1f}",
                    "",
                )
            row("… peak memory", f"{max(memory):.0f} MB", "", "< 200 MB")
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve()
    elif sys.argv[1] == "bare":
        print(json.dumps(asyncio.run(bare(json.loads(sys.argv[2]), sys.argv[3]))))
    elif sys.argv[1] == "ours":
        print(json.dumps(ours(json.loads(sys.argv[2]), sys.argv[3])))
    else:
        compare(lambda *cells: print(" | ".join(cells), flush=True))
