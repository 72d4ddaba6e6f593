"""Facebook's layouts: which post a link means, films, albums, cut texts, shared posts, counts, the mobile site."""

from __future__ import annotations

import base64
import json
import random
from typing import Any

import pytest

from archiver.intake.read_posts import read_bytes
from spiders.facebook.names import asked_for, post_id
from spiders.facebook.parse import is_facebook, parse
from spiders.posts import Outcome, Parsed, Post
from tests.support.mutation import changed_bytes, changed_value

HOME = "https://www.facebook.com"
CDN = "https://scontent.xx.fbcdn.net"


def story(number: str, text: str | None = "words", **more: Any) -> dict[str, Any]:
    actor = {"__typename": "User", "id": "100001", "name": "Aigerim S.", "url": f"{HOME}/aigerim.s"}
    said = {"message": {"text": text}} if text is not None else {}
    return {"__typename": "Story", "post_id": number, "creation_time": 1641380400, **said, "actors": [actor], **more}


def photo(number: str, **more: Any) -> dict[str, Any]:
    return {
        "__typename": "Photo",
        "id": number,
        "image": {"uri": f"{CDN}/{number}.jpg", "width": 9, "height": 9},
        **more,
    }


def album(stated: int, shown: int) -> list[dict[str, Any]]:
    nodes = [{"media": photo(str(number))} for number in range(900, 900 + shown)]
    return [{"styles": {"attachment": {"all_subattachments": {"count": stated, "nodes": nodes}}}}]


def page(*items: Any, key: str = "node") -> bytes:
    box = {"__bbox": {"result": {"data": {key: list(items)}}}}
    text = json.dumps({"require": [["RelayPrefetchedStreamCache", "next", [], ["x", box]]]})
    return f'<html id="facebook"><body><script type="application/json" data-sjs>{text}</script></body></html>'.encode()


def read(data: bytes, url: str | None = None) -> list[Post]:
    return list(parse(data, url).posts)


def found(posts: list[Post]) -> dict[str | None, Post]:
    return {post.id: post for post in posts}


REEL = {
    "__typename": "Video", "id": "900", "width": 720, "height": 1280, "playable_duration_in_ms": 9000,
    "publish_time": 1641380400, "owner": {"id": "7", "name": "Daniyar", "url": f"{HOME}/daniyar.k"},
    "permalink_url": f"{HOME}/reel/900/", "savable_description": {"text": "the yard"},
    "videoDeliveryResponseFragment": {"videoDeliveryResponseResult": {"progressive_urls": [
        {"progressive_url": f"{CDN}/900_sd.mp4", "metadata": {"quality": "SD"}},
        {"progressive_url": f"{CDN}/900_hd.mp4", "metadata": {"quality": "HD"}}]}},
}  # fmt: skip


# -- which post a link means --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("link", "name"),
    [
        ("/name/posts/pfbid0abc?comment_id=77", "pfbid0abc"),
        ("/name/posts/some-words/456", "456"),
        ("/name/photos/a.12/345/?type=3", "345"),
        ("/photo/?fbid=123&set=pcb.1", "123"),
        ("/reels/900", "900"),
        ("/watch/live/?ref=x&v=55", "55"),
        ("/groups/1/?multi_permalinks=456", "456"),
        ("/story.php?story_fbid=pfbid0abc&id=1000", "pfbid0abc"),
        ("/plugins/post.php?href=https%3A%2F%2Fwww.facebook.com%2Fname%2Fposts%2F123", "123"),
        ("/name/posts/123abc", None),
        ("/photo.php?fbid=12a", None),
        ("/name", None),
    ],
)
def test_the_name_in_a_link(link: str, name: str | None) -> None:
    assert post_id(HOME + link) == name


NAMED = story("5001", url=f"{HOME}/aigerim.s/posts/pfbid0abc", attachments=[{"media": photo("77")}])
SHARING = story(
    "5010", "I was there", attached_story=story("5011", "the original", attachments=[{"media": photo("801")}])
)


@pytest.mark.parametrize(
    ("items", "name", "asked"),
    [
        ([story("5001"), story("5002")], "5002", {"5002"}),
        ([NAMED, story("5002")], "pfbid0abc", {"5001"}),
        ([story("5002"), NAMED], "77", {"5001"}),
        ([story("5001")], "pfbid0other", {"5001"}),
        ([SHARING], "pfbid0shared", {"5010", "5011"}),
        ([SHARING], "5010", {"5010", "5011"}),
        ([SHARING, story("5002")], "5011", {"5011"}),
        ([SHARING, story("5002")], "pfbid0shared", None),
        ([story("5001"), story("5002")], "AbCdEf1", None),
    ],
)
def test_what_a_link_is_about(items: list[Any], name: str, asked: set[str] | None) -> None:
    """Facebook writes one id two ways; what the asked post shares belongs to it, what stands beside it does not."""
    got = asked_for(read(page(*items)), {name})
    assert got == (frozenset(asked) if asked is not None else None)


def test_the_post_that_the_link_names_comes_first() -> None:
    posts = read(page(story("5002"), NAMED), f"{HOME}/aigerim.s/posts/pfbid0abc")
    assert [post.id for post in posts] == ["5001", "5002"]


def test_two_posts_of_the_old_layout_have_no_common_name() -> None:
    wrapper = (
        '<div class="userContentWrapper"><abbr data-utime="{}"></abbr><div data-testid="post_message">{}</div></div>'
    )
    head = f'<meta property="og:url" content="{HOME}/a/posts/77">'
    two = f"<html><head>{head}</head><body>{wrapper.format(1641380400, 'x')}{wrapper.format(1641380401, 'y')}</body></html>"
    assert [post.id for post in read(two.encode(), f"{HOME}/a/posts/77")] == [None, None]
    one = f"<html><head>{head}</head><body>{wrapper.format(1641380400, 'x')}</body></html>"
    assert [post.id for post in read(one.encode())] == ["77"]


# -- a post in pieces ---------------------------------------------------------------------------------------------------------


def test_the_facts_of_one_post_stand_in_many_objects() -> None:
    feedback = {
        "reaction_count": {"count": 24}, "share_count": {"count": 3}, "i18n_share_count": "3",
        "comment_rendering_instance": {"comments": {"total_count": 7}},
        "edges": [{"node": {"__typename": "Comment", "post_id": "5001", "message": {"text": "a stranger's"}, "creation_time": 1}}],
    }  # fmt: skip
    dated = {"creation_time": 1641380400, "url": f"{HOME}/aigerim.s/posts/pfbid0abc"}
    inner = {
        "message": {"text": "words"},
        "actors": [{"id": "1", "name": "Aigerim S."}, {"id": "2", "name": "Daniyar", "url": f"{HOME}/daniyar.k"}],
        "comet_sections": {"context_layout": {"story": {"comet_sections": {"metadata": [{"story": dated}]}}}},
    }
    node = {
        "__typename": "Story", "post_id": "5001",
        "comet_sections": {"content": {"story": inner}, "feedback": {"story": {"feedback": feedback}}},
    }  # fmt: skip
    [post] = read(page(node))
    assert (post.text, post.author_name, post.replies, post.reposts) == ("words", "Aigerim S.", 7, 3)
    assert post.published is not None
    assert (post.published.text(), post.url) == ("2022-01-05T11:00:00Z", f"{HOME}/aigerim.s/posts/pfbid0abc")
    assert post.extra["also_named"] == ["pfbid0abc"]
    assert post.extra["co_authors"] == [{"id": "2", "name": "Daniyar", "handle": "daniyar.k"}]


def test_a_shared_post_keeps_its_words_and_its_author() -> None:
    posts = found(read(page(SHARING)))
    assert (posts["5010"].text, posts["5010"].quoted_id, posts["5010"].attachments) == ("I was there", "5011", ())
    assert (posts["5011"].text, [item.url for item in posts["5011"].attachments]) == (
        "the original",
        [f"{CDN}/801.jpg"],
    )


@pytest.mark.parametrize(
    ("shared", "quoted", "listed"),
    [
        ({"id": base64.b64encode(b"S:_I100001:5011").decode()}, "5011", []),
        ({"id": base64.b64encode(b"S:_I100001:5010:5011").decode()}, "5011", []),
        ({"id": "not base64"}, None, ["shared post"]),
        ({"__typename": "Story"}, None, ["shared post"]),
    ],
)
def test_a_shared_post_is_named_or_listed(shared: Any, quoted: str | None, listed: list[str]) -> None:
    [post] = read(page(story("5010", attached_story=shared)))
    assert (post.quoted_id, [item.kind for item in post.attachments if item.reason]) == (quoted, listed)


def test_the_words_of_a_shared_post_are_not_the_sharer_s() -> None:
    theirs = {"id": "not base64", "message": {"text": "theirs"}, "creation_time": 1}
    card = {"media": {**photo("77"), "message": {"text": "under the photo"}}}
    [post] = read(page(story("5010", None, attached_story=theirs, attachments=[card])))
    assert (post.text, post.author_name) == (None, "Aigerim S.")
    assert post.published is not None
    assert post.published.text() == "2022-01-05T11:00:00Z"


def within(text: str) -> dict[str, Any]:
    return {"comet_sections": {"content": {"story": {"message": {"text": text}}}}}


@pytest.mark.parametrize(
    ("shown", "more", "text"),
    [
        ("The beginning…", within("The beginning and the rest."), "The beginning and the rest."),
        ("The beginning...", within("The beginning and the rest."), "The beginning and the rest."),
        ("Whole", within("Whole, and longer"), "Whole"),
        ("The author's own…", {}, "The author's own…"),
        ("The beginning…", within("Something else that is longer"), "The beginning…"),
        ("", {}, None),
    ],
)
def test_a_cut_text_is_read_whole_where_it_stands_beside(shown: str, more: dict[str, Any], text: str | None) -> None:
    [post] = read(page(story("5004", shown, **more)))
    assert post.text == text


MORE = '<span class="text_exposed_hide">...</span>'
LINK = '<span class="text_exposed_hide"><span class="text_exposed_link"><a class="see_more_link">See more</a></span></span>'


@pytest.mark.parametrize(
    ("body", "text", "outcome"),
    [
        (f"Begun{MORE}<span class='text_exposed_show'> and ended</span>{LINK}", "Begun and ended", Outcome.CAPTURED),
        (f"Begun{LINK}", "Begun", Outcome.PARTIAL),
        ("See more of this", "See more of this", Outcome.CAPTURED),
    ],
)
def test_see_more_is_not_the_author_s_words(body: str, text: str, outcome: Outcome) -> None:
    html = f'<div class="userContentWrapper"><abbr data-utime="1"></abbr><div data-testid="post_message">{body}</div></div>'
    [post] = read(f"<html><body>{html}</body></html>".encode())
    assert (post.text, post.outcome) == (text, outcome)


# -- what hangs on it ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entries", "links", "reasons"),
    [
        (album(7, 5), 5, ["the album has 7 files, of which the page shows 5"] * 2),
        (album(3, 3), 3, []),
        ([*album(3, 2), {"media": photo("902")}], 3, []),
        ([{"media": photo("77")}, {"media": {"__typename": "Photo", "id": "77"}}], 1, []),
        ([{"media": {"__typename": "Photo", "id": "77"}}], 0, ["the page names this photo and gives no link"]),
        ([{"styles": {"__typename": "StoryAttachmentQuizStyleRenderer"}}], 0, ["an attachment that is not read: StoryAttachmentQuizStyleRenderer"]),
        ([{"styles": {"__typename": "StoryAttachmentFallbackStyleRenderer"}, "style_list": ["fallback"]}], 0, []),
        ([{"style_list": ["event", "fallback"]}], 0, ["an attachment that is not read: event"]),
        ([], 0, []),
    ],
)  # fmt: skip
def test_everything_attached_is_listed(entries: list[Any], links: int, reasons: list[str]) -> None:
    [post] = read(page(story("5003", attachments=entries)))
    assert len([item for item in post.attachments if item.url]) == links
    assert [item.reason for item in post.attachments if item.reason] == reasons
    missing = any("album" in reason for reason in reasons)
    assert (post.outcome is Outcome.PARTIAL, post.extra.get("album_count")) == (missing, 7 if missing else None)


@pytest.mark.parametrize(
    ("images", "link", "width"),
    [
        ({"image": ("small", 100), "viewer_image": ("large", 2048)}, "large", 2048),
        ({"viewer_image": ("small", 100), "image": ("large", 2048)}, "large", 2048),
        ({"image": ("only", None), "viewer_image": (None, 1600)}, "only", None),
    ],
)
def test_the_largest_size_of_a_photo(images: dict[str, Any], link: str, width: int | None) -> None:
    sizes = {
        name: {"uri": uri and f"{CDN}/{uri}.jpg", "width": side, "height": side} for name, (uri, side) in images.items()
    }
    [post] = read(page(story("5005", attachments=[{"media": {"__typename": "Photo", "id": "9", **sizes}}])))
    assert [(item.url, item.width) for item in post.attachments] == [(f"{CDN}/{link}.jpg", width)]


def test_a_link_is_told_without_facebook_s_detour() -> None:
    shared = {
        "__typename": "StoryAttachmentShareStyleRenderer", "title_with_entities": {"text": "A report"}, "source": {"text": "news.example"},
        "url": "https://l.facebook.com/l.php?u=https%3A%2F%2Fnews.example%2Freport&h=x",
    }  # fmt: skip
    [post] = read(page(story("5007", attachments=[{"styles": {"attachment": shared}}])))
    [link] = post.attachments
    assert (link.kind, link.url, link.extra) == (
        "link preview",
        "https://news.example/report",
        {"title": "A report", "site": "news.example"},
    )


# -- films and photos on pages of their own ------------------------------------------------------------------------------------


def test_a_reel() -> None:
    [post] = read(page(REEL, key="video"), f"{HOME}/reel/900")
    assert (post.id, post.text, post.author_name, post.author_handle) == ("900", "the yard", "Daniyar", "daniyar.k")
    assert post.published is not None
    [film] = post.attachments
    assert (post.published.text(), film.url, film.duration) == ("2022-01-05T11:00:00Z", f"{CDN}/900_hd.mp4", 9.0)


def test_a_film_that_is_only_streamed_is_the_extractor_s() -> None:
    streamed = {"videoDeliveryResponseResult": {"dash_manifest_urls": [{"manifest_url": f"{CDN}/900.mpd"}]}}
    [post] = read(page({**REEL, "videoDeliveryResponseFragment": streamed}, key="video"))
    assert [(item.url, item.extract_from) for item in post.attachments] == [(None, f"{HOME}/watch/?v=900")]


def test_a_reel_whose_post_stands_inside_it() -> None:
    told = {"post_id": "5020", "creation_time": 1641380400, "message": {"text": "the yard"}}
    short = {
        "video_owner": {"id": "7", "name": "Daniyar"},
        "playback_video": {key: REEL[key] for key in REEL if key != "__typename"},
    }
    older = {"id": "900", "creation_story": {**told, "short_form_video_context": short}}
    newer = {**REEL, "creation_story": told}
    for item in (older, newer):
        [post] = read(page(item, key="video"), f"{HOME}/reel/900")
        assert (post.id, post.text, post.author_name) == ("5020", "the yard", "Daniyar")
        assert [film.url for film in post.attachments] == [f"{CDN}/900_hd.mp4"]
        assert asked_for([post], {"900"}) == frozenset({"5020"})


PHOTO = photo("77", created_time=1641380400, owner={"id": "7", "name": "Daniyar"}, message={"text": "the gate"})


def test_a_photo_s_page() -> None:
    beside = page({"currMedia": PHOTO, "nextMedia": photo("78"), "cover": {"photo": photo("79")}})
    [post] = read(beside, f"{HOME}/photo.php?fbid=77")
    assert (post.id, post.text, post.author_name, post.outcome) == ("77", "the gate", "Daniyar", Outcome.CAPTURED)
    assert [item.url for item in post.attachments] == [f"{CDN}/77.jpg"]


def test_a_grid_of_photos_says_what_it_does_not_show() -> None:
    posts = read(page({"node": photo("77")}, {"node": photo("78")}, key="edges"))
    assert [(post.id, post.outcome) for post in posts] == [("77", Outcome.PARTIAL), ("78", Outcome.PARTIAL)]
    assert posts[0].reason == "the page shows the file, but neither its text nor its time"


def test_a_stranger_s_photo_in_a_comment_is_no_post() -> None:
    comment = {"__typename": "Comment", "attachments": [{"media": photo("99", created_time=1641380400)}]}
    assert list(found(read(page(story("5001"), comment)))) == ["5001"]


def test_json_inside_a_call_of_2022() -> None:
    box = json.dumps({"__bbox": {"result": {"data": {"node": story("5001")}}}})
    call = f'requireLazy(["ServerJS"],function(s){{s.handle({{"require":[["x","next",[],["y",{box}]]]}})}});'
    assert list(found(read(f'<html id="facebook"><body><script>{call}</script></body></html>'.encode()))) == ["5001"]


# -- counts, the head, the mobile site ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("comments", "shares", "counts"),
    [
        ("334 comments", "630 shares", (334, 630)),
        ("4.3K Comments", "1 Share", (4300, 1)),
        ("1 comment", "2.1k shares", (1, 2100)),
        ("comments", "shares", (None, None)),
    ],
)
def test_counts_in_either_case(comments: str, shares: str, counts: tuple[int | None, int | None]) -> None:
    form = f"<form><a>{comments}</a><span>{shares}</span></form>"
    html = f'<div class="userContentWrapper"><abbr data-utime="1"></abbr><div data-testid="post_message">x</div>{form}</div>'
    [post] = read(f"<html><body>{html}</body></html>".encode())
    assert (post.replies, post.reposts) == counts


HEAD = f"""<meta property="og:url" content="{HOME}/a/posts/77"><meta property="og:title" content="Somebody">
<meta property="og:description" content="Half of a te...">"""


META = '<meta property="article:published_time" content="2022-01-05T11:00:00+0000">'
POSTING = '{"@type":"SocialMediaPosting","dateCreated":"2022-01-05T17:00:00+06:00","articleBody":"Half of a text"}'
LINKED = f'<script type="application/ld+json">{POSTING}</script>'


@pytest.mark.parametrize(
    ("more", "published", "text", "reason"),
    [
        ("", None, "Half of a te...", "it gives no time, cuts the text, and may leave files out"),
        (META, "2022-01-05T11:00:00Z", "Half of a te...", "it cuts the text and may leave files out"),
        (LINKED, "2022-01-05T11:00:00Z", "Half of a text", "it may leave files out"),
    ],
)
def test_a_head_says_only_what_it_lacks(more: str, published: str | None, text: str, reason: str) -> None:
    [post] = read(f'<html id="facebook"><head>{HEAD}{more}</head></html>'.encode())
    assert (post.published.text() if post.published else None, post.text) == (published, text)
    assert (post.outcome, post.reason) == (Outcome.PARTIAL, f"the page's head only: {reason}")


def mobile(*, insights: Any, body: str = "<p>Half of a text, and the rest</p>", scripts: str = "") -> bytes:
    facts = json.dumps({"top_level_post_id": "77", "content_owner_id_new": "7", "page_insights": insights}).replace(
        '"', "&quot;"
    )
    inner = f'<div class="story_body_container"><header><h3><strong><a href="/daniyar.k">Daniyar</a></strong></h3></header>{body}</div>'
    return f'<html id="facebook"><head>{HEAD}</head><body><div data-ft="{facts}">{inner}</div>{scripts}</body></html>'.encode()


INSIGHTS = {"7": {"post_context": {"publish_time": 1641380400, "story_fbid": ["77"]}}}


def test_a_story_of_the_mobile_site() -> None:
    parsed = parse(mobile(insights=INSIGHTS, scripts='<script>x({"comment_count":149,"share_count":281})</script>'))
    [post] = parsed.posts
    assert (parsed.layout, post.author_name, post.author_id, post.replies, post.reposts) == (
        "facebook/mobile",
        "Daniyar",
        "7",
        149,
        281,
    )
    assert post.published is not None
    assert (post.published.text(), post.text) == ("2022-01-05T11:00:00Z", "Half of a text, and the rest")
    assert (post.outcome, post.reason) == (Outcome.PARTIAL, "the mobile page: it may leave files out")


def test_what_the_mobile_site_gives_two_ways_is_unknown() -> None:
    other = {"8": {"post_context": {"publish_time": 1641380400, "story_fbid": ["78"]}}}
    again = {"9": {"post_context": {"publish_time": 1641380499, "story_fbid": ["77"]}}}
    assert read(mobile(insights={**INSIGHTS, **again}))[0].published is None
    twice = '<script>x({"comment_count":149},{"comment_count":2})</script>'
    [post] = read(mobile(insights=other, body="<p>Half<span>… <a>More</a></span></p>", scripts=twice))
    assert (post.published, post.replies) == (None, None)
    assert post.reason == "the mobile page: it gives no time, cuts the text, and may leave files out"


def test_a_photo_of_the_mobile_site() -> None:
    style = "background: #000; background-image: url('https\\3a //scontent.xx.fbcdn.net/77.jpg?a\\3d b')"
    [post] = read(mobile(insights={}, body=f'<p>x</p><i class="img" style="{style}"></i>'))
    assert [item.url for item in post.attachments] == [f"{CDN}/77.jpg?a=b"]


# -- what others hand on, and anything at all ------------------------------------------------------------------------------------

EXPORT = [{
    "facebookUrl": f"{HOME}/7/posts/77", "postId": "77", "pageName": "daniyar.k", "url": f"{HOME}/7/posts/77", "time": "2022-01-05T11:00:00.000Z",
    "user": {"id": "7", "name": "Daniyar"}, "text": "the gate", "likes": 5, "comments": 2, "shares": 1,
    "media": [{"mediaset_token": "pcb.77", "url": f"{HOME}/media/set/?set=pcb.77"}, photo("801")],
}]  # fmt: skip


def test_a_scraper_s_export() -> None:
    [reading] = read_bytes(json.dumps(EXPORT).encode(), None, "x.json")
    [post] = reading.parsed.posts
    assert (reading.parsed.layout, post.id, post.author_handle, post.author_id) == (
        "facebook/export",
        "77",
        "daniyar.k",
        "7",
    )
    assert (post.text, post.likes, post.replies, post.reposts) == ("the gate", 5, 2, 1)
    assert [(item.kind, item.url) for item in post.attachments] == [("photo", f"{CDN}/801.jpg"), ("unknown", None)]


def test_answers_of_its_own_requests() -> None:
    one = {"data": {"node": {**story("5001"), "comet_sections": {}}}}
    assert is_facebook(one)
    for data in (json.dumps(one), f"for (;;);{json.dumps(one)}", f'{json.dumps(one)}\n{{"label":"x","data":null}}'):
        assert list(found(read(data.encode()))) == ["5001"]
    failed = parse(b'{"errors":[{"message":"Rate limit exceeded"}]}')
    assert (failed.outcome, failed.reason) == (Outcome.FAILED, "Facebook says: Rate limit exceeded")


SEEDS: list[Any] = [
    NAMED,
    SHARING,
    REEL,
    PHOTO,
    EXPORT,
    story("5003", attachments=album(7, 5)),
    {"data": {"node": story("1")}},
]


def sound(parsed: Parsed, data: bytes) -> None:
    """Posts or a reason; and what stands in a field stands in the bytes."""
    assert parsed.posts or parsed.reason
    for post in parsed.posts:
        json.dumps(post.line())
        assert post.outcome is Outcome.CAPTURED or post.reason
        for text in (post.text, post.title, post.author_name, post.author_id):
            assert text is None or json.dumps(text)[1:-1].encode() in data or text.encode("utf-8", "replace") in data


def test_changed_answers() -> None:
    source = random.Random(17)
    for number in range(1500):
        seed = SEEDS[number % len(SEEDS)]
        value = changed_value(seed, source)
        data = page(value) if source.random() < 0.6 else json.dumps(value).encode()
        sound(parse(data, f"{HOME}/a/posts/5001"), data)
        for other in (page(seed), mobile(insights=INSIGHTS)):
            changed = changed_bytes(other, source)
            parsed = parse(changed, None)
            assert parsed.posts or parsed.reason
