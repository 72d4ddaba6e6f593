"""What a program behind the recorder hands over: trusted in nothing, lost in nothing, claimed by its spider."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.capture import item_channel
from archiver.capture.inventory import Inventory
from archiver.capture.item_messages import ItemMessage, NotUnderstood, read_item, read_message
from archiver.capture.options import CaptureOptions
from archiver.capture.result import CaptureResult
from archiver.capture.verdict import NOTHING_READ, ProgramRun, Statement, of_program
from archiver.home.home import Home
from archiver.recorder.proxy import Recorder
from spiders.items import Noted, Seen
from spiders.posts import Outcome, Parsed, Post
from spiders.targets import page
from storage.catalog_rows import insert_posts
from storage.lines import read_lines
from tests.conftest import World
from tests.support.engines import capture_engine

PAGE = "https://blog.ozen.example/2011/12/17/square"
SPIDER = {"type": "spider", "name": "articles"}
END = {"type": "end", "reason": "finished", "errors": 0, "dropped": 0, "first": None}


def item(number: int = 1, kind: str = "builtins.dict", **fields: Any) -> dict[str, Any]:
    return {"type": "item", "number": number, "class": kind, "item": fields}


Program = Callable[[str, Path], Awaitable[int]]
Record = Callable[[Program], CaptureResult]


@pytest.fixture
def record(home: Home, world: World, open_recorder: Callable[..., Recorder]) -> Record:
    engine = capture_engine(home, open_recorder(network=world.network))

    def run(program: Program) -> CaptureResult:
        async def whole() -> CaptureResult:
            try:
                return await engine.record(page("https://record.invalid/x"), CaptureOptions(), program)
            finally:
                await engine.close()

        return asyncio.run(whole())

    return run


async def fetch(proxy: str, link: str = PAGE) -> None:
    """Ask for one page, as a program does that honours proxy settings."""
    import base64
    from urllib.parse import urlsplit

    parts = urlsplit(proxy)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    token = base64.b64encode(f"{parts.username}:{parts.password}".encode()).decode()
    head = f"GET {link} HTTP/1.1\r\nHost: {urlsplit(link).netloc}\r\nProxy-Authorization: Basic {token}\r\n"
    writer.write(f"{head}archiver-tag: page\r\nConnection: close\r\n\r\n".encode())
    await reader.read()
    writer.close()


def sending(*pieces: bytes | dict[str, Any], code: int = 0) -> Program:
    """Make a program that fetches a page and writes these messages, or raw bytes."""

    async def program(proxy: str, items: Path) -> int:
        await fetch(proxy)
        _, writer = await asyncio.open_unix_connection(items)
        with contextlib.suppress(ConnectionError):  # the capture had enough
            for piece in pieces:
                writer.write(piece if isinstance(piece, bytes) else json.dumps(piece).encode() + b"\n")
                await writer.drain()
            writer.close()
            await writer.wait_closed()
        return code

    return program


def lines(home: Home, result: CaptureResult, name: str) -> list[dict[str, Any]]:
    return list(read_lines(home.path / result.folder / f"{name}.jsonl"))


def test_an_item_is_a_post_that_its_spider_claims(record: Record, home: Home) -> None:
    picture = "https://blog.ozen.example/static/square.jpg"
    told = {
        "url": PAGE,
        "title": "Алаң",
        "text": "two shots",
        "views": 12,
        "colour": ["red"],
        "published": "2011-12-17T16:40:00Z",
    }
    result = record(sending(SPIDER, item(**told, image_urls=[picture], lang=7), item(2, price=3.5), END))
    first, second = lines(home, result, "posts")
    assert first["claimed_by"] == {"spider": "articles", "class": "builtins.dict"}
    assert (first["title"], first["views"], first["published_at"]) == ("Алаң", 12, "2011-12-17T16:40:00Z")
    assert first["item"]["colour"] == ["red"], "what has no field of ours stays in the item"
    assert (first["lang"], first["not_read"]) == (None, ["lang"])
    page_record = next(
        line for line in lines(home, result, "records") if line["uri"] == PAGE and line["type"] == "response"
    )
    assert first["record"] == page_record["id"]
    assert (second["id"], second["text"], second["item"]) == (None, None, {"price": 3.5})
    assert (result.posts, result.kept["item"]) == (2, 1), "the first one's picture is not there"
    ended = {line["key"]: line for line in lines(home, result, "inventory") if line.get("outcome")}
    assert ended[f"post {PAGE} #0"]["outcome"] == "unavailable", "the capture asked for the file that the item names"
    assert (result.outcome, ended["spider articles"]["outcome"]) == (Outcome.PARTIAL, "captured")
    assert [found["url"] for found in home.catalog.find("shots")] == [PAGE]


def test_a_file_that_the_program_fetched_is_not_fetched_again(record: Record, home: Home) -> None:
    result = record(sending(SPIDER, item(id="1", file_urls=[PAGE]), END))
    assert (result.outcome, result.reason) == (Outcome.CAPTURED, None)
    [end] = [
        line for line in lines(home, result, "inventory") if line.get("key") == "post 1 #0" and line.get("outcome")
    ]
    assert (end["reason"], bool(end["record"])) == ("fetched by the program", True)
    assert [line["uri"] for line in lines(home, result, "records") if line["type"] == "response"] == [PAGE]


def test_the_same_item_twice_is_two_items(record: Record, home: Home) -> None:
    result = record(sending(SPIDER, item(id="1", text="a"), item(2, id="1", text="b"), END))
    assert [line["text"] for line in lines(home, result, "posts")] == ["a", "b"]
    assert (result.outcome, result.posts) == (Outcome.CAPTURED, 2)


OWN = Seen(
    "page",
    "page",
    PAGE,
    Parsed(platform="page", layout="page/html", posts=(Post(platform="page", id=PAGE, text="words"),)),
    final=True,
)


def test_an_item_of_our_own_spiders_fills_the_capture_as_ever(record: Record, home: Home) -> None:
    seen = item(kind="spiders.items.Seen", **asdict(OWN))
    noted = item(2, kind="spiders.items.Noted", key="n", kind_="", outcome="skipped", reason="r")
    noted["item"] = asdict(
        Noted("n", "linked", Outcome.SKIPPED, "captured on its own in this run", PAGE, page(PAGE), {})
    )
    result = record(sending(SPIDER, seen, noted, END))
    assert (result.outcome, result.reason) == (Outcome.CAPTURED, None)
    [post] = lines(home, result, "posts")
    assert post["claimed_by"]["spider"] == "articles"
    assert post["record"], "the exchange that it was read from"
    assert result.found == [], "nothing is captured because a child names it"
    [reason] = [
        line["reason"] for line in lines(home, result, "inventory") if line.get("key") == "n" and line.get("outcome")
    ]
    assert "captured on its own" not in reason


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        ((), NOTHING_READ),
        ((SPIDER, END), NOTHING_READ),
        ((SPIDER, item(title="x")), "spider articles: it broke off before its end"),
        ((SPIDER, item(title="x"), {**END, "errors": 2, "first": "KeyError: 'x'"}), "it raised an exception 2 times: KeyError: 'x'"),
        ((SPIDER, item(title="x"), {**END, "reason": "shutdown"}), "it was stopped: shutdown"),
        ((SPIDER, {"type": "unsent", "number": 1, "class": "a.B", "reason": "a value of builtins.bytes"}, END),
         "1 of 1 item not kept: the spider could not send it: a value of builtins.bytes"),
        ((SPIDER, item(views=1 << 60), END), "1 of 1 item not kept: it is not understood: it has a whole number of more than 53 bits"),
        ((SPIDER, item(kind="spiders.items.Seen", key=1), END), "1 of 1 item not kept: it is not understood"),
        ((b"not JSON\n",), "spider unknown: its items are not all here: a message that is not understood"),
        ((SPIDER, b'{"type":"item"}\n'), "a message that is not understood"),
        ((SPIDER, {**SPIDER, "name": "b"}), "messages in another order"),
        ((item(title="x"),), "messages in another order"),
        ((SPIDER, {**END, "more": 1}), "a message that is not understood"),
        ((SPIDER, b"x" * (item_channel.MOST_BYTES + 5000)), "a message of more than 1 MiB"),
        ((SPIDER, b'{"type":"item","number":1'), "its last message was cut off"),
        ((SPIDER, b'{"type":"item","number":1,"class":"c","item":{"a":' + b"[" * 5000 + b"]" * 5000 + b"}}\n"), ""),
        ((SPIDER, b'{"type":"item","number":1,"class":"c","item":{"a":NaN}}\n'), "a message that is not understood"),
        ((SPIDER, b'{"type":"item","number":1,"class":"c","item":{"a":"\\ud800"}}\n'), "a message that is not understood"),
    ],
)  # fmt: skip
def test_what_a_program_may_send_never_makes_a_capture_whole(
    pieces: tuple[Any, ...], said: str, record: Record, home: Home
) -> None:
    result = record(sending(*pieces))
    assert result.outcome is Outcome.PARTIAL
    assert said in str(result.reason)
    assert "a fault of ours" not in str(result.reason)


def test_a_spider_says_of_a_page_no_more_than_its_claim(record: Record) -> None:
    gone = asdict(OWN)
    gone["parsed"] |= {"outcome": "unavailable", "reason": "the post is not there", "posts": []}
    result = record(sending(SPIDER, item(kind="spiders.items.Seen", **gone), END))
    assert (result.outcome, result.reason) == (Outcome.PARTIAL, "the spider says: unavailable, the post is not there")


def test_more_messages_than_a_capture_takes_end_the_spider(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(item_channel, "MOST_MESSAGES", 20)
    result = record(sending(SPIDER, *(item(number, title=str(number)) for number in range(500)), END))
    assert "more than 20 messages" in str(result.reason)
    assert result.posts == 19, "what was sent before is kept"


def test_a_connection_that_stays_open_does_not_hold_the_capture(
    record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(item_channel, "LAST_SECONDS", 0.1)
    kept: list[Any] = []

    async def program(proxy: str, items: Path) -> int:
        await fetch(proxy)
        kept.extend(await asyncio.open_unix_connection(items))
        kept[1].write(json.dumps(SPIDER).encode() + b"\n")
        return 0

    assert "still open after the program had ended" in str(record(program).reason)


def test_only_its_user_reaches_the_socket_and_nothing_is_left_of_it(record: Record) -> None:
    seen: list[Path] = []

    async def program(proxy: str, items: Path) -> int:
        assert items.parent.stat().st_mode & 0o077 == 0
        seen.append(items.parent)
        await fetch(proxy)
        return 0

    record(program)
    assert not seen[0].exists()


# -- pure --------------------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 70), 1 << 70) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)  # fmt: skip
POST = [*sorted(Post(platform="page", id=None).line()), "image_urls", "guessed", "extra", "role", "salt"]


@given(st.dictionaries(st.sampled_from(POST), JSON, max_size=8), st.booleans())
def test_any_item_makes_a_line_that_the_catalog_takes_or_is_refused(fields: dict[str, Any], own: bool) -> None:
    if own:
        whole = asdict(OWN)
        whole["parsed"]["posts"] = [{"platform": "page", "id": None, **fields, "extra": fields, "guessed": fields}]
        message = ItemMessage(1, "spiders.items.Seen", whole)
    else:
        message = ItemMessage(1, "dict", fields)
    try:
        found = read_item(message)
    except NotUnderstood:
        return
    posts = found.own.parsed.posts if isinstance(found.own, Seen) else [found.post]
    connection = _catalog()
    try:
        insert_posts(connection, "c", [{**post.line(), "role": "target"} for post in posts if post is not None])
    finally:
        connection.rollback()


_MADE: list[Any] = []


def _catalog() -> Any:
    """An empty catalog, shared by all examples."""
    if not _MADE:
        import tempfile

        from storage.catalog import Catalog

        folder = tempfile.TemporaryDirectory()
        _MADE.extend([Catalog(Path(folder.name) / "c.sqlite"), folder])
        _MADE[0].database.conn.execute("PRAGMA foreign_keys = OFF")
    return _MADE[0].database.conn


@given(st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_line_is_a_message_or_not_understood(line: bytes) -> None:
    with contextlib.suppress(NotUnderstood):
        read_message(line)


def test_the_verdict_of_a_program() -> None:
    """Each rule in its order, by what is held alone."""
    run, said = ProgramRun(0, 2, 2), Statement()
    empty = Inventory(_Lines())
    assert of_program(empty, ProgramRun(0, 0, 0), said, None)[0] is Outcome.FAILED
    assert of_program(empty, ProgramRun(0, 2, 0), said, None) == (
        Outcome.FAILED, "nothing was recorded: no request of the program was answered",
    )  # fmt: skip
    assert of_program(empty, ProgramRun(3, 0, 0), said, None) == (Outcome.PARTIAL, "the program ended with exit code 3")
    assert of_program(empty, run, said, None) == (Outcome.PARTIAL, NOTHING_READ)
    assert of_program(empty, run, said, (Outcome.PARTIAL, "stopped")) == (Outcome.PARTIAL, "stopped")
    held = Inventory(_Lines())
    held.discover("post 1", "item", None, None)
    held.end("post 1", Outcome.CAPTURED, None)
    held.subjects.append("post 1")
    assert of_program(held, run, said, None) == (Outcome.CAPTURED, None)


class _Lines:
    def inventory(self, line: dict[str, Any], /) -> None:
        pass
