"""What X's parsers make of each thing that hangs on a post and stands around it: on inputs of our own making."""

from __future__ import annotations

import html
import json
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from spiders.json_access import load
from spiders.posts import Attachment, Availability, Outcome, Post
from spiders.x.graphql_queries import Query, query_url
from spiders.x.parse import is_x, parse
from tests.support import x_answers as made
from tests.support.mutation import changed_value
from tests.support.soak import SOAK, seeded
from tests.support.x_answers import LINK, OTHER, POST, card, graphql, node, status, syndication, v2


def one(data: bytes, url: str | None = LINK) -> Post:
    parsed = parse(data, url)
    return next(post for post in parsed.posts if post.id == POST)


def brief(post: Post) -> list[tuple[Any, ...]]:
    return [(item.kind, item.url, item.reason) for item in post.attachments]


# -- what hangs on a post ---------------------------------------------------------------------------------------------


def test_an_article_whole() -> None:
    post = one(graphql(node("https://t.co/a", article={"article_results": {"result": made.ARTICLE}})))
    assert (post.title, post.text) == (
        "What the ward saw", "12:40\nThe first wounded came on foot.\nbeds: 40\nThen the ambulances."
    )  # fmt: skip
    assert post.extra["full_text"] == "https://t.co/a", "the post's own words are kept too"
    assert post.extra["article"] == {
        "id": "777", "preview": "The first wounded came", "links": ["https://ward.example/list"], "posts": [OTHER],
    }  # fmt: skip
    reason = "the article shows media that the answer does not include"
    assert brief(post) == [
        ("photo", "https://pbs.twimg.com/media/c.jpg", None),
        ("photo", "https://pbs.twimg.com/media/i.jpg", None),
        ("video", "https://video.twimg.com/10/a.mp4", None),
        ("file", None, reason),
    ]
    assert (post.outcome, post.reason) == (Outcome.PARTIAL, reason)
    assert (post.attachments[1].width, post.attachments[2].duration) == (640, 2.0)


def test_an_article_of_the_api() -> None:
    post = one(v2(text="https://t.co/a", article={"title": "T", "plain_text": "All."}))
    assert (post.title, post.text, post.outcome) == ("T", "All.", Outcome.CAPTURED)


def test_media_that_the_api_shows_without_a_link() -> None:
    media = [{"media_key": "13_1", "type": "video", "duration_ms": 9000}]
    post = one(v2({"media": media}, attachments={"media_keys": ["13_1"]}))
    assert brief(post) == [("video", None, "the video is not offered (no variant in the answer)")]
    assert post.outcome is Outcome.PARTIAL


def test_an_article_beside_words_of_the_post() -> None:
    post = one(
        graphql(node("read this", article={"article_results": {"result": {"title": "T", "plain_text": "All."}}}))
    )
    assert (post.title, post.text, post.extra["article"]["text"]) == ("T", "read this", "All.")
    assert post.outcome is Outcome.CAPTURED


BEGINNING = {name: made.ARTICLE[name] for name in ("rest_id", "title", "preview_text")}


@pytest.mark.parametrize(
    "data",
    [
        graphql(node("https://t.co/a", article={"article_results": {"result": BEGINNING}})),
        syndication(text="https://t.co/a", article=BEGINNING),
        v2(text="https://t.co/a", article=BEGINNING),
        status(text="https://t.co/a", article=BEGINNING),
    ],
)
def test_the_beginning_of_an_article_is_partial(data: bytes) -> None:
    post = one(data)
    assert (post.title, post.text) == ("What the ward saw", "https://t.co/a"), "a preview is no text of the post"
    assert post.extra["article"]["preview"] == "The first wounded came"
    assert (post.outcome, post.reason) == (Outcome.PARTIAL, "an article: the answer holds only its beginning")


def test_with_a_login_articles_are_asked_for_whole() -> None:
    url = query_url(
        "TweetDetail", Query("q", (), ("withArticlePlainText", "withArticleRichContentState", "other")), {}, {}
    )
    assert "withArticlePlainText%22%3Atrue%2C%22withArticleRichContentState%22%3Atrue%2C%22other%22%3Afalse" in url


def test_the_video_of_a_unified_card() -> None:
    post = one(graphql(node(card=card("unified_card", unified_card=json.dumps(made.UNIFIED)))))
    missing = "the card names media that the answer does not include"
    assert brief(post) == [("video", "https://video.twimg.com/31/a.mp4", None), ("file", None, missing)]
    assert (post.attachments[0].duration, post.attachments[0].width) == (9.0, 640)
    assert post.extra["link_preview"] == {
        "name": "unified_card", "url": "https://t.co/card", "type": "video_website", "title": "The hospital",
        "description": "hospital.example", "domain": "hospital.example", "target": "https://hospital.example/",
    }  # fmt: skip
    assert (post.outcome, post.reason) == (Outcome.PARTIAL, missing)


def test_a_unified_card_that_cannot_be_read_is_listed() -> None:
    post = one(graphql(node(card=card("unified_card", unified_card="{"))))
    assert brief(post) == [("file", None, "the card's content cannot be read, and may hold a file")]


CARDS = [
    (
        made.BROADCAST, "video", "a broadcast: the answer gives its page and no file", "https://twitter.com/i/broadcasts/1aaa",
        {"broadcast_url": "https://twitter.com/i/broadcasts/1aaa", "broadcast_id": "1aaa", "state": "ENDED"},
        {"title": "From the square", "image": "https://pbs.twimg.com/b.jpg", "state": "ENDED"},
    ),
    (
        card("7451:broadcast", broadcast_id="1bbb", broadcast_state="RUNNING"), "video", "a broadcast that has not ended", None,
        {"broadcast_url": "https://x.com/i/broadcasts/1bbb", "state": "RUNNING"}, {},
    ),
    (
        card("3691:audiospace", id="1sss"), "audio", "a Space: the answer gives its id and no recording", "https://x.com/i/spaces/1sss",
        {"space_id": "1sss"}, {"values": {"id": "1sss"}},
    ),
    (
        card("amplify", amplify_url_vmap="https://amp.twimg.com/1.xml", player_image_original=made.image("https://pbs.twimg.com/p.jpg")),
        "video", "the card's video: the answer names only its list of files", f"https://x.com/i/status/{POST}",
        {"vmap": "https://amp.twimg.com/1.xml"}, {"image": "https://pbs.twimg.com/p.jpg"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("shown", "kind", "reason", "taken_from", "facts", "preview"), CARDS, ids=lambda item: str(item)[:30]
)
@pytest.mark.parametrize("layout", ["graphql", "syndication"])
def test_cards_that_show_no_file(
    shown: Any, kind: str, reason: str, taken_from: str | None, facts: dict[str, Any], preview: Any, layout: str
) -> None:
    values = {item["key"]: item["value"] for item in shown["legacy"]["binding_values"]}
    flat = {**shown["legacy"], "binding_values": values}
    parsed = parse(graphql(node(card=shown)) if layout == "graphql" else syndication(card=flat), LINK)
    [post] = parsed.posts
    [item] = post.attachments
    assert (item.kind, item.url, item.reason, item.extract_from) == (kind, None, reason, taken_from)
    assert item.extra.items() >= facts.items()
    assert post.extra["link_preview"].items() >= preview.items()
    assert (post.outcome, post.reason) == (Outcome.PARTIAL, reason)
    assert parsed.outcome is (None if taken_from else Outcome.PARTIAL), "an extractor may still take it"


def test_a_card_of_an_unknown_kind_keeps_all_it_says() -> None:
    post = one(
        graphql(node(card=card("99:something_new", title="T", oddity="kept", thumbnail_image_small=made.image("s"))))
    )
    assert post.extra["link_preview"]["values"] == {"title": "T", "oddity": "kept"}
    assert post.outcome is Outcome.CAPTURED


def test_a_player_card_with_a_file_of_its_own() -> None:
    values = {"player_url": "https://films.example/p", "player_stream_url": "https://films.example/v.mp4"}
    post = one(graphql(node(card=card("player", **values))))
    assert brief(post) == [("video", "https://films.example/v.mp4", None)]
    assert post.extra["link_preview"]["player_url"] == "https://films.example/p"


def test_what_lacks_more_than_an_extractor_may_take_stays_partial() -> None:
    post = one(graphql(node(card=made.BROADCAST)))
    assert post.lacks_only_extracts
    assert not replace(post, reason="cut text").lacks_only_extracts
    more = (*post.attachments, Attachment("photo", None, reason="no link to it"))
    assert not replace(post, attachments=more).lacks_only_extracts


# -- what stands around a post ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        graphql(node(has_birdwatch_notes=True, birdwatch_pivot=made.NOTE)),
        syndication(has_birdwatch_notes=True, birdwatch_pivot=made.NOTE),
    ],
)
def test_the_words_of_a_readers_note(data: bytes) -> None:
    post = one(data)
    assert post.extra["community_note"] is True
    assert post.extra["readers_note"] == {
        "id": "1700", "title": "Readers added context", "text": "Filmed in 2014. archive.example/…",
        "links": ["https://archive.example/2014"], "url": "https://x.com/i/birdwatch/n/1700",
    }  # fmt: skip


def test_a_shared_conversation_with_grok() -> None:
    post = one(graphql(node(grok_share_attachment=made.GROK)))
    assert post.extra["grok_share"] == {
        "conversation_id": "3",
        "items": [{"from": "USER", "message": "where?"}, {"from": "AGENT", "message": "A square."}],
    }
    assert brief(post) == [("photo", "https://pbs.twimg.com/g.jpg", None)]


NOTICE = "@aigul_b's Post has been withheld in Germany based on a legal demand. Learn more."
ACCOUNT = "@aigul_b's account has been withheld in India in response to a legal demand. Learn more."


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (graphql(node(NOTICE, legacy={"withheld_in_countries": ["DE"], "display_text_range": [0, 9]})), ("DE",)),
        (syndication(text=NOTICE, withheld_in_countries=["DE"]), ("DE",)),
        (status(text=ACCOUNT, withheld_in_countries=["IN"]), ("IN",)),
        (v2(text=ACCOUNT, withheld={"copyright": False, "country_codes": ["IN"]}), ("IN",)),
    ],
)
def test_a_notice_is_not_the_text_of_a_withheld_post(data: bytes, where: tuple[str, ...]) -> None:
    parsed = parse(data, LINK)
    [post] = parsed.posts
    assert (post.text, post.extra.get("full_text")) == (None, None)
    assert (post.outcome, str(post.reason).startswith("withheld: @aigul_b's ")) == (Outcome.REFUSED, True)
    assert parsed.absence is not None
    assert (parsed.absence.state, parsed.absence.where) == (Availability.WITHHELD, where)


def test_a_notice_about_copyright() -> None:
    said = "This Tweet from @aigul_b has been withheld in response to a report from the copyright holder. Learn more."
    parsed = parse(status(text=said, withheld_copyright=True), LINK)
    assert (parsed.posts[0].text, parsed.posts[0].outcome) == (None, Outcome.UNAVAILABLE)
    assert parsed.absence is not None
    assert parsed.absence.kind == "copyright claim"


@pytest.mark.parametrize(
    "data", [status(text=NOTICE), status(text="My post was withheld in Germany", withheld_in_countries=["DE"])]
)
def test_words_that_anybody_may_write_are_a_text(data: bytes) -> None:
    post = one(data)
    assert post.text
    assert post.outcome is Outcome.CAPTURED


@pytest.mark.parametrize(
    "data",
    [
        graphql({**node(), "core": {"user_results": {"result": {**made.USER, "profile_bio": {"withheld_in_countries": ["IN"]}}}}}),
        status(user={"id_str": "150", "screen_name": "aigul_b", "withheld_in_countries": ["IN"]}),
        v2({"users": [{"id": "150", "username": "aigul_b", "withheld": {"country_codes": ["IN"]}}]}),
    ],
)  # fmt: skip
def test_an_account_that_is_withheld(data: bytes) -> None:
    parsed = parse(data, LINK)
    assert parsed.posts[0].extra["account"]["withheld_in"] == ["IN"]
    assert parsed.posts[0].text == "at the square"
    assert parsed.absence is not None
    assert (parsed.absence.state, parsed.absence.where) == (Availability.WITHHELD, ("IN",))


ONWARDS = {"urls": [{"url": "https://t.co/x", "expanded_url": f"https://twitter.com/i/web/status/{POST}"}]}


@pytest.mark.parametrize(
    ("data", "text", "reason"),
    [
        (status(text="the first half …", truncated=True), "the first half …", "marks it as truncated"),
        (
            status(text="half… https://t.co/x", entities=ONWARDS),
            "half… https://t.co/x",
            "ends in a link to the whole post",
        ),
        (v2(text="half… https://t.co/x", entities=ONWARDS), "half… https://t.co/x", "ends in a link to the whole post"),
        (graphql(node("half…", note_tweet={"is_expandable": True})), "half…", "the answer has only its beginning"),
        (syndication(note_tweet={"id": "n"}), "at the square", "only its beginning is public"),
        (status(text="half…", truncated=True, extended_tweet={"full_text": "all of it"}), "all of it", None),
        (v2(text="half… https://t.co/x", entities=ONWARDS, note_tweet={"text": "all of it"}), "all of it", None),
        (graphql(node("half…", note_tweet={"note_tweet_results": {"result": {"text": "all"}}})), "all", None),
        (
            status(text="RT @b: half …", truncated=True, retweeted_status={"id_str": "3", "text": "x"}),
            "RT @b: half …",
            None,
        ),
        (status(text="three dots… https://t.co/y"), "three dots… https://t.co/y", None),
    ],
)
def test_a_text_that_was_cut_is_not_whole(data: bytes, text: str, reason: str | None) -> None:
    post = one(data)
    assert post.text == text
    assert (
        (post.outcome, post.reason) == (Outcome.CAPTURED, None) if reason is None else post.outcome is Outcome.PARTIAL
    )
    assert (reason or "") in (post.reason or "")


POINT = {"type": "Point", "coordinates": [71.43, 51.13]}


@pytest.mark.parametrize(
    ("data", "facts"),
    [
        (status(coordinates=POINT, place=None), {"longitude": 71.43, "latitude": 51.13}),
        (status(geo={"type": "Point", "coordinates": [51.13, 71.43]}), {"longitude": 71.43, "latitude": 51.13}),
        (graphql(node(legacy={"coordinates": POINT})), {"longitude": 71.43, "latitude": 51.13}),
        (v2(geo={"coordinates": POINT}), {"longitude": 71.43, "latitude": 51.13}),
        (v2(geo={"place_id": "07d9"}), {"place_id": "07d9"}),
        (status(place={"id": "07d9", "name": "Aqtau"}), {"name": "Aqtau", "place_id": "07d9"}),
    ],
)
def test_a_point_needs_no_named_place(data: bytes, facts: dict[str, Any]) -> None:
    [place] = one(data).attachments
    assert (place.kind, place.extra) == ("location", facts)


def test_a_community_by_both_of_its_places() -> None:
    beside = {"community_results": {"result": {"id_str": "15", "name": "River watchers"}}}
    post = one(graphql(node(community_results={"result": {"id_str": "15"}}, author_community_relationship=beside)))
    assert (post.extra["community"], post.extra["community_id"]) == ("River watchers", "15")


def test_a_pinned_post_and_not_the_one_it_quotes() -> None:
    pinned = node(legacy={"quoted_status_id_str": OTHER}, quoted_status_result={"result": node(post=OTHER)})
    parsed = parse(made.timeline({"type": "TimelinePinEntry", "entry": made.entry(pinned)}))
    assert [(post.id, post.extra.get("pinned")) for post in parsed.posts] == [(POST, True), (OTHER, None)]


GONE = {"__typename": "TweetTombstone", "tombstone": {"text": {"text": "This Post is from a suspended account."}}}


@pytest.mark.parametrize(
    "data",
    [
        graphql(node(legacy={"quoted_status_id_str": OTHER}, quoted_status_result={"result": GONE})),
        syndication(quoted_status_id_str=OTHER, quoted_tweet={"tombstone": GONE["tombstone"]}),
        syndication(in_reply_to_status_id_str=OTHER, parent={"tombstone": GONE["tombstone"]}),
    ],
)
def test_what_stands_in_place_of_a_quoted_post_has_its_id(data: bytes) -> None:
    _, gone = parse(data, LINK).posts
    assert (gone.id, gone.outcome) == (OTHER, Outcome.UNAVAILABLE)


def test_a_post_that_is_shown_stands_before_its_tombstone() -> None:
    first = node(legacy={"quoted_status_id_str": OTHER}, quoted_status_result={"result": GONE})
    entries = [made.entry(first), made.entry(node("still here", post=OTHER))]
    parsed = parse(made.timeline({"type": "TimelineAddEntries", "entries": entries}))
    assert [(post.id, post.text) for post in parsed.posts] == [(POST, "at the square"), (OTHER, "still here")]


def test_words_of_x_over_a_post_that_it_shows_with_limits() -> None:
    said = "This Post may violate X's rules. Visibility limited"
    limited = {
        "__typename": "TweetWithVisibilityResults",
        "tweet": node(),
        "tweetInterstitial": {"text": {"text": said}},
    }
    post = one(graphql(limited))
    assert (post.text, post.extra["notice"]) == ("at the square", said)


@pytest.mark.parametrize(
    "data",
    [
        graphql(node(hologram={"url": "h"}, legacy={"scent": ["rose"]})),
        syndication(hologram={"url": "h"}, scent=["rose"]),
        status(hologram={"url": "h"}, scent=["rose"], contributors=None, hidden=[]),
        v2(hologram={"url": "h"}, scent=["rose"]),
    ],
)
def test_a_part_of_a_kind_that_nobody_knows_is_named(data: bytes) -> None:
    assert one(data).extra["unread"] == ["hologram", "scent"]


def test_zero_is_a_number() -> None:
    user = {**made.USER, "legacy": {"followers_count": 0, "statuses_count": 0}}
    post = one(graphql({**node(), "core": {"user_results": {"result": user}}}))
    assert post.extra["account"] == {"followers": 0, "posts": 0}


def test_what_the_api_says_of_a_post_that_it_does_not_include() -> None:
    said = "Could not find tweet with referenced_tweets.id: [7]."
    value = {**json.loads(v2()), "errors": [{"resource_id": "7", "detail": said, "title": "Not Found Error"}]}
    assert parse(json.dumps(value).encode(), LINK).page["errors"] == [said]


# -- whose answer it is -------------------------------------------------------------------------------------------


def test_an_account_that_is_not_there_is_known_without_a_link() -> None:
    value = {"data": {"user": {"result": {"__typename": "UserUnavailable", "message": "User is suspended"}}}}
    assert is_x(value)
    parsed = parse(json.dumps(value).encode())
    assert (parsed.layout, parsed.outcome) == ("x/profile", Outcome.UNAVAILABLE)


@pytest.mark.parametrize(
    "value",
    [
        {"total": 1, "data": [{"id": 7, "text": "<p>a comment</p>", "threadId": 7}]},
        {"data": [{"id": "7", "text": "a thread", "permalink": "https://threads.example/7", "media_type": "TEXT"}]},
        {"data": [{"id": "7_8", "text": "a post"}]},
        {"response": {"items": [], "groups": [{"id": 1, "screen_name": "club1", "photo_50": "x"}]}},
        {"code": 200, "tweet": {"url": "https://films.example/7"}},
    ],
)
def test_answers_of_others_are_not_taken(value: Any) -> None:
    assert not is_x(value)


@pytest.mark.parametrize("data", [*made.every_layout()[:5], made.FXTWITTER])
def test_answers_of_x_are_known_without_a_link(data: bytes) -> None:
    assert is_x(json.loads(data))


# -- nothing invented ---------------------------------------------------------------------------------------------


def test_no_word_stands_in_a_post_that_stands_nowhere_in_the_answer() -> None:
    """Also where the answer was changed: our own words are reasons, and never a text, a title or a name."""
    source = random.Random(seeded(5))
    answers = [json.loads(data) for data in made.every_layout() if data[:1] == b"{"]
    for number in range(2000 if SOAK else 240):
        value = answers[number % len(answers)]
        for _ in range(source.randrange(4)):
            value = changed_value(value, source)
        held = html.unescape("\n".join(every_text(value)))
        for post in parse(json.dumps(value).encode(), LINK).posts:
            said = [post.title, post.text, post.author_name, post.author_handle, post.author_id, post.lang]
            said += [text for item in post.attachments for text in (item.url, item.thumbnail)]
            said += [post.published.literal if post.published else None]
            assert all(word in held for text in said if text for word in text.split()), said


def every_text(value: Any) -> Iterator[str]:
    """The texts in an answer, those in the JSON of a unified card too."""
    if isinstance(value, str):
        yield value
        if isinstance(inner := load(value), dict):
            yield from every_text(inner)
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from every_text(inner)
