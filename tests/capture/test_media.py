"""Media of any site: encrypted and DASH streams, protocols of their own, errors of extractors in plain words, C2PA."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from archiver.cli.main import main
from archiver.demo.server import Answer, Asked, Platforms
from archiver.demo.youtube import YouTube
from archiver.export.assemble import listed
from archiver.home.home import Home
from archiver.tools.exiftool import ExifTool
from archiver.tools.probe import MediaProbe, read_c2pa
from archiver.tools.ytdlp_info import filtered, outcome_of, tracks
from archiver.tools.ytdlp_pool import ExtractorPool
from storage.assembly import payload
from storage.digest import sha256_hex
from storage.lines import read_lines
from tests.conftest import need
from tests.support import media_files

WHOLE = media_files.film(filling=random.Random(0).randbytes(20_600))

PARTS = [WHOLE[:5000], WHOLE[5000:10100], WHOLE[10100:15300], WHOLE[15300:]]
"""A film that arrives in four parts."""
KEY = bytes(range(16))


def encrypted(number: int, data: bytes) -> bytes:
    fill = 16 - len(data) % 16
    undo = Cipher(AES(KEY), CBC(number.to_bytes(16, "big"))).encryptor()
    return undo.update(data + bytes([fill]) * fill) + undo.finalize()


class Site:
    """A video host: a watch page of YouTube's shape leads to it; the extractor's answer is made up by the test."""

    def __init__(self) -> None:
        self.key = KEY
        self.missing: set[str] = set()

    def __call__(self, asked: Asked) -> Answer:
        name = asked.path.rpartition("/")[2]
        if name in self.missing:
            return Answer(404, "text/plain", b"")
        if name == "aes.m3u8":
            lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:2", '#EXT-X-KEY:METHOD=AES-128,URI="key.bin"']
            lines += [line for n in range(4) for line in ("#EXTINF:2,", f"{n}.enc")]
            return Answer(
                content_type="application/vnd.apple.mpegurl", body="\n".join([*lines, "#EXT-X-ENDLIST"]).encode()
            )
        if name == "key.bin":
            return Answer(content_type="application/octet-stream", body=self.key)
        if name.endswith(".enc"):
            return Answer(content_type="video/mp2t", body=encrypted(int(name[0]), PARTS[int(name[0])]))
        if name.endswith(".m4s"):
            return Answer(content_type="video/mp4", body=PARTS[int(name[0])])
        if name == "list.mpd":
            return Answer(content_type="application/dash+xml", body=b"<MPD/>")
        return Answer(404, "text/plain", b"")


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def served(tmp_path: Path, site: Site) -> Iterator[Platforms]:
    from archiver.demo.scene import START
    from archiver.demo.youtube_model import Video

    youtube = YouTube([Video("MadeUpVideo", "made up", "", START, 8)], b"\x89PNG small")
    made = Platforms(tmp_path / "certificates", {**youtube.sites(), "cdn.example": site})
    yield made
    made.stop()


Answers = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture
def extractor(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answers], None]:
    def install(answer: Answers) -> None:
        async def run(self: ExtractorPool, job: dict[str, Any], timeout: float) -> dict[str, Any]:
            return answer(job)

        monkeypatch.setattr(ExtractorPool, "run", run)

    return install


def info(**given: Any) -> dict[str, Any]:
    value = {"id": "MadeUpVideo", "ext": "mp4", "format_id": "0", "extractor_key": "MadeUp", "vcodec": "avc1", **given}
    return {"info": value, "whole": value, "warnings": []}


def capture(home: Home, served: Platforms) -> tuple[int, dict[str, Any], Path]:
    code = main(["capture", "https://youtu.be/MadeUpVideo", "--home", str(home.path)], served.network, {})
    folder = home.path / home.catalog.captures()[-1]["folder"]
    ended = {line["key"]: line for line in read_lines(folder / "inventory.jsonl") if "outcome" in line}
    assert main(["check", "--home", str(home.path), "--quiet"], None, {}) == 0
    return code, next((end for key, end in ended.items() if " video " in key), ended["post MadeUpVideo #0"]), folder


def test_an_encrypted_stream_is_kept_both_ways(
    home: Home, served: Platforms, extractor: Callable[[Answers], None]
) -> None:
    extractor(lambda job: info(protocol="m3u8_native", url="https://cdn.example/v/aes.m3u8"))
    code, end, folder = capture(home, served)
    assert (code, end["outcome"]) == (0, "captured")
    [assembly] = listed(folder).assemblies.values()
    assert assembly.sha256 == sha256_hex(b"".join(encrypted(n, part) for n, part in enumerate(PARTS)))
    [line] = [
        line for line in read_lines(folder / "records.jsonl") if str(line["uri"]).startswith("urn:archiver:decrypted:")
    ]
    assert b"".join(payload(folder / line["file"], line["offset"], 0, 1 << 40)) == b"".join(PARTS)


def test_a_wrong_key_leaves_it_encrypted_and_says_so(
    home: Home, served: Platforms, site: Site, extractor: Callable[[Answers], None]
) -> None:
    site.key = b"too short"
    extractor(lambda job: info(protocol="m3u8_native", url="https://cdn.example/v/aes.m3u8"))
    code, end, folder = capture(home, served)
    assert (code, end["outcome"]) == (2, "partial")
    assert "kept encrypted" in end["reason"]
    assert len(listed(folder).assemblies) == 1


def test_dash_fragments(home: Home, served: Platforms, extractor: Callable[[Answers], None]) -> None:
    fragments = [{"path": f"{n}.m4s"} for n in range(4)]
    extractor(lambda job: info(
        protocol="http_dash_segments", url="https://cdn.example/d/", fragment_base_url="https://cdn.example/d/", fragments=fragments
    ))  # fmt: skip
    code, end, folder = capture(home, served)
    assert (code, end["outcome"]) == (0, "captured")
    [assembly] = listed(folder).assemblies.values()
    assert (len(assembly.pieces), assembly.sha256) == (4, sha256_hex(b"".join(PARTS)))


def test_a_missing_dash_fragment(
    home: Home, served: Platforms, site: Site, extractor: Callable[[Answers], None]
) -> None:
    site.missing.add("2.m4s")
    fragments = [{"url": f"https://cdn.example/d/{n}.m4s"} for n in range(4)]
    extractor(lambda job: info(protocol="http_dash_segments", fragments=fragments))
    code, end, _ = capture(home, served)
    assert (code, end["outcome"]) == (2, "partial")
    assert "not found" in end["reason"]


def test_a_protocol_of_its_own_is_downloaded_by_yt_dlp_and_kept_as_a_resource(
    home: Home, served: Platforms, extractor: Callable[[Answers], None]
) -> None:
    def answer(job: dict[str, Any]) -> dict[str, Any]:
        if job["do"] == "download":
            assert job["format"] == "0"
            Path(job["folder"], "media.mp4").write_bytes(PARTS[0])
        return info(protocol="ism", url="https://cdn.example/v")

    extractor(answer)
    code, end, folder = capture(home, served)
    assert (code, end["outcome"]) == (0, "captured")
    [line] = [line for line in read_lines(folder / "records.jsonl") if line["id"] == end["record"]]
    assert (line["type"], line["payload_digest"]) == ("resource", f"sha256:{sha256_hex(PARTS[0])}")
    assert line["uri"] == "youtube-dl:00001:https://www.youtube.com/watch?v=MadeUpVideo"
    assert not list(home.path.glob("archiver-media-*")), "nothing is left beside the archive"


@pytest.mark.parametrize("protocol", ["rtmp", "rtmpe", "rtsp", "mms", "websocket_frag", "ftp", "no such protocol", ""])
def test_a_protocol_that_cannot_be_recorded_is_refused_with_a_reason(
    protocol: str, home: Home, served: Platforms, extractor: Callable[[Answers], None]
) -> None:
    asked: list[str] = []

    def answer(job: dict[str, Any]) -> dict[str, Any]:
        asked.append(job["do"])
        return info(protocol=protocol, url=f"{protocol}://10.0.0.5/live")

    extractor(answer)
    code, end, _ = capture(home, served)
    assert (code, end["outcome"]) == (2, "failed")
    assert end["reason"] == f"{protocol or 'no protocol'}: not one that can be recorded; nothing was asked"
    assert "download" not in asked


def test_an_extractor_that_finds_nothing(home: Home, served: Platforms, extractor: Callable[[Answers], None]) -> None:
    extractor(lambda job: info(url=None))
    code, end, _ = capture(home, served)
    assert (code, end["outcome"], end["reason"]) == (2, "partial", "the extractor names no file")


@pytest.mark.parametrize(
    ("kind", "said", "outcome", "state"),
    [
        ("ExtractorError", "[youtube] x: Sign in to confirm you’re not a bot. Use --cookies", "blocked", "bot wall"),
        ("ExtractorError", "Private video. Sign in if you've been granted access", "refused", "private"),
        (
            "GeoRestrictedError",
            "The uploader has not made this video available in your country",
            "refused",
            "geo-blocked",
        ),
        (
            "ExtractorError",
            "Unable to download JSON metadata: HTTP Error 429: Too Many Requests",
            "blocked",
            "rate limit",
        ),
        ("ExtractorError", "HTTP Error 404: Not Found", "unavailable", "not found"),
        ("UnsupportedError", "Unsupported URL: https://x", "skipped", "no extractor"),
        ("ExtractorError", "This video is DRM protected", "refused", "DRM"),
        (
            "ExtractorError",
            "Video unavailable. This video has been removed by the uploader",
            "unavailable",
            "removed by the uploader",
        ),
        ("KeyError", "'formats'", "failed", "the extractor failed: KeyError"),
    ],
)
def test_errors_of_extractors_in_plain_words(kind: str, said: str, outcome: str, state: str) -> None:
    found, reason = outcome_of({"kind": kind, "said": said})
    assert (str(found), state in reason) == (outcome, True), reason
    assert "Use --" not in reason


def test_which_captions_are_part_of_the_post() -> None:
    track = [{"ext": "json3", "url": "https://a/1"}, {"ext": "vtt", "url": "https://a/2"}]
    offered = {
        "subtitles": {
            "ru": track,
            "live_chat": [{"ext": "json", "url": "https://a/chat"}],
            "kk": [{"ext": "xyz", "url": "x"}],
        },
        "automatic_captions": {"ru-orig": track, "ru": track, "en": track, "fr": track},
        "language": "ru",
    }
    assert [(lang, automatic, item["ext"]) for lang, automatic, item in tracks(offered)] == [
        ("ru", False, "vtt"),
        ("ru", True, "vtt"),
    ]


def test_a_filtered_description_has_only_what_is_allowed() -> None:
    whole = {
        "id": "a", "title": "t", "cookies": "SID=secret", "http_headers": {"Cookie": "secret"}, "url": "https://a/?ip=203.0.113.7",
        "formats": [{"format_id": "1", "url": "https://a/?sig=secret", "cookies": "secret", "tbr": 1.5}],
        "thumbnails": [{"url": "https://a/?secret"}], "_filename": "/home/me/secret", "entries": [{"id": "b", "url": "secret"}],
    }  # fmt: skip
    text = json.dumps(filtered(whole))
    assert "secret" not in text
    assert "203.0.113.7" not in text
    assert json.loads(text)["formats"] == [{"format_id": "1", "tbr": "1.5", "note": None}]
    assert filtered("nothing") == {}


def test_that_content_credentials_are_there_is_said_without_a_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archiver.tools.probe.find_spec", lambda name: None)
    path = tmp_path / "a.jpg"
    path.write_bytes(b"jumb c2pa")
    assert MediaProbe().facts(path, True)["c2pa"] == {
        "present": True,
        "read": None,
        "reason": "no C2PA reader is installed",
    }
    assert "c2pa" not in MediaProbe().facts(path, False)


def test_the_c2pa_reader_is_a_process_without_a_network(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"\xff\xd8\xff\xe0 no credentials c2pa")
    found = read_c2pa(path)
    assert "error" in found


def test_one_exiftool_reads_many_files(tmp_path: Path) -> None:
    need("exiftool")
    from archiver.demo.media import picture

    tool = ExifTool()
    try:
        for width in (10, 20, 30):
            path = tmp_path / f"{width}.png"
            path.write_bytes(picture(width, 5))
            [found] = tool.read(path)
            assert found["File:ImageWidth" if "File:ImageWidth" in found else "PNG:ImageWidth"] == width
            assert str(tmp_path) not in json.dumps(found)
        first = tool._process
        (tmp_path / "none.mp4").write_bytes(b"no film")
        tool.read(tmp_path / "none.mp4")
        assert tool._process is first, "the same process throughout"
        assert first is not None
        first.kill()
        first.wait()
        [found] = tool.read(path)
        assert found["PNG:ImageHeight"] == 5, "a process that died is replaced"
    finally:
        tool.close()
