"""Custody, disclosure, redaction: what was done is recorded, and what was covered is gone."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from archiver.checks import check_home, worst
from archiver.errors import UsageError
from archiver.home import Home
from archiver.redaction import silences_of, tracks_of
from archiver.reencode import Box, Silence, Track, reencode
from tests.conftest import World
from tests.packages import LINKS, PackagedCase, both


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory, world: World) -> Iterator[PackagedCase]:
    made = PackagedCase(tmp_path_factory.mktemp("case"), world)
    made.run("keys", "new", "R-2", "--role", "reviewer")
    yield made
    made.close()


def lines_of(case: PackagedCase, capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, object]]:
    capsys.readouterr()
    assert case.run("--json", *words) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_custody_of_a_capture_and_of_a_case(case: PackagedCase, capsys: pytest.CaptureFixture[str]) -> None:
    album = case.captures[LINKS[0]]
    events = lines_of(case, capsys, "custody", album)
    assert [event["type"] for event in events][:2] == ["captured", "annotated"]
    assert all(event["timestamp"] for event in events)
    assert {event["by"] for event in events} == {"tester"}
    of_case = lines_of(case, capsys, "custody", "almaty")
    assert [event["event"] for event in of_case] == sorted(event["event"] for event in of_case)  # type: ignore[type-var]
    assert {"case", "captured", "annotated"} <= {event["type"] for event in of_case}
    assert case.run("custody", "nothing-like-this") == 1


def test_disclosure_with_a_schedule(case: PackagedCase, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    album, other = case.captures[LINKS[0]], case.captures[LINKS[3]]
    case.run("tag", album, "exculpatory", "it", "was", "calm")
    case.run("tag", other, "exculpatory")
    package = case.export("partner", tmp_path / "out", "--only", album, "--name", "for-counsel")
    schedule = tmp_path / "schedule.csv"
    words = ("--to", "defence counsel", "--basis", "order of 3 May", "--by", "telephone", "--schedule", str(schedule))
    capsys.readouterr()
    assert case.run("disclose", str(package), *words) == 0
    said = capsys.readouterr().out
    assert "1 on captures that are NOT in the package" in said
    home = Home(case.home.path)
    event = home.catalog.event_bodies(("disclosed",))[-1]["detail"]
    assert (event["to"], event["basis"], event["fingerprint"]) == (
        "defence counsel",
        "order of 3 May",
        case.fingerprint,
    )
    rows = list(csv.reader(io.StringIO(schedule.read_text("utf-8-sig"))))
    assert {row[0] for row in rows[1:]} <= {"withheld", "exculpatory"}
    assert sorted((row[3] for row in rows if row[0] == "exculpatory"), reverse=True) == [
        "disclosed",
        "NOT in the package",
    ]
    assert any(event["type"] == "disclosed" for event in lines_of(case, capsys, "custody", album))
    assert case.run("disclose", str(tmp_path / "nothing"), *words) == 1
    (tmp_path / "strange").mkdir()
    assert case.run("disclose", str(tmp_path / "strange"), *words) == 1


# -- redaction -------------------------------------------------------------------------------------------


def film(folder: Path, seconds: int = 4) -> Path:
    """White, with a tone: what is covered is black, what is silenced is silent."""
    path = folder / "white.mp4"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"color=white:s=320x240:r=10:d={seconds}", "-f", "lavfi", "-i",
         f"sine=f=1000:d={seconds}", "-c:v", "libx264", "-c:a", "aac", "-metadata", "title=a secret title", path], check=True,
    )  # fmt: skip
    return path


def brightness(path: Path, at: float, x: int, y: int) -> int:
    """Of the pixel at a moment, 0 to 255."""
    done = subprocess.run(
        ["ffmpeg", "-v", "error", "-ss", f"{at}", "-i", path, "-frames:v", "1", "-vf", f"crop=2:2:{x}:{y},format=gray", "-f",
         "rawvideo", "pipe:1"], capture_output=True, check=True,
    )  # fmt: skip
    return done.stdout[0]


def loudness(path: Path, at: float) -> float:
    """RMS of a tenth of a second, relative to full scale."""
    done = subprocess.run(
        ["ffmpeg", "-v", "error", "-ss", f"{at}", "-t", "0.1", "-i", path, "-f", "s16le", "-ac", "1", "pipe:1"],
        capture_output=True, check=True,
    )  # fmt: skip
    samples = memoryview(done.stdout).cast("h")
    return (sum(value * value for value in samples) / max(1, len(samples))) ** 0.5 / 32768


def test_a_box_follows_what_it_covers(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    track = Track((Box(0, 0, 40, 20, 20), Box(2000, 80, 40, 20, 20)), to_ms=3000)
    reencode(film(tmp_path), "video", out, [track], [Silence(1000, 2000), Silence(2000, 3000, tone=True)])
    middle = 120
    assert brightness(out, 0.0, 20, middle) < 40  # at the left
    assert brightness(out, 0.0, 280, middle) > 200
    assert brightness(out, 1.0, 160, middle) < 40  # half way
    assert brightness(out, 1.0, 20, middle) > 200
    assert brightness(out, 2.5, 290, middle) < 40  # it rests at the right
    assert brightness(out, 3.5, 290, middle) > 200  # and is lifted
    assert loudness(out, 0.4) > 0.05
    assert loudness(out, 1.4) < 0.005
    assert loudness(out, 2.4) > 0.03
    assert b"secret title" not in out.read_bytes()
    again = tmp_path / "again.mp4"
    reencode(tmp_path / "white.mp4", "video", again, [track], [Silence(1000, 2000), Silence(2000, 3000, tone=True)])
    assert again.read_bytes() == out.read_bytes()


def test_photos_and_sounds(tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=white:s=100x100", "-frames:v", "1", photo], check=True
    )
    out = tmp_path / "out.png"
    reencode(photo, "photo", out, [Track((Box(0, 25, 25, 50, 50),))])
    assert brightness(out, 0, 50, 50) < 20
    assert brightness(out, 0, 5, 5) > 235
    sound = tmp_path / "out.m4a"
    reencode(film(tmp_path), "audio", sound, (), [Silence(0, 1000)])
    assert loudness(sound, 0.5) < 0.005
    assert loudness(sound, 2.0) > 0.05


@pytest.mark.parametrize(
    "words", [["1,2,3"], ["10,10,0,10"], ["101,0,5,5"], ["x"], ["0:05-0:01", "1,1,5,5"], ["0:01-0:02"]]
)
def test_boxes_that_are_none(words: list[str]) -> None:
    with pytest.raises(UsageError):
        tracks_of([words])


@pytest.mark.parametrize("text", ["1", "0:03-0:01", "a-b", "0:01-0:01"])
def test_stretches_that_are_none(text: str) -> None:
    with pytest.raises(UsageError):
        silences_of([text], [])


def test_a_redaction_stands_in_for_the_file_and_needs_a_second_look(
    case: PackagedCase, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    album = case.captures[LINKS[0]]
    place = ("--post", "ozen_today/16", "--attachment", "0")
    home_before = worst(check_home(case.home.path))
    assert case.run("redact", album, "a", "face", *place, "--box", "0,0,50,50", "--mute", "0:00-0:01") == 0
    assert worst(check_home(case.home.path)) == home_before == 0
    detail = Home(case.home.path).catalog.event_bodies(("redacted",))[-1]["detail"]
    assert detail["original"]["sha256"] != detail["result"]["sha256"]
    partner = case.export("partner", tmp_path / "partner", "--name", "redacted-partner")
    hashes = (partner / "data" / "hashes.csv").read_text()
    assert detail["result"]["sha256"] in hashes
    assert all(
        detail["original"]["sha256"].encode() not in path.read_bytes() for path in partner.rglob("*") if path.is_file()
    )
    withheld = list(csv.DictReader(io.StringIO((partner / "data" / "withheld.csv").read_text("utf-8-sig"))))
    assert any(row["why"] == "redacted" and row["in its place"] == "a redacted copy" for row in withheld)
    full = case.export("full", tmp_path / "full", "--name", "redacted-full")
    assert detail["original"]["sha256"] in (full / "data" / "hashes.csv").read_text()
    code, said = both(full, case.fingerprint)
    assert code == 0, said
    case.run("--as", "R-2", "review", album, "publish", "the face is covered", *place)
    assert len(list((case.export("public", tmp_path / "one", "--name", "one")).glob("data/media/*"))) == 1
    # A new redaction after the review has to be looked at again.
    case.run("redact", album, "another", "face", *place, "--box", "50,50,20,20")
    assert list((case.export("public", tmp_path / "two", "--name", "two")).glob("data/media/*")) == []


def test_words_are_masked_for_others(case: PackagedCase, tmp_path: Path) -> None:
    album = case.captures[LINKS[0]]
    assert case.run("redact", album, "a name", "--mask", "not in it") == 1
    assert case.run("redact", album, "a name", "--post", "ozen_today/16", "--mask", "Төрт файл") == 0
    package = case.export("partner", tmp_path, "--name", "masked")
    everything = b"".join(path.read_bytes() for path in package.rglob("*") if path.is_file())
    assert "Төрт файл".encode() not in everything
    assert "█████".encode() in everything
    assert case.run("redact", album, "nothing said") == 1
