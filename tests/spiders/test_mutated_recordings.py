"""Real recordings, cut, reordered, with keys removed and types changed: no exception, nothing invented, nothing lost unnoticed."""

from __future__ import annotations

import base64
import contextlib
import html
import json
import os
import random
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from archiver.intake.read_posts import read_bytes
from archiver.recorder.content_coding import decode_body
from spiders.html import decode
from spiders.posts import Parsed, Post
from storage.errors import FormatError
from storage.warc import read_warc
from tests.support.mutation import changed_bytes, changed_value
from tests.support.soak import SOAK, seeded

pytestmark = pytest.mark.thorough("mutations")

CASES = int(os.environ.get("EVIDENCE_CASES", "20000" if SOAK else "60"))
LARGE = 120_000
"""Recordings above this many bytes are used at every fortieth turn: they take a tenth of a second each."""


@dataclass
class Recording:
    name: str
    data: bytes
    value: Any = None
    ids: set[str] = field(default_factory=set)


PLATFORMS: dict[str, tuple[list[str], str | None, Callable[[str], bytes]]] = {
    # where the recordings lie, the link they are read under, and how the bytes show that a post is there
    "telegram": (["telegram/embed/*.html", "telegram/web/**/*.html"], "https://t.me/s/x", lambda i: b'data-post="%s"' % i.encode()),
    "telegram's api": (["telegram/telethon/*.json"], None, lambda i: b"\0"),
    "x": (["twitter/**/*.json"], "https://x.com/i/api/graphql/q/Q", lambda i: b'"rest_id": "%s", "' % i.encode()),
    "youtube": (["youtube/html/*.html", "youtube/*/*.json"], None, lambda i: b'"videoId": "%s"' % i.encode()),
    "facebook": (["other/facebook/*.html"], "https://www.facebook.com/x/posts/1", lambda i: b'value="%s"' % i.encode()),
    "page": (["warc/*/*.warc.gz"], "https://page.example/x", lambda i: b"\0"),
}  # fmt: skip


def load(folder: Path, patterns: list[str], url: str | None) -> list[Recording]:
    found = []
    for pattern in patterns:
        for path in sorted(folder.glob(pattern)) if "*" in pattern else []:
            if ".expected." in path.name or path.stat().st_size > 1_200_000:
                continue
            if path.suffix == ".gz":
                found += [Recording(f"{path.name} {number}", data) for number, data in enumerate(pages(path))]
                continue
            data = path.read_bytes()
            value = None
            if path.suffix == ".json":
                try:
                    value = json.loads(data)
                except ValueError:
                    continue
                data = json.dumps(value).encode()
            one = Recording(path.name, data, value)
            one.ids = {post.id for parsed in parses(data, url) for post in parsed.posts if post.id}
            found.append(one)
    return found


def pages(path: Path) -> Iterator[bytes]:
    """HTML pages that others have archived, of a size that a page has."""
    with open(path, "rb") as stream:
        try:
            for record in read_warc(stream):
                data = (
                    record.stream.read()
                    if record.type == "response" and "html" in (record.http("content-type") or "")
                    else b""
                )
                body = decode_body(data, record.http("content-encoding"), 1 << 20)
                if body and 1000 < len(body) < LARGE:
                    yield body
        except (FormatError, OSError, ValueError, zlib.error):
            return


def parses(data: bytes, url: str | None) -> Iterator[Parsed]:
    for reading in read_bytes(data, url, "x"):
        yield reading.parsed


def said_in(data: bytes) -> str:
    """Everything that the bytes say, in every way in which a parser may read it."""
    text = decode(data).replace("\x00", "")
    parts = [text, html.unescape(text), html.unescape(re.sub(r"<[^>]*>", "", text))]
    try:
        value = json.loads(text)
        strings: list[str] = []
        collect(value, strings)
        parts += [*strings, "".join(strings)]
    except ValueError:
        parts += [html.unescape(text.encode().decode("unicode_escape", "replace"))]
        # JSON inside a page's script, with escapes of its own
        parts += [
            re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), text).replace('\\"', '"').replace("\\n", "\n")
        ]
    for view in set(re.findall(r"""data-view=["\']([\w-]+)""", text)):
        with contextlib.suppress(ValueError):
            parts.append(base64.urlsafe_b64decode(view + "=" * (-len(view) % 4)).decode("utf-8", "replace"))
    return "\n".join([*parts, re.sub(r"\s+", "", parts[2])])


def collect(value: Any, into: list[str], level: int = 0) -> None:
    if level > 300:
        return
    if isinstance(value, str):
        into.append(html.unescape(value))
        into.append(value)
    elif isinstance(value, dict):
        for inner in value.values():
            collect(inner, into, level + 1)
    elif isinstance(value, list):
        for inner in value:
            collect(inner, into, level + 1)


def invented(post: Post, said: str, url: str | None) -> list[str]:
    """Fields whose value the bytes (or the link that was asked for) do not hold."""
    found = []
    page = post.platform == "page"
    whole = (said + (url or "")).casefold()
    for name in ("id", "author_handle", "author_id", "author_name"):
        value = getattr(post, name)
        if value is None:
            continue
        # An id may be put together of a channel's name and a number; a name may have had its blanks collapsed. That
        # -100 before a number makes it a channel's is how Telegram's clients write it.
        bare = value.casefold().replace("comment", " ").removeprefix("-100")
        if not all(held(word, whole, page) for word in re.findall(r"\w{3,}", bare)):
            found.append(f"{name}={value!r}")
    # Scripts that are written without blanks have no words to look for; cells of a table may stand together.
    for word in re.findall(r"[A-Za-z]{4,}|[^\W\d_A-Za-z\u2e80-\uffff]{4,}", post.text or "")[:60]:
        if not held(word.casefold(), whole, page):
            found.append(f"text has {word!r}")
            break
    for name in ("views", "likes", "replies", "reposts", "quotes", "bookmarks"):
        count = getattr(post, name)
        if count is not None and count >= 10 and not number_said(count, whole):
            found.append(f"{name}={count}")
    return found


def held(word: str, whole: str, page: bool) -> bool:
    """Whether the bytes hold a word as it stands.

    Of pages the article finder drops punctuation and joins words where markup was cut: there a word may also stand in
    the bare letters, or be two words of at least four letters each. Platforms' own parsers get no such leave.
    """
    if word in whole:
        return True
    if not page:
        return False
    bare = re.sub(r"[\W_]+", "", whole)
    return word in bare or any(word[:at] in whole and word[at:] in whole for at in range(4, len(word) - 3))


def number_said(count: int, said: str) -> bool:
    plain = str(count)
    if (
        plain in said
        or f"{count:,}" in said
        or f"{count:,}".replace(",", ".") in said
        or f"{count:,}".replace(",", "\u00a0") in said
    ):
        return True
    for scale, letter in ((1000, "K"), (1_000_000, "M"), (10**9, "B")):
        for digits in (0, 1, 2):
            shown = f"{count / scale:.{digits}f}"
            if any(f"{shown}{gap}{letter}".casefold() in said for gap in ("", " ")):
                return True
    return False


def test_what_is_invented_is_found() -> None:
    """The check itself can fail: a word, a name and a count that the bytes do not hold."""
    said = "They fired from the roof of the school. 1,204 views by Aigul"
    assert (
        invented(
            Post(platform="x", id="1", author_name="Aigul", text="fired from the roof", views=1204), said + " 1", None
        )
        == []
    )
    for platform in ("x", "page"):
        assert invented(Post(platform=platform, id=None, text="they were fired upon"), said, None), platform
        assert invented(Post(platform=platform, id=None, author_name="Serik"), said, None), platform
        assert invented(Post(platform=platform, id=None, views=1999), said, None), platform
    assert invented(Post(platform="x", id=None, text="roofschool"), said, None), (
        "joined words are no words of a platform"
    )


@pytest.mark.parametrize("platform", PLATFORMS)
def test_mutated_recordings(recordings: Path, platform: str) -> None:
    patterns, url, marker = PLATFORMS[platform]
    known = load(recordings, patterns, url)
    small = [item for item in known if len(item.data) <= LARGE] or known
    large = [item for item in known if len(item.data) > LARGE] or small
    source = random.Random(f"{seeded(20261122)} {platform}")
    noticed = 0
    for number in range(CASES):
        one = (large if number % 40 == 0 else small)[number % len(large if number % 40 == 0 else small)]
        if one.value is not None and source.random() < 0.7:
            value = one.value
            for _ in range(source.randrange(1, 4)):
                value = changed_value(value, source)
            data = json.dumps(value).encode()
        else:
            data = changed_bytes(one.data, source)
        seen: set[str] = set()
        quiet = True
        said = ""
        for parsed in parses(data, url):
            assert parsed.posts or parsed.reason or parsed.page or parsed.hints, (
                f"{one.name} {number}: an empty success"
            )
            quiet = quiet and parsed.outcome is None and all(line.agrees for line in parsed.census)
            for post in parsed.posts:
                json.dumps(post.line())
                seen.add(post.id or "")
                said = said or said_in(data)
                assert not (wrong := invented(post, said, url)), f"{one.name} {number}: {wrong}"
        lost = [post_id for post_id in one.ids - seen if marker(post_id) in data]
        if lost and len(seen) < len(one.ids):  # one that is read under its other id is not lost
            noticed += 1
            if quiet:
                Path("/tmp/lost.json").write_bytes(data)
            assert not quiet, f"{one.name} {number}: {lost} were lost and nobody noticed"
    if platform == "telegram":
        assert noticed
