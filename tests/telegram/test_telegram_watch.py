"""Watching: what happens is seen or recovered, in order; what was removed can still be shown."""

from __future__ import annotations

import base64
import json
import random
import re
import shlex
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from telethon.extensions import BinaryReader
from telethon.tl import types

from archiver.checks import check_home, worst
from archiver.cli.commands import watch_telegram
from archiver.cli.main import main
from archiver.demo.mtproto import Fault
from archiver.demo.scene import START, channel
from archiver.demo.telegram_model import Chat
from archiver.demo.witness import ACCOUNT, CHANNEL, witness_by_api
from archiver.home.home import Home
from archiver.telegram.observations import Told
from tests.support.soak import SOAK, seeded
from tests.support.telegram_world import ME, Captured, TelegramShell, TelegramWorld, made_world

pytestmark = pytest.mark.thorough("watched")

ROOT = Path(__file__).parents[2]


class Watched:
    """A watch in the foreground of a test; `happen` runs beside it, step by step, when the watch has begun."""

    def __init__(self, run: TelegramShell, monkeypatch: pytest.MonkeyPatch) -> None:
        self.run, self._patch = run, monkeypatch
        self.told: list[Told] = []
        self._heard = threading.Condition()

    def until(self, what: Callable[[list[Told]], bool], seconds: float = 20.0) -> None:
        """Waits until what was told so far satisfies `what`."""
        with self._heard:
            end = time.monotonic() + seconds
            while not what(self.told):
                assert time.monotonic() < end, [(told.what, told.post) for told in self.told][-20:]
                self._heard.wait(0.05)

    def count(self, what: str, least: int = 1) -> None:
        self.until(lambda told: sum(one.what == what for one in told) >= least)

    def __call__(self, happen: Callable[[], None], *words: str) -> tuple[int, str]:
        said = watch_telegram._said

        def heard(context: Any, link: str, told: Told) -> None:
            said(context, link, told)
            with self._heard:
                self.told.append(told)
                self._heard.notify_all()

        self._patch.setattr(watch_telegram, "_said", heard)
        failed: list[BaseException] = []
        stop: list[Callable[[], None]] = []
        interrupting(self._patch, stop)

        def beside() -> None:
            try:
                self.until(lambda told: any(one.what in ("watching", "ended") for one in told))
                happen()
            except BaseException as error:  # noqa: BLE001 - handed to the test's own thread
                failed.append(error)
            finally:
                stop[0]()

        thread = threading.Thread(target=beside)
        thread.start()
        code, out, err = self.run("watch", "telegram", *words)
        thread.join()
        if failed:
            raise failed[0]
        return code, out + err


def interrupting(patch: pytest.MonkeyPatch, stop: list[Callable[[], None]]) -> None:
    """Hands out what Ctrl-C does: the engine's own interrupt, on its loop."""
    import asyncio

    from archiver.capture.engine import CaptureEngine

    made = CaptureEngine.__init__

    def init(engine: CaptureEngine, *arguments: Any, **named: Any) -> None:
        made(engine, *arguments, **named)
        loops: list[asyncio.AbstractEventLoop] = []
        ticking = engine.tick

        async def tick() -> None:
            loops.append(asyncio.get_running_loop())
            await ticking()

        engine.tick = tick  # type: ignore[method-assign]
        if not stop:
            stop.append(lambda: loops[0].call_soon_threadsafe(engine.interrupt))

    patch.setattr(CaptureEngine, "__init__", init)


@pytest.fixture
def watched(by_account: TelegramShell, monkeypatch: pytest.MonkeyPatch) -> Watched:
    return Watched(by_account, monkeypatch)


def captures(home: Home) -> list[Captured]:
    home.project()
    return [Captured(home, 0, {"folder": row["folder"]}, []) for row in home.catalog.captures()]


QUICK = ("--every", "0.5", "--reread-every", "600", "--seal-after", "600")


def test_what_happens_is_kept_as_it_happens(watched: Watched) -> None:
    run = watched.run
    api = run.world.api
    chat = run.world.channel(7001, 5)
    chat.members.add(ME)

    def happen() -> None:
        api.post(chat, "новое", media=types.MessageMediaPhoto(photo=api.photo(b"\xff\xd8 new")))
        watched.count("new")
        api.edit(chat, 2, "исправлено")
        watched.count("edited")
        api.delete(chat, [3])
        watched.count("removed")
        api.pin(chat, 4)
        watched.count("pinned")
        api.rename(chat, "Другое имя")
        watched.count("info", 1)
        api.new_photo(chat, b"\xff\xd8 avatar")
        watched.count("info", 2)

    code, out = watched(
        happen, f"https://t.me/{chat.username}", "--every", "60", "--reread-every", "600", "--seal-after", "600"
    )
    assert code == 0, out
    kinds = [one.what for one in watched.told]
    assert kinds[:5] == ["watching", "new", "edited", "removed", "pinned"]
    (made,) = captures(run.home)
    edits = [line for line in made.lines("posts") if line["role"] == "edit"]
    assert [(line["id"], line["text"], line["edited"]) for line in edits] == [
        (f"{chat.username}/2", "исправлено", True)
    ]
    both = [line["text"] for line in made.lines("posts") if line["id"] == f"{chat.username}/2"]
    assert both == ["Хабар № 2", "исправлено"]
    assert made.ended[f"post {chat.username}/6 #0"]["outcome"] == "captured"
    end = made.ended[f"removal {chat.username}/3"]
    update = json.loads(made.block(end["record"]))
    assert (update["_"], update["messages"]) == ("UpdateDeleteChannelMessages", [3])
    line = next(line for line in made.lines("records") if line["id"] == end["record"])
    raws = {item["name"] for item in made.private()}
    assert f"tl {line['tl_sha256']}" in raws
    before = end["last"]
    assert json.loads(made.block(before["record"]))["message"] == "Хабар № 3"
    (event,) = run.home.catalog.removals(f"{chat.username}/3")
    assert event["detail"]["last"] == before
    assert event["detail"]["how"] == "announced"
    titles = [
        json.loads(made.block(line["id"]))["title"] for line in made.records(f"urn:evc:telegram:channel:{chat.id}")
    ]
    assert titles[0] == "Channel 7001"
    assert titles[-1] == "Другое имя"
    code, out, _ = run("history", f"https://t.me/{chat.username}/3")
    assert code == 0
    assert "REMOVED" in out
    assert "Хабар № 3" in out
    assert worst(check_home(run.home.path)) == 0
    assert not any(name.startswith(("Read", "Send", "Join")) for name, _ in api.asked if name != "SendCode")


def test_without_membership_the_difference_is_asked_for(watched: Watched) -> None:
    run = watched.run
    chat = run.world.channel(7002, 3)

    def happen() -> None:
        run.world.api.post(chat, "новое")
        run.world.api.delete(chat, [1])
        watched.count("removed")

    code, out = watched(happen, f"https://t.me/{chat.username}", *QUICK)
    assert code == 0, out
    assert [one.what for one in watched.told] == ["watching", "new", "removed"]


def test_an_album_that_is_pushed_member_by_member_is_one_post(watched: Watched) -> None:
    run = watched.run
    api = run.world.api
    chat = run.world.channel(7013, 3)
    chat.members.add(ME)
    pictures = [b"\xff\xd8 %d" % n for n in range(4)]

    def happen() -> None:
        for picture in pictures:
            photo = types.MessageMediaPhoto(photo=api.photo(picture))
            api.post(chat, "" if picture != pictures[2] else "подпись", media=photo, grouped_id=17_000_000_000_000_001)
        watched.count("new")
        for text in ("Б", "А", "Б", "А"):  # to and fro within one capture: each is an observation
            api.edit(chat, 1, text)
            watched.until(lambda told, text=text: told[-1].text == text)

    watched(happen, f"https://t.me/{chat.username}", "--every", "600", "--reread-every", "600", "--seal-after", "600")
    made = captures(run.home)[-1]
    album = made.posts[f"{chat.username}/4"]
    assert album["album_ids"] == ["4", "5", "6", "7"]
    assert album["text"] == "подпись"
    for n, picture in enumerate(pictures):
        assert made.block(made.ended[f"post {chat.username}/4 #{n}"]["record"]) == picture
    assert not any(f"{chat.username}/{n}" in made.posts for n in (5, 6, 7))
    texts = [line["text"] for line in made.lines("posts") if line["id"] == f"{chat.username}/1"]
    assert texts == ["Хабар № 1", "Б", "А", "Б", "А"]


def test_an_album_member_that_is_gone_at_once_is_kept_all_the_same(watched: Watched) -> None:
    run = watched.run
    api = run.world.api
    chat = run.world.channel(7014, 3)
    chat.members.add(ME)

    def happen() -> None:
        for n in range(3):
            api.post(chat, f"член {n}", grouped_id=17_000_000_000_000_002)
        api.delete(chat, [5])
        watched.count("removed")
        watched.count("new")
        before = sum(name == "GetHistory" for name, _ in api.asked)
        watched.until(lambda told: sum(name == "GetHistory" for name, _ in api.asked) > before + 1)

    watched(happen, f"https://t.me/{chat.username}", "--every", "600", "--reread-every", "2", "--seal-after", "600")
    made = captures(run.home)[-1]
    members = {n for line in made.lines("posts") for n in line["album_ids"]}
    assert members == {"4", "5", "6"}
    (event,) = run.home.catalog.removals(f"{chat.username}/5")
    assert json.loads(made.block(event["detail"]["last"]["record"]))["message"] == "член 1"


def test_a_gap_in_the_numbers_is_asked_for(watched: Watched) -> None:
    """What was not pushed is asked for as soon as a later update shows that it is missing, and told in its order."""
    run = watched.run
    api = run.world.api
    chat = run.world.channel(7012, 5)
    chat.members.add(ME)

    def happen() -> None:
        api.quiet = True
        api.post(chat, "nobody pushed this")
        api.edit(chat, 1, "nor this")
        api.delete(chat, [2])
        api.quiet = False
        api.edit(chat, 3, "this was pushed")
        watched.until(lambda told: any(one.text == "this was pushed" for one in told))

    watched(happen, f"https://t.me/{chat.username}", "--every", "600", "--reread-every", "600", "--seal-after", "600")
    name = chat.username
    found = [(one.what, one.post) for one in watched.told[1:]]
    assert found == [("new", f"{name}/6"), ("edited", f"{name}/1"), ("removed", f"{name}/2"), ("edited", f"{name}/3")]


def test_several_updates_in_one_container(watched: Watched) -> None:
    """Each is kept with its own bytes as they came."""
    run = watched.run
    api = run.world.api
    chat = run.world.channel(7011, 5)
    chat.members.add(ME)

    def happen() -> None:
        api.quiet = True
        api.delete(chat, [2])
        api.edit(chat, 3, "исправлено")
        api.delete(chat, [4])
        api.quiet = False
        behind = [types.Updates([update], [], [chat.object(ME)], START, 0) for _, update in chat.log[-3:]]
        api.server.run(api.server.push_together(behind))
        watched.count("removed", 2)

    watched(happen, f"https://t.me/{chat.username}", "--every", "60", "--reread-every", "600", "--seal-after", "600")
    assert [one.what for one in watched.told] == ["watching", "removed", "edited", "removed"]
    made = captures(run.home)[-1]
    opened = {item["name"]: base64.b64decode(item["value_base64"]) for item in made.private()}
    for number in (2, 4):
        record = made.ended[f"removal {chat.username}/{number}"]["record"]
        line = next(line for line in made.lines("records") if line["id"] == record)
        with BinaryReader(opened[f"tl {line['tl_sha256']}"]) as reader:
            (update,) = reader.tgread_object().updates
        assert update.messages == [number]


def test_removals_that_nobody_announces(watched: Watched) -> None:
    """Found by reading again; the answer that says so names a message that is there."""
    run = watched.run
    chat = run.world.channel(7003, 30)

    def happen() -> None:
        run.world.api.delete(chat, [7, 8, 30], announced=False)
        watched.count("removed", 3)

    watched(happen, f"https://t.me/{chat.username}", "--every", "60", "--reread-every", "0.3", "--seal-after", "600")
    made = captures(run.home)[-1]
    for number in (7, 8, 30):
        (event,) = run.home.catalog.removals(f"{chat.username}/{number}")
        detail = event["detail"]
        assert (detail["how"], detail["control"]) == ("empty answer", 29)
        assert json.loads(made.block(detail["record"]))["_"] == "MessageEmpty"
        lines = {line["id"]: line for line in made.lines("records")}
        digest = lines[detail["record"]]["tl_sha256"]
        controls = made.records(f"urn:evc:telegram:message:-100000000{chat.id}:29")
        assert any(line["tl_sha256"] == digest for line in controls)
        assert json.loads(made.block(detail["last"]["record"]))["id"] == number


def test_an_empty_answer_alone_says_nothing(watched: Watched) -> None:
    """Where even the control is missing from the answer, nothing is concluded."""
    run = watched.run
    api = run.world.api
    chat = run.world.channel(7004, 10)
    honest = api._GetMessages
    try:

        def happen() -> None:
            api._GetMessages = lambda session, request: types.messages.Messages(  # type: ignore[method-assign]
                [types.MessageEmpty(one.id, chat.peer) for one in request.id], [], [], []
            )
            chat.messages.pop(5)
            before = sum(name == "GetMessages" for name, _ in api.asked)
            watched.run.world.api.post(chat, "mark")
            watched.until(lambda told: sum(name == "GetMessages" for name, _ in api.asked) > before + 1)

        watched(
            happen, f"https://t.me/{chat.username}", "--every", "0.3", "--reread-every", "0.2", "--seal-after", "600"
        )
    finally:
        api._GetMessages = honest  # type: ignore[method-assign]
    assert not [one for one in watched.told if one.what == "removed"]


def test_a_watch_goes_on_where_it_stood(watched: Watched) -> None:
    run = watched.run
    api = run.world.api
    chat = run.world.channel(7005, 5)
    watched(lambda: None, f"https://t.me/{chat.username}", *QUICK)
    api.post(chat, "в отсутствие")
    api.edit(chat, 1, "в отсутствие исправлено")
    api.delete(chat, [2])
    watched.told.clear()
    watched(lambda: watched.count("removed"), f"https://t.me/{chat.username}", *QUICK)
    found = {(one.what, one.post) for one in watched.told if one.what != "watching"}
    name = chat.username
    assert found == {("new", f"{name}/6"), ("edited", f"{name}/1"), ("removed", f"{name}/2")}
    assert len(run.home.catalog.removals(f"{name}/2")) == 1


def test_a_gap_that_telegram_no_longer_lists_is_said(watched: Watched) -> None:
    run = watched.run
    api = run.world.api
    chat = run.world.channel(7006, 150)
    watched(lambda: None, f"https://t.me/{chat.username}", *QUICK, "--reread", "10")
    for n in range(250):
        api.post(chat, f"пропущенное {n}")
    api.delete(chat, [149])
    chat.log_from = chat.pts
    watched.told.clear()
    code, out = watched(lambda: None, f"https://t.me/{chat.username}", *QUICK, "--reread", "10")
    assert code == 2, out
    made = captures(run.home)[-1]
    assert any(
        "edits and removals of that time may be missing" in (line["reason"] or "") for line in made.ended.values()
    )
    assert sum(line["text"].startswith("пропущенное") for line in made.lines("posts")) == 250
    assert run.home.catalog.removals(f"{chat.username}/149")


@pytest.mark.parametrize("seal", ["600", "0.05"])
def test_a_channel_that_is_closed_ends_its_watch_alone(watched: Watched, seal: str) -> None:
    """Telegram's own answer that says so is kept, whether a capture was open when it came or not."""
    run = watched.run
    number = 7007 if seal == "600" else 7017
    closing, open_ = run.world.channel(number, 3), run.world.channel(number + 1, 3)

    def happen() -> None:
        closing.fault = Fault(400, "CHANNEL_PRIVATE")
        watched.count("ended")
        run.world.api.post(open_, "дальше")
        watched.until(lambda told: any(one.what == "new" for one in told))

    code, _ = watched(happen, *(f"https://t.me/{chat.username}" for chat in (closing, open_)), *QUICK[:-1], seal)
    assert code == 3
    ends = [
        (made, line) for made in captures(run.home) for key, line in made.ended.items() if key.startswith("target ")
    ]
    ((made, end),) = ends
    assert json.loads(made.block(end["record"]))["error"] == "CHANNEL_PRIVATE"
    assert next(line for line in made.lines("records") if line["id"] == end["record"])["tl_sha256"]
    (ended,) = [one for one in watched.told if one.what == "ended"]
    assert "CHANNEL_PRIVATE" in ended.text


def test_only_counters_changing_is_no_edit(watched: Watched) -> None:
    run = watched.run
    chat = run.world.channel(7009, 5)

    def happen() -> None:
        for message in chat.messages.values():
            message.views += 1000
            message.reactions = types.MessageReactions([types.ReactionCount(types.ReactionEmoji("🙏"), 3)])
        run.world.api.edit(chat, 3, chat.messages[3].message, hide=True)
        run.world.api.post(chat, "mark")
        watched.count("new")

    watched(happen, f"https://t.me/{chat.username}", "--every", "0.3", "--reread-every", "0.3", "--seal-after", "600")
    assert not [one for one in watched.told if one.what == "edited"]


def test_a_second_program_can_capture_meanwhile(watched: Watched) -> None:
    run = watched.run
    chat = run.world.channel(7010, 3)

    def happen() -> None:
        code = main(["--home", str(run.home.path), "capture", f"https://t.me/{chat.username}/2"], run.world.network, {})
        assert code == 0

    assert watched(happen, f"https://t.me/{chat.username}", *QUICK)[0] == 0


# -- a thousand things at random, and cuts between ------------------------------------------------------------------


@contextmanager
def own_world() -> Iterator[TelegramWorld]:
    world = made_world()
    try:
        yield world
    finally:
        world.api.stop()


@pytest.mark.parametrize("seed", [seeded(20261122)])
def test_random_posts_edits_and_deletes_with_cuts(
    home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """All are seen or recovered, in order; each removed message's last state can be shown."""
    dice = random.Random(seed)
    with own_world() as world:
        world.logged_in(home)
        run = TelegramShell(home, world, capsys)
        watched = Watched(run, monkeypatch)
        chat = world.channel(7100, 20)
        chat.members.add(ME)
        states: dict[int, list[str]] = {n: [chat.messages[n].message] for n in chat.messages}
        removed: dict[int, bool] = {}
        """Which were removed, and whether Telegram said so."""

        def gone(told: list[Told]) -> bool:
            known = {number_of(one) for one in told if one.what == "new"} | set(range(1, 21))
            return {number for number in removed if number in known} <= {
                number_of(one) for one in told if one.what == "removed"
            }

        def happen() -> None:
            at_random(dice, world, chat, states, removed, 1000 if SOAK else 200)
            world.api.post(chat, "the last one")
            states[chat.last] = ["the last one"]
            watched.until(lambda told: any(one.text == "the last one" for one in told), 240)
            watched.until(gone, 60)

        code, out = watched(
            happen,
            f"https://t.me/{chat.username}",
            "--every",
            "0.5",
            "--reread-every",
            "3",
            "--reread",
            "1000",
            "--seal-after",
            "4",
        )
        assert code == 0, out[-3000:]
        judge(home, chat, states, removed, watched.told)


def at_random(
    dice: random.Random,
    world: TelegramWorld,
    chat: Chat,
    states: dict[int, list[str]],
    removed: dict[int, bool],
    steps: int,
) -> None:
    for step in range(steps):
        present = sorted(chat.messages)
        what = dice.random()
        world.api.quiet = dice.random() < 0.2  # not every update arrives
        if what < 0.5 or len(present) < 5:
            made = world.api.post(chat, f"post {step}")
            states[made.id] = [f"post {step}"]
        elif what < 0.8:
            number = dice.choice(present)
            world.api.edit(chat, number, f"edit {step}")
            states[number].append(f"edit {step}")
        else:
            number = dice.choice(present)
            removed[number] = dice.random() < 0.8
            world.api.delete(chat, [number], announced=removed[number])
        if dice.random() < 0.03:
            world.api.server.cut()
    world.api.quiet = False


def number_of(told: Told) -> int:
    return int((told.post or "").rpartition("/")[2])


def judge(home: Home, chat: Chat, states: dict[int, list[str]], removed: dict[int, bool], told: list[Told]) -> None:
    home.project()
    for number, texts in states.items():
        post = f"{chat.username}/{number}"
        seen = [json.loads(row["line"])["text"] for row in home.catalog.observations(post)]
        assert len(seen) == len(set(seen)), (post, seen)
        assert seen == [text for text in texts if text in seen], (post, seen, texts)  # in order
        if number in removed:
            events = home.catalog.removals(post)
            assert len(events) == (1 if seen or removed[number] else 0), post
            if events:
                last = events[0]["detail"].get("last")
                assert bool(last) == bool(seen), post
                assert not last or last["capture"] == home.catalog.observations(post)[-1]["capture"]
        else:
            assert seen, f"{post} was never seen"
            assert seen[-1] == texts[-1], post
            assert not home.catalog.removals(post), post
    for one in [one for one in told if one.what == "removed"]:
        assert number_of(one) in removed
    news = [number_of(one) for one in told if one.what == "new"]
    assert len(news) == len(set(news))
    assert worst(check_home(home.path)) == 0


# -- the document ---------------------------------------------------------------------------------------------------


def test_what_the_document_shows(tmp_path: Path, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    shown, _ = channel(tmp_path / "media")
    api = witness_by_api(shown, tmp_path / "media")
    assert ACCOUNT == ME
    assert CHANNEL in api.chats
    try:
        world = TelegramWorld(api)
        world.logged_in(home)
        run = TelegramShell(home, world, capsys)
        (block,) = re.findall(
            r"```console telegram\n(.*?)```", (ROOT / "docs" / "how-to" / "telegram.md").read_text(), re.DOTALL
        )
        for line in block.splitlines():
            command, _, comment = line.partition(" # ")
            promised = re.search(r"exit code (\d)", comment)
            code, out, err = run(*shlex.split(command.removeprefix("$ "))[1:])
            assert code == (int(promised[1]) if promised else 0), (line, out, err)
    finally:
        api.stop()
