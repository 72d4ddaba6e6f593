"""Pages of X: as a browser showed them, as Twitter's servers wrote them, and FxTwitter's answers. On pages of our own."""

from __future__ import annotations

from typing import Any

import pytest

from spiders.posts import Availability, Outcome, Parsed, Post
from spiders.x.parse import parse
from tests.support import x_answers as made
from tests.support.x_answers import LINK, OTHER, POST, cell


def brief(post: Post) -> list[tuple[Any, ...]]:
    return [(item.kind, item.url, item.reason) for item in post.attachments]


def told(parsed: Parsed) -> list[tuple[Any, ...]]:
    return [(post.id, post.author_handle, post.text, post.reply_to) for post in parsed.posts]


def page(*cells: str, link: str = LINK) -> Parsed:
    return parse(made.rendered(*cells, link=link), link)


def words(text: str) -> str:
    return f'<div data-testid="tweetText">{text}</div>'


def test_each_post_of_a_rendered_conversation_has_its_own_id() -> None:
    """X puts above a post what it answers, and below it the answers, in groups with an empty cell between."""
    asked = made.article_tag(POST, "aigul_b", "Aigul 🕊️ B", made.TEXT, made.COUNTS)
    parsed = page(
        cell(made.article_tag("1", "asker", "Asker", words("did anyone see it?"))),
        cell(asked),
        cell(),
        cell(made.article_tag("3", "third", "Third", words("me too"))),
        cell(made.article_tag("4", "aigul_b", "Aigul 🕊️ B", words("where?"))),
        cell("<button>Show more replies</button>"),
        cell(made.article_tag("5", "fifth", "Fifth", words("after what is not shown"))),
        cell(),
        cell(made.article_tag("", "shop", "Shop", words("buy"))),
        cell("<h2>Discover more</h2>"),
        cell(),
        cell(made.article_tag("6", "sixth", "Sixth", words("something else"))),
    )
    assert told(parsed) == [
        ("1", "asker", "did anyone see it?", None),
        (POST, "aigul_b", "Fire 🔥 at the gate", "1"),
        ("3", "third", "me too", POST),
        ("4", "aigul_b", "where?", "3"),
        ("5", "fifth", "after what is not shown", None),
        (None, "shop", "buy", None),
        ("6", "sixth", "something else", None),
    ]
    post = parsed.posts[1]
    assert (post.author_name, post.lang) == ("Aigul 🕊️ B", "en")
    assert (post.replies, post.reposts, post.quotes, post.likes, post.bookmarks, post.views) == (7, 21, 3, 72, 6, 10091)
    assert post.published is not None
    assert post.published.text() == "2022-01-05T11:00:00Z"
    assert post.extra["reply_to_by"] == "place in the page"
    assert (parsed.outcome, all(line.agrees for line in parsed.census)) == (None, True)
    assert parsed.posts[5].outcome is Outcome.PARTIAL, "an advertisement has no link of its own"


def test_a_page_without_the_post_that_was_asked_for() -> None:
    parsed = page(cell(made.article_tag("1", "asker", "Asker", words("did anyone see it?"))))
    assert [post.id for post in parsed.posts] == ["1"]
    assert (parsed.outcome, parsed.reason) == (
        Outcome.PARTIAL, "the page shows posts, and not the one that was asked for",
    )  # fmt: skip


def test_a_quoted_post_is_not_the_post_that_quotes_it() -> None:
    parsed = page(cell(made.article_tag(POST, "aigul_b", "Aigul B", made.QUOTED)))
    assert told(parsed) == [(POST, "aigul_b", None, None), (OTHER, "other", "words of the other", None)]
    post, inner = parsed.posts
    assert (post.quoted_id, brief(post)) == (OTHER, [])
    assert brief(inner) == [("photo", "https://pbs.twimg.com/media/q.jpg", None)]
    assert inner.published is not None
    assert inner.published.text() == "2022-01-04T10:00:00Z"


READ = (
    '<div data-testid="twitterArticleReadView"><div data-testid="twitter-article-title">The bridge</div>'
    '<div data-testid="longformRichTextComponent"><div>At noon.</div><div>Then <img alt="🔥">.</div></div></div>'
)


@pytest.mark.parametrize(
    ("body", "title", "text", "reason"),
    [
        (READ, "The bridge", "At noon.\nThen 🔥.", None),
        ('<div data-testid="article-cover-image"></div>', None, None, "an article: the answer holds only its beginning"),
        (
            words("half…") + '<button data-testid="tweet-text-show-more-link">Show more</button>', None, "half…",
            "cut text: the page ends it with “show more”",
        ),
    ],
)  # fmt: skip
def test_long_texts_of_a_rendered_page(body: str, title: str | None, text: str | None, reason: str | None) -> None:
    [post] = page(cell(made.article_tag(POST, "aigul_b", "Aigul B", body))).posts
    assert (post.title, post.text, post.reason) == (title, text, reason)
    assert post.outcome is (Outcome.PARTIAL if reason else Outcome.CAPTURED)


def test_pixels_in_a_saved_page_are_no_link() -> None:
    body = '<div data-testid="tweetPhoto"><img src="data:image/png;base64,AA"></div><div data-testid="videoPlayer"><video></video></div>'
    [post] = page(cell(made.article_tag(POST, "aigul_b", "Aigul B", words("x") + body))).posts
    assert [(item.kind, item.url) for item in post.attachments] == [("photo", None), ("video", None)]
    assert all(item.reason for item in post.attachments)
    assert post.outcome is Outcome.PARTIAL


def test_counts_by_the_buttons_where_the_page_is_not_english() -> None:
    buttons = (
        '<div role="group" aria-label="7 réponses, 72 J’aime"><button data-testid="reply" aria-label="7 réponses. Répondre"></button>'
        '<button data-testid="unlike" aria-label="72 J’aime. Aimé"></button><button data-testid="retweet" aria-label="1.2K reposts"></button>'
        '<button data-testid="bookmark" aria-label="Signet"></button><a href="/a/status/1/analytics" aria-label="Vues : 10091"></a></div>'
    )
    [post] = page(cell(made.article_tag(POST, "aigul_b", "Aigul B", words("x"), buttons))).posts
    assert (post.replies, post.likes, post.views, post.reposts, post.bookmarks) == (7, 72, 10091, None, None)


def test_what_x_says_in_place_of_a_post_on_a_rendered_page() -> None:
    parsed = page(cell("<article><span>This Post is from a suspended account. Learn more</span></article>"))
    assert [(post.id, post.outcome) for post in parsed.posts] == [(POST, Outcome.UNAVAILABLE)]


def test_a_head_with_its_time() -> None:
    meta = (
        f'<meta property="og:url" content="{LINK}"><meta property="og:title" content="Aigul B (@aigul_b) on X">'
        '<meta property="og:description" content="at the square">'
    )
    time = '<meta property="article:published_time" content="2022-01-05T11:00:00.000Z">'
    [with_time] = parse(f"<html><head>{meta}{time}</head></html>".encode(), LINK).posts
    assert with_time.published is not None
    assert with_time.published.text() == "2022-01-05T11:00:00Z"
    assert with_time.reason == "the page's head only: it may leave files out"
    [without] = parse(f"<html><head>{meta}</head></html>".encode(), LINK).posts
    assert (without.published, without.reason) == (
        None,
        "the page's head only: it gives no time, and may leave files out",
    )


def test_a_page_of_twitters_servers() -> None:
    parsed = parse(made.SERVER, LINK)
    assert (parsed.layout, parsed.outcome, parsed.page) == ("x/server-page", None, {"promoted": 1})
    assert all(line.agrees for line in parsed.census)
    post, inner = parsed.posts
    assert (post.id, post.author_handle, post.author_name, post.author_id) == (POST, "aigul_b", "Aigul B", "150")
    assert (post.text, post.lang) == ("Fire 🔥 https://ward.example/a/long/list", "en")
    assert post.published is not None
    assert post.published.text() == "2012-01-05T11:00:00Z"
    assert (post.likes, post.reposts, post.replies, post.quoted_id) == (0, 4, None, OTHER)
    assert brief(post) == [("photo", "https://pbs.twimg.com/media/p.jpg", None)]
    assert post.extra == {
        "conversation_id": OTHER, "mentions": ["other"], "links": ["https://ward.example/a/long/list"],
    }  # fmt: skip
    assert (inner.id, inner.author_handle, inner.text, inner.outcome) == (
        OTHER, "other", "words of the other", Outcome.PARTIAL,
    )  # fmt: skip


def test_a_quoted_text_on_a_server_page_is_not_the_posts_own() -> None:
    start, end = made.SERVER.index(b'<p class="js-tweet-text'), made.SERVER.index(b'<div class="QuoteTweet-inner')
    post, inner = parse(made.SERVER[:start] + made.SERVER[end:], LINK).posts
    assert (post.text, post.reason) == (None, "unknown layout: no text of the post")
    assert inner.text == "words of the other"


def test_a_time_that_the_page_shows_without_its_zone() -> None:
    [post, _] = parse(made.SERVER.replace(b'data-time="1325761200"', b""), LINK).posts
    assert post.published is not None
    assert (post.published.value, post.published.literal) == (None, "5:00 PM - 5 Jan 2012")
    assert post.published.earliest is not None
    assert str(post.published.earliest) == "2012-01-05 03:00:00+00:00"


def test_a_layout_that_is_not_known_is_not_an_empty_page() -> None:
    parsed = parse(b'<html><body><div data-tweet-id="7"><p>words</p></div></body></html>', LINK)
    assert (parsed.posts, parsed.outcome) == ((), Outcome.PARTIAL)
    assert "unknown layout: the page names posts" in (parsed.reason or "")
    assert not all(line.agrees for line in parsed.census)


@pytest.mark.parametrize(
    ("data", "value", "outcome"),
    [(made.MOBILE, None, Outcome.PARTIAL), (made.BEFORE_2012, "2012-01-05T11:00:00Z", Outcome.CAPTURED)],
)
def test_twitters_other_server_pages(data: bytes, value: str | None, outcome: Outcome) -> None:
    [post] = parse(data, LINK).posts
    assert (post.id, post.author_handle, post.author_name, post.text) == (POST, "aigul_b", "Aigul B", "at the square")
    assert post.published is not None
    assert (post.published.text(), post.outcome) == (value, outcome)


def test_an_answer_of_fxtwitter() -> None:
    parsed = parse(made.FXTWITTER)
    post, inner = parsed.posts
    assert (post.id, post.author_id, post.reply_to, post.quoted_id, post.likes) == (POST, "150", OTHER, "7", 0)
    assert brief(post) == [("video", "https://video.twimg.com/31/a.mp4", None), ("poll", None, None)]
    assert (inner.id, inner.text) == ("7", "words")
    assert parsed.absence is not None
    assert parsed.absence.state is Availability.UNKNOWN, "a tool's word is not X's"
