"""What a file is, whether it is whole, and whether it is what was stated. Inputs are made here."""

from __future__ import annotations

import io
import json
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.demo.media import picture
from archiver.tools.media import containers
from archiver.tools.media.judgement import Judgement, Stated, Verdict, at_a_glance, by_name, judged, probe_facts
from archiver.tools.media.kinds import Ends, media_type, named
from tests.conftest import need
from tests.support import media_files


def box(name: bytes, content: bytes = b"") -> bytes:
    return (8 + len(content)).to_bytes(4, "big") + name + content


def brands(*names: bytes) -> bytes:
    return box(b"ftyp", names[0] + bytes(4) + b"".join(names[1:]))


def packed(*names: str, first: bytes = b"") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as to:
        if first:
            to.writestr("mimetype", first)
        for name in names:
            to.writestr(name, "x" * 70_000)
    return out.getvalue()


def ebml(kind: bytes, size: int | None, content: bytes) -> bytes:
    head = b"\x42\x82" + bytes([0x80 | len(kind)]) + kind
    length = b"\x01\xff\xff\xff\xff\xff\xff\xff" if size is None else b"\x01" + size.to_bytes(7, "big")
    return b"\x1a\x45\xdf\xa3" + bytes([0x80 | len(head)]) + head + b"\x18\x53\x80\x67" + length + content


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000)
TS = b"".join(b"\x47" + bytes([n]) * 187 for n in range(12))
KINDS: list[tuple[bytes, str]] = [
    (picture(8, 8), "image/png"),
    (b"\xff\xd8\xff\xe0", "image/jpeg"),
    (brands(b"heic", b"mif1", b"heic"), "image/heic"),
    (brands(b"mif1", b"mif1", b"heic"), "image/heic"),
    (brands(b"avif", b"mif1", b"miaf"), "image/avif"),
    (brands(b"avis", b"avif"), "image/avif-sequence"),
    (brands(b"mif1"), "image/heif"),
    (brands(b"M4A ", b"isom", b"iso2"), "audio/mp4"),
    (brands(b"qt  "), "video/quicktime"),
    (box(b"wide") + box(b"mdat"), "video/quicktime"),
    (brands(b"3gp4"), "video/3gpp"),
    (brands(b"isom", b"iso2", b"avc1", b"mp41"), "video/mp4"),
    (box(b"styp", b"msdh") + box(b"moof"), "video/mp4"),
    (media_files.film(), "video/vnd.avi"),
    (media_files.sound(), "audio/wav"),
    (b"RIFF\x10\0\0\0WEBPVP8X", "image/webp"),
    (TS, "video/mp2t"),
    (b"OggS" + bytes(24) + b"\x01\x13OpusHead", "audio/ogg"),
    (b"OggS" + bytes(24) + b"\x2a\x80theora", "video/ogg"),
    (ebml(b"webm", None, b""), "video/webm"),
    (ebml(b"matroska", 0, b""), "video/x-matroska"),
    (packed("[Content_Types].xml", "_rels/.rels", "word/document.xml"), "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    (packed("[Content_Types].xml", "xl/workbook.xml"), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (packed("content.xml", first=b"application/vnd.oasis.opendocument.text"), "application/vnd.oasis.opendocument.text"),
    (packed("a.txt"), "application/zip"),
    (OLE + "WordDocument".encode("utf-16-le"), "application/msword"),
    (OLE + "__properties_version1.0".encode("utf-16-le"), "application/vnd.ms-outlook"),
    (b"From me@example.org Wed Jan  5 12:40:00 2022\nSubject: x\n\nwords", "application/mbox"),
    (b"Received: from a\r\nFrom: b@example.org\r\nTo: c@example.org\r\n\r\nwords", "message/rfc822"),
    (b"  <!-- x -->\n<!DOCTYPE html><html>", "text/html"),
    ("\ufeff<html>".encode(), "text/html"),
    (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
    (b'{"error": 1}', "application/json"),
    (b"[12:40] Aigul: on the square", "text/plain; charset=utf-8"),
    (b"#EXTM3U\n#EXT-X-ENDLIST\n", "application/vnd.apple.mpegurl"),
    (b'<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011">', "application/dash+xml"),
    (b"ID3\x04", "audio/mpeg"),
    (b"\xff\xfb\x90\x00", "audio/mpeg"),
    (b"\xff\xf1\x50\x80", "audio/aac"),
    (b"#!AMR\n", "audio/amr"),
    (b"%PDF-1.7", "application/pdf"),
    ("Привет".encode() * 40_000, "text/plain; charset=utf-8"),
    ("привет".encode("cp1251") * 9, "application/octet-stream"),
    (b"\xff\xfe\x00", "application/octet-stream"),
    (bytes(4000), "application/octet-stream"),
    (b"", "application/octet-stream"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "kind"), KINDS, ids=[f"{kind} {n}" for n, (_, kind) in enumerate(KINDS)])
def test_types_by_their_bytes(data: bytes, kind: str) -> None:
    assert media_type(Ends.of(data)) == kind


WHOLE = [
    brands(b"isom") + box(b"moov", b"x" * 50) + box(b"mdat", b"x" * 400_000),
    brands(b"isom") + box(b"mdat", b"x" * 400_000) + box(b"moov", b"x" * 50),
    brands(b"avif") + box(b"meta", b"x" * 50) + box(b"mdat", b"x" * 50),
    media_files.film(3, b"x" * 300_000),
    media_files.sound(),
    ebml(b"webm", 500, bytes(500)),
    picture(),
    b"\xff\xd8\xff\xe0" + bytes(500) + b"\xff\xd9" + b"a film that the phone appended" * 9000,
    packed("word/document.xml"),
    b"%PDF-1.7\n" + bytes(500) + b"\n%%EOF\n",
]


@pytest.mark.parametrize("data", WHOLE, ids=[media_type(Ends.of(data)) + f" {n}" for n, data in enumerate(WHOLE)])
def test_a_file_that_is_cut_says_so(data: bytes) -> None:
    def lack(of: bytes) -> str | None:
        return containers.missing_part(media_type(Ends.of(of)), Ends.of(of), containers.reader(of))

    assert lack(data) is None
    where = data.index(b"\xff\xd9") if data[:2] == b"\xff\xd8" else len(data)
    assert lack(data[: where // 2])
    assert lack(data[: where - 2])


def test_what_is_not_at_hand_is_not_called_missing() -> None:
    data = WHOLE[1]
    ends = Ends.of(data)

    def read(start: int, length: int) -> bytes | None:
        return ends.head[start : start + length] if start + length <= len(ends.head) else None

    assert containers.missing_part("video/mp4", ends, read) is None


def ffprobe(duration: str | None = "9.0", *streams: dict[str, Any], form: str = "mov,mp4,m4a") -> Any:
    return {"streams": list(streams), "format": {"format_name": form, **({"duration": duration} if duration else {})}}


PICTURE, SOUND = {"codec_type": "video", "width": 1280, "height": 720}, {"codec_type": "audio"}
COVER = {"codec_type": "video", "disposition": {"attached_pic": 1}}
FILM = Judgement(Verdict.UNKNOWN, "video/mp4")


@pytest.mark.parametrize(
    ("stated", "said", "verdict", "reason"),
    [
        (Stated("video", 9.0, 1280, 720), ffprobe("9.0", PICTURE, SOUND), Verdict.PROVED, None),
        (Stated("video", 9.0, 720, 1280), ffprobe("8.2", PICTURE), Verdict.PROVED, None),
        (Stated("video", 9.0), ffprobe("1.0", PICTURE), Verdict.SHORT, "1 s long where 9 s are stated"),
        (Stated("video", 3600.0), ffprobe("3500.0", PICTURE), Verdict.PROVED, None),
        (Stated("video", 3600.0), ffprobe("3300.0", PICTURE), Verdict.SHORT, "3300 s long"),
        (Stated("video", 9.0), ffprobe(None, PICTURE), Verdict.UNKNOWN, "does not tell its length"),
        (Stated("video", 9.0), ffprobe("30.0", PICTURE), Verdict.PROVED, None),
        (Stated("video"), ffprobe("9.0", SOUND), Verdict.WRONG, "holds sound only"),
        (Stated("video"), ffprobe("9.0", SOUND, COVER), Verdict.WRONG, "holds sound only"),
        (Stated("audio"), ffprobe("9.0", SOUND, COVER), Verdict.PROVED, None),
        (Stated("audio", 90.0), ffprobe("9.0", SOUND, form="mp3"), Verdict.UNKNOWN, "could not be compared"),
        (Stated("video", None, 1920, 1080), ffprobe("9.0", PICTURE), Verdict.UNKNOWN, "1280×720 pixels where 1920×1080"),
        (Stated("video", None, 640, 360), ffprobe("9.0", {**PICTURE, "width": 1, "height": 1}), Verdict.WRONG, "a dot of 1×1"),
        (Stated("video"), {"error": "moov atom not found"}, Verdict.DAMAGED, "moov atom not found"),
        (Stated("video"), {"not_run": "timed out"}, Verdict.UNKNOWN, None),
        (Stated("video"), None, Verdict.UNKNOWN, None),
    ],
)  # fmt: skip
def test_what_a_probe_proves(stated: Stated, said: Any, verdict: Verdict, reason: str | None) -> None:
    made = judged(stated, FILM, probe_facts(said))
    assert made.verdict is verdict
    assert reason is None or reason in (made.reason or "")


@pytest.mark.parametrize(
    ("stated", "data", "verdict"),
    [
        (Stated("photo", None, 320, 200), picture(), Verdict.PROVED),
        (Stated("photo", None, 3200, 2000), picture(), Verdict.UNKNOWN),
        (Stated("photo", None, 320, 200), picture(1, 1), Verdict.WRONG),
        (Stated("photo"), picture()[:-9], Verdict.DAMAGED),
        (Stated("photo"), b"\xff\xd8\xff\xe0" + bytes(90), Verdict.DAMAGED),
        (Stated("photo"), media_files.film(), Verdict.WRONG),
        (Stated("gif"), media_files.film(), Verdict.UNKNOWN),
        (Stated("sticker"), b"\x1f\x8b\x08", Verdict.UNKNOWN),
        (Stated("sticker"), b"<html>", Verdict.WRONG),
        (Stated("voice"), b"<html>", Verdict.WRONG),
        (Stated("document", name="list.pdf"), b"<html>login", Verdict.WRONG),
        (Stated("document", name="page.html"), b"<html>login", Verdict.UNKNOWN),
        (Stated("document", media_type="video/mp4"), picture(), Verdict.WRONG),
        (Stated("document"), b"", Verdict.WRONG),
        (Stated("document"), picture(), Verdict.UNKNOWN),
    ],
)  # fmt: skip
def test_what_the_bytes_alone_prove(stated: Stated, data: bytes, verdict: Verdict) -> None:
    made = at_a_glance(stated, Ends.of(data), containers.reader(data))
    assert made.verdict is verdict
    assert made.bad is (verdict in (Verdict.WRONG, Verdict.DAMAGED))
    assert made.reason is None or stated.word in made.reason or not made.bad


def test_films_are_never_proved_without_a_tool() -> None:
    for data, kind in KINDS:
        made = at_a_glance(Stated("video"), Ends.of(data), containers.reader(data))
        assert made.verdict is not Verdict.PROVED, kind


@given(
    st.binary(max_size=600),
    st.sampled_from([b"", *(data[:40] for data, _ in KINDS)]),
    st.sampled_from(["video", "photo", "document"]),
)
def test_any_bytes_are_judged(rest: bytes, start: bytes, kind: str) -> None:
    data = start + rest
    made = at_a_glance(Stated(kind), Ends.of(data), containers.reader(data))
    assert named(made.found)
    json.dumps(made.line())


NAMES = st.sampled_from(["streams", "format", "error", "width", "duration", "disposition", "codec_type"])
PRINTED = st.recursive(
    st.none() | st.booleans() | st.text(max_size=5) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner),
)


@given(PRINTED)
def test_anything_a_probe_prints_is_read(said: Any) -> None:
    judged(Stated("video", 9.0, 1, 1), FILM, probe_facts(said))


def test_files_that_others_made(tmp_path: Path) -> None:
    """Real encoders, where they are installed: what we call whole opens, and has the type that its maker gave it."""
    need("ffmpeg")
    kinds = {"mp4": "video/mp4", "mov": "video/quicktime", "mkv": "video/x-matroska", "webm": "video/webm", "ts": "video/mp2t",
             "avi": "video/vnd.avi", "m4a": "audio/mp4", "ogg": "audio/ogg", "mp3": "audio/mpeg", "wav": "audio/wav", "gif": "image/gif",
             "jpg": "image/jpeg", "bmp": "image/bmp"}  # fmt: skip
    outs = []
    for ending in kinds:
        sounds = kinds[ending].startswith("audio")
        outs += [
            "-map",
            "1" if sounds else "0",
            *(["-frames:v", "1"] if ending in ("jpg", "bmp") else []),
            str(tmp_path / f"made.{ending}"),
        ]
    source = ["-f", "lavfi", "-i", "testsrc=duration=1:size=32x32:rate=5", "-f", "lavfi", "-i", "sine=duration=1"]
    subprocess.run(["ffmpeg", "-v", "error", *source, *outs], check=True, stdin=subprocess.DEVNULL)
    for ending, kind in kinds.items():
        data = (tmp_path / f"made.{ending}").read_bytes()
        ends = Ends.of(data)
        assert media_type(ends) == kind
        assert containers.missing_part(kind, ends, containers.reader(data)) is None, ending
        if kind.startswith("image/") and ending != "bmp":
            assert containers.picture_size(kind, data) == (32, 32)


def test_names_that_promise_something_else() -> None:
    assert by_name("film.mp4", "text/html") == "an HTML page under the name of a video"
    assert by_name("film.mp4", "video/mp4") is None
    assert by_name("notes.txt", "text/html") is None


def jpeg(*, whole: bool, small: bytes = b"") -> bytes:
    """Segments, one of which holds a small picture, and a scan."""
    app = b"\xff\xe1" + (2 + len(small)).to_bytes(2, "big") + small
    frame = b"\xff\xc0\x00\x11\x08\x00\x10\x00\x10\x03" + bytes(9)
    return b"\xff\xd8" + app + frame + b"\xff\xda\x00\x02" + b"scan" * 1000 + (b"\xff\xd9" if whole else b"")


@pytest.mark.parametrize(
    ("data", "whole"),
    [
        (jpeg(whole=True, small=b"\xff\xd8small\xff\xd9"), True),
        (jpeg(whole=False, small=b"\xff\xd8small\xff\xd9"), False),
        (GIF := b"GIF89a\1\0\1\0\x80\0\0" + bytes(6) + b"!\xf9\4\0\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\5;;;;;\0;", True),
        (GIF + b"appended", True),
        (GIF[:-1], False),
        (GIF[:-4], False),
        (brands(b"isom") + box(b"moov", b"index"), False),
        (brands(b"isom") + box(b"moov", b"index") + box(b"mdat", b"film"), True),
    ],
)
def test_what_stands_within_a_file_is_not_taken_for_its_end(data: bytes, whole: bool) -> None:
    kind, ends = media_type(Ends.of(data)), Ends.of(data)
    assert (containers.missing_part(kind, ends, containers.reader(data)) is None) is whole
