"""Telegram's public pages, kind by kind: small messages of our own making in the shape of its widgets."""

from __future__ import annotations

import base64
import html
import json
import random
import re
from typing import Any

import pytest

from spiders.html import by_class, decode, text_of, tree
from spiders.posts import Outcome, Post
from spiders.telegram.web.attachments import NOT_KNOWN, NOT_SHOWN, ONLY_IN_APP
from spiders.telegram.web.comments import parse_comments
from spiders.telegram.web.message import SERVICE_ONLY
from spiders.telegram.web.parse import parse
from spiders.telegram.web.spider import TelegramChannel
from tests.support.mutation import changed_bytes
from tests.support.soak import SOAK, seeded
from tests.support.telegram_widgets import (
    NOTICE,
    OWNER,
    embed,
    every_kind,
    in_group,
    message,
    notice,
    place_of_media,
    words,
)


def one(*inside: str, **how: Any) -> Post:
    parsed = parse(embed(message(*inside, **how)))
    assert all(line.agrees for line in parsed.census), [line for line in parsed.census if not line.agrees]
    [post] = parsed.posts
    return post


# -- who wrote it ----------------------------------------------------------------------------------------------------

REPLY = (
    '<a class="tgme_widget_message_reply" href="https://t.me/school_yard/6"><div class="tgme_widget_message_author">'
    '<span class="tgme_widget_message_author_name">Somebody Else</span></div>'
    '<div class="tgme_widget_message_text js-message_reply_text">before</div></a>'
)


@pytest.mark.parametrize(
    ("header", "author", "chat"),
    [
        (OWNER, ("school_yard", "School yard", "-1500000007"), None),
        (in_group("Dana K", "dana_k"), ("dana_k", "Dana K", None), ("school_yard", "School yard", "-1500000007")),
        (in_group("Deleted Account", None), (None, "Deleted Account", None), ("school_yard", "School yard", "-1500000007")),
        (in_group("School yard", "School_Yard", owner=False), ("school_yard", "School yard", "-1500000007"), None),
        ("", (None, None, None), ("school_yard", None, "-1500000007")),
    ],
)  # fmt: skip
@pytest.mark.parametrize("reply", ["", REPLY], ids=["alone", "reply"])
def test_a_group_is_not_the_author_of_what_is_written_in_it(
    header: str, author: tuple[str | None, ...], chat: tuple[str | None, ...] | None, reply: str
) -> None:
    post = one(header, reply, words("They came at noon."))
    assert (post.author_handle, post.author_name, post.author_id) == author
    said = tuple(post.extra.get(name) for name in ("chat_handle", "chat_name", "chat_id"))
    assert said == (chat or (None, None, None))
    assert (post.id, post.text) == ("school_yard/7", "They came at noon.")
    assert post.reply_to == ("school_yard/6" if reply else None)


def test_the_author_of_a_comment_is_not_whom_it_answers() -> None:
    page = embed(
        message(REPLY, words("so do I")), message(in_group("Dana K", "dana_k"), REPLY, words("I saw it"), number=8)
    )
    nobody, dana = parse_comments(page, None, "canteen/3").posts
    assert (nobody.author_handle, nobody.author_name) == (None, None)
    assert (dana.author_handle, dana.author_name, dana.author_id) == ("dana_k", "Dana K", None)


# -- what hangs on it ------------------------------------------------------------------------------------------------

FILE = "https://cdn4.telesco.pe/file/"
TGS = (
    f'<picture class="tgme_widget_message_tgsticker js-tgsticker_image"><source type="application/x-tgsticker" '
    f'srcset="{FILE}a.tgs?token=1"><img src="data:image/svg+xml;base64,PHN2Zy8+"></picture>'
)


@pytest.mark.parametrize(
    ("medium", "kind", "url", "extra"),
    [
        (TGS, "sticker", f"{FILE}a.tgs?token=1", {"media_type": "application/x-tgsticker"}),
        (f'<i class="tgme_widget_message_sticker js-sticker_image" data-webp="{FILE}a.webp"></i>', "sticker", f"{FILE}a.webp", {}),
        (
            f'<div class="tgme_widget_message_videosticker js-videosticker"><video class="js-videosticker_video" src="{FILE}a.webm">'
            f'<img src="{FILE}a.webp"></video></div>', "sticker", f"{FILE}a.webm", {},
        ),
        ('<picture class="tgme_widget_message_tgsticker"></picture>', "sticker", None, {}),
        # Elements of kinds that nobody here has seen yet.
        (f'<div class="tgme_widget_message_hologram"><video src="{FILE}h.mp4"></video></div>', "unknown", f"{FILE}h.mp4", {}),
        (f'<a class="tgme_widget_message_hologram" style="background-image:url(\'{FILE}h.jpg\')"></a>', "unknown", f"{FILE}h.jpg", {}),
        (f'<div class="tgme_widget_message_hologram"><img srcset="{FILE}h.jpg 2x"></div>', "unknown", f"{FILE}h.jpg", {}),
        ('<div class="tgme_widget_message_hologram"><div>turn it</div></div>', "unknown", None, {}),
    ],
)  # fmt: skip
def test_each_medium_is_listed(medium: str, kind: str, url: str | None, extra: dict[str, Any]) -> None:
    post = one(OWNER, place_of_media(medium), words("look"))
    [item] = post.attachments
    assert (item.kind, item.url, item.post_id, item.extra) == (kind, url, "7", extra)
    if kind == "unknown":
        assert (post.outcome, item.reason) == (Outcome.PARTIAL, f"{NOT_KNOWN}: tgme_widget_message_hologram")
    else:
        assert (post.outcome, item.reason) == ((Outcome.CAPTURED, None) if url else (Outcome.PARTIAL, ONLY_IN_APP))
    assert post.reason == item.reason


VIDEO = (
    f'<a class="tgme_widget_message_video_player"><video src="{FILE}v.mp4"></video>'
    f"{notice('This media is not supported in your browser')}</a>"
)


@pytest.mark.parametrize(
    ("inside", "kinds"),
    [
        # The notice is the content, or stands in the place of a part of it …
        ([notice()], ["unknown"]),
        ([words("The whole film, 14 minutes."), notice()], ["unknown"]),
        ([f'<div class="media_not_supported_cont">{notice()}</div>', words("The film")], ["unknown"]),
        ([place_of_media(TGS), notice()], ["sticker", "unknown"]),
        # … or is hidden beside what the browser can show.
        ([place_of_media(TGS)], ["sticker"]),
        ([place_of_media(words("only words"))], []),
        ([VIDEO], ["video"]),
    ],
)
def test_what_is_shown_only_in_the_app_is_listed(inside: list[str], kinds: list[str]) -> None:
    post = one(OWNER, *inside)
    assert [item.kind for item in post.attachments] == kinds
    missing = [item for item in post.attachments if item.kind == "unknown"]
    assert all((item.url, item.reason, item.extra) == (None, NOT_SHOWN, {"said": NOTICE}) for item in missing)
    expected = (Outcome.PARTIAL, ONLY_IN_APP) if missing else (Outcome.CAPTURED, None)
    assert (post.outcome, post.reason) == expected


def test_a_service_message_of_a_group_is_called_one() -> None:
    post = one(in_group("School yard", "school_yard", owner=False), notice("Service message"))
    assert (post.extra["service"], post.text, post.attachments) == (True, None, ())
    assert (post.outcome, post.reason) == (Outcome.PARTIAL, SERVICE_ONLY)


def test_pictures_that_are_no_attachments() -> None:
    """Faces, letters, previews of links and of what is answered."""
    picture = f"style=\"background-image:url('{FILE}x.jpg')\""
    post = one(
        f'<div class="tgme_widget_message_user"><i class="tgme_widget_message_user_photo"><img src="{FILE}face.jpg"></i></div>', OWNER,
        f'<a class="tgme_widget_message_reply" href="https://t.me/school_yard/6"><i class="tgme_widget_message_reply_thumb" {picture}></i></a>',
        words(f'fire <i class="emoji" {picture}><b>🔥</b></i>'),
        f'<a class="tgme_widget_message_link_preview" href="https://e.org"><i class="link_preview_image" {picture}></i></a>',
        f'<div class="tgme_widget_message_reactions"><span class="tgme_reaction"><tg-emoji emoji-id="5"><img src="{FILE}r.webp"></tg-emoji>'
        "3</span></div>",
    )  # fmt: skip
    assert post.attachments == ()
    assert post.outcome is Outcome.CAPTURED


# -- links and buttons -----------------------------------------------------------------------------------------------


def test_links_buttons_and_the_bot_behind_a_message() -> None:
    asks = 'onclick="return confirm(1);"'
    post = one(
        '<div class="tgme_widget_message_author">via <a class="tgme_widget_message_via_bot" href="https://t.me/newsbot">@newsbot</a></div>',
        words(
            f'<a href="https://e.org/?a=1&amp;amp;b=2" {asks}>one</a> <a href="https://e.org/?c=3&amp;d=4">two</a> '
            '<a href="https://e.org/?literal=&amp;amp;">three</a> <a href="?q=%23tag">#tag</a>'
        ),
        '<div class="tgme_widget_message_inline_keyboard"><a class="tgme_widget_message_inline_button url_button" '
        f'href="https://e.org/film?x=1&amp;amp;y=2" {asks}><span class="tgme_widget_message_inline_button_text">The film</span></a>'
        '<span class="tgme_widget_message_inline_button">Vote</span></div>',
    )  # fmt: skip
    assert post.extra["links"] == ["https://e.org/?a=1&b=2", "https://e.org/?c=3&d=4", "https://e.org/?literal=&amp;"]
    assert post.extra["links_as_written"] == ["https://e.org/?a=1&amp;b=2"]
    assert post.extra["buttons"] == [{"text": "The film", "url": "https://e.org/film?x=1&y=2"}, {"text": "Vote"}]
    assert post.extra["via_bot_handle"] == "newsbot"


def test_the_signature_of_whom_it_is_forwarded_from() -> None:
    header = (
        '<div class="tgme_widget_message_forwarded_from">Forwarded from <span class="tgme_widget_message_forwarded_from_name">Yard news'
        '</span> (<span class="tgme_widget_message_forwarded_from_author">Editor B</span>)</div>'
    )
    post = one(OWNER, header, words("forwarded"))
    assert (post.forwarded_from, post.extra["forwarded_signature"]) == ("Yard news", "Editor B")


# -- the text --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("first<blockquote>second<br/>third</blockquote>fourth", "first\nsecond\nthird\nfourth"),
        ("run <b>on</b><pre>a\n  b</pre>then <code>c</code>", "run on\na\n  b\nthen c"),
        ("<p>one</p><p>two</p>three", "one\ntwo\nthree"),
        ("one\n      two <i>\n  three</i>\n<br/>\n  four\n", "one two three\nfour"),
        ("one\r\ntwo", "one two"),
        ("kept  blanks\u00a0 here<br/><br/>below", "kept  blanks\u00a0 here\n\nbelow"),
        ("before<!-- a note -->after<script>no</script> all", "beforeafter all"),
    ],
)
def test_the_text_is_broken_where_a_browser_breaks_it(markup: str, text: str) -> None:
    assert one(OWNER, words(markup)).text == text


def test_text_whose_own_line_ends_are_kept() -> None:
    document = tree(b"<html><body><div class='x'>one\n  two<blockquote>three</blockquote>four</div></body></html>")
    assert text_of(by_class(document, "x")[0]) == "one\n  two\nthree\nfour"
    assert text_of(by_class(document, "x")[0], folded=True) == "one two\nthree\nfour"


def test_formatting_is_kept_in_the_form_of_the_api() -> None:
    post = one(
        OWNER,
        words(
            '\n  🔥🔥 <tg-spoiler>a <b>name</b></tg-spoiler><blockquote expandable>said <i class="emoji"><b>😢</b></i></blockquote>'
            '<tg-emoji emoji-id="5345"><i class="emoji"><b>🤖</b></i></tg-emoji> <s></s><u>end</u>'
        ),
    )
    assert post.text == "🔥🔥 a name\nsaid 😢\n🤖 end"
    assert post.extra["entities"] == [
        {"kind": "spoiler", "offset": 5, "length": 6},
        {"kind": "bold", "offset": 7, "length": 4},
        {"kind": "blockquote", "offset": 12, "length": 7, "collapsed": True},
        {"kind": "custom emoji", "offset": 20, "length": 2, "document_id": "5345"},
        {"kind": "underline", "offset": 23, "length": 3},
    ]
    units = post.text.encode("utf-16-le")
    said = [units[item["offset"] * 2 :][: item["length"] * 2].decode("utf-16-le") for item in post.extra["entities"]]
    assert said == ["a name", "name", "said 😢", "🤖", "end"]


def test_several_texts_of_one_message() -> None:
    post = one(OWNER, words("above"), words("below"))
    assert (post.text, post.extra["captions"]) == ("above", [{"text": "above"}, {"text": "below"}])


def test_the_channel_of_the_page_is_read_from_its_own_mark() -> None:
    page = embed(message(OWNER, words("x")))
    assert parse(page).page["channel_id"] == -1500000007
    view = base64.urlsafe_b64encode(json.dumps({"c": "none"}).encode()).decode()
    [post] = parse(page.replace(b"data-view=", f'data-view="{view}" data-was='.encode())).posts
    assert post.author_id is None


# -- whatever may come -----------------------------------------------------------------------------------------------


@pytest.mark.thorough("mutations")
def test_changed_widgets_give_no_exception_and_nothing_that_they_do_not_say() -> None:
    source, page = random.Random(seeded(20261130)), every_kind()
    assert len(parse(page).posts) == 6
    for number in range(20000 if SOAK else 400):
        data = changed_bytes(page, source)
        text = decode(data).replace("\x00", "")
        once = html.unescape(text + re.sub(r"<[^>]*>", "", text))
        said = once + html.unescape(once) + " withheld"  # what stands in the place of a password in a link
        parsed = parse(data)
        assert parsed.posts or parsed.reason
        for post in parsed.posts:
            json.dumps(post.line())
            found = [post.author_handle, post.author_name, *(item.url for item in post.attachments)]
            found += [post.extra.get("via_bot_handle"), post.extra.get("chat_name"), *post.extra.get("links", [])]
            found += [value for button in post.extra.get("buttons", []) for value in button.values()]
            for value in (value for value in found if value):
                assert all(word in said for word in re.findall(r"\w{3,}", value)), (number, value)
            length = len((post.text or "").encode("utf-16-le", "surrogatepass")) // 2
            for item in post.extra.get("entities", []):
                assert 0 <= item["offset"] < item["offset"] + item["length"] <= length


# -- beside the posts ------------------------------------------------------------------------------------------------


def test_people_in_a_group_are_no_other_name_of_it() -> None:
    parsed = parse(embed(message(in_group("Dana K", "dana_k"), words("x"))))
    spider = TelegramChannel(link="https://t.me/s/school_yard")
    assert list(spider._renamed(parsed)) == []
    assert [noted.key for noted in TelegramChannel(link="https://t.me/s/old_yard")._renamed(parsed)] == [
        "name school_yard"
    ]


def test_what_a_landing_page_says_of_a_channel_is_kept() -> None:
    page = (
        b'<html><body><div class="tgme_page"><div class="tgme_page_title">School yard</div><div class="tgme_page_extra">12 345 '
        b'subscribers</div><div class="tgme_page_description">This channel cannot be<br>displayed.</div></div></body></html>'
    )
    parsed = parse(page)
    assert parsed.page["description"] == "This channel cannot be\ndisplayed."
    assert parsed.outcome is Outcome.REFUSED
