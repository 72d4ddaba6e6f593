"""A long history with files walked to its end through kill -9 and cut connections: nothing lost, nothing doubled."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from telethon.tl import types

from archiver.checks import check_home, worst
from archiver.demo.telegram_model import Repeat
from archiver.home.home import Home
from storage.digest import sha256_hex
from storage.lines import read_lines
from tests.conftest import plain_home
from tests.support.forked import Command, Forked
from tests.support.soak import seeded
from tests.support.telegram_world import TelegramWorld, made_world

SEED = seeded(20261122)
LINK = "https://t.me/channel_8000"


def start(forked: Callable[[Command], Forked], home: Home, world: TelegramWorld, *words: str) -> Forked:
    return forked(Command(("--home", str(home.path), *words), world.network, home.path.parent / "log"))


def filled(world: TelegramWorld, count: int, files: int) -> tuple[Any, dict[int, str], set[int]]:
    """A channel of `count` ids with `files` files, one of them large; some ids are gone. (chat, digest by message, gone)"""
    dice = random.Random(SEED)
    chat = world.channel(8000)
    every, gone, digests = max(1, count // files), set(), {}
    for n in range(1, count + 1):
        media = None
        if n % every == 0:
            body: Any = (
                Repeat(40_000_000)
                if n == every * (files // 2)
                else bytes([n % 251]) * dice.randrange(1000, 60_000) + b"%d" % n
            )
            made = world.api.document(
                body, "video/mp4", f"{n}.mp4", 1 + n % 2, [types.DocumentAttributeVideo(1.0, 2, 2)]
            )
            media, digests[n] = types.MessageMediaDocument(document=made), sha256_hex(bytes(body[0 : len(body)]))
        album = 15_000_000_000_000_000 + n // 97 if n % 97 < 3 else None
        world.api.post(chat, f"Хабар № {n}", id_=n, push=False, media=media, grouped_id=album)
    for n in dice.sample(range(2, count), count // 50):
        if n not in digests and n % 97 >= 3:
            gone.add(n)
    world.api.delete(chat, sorted(gone), announced=False)
    return chat, digests, gone


def campaign(
    tmp_path: Path, forked: Callable[[Command], Forked], count: int, files: int, kills: int, cuts: int
) -> None:
    dice = random.Random(SEED)
    world = made_world()
    try:
        chat, digests, gone = filled(world, count, files)
        home = plain_home(tmp_path / "home")
        world.logged_in(home)
        pages, parts = count // 100, files
        moments = sorted(dice.sample(range(2, pages + parts), min(kills, pages + parts - 2)))
        killed = cut = 0
        while True:
            process = start(forked, home, world, "crawl", LINK)
            while process.poll() is None:
                done = sum(name in ("GetHistory", "GetFile") for name, _ in world.api.asked)
                if killed < len(moments) and done >= moments[killed] + killed * 3:
                    time.sleep(dice.random() * 0.05)
                    process.kill()
                    killed += 1
                    break
                if cut < cuts and done >= (cut + 1) * (pages + parts) // (cuts + 1):
                    world.api.server.cut()
                    cut += 1
                time.sleep(0.002)
            code = process.wait()
            if code == 0:
                break
            assert code in (-9, 2), (tmp_path / "log").read_text()[-2000:]
        assert (killed, cut) == (len(moments), cuts)
        judge(home, chat, digests, gone, count)
    finally:
        world.api.stop()


def judge(home: Home, chat: Any, digests: dict[int, str], gone: set[int], count: int) -> None:
    """Every message once, every file whole, every hole explained, everything intact."""
    home.project()
    kept: Counter[int] = Counter()
    whole: dict[int, set[str]] = {}
    holes: set[int] = set()
    for row in home.catalog.captures():
        folder = home.path / row["folder"]
        ends = {line["key"]: line for line in read_lines(folder / "inventory.jsonl") if line.get("outcome")}
        for line in read_lines(folder / "posts.jsonl"):
            if ends[f"post {line['id']}"]["outcome"] in ("captured", "partial"):
                kept.update(int(n) for n in line["album_ids"] or [line["id"].rpartition("/")[2]])
        for line in read_lines(folder / "inventory.jsonl"):
            if line.get("kind") == "hole" and line.get("state"):
                holes |= set(range(line["first"], line["last"] + 1))
        for line in read_lines(folder / "records.jsonl"):
            if line.get("assembly"):
                number = int(line["name"].removesuffix(".mp4"))
                whole.setdefault(number, set()).add(line["assembly"])
    assert [n for n, times in kept.items() if times > 1] == []
    assert set(kept) == set(range(1, count + 1)) - gone
    assert holes == gone
    for number, digest in digests.items():
        assert digest in whole[number], number
    assert worst(check_home(home.path)) == 0


def test_a_history_through_kills_and_cuts(tmp_path: Path, forked: Callable[[Command], Forked]) -> None:
    campaign(tmp_path, forked, 1000, 40, 3, 3)


@pytest.mark.soak("telegram")
def test_the_whole_campaign(tmp_path: Path, forked: Callable[[Command], Forked]) -> None:
    campaign(tmp_path, forked, 10_000, 500, 20, 20)


def test_a_watch_killed_while_a_file_comes(tmp_path: Path, forked: Callable[[Command], Forked]) -> None:
    """The post was seen, its video was under way: the next watch brings it, though nothing has changed since."""
    world = made_world()
    try:
        chat = world.channel(8100, 5)
        home = plain_home(tmp_path / "home")
        world.logged_in(home)
        link = f"https://t.me/{chat.username}"
        body = Repeat(30_000_000)
        made = world.api.document(body, "video/mp4", "film.mp4", 2, [types.DocumentAttributeVideo(1.0, 2, 2)])
        world.api.post(
            chat, "видео", media=types.MessageMediaDocument(document=made), grouped_id=16_000_000_000_000_001
        )
        world.api.post(chat, "второе", grouped_id=16_000_000_000_000_001)
        with world.before_each(lambda request: 0.2 if type(request).__name__ == "GetFileRequest" else 0.0):
            process = start(forked, home, world, "watch", "telegram", link, "--every", "1")
            end = time.monotonic() + 60
            while sum(name == "GetFile" for name, _ in world.api.asked) < 20:
                assert time.monotonic() < end
                time.sleep(0.01)
            process.kill()
            process.wait()
        process = start(forked, home, world, "watch", "telegram", link, "--every", "1", "--for", "4")
        assert process.wait(60) == 0
        home.project()
        found = [
            line["assembly"]
            for row in home.catalog.captures()
            for line in read_lines(home.path / row["folder"] / "records.jsonl")
            if line.get("assembly")
        ]
        assert found == [sha256_hex(bytes(body[0 : len(body)]))]
        assert worst(check_home(home.path)) == 0
    finally:
        world.api.stop()
