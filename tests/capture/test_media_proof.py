"""Media are proved: what came in place of a video is asked for once more, kept, and called what it is."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from archiver.cli.main import main
from archiver.demo import media
from archiver.demo.scene import START
from archiver.demo.server import Answer, Asked, Platforms
from archiver.demo.telegram import DemoChannel, DemoPost, Medium, Telegram
from archiver.home.home import Home
from storage.lines import read_lines
from storage.times import system_clock
from tests.conftest import need, set_in
from tests.support import media_files

DENIED = b"<!DOCTYPE html><html><body>Access denied</body></html>"


class Site:
    """A page with one medium at `/file`; `answers` are given in turn, the last one for ever."""

    def __init__(self) -> None:
        self.element = "<video src='/file'></video>"
        self.answers: list[Answer] = []
        self.asked: list[str] = []

    def __call__(self, asked: Asked) -> Answer:
        if asked.path == "/":
            return Answer(body=f"<html><body><p>film</p>{self.element}</body></html>".encode())
        self.asked.append(asked.path)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def served(tmp_path: Path, site: Site) -> Iterator[Platforms]:
    made = Platforms(tmp_path / "certificates", {"film.example": site})
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archiver.capture.media_proof.AGAIN_SECONDS", 0.0)


Capture = Callable[..., tuple[int, dict[str, Any], list[dict[str, Any]]]]


@pytest.fixture
def capture(home: Home, served: Platforms) -> Capture:
    def run(*words: str) -> tuple[int, dict[str, Any], list[dict[str, Any]]]:
        """Exit code, how the medium ended, the records."""
        before = len(home.catalog.captures())
        code = main(["capture", "https://film.example/", "--home", str(home.path), *words], served.network, {})
        folder = home.path / home.catalog.captures()[before]["folder"]  # the first: --quick has a second pass
        ended = {line["key"]: line for line in read_lines(folder / "inventory.jsonl") if "outcome" in line}
        return (
            code,
            next(end for key, end in ended.items() if key.endswith(" #0")),
            list(read_lines(folder / "records.jsonl")),
        )

    return run


def film() -> bytes:
    """Two seconds of picture and sound, encoded once in this process."""
    return media._film(need("ffmpeg"), 2, 440, "320x180")


def moovless() -> bytes:
    """The same film without its index: as a phone leaves it that was switched off while recording."""
    whole = film()
    at, kept = 0, b""
    while at < len(whole):
        size = int.from_bytes(whole[at : at + 4], "big")
        if whole[at + 4 : at + 8] != b"moov":
            kept += whole[at : at + size]
        at += size
    return kept


@pytest.mark.parametrize(
    ("body", "outcome", "found", "said"),
    [
        (lambda: DENIED, "failed", "text/html", "an HTML page came in place of the video"),
        (lambda: b"", "failed", "application/octet-stream", "0 bytes came in place of the video"),
        (lambda: b'{"error": "gone"}', "failed", "application/json", "JSON came in place of the video"),
        (lambda: media.picture(), "partial", "image/png", "a photo (image/png) came in place of the video"),
        (moovless, "partial", "video/mp4", "its index (moov) is missing"),
        (lambda: film()[:-500], "partial", "video/mp4", "bytes are there"),
        (lambda: media_files.film(filling=b"x" * 4000)[:3000], "partial", "video/vnd.avi", "of 4"),
        (lambda: bytes(3000), "partial", "application/octet-stream", "bytes of no known kind of video"),
    ],
    ids=["HTML", "0 bytes", "JSON", "a picture", "no moov", "cut MP4", "cut AVI", "zeros"],
)
def test_what_is_no_whole_video_is_asked_again_and_not_called_captured(
    site: Site, capture: Capture, body: Callable[[], bytes], outcome: str, found: str, said: str
) -> None:
    site.answers = [Answer(200, "video/mp4", body())]
    code, end, records = capture()
    assert (code, end["outcome"], end["found"]) == (2, outcome, found)
    assert said in end["reason"]
    assert end["held"]
    assert site.asked == ["/file", "/file"]
    both = [line["id"] for line in records if line["type"] in ("response", "revisit") and line["uri"].endswith("/file")]
    assert both == [end["record"], end["other_answer"]], "both answers are recorded, and named"


def test_a_second_answer_that_is_whole_counts(site: Site, capture: Capture) -> None:
    site.answers = [Answer(200, "video/mp4", DENIED), Answer(200, "video/mp4", film())]
    code, end, records = capture()
    assert (code, end["outcome"], end["found"], end["proof"]) == (0, "captured", "video/mp4", "proved")
    assert "at first an HTML page" in end["reason"]
    answers = [line["id"] for line in records if line["type"] == "response" and line["uri"].endswith("/file")]
    assert answers == [end["other_answer"], end["record"]]


def test_a_page_that_is_compressed_is_seen_through(site: Site, capture: Capture) -> None:
    site.answers = [Answer(200, "video/mp4", gzip.compress(DENIED), [("Content-Encoding", "gzip")])]
    code, end, _ = capture()
    assert (code, end["outcome"], end["found"]) == (2, "failed", "text/html")


def test_a_second_answer_that_refuses_leaves_what_came(site: Site, capture: Capture) -> None:
    site.answers = [Answer(200, "video/mp4", moovless()), Answer(403, "text/plain", b"no")]
    code, end, records = capture()
    assert (code, end["outcome"]) == (2, "partial")
    assert "asked again: forbidden" in end["reason"]
    assert end["record"] in {line["id"] for line in records if line.get("payload_size") == len(moovless())}


def test_a_whole_video_is_proved_and_asked_for_once(site: Site, capture: Capture) -> None:
    site.answers = [Answer(200, "text/plain", film())]
    code, end, _ = capture()
    assert (code, end["outcome"], end["proof"], end["reason"]) == (0, "captured", "proved", None)
    assert end["probe"]
    assert site.asked == ["/file"]


def test_a_quick_capture_says_that_it_did_not_open_the_file(site: Site, capture: Capture) -> None:
    site.answers = [Answer(200, "video/mp4", film())]
    code, end, _ = capture("--quick")
    assert (code, end["outcome"], end["proof"]) == (0, "captured", "not computed")
    assert "quick" in end["unproved"]


def test_without_ffprobe_nothing_is_called_proved(
    site: Site, capture: Capture, monkeypatch: pytest.MonkeyPatch, home: Home
) -> None:
    site.answers = [Answer(200, "video/mp4", film())]
    monkeypatch.setattr("archiver.tools.probe.program", lambda name: None)
    code, end, _ = capture()
    assert (code, end["outcome"], end["proof"], end["unproved"]) == (
        0,
        "captured",
        "not computed",
        "ffprobe is not installed",
    )


def test_a_video_shorter_than_its_post_states(home: Home, tmp_path: Path) -> None:
    need("ffmpeg")
    short, right = (
        Medium("video", f"{n}.mp4", media_files.film(seconds), seconds=9) for n, seconds in ((1, 1), (2, 8))
    )
    posts = [DemoPost(1, START, "cut", [short]), DemoPost(2, START, "rounded up", [right])]
    telegram = Telegram([DemoChannel("made_up", "Made up", -1001, posts)], media.picture(), system_clock)
    served = Platforms(tmp_path / "telegram", telegram.sites())
    ends = {}
    for number in (1, 2):
        main(["capture", f"https://t.me/made_up/{number}", "--home", str(home.path)], served.network, {})
        folder = home.path / home.catalog.captures()[-1]["folder"]
        lines = [line for line in read_lines(folder / "inventory.jsonl") if "outcome" in line]
        ends[number] = next(line for line in lines if line["key"].endswith(" #0"))
    served.stop()
    assert (ends[1]["outcome"], ends[1]["proof"], ends[1]["held"]) == ("partial", "too short", "a part of the video")
    assert "1 s long where 9 s are stated" in ends[1]["reason"]
    assert (ends[2]["outcome"], ends[2]["proof"]) == ("captured", "proved")


def test_sound_in_place_of_a_video(site: Site, capture: Capture) -> None:
    site.answers = [Answer(200, "video/mp4", media_files.sound())]
    code, end, _ = capture()
    assert (code, end["outcome"]) == (2, "partial")
    assert "a sound recording (audio/wav) came in place of the video" in end["reason"]
    site.element, site.asked = "<audio src='/file'></audio>", []
    code, end, _ = capture()
    assert (code, end["outcome"], end["proof"]) == (0, "captured", "proved")


def test_a_setting_that_asks_no_tool(site: Site, capture: Capture, home: Home) -> None:
    set_in(home, probe="false")
    site.answers = [Answer(200, "video/mp4", film())]
    code, end, _ = capture()
    assert (code, end["proof"]) == (0, "not computed")
    assert "settings" in end["unproved"]
