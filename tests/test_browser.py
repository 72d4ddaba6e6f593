"""Pictures of pages: a real Chromium, through the recorder and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from archiver import browser
from archiver.demo.server import Answer
from storage.assembly import payload
from storage.lines import read_lines
from tests.conftest import Shell, World, need
from tests.test_youtube import ended, folder_of, records

PAGE = "https://blog.ozen.example/2011/12/17/square"


@pytest.fixture
def chromium() -> str:
    return need("chromium")


def picture_of(shell: Shell, result: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    [line] = [line for line in records(shell, result) if str(line["uri"]).startswith("urn:fullPage:")]
    path: Path = folder_of(shell, result) / line["file"]
    return line, b"".join(payload(path, line["offset"], 0, 1 << 40))


def test_a_picture_is_a_resource_beside_the_page(shell: Shell, world: World, chromium: str) -> None:
    code, [result] = shell.json("capture", PAGE, "--screenshot")
    assert (code, result["outcome"]) == (0, "captured")
    line, png = picture_of(shell, result)
    assert line["type"] == "resource"
    assert line["uri"] == f"urn:fullPage:{PAGE}"
    assert png.startswith(b"\x89PNG")
    assert int.from_bytes(png[16:20], "big") == 1280
    assert line["title"].startswith("Жаңаөзен")
    assert line["browser"].startswith("Chromium ")
    tags = [
        item["tag"] for item in records(shell, result) if item["type"] == "response" and item.get("tag") == "screenshot"
    ]
    assert tags, "what the browser asked is recorded too"
    films = [asked.path for asked in world.served.log if asked.path.endswith(".mp4")]
    assert films == ["/square.mp4"], "the film is fetched once"
    asked = {asked.host for asked in world.served.log}
    assert asked == {"blog.ozen.example"}
    assert shell("check")[0] == 0


def test_the_browser_itself_reaches_nothing(shell: Shell, chromium: str) -> None:
    """No update server, no Google account: every host the recorder was asked for is the page's."""
    import json

    _, [result] = shell.json("capture", PAGE, "--screenshot")
    manifest = json.loads((folder_of(shell, result) / "manifest.json").read_bytes())
    assert (manifest["hosts"], manifest["refused_hosts"]) == (["blog.ozen.example"], [])


def test_a_long_page_is_cut_and_says_so(shell: Shell, world: World, chromium: str) -> None:
    world.news.trouble["/long"] = Answer(body=b"<html><body><p>top</p><div style='height:40000px'></div></body></html>")
    _, [result] = shell.json("capture", "https://blog.ozen.example/long", "--screenshot")
    line, png = picture_of(shell, result)
    assert line["cut"] is True
    assert int.from_bytes(png[20:24], "big") == browser.HEIGHT_LIMIT
    assert ended(shell, result)["screenshot"]["reason"] == "cut: the page is longer"


@pytest.mark.parametrize("lacking", ["Chromium is not installed", "Playwright is not installed"])
def test_without_a_browser_the_post_is_whole(shell: Shell, monkeypatch: pytest.MonkeyPatch, lacking: str) -> None:
    monkeypatch.setattr("archiver.browser.missing", lambda: lacking)
    code, [result] = shell.json("capture", PAGE, "--screenshot")
    assert (code, result["outcome"]) == (0, "captured")
    end = ended(shell, result)["screenshot"]
    assert (end["outcome"], end["reason"]) == ("skipped", f"no picture: {lacking}")


def test_a_browser_that_does_not_start_is_said(shell: Shell, monkeypatch: pytest.MonkeyPatch, chromium: str) -> None:
    monkeypatch.setattr("archiver.browser.program", lambda: "/bin/false")
    code, [result] = shell.json("capture", PAGE, "--screenshot")
    assert code == 0
    assert ended(shell, result)["screenshot"]["outcome"] == "skipped"


def test_quick_takes_a_picture_with_the_first_pass(shell: Shell, chromium: str, tmp_path: Path) -> None:
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
