"""yt-dlp is asked about every page: what an extractor of its own claims is taken, and nothing is asked twice or for nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from archiver.capture.claims import _public
from archiver.capture.inventory import MEDIA_OF_PAGE as KEY
from archiver.cli.main import main
from archiver.demo import media
from archiver.demo.server import Answer, Asked, Platforms
from archiver.export.assemble import listed
from archiver.home.home import Home
from archiver.tools.ytdlp_info import finds_nothing
from archiver.tools.ytdlp_pool import ExtractorDied, ExtractorPool
from storage.digest import sha256_hex
from storage.lines import read_lines
from tests.conftest import need

VIDEO = "0123456789abcdef0123456789abcdef"
PAGE = f"https://rutube.ru/video/{VIDEO}/"


class Rutube:
    """A page of a platform that has no parser here, and the answers that yt-dlp asks of it."""

    def __init__(self) -> None:
        need("ffmpeg")
        self.film = media._film(need("ffmpeg"), 2, 440, "320x180")
        self.there = True
        self.inner = "<video></video>"
        self.status = 200
        self.asked: list[str] = []

    def __call__(self, asked: Asked) -> Answer:
        self.asked.append(asked.path)
        if asked.path.startswith("/api/"):
            if not self.there:
                return Answer(404, "application/json", b"{}")
            options = {"video_balancer": {"default": "https://cdn.rutube.example/film.mp4"}}
            about = {"id": VIDEO, "title": "The square, 12:40", "duration": 2}
            return Answer(
                content_type="application/json", body=json.dumps(options if "options" in asked.path else about).encode()
            )
        if asked.path == "/film.mp4":
            return Answer(content_type="video/mp4", body=self.film)
        return Answer(
            self.status,
            body=f"<html><head><title>R</title></head><body><p>words</p>{self.inner}</body></html>".encode(),
        )


@pytest.fixture
def site() -> Rutube:
    return Rutube()


@pytest.fixture
def served(tmp_path: Path, site: Rutube) -> Iterator[Platforms]:
    def led(asked: Asked) -> Answer:
        return Answer(302, "text/plain", b"", [("Location", PAGE)])

    made = Platforms(
        tmp_path / "certificates",
        {"rutube.ru": site, "cdn.rutube.example": site, "news.example": site, "news.kz": site, "bit.ly": led},
    )
    yield made
    made.stop()


Capture = Callable[..., tuple[int, dict[str, dict[str, Any]], Path]]


@pytest.fixture
def capture(home: Home, served: Platforms) -> Capture:
    def run(link: str, *words: str) -> tuple[int, dict[str, dict[str, Any]], Path]:
        """Exit code, how each thing ended, the capture's folder."""
        code = main(["capture", link, "--home", str(home.path), *words], served.network, {})
        folder = home.path / home.catalog.captures()[-1]["folder"]
        return code, {line["key"]: line for line in read_lines(folder / "inventory.jsonl") if "outcome" in line}, folder

    return run


def test_what_an_extractor_claims_is_taken(site: Rutube, capture: Capture) -> None:
    code, ended, folder = capture(PAGE)
    assert (code, ended[KEY]["outcome"]) == (2, "captured")
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["reason"].endswith("(Rutube): kept as a page, with the media that yt-dlp found")
    assert "yt-dlp" in manifest["media"]["extractor"]
    named = manifest["programs"]["yt-dlp"]
    assert (named["version"], len(named["record_sha256"])) == (version("yt-dlp"), 64)
    [film] = [end for key, end in ended.items() if key.startswith(KEY) and key != KEY]
    assert (film["kind"], film["proof"]) == ("video", "proved")
    assert sha256_hex(site.film) in listed(folder).assemblies
    scripted = next(end for key, end in ended.items() if key.endswith(" #0"))
    assert (scripted["outcome"], "Rutube" in scripted["reason"]) == ("captured", True), "the player that a script fills"


def test_a_quick_capture_asks_in_its_second_pass(home: Home, site: Rutube, capture: Capture) -> None:
    code, ended, folder = capture(PAGE, "--quick")
    first, second = home.catalog.captures()
    assert KEY not in (home.path / first["folder"] / "inventory.jsonl").read_text(), "what vanishes first comes first"
    assert (code, ended[KEY]["outcome"]) == (2, "captured")
    assert second["folder"] == str(folder.relative_to(home.path))
    assert sha256_hex(site.film) in listed(folder).assemblies


def test_a_video_that_the_extractor_cannot_have_leaves_the_page_partial(site: Rutube, capture: Capture) -> None:
    site.there, site.inner = False, ""
    code, ended, folder = capture(PAGE)
    assert code == 2
    assert ended[KEY]["outcome"] not in ("captured", "skipped")
    assert "; its media: " in json.loads((folder / "manifest.json").read_text())["reason"]


def test_the_player_of_another_site_is_followed(site: Rutube, capture: Capture) -> None:
    site.inner = f"<iframe src='https://rutube.ru/play/embed/{VIDEO}'></iframe>"
    code, ended, folder = capture("https://news.example/a")
    assert code == 0
    [frame] = [end for key, end in ended.items() if key.endswith(" #0")]
    assert (frame["kind"], frame["outcome"]) == ("media", "captured")
    assert sha256_hex(site.film) in listed(folder).assemblies


@pytest.mark.parametrize("words", [["--no-media"], ["--quick", "--no-media"]])
def test_nothing_is_asked_where_media_are_not_wanted(
    site: Rutube, capture: Capture, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: Any) -> str | None:
        raise AssertionError("asked")

    monkeypatch.setattr(ExtractorPool, "claims", never)
    site.inner = ""
    _, ended, _ = capture(PAGE, *words)
    assert KEY not in ended
    assert not [path for path in site.asked if path.startswith("/api/")]


def test_a_page_that_is_gone_is_not_asked_about(site: Rutube, capture: Capture) -> None:
    site.status = 404
    _, ended, _ = capture(PAGE)
    assert KEY not in ended
    assert not [path for path in site.asked if path.startswith("/api/")]


def test_a_page_that_no_extractor_claims_asks_nothing(site: Rutube, capture: Capture) -> None:
    site.inner = ""
    code, ended, _ = capture("https://news.kz/a")
    assert (code, KEY in ended) == (0, False)


def test_what_a_short_link_leads_to_is_asked_about(site: Rutube, capture: Capture, served: Platforms) -> None:
    site.inner = ""
    _, ended, _ = capture("https://bit.ly/abc")
    assert ended[KEY]["outcome"] == "captured"


def test_a_claim_that_yt_dlp_does_not_answer_is_listed(
    site: Rutube, capture: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(*_: Any) -> str | None:
        raise ExtractorDied("exit code 1")

    monkeypatch.setattr(ExtractorPool, "claims", dies)
    site.inner = "<video></video>"
    code, ended, _ = capture(PAGE)
    assert code == 2
    assert "nobody knows" in ended[KEY]["reason"]


def test_an_article_without_a_video_is_whole(site: Rutube, capture: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(self: ExtractorPool, job: dict[str, Any], timeout: float) -> dict[str, Any]:
        return {"error": {"kind": "ExtractorError", "said": "[BBC] x: No media found"}, "warnings": []}

    async def claims(self: ExtractorPool, url: str, timeout: float) -> str | None:
        return "BBC"

    monkeypatch.setattr(ExtractorPool, "run", run)
    monkeypatch.setattr(ExtractorPool, "claims", claims)
    site.inner = ""
    code, ended, _ = capture("https://news.kz/a")
    assert (code, ended[KEY]["outcome"]) == (0, "skipped")
    assert "finds no video on this page" in ended[KEY]["reason"]


@pytest.mark.parametrize(
    ("said", "nothing"),
    [
        ("the extractor failed: ExtractorError: No video could be found in this tweet", True),
        ("no extractor reads this page: Unsupported URL", True),
        ("no file is offered: No video formats found!", False),
        ("login required: log in", False),
        (None, False),
    ],
)
def test_what_says_that_there_is_no_video(said: str | None, nothing: bool) -> None:
    assert finds_nothing(said) is nothing


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://vk.com/wall-1_2", True), ("https://a.example/x", False), ("https://example.org/", False), ("http://10.0.0.1/", False),
        ("http://[::1]/", False), ("http://localhost/x", False), ("https://x.onion/", False), ("https://notexample.org/", True),
    ],
)  # fmt: skip
def test_names_for_which_no_extractor_can_be_made(url: str, public: bool) -> None:
    assert _public(url) is public
