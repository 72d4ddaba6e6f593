"""A platform is one folder and one line: the shape of each of ours, and one more that is added without touching `archiver/`."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest

from archiver.capture.support import unsupported, walked
from archiver.demo.media import picture
from archiver.demo.server import Answer, Asked, Platforms
from archiver.home.home import Home
from archiver.intake.read_posts import read_bytes
from spiders import settings
from spiders.availability import KINDS
from spiders.link_forms import NoTarget, Target
from spiders.platform import Needed, ParserUse, Platform, SpiderUse, imported
from spiders.platforms import PLATFORMS, platform_named
from spiders.posts import Parsed
from spiders.targets import parse_target
from tests.conftest import Shell
from tests.support.toy_platform.platform import TOY

EVERY = (*PLATFORMS, TOY)
JUNK = (
    b"", b"\x00\xff", b"<", b"{", b"[]", b"{}", b"null", b'"x"', b"[[[[", b'{"data":[1],"notes":[2]}', b"\xef\xbb\xbf{}",
    b"<html><title>x</title><div class='js-widget_message' data-post='a/1'>", b"<feed xmlns:yt='x'><entry/></feed>",
    b"WEBVTT\n\n00:00 --> x", "ü".encode("utf-16"), b"<html id='facebook'>" + b"<div>" * 2000,
)  # fmt: skip
UNKNOWN_KINDS = {
    # Kinds that say nothing of a thing's presence, on purpose.
    "deleted, or not shared with everybody", "not playable", "upcoming or offline", "the account used is suspended",
    "needs scripts",
}  # fmt: skip
OFFERED = {
    "comments", "holes", "quick", "follow", "limited", "thread", "clock", "cookies", "query_ids", "features", "enough",
    "cursor", "since", "until",
}  # fmt: skip


def spiders_of(platform: Platform) -> list[SpiderUse]:
    uses = [use for kind in platform.kinds.values() for use in (kind.capture, kind.walk and kind.walk.use) if use]
    return list(dict.fromkeys(uses))


def parsers_of(platform: Platform) -> list[ParserUse]:
    answers = platform.answers
    return [use for use in (answers.parse, answers.parse_json) if use]


@pytest.mark.parametrize("platform", EVERY, ids=lambda platform: platform.name)
class TestEachPlatform:
    """The shape of a folder, held by whoever adds one."""

    def test_the_folder_has_its_parts(self, platform: Platform) -> None:
        room = "tests.support.toy_platform" if platform is TOY else f"spiders.{platform.name}"
        assert import_module(f"{room}.links").FORMS is platform.links
        assert import_module(f"{room}.absence").WORDINGS is platform.wordings
        assert import_module(f"{room}.platform")
        named = [use.spider for use in spiders_of(platform)] + [use.parser for use in parsers_of(platform)]
        assert named
        assert all(name.startswith(f"{room}.") for name in named), "what a platform needs lies in its folder"

    def test_its_spiders_take_what_the_table_says(self, platform: Platform) -> None:
        for use in spiders_of(platform):
            spider = imported(use.spider)
            assert use.spider.partition(":")[0] in settings.SPIDER_MODULES or platform is TOY
            taken = {name for base in spider.__mro__ for name in inspect.signature(base.__init__).parameters}
            assert {"link", "target", *use.takes} <= taken
            assert set(use.takes) <= OFFERED
            assert spider.name.startswith(platform.name)

    def test_its_parsers_are_total(self, platform: Platform) -> None:
        for use in parsers_of(platform):
            for data in JUNK:
                parsed = imported(use.parser)(data, None, **dict.fromkeys(use.takes))
                assert isinstance(parsed, Parsed)
                assert parsed.posts or parsed.reason or parsed.outcome is None, data
                json.dumps([post.line() for post in parsed.posts])
        if (is_json := platform.answers.is_json) is not None:
            for value in (None, 1, "x", [], [None], {}, {"data": None}, {"messages": [1]}):
                assert imported(is_json)(value) is False, value

    def test_its_wordings_are_data_with_a_source(self, platform: Platform) -> None:
        for table in platform.wordings:
            assert table.place
            assert table.source
            assert table.rows
            assert len({row.mark for row in table}) == len(table.rows)
            for row in table:
                assert row.kind is None or row.kind in KINDS or row.kind in UNKNOWN_KINDS, row

    def test_every_kind_promises_something(self, platform: Platform) -> None:
        for kind in platform.kinds.values():
            assert {Needed.POST, Needed.DOCUMENT, Needed.END} & set(kind.needs)
            assert Needed.END in kind.walk_needs
            assert Needed.FILES in kind.needs

    def test_its_promise_is_kept_by_what_it_asks(self, platform: Platform) -> None:
        assert platform.promise.first_tags
        assert platform.promise.whole_layouts
        for name, kind in platform.kinds.items():
            assert not (kind.embeddable and kind.capture is None), name
        if platform.known_post is not None:
            target = parse_target(platform.known_post) if platform is not TOY else toy_target(platform.known_post)
            assert isinstance(target, Target)
            assert target.platform == platform.name
            assert platform.kind(target.kind).capture is not None


def toy_target(link: str) -> Target | NoTarget:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("spiders.platforms.PLATFORMS", EVERY)
        return parse_target(link)


def test_a_name_that_the_table_does_not_have_is_a_page_like_any() -> None:
    assert platform_named("vimeo").name == "page"
    assert len({platform.name for platform in EVERY}) == len(EVERY)


def test_recognising_a_link_imports_nothing_heavy() -> None:
    """Every start of the program that meets a link pays for it."""
    said = (
        "import sys, spiders.targets; print(*sorted({'scrapy', 'lxml', 'telethon', 'trafilatura'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""


# -- a platform that is added ------------------------------------------------------------------------------------


class Toy:
    """The toy's server. `notes`: path → answer."""

    def __init__(self) -> None:
        self.notes: dict[str, dict[str, object]] = {}

    def __call__(self, asked: Asked) -> Answer:
        if asked.path == "/picture.png":
            return Answer(200, "image/png", picture())
        value = self.notes.get(asked.path)
        if value is None:
            return Answer(404, "application/json", b"{}")
        return Answer(200, "application/json", json.dumps(value).encode())


NOTE = {"id": "anna/1", "text": "At the square", "picture": "https://toy.example/picture.png", "riddle": "What is it?"}


@pytest.fixture
def toy() -> Toy:
    made = Toy()
    made.notes["/anna/1"] = {"notes": [NOTE]}
    made.notes["/anna/2"] = {"notes": [{"id": "anna/2", "text": "Later"}]}
    made.notes["/anna"] = {"notes": [{"id": "anna/1"}, {"id": "anna/2"}]}
    return made


@pytest.fixture
def archiver(
    home: Home, toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Shell]:
    """The commands, with one more line in the table."""
    monkeypatch.setattr("spiders.platforms.PLATFORMS", (*PLATFORMS, TOY))
    served = Platforms(tmp_path / "served", {"toy.example": toy})
    try:
        yield Shell(home.path, served, capsys)  # type: ignore[arg-type]
    finally:
        served.stop()


def inventory(shell: Shell, result: dict[str, object]) -> dict[str, dict[str, object]]:
    folder = next(shell.home.rglob(f"{result['capture']}"))
    lines = [json.loads(line) for line in (folder / "inventory.jsonl").read_text().splitlines()]
    return {line["key"]: line for line in lines if "key" in line and "outcome" in line}


def test_a_note_is_captured_and_keeps_its_promise(archiver: Shell) -> None:
    code, [result] = archiver.json("capture", "toy.example/anna/1")
    assert (code, result["target"], result["outcome"]) == (0, "toy:note:anna/1", "captured")
    ended = inventory(archiver, result)
    assert (ended["post anna/1 #0"]["outcome"], ended["post anna/1 #1"]["outcome"]) == ("captured", "captured")
    assert ended["post anna/1 #1"]["reason"] == "in the page itself"


def test_without_that_promise_the_same_note_is_not_whole(archiver: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    other = replace(TOY, promise=replace(TOY.promise, told=frozenset()))
    monkeypatch.setattr("spiders.platforms.PLATFORMS", (*PLATFORMS, other))
    code, [result] = archiver.json("capture", "https://toy.example/anna/1")
    assert (code, result["outcome"]) == (2, "partial")


@pytest.mark.parametrize(
    ("notice", "code", "outcome"),
    [
        ("This note was erased by its writer.", 3, "unavailable"),
        ("For members of the board.", 3, "refused"),
        ("Slow down, please.", 4, "blocked"),
        ("Something that it never said before", 2, "partial"),
    ],
)
def test_its_own_wordings_decide(archiver: Shell, toy: Toy, notice: str, code: int, outcome: str) -> None:
    toy.notes["/anna/1"] = {"notice": notice}
    said, [result] = archiver.json("capture", "https://toy.example/anna/1")
    assert (said, result["outcome"]) == (code, outcome)


def test_what_its_server_answers_to_the_first_request_is_the_reason(archiver: Shell, toy: Toy) -> None:
    del toy.notes["/anna/1"]
    code, [result] = archiver.json("capture", "https://toy.example/anna/1")
    assert (code, result["outcome"], result["reason"]) == (3, "unavailable", "not found (HTTP 404)")


def test_a_board_is_walked_and_each_note_captured(archiver: Shell) -> None:
    code, results = archiver.json("crawl", "https://toy.example/anna")
    assert code == 0
    found = sorted(str(result["target"]) for result in results if "target" in result)
    assert found == ["toy:board:anna", "toy:note:anna/1", "toy:note:anna/2"]


def test_a_board_is_not_captured_as_one_note(archiver: Shell) -> None:
    code, [result] = archiver.json("capture", "https://toy.example/anna")
    assert (code, result["outcome"]) == (2, "skipped"), "nothing was captured, so the exit code is not that of success"
    assert "a whole board: archiver crawl" in str(result["reason"])


@pytest.mark.usefixtures("archiver")
def test_its_files_are_read_by_its_parser() -> None:
    body = json.dumps({"notes": [NOTE]}).encode()
    for url in ("https://toy.example/anna/1", None):
        [reading] = read_bytes(body, url, "a file")
        assert (reading.parsed.platform, reading.parsed.parser) == ("toy", "toy/1")


def test_a_link_of_another_platform_beside_those_by_account() -> None:
    """An account is Telegram's: it once took a link of another platform for one that the account should walk."""
    for link in ("https://www.youtube.com/watch?v=jNQXAC9IVRw", "https://x.com/jack", "https://example.org/a"):
        target = parse_target(link)
        assert isinstance(target, Target)
        assert unsupported(target, account=True) == unsupported(target)
        assert walked(target, True) == walked(target, False)


def test_the_table_of_promises_is_made_from_the_data() -> None:
    code = "import runpy; print(runpy.run_path('scripts/platforms_page.py')['made'](), end='')"
    root = Path(__file__).resolve().parents[2]
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert ran.stdout == (root / "docs" / "reference" / "platforms.md").read_text("utf-8"), "run make man"
