"""Watches on each platform: nothing that did not change is said to have, an edit is said, and so is what is not there any more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from archiver.demo.server import Answer
from archiver.home.home import Home
from tests.conftest import Shell, World
from tests.support.watching import Watching

X, YOUTUBE, FACEBOOK = (
    "https://x.com/ozen_today/status/147866000000000000", "https://www.youtube.com/watch?v=", "https://www.facebook.com/ozen.today/posts/1015700000000000",
)  # fmt: skip
PAGE = "https://blog.ozen.example/2012/01/"
ARTICLE = "<html><head><title>{0}</title></head><body><article><h1>{0}</h1><p>{1}</p></article></body></html>"
WORDS = "A witness who stood at the school says that shots were fired from its roof at noon. " * 4


@dataclass
class Case:
    post: str
    control: str
    edit: Callable[[World], Any]
    remove: Callable[[World], Any]


def page(world: World, name: str, answer: Answer) -> None:
    world.news.trouble[f"/2012/01/{name}"] = answer


def article(world: World, name: str, words: str) -> None:
    page(world, name, Answer(body=ARTICLE.format(name, words).encode()))


CASES = {
    "x": Case(
        f"{X}4", f"{X}1",
        lambda world: setattr(world.x.tweets["1478660000000000004"], "text", "Other words."),
        lambda world: setattr(world.x.tweets["1478660000000000004"], "missing", True),
    ),
    "youtube": Case(
        f"{YOUTUBE}Zh5janSq001", f"{YOUTUBE}Sh0rtOzen01",
        lambda world: setattr(world.youtube.videos["Zh5janSq001"], "title", "Another title"),
        lambda world: world.youtube.videos["Zh5janSq001"].__dict__.update(
            status="ERROR", reason="This video has been removed by the uploader", details=False
        ),
    ),
    "facebook": Case(
        f"{FACEBOOK}1", f"{FACEBOOK}2",
        lambda world: setattr(world.facebook.posts["10157000000000001"], "text", "Басқа сөз."),
        lambda world: setattr(world.facebook.posts["10157000000000001"], "private", True),
    ),
    "page": Case(
        f"{PAGE}square", f"{PAGE}other",
        lambda world: article(world, "square", WORDS + "It was two o'clock."),
        lambda world: page(world, "square", Answer(410, body=b"<html><body><h1>Gone</h1></body></html>")),
    ),
}  # fmt: skip


@pytest.fixture
def watching(shell: Shell, world: World) -> Iterator[Watching]:
    found = [*world.x.tweets.values(), *world.youtube.videos.values(), *world.facebook.posts.values()]
    before = [(one, dict(vars(one))) for one in found]
    article(world, "square", WORDS)
    article(world, "other", WORDS)
    yield Watching(shell, world)
    for one, was in before:
        vars(one).update(was)
    world.news.trouble.clear()


@pytest.mark.parametrize("platform", CASES)
def test_posts(platform: str, watching: Watching) -> None:
    case = CASES[platform]
    assert watching.shell("watch", "add", case.post, case.control)[0] == 0
    watching.look()
    watching.look()
    assert set(watching.states().values()) == {"present"}
    assert not watching.events("changed", "unavailable")
    case.edit(watching.world)
    watching.look()
    (changed,) = watching.events("changed")
    assert changed["detail"]["link"] == case.post
    assert changed["detail"]["changes"][0]["field"] == "text"
    case.remove(watching.world)
    watching.look()
    assert watching.states()[case.post] == "missing"
    watching.pass_time(2)
    watching.look()
    (gone,) = watching.events("unavailable")
    assert gone["detail"]["link"] == case.post
    assert len(watching.events("changed")) == 1
    assert {watching.states()[case.post], gone["detail"]["outcome"]} <= {"unavailable", "refused"}


def test_a_mirror_s_copy_is_no_sight_of_the_post(watching: Watching) -> None:
    """Else its page is compared with the post, which then looks edited; and a post that is gone looks present."""
    case, world = CASES["x"], watching.world
    mirrored = case.post.replace("x.com", "nitter.net")
    world.others.answers[mirrored.removeprefix("https://")] = Answer(body=ARTICLE.format("A post", WORDS).encode())
    tweet = world.x.tweets["1478660000000000004"]
    tweet.missing = True
    _, [copy] = watching.shell.json("capture", mirrored)
    assert "a mirror's copy" in str(copy["reason"])
    assert watching.shell("watch", "add", mirrored, case.control)[0] == 0
    assert watching.states()[case.post] != "present"
    tweet.missing = False
    watching.look()
    assert (watching.states()[case.post], watching.events("changed")) == ("present", [])
    case.remove(world)
    world.served.log.clear()
    watching.look()
    assert watching.states()[case.post] == "missing"
    assert not [asked for asked in world.served.log if asked.host == "nitter.net"], "it is about what X shows"
    del world.others.answers[mirrored.removeprefix("https://")]


def test_a_channel_of_which_one_video_is_refused(watching: Watching) -> None:
    """As on most channels: the others are watched all the same."""
    channel = "https://www.youtube.com/@ozen_today"
    assert watching.shell("watch", "add", channel)[0] == 0
    watching.look()
    assert watching.states() == {channel: "present"}
    home = Home(watching.shell.home)
    once = len(home.catalog.captures())
    watching.look()
    assert len(home.catalog.captures()) == once + 1, (
        "the list alone is looked at; what is on it was captured when it was new"
    )
    case = CASES["youtube"]
    case.edit(watching.world)
    watching.look()
    (changed,) = watching.events("changed")
    assert changed["detail"]["link"] == case.post
    case.remove(watching.world)
    watching.look()
    watching.look()
    watching.pass_time(2)
    watching.look()
    (gone,) = watching.events("unavailable")
    assert gone["detail"]["link"] == case.post
