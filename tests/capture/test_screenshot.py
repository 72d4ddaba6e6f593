"""Pictures of pages: a real Chromium, through the recorder and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from archiver.demo.server import Answer
from archiver.home.home import Home
from archiver.tools import chromium as browser
from storage.assembly import payload
from storage.lines import read_lines
from tests.conftest import Shell, World, need, plain_home, set_in
from tests.support.captures import OnHome, ended, folder_of, records
from tests.support.commands import Commands

HOST = "https://blog.ozen.example"
PAGE, OVER, LONG, MINE = (f"{HOST}{path}" for path in ("/2011/12/17/square", "/over", "/long", "/mine"))
SECRET = "tok-5ec2e7"
OVERLAID = b"""<!DOCTYPE html><html><head><title>Overlaid</title></head><body><h1>News</h1><p id="late"></p>
<div id="cookies" style="position:fixed;bottom:0;left:0;right:0;height:300px;background:#ddd">We use cookies. Accept all?
<button onclick="document.title='clicked'">Accept all</button></div>
<div id="wall" style="position:fixed;top:0;left:0;right:0;height:500px;background:#eee">Log in to continue reading</div>
<script src="https://mc.yandex.ru/metrika/tag.js"></script>
<script>document.getElementById("late").textContent = "written by a script";
alert("hello"); document.title += typeof RTCPeerConnection;</script></body></html>"""
LONG_PAGE = b"<html><body><p>top</p><div style='height:40000px'></div></body></html>"
MY_PAGE = f"<html><body><p>your link: /x?k={SECRET}</p><a href='/x?k={SECRET}'>x</a></body></html>".encode()


@pytest.fixture
def chromium() -> str:
    return need("chromium")


class Shown(Commands):
    """A home in which one browser showed four pages, how that ended, and what was asked for meanwhile."""

    def __init__(self, home: Path, world: World) -> None:
        super().__init__(home, world.network, ARCHIVER_SECRETS=SECRET)
        for link, page in ((OVER, OVERLAID), (LONG, LONG_PAGE), (MINE, MY_PAGE)):
            world.news.trouble[link.removeprefix(HOST)] = Answer(body=page)
        world.served.log.clear()
        self.code, results = self.json("capture", PAGE, OVER, LONG, MINE, "--screenshot")
        self.results = {str(result["url"]): result for result in results}
        self.asked = list(world.served.log)
        world.news.trouble.clear()


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory, world: World) -> Shown:
    """Made once: a browser takes longer to start than to show a page."""
    need("chromium")
    return Shown(plain_home(tmp_path_factory.mktemp("shown") / "home").path, world)


def picture_of(shell: OnHome, result: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    return part(shell, result, "urn:fullPage")


def part(shell: OnHome, result: dict[str, Any], scheme: str) -> tuple[dict[str, Any], bytes]:
    [line] = [line for line in records(shell, result) if str(line["uri"]).startswith(f"{scheme}:")]
    return line, b"".join(payload(folder_of(shell, result) / line["file"], line["offset"], 0, 1 << 40))


def test_a_picture_is_a_resource_beside_the_page(shown: Shown) -> None:
    result = shown.results[PAGE]
    assert (shown.code, result["outcome"]) == (0, "captured")
    line, png = picture_of(shown, result)
    assert line["type"] == "resource"
    assert line["uri"] == f"urn:fullPage:{PAGE}"
    assert png.startswith(b"\x89PNG")
    assert int.from_bytes(png[16:20], "big") == 1280
    assert line["title"].startswith("Жаңаөзен")
    assert line["browser"].startswith("Chromium ")
    tags = [
        item["tag"] for item in records(shown, result) if item["type"] == "response" and item.get("tag") == "screenshot"
    ]
    assert tags, "what the browser asked is recorded too"
    films = [asked.path for asked in shown.asked if asked.path.endswith(".mp4")]
    assert films == ["/square.mp4"], "the film is fetched once"
    asked = {asked.host for asked in shown.asked}
    assert asked == {"blog.ozen.example", "www.youtube.com"}, "the pages, and the player that one of them embeds"
    assert shown("check")[0] == 0


def test_the_browser_itself_reaches_nothing(shown: Shown) -> None:
    """No update server, no Google account: every host the recorder was asked for is the page's."""
    manifest = json.loads((folder_of(shown, shown.results[PAGE]) / "manifest.json").read_bytes())
    assert (manifest["hosts"], manifest["refused_hosts"]) == (["blog.ozen.example", "www.youtube.com"], [])
    line, _ = picture_of(shown, shown.results[PAGE])
    assert line["browser"] == f"Chromium {manifest['programs']['Chromium']['version']}"
    assert len(manifest["programs"]["Chromium"]["sha256"]) == 64


def test_a_long_page_is_cut_and_says_so(shown: Shown) -> None:
    line, png = picture_of(shown, shown.results[LONG])
    assert line["cut"] is True
    assert int.from_bytes(png[20:24], "big") == browser.HEIGHT_LIMIT
    assert ended(shown, shown.results[LONG])["screenshot"]["reason"] == "cut: the page is longer"


@pytest.mark.parametrize("lacking", ["Chromium is not installed", "Playwright is not installed"])
def test_without_a_browser_the_post_is_whole(shell: Shell, monkeypatch: pytest.MonkeyPatch, lacking: str) -> None:
    monkeypatch.setattr("archiver.tools.chromium.missing", lambda: lacking)
    code, [result] = shell.json("capture", PAGE, "--screenshot")
    assert (code, result["outcome"]) == (0, "captured")
    end = ended(shell, result)["screenshot"]
    assert (end["outcome"], end["reason"]) == ("skipped", f"no picture: {lacking}")


def test_a_browser_that_does_not_start_is_said(shell: Shell, monkeypatch: pytest.MonkeyPatch, chromium: str) -> None:
    monkeypatch.setattr("archiver.tools.chromium.program", lambda: "/bin/false")
    code, [result] = shell.json("capture", PAGE, "--screenshot")
    assert code == 0
    assert ended(shell, result)["screenshot"]["outcome"] == "skipped"


def test_quick_takes_a_picture_with_the_first_pass(shell: Shell, chromium: str, tmp_path: Path) -> None:
    set_in(Home(shell.home), rendered="true")
    path = tmp_path / "list.txt"
    path.write_text("https://t.me/ozen_today/12\nhttps://x.com/i/status/1478660000000000001\n")
    code, _, _ = shell("capture", "--list", str(path), "--quick")
    assert code == 0
    uris = [
        line["uri"]
        for folder in sorted((shell.home / "captures").glob("*/*/*/*"))
        for line in read_lines(folder / "records.jsonl")
        if str(line["uri"]).startswith("urn:fullPage:")
    ]
    assert sorted(uris) == [
        "urn:fullPage:https://t.me/ozen_today/12",
        "urn:fullPage:https://x.com/i/status/1478660000000000001",
    ]


# -- everything that comes of one page -----------------------------------------------------------------------------------


def test_first_view_full_page_pdf_and_dom(shown: Shown) -> None:
    """Named as Browsertrix names them; what scripts made of the page is there, what the server sent stands beside it."""
    result = shown.results[OVER]
    ends = ended(shown, result)
    for name in ("first view", "screenshot", "pdf", "dom", "page text", "page info"):
        assert ends[name]["outcome"] == "captured", name
    assert part(shown, result, "urn:view")[1].startswith(b"\x89PNG")
    assert int.from_bytes(part(shown, result, "urn:view")[1][20:24], "big") == browser.VIEW["height"]
    assert part(shown, result, "urn:pdf")[1].startswith(b"%PDF-")
    line, dom = part(shown, result, "urn:dom")
    assert b"written by a script" in dom
    assert line["type"] == "resource"
    assert "not the server's answer" in line["made_by"]
    assert b"written by a script" in part(shown, result, "urn:text")[1]
    [response] = [
        item
        for item in records(shown, result)
        if item["uri"] == OVER and item.get("tag") == "page" and item["type"] == "response"
    ]
    assert response["id"] != line["id"]


def test_overlays_are_noted_and_nothing_is_clicked(shown: Shown) -> None:
    line, _ = part(shown, shown.results[OVER], "urn:fullPage")
    seen = {item["kind"]: item for item in line["overlays"]}
    assert seen["consent"]["element"] == "div#cookies"
    assert seen["login"]["text"] == "Log in to continue reading"
    assert 15 <= seen["consent"]["percent"] <= 25
    assert line["dialogs"] == ["alert: hello"]
    assert line["title"] == "Overlaidundefined", "nothing was clicked, and WebRTC is off"


def test_trackers_are_not_let_through_and_are_listed(shown: Shown) -> None:
    result = shown.results[OVER]
    info = json.loads(part(shown, result, "urn:pageinfo")[1])
    assert info["blocked"] == {"mc.yandex.ru": 1}
    assert info["urls"]["https://mc.yandex.ru/metrika/tag.js"]["blocked"] == "known tracker"
    assert info["urls"][OVER] == {"status": 200, "type": "document"}
    manifest = json.loads((folder_of(shown, result) / "manifest.json").read_bytes())
    assert "mc.yandex.ru" not in [*manifest["hosts"], *manifest["refused_hosts"]]


def test_a_tracker_gets_nothing(shell: Shell, world: World, chromium: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a listed host that would answer: neither the browser nor the page's own files reach it."""
    monkeypatch.setattr("archiver.recorder.trackers._hosts", lambda: frozenset({"pbs.twimg.com"}))
    page = b"<html><body><p>x</p><img src='https://pbs.twimg.com/media/demo0001photo.png'></body></html>"
    world.news.trouble["/tracked"] = Answer(body=page)
    _, [result] = shell.json("capture", "https://blog.ozen.example/tracked", "--screenshot")
    assert part(shell, result, "urn:fullPage")[0]["blocked"] == {"pbs.twimg.com": 1}
    assert {asked.host for asked in world.served.log} == {"blog.ozen.example"}


def test_pages_are_shown_by_default_where_chromium_is(shell: Shell, chromium: str) -> None:
    set_in(Home(shell.home), rendered="true")
    _, [result] = shell.json("capture", "https://t.me/ozen_today/13")
    assert ended(shell, result)["pdf"]["outcome"] == "captured"
    _, [result] = shell.json("capture", "https://t.me/ozen_today/13", "--no-screenshot")
    assert "pdf" not in ended(shell, result)


def test_secrets_are_in_no_rendered_part(shown: Shown) -> None:
    for scheme in ("urn:dom", "urn:text", "urn:pageinfo"):
        assert b"5ec2e7" not in part(shown, shown.results[MINE], scheme)[1], scheme
