"""Lists of videos: channel tabs, playlists, feeds, and the lockups of 2025."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import Any

from lxml import etree

from spiders import dates
from spiders.availability import absence
from spiders.json_access import at, count, dicts, gather, number, obj, text_of, walk
from spiders.posts import Attachment, Census, Outcome, Parsed, Post
from spiders.youtube import community
from spiders.youtube.absence import ALERTS
from spiders.youtube.authors import first_and_others
from spiders.youtube.links import WATCH
from spiders.youtube.text import PARSER, clock, handle_of, none, shown_count, words

_RENDERERS = (
    "videoRenderer", "gridVideoRenderer", "compactVideoRenderer", "playlistVideoRenderer", "reelItemRenderer",
)  # fmt: skip
_MODELS = ("lockupViewModel", "shortsLockupViewModel")
_MEMBERS = re.compile(r"MEMBERS_(?:ONLY|FIRST)")
_STATES = {"LIVE": "live", "SHORTS": "short", "UPCOMING": "upcoming"}
"""Styles of the mark on a picture → what the video is."""
_ATOM = {
    "a": "http://www.w3.org/2005/Atom",
    "yt": "http://www.youtube.com/xml/schemas/2015",
    "media": "http://search.yahoo.com/mrss/",
}


def listing(value: dict[str, Any], url: str | None, observed: datetime | None) -> Parsed | None:
    """Parse the videos and posts of a channel or playlist page, or a single renderer. None where there are none."""
    marks = gather(value, (*_RENDERERS, *community.RENDERERS, *_MODELS, "continuationItemRenderer"))
    told = [item for name in community.RENDERERS for item in dicts(marks[name])]
    inside = {id(inner) for post in told for _, inner in walk(post)}  # a video that a post shows is not one of the list
    entries = {
        name: [item for item in dicts(marks[name]) if id(item) not in inside] for name in (*_RENDERERS, *_MODELS)
    }
    lockups = entries["lockupViewModel"] or ([value] if "contentId" in value else [])
    others = [item for item in lockups if _is_other(item)]
    videos = [_renderer(item, name, observed) for name in _RENDERERS for item in entries[name]]
    videos += [_short(item) for item in entries["shortsLockupViewModel"]]
    videos += [_lockup(item, observed) for item in lockups if not _is_other(item)]
    if not videos and text_of(value.get("videoId")) and ("title" in value or "thumbnail" in value):
        videos = [_renderer(value, "videoRenderer", observed)]
    posts = [post for post in videos if post is not None]
    posted = [post for item in told if (post := community.post_of(item, observed)) is not None]
    if not posts and not posted and not others and _tab(value) is None:
        return None
    census = [Census("video entries", len(videos), len(posts))] if videos or not posted else []
    census += [Census("posts shown", len(told), len(posted))] if told else []
    tokens = [
        text_of(inner.get("token"))
        for item in marks["continuationItemRenderer"]
        for key, inner in walk(item)
        if key == "continuationCommand"
    ]
    meta = at(value, "metadata", "channelMetadataRenderer") or obj(at(value, "metadata", "playlistMetadataRenderer"))
    once = {post.id or str(number_): post for number_, post in enumerate([*_with_owner(posts, meta), *posted])}
    return Parsed(
        platform="youtube",
        layout="youtube/listing" if posts or not posted else "youtube/posts",
        posts=tuple(once.values()),
        census=tuple(census),
        older=tokens[-1] if tokens else None,
        reason=None if once else _nothing(value, bool(others)),
        page=_about(value, meta, others),
        parser=PARSER,
    )


def _about(value: dict[str, Any], meta: Any, others: list[dict[str, Any]]) -> dict[str, Any]:
    """What a page says of itself, and the entries of it that are no videos: playlists, channels, albums."""
    listed = [
        {
            "kind": (text_of(item.get("contentType")) or "").removeprefix("LOCKUP_CONTENT_TYPE_").lower(),
            "id": text_of(item.get("contentId")),
            "title": words(at(item, "metadata", "lockupMetadataViewModel", "title")),
        }
        for item in others
    ]
    page = {
        "channel_id": text_of(at(meta, "externalId")),
        "channel": text_of(at(meta, "title")),
        "description": text_of(at(meta, "description")),
        "handle": _handle(meta),
        "tab": _tab(value),
        "stated_videos": stated(value),
        "other_entries": listed,
    }
    return {key: item for key, item in page.items() if item}


def _nothing(value: dict[str, Any], others: bool) -> str:
    """Why a page lists no video, in YouTube's words where it says so."""
    if others:
        return "no videos on this page: what it lists are other things"
    said = next(
        (text for _, item in walk(value.get("contents")) if (text := words(at(item, "messageRenderer", "text")))), None
    )
    return f"no videos on this page: {said}" if said else "no videos on this page"


def gate(value: dict[str, Any]) -> Parsed | None:
    """Read the page of a channel that is shown to adults only, and only with an account; None for any other."""
    found = next((item for key, item in walk(value.get("contents")) if key == "channelAgeGateRenderer"), None)
    if found is None:
        return None
    parts = [said for name in ("header", "mainText") if (said := words(found.get(name)))]
    meta = obj(at(value, "metadata", "channelMetadataRenderer"))
    page = {"channel": words(found.get("channelTitle")), "channel_id": text_of(meta.get("externalId"))}
    shown = {key: item for key, item in page.items() if item}
    result = none("youtube/age gate", Outcome.REFUSED, ": ".join(["age-restricted", *parts]), **shown)
    return replace(result, absence=absence("age-restricted", parts[-1] if parts else None))


def _with_owner(posts: list[Post], meta: Any) -> list[Post]:
    """A channel's own tab leaves the owner out of each entry."""
    channel_id = text_of(at(meta, "externalId"))
    if channel_id is None:
        return posts
    name, handle = text_of(at(meta, "title")), _handle(meta)
    return [
        replace(
            post,
            author_id=post.author_id or channel_id,
            author_name=post.author_name or name,
            author_handle=post.author_handle or handle,
        )
        for post in posts
    ]


def _handle(meta: Any) -> str | None:
    return handle_of(text_of(at(meta, "vanityChannelUrl")) or text_of(at(meta, "ownerUrls", 0)))


def _renderer(item: dict[str, Any], name: str, observed: datetime | None) -> Post | None:
    """A video's entry. `name`: that of its renderer. None: it names no video."""
    video_id = text_of(item.get("videoId"))
    if video_id is None:
        return None
    owner = item.get("ownerText") or item.get("longBylineText") or item.get("shortBylineText")
    author, others = first_and_others({"title": owner})
    seen, said = _info(item)
    starts = number(at(item, "upcomingEventData", "startTime"))
    whole = words(item.get("viewCountText"))
    views = whole or words(item.get("shortViewCountText")) or seen
    published = words(item.get("publishedTimeText"))
    source = "publishedTimeText" if published else "videoInfo"
    said = published or said
    badges, members = _badges(item)
    style = next(
        (text_of(part.get("style")) for key, part in walk(item.get("thumbnailOverlays")) if key == _TIME), None
    )
    live = any("LIVE" in badge for badge in badges)
    kind = "live" if live else _STATES.get(style or "", "short" if name == "reelItemRenderer" else "video")
    extra = {
        "kind": "upcoming" if starts else kind,
        "scheduled": dates.instant(starts, str(starts), "upcomingEventData").line() if starts else None,  # type: ignore[union-attr]
        "views_text": views,
        "badges": badges or None,
        "members_only": members or None,
        "co_authors": others,
    }
    return Post(
        platform="youtube", id=video_id, url=WATCH + video_id,
        author_handle=author["handle"], author_name=author["name"], author_id=author["id"],
        published=dates.ago(said, source, observed) if said else None,
        title=words(item.get("title")) or words(item.get("headline")), text=words(item.get("descriptionSnippet")),
        attachments=_still(item.get("thumbnail"), video_id),
        views=_seen(views, whole is not None), duration=clock(item.get("lengthText")),
        extra={key: value for key, value in extra.items() if value is not None},
    )  # fmt: skip


_TIME = "thumbnailOverlayTimeStatusRenderer"


def _seen(shown: str | None, whole: bool) -> int | None:
    """How many have seen it. `whole`: in full, which can be read in any language; "33 Tsd. Aufrufe" cannot."""
    if shown is None or re.search(r"\b(?:watching|waiting)\b", shown) or not (whole or re.search(r"\bviews?\b", shown)):
        return None
    return shown_count(shown)


def _info(item: dict[str, Any]) -> tuple[str | None, str | None]:
    """What a playlist says beside a title, `158K views • 6 years ago`: views, and the date. Of two, views come first."""
    rows = [row.strip() for row in (words(item.get("videoInfo")) or "").split("•") if row.strip()]
    if len(rows) == 2:
        return rows[0], rows[1]
    dated = [row for row in rows if re.search(r"\bago\b", row)]
    return next((row for row in rows if row not in dated), None), next(iter(dated), None)


def _badges(*places: Any) -> tuple[list[str], bool]:
    """The words of an entry's badges, and whether one of them says that it is for members."""
    found: dict[str, bool] = {}
    for place in places:
        for key, item in walk(place):
            if key in ("metadataBadgeRenderer", "badgeViewModel"):
                style = text_of(item.get("style")) or text_of(item.get("badgeStyle")) or ""
                label = text_of(item.get("label")) or text_of(item.get("badgeText")) or style
                found[label] = found.get(label, False) or bool(_MEMBERS.search(style))
    return [label for label in found if label], any(found.values())


def _still(thumbnail: Any, video_id: str) -> tuple[Attachment, ...]:
    images = dicts(at(thumbnail, "thumbnails")) or dicts(at(thumbnail, "sources"))
    best = max(images, key=lambda image: count(image.get("width")) or 0, default=None)
    link = text_of(at(best, "url"))
    return (
        (
            Attachment(
                "thumbnail", link, width=count(at(best, "width")), height=count(at(best, "height")), post_id=video_id
            ),
        )
        if link
        else ()
    )


def _is_other(item: dict[str, Any]) -> bool:
    """Whether a lockup is a playlist, a channel or another thing that is no video."""
    kind = text_of(item.get("contentType")) or ""
    return bool(kind) and "VIDEO" not in kind and "SHORT" not in kind


def _lockup(item: dict[str, Any], observed: datetime | None) -> Post | None:
    """`lockupViewModel`: its metadata rows are texts without names; views and dates are told by their words."""
    video_id = text_of(item.get("contentId"))
    if video_id is None:
        return None
    meta = at(item, "metadata", "lockupMetadataViewModel")
    parts = [
        (text, part)
        for row in dicts(at(meta, "metadata", "contentMetadataViewModel", "metadataRows"))
        for part in dicts(row.get("metadataParts"))
        if (text := words(part.get("text")))
    ]
    rows = [text for text, _ in parts]
    marks = [
        text_of(mark.get("text")) for key, mark in walk(item.get("contentImage")) if key == "thumbnailBadgeViewModel"
    ]
    length = next((clock(mark) for mark in marks if mark and clock(mark) is not None), None)
    views = next((row for row in rows if re.search(r"\bviews?\b", row)), None)
    said = next((row for row in rows if re.search(r"\bago\b", row)), None)
    premiere = next((row for row in rows if re.match(r"(Premieres|Scheduled)\b", row)), None)
    named = bool(rows) and rows[0] not in (views, said, premiere) and not re.search(r"\bwaiting\b", rows[0])
    author, others = first_and_others(parts[0][1] if named else None)
    if named and author["name"] is None:
        author = {**author, "name": rows[0]}
    channel, _ = first_and_others(meta) if author["id"] is None and others is None else (author, None)
    badges, members = _badges(meta)
    extra = {
        "kind": "upcoming" if "Upcoming" in marks or premiere is not None else "live" if "LIVE" in marks else "video",
        "scheduled_shown": premiere,
        "views_text": views,
        "badges": badges or None,
        "members_only": members or None,
        "co_authors": others,
    }
    return Post(
        platform="youtube",
        id=video_id,
        url=WATCH + video_id,
        author_handle=channel["handle"],
        author_name=author["name"],
        author_id=channel["id"],
        published=dates.ago(said, "metadataRows", observed) if said else None,
        title=words(at(meta, "title")),
        attachments=_still(at(item, "contentImage", "thumbnailViewModel", "image"), video_id),
        views=shown_count(views) if views else None,
        duration=length,
        extra={key: value for key, value in extra.items() if value is not None},
    )


def _short_id(item: dict[str, Any]) -> str | None:
    for key, inner in walk(item):
        if key == "reelWatchEndpoint" and text_of(inner.get("videoId")):
            return str(inner["videoId"])
    match = re.fullmatch(r"shorts-shelf-item-([\w-]{11})", str(item.get("entityId")), re.ASCII)
    return match[1] if match else None


def _short(item: dict[str, Any]) -> Post | None:
    """`shortsLockupViewModel`: a title and a rounded count of views, no date."""
    video_id = _short_id(item)
    if video_id is None:
        return None
    views = words(at(item, "overlayMetadata", "secondaryText"))
    return Post(
        platform="youtube",
        id=video_id,
        url=WATCH + video_id,
        title=words(at(item, "overlayMetadata", "primaryText")),
        attachments=_still(at(item, "thumbnail"), video_id),
        views=shown_count(views) if views else None,
        extra={"kind": "short", **({"views_text": views} if views else {})},
    )


def _tab(value: dict[str, Any]) -> str | None:
    """Which tab of a channel the page shows: a tab that a channel does not have is answered with another."""
    for key, item in walk(value.get("contents")):
        if key == "tabRenderer" and item.get("selected") is True:
            link = text_of(at(item, "endpoint", "commandMetadata", "webCommandMetadata", "url")) or ""
            return link.rpartition("/")[2] or None
    return None


def stated(value: dict[str, Any]) -> int | None:
    """Return how many videos the channel or playlist says it has, where it says so exactly."""
    for place in ("header", "sidebar"):
        for _, item in walk(value.get(place)):
            for shown in (item.get("numVideosText"), item.get("content"), item.get("text"), item):
                said = words(shown) if isinstance(shown, dict | str) else None
                if said and (match := re.fullmatch(r"(\d{1,3}(?:,\d{3})*) videos?", said)):
                    return int(match[1].replace(",", ""))
    return None


def refused(said: list[str], value: dict[str, Any], url: str | None) -> Parsed:
    """Make the result for a page that answers 200 and says in a box that there is nothing.

    Such as a terminated channel or a missing playlist.
    """
    known = ALERTS.first_in(said[0])
    outcome, state = (known.outcome, known.meaning) if known else (Outcome.UNAVAILABLE, "unavailable")
    channel = next(
        (text_of(item.get("channelId")) for _, item in walk(value.get("header")) if item.get("channelId")), None
    )
    page = {"channel_id": channel} if channel else {}
    found = none("youtube/alert", outcome, f"{state}: {said[0]}", **page)
    return replace(found, absence=absence(state, said[0]))


def feed(data: bytes) -> Parsed:
    """Parse a channel's Atom feed: its fifteen newest videos. The feed's own `yt:channelId` lacks its `UC`."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        root = None
    if root is None:
        return none("youtube/feed", Outcome.PARTIAL, "malformed XML")

    posts = [post for entry in root.iterfind("a:entry", _ATOM) if (post := _entry(entry)) is not None]
    channel = _text(root, "yt:channelId")
    page = {
        "channel": _text(root, "a:title"),
        "channel_id": f"UC{channel}" if channel and not channel.startswith("UC") else channel,
        "channel_created": dates.iso(created, "published").text() if (created := _text(root, "a:published")) else None,
    }
    census = Census("<entry>", len(re.findall(rb"<entry[\s>]", data)), len(posts))
    facts = {key: value for key, value in page.items() if value}
    if not posts:
        return Parsed(
            platform="youtube",
            layout="youtube/feed",
            posts=(),
            census=(census,),
            reason="a feed without entries",
            page=facts,
            parser=PARSER,
        )
    return Parsed(
        platform="youtube", layout="youtube/feed", posts=tuple(posts), census=(census,), page=facts, parser=PARSER
    )


def _entry(entry: Any) -> Post | None:
    """A video of a feed."""
    video_id = _text(entry, "yt:videoId")
    if video_id is None:
        return None
    link = entry.find("a:link[@rel='alternate']", _ATOM)
    href = link.get("href") if link is not None else None
    published, updated = _text(entry, "a:published"), _text(entry, "a:updated")
    statistics = entry.find("media:group/media:community/media:statistics", _ATOM)
    rating = entry.find("media:group/media:community/media:starRating", _ATOM)
    extra = {
        "kind": "short" if href and "/shorts/" in href else "video",
        "link_in_feed": href,
        "updated": dates.iso(updated, "updated").line() if updated else None,
    }
    still = entry.find("media:group/media:thumbnail", _ATOM)
    thumbnail = {"thumbnails": [dict(still.attrib)]} if still is not None else None
    return Post(
        platform="youtube",
        id=video_id,
        url=WATCH + video_id,
        author_handle=handle_of(_text(entry, "a:author/a:uri")),
        author_name=_text(entry, "a:author/a:name"),
        author_id=_text(entry, "yt:channelId"),
        published=dates.iso(published, "published") if published else None,
        title=_text(entry, "a:title"),
        text=_text(entry, "media:group/media:description"),
        attachments=_still(thumbnail, video_id),
        views=count(statistics.get("views")) if statistics is not None else None,
        likes=count(rating.get("count")) if rating is not None else None,
        extra={key: value for key, value in extra.items() if value is not None},
    )


def _text(node: Any, path: str) -> str | None:
    found = node.findtext(path, None, _ATOM)
    return found.strip() or None if found else None
