"""Parsers that change between two looks at a post: what they see more of is no change of the post."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from archiver.home.home import Home
from archiver.jobs.watch import Sight
from archiver.lookup.rereading import OTHER_VERSION, Rereading
from spiders.telegram.web import parse as telegram
from tests.conftest import Shell, World
from tests.support.kept_homes import unpack_home
from tests.support.watching import Watching

POST, ALBUM = "https://t.me/ozen_today/12", "https://t.me/ozen_today/16"
CHANNEL = "https://t.me/s/ozen_today"
TWEET = "https://x.com/ozen_today/status/1478660000000000004"


@pytest.fixture
def watching(shell: Shell, world: World) -> Iterator[Watching]:
    made = Watching(shell, world)
    yield made
    made.restore()


@pytest.fixture
def later_parser(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A later version, which reads every text in another way; called, it takes the place of today's."""
    before = telegram.read_message

    def seeing_more(node: Any) -> Any:
        post = before(node)
        return replace(post, text=f"{post.text} (and what nobody read before)") if post is not None else None

    def install() -> None:
        monkeypatch.setattr(telegram, "PARSER", "telegram-web/99")
        monkeypatch.setattr(telegram, "read_message", seeing_more)

    return install


def said(watching: Watching) -> list[str]:
    return [str(line.get("said")) for line in watching.shell.json("watch", "list")[1]]


@pytest.mark.parametrize("later", [False, True])
def test_the_home_of_before_has_no_changes(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], later_parser: Any, later: bool
) -> None:
    """Watches of the home that is kept, run by today's and by later parsers over platforms on which nothing has changed."""
    shell = Shell(unpack_home(tmp_path), world, capsys)
    watching = Watching(shell, world)
    assert shell("watch", "add", ALBUM, TWEET, "--every", "1h")[0] == 0
    if later:
        later_parser()
    for _ in range(2):
        watching.look()
        assert watching.events("changed") == []
    assert set(watching.states().values()) <= {"present"}
    assert "as before" in " ".join(said(watching))


def test_a_change_is_seen_through_a_change_of_the_parser(watching: Watching, later_parser: Any) -> None:
    shell = watching.shell
    assert shell("capture", POST, ALBUM)[0] == 0
    assert shell("watch", "add", "inbox", "--every", "1h")[0] == 0
    watching.look()
    later_parser()
    watching.edit(12, "another text")
    watching.look()
    [event] = watching.events("changed")
    assert event["detail"]["post"] == "ozen_today/12"
    assert "text" in [one["field"] for one in event["detail"]["changes"]]
    watching.look()
    assert len(watching.events("changed")) == 1, "and the later look is the new base"


def test_what_cannot_be_read_again_is_not_concluded(
    watching: Watching, later_parser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The older bytes are gone: the finding says so, and the next look is compared with this one."""
    shell = watching.shell
    assert shell("capture", POST)[0] == 0
    assert shell("watch", "add", POST, "--every", "1h")[0] == 0
    later_parser()
    with monkeypatch.context() as without:
        without.setattr(Rereading, "_posts", lambda *_: {})
        watching.edit(12, "another text")
        watching.look()
    assert watching.events("changed") == []
    assert said(watching) == [f"cannot tell: {OTHER_VERSION}"]
    watching.look()
    assert said(watching) == ["as before"]
    watching.edit(12, "a third text")
    watching.look()
    assert len(watching.events("changed")) == 1


def test_a_channel_has_no_changes_either(watching: Watching, later_parser: Any) -> None:
    shell = watching.shell
    watching.channel.posts[:] = [post for post in watching.channel.posts if post.id <= 15]  # three times as fast as all
    assert shell("watch", "add", CHANNEL, "--every", "1h")[0] == 0
    watching.look()
    later_parser()
    watching.look()
    assert watching.events("changed") == []
    assert " 0 changed" in said(watching)[0]
    watching.edit(12, "another text")
    watching.look()
    assert [event["detail"]["post"] for event in watching.events("changed")] == ["ozen_today/12"]


def test_diff_and_history_compare_readings_of_one_version(
    watching: Watching, later_parser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = watching.shell
    assert shell("capture", POST)[0] == 0
    later_parser()
    assert shell("capture", POST)[0] == 0
    home = Home(shell.home)
    a, b = (row["id"] for row in sorted(home.catalog.captures_of(POST), key=lambda row: row["seq"]))
    [compared] = shell.json("diff", a, b)[1]
    assert compared["posts"] == []
    _, second = shell.json("history", POST)[1]
    assert second["changed"] == []
    monkeypatch.setattr(Rereading, "_posts", lambda *_: {})
    [compared] = shell.json("diff", a, b)[1]
    [post] = compared["posts"]  # type: ignore[misc]
    assert (post["changes"], post["cannot_tell"]) == ([], OTHER_VERSION)
    _, second = shell.json("history", POST)[1]
    assert (second["changed"], second["cannot_tell"]) == ([], OTHER_VERSION)
    assert f"cannot tell: {OTHER_VERSION}" in shell("history", POST)[1]
    assert f"cannot tell: {OTHER_VERSION}" in shell("diff", a, b)[1]


def test_a_sight_of_before_has_no_parser() -> None:
    stored = {
        "capture": "c", "ledger": "l", "record": None, "at": "2026-11-28T12:00:00Z", "text": "", "edited": None, "author": [],
        "attachments": [], "counts": {},
    }  # fmt: skip
    assert Sight.of(stored).parser is None
