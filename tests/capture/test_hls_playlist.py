"""HLS playlists (RFC 8216): order, ranges, keys, gaps; and a live stream that is read until it ends."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from archiver.capture.fetcher import FetchedFile
from archiver.capture.hls_playlist import MediaSegment, parse_playlist
from archiver.capture.segments import SegmentedDownload, SegmentedStream, dash
from spiders.posts import Outcome

BASE = "https://cdn.example/a/list.m3u8"


def test_a_finished_list_in_order() -> None:
    text = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:7\n#EXTINF:4,\none.ts\n#EXTINF:4,\n/two.ts?x=1\n#EXT-X-ENDLIST\n"
    playlist = parse_playlist(text, BASE)
    assert playlist is not None
    assert [(s.number, s.url) for s in playlist.segments] == [
        (7, "https://cdn.example/a/one.ts"),
        (8, "https://cdn.example/two.ts?x=1"),
    ]
    assert (playlist.ended, playlist.target) == (True, 4.0)


def test_ranges_go_on_where_the_last_one_ended() -> None:
    text = (
        '#EXTM3U\n#EXT-X-MAP:URI="v.mp4",BYTERANGE="100@0"\n#EXT-X-BYTERANGE:50@100\nv.mp4\n#EXT-X-BYTERANGE:60\nv.mp4\n'
        "#EXT-X-BYTERANGE:5\nother.mp4\n"
    )
    playlist = parse_playlist(text, BASE)
    assert playlist is not None
    assert [(s.initial, s.span) for s in playlist.segments] == [
        (True, (0, 100)),
        (False, (100, 50)),
        (False, (150, 60)),
        (False, (0, 5)),
    ]


def test_keys_gaps_and_other_encryption() -> None:
    text = (
        '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="k?a=1,2",IV=0x1\na.ts\n#EXT-X-KEY:METHOD=NONE\nb.ts\n'
        "#EXT-X-GAP\nc.ts\nd.ts\n"
    )
    playlist = parse_playlist(text, BASE)
    assert playlist is not None
    assert [(s.number, s.key) for s in playlist.segments] == [
        (0, "https://cdn.example/a/k?a=1,2"),
        (1, None),
        (3, None),
    ]
    assert (playlist.gaps, playlist.encrypted) == ((2,), None)
    sample = parse_playlist('#EXTM3U\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://x"\na.ts\n', BASE)
    assert sample is not None
    assert sample.encrypted == "SAMPLE-AES"


def test_variants_of_a_master_list() -> None:
    text = (
        '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=100\nlow.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=900,CODECS="a,b"\nhigh.m3u8\n'
    )
    playlist = parse_playlist(text, BASE)
    assert playlist is not None
    assert max(playlist.variants) == (900, "https://cdn.example/a/high.m3u8")
    assert playlist.segments == ()


@given(st.text(alphabet='#EXTM3U-KYMAPBRIN:=,@"\n0123456789abc./[', max_size=300) | st.text(max_size=200))
def test_any_text(text: str) -> None:
    for start in ("", "#EXTM3U\n"):
        playlist = parse_playlist(start + text, BASE)
        assert playlist is None or all(isinstance(segment, MediaSegment) for segment in playlist.segments)


def test_a_link_that_cannot_be_read_stays_in_its_place() -> None:
    """It is asked for like the others, which says what is wrong with it: a fragment is missing, and counted."""
    text = (
        '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="http://[key"\n#EXT-X-MAP:URI="//[map"\n'
        "#EXTINF:1,\nhttp://[x/1.ts\n#EXTINF:1,\n2.ts\n#EXT-X-ENDLIST\n"
    )
    playlist = parse_playlist(text, BASE)
    assert playlist is not None
    assert [(one.number, one.url, one.key) for one in playlist.segments] == [
        (0, "//[map", "http://[key"),
        (0, "http://[x/1.ts", "http://[key"),
        (1, "https://cdn.example/a/2.ts", "http://[key"),
    ]
    master = parse_playlist("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nhttp://[low\n", BASE)
    assert master is not None
    assert master.variants == ((1, "http://[low"),)


def test_fragments_of_dash_whose_links_cannot_be_read() -> None:
    item = {"fragment_base_url": "http://[base/", "fragments": [{"path": "1.m4s"}, {"url": "https://a.example/2"}]}
    assert [one.url for one in dash(item)] == ["1.m4s", "https://a.example/2"]
    item["fragment_base_url"] = "https://a.example/"
    item["fragments"] = [{"path": "//[x/1.m4s"}]
    assert [one.url for one in dash(item)] == ["//[x/1.m4s"]


NUMBERED = (
    "#EXT-X-MEDIA-SEQUENCE:{}",
    "#EXT-X-TARGETDURATION:{}",
    "#EXT-X-BYTERANGE:{}",
    "#EXT-X-STREAM-INF:BANDWIDTH={}",
)


@given(
    st.sampled_from(NUMBERED), st.text(alphabet="0123456789²٣①.-@", max_size=6) | st.sampled_from(["9" * 19, "9" * 5000])
)  # fmt: skip
def test_numbers_that_are_none(tag: str, number: str) -> None:
    """`str.isdigit` takes signs that `int` does not, and `int` takes no number of any length."""
    assert parse_playlist(f"#EXTM3U\n{tag.format(number)}\na.ts\n", BASE) is not None


def test_initial_parts_of_one_file_are_told_apart_by_their_ranges() -> None:
    """A live list whose second reading names another part of the same file."""
    asked: list[MediaSegment] = []

    async def fetch(segments: list[MediaSegment]) -> list[FetchedFile]:
        asked.extend(segments)
        return [FetchedFile(Outcome.CAPTURED, None) for _ in segments]

    download = SegmentedDownload(
        cast(Any, SimpleNamespace(config=SimpleNamespace(live_seconds=1.0))),
        cast(Any, None),
        "k",
        [],
        {},
        cast(Any, None),
    )
    download.fetch = fetch  # type: ignore[method-assign]
    stream, seen = SegmentedStream(), cast(set[tuple[int, bool, str]], set())
    for start, number in ((0, 1), (700, 2), (700, 2)):
        text = f'#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:{number}\n#EXT-X-MAP:URI="i.mp4",BYTERANGE="700@{start}"\n#EXTINF:4,\n{number}.m4s\n'
        playlist = parse_playlist(text, BASE)
        assert playlist is not None
        asyncio.run(download._take(playlist, stream, seen))
    assert [(one.initial, one.span) for one in asked] == [
        (True, (0, 700)),
        (False, None),
        (True, (700, 700)),
        (False, None),
    ]
