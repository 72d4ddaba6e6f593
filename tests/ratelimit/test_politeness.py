"""Busy hosts, walls, accounts and ways out: waiting as long as asked, and stopping where asking on makes it worse."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from scrapy import Request
from scrapy.http import Response

from archiver.capture.blocked_hosts import BlockedHosts
from archiver.demo.server import Answer, Asked
from archiver.home.home import Home
from spiders.availability import absence
from spiders.posts import Absence, Availability, Outcome
from spiders.retries import PATIENCE, Retries, pause, wanted_pause
from tests.conftest import Shell, World, set_in
from tests.support.captures import ended, records

BLOG = "https://blog.ozen.example"


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What would have been waited for; nobody waits."""
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("spiders.retries.sleep", sleep)
    return waited


def answer(status: int, **headers: str) -> Response:
    return Response(
        "https://a.example/", status=status, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


def asked_again(patience: Retries, response: Response, attempt: int = 0) -> bool:
    request = Request("https://a.example/", meta={"attempt": attempt})
    return isinstance(asyncio.run(patience.process_response(request, response)), Request)


def test_a_busy_host_is_asked_again_with_growing_pauses(pauses: list[float]) -> None:
    patience = Retries(3, random.Random(1))
    for attempt in range(3):
        assert asked_again(patience, answer(502), attempt)
    assert not asked_again(patience, answer(502), 3)
    first, second, third = pauses
    assert 1 <= first <= 3 < 4 <= second <= 12 < 16 <= third <= 48


def test_pauses_are_jittered() -> None:
    assert len({pause(1, random.Random(seed)) for seed in range(20)}) == 20


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry_After": "7"}, 7.0),
        ({"Retry_After": "Wed, 05 Jan 2022 12:00:30 GMT", "Date": "Wed, 05 Jan 2022 12:00:00 GMT"}, 30.0),
        ({"Retry_After": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert wanted_pause(answer(429, **headers)) == seconds


def test_the_named_pause_is_kept_and_a_long_one_ends_it(pauses: list[float]) -> None:
    assert asked_again(Retries(2), answer(429, Retry_After="7"))
    assert pauses == [7.0]
    assert not asked_again(Retries(2), answer(429, Retry_After=str(int(PATIENCE) + 1)))
    assert not asked_again(Retries(0), answer(503))
    assert not asked_again(Retries(2), answer(404)), "a 404 is an answer"


def test_each_attempt_is_recorded(shell: Shell, world: World, pauses: list[float]) -> None:
    left = [2]

    def busy(asked: Asked) -> Answer:
        if asked.path == "/busy" and left[0]:
            left[0] -= 1
            return Answer(502, "text/plain", b"busy")
        return Answer(body=b"<html><body><p>here</p></body></html>")

    set_in(Home(shell.home), retries="2")
    real = world.served.sites["blog.ozen.example"]
    world.served.sites["blog.ozen.example"] = busy
    try:
        code, [result] = shell.json("capture", f"{BLOG}/busy")
    finally:
        world.served.sites["blog.ozen.example"] = real
    assert (code, result["outcome"], len(pauses)) == (0, "captured", 2)
    statuses = [
        line["status"]
        for line in records(shell, result)
        if line["type"] == "response" and line["uri"] == f"{BLOG}/busy"
    ]
    assert statuses == [502, 502, 200]
    assert ended(shell, result)["page"]["asked"] == 3


# -- walls --------------------------------------------------------------------------------------------------------------


def test_a_wall_in_place_of_a_page_stops_the_host(shell: Shell, world: World) -> None:
    world.news.trouble["/one"] = Answer(
        403, body=b"<html><head><title>Just a moment...</title></head><body></body></html>"
    )
    code, results = shell.json(
        "capture", f"{BLOG}/one", f"{BLOG}/2011/12/17/square", "https://t.me/ozen_today/13", "--at-once", "1"
    )
    outcomes = {str(result["url"]): (result["outcome"], str(result["reason"])) for result in results}
    assert code == 4
    assert outcomes[f"{BLOG}/2011/12/17/square"][0] == "blocked"
    assert (
        "not asked: blog.ozen.example answered with a bot wall or rate limits"
        in outcomes[f"{BLOG}/2011/12/17/square"][1]
    )
    assert outcomes["https://t.me/ozen_today/13"][0] == "captured"
    assert [asked.path for asked in world.served.log if asked.host == "blog.ozen.example"] == ["/one"]


def test_walls_of_single_videos_are_counted() -> None:
    walls = BlockedHosts()
    for _ in range(2):
        walls.met("www.youtube.com", absence("bot wall"), "youtube/watch", Outcome.BLOCKED)
    assert walls.reason("www.youtube.com") is None
    walls.met("www.youtube.com", Absence(Availability.PRESENT), "youtube/watch", Outcome.CAPTURED)
    for _ in range(3):
        assert walls.reason("www.youtube.com") is None
        walls.met("www.youtube.com", absence("rate limit"), "youtube/watch", Outcome.BLOCKED)
    assert "www.youtube.com" in str(walls.reason("www.youtube.com"))
    assert walls.reason("t.me") is None


def test_a_captcha_stops_youtube_at_once() -> None:
    walls = BlockedHosts()
    walls.met("www.youtube.com", absence("bot wall"), "youtube/wall", Outcome.BLOCKED)
    assert walls.reason("www.youtube.com")


def test_a_consent_page_stops_nothing() -> None:
    walls = BlockedHosts()
    for _ in range(9):
        walls.met("news.example", absence("consent wall"), "page/html", Outcome.BLOCKED)
    assert walls.reason("news.example") is None


# -- cookies for each platform ----------------------------------------------------------------------------------------------


def test_cookies_by_platform(shell: Shell) -> None:
    line = "{domain}\tTRUE\t/\tTRUE\t1893456000\t{name}\t{value}\n"
    (shell.home / "all.txt").write_text(line.format(domain=".youtube.com", name="SID", value="all-all-all"))
    (shell.home / "x.txt").write_text(line.format(domain=".x.com", name="ct0", value="only-for-x"))
    path = shell.home / "archiver.toml"
    path.write_text(path.read_text().replace('cookies = ""\n', 'cookies = "all.txt"\nx = "x.txt"\n'))
    config = Home(shell.home).config
    assert config.cookies_for("x.com", "x") == {"ct0": "only-for-x"}
    assert config.cookies_for("youtube.com", "youtube") == {"SID": "all-all-all"}
    assert {b"only-for-x", b"all-all-all"} <= set(config.secret_values), "values of every file are secrets everywhere"
    assert "only-for-x" not in repr(config)


def test_facebook_gets_its_own_account(shell: Shell, world: World) -> None:
    cookie = ".facebook.com\tTRUE\t/\tTRUE\t1893456000\txs\tsecret-session-of-mine\n"
    (shell.home / "fb.txt").write_text(cookie)
    path = shell.home / "archiver.toml"
    path.write_text(path.read_text().replace('cookies = ""\n', 'cookies = ""\nfacebook = "fb.txt"\n'))
    shell("capture", "https://www.facebook.com/ozen.today/posts/10157000000000001")
    sent: list[Any] = [asked.headers.get("cookie") for asked in world.served.log if asked.host == "www.facebook.com"]
    assert sent == ["xs=secret-session-of-mine"]
    whole = b"".join(
        p.read_bytes() for p in (shell.home / "captures").rglob("*") if p.is_file() and "private" not in p.name
    )
    assert b"secret-session-of-mine" not in whole
