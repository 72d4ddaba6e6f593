"""A link that leads to a file itself: it is whole only as what its server calls it, and a stream's manifest is followed."""

from __future__ import annotations

import pytest

from archiver.demo import media
from archiver.demo.server import Answer
from tests.conftest import Shell, World, need
from tests.support.captures import ended

SITE = "news.ozen.example"
WALL = b"<!DOCTYPE html><html><head><title>Log in</title></head><body>Log in to watch</body></html>"
PICTURE = media.picture(64, 48)


def given(world: World, name: str, kind: str, body: bytes) -> str:
    world.others.answers[f"{SITE}/given/{name}"] = Answer(content_type=kind, body=body)
    return f"https://{SITE}/given/{name}"


@pytest.mark.usefixtures("no_browser")
@pytest.mark.parametrize(
    ("name", "kind", "body", "reason"),
    [
        ("balcony.mp4", "video/mp4", WALL, "an HTML page came in place of the video (asked twice)"),
        ("list", "application/pdf", WALL, "an HTML page came in place of the document (asked twice)"),
        ("square.png", "image/png", PICTURE[:-30], "the photo is damaged: "),
    ],
)
def test_what_is_no_such_file_is_partial(
    shell: Shell, world: World, name: str, kind: str, body: bytes, reason: str
) -> None:
    link = given(world, name, kind, body)
    code, [result] = shell.json("capture", link)
    assert (code, result["outcome"]) == (2, "partial")
    assert str(result["reason"]).startswith(reason)
    assert [asked.path for asked in world.served.log].count(f"/given/{name}") == 2
    assert shell("check", "--quiet")[0] == 0


@pytest.mark.usefixtures("no_browser")
@pytest.mark.parametrize(
    ("name", "kind", "body"),
    [
        ("square.png", "image/png", PICTURE),
        ("square.jpg", "image/jpeg", PICTURE),
        ("raw.cr2", "image/x-canon-cr2", b"II*\0" + bytes(range(200))),
        ("plan.svg", "image/svg+xml", b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path d="M0 0h9"/></svg>'),
        ("data.bin", "application/octet-stream", bytes(range(256))),
        ("list.pdf", "application/pdf", b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"),
    ],
)  # fmt: skip
def test_a_file_is_whole_and_fetched_once(shell: Shell, world: World, name: str, kind: str, body: bytes) -> None:
    link = given(world, name, kind, body)
    code, [result] = shell.json("capture", link)
    assert (code, result["outcome"], result["reason"]) == (0, "captured", None)
    assert [asked.path for asked in world.served.log] == [f"/given/{name}"]
    assert ended(shell, result)["file"]["record"] == ended(shell, result)["page"]["record"]


@pytest.mark.usefixtures("no_browser")
def test_a_film_is_opened(shell: Shell) -> None:
    need("ffprobe")
    code, [result] = shell.json("capture", f"https://{SITE}/hospital.mp4")
    assert (code, result["outcome"], result["kept"]["video"]) == (0, "captured", 1)
    assert ended(shell, result)["file"]["proof"] == "proved"


@pytest.mark.usefixtures("no_browser")
def test_the_manifest_of_a_stream_is_followed(shell: Shell, world: World) -> None:
    need("ffmpeg")
    code, [result] = shell.json("capture", f"https://{SITE}/live/list.m3u8")
    assert (code, result["outcome"]) == (0, "captured")
    assert {"/live/0.ts", "/live/1.ts"} <= {asked.path for asked in world.served.log}
    world.others.answers[f"{SITE}/live/gone.m3u8"] = Answer(
        content_type="application/vnd.apple.mpegurl",
        body=b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1.0,\nnone.ts\n#EXT-X-ENDLIST\n",
    )
    code, [result] = shell.json("capture", f"https://{SITE}/live/gone.m3u8")
    assert (code, result["outcome"]) == (2, "partial")
