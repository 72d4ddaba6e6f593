"""Small answers and pages of X of our own making, with invented people, for parsers and their mutations."""

from __future__ import annotations

import json
from typing import Any

POST, OTHER = "1478660000000000501", "1478660000000000502"
LINK = f"https://x.com/aigul_b/status/{POST}"
USER = {"__typename": "User", "rest_id": "150", "core": {"name": "Aigul B", "screen_name": "aigul_b"}, "legacy": {}}


def node(
    text: str = "at the square", post: str = POST, legacy: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """A post of GraphQL. `legacy`: more of its fields of API v1.1."""
    fields = {
        "created_at": "Wed Jan 05 11:00:00 +0000 2022",
        "full_text": text,
        "display_text_range": [0, len(text)],
        "id_str": post,
        "user_id_str": "150",
        **(legacy or {}),
    }
    return {
        "__typename": "Tweet",
        "rest_id": post,
        "core": {"user_results": {"result": USER}},
        "legacy": fields,
        **more,
    }


def graphql(result: dict[str, Any]) -> bytes:
    return json.dumps({"data": {"tweetResult": {"result": result}}}).encode()


def timeline(*instructions: dict[str, Any]) -> bytes:
    inner = {"timeline": {"timeline": {"instructions": list(instructions)}}}
    return json.dumps({"data": {"user": {"result": inner}}}).encode()


def entry(result: dict[str, Any]) -> dict[str, Any]:
    content = {"itemContent": {"tweet_results": {"result": result}}}
    return {"entryId": f"tweet-{result.get('rest_id', OTHER)}", "content": content}


def syndication(**more: Any) -> bytes:
    value = {
        "__typename": "Tweet",
        "id_str": POST,
        "text": "at the square",
        "created_at": "2022-01-05T11:00:00.000Z",
        "entities": {},
        "user": {"id_str": "150", "name": "Aigul B", "screen_name": "aigul_b"},
    }
    return json.dumps({**value, **more}).encode()


def status(**more: Any) -> bytes:
    """A status of API v1.1."""
    user = {"id_str": "150", "name": "Aigul B", "screen_name": "aigul_b"}
    value = {"id_str": POST, "created_at": "Wed Jan 05 11:00:00 +0000 2022", "text": "at the square", "user": user}
    return json.dumps({**value, **more}).encode()


def v2(includes: dict[str, Any] | None = None, **more: Any) -> bytes:
    post = {"id": POST, "text": "at the square", "author_id": "150", "created_at": "2022-01-05T11:00:00.000Z", **more}
    users = [{"id": "150", "username": "aigul_b", "name": "Aigul B"}]
    return json.dumps({"data": [post], "includes": {"users": users, **(includes or {})}}).encode()


def card(name: str, **values: Any) -> dict[str, Any]:
    bound = [
        {"key": key, "value": value if isinstance(value, dict) else {"string_value": value, "type": "STRING"}}
        for key, value in values.items()
    ]
    return {"legacy": {"name": name, "url": "https://t.co/card", "binding_values": bound}}


def image(url: str) -> dict[str, Any]:
    return {"image_value": {"url": url}, "type": "IMAGE"}


VIDEO = {
    "type": "video",
    "id_str": "31",
    "media_url_https": "https://pbs.twimg.com/amplify_video_thumb/31.jpg",
    "original_info": {"width": 640, "height": 360},
    "video_info": {
        "duration_millis": 9000,
        "variants": [{"bitrate": 832000, "content_type": "video/mp4", "url": "https://video.twimg.com/31/a.mp4"}],
    },
}
UNIFIED = {
    "type": "video_website",
    "component_objects": {
        "details_1": {"type": "details", "data": {"title": {"content": "The hospital"}, "subtitle": {"content": "hospital.example"}}},
        "media_1": {"type": "media", "data": {"id": "13_31"}},
        "media_2": {"type": "media", "data": {"id": "13_32"}},
    },
    "destination_objects": {"b": {"type": "browser", "data": {"url_data": {"url": "https://hospital.example/", "vanity": "hospital.example"}}}},
    "media_entities": {"13_31": VIDEO},
}  # fmt: skip
BROADCAST = card(
    "7451:broadcast",
    broadcast_url="https://twitter.com/i/broadcasts/1aaa",
    broadcast_id="1aaa",
    broadcast_title="From the square",
    broadcast_state="ENDED",
    broadcaster_username="aigul_b",
    broadcast_thumbnail_original=image("https://pbs.twimg.com/b.jpg"),
)
ARTICLE = {
    "rest_id": "777",
    "title": "What the ward saw",
    "preview_text": "The first wounded came",
    "cover_media": {"media_id": "8", "media_info": {"__typename": "ApiImage", "original_img_url": "https://pbs.twimg.com/media/c.jpg"}},
    "media_entities": [
        {"media_id": "9", "media_info": {"__typename": "ApiImage", "original_img_url": "https://pbs.twimg.com/media/i.jpg",
                                         "original_img_width": 640, "original_img_height": 480}},
        {"media_id": "10", "media_info": {"__typename": "ApiVideo", "duration_millis": 2000, "variants": [
            {"url": "https://video.twimg.com/10/a.mp4", "content_type": "video/mp4", "bit_rate": 832000}]}},
    ],
    "content_state": {
        "blocks": [
            {"type": "header-one", "text": "12:40"},
            {"type": "unstyled", "text": "The first wounded came on foot."},
            {"type": "atomic", "text": " ", "entityRanges": [{"key": 0, "offset": 0, "length": 1}]},
            {"type": "atomic", "text": " ", "entityRanges": [{"key": 2, "offset": 0, "length": 1}]},
            {"type": "unstyled", "text": "Then the ambulances."},
        ],
        "entityMap": [
            {"key": "0", "value": {"type": "MEDIA", "data": {"mediaItems": [{"mediaId": "11"}]}}},
            {"key": "1", "value": {"type": "LINK", "data": {"url": "https://ward.example/list"}}},
            {"key": "2", "value": {"type": "MARKDOWN", "data": {"markdown": "beds: 40"}}},
            {"key": "3", "value": {"type": "TWEET", "data": {"tweetId": OTHER}}},
        ],
    },
}  # fmt: skip
NOTE = {
    "title": "Readers added context",
    "subtitle": {
        "text": "Filmed in 2014. archive.example/…",
        "entities": [{"ref": {"url": "https://archive.example/2014"}}],
    },
    "note": {"rest_id": "1700"},
    "destinationUrl": "https://x.com/i/birdwatch/n/1700",
}
GROK = {"conversation_id": "3", "items": [{"from": "USER", "message": "where?", "mediaUrls": ["https://pbs.twimg.com/g.jpg"]},
                                          {"from": "AGENT", "message": "A square."}]}  # fmt: skip


def article_tag(post: str, handle: str, name: str, body: str, more: str = "") -> str:
    """A post as x.com's scripts render it."""
    link = (
        f'<a href="/{handle}/status/{post}"><time datetime="2022-01-05T11:00:00.000Z">5 Jan</time></a>' if post else ""
    )
    author = (
        f'<div data-testid="User-Name"><a href="/{handle}"><span>{name}</span></a><a><span>@{handle}</span></a></div>'
    )
    return f'<article data-testid="tweet">{author}{link}{body}{more}</article>'


def cell(*inner: str) -> str:
    return f'<div data-testid="cellInnerDiv"><div>{"".join(inner)}</div></div>'


def rendered(*cells: str, link: str = LINK) -> bytes:
    head = f'<link rel="canonical" href="{link}"><script src="https://abs.twimg.com/x.js"></script>'
    return f"<!DOCTYPE html><html><head>{head}</head><body>{''.join(cells)}</body></html>".encode()


TEXT = '<div data-testid="tweetText" lang="en"><span>Fire <img alt="🔥"> at the gate</span></div>'
COUNTS = (
    '<div role="group" aria-label="7 replies, 21 reposts, 3 quotes, 72 likes, 6 bookmarks, 10091 views">'
    '<button data-testid="reply" aria-label="7 Replies. Reply"></button></div>'
)
QUOTED = (
    '<div role="link"><div data-testid="User-Name"><span>Other</span><span>@other</span></div>'
    '<time datetime="2022-01-04T10:00:00.000Z">4 Jan</time><div data-testid="tweetText">words of the other</div>'
    f'<a href="/other/status/{OTHER}/photo/1"><div data-testid="tweetPhoto"><img src="https://pbs.twimg.com/media/q.jpg"></div></a></div>'
)
SERVER = f"""<html><head><link rel="stylesheet" href="https://abs.twimg.com/core.css"></head><body>
<div class="tweet permalink-tweet" data-tweet-id="{POST}" data-permalink-path="/aigul_b/status/{POST}" data-screen-name="aigul_b"
 data-name="Aigul B" data-user-id="150" data-mentions="other" data-conversation-id="{OTHER}">
<small class="time"><a class="tweet-timestamp" title="5:00 PM - 5 Jan 2012"><span class="_timestamp" data-time="1325761200">5 Jan</span></a></small>
<p class="js-tweet-text tweet-text" lang="en">Fire <img class="Emoji" alt="🔥"> <a href="https://t.co/x" class="twitter-timeline-link"
 data-expanded-url="https://ward.example/a/long/list"><span class="invisible">https://</span><span>ward.example/a/lo</span><span
 class="invisible">ng/list</span><span class="tco-ellipsis"><span class="invisible"> </span>…</span></a></p>
<div class="QuoteTweet-innerContainer" data-item-id="{OTHER}" data-screen-name="other" data-user-id="151">
<b class="QuoteTweet-fullname">Other</b><div class="QuoteTweet-text tweet-text">words of the other</div>
<div data-image-url="https://pbs.twimg.com/media/q.jpg"></div></div>
<div class="AdaptiveMedia-photoContainer" data-image-url="https://pbs.twimg.com/media/p.jpg"></div>
<span class="ProfileTweet-action--retweet"><span data-tweet-stat-count="4"></span></span>
<span class="ProfileTweet-action--favorite"><span data-tweet-stat-count="0"></span></span>
</div>
<div class="tweet" data-tweet-id="9" data-promoted="true"><p class="tweet-text">an advertisement</p></div>
</body></html>""".encode()
MOBILE = f"""<html><body><table class="main-tweet tweet"><tr><td><div class="fullname">Aigul B</div><span class="username">@aigul_b</span>
<div class="tweet-text" data-id="{POST}"><div class="dir-ltr">at the square</div></div>
<div class="metadata"><a>5:00 PM - 5 Jan 2012</a></div></td></tr></table></body></html>""".encode()
BEFORE_2012 = f"""<html><body><div class="hentry status"><span class="entry-content">at the square</span>
<a class="entry-date" rel="bookmark" href="http://twitter.com/aigul_b/status/{POST}"><span class="published timestamp"
 data="{{time:'Thu Jan 05 11:00:00 +0000 2012'}}">5 Jan</span></a><div class="full-name">Aigul B</div></div></body></html>""".encode()
FXTWITTER = json.dumps({
    "code": 200,
    "message": "OK",
    "tweet": {
        "url": LINK, "id": POST, "text": "at the square", "created_at": "Wed Jan 05 11:00:00 +0000 2022", "likes": 0,
        "author": {"id": "150", "screen_name": "aigul_b", "name": "Aigul B"}, "replying_to_status": OTHER,
        "media": {"all": [{"type": "video", "url": "https://video.twimg.com/31/a.mp4", "duration": 9.0, "width": 640, "height": 360}]},
        "poll": {"choices": [{"label": "yes", "count": 3}], "ends_at": "2022-01-06T11:00:00Z"},
        "quote": {"id": "7", "url": "https://x.com/other/status/7", "text": "words", "author": {"screen_name": "other"}},
    },
}).encode()  # fmt: skip


def every_layout() -> list[bytes]:
    """One answer of each layout, for mutations."""
    whole = node(
        "https://t.co/a", article={"article_results": {"result": ARTICLE}}, birdwatch_pivot=NOTE, card=BROADCAST
    )
    return [
        graphql({**whole, "grok_share_attachment": GROK}),
        graphql(node(card=card("unified_card", unified_card=json.dumps(UNIFIED)))),
        syndication(article=ARTICLE, birdwatch_pivot=NOTE, card=BROADCAST["legacy"]),
        status(truncated=True, geo={"type": "Point", "coordinates": [51.1, 71.4]}),
        v2(note_tweet={"text": "all of it"}, geo={"place_id": "p1"}, article=ARTICLE),
        rendered(
            cell(article_tag(POST, "aigul_b", "Aigul B", TEXT, COUNTS + QUOTED)),
            cell(),
            cell(article_tag(OTHER, "other", "Other", "<div data-testid='tweetText'>seen</div>")),
        ),
        SERVER,
        MOBILE,
        BEFORE_2012,
        FXTWITTER,
    ]
