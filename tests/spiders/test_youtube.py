"""YouTube through the real commands: yt-dlp's own extractor, unmodified, against the miniature under real host names."""

from __future__ import annotations

import gzip
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pyrage
import pytest

from archiver.demo.server import Answer
from archiver.export.assemble import listed, scan, write
from archiver.home.home import Home
from storage.digest import file_sha256, sha256_hex
from tests.conftest import Shell, World, need, plain_home
from tests.support.captures import ended, everything, folder_of, posts, records
from tests.support.cheap_children import javascript_runtime
from tests.support.commands import Commands

VIDEO = "https://www.youtube.com/watch?v=Zh5janSq001"
STREAM = "https://www.youtube.com/watch?v=StreamOver1"


class Taken(Commands):
    """A home in which a link was captured with everything, how that ended, and what was asked for meanwhile."""

    def __init__(self, home: Path, world: World, *words: str) -> None:
        super().__init__(home, world.network)
        world.served.log.clear()
        self.code, [self.result] = self.json("capture", *words)
        self.asked = list(world.served.log)


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory, world: World) -> Taken:
    """The video, its parts merged: made once, since yt-dlp starts for each command."""
    need("ffmpeg")
    return Taken(plain_home(tmp_path_factory.mktemp("taken") / "home").path, world, VIDEO, "--comments", "--merge")


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory, world: World) -> Taken:
    return Taken(plain_home(tmp_path_factory.mktemp("stream") / "home").path, world, STREAM, "--comments")


@pytest.mark.parametrize(
    "link",
    [
        "https://youtu.be/Zh5janSq001?si=abc&t=3",
        "https://www.youtube.com/shorts/Zh5janSq001",
        "https://m.youtube.com/watch?v=Zh5janSq001&list=PLx&index=2&utm_source=x",
    ],
)
def test_links_of_one_video(shell: Shell, link: str) -> None:
    code, [result] = shell.json("capture", link, "--no-media")
    assert (code, result["target"], result["url"]) == (0, "youtube:video:Zh5janSq001", VIDEO)


def test_a_video_with_everything(taken: Taken) -> None:
    shell, result = taken, taken.result
    assert (taken.code, result["outcome"], result["reason"]) == (0, "captured", None)
    found = posts(shell, result)
    video = found["Zh5janSq001"]
    assert (video["title"], video["author_name"], video["author_handle"]) == (
        "Жаңаөзен, 5 января: площадь",
        "Өзен бүгін",
        "ozen_today",
    )
    # The page states 04:00 with Pacific time's offset; the noon in UTC is what was published.
    assert video["published_at"] == "2022-01-05T12:00:00Z"
    assert video["published"]["literal"] == "2022-01-05T04:00:00-08:00"
    assert (video["duration"], video["views"], video["likes"]) == (4.0, 1312, 77)
    ends = ended(shell, result)
    assert {key: end["outcome"] for key, end in ends.items() if "#0 " in key} == {
        "post Zh5janSq001 #0 Zh5janSq001 video 134": "captured",
        "post Zh5janSq001 #0 Zh5janSq001 audio 140": "captured",
        "post Zh5janSq001 #0 Zh5janSq001 captions ru": "captured",
        "post Zh5janSq001 #0 Zh5janSq001 captions kk automatic": "captured",
        "post Zh5janSq001 #0 Zh5janSq001 merged": "captured",
    }
    assert shell("check")[0] == 0


def test_the_warc_alone_gives_back_what_was_served(taken: Taken, world: World, tmp_path: Path) -> None:
    shell, result = taken, taken.result
    warcs = tmp_path / "only"
    warcs.mkdir()
    for path in folder_of(shell, result).glob("*.warc.gz"):
        shutil.copy(path, warcs)
    code, out, _ = shell("assemble", *(str(path) for path in warcs.iterdir()), "--to", str(tmp_path / "out"))
    assert code == 0
    assert out.count("intact") == 2
    served = {f"Zh5janSq001.f{item.itag}": item.body for item in world.youtube.videos["Zh5janSq001"].formats}
    made = {path.name.rpartition(".")[0]: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert made == {name: served[name] for name in ("Zh5janSq001.f134", "Zh5janSq001.f140")}


def test_it_is_what_yt_dlp_itself_downloads(taken: Taken, shell: Shell, tmp_path: Path) -> None:
    """The same file by yt-dlp's own downloader, recorded by `archiver record`, for comparison."""
    out = tmp_path / "by-yt-dlp.%(ext)s"
    code, _, _ = shell(
        "record", "--about", VIDEO, "--", sys.executable, "-m", "yt_dlp", "-q", "--compat-options", "no-certifi",
        "-f", "134", "-o", str(out), VIDEO,
    )  # fmt: skip
    assert code == 2, "recorded, and read by nobody"
    found = listed(folder_of(taken, taken.result))
    [assembly] = [item for item in found.assemblies.values() if item.name.endswith("f134.mp4")]
    assert sha256_hex((tmp_path / "by-yt-dlp.mp4").read_bytes()) == assembly.sha256


def test_ranges_as_the_site_wants_them(shell: Shell, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten megabytes at a time; each range is a record, the file an assembly of them."""
    video = world.youtube.videos["Zh5janSq001"]
    large = video.formats[0]
    monkeypatch.setattr(large, "repeat", 11_000_000 // len(large.body) + 1)
    _, [result] = shell.json("capture", VIDEO)
    asked = [asked.headers.get("range") for asked in world.served.log if asked.query.get("itag") == "134"]
    assert asked == ["bytes=0-10485759", "bytes=10485760-20971519"]
    found = listed(folder_of(shell, result))
    [assembly] = [item for item in found.assemblies.values() if item.name.endswith("f134.mp4")]
    assert (assembly.size, len(assembly.pieces)) == (large.size, 2)
    assert assembly.sha256 == sha256_hex(large.body * large.repeat)
    assert shell("check")[0] == 0


def test_comments_replies_pins_and_edits(taken: Taken) -> None:
    found = {key: line for key, line in posts(taken, taken.result).items() if line.get("kind") == "comment"}
    assert set(found) == {
        "UgzDemo1AaABAg", "UgzDemo2AaABAg", "UgzDemo3AaABAg",
        "UgzDemo2AaABAg.9aA", "UgzDemo2AaABAg.9aB", "UgzDemo2AaABAg.9aC",
    }  # fmt: skip
    first, reply = found["UgzDemo1AaABAg"], found["UgzDemo2AaABAg.9aB"]
    assert (first["pinned"], first["is_creator"], first["edited"], first["likes"]) == (True, True, True, 41)
    assert (first["published_at"], first["published"]["literal"]) == (None, "4 years ago (edited)")
    assert first["published"]["earliest"] < first["published"]["latest"]
    assert (reply["reply_to"], reply["is_creator"]) == ("UgzDemo2AaABAg", True)


def test_the_chat_of_a_stream_that_is_over(stream: Taken) -> None:
    said = [line for line in posts(stream, stream.result).values() if line.get("kind") == "chat"]
    assert [line["text"] for line in said] == ["Где это?", "Жаңаөзен", "what city?", "держитесь", "🙏"]
    assert [line["video_offset"] for line in said] == [0.0, 0.9, 1.8, 2.7, 3.6]
    assert said[0]["published_at"] == "2022-01-05T13:00:00Z"


def test_a_stream_in_fragments(stream: Taken, world: World, tmp_path: Path) -> None:
    shell, result = stream, stream.result
    found = listed(folder_of(shell, result))
    [assembly] = found.assemblies.values()
    assert len(assembly.pieces) == 6
    assert write(assembly, found.places, tmp_path / "stream.ts")
    assert (tmp_path / "stream.ts").read_bytes() == b"".join(world.youtube.videos["StreamOver1"].segments)
    ids = {line["id"]: line for line in records(shell, result)}
    assert "mpegurl" in ids[assembly.about["manifest"]]["content_type"], "the playlist is tied to the file"


def test_a_missing_fragment_makes_it_partial(shell: Shell, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        world.youtube,
        "on_media",
        lambda asked: Answer(404, "text/plain", b"") if asked.path.endswith("/3.ts") else None,
    )
    code, [result] = shell.json("capture", "https://youtu.be/StreamOver1")
    assert (code, result["outcome"]) == (2, "partial")
    end = next(end for key, end in ended(shell, result).items() if "video 93" in key)
    assert (end["outcome"], "not found" in end["reason"]) == ("partial", True)
    [assembly] = listed(folder_of(shell, result)).assemblies.values()
    assert (len(assembly.pieces), assembly.about["outcome"]) == (5, "partial")


def test_a_live_stream_until_it_ends(shell: Shell, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    video = world.youtube.videos["StreamOver1"]
    for name, value in (("live", True), ("shown", 2), ("ended", False), ("chat", [])):
        monkeypatch.setattr(video, name, value)
    code, [result] = shell.json("capture", "https://youtu.be/StreamOver1")
    assert (code, result["outcome"]) == (0, "captured")
    [assembly] = listed(folder_of(shell, result)).assemblies.values()
    assert assembly.sha256 == sha256_hex(b"".join(video.segments))
    assert posts(shell, result)["StreamOver1"]["kind"] == "live"


def test_a_live_stream_stops_at_the_limit(shell: Shell, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    video = world.youtube.videos["StreamOver1"]
    for name, value in (("live", True), ("shown", None), ("ended", False), ("chat", [])):
        monkeypatch.setattr(video, name, value)
    path = shell.home / "archiver.toml"
    path.write_text(path.read_text().replace("live_minutes = 60", "live_minutes = 0.01"))
    code, [result] = shell.json("capture", "https://youtu.be/StreamOver1")
    assert (code, result["outcome"]) == (2, "partial")
    assert "stopped at the limit of 0.01 minutes" in str(ended(shell, result))
    assert len(listed(folder_of(shell, result)).assemblies) == 1


def test_ctrl_c_keeps_what_a_live_stream_has_brought(
    shell: Shell, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The person stops the recording: the fragments so far are put together, the capture is partial."""
    from archiver.capture.context import CaptureContext
    from archiver.capture.engine import CaptureEngine

    video = world.youtube.videos["StreamOver1"]
    for name, value in (("live", True), ("shown", None), ("ended", False), ("chat", [])):
        monkeypatch.setattr(video, name, value)
    made: list[CaptureEngine] = []
    init, original = CaptureEngine.__init__, CaptureContext.pause

    def remember(self: CaptureEngine, *arguments: Any, **named: Any) -> None:
        init(self, *arguments, **named)
        made.append(self)

    async def pressed(self: CaptureContext, seconds: float) -> None:
        made[-1].interrupt()
        await original(self, seconds)

    monkeypatch.setattr(CaptureEngine, "__init__", remember)
    monkeypatch.setattr(CaptureContext, "pause", pressed)
    code, [result] = shell.json("capture", "https://youtu.be/StreamOver1")
    assert (code, result["outcome"], result["reason"]) == (2, "partial", "interrupted by the person")
    [assembly] = listed(folder_of(shell, result)).assemblies.values()
    assert len(assembly.pieces) == 4, "the playlist named the last four"
    assert "stopped by the person" in str(assembly.about["reason"])
    assert shell("check")[0] == 0


@pytest.mark.parametrize(
    ("videos", "code"),
    [
        ({"B0tWa11Vid0": ("blocked", "bot wall")}, 4),
        (
            {
                "Pr1vateVid0": ("refused", "private: This video is private"),
                "AgeGateVid0": ("refused", "age-restricted"),
                "GeoB1ockVd0": ("refused", "geo-blocked"),
                "MembersVid0": ("refused", "members only"),
                "Nowhere0000": ("unavailable", "unavailable"),
            },
            3,
        ),
        ({"UpcomingVd0": ("partial", "upcoming")}, 2),
    ],
    ids=["a wall", "refused or gone", "upcoming"],
)
def test_videos_that_cannot_be_had(shell: Shell, videos: dict[str, tuple[str, str]], code: int) -> None:
    found, results = shell.json("capture", *(f"https://youtu.be/{video}" for video in videos))
    assert found == code
    ended_as = {str(result["target"]).rpartition(":")[2]: result for result in results}
    assert {video: result["outcome"] for video, result in ended_as.items()} == {
        video: outcome for video, (outcome, _) in videos.items()
    }
    for video, (_, said) in videos.items():
        assert said in str(ended_as[video]["reason"])
        assert "deleted" not in str(ended_as[video]["reason"])
    assert shell("check")[0] == 0
    if "UpcomingVd0" in videos:
        assert posts(shell, results[0])["UpcomingVd0"]["scheduled"]["value"] == "2022-01-07T09:00:00Z"


def test_a_wall_on_the_page_does_not_stop_the_extractor(
    shell: Shell, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page shows a captcha; YouTube's API still answers yt-dlp: video and description are kept."""
    monkeypatch.setattr(world.youtube, "page_only_wall", True)
    code, [result] = shell.json("capture", VIDEO)
    assert (code, result["outcome"]) == (4, "blocked")
    assert [end["outcome"] for key, end in ended(shell, result).items() if key.startswith("video Zh5")][:2] == [
        "captured"
    ] * 2
    assert posts(shell, result)["Zh5janSq001"]["layout"] == "info.json"


def test_what_yt_dlp_asks_is_recorded_and_nothing_else_is_reached(taken: Taken) -> None:
    shell, result = taken, taken.result
    asked = {(asked.host, asked.path) for asked in taken.asked}
    kept = {line["uri"].partition("?")[0] for line in records(shell, result) if line["type"] == "response"}
    assert {f"https://{host}{path}" for host, path in asked} == kept
    assert any(path == "/youtubei/v1/player" for _, path in asked)
    manifest = json.loads((folder_of(shell, result) / "manifest.json").read_bytes())
    assert manifest["media"]["extractor"].startswith("yt-dlp 20")
    assert manifest["media"]["options"]["format"].endswith("/bv*+ba/b")
    assert manifest["media"]["fences"][-1] == "audit hook"
    assert "js_runtime" in manifest["media"]


def test_the_full_description_is_only_in_the_private_record(taken: Taken) -> None:
    shell, result = taken, taken.result
    folder = folder_of(shell, result)
    [record] = [line for line in records(shell, result) if str(line["uri"]).startswith("youtube-dl:")]
    assert record["type"] == "metadata"
    block = next(
        part for path in folder.glob("*.gz") for part in gzip.decompress(path.read_bytes()).split(b"WARC/1.1\r\n")
        if b"youtube-dl:https" in part[:600]
    )  # fmt: skip
    shown = json.loads(block.partition(b"\r\n\r\n")[2].strip())
    assert shown["id"] == "Zh5janSq001"
    text = json.dumps(shown)
    assert "203.0.113.7" not in text
    assert "signature" not in text
    assert "http_headers" not in text
    key = (shell.home / "keys" / "cases" / "inbox.age-key").read_text().splitlines()[-1]
    opened = json.loads(pyrage.decrypt((folder / "private.age").read_bytes(), [pyrage.x25519.Identity.from_str(key)]))
    assert [value["name"] for value in opened["values"]].count("info.json") == 1


def test_an_extractor_that_breaks_down_is_our_failure(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    from archiver.tools.ytdlp_pool import ExtractorDied, ExtractorPool

    async def dies(self: ExtractorPool, job: dict[str, Any], timeout: float) -> dict[str, Any]:
        raise ExtractorDied("MemoryError")

    monkeypatch.setattr(ExtractorPool, "run", dies)
    code, [result] = shell.json("capture", VIDEO)
    assert (code, result["outcome"]) == (2, "partial")
    assert ended(shell, result)["post Zh5janSq001 #0"] | {"salt": ""} == {
        "salt": "", "key": "post Zh5janSq001 #0", "kind": "media", "outcome": "failed",
        "reason": "the extractor failed: MemoryError",
    }  # fmt: skip


@pytest.mark.usefixtures("real_children")
def test_the_manifest_names_the_javascript_runtime(shell: Shell) -> None:
    deno = Path(javascript_runtime())
    _, [result] = shell.json("capture", VIDEO)
    manifest = json.loads((folder_of(shell, result) / "manifest.json").read_bytes())
    named = manifest["programs"]["deno"]
    assert manifest["media"]["js_runtime"] == f"deno {named['version']}"
    assert named["sha256"] == file_sha256(deno.resolve()).hexdigest()


def test_a_killed_worker_is_replaced(world: World) -> None:
    import asyncio

    from archiver.recorder.proxy import Recorder
    from archiver.tools.ytdlp_pool import ExtractorDied, ExtractorPool

    async def run() -> None:
        recorder = Recorder(network=world.network)
        pool = ExtractorPool(recorder.authority.pem, 1)
        job = {"do": "claims", "url": VIDEO, "proxy": "http://127.0.0.1:9"}
        assert (await pool.run(job, 60))["claims"] == "Youtube"
        [worker] = pool._all
        worker.process.kill()
        with pytest.raises(ExtractorDied):
            await pool.run(job, 60)
        assert (await pool.run(job, 60))["claims"] == "Youtube"
        with pytest.raises(TimeoutError):
            await pool.run({**job, "do": "extract", "url": "https://www.youtube.com/watch?v=aaaaaaaaaaa"}, 0.0)
        await pool.close()
        recorder.close()

    asyncio.run(run())


def test_the_merge_is_a_conversion_that_names_how(taken: Taken) -> None:
    shell, result = taken, taken.result
    [merged] = [line for line in records(shell, result) if line["type"] == "conversion"]
    assert merged["content_type"] == "video/mp4"
    assert merged["tool"].startswith("ffmpeg version")
    assert merged["arguments"][-3:] == ["copy", "-bitexact", "merged.mp4"]
    assert [item["name"] for item in merged["inputs"]] == ["Zh5janSq001.f134.mp4", "Zh5janSq001.f140.m4a"]
    assert shell("check")[0] == 0


def test_without_ffmpeg_the_parts_are_kept_and_the_merge_says_why(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archiver.tools.ffmpeg.program", lambda name: None)
    code, [result] = shell.json("capture", VIDEO, "--merge")
    assert (code, result["outcome"]) == (2, "partial")
    ends = ended(shell, result)
    assert ends["post Zh5janSq001 #0 Zh5janSq001 video 134"]["outcome"] == "captured"
    assert "ffmpeg" in ends["post Zh5janSq001 #0 Zh5janSq001 merged"]["reason"]


def test_what_ffprobe_says_is_a_record_about_the_file(taken: Taken) -> None:
    need("ffprobe")
    shell, result = taken, taken.result
    end = ended(shell, result)["post Zh5janSq001 #0 Zh5janSq001 video 134"]
    found = scan(sorted(folder_of(shell, result).glob("*.warc.gz")))
    assert end["probe"] in found.places
    text = everything(folder_of(shell, result))
    start = text.index(b'{\n "format": "archiver-probe/1"')
    facts = json.JSONDecoder().raw_decode(text[start:].decode("utf-8", "replace"))[0]
    assert facts["ffprobe"]["streams"][0]["codec_name"] in ("h264", "aac")
    assert "filename" not in json.dumps(facts)


def test_caption_tracks_are_posts_that_can_be_searched(taken: Taken) -> None:
    shell, result = taken, taken.result
    tracks = [line for line in posts(shell, result).values() if line.get("kind") == "captions"]
    assert {(line["lang"], line["automatic"]) for line in tracks} == {("ru", False), ("kk", True)}
    assert "Уходите с площади!" in shell("find", "уходите")[1]


def test_expired_cookies_are_said_by_the_platform(shell: Shell, world: World, tmp_path: Path) -> None:
    jar = shell.home / "cookies.txt"
    secret = "sessionid-value-that-nobody-may-see"
    jar.write_text(f"# Netscape HTTP Cookie File\n.youtube.com\tTRUE\t/\tTRUE\t0\tSID\t{secret}\n")
    path = shell.home / "archiver.toml"
    path.write_text(path.read_text().replace('cookies = ""', f'cookies = "{jar}"'))
    _, [result] = shell.json("capture", VIDEO)
    sent = [asked for asked in world.served.log if secret in asked.headers.get("cookie", "")]
    assert sent, "the extractor is logged in"
    assert secret.encode() not in everything(folder_of(shell, result))
    assert jar.read_text().count(secret) == 1


def test_a_home_of_an_earlier_release_goes_on(home: Home, shell: Shell) -> None:
    """The state's second version is made of the first."""
    import sqlite3

    home.state.close()
    for path in home.path.glob("state.sqlite*"):
        path.unlink()
    connection = sqlite3.connect(home.path / "state.sqlite")
    script = (Path(__file__).parents[2] / "storage" / "sql" / "state_001.sql").read_text()
    connection.executescript(f"{script}\nPRAGMA user_version=1;")
    connection.close()
    assert shell.json("capture", VIDEO)[0] == 0
