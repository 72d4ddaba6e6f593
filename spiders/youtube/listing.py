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
from spiders.youtube.absence import ALERTS
from spiders.youtube.links import WATCH
from spiders.youtube.text import PARSER, clock, handle_of, none, shown_count, words

_RENDERERS = (
    "videoRenderer", "gridVideoRenderer", "compactVideoRenderer", "playlistVideoRenderer", "reelItemRenderer",
)  # fmt: skip
_ATOM = {
    "a": "http://www.w3.org/2005/Atom",
    "yt": "http://www.youtube.com/xml/schemas/2015",
    "media": "http://search.yahoo.com/mrss/",
}


def listing(value: dict[str, Any], url: str | None, observed: datetime | None) -> Parsed | None:
    """Parse the videos of a channel or playlist page, or of a single renderer. None where there are none."""
    marks = gather(value, (*_RENDERERS, "lockupViewModel", "shortsLockupViewModel", "continuationItemRenderer"))
    renderers = [item for name in _RENDERERS for item in dicts(marks[name]) if text_of(item.get("videoId"))]
    lockups = dicts(marks["lockupViewModel"]) or ([value] if "contentId" in value else [])
    shorts = [item for item in dicts(marks["shortsLockupViewModel"]) if _short_id(item)]
    raw = len(renderers) + len(lockups) + len(shorts)
    posts = [_renderer(item, observed) for item in renderers] + [_short(item) for item in shorts]
    posts += [post for item in lockups if (post := _lockup(item, observed))]
    if not posts and text_of(value.get("videoId")) and ("title" in value or "thumbnail" in value):
        raw, posts = 1, [_renderer(value, observed)]
    empty = not posts and _tab(value) is not None
    if not posts and not empty:
        return None
    meta = at(value, "metadata", "channelMetadataRenderer") or obj(at(value, "metadata", "playlistMetadataRenderer"))
    page = {
        "channel_id": text_of(at(meta, "externalId")),
        "channel": text_of(at(meta, "title")),
        "description": text_of(at(meta, "description")),
        "handle": _handle(meta),
        "tab": _tab(value),
        "stated_videos": stated(value),
    }
    posts = _with_owner(posts, meta)
    once = {post.id or str(number_): post for number_, post in enumerate(posts)}
    tokens = [
        text_of(inner.get("token"))
        for item in marks["continuationItemRenderer"]
        for key, inner in walk(item)
        if key == "continuationCommand"
    ]
    older = tokens[-1] if tokens else None
    reason = "no videos on this page" if empty else None
    return Parsed(
        platform="youtube",
        layout="youtube/listing",
        posts=tuple(once.values()),
        census=(Census("video entries", raw, len(posts)),),
        older=older,
        reason=reason,
        page={key: item for key, item in page.items() if item},
        parser=PARSER,
    )


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


def _renderer(item: dict[str, Any], observed: datetime | None) -> Post:
    owner = (
        at(item, "ownerText", "runs", 0)
        or at(item, "longBylineText", "runs", 0)
        or at(item, "shortBylineText", "runs", 0)
    )
    browse = at(owner, "navigationEndpoint", "browseEndpoint")
    said = words(item.get("publishedTimeText")) or words(at(item, "videoInfo"))
    starts = number(at(item, "upcomingEventData", "startTime"))
    video_id = str(item["videoId"])
    views = words(item.get("viewCountText"))
    extra = {
        "kind": "upcoming" if starts else "video",
        "scheduled": dates.instant(starts, str(starts), "upcomingEventData").line() if starts else None,  # type: ignore[union-attr]
        "views_text": views,
    }
    return Post(
        platform="youtube", id=video_id, url=WATCH + video_id,
        author_handle=handle_of(text_of(at(browse, "canonicalBaseUrl"))), author_name=words(at(owner, "text")),
        author_id=text_of(at(browse, "browseId")),
        published=dates.ago(said, "publishedTimeText", observed) if said else None,
        title=words(item.get("title")), text=words(item.get("descriptionSnippet")),
        attachments=_still(item.get("thumbnail"), video_id),
        views=shown_count(views) if views and "watching" not in views and "waiting" not in views else None,
        duration=clock(item.get("lengthText")),
        extra={key: value for key, value in extra.items() if value is not None},
    )  # fmt: skip


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


def _lockup(item: dict[str, Any], observed: datetime | None) -> Post | None:
    """`lockupViewModel`: its metadata rows are texts without names; views and dates are told by their words."""
    video_id = text_of(item.get("contentId"))
    kind = text_of(item.get("contentType")) or ""
    if video_id is None or (kind and "VIDEO" not in kind and "SHORT" not in kind):
        return None
    meta = at(item, "metadata", "lockupMetadataViewModel")
    rows = [
        text
        for row in dicts(at(meta, "metadata", "contentMetadataViewModel", "metadataRows"))
        for part in dicts(row.get("metadataParts"))
        if (text := words(part.get("text")))
    ]
    badges = [
        text_of(badge.get("text")) for key, badge in walk(item.get("contentImage")) if key == "thumbnailBadgeViewModel"
    ]
    length = next((clock(badge) for badge in badges if badge and clock(badge) is not None), None)
    views = next((row for row in rows if re.search(r"\bviews?\b", row)), None)
    said = next((row for row in rows if re.search(r"\bago\b", row)), None)
    premiere = next((row for row in rows if re.match(r"(Premieres|Scheduled)\b", row)), None)
    browse = next((inner for key, inner in walk(meta) if key == "browseEndpoint"), None)
    upcoming = "Upcoming" in badges or premiere is not None
    named = (
        rows[0] if rows and rows[0] not in (views, said, premiere) and not re.search(r"\bwaiting\b", rows[0]) else None
    )
    extra = {
        "kind": "upcoming" if upcoming else "live" if "LIVE" in badges else "video",
        "scheduled_shown": premiere,
        "views_text": views,
    }
    return Post(
        platform="youtube",
        id=video_id,
        url=WATCH + video_id,
        author_handle=handle_of(text_of(at(browse, "canonicalBaseUrl"))),
        author_name=named,
        author_id=text_of(at(browse, "browseId")),
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
    return None


def _short(item: dict[str, Any]) -> Post:
    """`shortsLockupViewModel`: a title and a rounded count of views, no date."""
    video_id = _short_id(item)
    assert video_id is not None
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
