"""What two captures say differently, as text and as a page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.casework.diff import words
from tests.conftest import Shell, World, need
from tests.support.axe import violations

POST = "https://t.me/ozen_today/12"


@pytest.fixture
def pair(shell: Shell, world: World) -> Iterator[tuple[str, str]]:
    """Two captures of a post that was edited in between, with something in it that is no markup."""
    channel = world.telegram.channels["ozen_today"]
    before = list(channel.posts)
    first = str(shell.json("capture", POST)[1][0]["capture"])
    channel.posts[:] = [
        replace(post, text="Video from the <b>square</b> &lt;script&gt;alert(1)&lt;/script&gt;", views=19000)
        if post.id == 12
        else post
        for post in before
    ]
    second = str(shell.json("capture", POST)[1][0]["capture"])
    yield first, second
    channel.posts[:] = before


def test_a_mirror_s_copy_is_said_to_be_one(shell: Shell, tmp_path: Path) -> None:
    link = "https://nitter.net/ozen_today/status/1478660000000000017"
    one, other = (str(shell.json("capture", link)[1][0]["capture"]) for _ in range(2))
    page = tmp_path / "diff.html"
    code, out, _ = shell("diff", one, other, "--html", str(page))
    assert (code, out.count("(a mirror's copy, not the platform's)")) == (0, 2)
    assert page.read_text().count("a mirror&#39;s copy, not the platform&#39;s") == 2
    _, [found] = shell.json("diff", one, other)
    assert found["mirror"] == [one, other]


@given(st.text(), st.text())
def test_both_texts_can_be_read_out_of_the_difference(before: str, after: str) -> None:
    found = words(before, after)
    kept = (
        "".join(piece for how, piece in found if how != "new"),
        "".join(piece for how, piece in found if how != "gone"),
    )
    import re

    pieces = re.compile(r"\s+|\w+|[^\w\s]")
    assert kept == ("".join(pieces.findall(before)), "".join(pieces.findall(after)))
    assert kept == (before, after)


def test_an_edit_is_shown(shell: Shell, pair: tuple[str, str]) -> None:
    for one, other in (pair, pair[::-1]):
        code, out, _ = shell("diff", one, other[-8:])
        assert code == 0
        assert "alert(1)" in out
        assert "{+" in out
        assert "views: 18400 → 19000" in out
        assert out.index(pair[0]) < out.index(pair[1]), "the earlier one first"
    code, [line] = shell.json("diff", *pair)
    (post,) = line["posts"]  # type: ignore[misc]
    assert {one["field"] for one in post["changes"]} >= {"text", "views"}  # type: ignore[index]
    code, out, _ = shell("diff", pair[0], pair[0])
    assert "1 post the same in both" in out


def test_the_page_in_a_browser(shell: Shell, pair: tuple[str, str], tmp_path: Path) -> None:
    chromium = need("chromium")
    from playwright.sync_api import sync_playwright

    path = tmp_path / "diff.html"
    assert shell("diff", *pair, "--html", str(path))[0] == 0
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 390, "height": 900}, bypass_csp=True)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        assert "alert(1)" in page.inner_text("ins >> nth=-1") or "alert" in page.inner_text(".words")
        assert page.locator("del").count() >= 1
        assert asked == [path.as_uri()], "it asks nobody for anything"
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        browser.close()


def test_what_is_quarantined_is_not_shown(shell: Shell, pair: tuple[str, str]) -> None:
    assert shell("quarantine", pair[0], "a child")[0] == 0
    code, out, _ = shell("diff", *pair)
    assert code == 0
    assert "square" not in out
    assert "views" not in out


def test_two_that_have_nothing_in_common(shell: Shell, pair: tuple[str, str]) -> None:
    other = str(shell.json("capture", "https://t.me/ozen_today/20")[1][0]["capture"])
    code, _, err = shell("diff", pair[0], other)
    assert code == 1
    assert "the same link" in err
    assert shell("diff", pair[0], "nothing")[0] == 1
