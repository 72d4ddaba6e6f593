"""Where pages name their videos: elements, the head, JSON-LD, scripts, frames of players."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiders.page.media_links import MOST_NAMED, player_of
from spiders.page.parse import parse
from spiders.posts import Attachment

CDN = "https://cdn.example"


def media(inner: str, head: str = "") -> list[Attachment]:
    page = f"<!DOCTYPE html><html><head><title>Film</title>{head}</head><body><article><p>words</p>{inner}</article></body></html>"
    return list(parse(page.encode(), "https://news.example/a").posts[0].attachments)


def links(found: list[Attachment]) -> list[tuple[str, str | None]]:
    return [(item.kind, item.url or item.extract_from) for item in found]


def ld(value: Any) -> str:
    return f'<script type="application/ld+json">{json.dumps(value)}</script>'


VIDEO = {"@type": "VideoObject", "contentUrl": f"{CDN}/a.mp4", "duration": "PT1M9S"}


@pytest.mark.parametrize(
    ("head", "inner", "expected"),
    [
        (f'<meta property="og:video" content="{CDN}/a.mp4">', "", [("video", f"{CDN}/a.mp4")]),
        (f'<meta property="og:video:secure_url" content="{CDN}/a?id=1"><meta property="og:video:type" content="video/mp4">', "",
         [("video", f"{CDN}/a?id=1")]),
        ('<meta property="og:video" content="https://site.example/embed/1"><meta property="og:video:type" content="text/html">', "",
         [("frame", "https://site.example/embed/1")]),
        ('<meta property="og:video:url" content="https://www.youtube.com/embed/Zh5janSq001">', "",
         [("frame", "https://www.youtube.com/embed/Zh5janSq001")]),
        (f'<meta property="og:audio" content="{CDN}/a.mp3">', "", [("audio", f"{CDN}/a.mp3")]),
        (f'<meta name="twitter:player:stream" content="{CDN}/a.m3u8">', "", [("video", f"{CDN}/a.m3u8")]),
        (ld(VIDEO), "", [("video", f"{CDN}/a.mp4")]),
        (ld({"@graph": [{"@type": "NewsArticle", "video": [VIDEO]}]}), "", [("video", f"{CDN}/a.mp4")]),
        (ld({"@type": "ItemList", "itemListElement": [VIDEO]}), "", []),
        (ld(VIDEO), f"<video src='{CDN}/a.mp4'></video>", [("video", f"{CDN}/a.mp4")]),
        ("", f"<video><source data-src='{CDN}/a.m3u8' type='application/x-mpegURL'></video>", [("video", f"{CDN}/a.m3u8")]),
        ("", f'<script>jwplayer("p").setup({{file:"{CDN}/a/master.m3u8?t=1"}})</script>', [("video", f"{CDN}/a/master.m3u8?t=1")]),
        ("", r'<script>{"hls":"https:\/\/cdn.example\/a.m3u8?x=1\u0026y=2"}</script>', [("video", f"{CDN}/a.m3u8?x=1&y=2")]),
        ("", f"<video></video><script>var s = '{CDN}/a.mpd';</script>", [("video", f"{CDN}/a.mpd")]),
        ("", f"<script>x={{m:'{CDN}/a.m3u8',d:'{CDN}/a.mpd'}}</script>", [("video", f"{CDN}/a.m3u8")]),
        ("", f'<script>p({{sources:[{{file:"{CDN}/a.mp4"}}]}})</script>', [("video", f"{CDN}/a.mp4")]),
        ("", f'<video src="{CDN}/a.mp4"></video><script>ads({{file:"{CDN}/ad.mp4"}})</script>', [("video", f"{CDN}/a.mp4")]),
        ("", "<video></video>", [("video", None)]),
        ("", f"<script>{' '.join(f'{CDN}/{n}.m3u8' for n in range(400))}</script>", [("video", f"{CDN}/{n}.m3u8") for n in range(5)]),
        ("", "<iframe data-src='https://ok.ru/videoembed/123'></iframe><iframe src='https://player.example/1'></iframe>",
         [("video", "https://ok.ru/videoembed/123"), ("frame", "https://player.example/1")]),
    ],
)  # fmt: skip
def test_where_a_page_names_its_media(head: str, inner: str, expected: list[tuple[str, str | None]]) -> None:
    assert links(media(inner, head)) == expected


def test_the_length_that_is_stated_comes_along() -> None:
    assert [item.duration for item in media("", ld(VIDEO))] == [69.0]
    head = f'<meta property="og:video" content="{CDN}/a.mp4"><meta property="video:duration" content="9">'
    assert [item.duration for item in media("", head)] == [9.0]


@pytest.mark.parametrize(
    ("link", "player"),
    [
        ("https://ok.ru/videoembed/123456789", "Odnoklassniki"),
        ("https://vk.com/video_ext.php?oid=-1&id=2&hash=abc", "VK"),
        ("https://vkvideo.ru/video_ext.php?oid=-1&id=2", "VK"),
        ("https://rutube.ru/play/embed/0123456789abcdef", "Rutube"),
        ("https://player.vimeo.com/video/76979871?h=1", "Vimeo"),
        ("https://www.dailymotion.com/embed/video/x1", "Dailymotion"),
        ("https://geo.dailymotion.com/player.html?video=x1", "Dailymotion"),
        ("https://tube.example/videos/embed/9c9de5e8-0a1e-484a-b099-e80766180a6d", "PeerTube"),
        ("https://ok.ru/profile/1", None),
        ("https://evil.example/https://ok.ru/videoembed/1", None),
        ("https://notok.ru/videoembed/1", None),
    ],
)
def test_frames_of_known_players(link: str, player: str | None) -> None:
    assert player_of(link) == player


PIECES = ["<video", "<source", " src=", "'https://a.example/x.m3u8'", ">", "<script>", "</script>", "{file:'", "//a/b.mp4", "\\u002f",
          "<meta property='og:video' content='", "http://[", "'", '{"@type":"VideoObject","contentUrl":1}', "<iframe src="]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=30))
def test_any_markup_is_read(pieces: list[str]) -> None:
    parse(f"<html><body><p>x</p>{''.join(pieces)}".encode(), "https://news.example/a")


def test_a_catalogue_of_videos_is_counted_beyond_a_number() -> None:
    """50,000 took 14 seconds."""
    videos = [{"@type": "VideoObject", "contentUrl": f"https://x.example/{n}.mp4"} for n in range(50_000)]
    page = f"<html><head>{ld(videos)}</head><body><p>{'Words of the page. ' * 60}</p></body></html>".encode()
    start = time.process_time()
    [post] = parse(page, "https://news.example/a").posts
    assert time.process_time() - start < 8
    assert len(post.attachments) == MOST_NAMED + 1
    assert (
        post.attachments[-1].reason
        == f"{50_000 - MOST_NAMED} more of JSON-LD not listed: at most {MOST_NAMED} of a page are"
    )
