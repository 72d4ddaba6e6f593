"""A stream's manifest is followed wherever a page or post names it, and never kept as the video."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archiver.cli.main import main
from archiver.demo import media
from archiver.demo.server import Answer, Asked, Platforms
from archiver.export.assemble import listed
from archiver.home.home import Home
from spiders.page.media_links import MOST as MOST_LINKS
from storage.digest import sha256_hex
from storage.lines import read_lines
from tests.conftest import need

HLS, DASH = "application/vnd.apple.mpegurl", "application/dash+xml"


class Site:
    """A page, and a stream of three seconds in HLS and in DASH."""

    def __init__(self) -> None:
        need("ffmpeg")
        self.page = ""
        self.segments = media.segments(3)
        self.playlist = self.hls(len(self.segments))
        self.asked: list[str] = []

    @staticmethod
    def hls(count: int, seconds: int = 1) -> str:
        lines = ["#EXTM3U", f"#EXT-X-TARGETDURATION:{seconds}"]
        lines += [line for number in range(count) for line in (f"#EXTINF:{seconds}.0,", f"{number % 3}.ts?n={number}")]
        return "\n".join([*lines, "#EXT-X-ENDLIST", ""])

    def __call__(self, asked: Asked) -> Answer:
        name = asked.path.rpartition("/")[2]
        self.asked.append(name)
        if name == "page":
            return Answer(
                body=f"<html><head><title>F</title></head><body><p>words</p>{self.page}</body></html>".encode()
            )
        if name in ("master.m3u8", "signed"):
            return Answer(content_type=HLS, body=b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=100000\nlist.m3u8\n")
        if name == "list.m3u8":
            return Answer(content_type=HLS, body=self.playlist.encode())
        if name.endswith(".ts"):
            return Answer(content_type="video/mp2t", body=self.segments[int(name[0])])
        if name == "list.mpd":
            return Answer(content_type=DASH, body=self.mpd())
        if name == "film.mp4":
            return Answer(content_type="video/mp4", body=media._film(need("ffmpeg"), 2, 440, "320x180"))
        return Answer(404, "text/plain", b"")

    @staticmethod
    def mpd() -> bytes:
        return (
            b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT2S">'
            b'<Period><AdaptationSet mimeType="video/mp4"><Representation id="v" bandwidth="1000" width="320" height="180" '
            b'codecs="avc1.4d401e"><BaseURL>film.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>'
        )


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


def capture(
    home: Home, served: Platforms, link: str = "https://film.example/page"
) -> tuple[int, dict[str, dict[str, Any]], Path]:
    code = main(["capture", link, "--home", str(home.path)], served.network, {})
    folder = home.path / home.catalog.captures()[-1]["folder"]
    ended = {line["key"]: line for line in read_lines(folder / "inventory.jsonl") if "outcome" in line}
    assert main(["check", "--home", str(home.path), "--quiet"], None, {}) == 0
    return code, ended, folder


@pytest.mark.parametrize(
    "page",
    [
        "<video><source src='/master.m3u8' type='application/x-mpegURL'></video>",
        "<video src='/signed'></video>",
        "<meta property='og:video' content='https://film.example/master.m3u8'>",
        '<script type="application/ld+json">{"@type":"VideoObject","contentUrl":"https://film.example/master.m3u8"}</script>',
        "<video></video><script>setup({file: 'https://film.example/master.m3u8'})</script>",
    ],
    ids=["source", "by its bytes", "og:video", "JSON-LD", "a player's setup"],
)
def test_a_stream_is_followed(home: Home, served: Platforms, site: Site, page: str) -> None:
    site.page = page
    code, ended, folder = capture(home, served)
    assert code == 0
    [film] = [end for key, end in ended.items() if " video " in key]
    assert (film["outcome"], film["proof"], film["found"]) == ("captured", "proved", "video/mp2t")
    [assembly] = listed(folder).assemblies.values()
    assert assembly.sha256 == sha256_hex(b"".join(site.segments)), "what is kept is what is played"


def test_a_dash_manifest_is_followed(home: Home, served: Platforms, site: Site) -> None:
    site.page = "<video src='/list.mpd'></video>"
    code, ended, _ = capture(home, served)
    assert code == 0
    [film] = [end for key, end in ended.items() if " video " in key]
    assert (film["outcome"], film["proof"], film["found"]) == ("captured", "proved", "video/mp4")


def test_a_stream_that_cannot_be_had_is_not_captured(home: Home, served: Platforms, site: Site) -> None:
    site.page, site.playlist = "<video src='/master.m3u8'></video>", "#EXTM3U\n#EXT-X-ENDLIST\n"
    code, ended, _ = capture(home, served)
    assert code == 2
    assert next(end for key, end in ended.items() if key.endswith(" #0"))["outcome"] != "captured"


def test_playlists_that_lead_to_each_other_are_left(home: Home, served: Platforms, site: Site) -> None:
    site.page = "<video src='/master.m3u8'></video>"
    site.playlist = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=100000\nlist.m3u8\n"
    code, ended, _ = capture(home, served)
    assert code == 2
    assert any("lead to each other" in (end["reason"] or "") for end in ended.values())
    assert len(site.asked) < 20


def test_a_stream_shorter_than_its_manifest_states(home: Home, served: Platforms, site: Site) -> None:
    site.page, site.playlist = "<video src='/master.m3u8'></video>", Site.hls(3, seconds=9)
    code, ended, _ = capture(home, served)
    assert code == 2
    [film] = [end for key, end in ended.items() if " video " in key]
    assert (film["outcome"], film["proof"]) == ("partial", "too short")
    assert "27 s are stated" in film["reason"]


def test_a_manifest_of_a_hundred_thousand_segments(
    home: Home, served: Platforms, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archiver.capture.segments.MOST", 40)
    site.page, site.playlist = "<video src='/master.m3u8'></video>", Site.hls(100_000)
    code, ended, folder = capture(home, served)
    assert code == 2
    [film] = [end for key, end in ended.items() if " video " in key]
    assert film["outcome"] == "partial"
    assert "names 100000 fragments; the first 40 were taken" in film["reason"]
    assert len(next(iter(listed(folder).assemblies.values())).pieces) == 40
    assert MOST_LINKS < 40


def test_a_post_of_x_whose_only_variant_is_a_stream(home: Home, tmp_path: Path, site: Site) -> None:
    number = "1478660000000000021"
    post = {
        "__typename": "Tweet", "lang": "en", "created_at": "2026-01-05T11:00:00.000Z", "entities": {}, "id_str": number,
        "user": {"id_str": "1", "name": "N", "screen_name": "example"}, "text": "clip", "display_text_range": [0, 4],
        "mediaDetails": [{
            "type": "video", "id_str": "9", "media_url_https": "https://pbs.twimg.com/t.jpg",
            "original_info": {"width": 320, "height": 180},
            "video_info": {"duration_millis": 3000, "variants": [
                {"content_type": "application/x-mpegURL", "url": "https://video.twimg.com/9/pu/pl/master.m3u8?tag=12"}
            ]},
        }],
    }  # fmt: skip
    made = Platforms(
        tmp_path / "x",
        {
            "x.com": lambda asked: Answer(body=b"<html><body><div id='react-root'></div></body></html>"),
            "cdn.syndication.twimg.com": lambda asked: Answer(
                content_type="application/json", body=json.dumps(post).encode()
            ),
            "pbs.twimg.com": lambda asked: Answer(content_type="image/png", body=media.picture()),
            "video.twimg.com": site,
        },
    )
    try:
        _, ended, folder = capture(home, made, f"https://x.com/example/status/{number}")
    finally:
        made.stop()
    assert ended[f"post {number} #0"]["outcome"] == "captured"
    [assembly] = listed(folder).assemblies.values()
    assert assembly.sha256 == sha256_hex(b"".join(site.segments))


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        ("text/html", b"<html><body>Access denied</body></html>", "an HTML page came in place of a fragment"),
        ("video/mp2t", b"", "0 bytes came in place of a fragment"),
        (HLS, b"#EXTM3U\n", "the manifest of a stream (HLS) came in place of a fragment"),
    ],
)
def test_what_comes_in_place_of_a_fragment_is_no_part_of_the_film(
    home: Home, served: Platforms, site: Site, kind: str, body: bytes, said: str
) -> None:
    site.page = "<video src='/list.m3u8'></video>"
    served.sites["film.example"] = lambda asked: (
        Answer(content_type=kind, body=body) if asked.path == "/1.ts" else site(asked)
    )
    code, ended, folder = capture(home, served)
    [film] = [end for key, end in ended.items() if " video " in key]
    assert (code, film["outcome"], film["reason"]) == (2, "partial", said)
    [assembly] = listed(folder).assemblies.values()
    assert assembly.sha256 == sha256_hex(site.segments[0] + site.segments[2])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ((b"PT2S", b"PT1M9S"), "the video is 2 s long where 69 s are stated (asked twice)"),
        ((b'"static"', b'"dynamic"'), "a live stream (DASH): what it offered when it was asked for"),
    ],
)
def test_a_dash_stream_is_as_long_as_its_manifest_says(
    home: Home, served: Platforms, site: Site, monkeypatch: pytest.MonkeyPatch, change: tuple[bytes, bytes], said: str
) -> None:
    told = site.mpd().replace(*change)
    monkeypatch.setattr(site, "mpd", lambda: told)
    site.page = "<video src='/list.mpd'></video>"
    code, ended, _ = capture(home, served)
    [film] = [end for key, end in ended.items() if key.endswith("#0") and "video" in str(end.get("kind"))]
    assert (code, film["outcome"], film["reason"]) == (2, "partial", said)
