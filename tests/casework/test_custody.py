"""Custody, disclosure, redaction: what was done is recorded, and what was covered is gone."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from archiver.casework.redaction import silences_of, tracks_of
from archiver.checks import check_home, worst
from archiver.copies.evict import CopiesFetch
from archiver.errors import UsageError
from archiver.export.profiles import show
from archiver.export.screens import screens
from archiver.home.home import Home
from archiver.lookup.material import Material, gather
from archiver.tools.reencode import Box, Silence, Track, reencode
from storage.digest import file_sha256
from tests.conftest import World
from tests.support.packages import LINKS, PackagedCase, both

pytestmark = pytest.mark.usefixtures("no_browser")  # what a report says is looked for in its HTML


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
    only = ("--only", album)
    partner = case.export("partner", tmp_path / "partner", "--name", "redacted-partner", *only)
    hashes = (partner / "data" / "tables" / "files.jsonl").read_text()
    assert detail["result"]["sha256"] in hashes
    assert all(
        detail["original"]["sha256"].encode() not in path.read_bytes() for path in partner.rglob("*") if path.is_file()
    )
    withheld = list(csv.DictReader(io.StringIO((partner / "data" / "tables" / "withheld.csv").read_text("utf-8-sig"))))
    assert any(row["why"] == "redacted" and row["instead"] == "a redacted copy" for row in withheld)
    full = case.export("full", tmp_path / "full", "--name", "redacted-full", *only)
    assert detail["original"]["sha256"] in (full / "data" / "tables" / "files.jsonl").read_text()
    code, said = both(full, case.fingerprint)
    assert code == 0, said
    case.run("--as", "R-2", "review", album, "publish", "the face is covered", *place)
    assert len(list((case.export("public", tmp_path / "one", "--name", "one", *only)).glob("data/media/*"))) == 1

    def public() -> list[str]:
        material = gather(Home(case.home.path), "almaty", [album], CopiesFetch(case.home))
        cards = show(material, "public", b"x" * 32, False).cards
        return [file.name for card in cards for file in card.every_file if file.name]

    assert len(public()) == 1
    # A new redaction after the review has to be looked at again.
    case.run("redact", album, "another", "face", *place, "--box", "50,50,20,20")
    assert public() == []


def test_words_are_masked_for_others(case: PackagedCase, tmp_path: Path) -> None:
    album = case.captures[LINKS[0]]
    assert case.run("redact", album, "a name", "--mask", "not in it") == 1
    assert case.run("redact", album, "a name", "--post", "ozen_today/16", "--mask", "Төрт файл") == 0
    package = case.export("partner", tmp_path, "--name", "masked", "--only", album)
    everything = b"".join(path.read_bytes() for path in package.rglob("*") if path.is_file())
    assert "Төрт файл".encode() not in everything
    assert "█████".encode() in everything
    assert case.run("redact", album, "nothing said") == 1


def received(case: PackagedCase, path: Path, name: str) -> str:
    """The capture of a file that was handed over for a case of its own."""
    case.run("case", "new", name)
    assert case.run("receive", str(path), "--from", "S-014", "--via", "usb", "--case", name) == 0
    return str(Home(case.home.path).catalog.captures(name)[-1]["id"])


def latest_copy(case: PackagedCase, name: str, out: Path) -> Path:
    media = gather(Home(case.home.path), name, [], CopiesFetch(case.home)).redactions[-1].media
    assert media is not None
    out.write_bytes(b"".join(media.chunks()))
    return out


def test_what_was_covered_once_stays_covered(case: PackagedCase, tmp_path: Path) -> None:
    capture = received(case, film(tmp_path), "two-faces")
    assert case.run("redact", capture, "a face", "--box", "0,0,40,40") == 0
    assert case.run("redact", capture, "another face", "--box", "60,60,40,40") == 0
    out = latest_copy(case, "two-faces", tmp_path / "both.mp4")
    assert brightness(out, 1.0, 40, 40) < 40
    assert brightness(out, 1.0, 280, 200) < 40
    assert brightness(out, 1.0, 280, 40) > 200
    assert case.run("redact", capture, "one only", "--box", "60,60,40,40", "--anew") == 0
    assert brightness(latest_copy(case, "two-faces", tmp_path / "one.mp4"), 1.0, 40, 40) > 200


def test_a_redaction_counts_for_the_same_bytes_in_another_capture(case: PackagedCase, tmp_path: Path) -> None:
    """Also where a package holds only the other capture."""
    path = film(tmp_path)
    first, second = received(case, path, "twice"), received(case, path, "twice")
    assert first != second
    assert case.run("redact", first, "a face", "--box", "0,0,40,40") == 0
    words = ["export", "twice", "--to", str(tmp_path), "--profile", "partner", "--name", "p", "--yes", "--only", second]
    assert case.run(*words) == 0
    digest = file_sha256(path).hexdigest().encode()
    assert all(digest not in path.read_bytes() for path in (tmp_path / "p").rglob("*") if path.is_file())
    assert [path.name for path in (tmp_path / "p" / "data" / "media").iterdir()] == ["I0001-1.mp4"]


def test_another_copy_of_a_redacted_file_is_left_out(case: PackagedCase) -> None:
    album = case.captures[LINKS[0]]
    place = ("--post", "ozen_today/16", "--attachment", "1")
    assert case.run("redact", album, "a face", *place, "--box", "0,0,50,50") == 0
    material = gather(Home(case.home.path), "almaty", [album], CopiesFetch(case.home))
    items = list(material.items)
    observation = items[0].observations[0]
    at = next(number for number, one in enumerate(observation.media) if one.attachment == 1)
    observation.media[at] = replace(observation.media[at], sha256="0" * 64)
    shown = show(replace(material, items=items), "partner", b"x" * 32, False)
    assert [file.name for file in shown.cards[0].every_file if file.number == 1] == [None]
    assert any(one.why == "redacted in another copy; this one was not" for one in shown.withheld)


def test_a_picture_of_the_page_does_not_show_what_was_masked(case: PackagedCase) -> None:
    page = case.captures[LINKS[3]]  # it holds no file that another test covers

    def material() -> Material:
        found = gather(Home(case.home.path), "almaty", [page], CopiesFetch(case.home))
        record = next(line for line in found.captures[0].records if line["type"] == "response")
        found.captures[0].inventory.append({"key": "screenshot", "outcome": "captured", "record": record["id"]})
        return found

    shown = show(material(), "partner", b"x" * 32, False)
    assert len(list(screens(shown))) == 1
    words = next(str(card.views[0].post["text"]) for card in shown.cards if card.views[0].post["text"])
    assert case.run("redact", page, "a name", "--mask", words.split()[0]) == 0
    shown = show(material(), "partner", b"x" * 32, False)
    assert list(screens(shown)) == []
    assert any(one.why == "it would show withheld, masked or covered content" for one in shown.withheld)


def test_following_by_the_command(case: PackagedCase, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.support.films import film as walking
    from tests.support.films import pictures_of, share_covered, walks

    capture = received(case, walking(tmp_path / "walk.mp4", walks), "walk")
    box = "0:00=6.25,41.7,12.5,16.7"
    assert case.run("redact", capture, "a face", "--box", box, "--follow") == 0
    assert "lost" not in capsys.readouterr().out
    out = latest_copy(case, "walk", tmp_path / "out.mp4")
    assert min(share_covered(picture, walks(n)) for n, picture in enumerate(pictures_of(out))) > 0.98
    assert case.run("redact", capture, "a face", "--mask", "x", "--follow") == 1


def test_a_loss_to_the_end_is_said(case: PackagedCase, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.support.films import film as walking
    from tests.support.films import walks

    path = walking(tmp_path / "gone.mp4", lambda n: walks(n) if n < 30 else None, other=(30, 100))
    capture = received(case, path, "gone")
    assert case.run("redact", capture, "a face", "--box", "0:00=6.25,41.7,12.5,16.7", "--follow") == 0
    said = capsys.readouterr().out
    assert "the whole picture is covered to the end" in said
    assert "--box … 0:01=" in said
