"""What parsers hand on."""

from __future__ import annotations

import json

import pytest

from spiders.facebook.parse import parse as parse_facebook
from spiders.page.parse import parse as parse_page
from spiders.posts import Attachment, Parsed, Post

WORDS = "https://bob:hunter2@one.example/ is what I was given"


@pytest.mark.parametrize("name", ["bob:hunter2@", "hunter2@", "bob:hunter2%40", "bob:hunter2＠"])
def test_links_are_handed_on_without_passwords(name: str) -> None:
    link, shown = f"https://{name}one.example/a", "https://withheld@one.example/a"
    post = Post(
        platform="x", id="1", url=link, reply_to=link, text=WORDS,
        attachments=(Attachment("photo", link, thumbnail=link, extract_from=link, extra={"original": link}),),
        extra={"links": [link], "preview": {"url": link, "title": WORDS}, "pair": ("a", link)},
    )  # fmt: skip
    assert (post.url, post.reply_to, post.text) == (shown, shown, WORDS), "the words of people stay"
    assert post.extra == {"links": [shown], "preview": {"url": shown, "title": WORDS}, "pair": ("a", shown)}
    [file] = post.attachments
    assert (file.url, file.thumbnail, file.extract_from, file.extra) == (shown, shown, shown, {"original": shown})
    assert Parsed(platform="x", layout="x", page={"website": link}).page == {"website": shown}


@pytest.mark.parametrize("name", ["bob:hunter2@", "hunter2@", "bob:hunter2%40"])
@pytest.mark.parametrize("site", [True, False])
def test_what_a_page_says_of_itself_names_no_password(name: str, site: bool) -> None:
    link = f"https://{name}one.example/a"
    head = f'<link rel="canonical" href="{link}"><meta property="og:url" content="{link}">'
    head += f'<meta property="og:site_name" content="{link}">' if site else ""
    page = (
        f"<html><head><title>A page</title>{head}</head><body><article><p>{'Words. ' * 40}</p></article></body></html>"
    )
    for parsed in (parse_page(page.encode(), "https://one.example/b"), parse_facebook(page.encode())):
        assert "hunter2" not in json.dumps([[post.line() for post in parsed.posts], parsed.page])
    [post] = parse_page(page.encode(), "https://one.example/b").posts
    assert post.extra["canonical"] == "https://withheld@one.example/a"
