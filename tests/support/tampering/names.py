"""Defects by somebody without the keys: names, lists, and what is left behind or changed on the way."""

from __future__ import annotations

import os
import re
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

from tests.support.tampering.scene import CANNOT_TELL, INCOMPLETE, INTACT, Scene, outside

# -- names ---------------------------------------------------------------------------------------------------


def _named(name: str, words: str = "an invalid file name") -> Callable[[Scene], None]:
    def defect(s: Scene) -> None:
        path = s.path(name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")

    return defect


for _title, _name, _words in (
    ("a_name_that_turns_the_direction", "data/media/\u202egpj.exe", "\\x202egpj.exe"),
    ("a_name_with_a_line_feed", "data/report.html\n", "an invalid file name"),
    ("a_name_that_drives_a_terminal", "data/x\x1b[2J\x1b[1;32mINTACT.txt", "\\x1b[2J"),
    ("a_letter_that_looks_the_same", "d\u0430ta/report.html", "an invalid file name"),
    ("a_stream_of_windows", "data/report.html:evil", "an invalid file name"),
    ("a_name_with_a_dot_at_its_end", "data/report.html.", "is listed in no"),
    ("a_manifest_of_another_kind", "manifest-md5.txt", "is listed in no"),
    ("a_folder_in_another_case", "Data/report.html", "only in case"),
):
    _defect = _named(_name)
    _defect.__name__ = _title
    outside(words=_words)(_defect)


@outside(words="an invalid file name: data/photo-\\xdcff\\xdcfe.jpg")
def a_name_that_is_no_text(s: Scene) -> None:
    Path(os.fsdecode(os.fsencode(s.path("data")) + b"/photo-\xff\xfe.jpg")).write_bytes(b"x")


@outside(words="an invalid file name")
def two_spellings_of_a_letter(s: Scene) -> None:
    s.path("data/caf\u00e9.txt").write_bytes(b"x")
    s.path("data/cafe\u0301.txt").write_bytes(b"y")


@outside(words="a link or a special file")
def a_socket(s: Scene) -> None:
    short = s.scratch / "s"  # the address of a socket is short
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(short))
    shutil.move(short, s.path("data/s"))


# -- what is no change ---------------------------------------------------------------------------------------


@outside(INTACT, words="an empty folder that no list knows: data/THE-VIDEO-I0001-WAS-STAGED")
def an_empty_folder(s: Scene) -> None:
    s.path("data/THE-VIDEO-I0001-WAS-STAGED").mkdir()


@outside(INTACT)
def a_hard_link(s: Scene) -> None:
    path = s.one("data/media/*.png")
    shutil.copy(path, s.scratch / "photo")
    path.unlink()
    os.link(s.scratch / "photo", path)


@outside(INTACT)
def times_that_were_lost(s: Scene) -> None:
    for path in s.package.rglob("*"):
        if path.is_file():
            os.utime(path, (315_532_800, 315_532_800))
            path.chmod(0o777)


@outside(INTACT)
def another_name_of_the_folder(s: Scene) -> None:
    s.package = s.package.rename(s.package.with_name("evidence (1)"))


# -- what happens on the way ---------------------------------------------------------------------------------


def _left(name: str) -> Callable[[Scene], None]:
    def defect(s: Scene) -> None:
        path = s.path(name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"\0\5\x16\7")

    return defect


for _title, _name in (
    ("opened_in_the_finder", ".DS_Store"),
    ("copied_by_a_mac", "data/._report.html"),
    ("pictures_shown_by_windows", "data/media/Thumbs.db"),
    ("zipped_by_a_mac", "__MACOSX/._almaty"),
):
    _defect = _left(_name)
    _defect.__name__ = _title
    outside(CANNOT_TELL, words="written by an operating system or another program: remove it and check again")(_defect)


@outside(words="is not what manifest-sha256.txt says")
def left_behind_and_tampered(s: Scene) -> None:
    """The check goes on with the rest."""
    s.path(".DS_Store").write_bytes(b"x")
    s.replace("data/report.html", b"<", b"< ")


TEXTS = (".txt", ".csv", ".json", ".jsonl", ".html", ".py", ".note")


def _with_other_line_ends(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))


@outside(CANNOT_TELL, words="line ends were changed on the way")
def every_text_with_other_line_ends(s: Scene) -> None:
    for path in s.package.rglob("*"):
        if path.suffix in TEXTS:
            _with_other_line_ends(path)


@outside(CANNOT_TELL, words="line ends were changed on the way, in README.txt")
def a_text_with_other_line_ends(s: Scene) -> None:
    _with_other_line_ends(s.path("README.txt"))


@outside(words="is not what manifest-sha256.txt says")
def other_line_ends_and_another_word(s: Scene) -> None:
    _with_other_line_ends(s.path("README.txt"))
    s.replace("data/report.html", b"<", b"< ")


# -- lists ---------------------------------------------------------------------------------------------------


def _relisted(name: str, change: Callable[[str], str]) -> Callable[[Scene], None]:
    def defect(s: Scene) -> None:
        path = s.path(name)
        path.write_bytes(change(path.read_bytes().decode()).encode())

    return defect


LISTED, TAGS = "manifest-sha256.txt", "tagmanifest-sha256.txt"
for _title, _list, _change in (
    ("a_name_in_percents", LISTED, lambda text: text.replace("data/report.html", "data/report%2Ehtml")),
    ("an_asterisk_before_a_name", LISTED, lambda text: text.replace("  data/report.html", " *data/report.html")),
    ("a_dot_before_a_name", LISTED, lambda text: text.replace("  data/report.html", "  ./data/report.html")),
    ("digests_in_capitals", TAGS, lambda text: re.sub(r"(?m)^[0-9a-f]+", lambda match: match[0].upper(), text)),
    ("a_list_with_other_line_ends", TAGS, lambda text: text.replace("\n", "\r\n")),
    ("a_list_with_vertical_tabs", TAGS, lambda text: text.replace("\n", "\x0b")),
    ("a_list_that_ends_in_a_line", TAGS, lambda text: text[:-1]),
    ("a_list_that_lists_itself", TAGS, lambda text: f"{text}{'0' * 64}  {TAGS}\n"),
):
    _defect = _relisted(_list, _change)
    _defect.__name__ = _title
    outside()(_defect)


@outside(INCOMPLETE, words="proofs/affidavit.txt")
def a_list_with_a_file_more(s: Scene) -> None:
    path = s.path(TAGS)
    path.write_text(f"{path.read_text()}{'0' * 64}  proofs/affidavit.txt\n")


@outside(words="manifest-sha256.txt")
def a_file_and_its_line_taken_out(s: Scene) -> None:
    s.path("data/report.html").unlink()
    path = s.path(LISTED)
    path.write_text("".join(line for line in path.read_text().splitlines(keepends=True) if "report.html" not in line))
