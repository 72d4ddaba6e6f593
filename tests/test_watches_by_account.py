"""Watches whose looks are made by an account of Telegram: what the API says of a post that is there, changed or gone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from archiver.home import Home
from archiver.jobs.board import Thing
from archiver.jobs.engine import Queue
from archiver.jobs.work import database
from storage.times import utc_parse, utc_text
from tests.telegram_world import TelegramShell


def look(run: TelegramShell, hours: float = 0.0) -> None:
    """All watches are due; looks that missed something were so much longer ago."""
    queue = Queue(database(Home(run.home.path)))
    for thing in queue.board.things("watch"):
        sights = [thing.value["sight"]] if thing.value["sight"] and thing.value["looks"] else []
        for one in (*thing.value["looks"], *sights):
            one["at"] = utc_text(utc_parse(one["at"]) - timedelta(hours=hours))
        queue.board.put("watch", Thing(thing.id, 1.0, thing.value))
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
    (thing,) = queue.board.things("watch")
    queue.close()
    assert (thing.value["state"], thing.value["sight"]) == ("new", None)
