"""Work that goes on by itself and asks Telegram by an account: watches, schedules, feeds and links that come over HTTP."""

from __future__ import annotations

import itertools
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from archiver.home.home import Home
from archiver.jobs.entries import SharedEntry
from archiver.jobs.queue import Queue, database
from storage.times import utc_parse, utc_text
from tests.support.served import Served
from tests.support.telegram_world import ME, TelegramShell

DUE = itertools.count(1.0)
"""A check's id follows from its second and from when it was due: two are not due at the same time."""


def look(run: TelegramShell, hours: float = 0.0) -> None:
    """All watches are due; looks that missed something were so much longer ago."""
    queue = Queue(database(Home(run.home.path)))
    for entry in queue.shared.entries.all("watch"):
        sights = [entry.value["sight"]] if entry.value["sight"] and entry.value["looks"] else []
        for one in (*entry.value["looks"], *sights):
            one["at"] = utc_text(utc_parse(one["at"]) - timedelta(hours=hours))
        queue.shared.entries.put("watch", SharedEntry(entry.id, next(DUE), entry.value))
    queue.close()
    code, out, err = run("work", "--drain")
    assert code in (0, 2, 3), (out, err)


def events(run: TelegramShell, kind: str) -> list[dict[str, Any]]:
    home = Home(run.home.path)
    home.project()
    return [body["detail"] for body in home.catalog.event_bodies((kind,))]


def test_a_channel_reports_what_was_edited_and_removed(by_account: TelegramShell) -> None:
    run, api = by_account, by_account.world.api
    chat = run.world.channel(8101, 8)
    assert run("watch", "add", f"https://t.me/{chat.username}", "--every", "1h")[0] == 0
    look(run)
    api.edit(chat, 5, "Хабар № 5, түзетілді")
    api.delete(chat, [3])
    look(run)
    (changed,) = events(run, "changed")
    assert changed["post"] == f"{chat.username}/5"
    assert not events(run, "unavailable"), "one look proves nothing"
    look(run, 2)
    (gone,) = events(run, "unavailable")
    assert gone["post"] == f"{chat.username}/3"
    assert gone["last_seen"]["at"] < gone["first_not_seen"]


def test_what_was_captured_when_it_was_gone_already_was_never_seen(by_account: TelegramShell) -> None:
    run, api = by_account, by_account.world.api
    chat = run.world.channel(8102, 4)
    api.delete(chat, [2])
    link = f"https://t.me/{chat.username}/2"
    assert run("capture", link)[0] == 3
    assert run("watch", "add", link)[0] == 0
    queue = Queue(database(Home(run.home.path)))
    (entry,) = queue.shared.entries.all("watch")
    queue.close()
    assert (entry.value["state"], entry.value["sight"]) == ("new", None)


def test_a_feed_of_private_links(by_account: TelegramShell, tmp_path: Path) -> None:
    run = by_account
    chat = run.world.api.chat(8103, "Closed", members={ME})
    run.world.api.post(chat, "тек мүшелерге", push=False)
    (tmp_path / "links.csv").write_text(f"link\nhttps://t.me/c/{chat.id}/1\n")
    assert run("feed", "add", str(tmp_path / "links.csv"))[0] == 0
    assert run("work", "--drain")[0] == 0
    assert run("feed", "add", str(tmp_path / "links.csv"), "--account", "nobody")[0] == 1
    home = Home(run.home.path)
    home.project()
    (row,) = home.catalog.captures()
    assert (row["outcome"], row["posts"]) == ("captured", 1)


def test_a_repeated_crawl_goes_back_to_the_last_that_was_whole(by_account: TelegramShell) -> None:
    run = by_account
    chat = run.world.channel(8104, 3)
    assert run("schedule", "add", f"crawl https://t.me/{chat.username} every 10m")[0] == 0
    assert run("work", "--drain")[0] == 0
    queue = Queue(database(Home(run.home.path)))
    (one,) = queue.jobs()
    queue.close()
    assert (one.outcome, one.whole) == ("captured", True)


@pytest.mark.parametrize(("account", "queued"), [("default", 1), (None, 0)])
def test_a_private_link_over_http(by_account: TelegramShell, account: str | None, queued: int) -> None:
    served = Served(by_account.home, account)
    try:
        status, said = served.ask("POST", "/jobs", {"links": ["https://t.me/c/8103/1"]})
    finally:
        served.close()
    assert (status, len(said["queued"]), len(said["refused"])) == (202, queued, 1 - queued)
