"""YouTube's layouts: several authors, gates, words of removal, members, playlists, posts, clips, and pages of 2014."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from typing import Any

import pytest
from scrapy.http import HtmlResponse

from archiver.intake.read_posts import read_bytes
from spiders.posts import Availability, Outcome, Parsed, Post
from spiders.targets import Target
from spiders.youtube.listing import refused
from spiders.youtube.parse import is_youtube, parse_value
from spiders.youtube.parse import parse as parse_bytes
from spiders.youtube.player import playability
from spiders.youtube.text import video_id_of
from spiders.youtube.video_spider import YouTubeVideo
from tests.support.mutation import changed_bytes, changed_value

NOW = datetime(2026, 11, 22, tzinfo=UTC)
ID = "Zh5janSq001"
FIRST, SECOND, THIRD = (f"UC{letter * 22}" for letter in "ABC")


def parse(value: Any, url: str | None = None) -> Parsed:
    return parse_value(value, url, NOW)


def first(value: Any) -> Post:
    return parse(value).posts[0]


def texts(*lines: str) -> dict[str, Any]:
    return {"runs": [{"text": line} for line in lines]}


def browse(channel: str, handle: str | None = None) -> dict[str, Any]:
    return {"browseEndpoint": {"browseId": channel, **({"canonicalBaseUrl": f"/@{handle}"} if handle else {})}}


def listed(name: str, channel: str, handle: str) -> dict[str, Any]:
    """A channel in the dialogue, whose link is on its name; the newer one has the handle beside it only."""
    return {
        "listItemViewModel": {
            "title": {"content": name, "commandRuns": [{"onTap": {"innertubeCommand": browse(channel, handle)}}]}
        }
    }


def newer(name: str, channel: str, handle: str) -> dict[str, Any]:
    tap = {"commandContext": {"onTap": {"innertubeCommand": browse(channel)}}}
    subtitle = {"content": f"\u200e\u2068@{handle}\u2069 • 3.4K subscribers"}
    return {"listItemViewModel": {"title": {"content": name}, "subtitle": subtitle, "rendererContext": tap}}


def dialogue(*channels: dict[str, Any]) -> dict[str, Any]:
    content = {"customContent": {"listViewModel": {"listItems": list(channels)}}}
    return {"showDialogCommand": {"panelLoadingStrategy": {"inlineContent": {"dialogViewModel": content}}}}


BOTH = dialogue(listed("First Channel", FIRST, "first"), newer("Second Channel", SECOND, "second"))
OTHERS = [{"id": SECOND, "name": "Second Channel", "handle": "second"}]


def watch_next(owner: dict[str, Any], **primary: Any) -> dict[str, Any]:
    contents = [
        {"videoPrimaryInfoRenderer": {"title": texts("Two witnesses"), **primary}},
        {"videoSecondaryInfoRenderer": {"owner": {"videoOwnerRenderer": owner}}},
    ]
    return {"contents": {"twoColumnWatchNextResults": {"results": {"results": {"contents": contents}}}}}


SHARED = {"attributedTitle": {"content": "First Channel and Second Channel"}, "navigationEndpoint": BOTH}
TAPPED = {"content": "First Channel", "commandRuns": [{"onTap": {"innertubeCommand": browse(FIRST, "first")}}]}
ALONE = {"title": {"runs": [{"text": "First Channel", "navigationEndpoint": browse(FIRST, "first")}]}}


# -- who published it -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("owner", "name", "handle", "others"),
    [
        (SHARED, "First Channel", "first", OTHERS),
        ({**SHARED, "avatarStack": {"avatarStackViewModel": {"rendererContext": BOTH}}}, "First Channel", "first", OTHERS),
        (ALONE, "First Channel", "first", None),
        ({"attributedTitle": TAPPED}, "First Channel", "first", None),
    ],
)  # fmt: skip
def test_every_author_of_a_video(owner: dict[str, Any], name: str, handle: str, others: Any) -> None:
    post = first(watch_next(owner))
    assert (post.author_name, post.author_id, post.author_handle) == (name, FIRST, handle)
    assert post.extra.get("co_authors") == others


def test_the_co_authors_beside_a_player() -> None:
    """The player names one channel, which need not be the first of the dialogue."""
    response = {
        "videoDetails": {"videoId": ID, "author": "Second Channel", "channelId": SECOND},
        "playabilityStatus": {"status": "OK"},
    }
    post = first({"playerResponse": response, "response": watch_next(SHARED)})
    assert (post.author_name, post.author_handle) == ("Second Channel", "second")
    assert post.extra["co_authors"] == [{"id": FIRST, "name": "First Channel", "handle": "first"}]


def lockup(*rows: Any, kind: str = "VIDEO", **meta: Any) -> dict[str, Any]:
    rows_ = [row if isinstance(row, dict) else {"metadataParts": [{"text": {"content": row}}]} for row in rows]
    box = {"title": {"content": "A title"}, "metadata": {"contentMetadataViewModel": {"metadataRows": rows_}}, **meta}
    return {"contentId": ID, "contentType": f"LOCKUP_CONTENT_TYPE_{kind}", "metadata": {"lockupMetadataViewModel": box}}


def test_the_co_authors_in_lists() -> None:
    tapped = {"text": {"content": "First and 1 more", "commandRuns": [{"onTap": {"innertubeCommand": BOTH}}]}}
    entry = lockup({"metadataParts": [tapped]}, "3 views", "2 days ago")
    byline = {"runs": [{"text": "First and 1 more", "navigationEndpoint": BOTH}]}
    for value in (entry, {"items": [{"videoRenderer": {"videoId": ID, "longBylineText": byline}}]}):
        post = first(value)
        assert (post.author_name, post.author_id, post.extra["co_authors"]) == ("First Channel", FIRST, OTHERS)
    post = first(lockup("Third", "3 views", image=browse(THIRD, "third")))
    assert (post.author_name, post.author_id, post.author_handle) == ("Third", THIRD, "third")


# -- lists ------------------------------------------------------------------------------------------------------------------------


def playlist(*items: dict[str, Any]) -> dict[str, Any]:
    return {"onResponseReceivedActions": [{"appendContinuationItemsAction": {"continuationItems": list(items)}}]}


@pytest.mark.parametrize(
    ("entry", "views", "shown", "date"),
    [
        ({"videoInfo": texts("158K views", " • ", "6 years ago")}, 158_000, "158K views", "6 years ago"),
        ({"videoInfo": texts("33 Tsd. Aufrufe", " • ", "vor 4 Jahren")}, None, "33 Tsd. Aufrufe", "vor 4 Jahren"),
        ({"videoInfo": texts("158K views")}, 158_000, "158K views", None),
        ({"videoInfo": texts("Streamed 3 years ago")}, None, None, "Streamed 3 years ago"),
        ({"viewCountText": texts("1.077.715 visualizaciones")}, 1_077_715, "1.077.715 visualizaciones", None),
        (
            {"shortViewCountText": texts("1.2K views"), "publishedTimeText": texts("1 day ago")},
            1_200,
            "1.2K views",
            "1 day ago",
        ),
        ({"viewCountText": texts("12 watching")}, None, "12 watching", None),
        ({}, None, None, None),
    ],
)
def test_views_and_dates_of_an_entry(
    entry: dict[str, Any], views: int | None, shown: str | None, date: str | None
) -> None:
    post = first(playlist({"playlistVideoRenderer": {"videoId": ID, **entry}}))
    assert (post.views, post.extra.get("views_text")) == (views, shown)
    assert (post.published.literal if post.published else None) == date


MEMBERS = {"badges": [{"badgeViewModel": {"badgeText": "Nur für Mitglieder", "badgeStyle": "BADGE_MEMBERS_ONLY"}}]}
OLDER = [{"metadataBadgeRenderer": {"style": "BADGE_STYLE_TYPE_MEMBERS_ONLY", "label": "Members only"}}]
MARKED = [{"thumbnailOverlayTimeStatusRenderer": {"style": "SHORTS"}}]
LIVE = [{"metadataBadgeRenderer": {"style": "BADGE_STYLE_TYPE_LIVE_NOW", "label": "LIVE"}}]


@pytest.mark.parametrize(
    ("value", "badges", "members", "kind"),
    [
        (lockup("12 hours ago", MEMBERS), ["Nur für Mitglieder"], True, "video"),
        ({"items": [{"videoRenderer": {"videoId": ID, "badges": OLDER}}]}, ["Members only"], True, "video"),
        ({"items": [{"videoRenderer": {"videoId": ID, "badges": LIVE}}]}, ["LIVE"], None, "live"),
        ({"items": [{"videoRenderer": {"videoId": ID, "thumbnailOverlays": MARKED}}]}, None, None, "short"),
        ({"items": [{"reelItemRenderer": {"videoId": ID, "headline": texts("A title")}}]}, None, None, "short"),
        (lockup("12 hours ago"), None, None, "video"),
    ],
)  # fmt: skip
def test_badges_of_an_entry(value: Any, badges: Any, members: bool | None, kind: str) -> None:
    post = first(value)
    assert (post.extra.get("badges"), post.extra.get("members_only"), post.extra["kind"]) == (badges, members, kind)


def test_shorts_with_and_without_a_link() -> None:
    linked = {
        "shortsLockupViewModel": {
            "onTap": {"reelWatchEndpoint": {"videoId": ID}},
            "overlayMetadata": {"primaryText": {"content": "A short"}},
        }
    }
    named = {"shortsLockupViewModel": {"entityId": "shorts-shelf-item-Zh5janSq002"}}
    lost = {"shortsLockupViewModel": {"entityId": "?"}}
    parsed = parse(playlist(linked, named, lost))
    assert [(post.id, post.title) for post in parsed.posts] == [(ID, "A short"), ("Zh5janSq002", None)]
    [census] = parsed.census
    assert (census.raw, census.parsed) == (3, 2), "an entry that is not read is noticed"


def test_entries_that_are_no_videos_are_listed() -> None:
    page = {"contents": {"items": [{"lockupViewModel": lockup()}, {"lockupViewModel": lockup(kind="PLAYLIST")}]}}
    parsed = parse(page)
    assert (len(parsed.posts), [count.agrees for count in parsed.census]) == (1, [True])
    assert parsed.page["other_entries"] == [{"kind": "playlist", "id": ID, "title": "A title"}]
    only = parse({"contents": {"items": [{"lockupViewModel": lockup(kind="PLAYLIST")}]}})
    assert (only.posts, only.reason) == ((), "no videos on this page: what it lists are other things")


def tab(content: dict[str, Any]) -> dict[str, Any]:
    link = {"commandMetadata": {"webCommandMetadata": {"url": "/@first/videos"}}}
    return {
        "contents": {
            "twoColumnBrowseResultsRenderer": {
                "tabs": [{"tabRenderer": {"selected": True, "endpoint": link, "content": content}}]
            }
        }
    }


def test_an_answer_of_no_kind_is_an_unknown_layout() -> None:
    assert str(parse({"contents": {"somethingNew": 1}}).reason).startswith("unknown layout")


def test_an_empty_tab_says_why() -> None:
    parsed = parse(tab({"messageRenderer": {"text": texts("This channel has no videos.")}}))
    assert parsed.reason == "no videos on this page: This channel has no videos."


def test_the_age_gate_of_a_channel() -> None:
    gate = {"channelTitle": "First Channel", "header": texts("Sign in"), "mainText": texts("Maybe not for some.")}
    parsed = parse(tab({"sectionListRenderer": {"contents": [{"channelAgeGateRenderer": gate}]}}))
    assert (parsed.outcome, parsed.reason) == (Outcome.REFUSED, "age-restricted: Sign in: Maybe not for some.")
    assert parsed.absence is not None
    assert (parsed.absence.state, parsed.absence.said) == (Availability.AGE_GATED, "Maybe not for some.")
    assert parsed.page["channel"] == "First Channel"


# -- what is not to be had ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "kind", "by"),
    [
        ("This channel was removed because it violated our Community Guidelines.", "removed by YouTube", "platform"),
        ("This channel has been removed for violations of our policy.", "removed by YouTube", "platform"),
        (
            "This account has been terminated due to severe violations of YouTube's policy.",
            "account terminated",
            "platform",
        ),
        ("This account has been suspended.", "account suspended", "platform"),
        ("This channel was removed.", "removed", None),
        ("This channel does not exist.", "does not exist", None),
        ("This playlist type is unviewable.", "unavailable", None),
        ("This channel is not available in your country.", "geo-blocked", None),
        ("This playlist is private.", "private", "author"),
    ],
)
def test_what_a_red_box_says(said: str, kind: str, by: str | None) -> None:
    parsed = refused([said], {}, None)
    assert parsed.absence is not None
    assert (parsed.absence.kind, parsed.absence.by, parsed.reason) == (kind, by, f"{kind}: {said}")


@pytest.mark.parametrize(
    ("said", "outcome", "state"),
    [
        ("This video is only available to Music Premium members", "refused", "paid"),
        ("This video was removed because it violated our policy", "unavailable", "removed by YouTube"),
        ("This video has been removed for violating YouTube's Terms of Service", "unavailable", "removed by YouTube"),
        ("This video has been removed by the uploader", "unavailable", "removed by the uploader"),
        ("This video is no longer available due to a copyright claim by X", "unavailable", "copyright claim"),
        ("This video is no longer available", "unavailable", "unavailable"),
        ("This content is not available due to a court order", "refused", "withheld for legal reasons"),
        ("Sign in to confirm you’re not a bot", "blocked", "bot wall"),
        ("Etwas, das niemand kennt", "refused", "not playable"),
    ],
)
def test_why_a_video_does_not_play(said: str, outcome: str, state: str) -> None:
    assert playability({"status": "UNPLAYABLE", "reason": said}) == (outcome, f"{state}: {said}", state)


def test_an_age_gate_in_any_language() -> None:
    status = {"status": "LOGIN_REQUIRED", "reason": "Melde dich an", "desktopLegacyAgeGateReason": 1}
    assert playability(status)[2] == "age-restricted"
    assert playability({**status, "reason": "This is a private video"})[2] == "private"
    assert playability({**status, "desktopLegacyAgeGateReason": None})[2] == "login required"


# -- links, clips, and answers without their link -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("embed/videoseries?list=PLx", None),
        ("embed/live_stream?channel=UCx", None),
        ("watch?v=videoseries", None),
        (f"embed/{ID}?rel=0", ID),
        (f"shorts/{ID}", ID),
    ],
)
def test_the_words_of_embeds_are_no_videos(path: str, found: str | None) -> None:
    assert video_id_of(f"https://www.youtube.com/{path}") == found


@pytest.mark.parametrize(
    ("config", "clip"),
    [
        (
            {"postId": "UgkxClip", "startTimeMs": "12000", "endTimeMs": "27500"},
            {"id": "UgkxClip", "start": 12.0, "end": 27.5},
        ),
        ({"postId": "UgkxClip", "startTimeMs": "0"}, {"id": "UgkxClip", "start": 0.0}),
        ({}, None),
    ],
)
def test_a_clip_is_a_part_of_a_video(config: dict[str, Any], clip: Any) -> None:
    post = first({"videoDetails": {"videoId": ID}, "playabilityStatus": {"status": "OK"}, "clipConfig": config})
    assert (post.id, post.extra.get("clip"), post.extra["kind"]) == (ID, clip, "clip" if clip else "video")


@pytest.mark.parametrize(
    "value",
    [
        watch_next(ALONE),
        tab({}),
        {"currentVideoEndpoint": {}},
        playlist(),
        {"header": {"pageHeaderRenderer": {}}},
        {"frameworkUpdates": {}},
    ],
)
def test_answers_are_recognised_without_their_link(value: Any) -> None:
    assert is_youtube(value)
    [reading] = read_bytes(json.dumps(value).encode(), None, "x.json")
    assert reading.parsed.platform == "youtube"


@pytest.mark.parametrize(
    "value", [{"contents": []}, {"contents": {"items": 1}}, {"header": "x"}, {"data": {"user": {}}}, [], 1]
)
def test_other_answers_are_not(value: Any) -> None:
    assert not is_youtube(value)


def test_the_video_of_an_answer_without_its_link() -> None:
    """The button to like names the video that the page is about."""
    assert first(watch_next(ALONE, videoActions={"likeEndpoint": {"target": {"videoId": ID}}})).id == ID


# -- posts of channels ------------------------------------------------------------------------------------------------------------


def picture(name: str) -> dict[str, Any]:
    sizes = [{"url": f"//yt3.ggpht.com/{name}=s{side}", "width": side, "height": side} for side in (288, 1024, 512)]
    return {"backstageImageRenderer": {"image": {"thumbnails": sizes}}}


def posted(box: dict[str, Any], **more: Any) -> dict[str, Any]:
    buttons = {"commentActionButtonsRenderer": {"replyButton": {"buttonRenderer": {"text": {"simpleText": "12"}}}}}
    return {"backstagePostRenderer": {
        "postId": "UgkxPost", "authorText": texts("First Channel"), "authorEndpoint": browse(FIRST, "first"),
        "contentText": texts("The square", " at 12:40"), "publishedTimeText": texts("4 years ago (edited)"),
        "voteCount": {"simpleText": "1.2K"}, "actionButtons": buttons, "backstageAttachment": box, **more,
    }}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "name", "answer", "wanted"),
    [
        ("community post", "UgkxPost", {"items": [{"backstagePostThreadRenderer": {"post": "a post"}}]}, "UgkxPost"),
        ("community post", "UgkxOther", {"items": [{"backstagePostThreadRenderer": {"post": "a post"}}]}, None),
        ("clip", "UgkxClip", None, ID),
        ("clip", "UgkxOther", None, None),
    ],
)
def test_a_page_of_another_clip_or_post_is_not_the_one_asked_for(
    kind: str, name: str, answer: dict[str, Any] | None, wanted: str | None
) -> None:
    config = {"postId": "UgkxClip", "startTimeMs": "0"}
    value: dict[str, Any] = {
        "videoDetails": {"videoId": ID},
        "playabilityStatus": {"status": "OK"},
        "clipConfig": config,
    }
    if answer is not None:
        value = json.loads(json.dumps(tab(answer)).replace('"a post"', json.dumps(posted(picture("a")))))
    variable = "ytInitialPlayerResponse" if answer is None else "ytInitialData"
    body = f"<script>var {variable} = {json.dumps(value)};</script>".encode()
    target = Target("youtube", kind, name, f"https://www.youtube.com/x/{name}")
    seen = next(YouTubeVideo(target=target).watch(HtmlResponse(target.url, body=body)))
    assert (seen.wanted, seen.parsed.outcome) == (frozenset([wanted or name]), None if wanted else Outcome.PARTIAL)


def test_a_post_of_a_channel() -> None:
    page = tab({"items": [{"backstagePostThreadRenderer": {"post": posted(picture("a"), sponsorsOnlyBadge={"x": 1})}}]})
    parsed = parse(page)
    [post] = parsed.posts
    assert (parsed.layout, post.id, post.url) == ("youtube/posts", "UgkxPost", "https://www.youtube.com/post/UgkxPost")
    assert (post.author_name, post.author_id, post.author_handle) == ("First Channel", FIRST, "first")
    assert (post.text, post.likes, post.replies, post.edited) == ("The square at 12:40", 1_200, 12, True)
    assert post.published is not None
    assert (post.published.literal, post.published.value) == ("4 years ago (edited)", None)
    assert (post.extra["kind"], post.extra["members_only"]) == ("community post", True)
    assert [(item.kind, item.url, item.width) for item in post.attachments] == [
        ("photo", "https://yt3.ggpht.com/a=s1024", 1024)
    ]
    assert [count.agrees for count in parsed.census] == [True]


POLL = {
    "choices": [{"text": texts("yes"), "numVotes": "7"}, {"text": texts("no")}],
    "totalVotes": {"simpleText": "1K votes"},
}


@pytest.mark.parametrize(
    ("box", "kinds", "url"),
    [
        (
            {"postMultiImageRenderer": {"images": [picture("a"), picture("b")]}},
            ["photo", "photo"],
            "https://yt3.ggpht.com/a=s1024",
        ),
        ({"pollRenderer": POLL}, ["poll"], None),
        (
            {"videoRenderer": {"videoId": ID, "title": texts("A title")}},
            ["link preview"],
            f"https://www.youtube.com/watch?v={ID}",
        ),
        ({"videoRenderer": {"title": texts("Video unavailable")}}, ["link preview"], None),
        ({"playlistRenderer": {"playlistId": "PLx"}}, ["link preview"], "https://www.youtube.com/playlist?list=PLx"),
        ({"backstageImageRenderer": {}}, ["photo"], None),
        ({"newKindRenderer": {}}, ["unknown"], None),
        ({}, [], None),
    ],
)
def test_what_hangs_on_a_post(box: dict[str, Any], kinds: list[str], url: str | None) -> None:
    parsed = parse(posted(box))
    [post] = parsed.posts
    assert [item.kind for item in post.attachments] == kinds
    assert (post.attachments[0].url if kinds else None) == url
    assert all(item.url or item.reason or item.kind == "poll" for item in post.attachments)


def test_a_poll_keeps_its_choices() -> None:
    [poll] = first(posted({"pollRenderer": POLL})).attachments
    assert poll.extra == {
        "choices": [{"text": "yes", "votes_shown": "7"}, {"text": "no", "votes_shown": None}],
        "votes_text": "1K votes",
    }


def test_a_post_that_shares_another() -> None:
    shared = {"sharedPostRenderer": {
        "postId": "UgkxMine", "displayName": texts("Second Channel"), "endpoint": browse(SECOND, "second"),
        "content": texts("Look"), "originalPost": posted(picture("a")),
    }}  # fmt: skip
    posts = {post.id: post for post in parse(tab({"items": [shared]})).posts}
    assert (posts["UgkxMine"].text, posts["UgkxMine"].quoted_id, posts["UgkxMine"].author_name) == (
        "Look",
        "UgkxPost",
        "Second Channel",
    )
    assert (posts["UgkxPost"].author_name, len(posts["UgkxPost"].attachments)) == ("First Channel", 1)


# -- pages of 2014, and anything at all -------------------------------------------------------------------------------------------

OLD = f"""<html><head><meta property="og:site_name" content="YouTube"></head><body><div itemscope>
<meta itemprop="name" content="The square"><meta itemprop="channelId" content="{FIRST}"><meta itemprop="videoId" content="{ID}">
<meta itemprop="duration" content="PT1H4M1S"><meta itemprop="unlisted" content="False">
<span itemprop="author"><link itemprop="url" href="http://www.youtube.com/user/first"></span></div>
<a class="yt-user-name">First Channel</a><span class="watch-view-count">242,476</span>
<span id="eow-date">Apr 29, 2011</span><p id="eow-description">The square<br>at noon</p></body></html>""".encode()


def test_a_watch_page_of_2014() -> None:
    [reading] = read_bytes(OLD, None, "x.html")
    [post] = reading.parsed.posts
    assert (post.id, post.title, post.text, post.author_name, post.author_id) == (
        ID,
        "The square",
        "The square\nat noon",
        "First Channel",
        FIRST,
    )
    assert (post.views, post.duration, post.extra["channel_url"]) == (
        242_476,
        3841.0,
        "http://www.youtube.com/user/first",
    )
    assert post.published is not None
    assert (post.published.precision, post.published.literal) == ("day", "Apr 29, 2011")
    assert [item.extract_from for item in post.attachments] == [f"https://www.youtube.com/watch?v={ID}"]


def test_a_page_with_nothing_but_its_head_is_no_video() -> None:
    [reading] = read_bytes(
        b'<html><head><meta property="og:site_name" content="YouTube"></head></html>', None, "x.html"
    )
    assert (reading.parsed.platform, reading.parsed.outcome) == ("youtube", Outcome.PARTIAL)


SEEDS: list[Any] = [
    watch_next(SHARED), lockup("First", MEMBERS, "3 views", "2 days ago"),
    playlist({"playlistVideoRenderer": {"videoId": ID, "videoInfo": texts("1 view")}}),
    tab({"items": [posted({"pollRenderer": POLL}), posted({"postMultiImageRenderer": {"images": [picture("a")]}})]}),
    tab({"sectionListRenderer": {"contents": [{"channelAgeGateRenderer": {"mainText": texts("x")}}]}}),
    {"videoDetails": {"videoId": ID}, "playabilityStatus": {"status": "OK"}, "clipConfig": {"startTimeMs": "5"}},
]  # fmt: skip


def test_changed_answers() -> None:
    """No exception; what a field says stands in the bytes; nothing is left without posts, a reason or facts."""
    source = random.Random(23)
    for number in range(1500):
        value = changed_value(SEEDS[number % len(SEEDS)], source)
        data = json.dumps(value).encode()
        parsed = parse_bytes(data, None, NOW)
        assert parsed.posts or parsed.reason or parsed.page or parsed.hints
        for post in parsed.posts:
            json.dumps(post.line())
            assert post.outcome is Outcome.CAPTURED or post.reason
            for text in (post.title, post.author_name, post.author_id, post.author_handle):
                assert text is None or json.dumps(text)[1:-1].encode() in data
        old = parse_bytes(changed_bytes(OLD, source), None, NOW)
        assert old.posts or old.reason
