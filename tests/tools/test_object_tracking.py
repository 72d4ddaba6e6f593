"""Boxes that follow what they cover: every picture of the copy is looked at."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy
import pytest

from archiver.tools.ffmpeg import ConversionError
from archiver.tools.object_tracking import follow
from archiver.tools.reencode import Box, Followed, Track, picture_size, reencode
from tests.support.films import FPS, HIGH, PICTURES, SIZE, WIDE, Place, film, pictures_of, share_covered, walks


def drawn(number: int, place: Place) -> Box:
    at = place(number)
    assert at is not None
    return Box(number * 1000 // FPS, at[0] * 100 / WIDE, at[1] * 100 / HIGH, SIZE * 100 / WIDE, SIZE * 100 / HIGH)


def test_it_stays_covered_on_its_way_and_the_rest_stays_visible(tmp_path: Path) -> None:
    odd = tmp_path / "a:b, c;d [e]"  # signs that mean something in a filter of ffmpeg
    odd.mkdir()
    source, out = film(tmp_path / "in.mp4", walks), odd / "out.mp4"
    followed = follow(source, picture_size(source), Track((drawn(0, walks),)))
    assert [begin for begin, _ in followed.lost] == [followed.boxes[-1].at_ms + 80]  # behind the end only
    made = reencode(source, "video", out, [followed])
    seen = pictures_of(out)
    assert len(seen) == PICTURES
    assert min(share_covered(picture, walks(number)) for number, picture in enumerate(seen)) > 0.98
    assert max(float(numpy.mean(picture < 60)) for picture in seen) < 0.15
    assert str(tmp_path) not in str(made)
    assert "drawbox@f0" in made["commands"]
    again = tmp_path / "again.mp4"
    reencode(source, "video", again, [follow(source, picture_size(source), Track((drawn(0, walks),)))])
    assert again.read_bytes() == out.read_bytes()


def test_where_it_is_lost_the_whole_picture_is_covered_until_a_key_moment(tmp_path: Path) -> None:
    def hides(number: int) -> tuple[int, int] | None:
        return None if 40 <= number < 60 else walks(number)

    source, out = film(tmp_path / "in.mp4", hides, other=(40, 60)), tmp_path / "out.mp4"
    track = Track((drawn(0, hides), drawn(70, hides)))
    followed = follow(source, picture_size(source), track)
    begin, end = followed.lost[0]
    assert begin <= 1640
    assert end == 2800
    reencode(source, "video", out, [followed])
    for number, picture in enumerate(pictures_of(out)):
        if begin <= number * 40 < 2800:
            assert float(numpy.mean(picture < 60)) > 0.98, number
        else:
            assert share_covered(picture, walks(number)) > 0.98, number
            assert float(numpy.mean(picture < 60)) < 0.2, number


def test_lost_for_good_is_covered_to_the_end_and_a_stretch_ends_it(tmp_path: Path) -> None:
    def leaves(number: int) -> tuple[int, int] | None:
        return walks(number) if number < 30 else None

    source = film(tmp_path / "in.mp4", leaves, other=(30, PICTURES))
    followed = follow(source, picture_size(source), Track((drawn(0, leaves),), to_ms=3000))
    assert followed.lost[0][0] <= 1240
    assert followed.lost[0][1] is None
    out = tmp_path / "out.mp4"
    reencode(source, "video", out, [followed])
    seen = pictures_of(out)
    assert all(float(numpy.mean(picture < 60)) > 0.98 for picture in seen[32:75])
    assert all(float(numpy.mean(picture < 60)) < 0.1 for picture in seen[77:])


def test_an_upright_video_is_covered_where_it_is_shown(tmp_path: Path) -> None:
    """A telephone writes a lying picture and how to turn it; boxes are meant as people see it."""
    plain = film(tmp_path / "plain.mp4", walks)
    source = tmp_path / "turned.mp4"
    command = ["ffmpeg", "-v", "error", "-i", plain, "-c", "copy", "-metadata:s:v", "rotate=90", source]
    subprocess.run(command, check=True)
    assert picture_size(source) == (HIGH, WIDE)
    for name, track in (
        ("rests", Track((Box(0, 0, 50, 100, 50),))),
        ("moves", Track((Box(0, 0, 50, 100, 50), Box(3000, 0, 49, 100, 50)))),
        ("followed", Followed((Box(0, 0, 50, 100, 50),), ())),
    ):
        out = tmp_path / f"{name}.mp4"
        reencode(source, "video", out, [track])
        picture = pictures_of(out)[10]
        assert picture.shape == (WIDE, HIGH)
        assert float(numpy.mean(picture[WIDE // 2 :] < 60)) > 0.98, name
        assert float(numpy.mean(picture[: WIDE // 2 - 10] < 60)) < 0.05, name


def test_a_film_whose_picture_begins_later_than_its_sound(tmp_path: Path) -> None:
    plain, source = film(tmp_path / "plain.mp4", walks), tmp_path / "late.mp4"
    tone = ["-f", "lavfi", "-i", "sine=300:duration=5"]
    late = ["-itsoffset", "1", "-i", plain, "-map", "0:a", "-map", "1:v", "-c:v", "copy", "-c:a", "aac"]
    subprocess.run(["ffmpeg", "-v", "error", *tone, *late, source], check=True)
    key = drawn(0, walks)
    moved = Track((Box(1000, key.x, key.y, key.width, key.height),))
    out = tmp_path / "out.mp4"
    reencode(source, "video", out, [follow(source, picture_size(source), moved)])
    seen = pictures_of(out)[-PICTURES:]
    assert max(float(numpy.mean(picture < 60)) for picture in seen[1:]) < 0.15
    assert min(share_covered(picture, walks(number)) for number, picture in enumerate(seen)) > 0.98


def test_a_key_moment_behind_the_end(tmp_path: Path) -> None:
    source = film(tmp_path / "in.mp4", walks)
    with pytest.raises(ConversionError, match="time within"):
        follow(source, picture_size(source), Track((Box(60_000, 1, 1, 9, 9),)))
