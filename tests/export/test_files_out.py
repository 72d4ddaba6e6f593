"""Files out of a home: every one, whole, under a name that tells what it is; what is not there is listed."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from archiver.export.files_out import Names, OutFile, _told_once, put_in_place, time_in_name, write_files
from archiver.home.home import Home
from archiver.lookup.items import MediaFile
from archiver.text.cells import MARK
from archiver.tools.playable import make_playable, streams_of, why_not_played
from storage.digest import file_sha256
from tests.conftest import World, need, plain_home
from tests.support.commands import Commands

LINKS = (
    "https://t.me/ozen_today/16", "https://x.com/ozen_today/status/1478660000000000004",
    "https://www.facebook.com/a/posts/10157000000000001", "https://youtu.be/Zh5janSq001", "https://t.me/ozen_today/20",
)  # fmt: skip


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, world: World) -> SimpleNamespace:
    """A home with videos of each platform, one that came in pieces, and files that somebody handed over."""
    folder = tmp_path_factory.mktemp("kept")
    home = plain_home(folder / "home")
    run = Commands(home.path, world.network)
    assert run("case", "new", "almaty")[0] == 0
    assert run("capture", *LINKS, "--case", "almaty")[0] in (0, 2)
    handed = folder / "handed"
    handed.mkdir()
    (handed / "Заявление свидетеля.docx").write_bytes(_docx())
    (handed / "mail.eml").write_bytes(b"From: a@b.example\r\nSubject: x\r\nMIME-Version: 1.0\r\n\r\nwords\r\n")
    (handed / "run.exe").write_bytes(b"MZ" + bytes(600))
    assert run("receive", str(handed), "--from", "S-014", "--via", "signal", "--case", "almaty")[0] == 0
    return SimpleNamespace(home=home.path, run=run, folder=folder, handed=handed)


def _docx() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", "<w:document/>")
    return out.getvalue()


def rows_of(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((folder / "files.csv").read_text("utf-8").removeprefix(MARK), newline="")))


@pytest.fixture(scope="module")
def out(kept: SimpleNamespace) -> Path:
    """The folder that the whole case was written to, with copies to play."""
    need("ffmpeg")
    to: Path = kept.folder / "out"
    kept.code, kept.said, kept.err = kept.run("files", "almaty", "--to", str(to), "--playable")
    return to


def test_every_file_of_a_case_is_written_whole(kept: SimpleNamespace, out: Path) -> None:
    rows = rows_of(out)
    assert kept.code == 2, "one post offers a video that its platform gives to nobody"
    originals = [row for row in rows if row["state"] == "written"]
    for row in originals:
        assert file_sha256(out / row["file"]).hexdigest() == row["sha256"], row
        assert [(kept.home / place.rpartition(":")[0]).is_file() for place in row["lies_in"].split()]
    home = Home(kept.home)
    held = {
        (row["id"], line["key"])
        for row in home.catalog.captures("almaty")
        for line in home.catalog.inventory(row["id"])
        if line["kind"] in ("video", "photo", "audio", "document") and line.get("outcome") == "captured"
    }
    assert len(originals) >= len(held) > 8
    videos = [row for row in originals if row["kind"] == "video"]
    assert {row["platform"] for row in videos} == {"telegram", "x", "youtube"}
    assert "2022-01-05T1052Z_ozen_today_16_1.mp4" in {row["file"] for row in videos}
    (absent,) = [row for row in rows if row["state"] == "not written"]
    assert (absent["post"], absent["file"], absent["sha256"]) == ("ozen_today/20", "", "")
    assert absent["why"].startswith("refused: too big for the web view")
    assert "not written   video 1 of ozen_today/20" in kept.err


def test_received_files_have_their_own_ending_and_not_their_name(kept: SimpleNamespace, out: Path) -> None:
    received = [row for row in rows_of(out) if row["platform"] == "received"]
    assert sorted(Path(row["file"]).suffix for row in received) == [".bin", ".docx", ".eml"]
    assert all(row["file"].startswith("received-") and row["original_name"] == "" for row in received)
    assert "свидетеля" not in (out / "files.csv").read_text("utf-8")
    assert "S-014" not in (out / "files.csv").read_text("utf-8") + (out / "index.html").read_text("utf-8")


def test_a_folder_says_that_it_is_for_the_house(out: Path) -> None:
    assert "FOR YOUR OWN WORK ONLY" in (out / "READ-FIRST.txt").read_text("utf-8")
    assert "do not hand this folder on" in (out / "index.html").read_text("utf-8")
    assert all(row["for"].startswith("for your own work only") for row in rows_of(out))
    assert (out / "index.html").stat().st_mode & 0o077 == 0


def test_picture_and_sound_that_came_apart_get_a_copy_that_is_marked(out: Path) -> None:
    (copy,) = [row for row in rows_of(out) if row["state"] == "derived"]
    parts = copy["derived_from"].split()
    assert [Path(name).suffix for name in parts] == [".mp4", ".m4a"]
    assert copy["file"].endswith(".playable.mp4")
    assert "ffmpeg" in copy["made_by"]
    assert str(out) not in copy["made_by"]
    assert "A copy made to be played, not evidence" in (out / "index.html").read_text("utf-8")
    streams = subprocess.run(
        [need("ffprobe"), "-v", "error", "-show_entries", "stream=codec_type", "-of", "csv=p=0", str(out / copy["file"])],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert sorted(streams.stdout.split()) == ["audio", "video"]


def test_the_page_plays_every_video_in_chromium(out: Path) -> None:
    from playwright import sync_api as playwright

    from archiver.tools.chromium import program

    if program() is None:
        need("chromium")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program(), args=["--no-sandbox"])
        page = browser.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto((out / "index.html").as_uri())
        blurred = page.eval_on_selector_all(".veil > *", "all => all.map(one => getComputedStyle(one).filter)")
        played = page.evaluate(PLAY)
        browser.close()
    assert blurred
    assert all("blur" in value and "grayscale" in value for value in blurred), "until somebody asks"
    wanted = [
        row["file"] for row in rows_of(out) if row["plays_in_browsers"] == "yes" and row["kind"] in ("video", "audio")
    ]
    assert sorted(name for name, good in played if good) == sorted(wanted)
    assert len(wanted) >= 6
    assert all(url.startswith("file://") for url in asked)


PLAY = """async () => Promise.all([...document.querySelectorAll("video, audio")].map(async one => {
  one.muted = true;
  const good = await new Promise(done => {
    one.onerror = () => done(false); one.ontimeupdate = () => one.currentTime > 0 && done(true);
    one.preload = "auto"; one.load(); one.play().catch(() => done(false)); setTimeout(() => done(false), 8000);
  });
  return [decodeURIComponent(one.src.split("/").pop()), good];
}))"""


def test_a_second_time_writes_nothing_twice(kept: SimpleNamespace, out: Path) -> None:
    before = rows_of(out)
    marks = {path.name: path.stat().st_mtime_ns for path in out.iterdir() if path.suffix in (".mp4", ".png", ".docx")}
    code, said, _ = kept.run("files", "https://t.me/ozen_today/16", "--to", str(out), "--kind", "video")
    assert code == 0
    assert said.count("there already") == 2
    after = rows_of(out)
    assert {row["file"] for row in after} == {row["file"] for row in before}
    assert len(after) == len(before), "what was written for the case stays listed"
    assert marks == {name: (out / name).stat().st_mtime_ns for name in marks}


def test_a_folder_of_other_things_is_left_alone(kept: SimpleNamespace, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("words")
    code, _, err = kept.run("files", "almaty", "--to", str(tmp_path))
    assert code == 1
    assert "a new or empty folder" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["thesis.txt"]
    assert kept.run("files", "almaty", "--to", str(kept.home / "files"))[0] == 1
    assert not (kept.home / "files").exists()


def test_a_killed_attempt_is_gone_on_with_and_nothing_of_others_is_lost(kept: SimpleNamespace, tmp_path: Path) -> None:
    words = ("files", "https://t.me/ozen_today/16", "--to", str(tmp_path), "--kind", "video")
    assert kept.run(*words)[0] == 0
    (tmp_path / "files.csv").unlink()
    first, second = sorted(tmp_path.glob("*.mp4"))
    second.write_bytes(b"of somebody else")
    code, said, _ = kept.run(*words)
    assert code == 0
    assert said.count("there already") == 1
    assert second.read_bytes() == b"of somebody else"
    assert sorted(path.name for path in tmp_path.glob("*.mp4")) == [first.name, f"{second.stem}-2.mp4", second.name]
    (tmp_path / "READ-FIRST.txt").write_text("mine")
    assert kept.run(*words)[0] == 1


def test_a_disk_without_room_is_left_alone(
    kept: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archiver.export.files_out.shutil.disk_usage", lambda path: SimpleNamespace(free=1000))
    code, _, err = kept.run("files", "almaty", "--to", str(tmp_path / "out"), "--kind", "video")
    assert code == 4
    assert "Free some space" in err
    assert not list((tmp_path / "out").glob("*.mp4"))


def test_a_disk_that_takes_ascii_alone_gets_such_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As vfat mounted without utf8 does."""
    real = os.replace

    def refusing(source: Path, target: Path) -> None:
        if not Path(target).name.isascii():
            raise OSError(22, "Invalid argument")
        real(source, target)

    monkeypatch.setattr("archiver.export.files_out.os.replace", refusing)
    working = tmp_path / ".0123456789abcdef.part"
    working.write_bytes(b"x")
    assert put_in_place(working, tmp_path, "2022_жаңа_1.mp4") == "2022_1.mp4"
    assert [path.name for path in tmp_path.iterdir()] == ["2022_1.mp4"]


def test_names_of_one_folder_differ_where_capitals_do_not_count() -> None:
    names = Names({"2022_a_1.mp4": "d1"})
    assert names.new("2022_a_1", "mp4", "d1") == "2022_a_1.mp4", "the same bytes lie there already"
    assert names.new("2022_A_1", "mp4", "d2") == "2022_A_1-2.mp4"
    assert names.new("2022_a_1", "mp4", "d3") == "2022_a_1-3.mp4"


@pytest.mark.parametrize(
    ("said", "name"),
    [(None, "undated"), ({"value": "2022-01-05T10:52:07Z", "precision": "second"}, "2022-01-05T1052Z"),
     ({"value": "2022-01-05T00:00:00Z", "precision": "day"}, "2022-01-05"), ({"value": None, "literal": "4 years ago"}, "undated"),
     ({"value": None, "earliest": "2021-12-01T00:00:00Z", "latest": "2022-01-31T00:00:00Z"}, "2021-12-01--2022-01-31"),
     ({"value": "2022-01-05T10:52:00Z", "source": "trafilatura"}, "undated")],
)  # fmt: skip
def test_a_time_in_a_name_is_as_much_as_the_platform_states(said: dict[str, object] | None, name: str) -> None:
    assert time_in_name({"published": said}) == name


def test_a_file_is_opened_or_its_path_is_said(kept: SimpleNamespace, tmp_path: Path) -> None:
    code, (told, *_) = kept.run.json("open", "LAST")
    assert code == 0
    assert told["opened"] is False
    path = Path(str(told["file"]))
    assert path.is_relative_to(kept.home / "opened")
    assert file_sha256(path).hexdigest() == told["sha256"]
    desk = Commands(kept.home, None, DISPLAY=":0")
    opened = tmp_path / "opened"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "xdg-open").write_text(f'#!/bin/sh\necho "$1" >{opened}\n')
    (tmp_path / "bin" / "xdg-open").chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
        told = desk.json("open", "LAST")[1][0]
    assert told["opened"] is True
    assert opened.read_text().strip() == told["file"]


def test_a_wacz_and_the_warcs_of_a_capture(kept: SimpleNamespace, tmp_path: Path) -> None:
    to = tmp_path / "post.wacz"
    assert kept.run("wacz", "LAST", "--to", str(to))[0] == 0
    with zipfile.ZipFile(to) as archive:
        packed = {Path(name).name for name in archive.namelist() if name.startswith("archive/")}
        assert archive.testzip() is None
    code, out, _ = kept.run("warcs", "LAST")
    assert code == 0
    paths = [Path(line) for line in out.splitlines()]
    assert {path.name for path in paths} == packed
    assert all(path.is_file() for path in paths)
    assert kept.run("check", str(to))[0] in (0, 6)
    assert kept.run("wacz", "LAST", "--to", str(to))[0] == 1, "nothing is written over"
    assert kept.run("wacz", "LAST", "--to", str(tmp_path / "post.zip"))[0] == 1


def test_the_earlier_word_says_the_new_one(kept: SimpleNamespace, tmp_path: Path) -> None:
    code, _, err = kept.run("assemble", "LAST", "--to", str(tmp_path / "out"))
    assert code in (0, 2)
    assert "now called archiver files" in err


def test_what_people_decided_binds_this_way_out_too(kept: SimpleNamespace, tmp_path: Path) -> None:
    """Last of all: it changes the home."""
    home = shutil.copytree(kept.home, tmp_path / "home")
    run = Commands(home, None)
    (album,) = [row["id"] for row in Home(home).catalog.captures("almaty") if row["target"].endswith("/ozen_today/16")]
    assert run("author", "ozen_today", "source", "of", "ours", "--platform", "telegram")[0] == 0
    code, _, err = run("files", album, "--to", str(tmp_path / "out"))
    assert code == 1
    assert "marked as a source" in err
    assert not (tmp_path / "out").exists()
    assert run("files", album, "--to", str(tmp_path / "out"), "--yes")[0] == 0
    assert run("wacz", album, "--to", str(tmp_path / "a.wacz"))[0] == 1
    assert run("wacz", album, "--to", str(tmp_path / "a.wacz"), "--yes")[0] == 0
    assert run("open", album)[0] == 0
    assert (home / "opened" / album).is_dir()
    assert run("quarantine", album, "a", "child")[0] == 0
    assert not (home / "opened" / album).exists()
    for words in (["files", album, "--to", str(tmp_path / "no")], ["open", album], ["warcs", album],
                  ["wacz", album, "--to", str(tmp_path / "no.wacz")]):  # fmt: skip
        code, _, err = run(*words)
        assert code == 1, words
        assert "quarantined" in err
    assert run("files", "almaty", "--to", str(tmp_path / "rest"), "--yes")[0] == 2
    assert not [row for row in rows_of(tmp_path / "rest") if row["post"] == "ozen_today/16"]
    assert not (tmp_path / "no").exists()


def test_a_home_on_a_disk_that_takes_nothing(
    kept: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need("ffmpeg")
    before = sorted(path for path in kept.home.rglob("*") if "log" not in path.parts)
    monkeypatch.setattr(os, "access", lambda path, mode: not Path(path).is_relative_to(kept.home) or mode != os.W_OK)
    out = tmp_path / "out"
    assert kept.run("files", "https://t.me/ozen_today/16", "--to", str(out), "--kind", "video", "--playable")[0] == 0
    assert sorted(path.name for path in out.iterdir())[-1] == "thumbs"
    assert len(list((out / "thumbs").iterdir())) == 2
    assert sorted(path for path in kept.home.rglob("*") if "log" not in path.parts) == before


def test_what_another_look_kept_is_not_told_as_missing(tmp_path: Path) -> None:
    line = {"author_handle": "a"}
    media = MediaFile("c1", "post p #0", "video", "p", "x.mp4", "0" * 64, 1, "video/mp4", "r", 0, ())
    kept = OutFile("c1", "video", "p", 0, line, media, "x", tmp_path)
    second = replace(kept, capture="c2", media=None, why="skipped: kept in c1, the first pass")
    other = replace(second, attachment=1)
    assert _told_once([second, kept, other]) == [kept, other]
    assert _told_once([replace(second, lost=True), kept]) == [replace(second, lost=True), kept]


def test_bytes_that_are_not_those_that_were_sealed_are_set_apart(tmp_path: Path) -> None:
    class Other(MediaFile):
        def chunks(self) -> Iterator[bytes]:
            yield b"other bytes"

    media = Other("c", "file 1", "photo", None, "x.jpg", "0" * 64, 11, "image/jpeg", "r", 0, ())
    line = {"author_handle": "a"}
    (done,) = write_files(
        [OutFile("c", "photo", "p/1", 0, line, media, "x", tmp_path)], tmp_path, Names({}), lambda one: None
    )
    assert (done.state, done.name, done.written) == ("damaged", "undated_a_1_1.jpg.damaged", False)
    assert [path.name for path in tmp_path.iterdir()] == ["undated_a_1_1.jpg.damaged"]


@pytest.mark.parametrize(
    ("kind", "suffix", "codecs", "plays"),
    [("video", "mp4", [("video", "h264", "yuv420p"), ("audio", "aac", None)], True), ("video", "mp4", [("video", "hevc", "yuv420p")], False),
     ("video", "mp4", [("video", "h264", "yuv420p10le")], False), ("video", "avi", [("video", "h264", "yuv420p")], False),
     ("video", "webm", [("video", "vp9", "yuv420p"), ("audio", "opus", None)], True), ("audio", "amr", [("audio", "amr_nb", None)], False),
     ("video", "ts", [("video", "h264", "yuv420p")], False), ("photo", "heic", None, False), ("photo", "jpg", None, True),
     ("video", "mp4", None, False)],
)  # fmt: skip
def test_what_browsers_play(
    kind: str, suffix: str, codecs: list[tuple[str, str, str | None]] | None, plays: bool
) -> None:
    streams = [{"codec_type": a, "codec_name": b, "pix_fmt": c} for a, b, c in codecs] if codecs else None
    assert (why_not_played(kind, suffix, streams) is None) is plays


def test_a_container_that_browsers_do_not_play_gets_a_copy(tmp_path: Path) -> None:
    ffmpeg = need("ffmpeg")
    source, out = tmp_path / "film.avi", tmp_path / "out" / "copy.mp4"
    out.parent.mkdir()
    made = ["-f", "lavfi", "-i", "testsrc=s=65x49:r=5:d=1", "-c:v", "mpeg4", str(source)]
    subprocess.run([ffmpeg, "-v", "error", *made], check=True)
    assert why_not_played("video", "avi", streams_of(source)) is not None
    facts = make_playable([source], "video", out)
    assert why_not_played("video", "mp4", streams_of(out)) is None
    assert "in0" in facts["arguments"]
    assert str(tmp_path) not in json.dumps(facts)
