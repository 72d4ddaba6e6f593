"""Watches: what is concluded from looks, and what never is; posts that are edited, removed, walled off, and that come back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.demo.server import Answer
from archiver.home.home import Home
from archiver.jobs.queue import Queue, database
from archiver.jobs.watch import (
    AGE_SHARE,
    NOT_SHOWN,
    RAREST,
    Concluded,
    MissedLook,
    Sight,
    Watch,
    cannot_tell,
    changes,
    new_watch,
    not_shown,
    seen,
    sight,
)
from spiders.posts import Outcome
from spiders.targets import Target, parse_target
from storage import canonical
from storage.times import utc_text
from tests.conftest import Shell, World
from tests.support.watching import Watching

NOON = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
POST, OTHER, THIRD = (f"https://t.me/ozen_today/{n}" for n in (12, 16, 20))
CHANNEL = "https://t.me/s/ozen_today"
LINE = {
    "title": None, "text": "video from the square", "author_id": "-100", "author_handle": "ozen", "author_name": "Ozen",
    "attachments": [{"kind": "video", "duration": 2.0}], "edited": False, "views": 10, "record": "<urn:uuid:1>",
}  # fmt: skip


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def sighting(minutes: float, **changed: Any) -> Sight:
    return sight({**LINE, **changed}, f"capture-{minutes}", "ledger", utc_text(at(minutes)))


def looked(minutes: float, exit_: str | None = None, outcome: str = "unavailable") -> MissedLook:
    control = {"link": OTHER, "capture": "c", "records": ["<urn:uuid:2>"]}
    return MissedLook(
        f"capture-{minutes}",
        "ledger",
        utc_text(at(minutes)),
        outcome,
        "Post not found",
        ("<urn:uuid:3>",),
        control,
        exit_,
    )


def watch(**more: Any) -> Watch:
    target = parse_target(POST)
    assert isinstance(target, Target)
    return replace(new_watch(target, "post", ("inbox",), 600.0, NOON), **{"id": "w", **more})


# -- what is concluded -------------------------------------------------------------------------------------


def test_what_is_a_change_and_what_is_none() -> None:
    before = sighting(0)
    assert changes(before, sighting(1, views=99)) == [], "counts move by themselves"
    assert changes(before, sighting(1, author_id=None, author_name=None)) == [], "not to say is no change"
    assert [one["field"] for one in changes(before, sighting(1, text="other", edited=True))] == ["text", "edited"]
    assert [one["field"] for one in changes(before, sighting(1, author_handle="new", views=99))] == [
        "account handle",
        "counts",
    ]
    gone = changes(before, sighting(1, attachments=[], views=99))
    assert [one["field"] for one in gone] == ["attachments", "counts"]
    assert canonical.dumps(gone), "as an event it must be canonical, durations too"
    photo = {"kind": "photo", "photo_id": "5256230412378382138", "url": "https://cdn4.telesco.pe/file/a.jpg?token=1"}
    shown = sighting(0, attachments=[photo])
    for other, fields in (
        ({"url": "https://cdn4.telesco.pe/file/b.jpg?token=2"}, []),
        ({"photo_id": None}, []),
        ({"photo_id": "5429460311875460150"}, ["attachments"]),
    ):
        assert [one["field"] for one in changes(shown, sighting(1, attachments=[photo | other]))] == fields, other


FILES = st.lists(
    st.fixed_dictionaries(
        {"kind": st.sampled_from(["photo", "video"])},
        optional={
            "duration": st.one_of(st.none(), st.floats(0, 1e6)),
            "file_name": st.text(),
            "photo_id": st.text("0123456789", min_size=1),
        },
    ),
    max_size=4,
)


@given(FILES, FILES, st.one_of(st.none(), st.booleans()), st.one_of(st.none(), st.text()))
def test_a_change_can_always_be_sealed(was: list[Any], now: list[Any], edited: bool | None, name: str | None) -> None:
    """An event is canonical JSON: one that cannot be written would be a change that nobody is told of."""
    before = Sight.of(json.loads(json.dumps(sighting(0, attachments=was).value())))  # as the shared state keeps it
    found = changes(before, sighting(1, attachments=now, edited=edited, author_name=name))
    canonical.dumps(found)
    assert changes(before, sighting(1, attachments=was)) == []


def test_a_post_that_is_shown_in_part_takes_the_place_of_no_whole_one() -> None:
    """Such as a page's head while a platform's other answers are away: it cuts words and leaves files out."""
    head = {"outcome": "partial", "reason": "the page's head only", "text": "video from", "attachments": []}
    first = seen(watch(), sighting(0), at(0)).watch
    part = seen(first, sighting(10, **head), at(10))
    assert (part.event, part.watch.state) == (None, "present")
    assert part.watch.said == "as before, in part: the page's head only"
    whole = seen(part.watch, sighting(20, text="other words"), at(20))
    assert whole.event is not None
    assert whole.event[1]["before"]["capture"] == "capture-0", "which shows the words that were there"
    gone = not_shown(not_shown(part.watch, looked(30), at(30)).watch, looked(100), at(100))
    assert gone.event is not None
    assert gone.event[1]["last_seen"]["capture"] == "capture-10"
    cut = seen(watch(), sighting(0, **head), at(0)).watch
    assert seen(cut, sighting(10), at(10)).event is None
    assert seen(cut, sighting(10, **head | {"text": "other"}), at(10)).event is not None, "alike can be compared"


def test_a_file_that_cannot_be_had_hides_no_edit() -> None:
    big = {"outcome": "partial", "reason": "too big", "attachments": [{"kind": "video", "reason": "too big"}]}
    one = seen(watch(), sighting(0, **big), at(0)).watch
    found = seen(one, sighting(10, text="other"), at(10))
    assert found.event is not None
    assert [change["field"] for change in found.event[1]["changes"]] == ["text"]


def test_one_look_proves_nothing() -> None:
    one = seen(watch(), sighting(0), at(0)).watch
    first = not_shown(one, looked(10), at(10))
    assert (first.watch.state, first.event, first.wait) == ("missing", None, one.second_look)
    too_soon = not_shown(first.watch, looked(11), at(11))
    assert too_soon.event is None
    second = not_shown(too_soon.watch, looked(71), at(71))
    assert second.event is not None
    kind, detail = second.event
    assert (kind, second.watch.state) == ("unavailable", "unavailable")
    assert detail["last_seen"]["capture"] == "capture-0"
    assert detail["first_not_seen"] == utc_text(at(10))
    assert len(detail["looks"]) == 3
    assert not_shown(second.watch, looked(900), at(900)).event is None, "said once"


def test_a_second_way_out_is_a_second_look() -> None:
    first = not_shown(seen(watch(), sighting(0), at(0)).watch, looked(10), at(10))
    second = not_shown(first.watch, looked(10.1, "second"), at(10.1))
    assert second.event is not None


def test_what_was_there_in_between_is_not_gone() -> None:
    first = not_shown(seen(watch(), sighting(0), at(0)).watch, looked(10), at(10))
    back = seen(first.watch, sighting(30), at(30))
    assert (back.watch.state, back.event, back.watch.looks) == ("present", None, ())
    assert not_shown(back.watch, looked(100), at(100)).event is None


def test_what_comes_back_is_said() -> None:
    one = seen(watch(), sighting(0), at(0)).watch
    for minutes in (10, 80):
        one = not_shown(one, looked(minutes), at(minutes)).watch
    back = seen(one, sighting(500, text="other"), at(500))
    assert back.event is not None
    assert back.event[0] == "seen-again"
    assert [one["field"] for one in back.event[1]["changes"]] == ["text"]


def test_looks_become_rarer_with_age() -> None:
    one = seen(watch(), sighting(0), at(0)).watch
    assert one.wait(at(0)) == 600
    assert one.wait(NOON + timedelta(days=20)) == pytest.approx(20 * 86400 * AGE_SHARE)
    assert one.wait(NOON + timedelta(days=3000)) == RAREST
    changed = seen(one, sighting(60 * 24 * 20, text="x"), NOON + timedelta(days=20))
    assert changed.wait == 600, "what has changed is new again"
    assert replace(one, steady=True).wait(NOON + timedelta(days=3000)) == 600


def test_what_cannot_be_told_is_not_asked_each_quarter_of_an_hour_for_ever() -> None:
    one, waits = seen(watch(every=86400.0), sighting(0), at(0)).watch, []
    for _ in range(9):
        then = cannot_tell(one, "no other post was answered")
        one = then.watch
        waits.append(then.wait)
    assert waits == [900, 1800, 3600, 7200, 14400, 28800, 57600, 86400, 86400]
    assert cannot_tell(seen(one, sighting(1), at(1)).watch, "wall").wait == 900
    assert cannot_tell(replace(one, state="missing"), "wall").wait == 3600, "as soon as a second look"
    assert cannot_tell(replace(one, unsure=100_000), "wall").wait == 86400


def test_a_worker_of_an_earlier_version_reads_what_a_later_one_wrote() -> None:
    one = seen(watch(), sighting(0), at(0)).watch
    value = one.value() | {"mood": "new"}
    value["sight"] |= {"smell": None}
    assert Watch.of("w", value) == one


@given(st.lists(st.sampled_from(["there", "gone", "edited", "wall"]), max_size=30), st.integers(1, 90))
def test_never_unavailable_without_two_looks_apart_and_never_after_it_was_seen(story: list[str], step: int) -> None:
    one, clock, version = watch(), 0, 0
    missed: list[int] = []
    for act in story:
        clock += step
        if act == "wall":
            then: Concluded = cannot_tell(one, "rate limit")
        elif act == "gone":
            missed.append(clock)
            then = not_shown(one, looked(clock), at(clock))
        else:
            version += act == "edited"
            then = seen(one, sighting(clock, text=f"words {version}"), at(clock))
            missed = []
        if then.event is not None and then.event[0] == "unavailable":
            assert missed[-1] - missed[0] >= 54
        apart = len(missed) > 1 and missed[-1] - missed[0] >= 54
        assert (then.watch.state in NOT_SHOWN) == apart
        one = Watch.of("w", json.loads(json.dumps(then.watch.value())))
        assert one.value() == then.watch.value()


# -- through workers and commands ----------------------------------------------------------------------------


@pytest.fixture
def watching(shell: Shell, world: World) -> Iterator[Watching]:
    made = Watching(shell, world)
    yield made
    made.restore()


def test_a_post_that_is_removed_is_reported_with_its_proofs(watching: Watching) -> None:
    shell = watching.shell
    assert shell("capture", POST, OTHER)[0] == 0
    code, out, _ = shell("watch", "add", "inbox", "--every", "1h")
    assert (code, "2 new watches" in out) == (0, True)
    assert "0 new watches" in shell("watch", "add", POST, "http://telegram.me/ozen_today/12?embed=1")[1], (
        "watched already"
    )
    assert watching.look() == 0
    assert watching.states() == {POST: "present", OTHER: "present"}
    assert not watching.events("changed", "unavailable", "seen-again")
    watching.remove(12)
    watching.look()
    assert watching.states() == {POST: "missing", OTHER: "present"}
    watching.look()
    assert not watching.events("unavailable"), "twice at once is no second look"
    watching.pass_time(2)
    watching.look()
    assert watching.states() == {POST: "unavailable", OTHER: "present"}
    (event,) = watching.events("unavailable")
    detail = event["detail"]
    assert (detail["post"], detail["outcome"]) == ("ozen_today/12", "unavailable")
    home = Home(shell.home)
    for one in detail["looks"]:
        records = {row["id"] for row in home.catalog.records(one["capture"])}
        assert set(one["records"]) <= records
        assert one["records"], "the platform's own answer"
        assert one["control"]["link"] == OTHER
        row = home.catalog.capture(one["control"]["capture"])
        assert row is not None
        assert row["outcome"] == "captured"
        assert row["run"] == home.catalog.capture(one["capture"])["run"], "in the same run"  # type: ignore[index]
    assert detail["last_seen"]["at"] < detail["first_not_seen"]
    watching.look()
    assert len(watching.events("unavailable")) == 1
    (line,) = [line for line in shell.json("watch", "list")[1] if line["state"] == "unavailable"]
    code, out, _ = shell("watch", "show", str(line["watch"]))
    assert "UNAVAILABLE" in out
    assert f"while {OTHER} was answered" in out
    code, out, _ = shell("history", POST)
    assert "UNAVAILABLE" in out
    assert "first not seen" in out
    watching.restore()
    watching.look()
    (again,) = watching.events("seen-again")
    assert again["detail"]["post"] == "ozen_today/12"
    assert shell("check")[0] == 0


def test_the_history_of_a_post_says_what_changed(watching: Watching) -> None:
    """A file's link is another one each time; what is edited or renamed is a change."""
    shell, (number, photo) = watching.shell, (11, "https://t.me/ozen_today/11")

    def said() -> str:
        assert shell("capture", photo, "--no-media")[0] == 0
        return str([line for line in shell.json("history", photo)[1] if line["what"] == "seen"][-1]["changed"])

    said()
    post = next(post for post in watching.channel.posts if post.id == number)
    media = [replace(one, name="square-11.jpg?token=other") for one in post.media]
    watching.channel.posts[:] = [
        replace(one, media=media) if one.id == number else one for one in watching.channel.posts
    ]
    assert said() == "[]"
    watching.edit(number, "Алаңда ешкім жоқ.")
    assert said() == "['text', 'edited']"
    title, watching.channel.title = watching.channel.title, "Ozen news"
    try:
        assert said() == "['author_name']"
    finally:
        watching.channel.title = title


def test_a_file_that_takes_anothers_place_is_noticed_by_looks_that_take_files(watching: Watching) -> None:
    """The page says nothing of it: Telegram shows neither a new mark nor another length."""
    shell, post = watching.shell, next(post for post in watching.channel.posts if post.id == 12)
    assert shell("watch", "add", POST, "--media")[0] == 0
    watching.look()
    watching.look()
    assert not watching.events("changed"), "the same bytes again, by whatever link"
    other = [replace(one, body=one.body + b"\0\0\0\x0dfreeother") for one in post.media]  # a box that players skip
    watching.channel.posts[:] = [replace(one, media=other) if one.id == 12 else one for one in watching.channel.posts]
    watching.look()
    (event,) = watching.events("changed")
    (change,) = event["detail"]["changes"]
    assert change["field"] == "attachments"
    assert [old[:-1] == new[:-1] for old, new in zip(change["before"], change["after"], strict=True)] == [True]
    assert change["before"][0][-1] != change["after"][0][-1]


def test_a_post_whose_film_is_too_big_is_watched_like_any_other(watching: Watching) -> None:
    assert watching.shell("watch", "add", THIRD)[0] == 0
    assert watching.look() == 2
    assert watching.states() == {THIRD: "present"}
    watching.edit(20, "Полная запись, 41 минута.")
    watching.look()
    (event,) = watching.events("changed")
    assert [change["field"] for change in event["detail"]["changes"]] == ["text", "edited"]


def test_what_was_gone_when_it_was_captured_was_never_seen(watching: Watching) -> None:
    shell, link = watching.shell, "https://x.com/ozen_today/status/1478660000000000009"
    assert shell("capture", link)[0] == 3
    assert shell("watch", "add", link)[0] == 0
    queue = Queue(database(Home(shell.home)))
    (entry,) = queue.shared.entries.all("watch")
    queue.close()
    assert (entry.value["state"], entry.value["sight"]) == ("new", None)


def test_a_walk_that_broke_off_is_begun_anew_by_the_next_look(
    watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its newest posts would be taken for gone, and for new the time after."""
    shell, telegram, preview = watching.shell, watching.world.telegram, watching.world.telegram._preview
    assert shell("watch", "add", CHANNEL)[0] == 0

    def broken(channel: Any, before: int | None) -> bytes:
        return preview(channel, before) if before is None else b"<html><body>Are you a robot?</body></html>"

    monkeypatch.setattr(telegram, "_preview", broken)
    watching.look()
    assert watching.states() == {CHANNEL: "new"}
    monkeypatch.undo()
    watching.look()
    queue = Queue(database(Home(shell.home)))
    (entry,) = queue.shared.entries.all("watch")
    queue.close()
    assert len(entry.value["posts"]) == len(watching.channel.posts)


def test_walls_limits_and_outages_say_nothing(watching: Watching, world: World) -> None:
    shell = watching.shell
    assert shell("watch", "add", POST, OTHER)[0] == 0
    watching.look()
    soon = [("Retry-After", "1")]
    for answer in (
        Answer(429, "text/plain", b"Too Many Requests", soon), Answer(500, "text/plain", b"oops"), Answer(503, "text/plain", b"later", soon),
        Answer(200, "text/html", b"<html><body>Are you a robot?</body></html>"),
    ):  # fmt: skip
        world.telegram.trouble["/ozen_today/12"] = answer
        watching.look()
        watching.pass_time(2)
    world.telegram.trouble.clear()
    assert watching.states()[POST] == "present"
    assert not watching.events("changed", "unavailable", "seen-again")


def test_without_a_control_nothing_is_concluded(watching: Watching) -> None:
    """Everything is answered with "not found": then it may be the platform that is broken, or a wall that looks like it."""
    shell = watching.shell
    assert shell("watch", "add", POST, OTHER)[0] == 0
    watching.look()
    watching.channel.posts[:] = []
    for _ in range(3):
        watching.look()
        watching.pass_time(2)
    assert set(watching.states().values()) == {"present"}
    assert not watching.events("unavailable")
    assert "no other post of telegram was answered" in shell("watch", "list", "--unsure")[1]
    assert "the last check of 2 WAS INCONCLUSIVE" in shell("status")[1]
    watching.restore()
    watching.look()
    assert POST not in shell("watch", "list", "--unsure")[1]
    assert "INCONCLUSIVE" not in shell("status")[1]


def test_an_edit_is_reported_and_what_it_shows_is_captured(watching: Watching) -> None:
    shell = watching.shell
    assert shell("watch", "add", POST)[0] == 0
    watching.look()
    before = len(Home(shell.home).catalog.captures())
    watching.edit(12, "other words")
    watching.look()
    (event,) = watching.events("changed")
    assert [one["field"] for one in event["detail"]["changes"]][:1] == ["text"]
    assert "other words" not in json.dumps(event), "words stay in the captures"
    home = Home(shell.home)
    rows = home.catalog.captures()[before:]
    assert len(rows) == 2, "the look, and a capture with its files"
    watching.look()
    assert len(watching.events("changed")) == 1


def test_a_channel_is_watched(watching: Watching) -> None:
    """New posts are captured, edits said, and what a walk does not show any more is looked at by itself."""
    shell = watching.shell
    watching.channel.posts[:] = [post for post in watching.channel.posts if post.id in (12, 13, 15, 16, 20)]
    code, out, _ = shell("watch", "add", CHANNEL, "--every", "10m")
    assert (code, "channel" in out) == (0, True)
    watching.look()
    home = Home(shell.home)
    home.project()
    captured = {row["target"] for row in home.catalog.captures() if row["kind"] == "post"}
    assert POST in captured
    assert len(captured) == 5
    watching.edit(20, "edited words")
    watching.remove(12)
    watching.look()
    (event,) = watching.events("changed")
    assert event["detail"]["post"] == "ozen_today/20"
    watching.look()
    assert watching.states()[POST] == "missing"
    watching.pass_time(2)
    watching.look()
    assert watching.states() == {CHANNEL: "present", POST: "unavailable"}
    (event,) = watching.events("unavailable")
    assert event["detail"]["post"] == "ozen_today/12"
    assert shell("check")[0] == 0


def test_the_second_look_goes_out_by_the_second_way(watching: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    from archiver.capture import context

    ways: list[str | None] = []
    original = context.ProxyChoice

    def choose(proxy: str | None) -> Any:
        ways.append(proxy)
        return original(None)

    shell = watching.shell
    assert shell("watch", "add", POST, OTHER)[0] == 0
    watching.look()
    path = shell.home / "archiver.toml"
    path.write_text(path.read_text().replace('second_proxy = ""', 'second_proxy = "socks5h://127.0.0.1:9"'))
    watching.remove(12)
    monkeypatch.setattr(context, "ProxyChoice", choose)
    watching.look()
    assert "socks5h://127.0.0.1:9" in ways
    (event,) = watching.events("unavailable")
    assert [one["exit"] for one in event["detail"]["looks"]] == [None, "second"]
    assert all(one["control"]["capture"] for one in event["detail"]["looks"])


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        (POST, "--every", "never"),
        (POST, "--every", "1s"),
        (POST, "--case", "nowhere"),
        ("https://t.me/joinchat/abc",),
    ],
)
def test_watches_that_mean_nothing(shell: Shell, words: tuple[str, ...]) -> None:
    code, _, err = shell("watch", "add", *words)
    assert code == 1
    assert "next" in err
    assert "nothing is watched" in shell("watch", "list")[1]
    assert shell("watch", "remove", "abcdefgh")[0] == 1
    assert shell("watch", "show", "abcdefgh")[0] == 1


def test_outcomes_that_may_conclude_are_the_platforms() -> None:
    assert set(NOT_SHOWN) == {Outcome.UNAVAILABLE, Outcome.REFUSED}
